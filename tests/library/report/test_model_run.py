from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_sparse import KL, L1, SparseAutoencoder
from keras_sparse.data.arrays import DataError
from keras_sparse.evaluation.held_out import evaluate
from keras_sparse.report.model_run import make_run
from keras_sparse.report.write import write_report

X = np.random.default_rng(0).random((120, 6))


@pytest.fixture(scope="module")
def model() -> SparseAutoencoder:
    model = SparseAutoencoder(6, 8, target_l0=2)
    model.columns = list("abcdef")
    model.compile()
    model.fit(X[:80], epochs=2, verbose=0)
    return model


def test_a_page_about_a_model_and_rows(model: SparseAutoencoder, tmp_path: Path) -> None:
    out = write_report(model, tmp_path / "page.html", x=X[80:])
    assert out == tmp_path / "page.html"
    text = out.read_text("utf-8")
    explained = evaluate(model, X[80:]).explained_variance
    for words in (f"{explained:.3f}", "on 40 held-out rows", "8 units", "L0 2", "2 epochs"):
        assert words in text
    assert "is missing" not in text
    hidden = write_report(model, out, x=X[80:], rows=False).read_text("utf-8")
    assert "contains no data rows" in hidden


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"sparsity": KL(0.1, 0.3)}, {"sparsity": "kl", "strength": 0.3, "rho": 0.1, "l0": None}),
        ({"sparsity": L1(), "target_l0": 3}, {"sparsity": "l1", "strength": None, "l0": 3}),
        ({"sparsity": "topk", "target_l0": 3}, {"sparsity": "topk", "l0": 3}),
        ({"target_l0": 3}, {"sparsity": "refined", "l0": 3}),
        ({"sparsity": None}, {"sparsity": "none", "l0": None}),
    ],
)
def test_a_model_knows_its_sparsity(arguments: dict[str, Any], expected: dict[str, Any]) -> None:
    model = SparseAutoencoder(6, 8, normalization=None, **arguments)
    run = make_run(model, X)
    settings = {name: run.record["settings"][name] for name in expected}
    assert settings == pytest.approx(expected)
    assert run.history == {}


def test_rows_come_with_a_model_and_only_with_one(model: SparseAutoencoder, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"`x`. Expected rows with a model.*Received: None"):
        write_report(model, tmp_path / "page.html")
    with pytest.raises(ValueError, match=r"`x`. Expected .* None with a folder. Received: ndarray"):
        write_report(tmp_path, tmp_path / "page.html", x=X)
    with pytest.raises(ValueError, match=r"`out`. Expected a file to write"):
        write_report(model, x=X)
    with pytest.raises(DataError, match=r"`x`"):
        write_report(model, tmp_path / "page.html", x=X[:, :3])
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=r"`out`"):
        write_report(model, tmp_path / "mine.txt", x=X)
    assert [*tmp_path.iterdir()] == [tmp_path / "mine.txt"]
