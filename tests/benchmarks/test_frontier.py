"""Test the comparison of `quality.frontier` on few rows, its references and its results on disk."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.svm import LinearSVC

from keras_sparse.training.model.learning_rate import DECAY_BY_COUNT, trapezoid
from quality.frontier import command, linear_svm, store, table
from quality.frontier.measure import share_of_peak
from references import scalar

JOB = store.Job("digits", "topk", 8, 0)


def run(out: Path, *arguments: str) -> None:
    small = ("--l0", "8", "--seeds", "0", "--rows", "120", "--epochs", "1", "--rates", "1")
    command.main(["--out", str(out), *small, *arguments])


@pytest.mark.one_backend
@pytest.mark.slow
def test_a_run_writes_each_point_once_and_prints_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(tmp_path, "--methods", "pca,batch_topk,default")
    names = ["digits pca 8 0", "digits batch_topk 8 0", "digits default 8 0"]
    assert capsys.readouterr().out.splitlines() == names
    run(tmp_path, "--methods", "pca,batch_topk,default")
    assert capsys.readouterr().out == ""
    run(tmp_path, "--table")
    rows = capsys.readouterr().out.splitlines()
    assert rows[2].startswith("| PCA, the L0 largest scores | 0.7898 | 0.7898 | 8.0 | ")
    assert rows[3].startswith("| BatchTopK | ")
    assert rows[4].startswith("| `SparseAutoencoder(target_l0=)` and nothing else | ")
    with pytest.raises(SystemExit, match=r"Expected results of these settings.*another --out"):
        run(tmp_path, "--methods", "pca", "--batch", "32")


@pytest.mark.one_backend
def test_processes_share_a_folder(tmp_path: Path) -> None:
    def compute() -> dict[str, Any]:
        assert not store.run_once(JOB, tmp_path, {}, compute)  # it is being computed
        return {"result": 1}

    lock = JOB.path(tmp_path).with_suffix(".lock")
    lock.parent.mkdir()
    lock.write_text(str(2**22 + 1))  # of a process that has ended
    assert store.run_once(JOB, tmp_path, {}, compute)
    assert not store.run_once(JOB, tmp_path, {}, compute)
    assert [record["result"] for record in store.read(tmp_path)] == [1]
    assert [path.suffix for path in lock.parent.iterdir()] == [".json"]
    JOB.path(tmp_path).unlink()
    lock.write_text(str(os.getpid()))
    assert not store.run_once(JOB, tmp_path, {}, compute)


@pytest.mark.one_backend
def test_the_table_has_means_and_standard_errors() -> None:
    def record(seed: int, explained: float) -> dict[str, Any]:
        result = dict.fromkeys(table.COLUMNS, 2.0) | {"explained": explained}
        return {"data": "digits", "l0": 8, "method": "topk", "seed": seed, "result": result}

    text = table.format_tables(json.loads(json.dumps([record(0, 0.8), record(1, 0.9)])))
    assert text.splitlines()[2].startswith("| TopK | 0.8500 ± 0.0500 | 2.0000 ± 0.0000 | 2.0 ± 0.0")


def test_references_have_the_schedule_of_our_families_by_count() -> None:
    for steps in (3, 40):
        for step in range(steps):
            expected = scalar(trapezoid(step, steps, DECAY_BY_COUNT))
            assert share_of_peak(step, steps) == pytest.approx(expected, rel=1e-6)


@pytest.mark.one_backend
def test_references_leave_the_units_active_that_their_papers_do() -> None:
    torch = pytest.importorskip("torch")
    from quality.frontier import references

    torch.manual_seed(0)
    z = torch.randn(50, 12)
    positive = z.relu().numpy()
    top = references.TopK(6, 12, 3, 10).activate(z, True).numpy()
    kept = np.sort(positive, axis=1)[:, -3:]
    np.testing.assert_array_equal(np.sort(top, axis=1)[:, -3:], kept)
    assert (np.sort(top, axis=1)[:, :-3] == 0).all()

    model = references.BatchTopK(6, 12, 3, 10)
    smallest = np.sort(positive, axis=None)[-150]
    np.testing.assert_array_equal(
        model.activate(z, True).numpy(), positive * (positive >= smallest)
    )
    active = model.activate(z, False).numpy() != 0
    np.testing.assert_array_equal(active, positive > smallest * (1 + 1e-6))

    model = references.JumpReLU(6, 12, 3, 10)
    np.testing.assert_array_equal(model.activate(z, True).detach(), positive * (positive > 0.01))
    z = torch.tensor([[0.011, 0.02, 0.06]])
    threshold = torch.full((3,), 0.01, requires_grad=True)
    references._Jump.apply(z, threshold).sum().backward()
    np.testing.assert_allclose(threshold.grad, [-0.2, -0.2, 0], rtol=1e-6)
    threshold.grad = None
    references._Step.apply(z, threshold).sum().backward()
    np.testing.assert_allclose(threshold.grad, [-20, -20, 0], rtol=1e-6)


@pytest.mark.one_backend
def test_the_auxiliary_loss_is_the_error_that_dead_units_leave() -> None:
    torch = pytest.importorskip("torch")
    from quality.frontier import references

    torch.manual_seed(0)
    model = references.TopK(6, 12, 3, 1)
    z, codes, error = torch.randn(20, 12), torch.zeros(20, 12), torch.randn(20, 6)
    codes[:, :9] = 1
    assert model.extra_loss(error, z, codes, error).item() == 0  # no unit is silent for an epoch
    found = model.extra_loss(error, z, codes, error).item()
    explained = z[:, 9:].relu().numpy() @ model.decoder[9:].detach().numpy()
    left = np.square(explained - error.numpy()).mean() / np.square(error.numpy()).mean()
    assert found == pytest.approx(left / 32, rel=1e-5)


@pytest.mark.one_backend
def test_the_strength_of_an_svm_is_chosen_on_the_last_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = load_digits(return_X_y=True)
    x = x / 16
    monkeypatch.setattr(linear_svm, "VALIDATION", 300)
    accuracy, validation, strength = linear_svm.measure_accuracy(
        x[:1200], y[:1200], (x[1200:], y[1200:])
    )
    scores = {
        c: LinearSVC(C=c, random_state=0).fit(x[:900], y[:900]).score(x[900:1200], y[900:1200])
        for c in linear_svm.STRENGTHS
    }
    assert (validation, strength) == (max(scores.values()), max(scores, key=lambda c: scores[c]))
    best = LinearSVC(C=strength, random_state=0).fit(x[:1200], y[:1200])
    assert accuracy == best.score(x[1200:], y[1200:])
