import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import scipy.stats

from keras_sparse import KL, SparseAutoencoder
from keras_sparse_export import Encoder, export_encoder
from keras_sparse_export.cli import drift, main
from keras_sparse_export.runtime import onnx_model

pytestmark = pytest.mark.one_backend


@pytest.fixture(scope="module")
def model() -> SparseAutoencoder:
    keras.utils.set_random_seed(0)  # this fixture is made before that of each test
    return SparseAutoencoder(4, 3, sparsity=KL(), normalization=None)


def run(*arguments: Any) -> int:
    return main.main([str(argument) for argument in arguments])


def test_drift_is_an_exit_status(
    model: SparseAutoencoder,
    rng: np.random.Generator,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bundle = export_encoder(model, tmp_path / "sampled", sample=rng.normal(size=(1000, 4)))
    np.save(tmp_path / "same.npy", rng.normal(size=(300, 4)))
    np.save(tmp_path / "other.npy", rng.normal(size=(300, 4)) + 2)
    assert run("drift", bundle, tmp_path / "same.npy", "--batch-rows", "100") == 0
    *batches, verdict = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in batches] == [
        "rows 0 to 99",
        "rows 100 to 199",
        "rows 200 to 299",
    ]
    assert verdict == "0 of 3 batches above the threshold, 0.03 expected by chance: no drift"
    assert run("drift", bundle, tmp_path / "other.npy") == 1
    assert capsys.readouterr().out.splitlines()[-1].startswith("Rows must be independent draws.")
    assert run("drift", bundle, tmp_path / "other.npy", "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert found["drifted"] is True
    (batch,) = found["batches"]  # 44 rows do not fill another
    assert batch["rows"] == 256
    assert batch["score"] > batch["threshold"]
    assert set(batch["units"]) == {"0", "1", "2"}
    assert set(batch["columns"]) == {"0", "1", "2", "3"}


def test_columns_that_moved_most_are_named(
    model: SparseAutoencoder,
    rng: np.random.Generator,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    names = ["heat", "a\x1b[2J", "flow", "load"]
    sample = rng.normal(size=(1000, 4))
    bundle = export_encoder(model, tmp_path / "named", sample=sample, columns=names)
    np.save(tmp_path / "other.npy", rng.normal([0, 0, 3, 0], size=(300, 4)))
    assert run("drift", bundle, tmp_path / "other.npy") == 1
    line, *_ = capsys.readouterr().out.splitlines()
    assert "; columns that moved most: 'flow' (+" in line
    assert "; units that moved most: " in line
    assert "\x1b" not in line
    run("drift", bundle, tmp_path / "other.npy", "--json")
    (batch,) = json.loads(capsys.readouterr().out)["batches"]
    assert next(iter(batch["columns"])) == "flow"


def test_rows_that_overflow_are_named_by_their_place_in_the_file_or_skipped(
    model: SparseAutoencoder,
    rng: np.random.Generator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bundle = export_encoder(model, tmp_path / "sampled", sample=rng.normal(size=(1000, 4)))
    rows = rng.normal(size=(300, 4))
    bad = [120, 150, 199]
    kernel = model.encoder.get_weights()[-2]
    rows[bad] = 3e38 * np.sign(kernel[:, 0])
    np.save(tmp_path / "rows.npy", rows)
    arguments = ("drift", bundle, tmp_path / "rows.npy", "--batch-rows", "100")
    assert run(*arguments) == 2
    assert capsys.readouterr().err.strip().endswith("results of rows 120, 150, 199")
    rows[3] = np.nan  # moves the batches by one row
    np.save(tmp_path / "rows.npy", rows)
    monkeypatch.setattr(onnx_model, "CHUNK_VALUES", 1)
    monkeypatch.setattr(onnx_model, "CHUNK_ROWS", 40)
    run(*arguments, "--on-bad", "skip", "--json")
    first, second = json.loads(capsys.readouterr().out)["batches"]
    good = np.delete(rows, [3, *bad], axis=0)
    assert (first["rows"], second["rows"]) == (100, 97)
    assert second["score"] == pytest.approx(Encoder(bundle).drift(good[100:197]).score, rel=1e-6)


def test_one_batch_of_many_above_the_threshold_is_chance() -> None:
    for batches in (1, 2, 15, 100):
        for count in range(min(batches, 9) + 1):
            assert drift._compute_tail(count, batches, 0.01) == pytest.approx(
                scipy.stats.binom.sf(count - 1, batches, 0.01), abs=1e-12
            )
    assert drift._compute_tail(10_500, 10**6, 0.01) == pytest.approx(
        scipy.stats.binom.sf(10_499, 10**6, 0.01), rel=0.01
    )


def test_drift_asks_for_a_sample_and_enough_rows(
    model: SparseAutoencoder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = export_encoder(model, tmp_path / "bundle")
    np.save(tmp_path / "x.npy", np.ones((300, 4)))
    assert run("drift", bundle, tmp_path / "x.npy") == 2
    assert "exported without a sample" in capsys.readouterr().err
    assert run("drift", bundle, tmp_path / "x.npy", "--batch-rows", "0") == 2
    assert "`--batch-rows`. Expected a positive integer" in capsys.readouterr().err


def test_rows_come_from_any_source_in_whole_batches(
    model: SparseAutoencoder,
    rng: np.random.Generator,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bundle = export_encoder(model, tmp_path / "sampled", sample=rng.normal(size=(1000, 4)))
    rows = rng.normal(size=(5000, 4))
    np.save(tmp_path / "rows.npy", rows)
    np.savetxt(tmp_path / "rows.csv", rows, delimiter=",")
    found = []
    for name in ("rows.npy", "rows.csv"):
        run("drift", bundle, tmp_path / name, "--batch-rows", "1500", "--json")
        found.append(json.loads(capsys.readouterr().out)["batches"])
    assert [batch["rows"] for batch in found[0]] == [1500] * 3
    for npy, csv in zip(*found, strict=True):
        assert csv["score"] == pytest.approx(npy["score"], rel=1e-4)
    (tmp_path / "bad.csv").write_text("1,2,3,4\n1,two,3,4\n")
    assert run("drift", bundle, tmp_path / "bad.csv") == 2
    assert "'two' in column 1 (row 1)" in capsys.readouterr().err
    rows[7, 2] = np.nan
    np.save(tmp_path / "rows.npy", rows)
    assert run("drift", bundle, tmp_path / "rows.npy") == 2
    assert "NaN or infinity at position 2 of the row (row 7)" in capsys.readouterr().err
    run(
        "drift", bundle, tmp_path / "rows.npy", "--batch-rows", "4999", "--on-bad", "skip", "--json"
    )
    (batch,) = json.loads(capsys.readouterr().out)["batches"]
    good = np.delete(rows, 7, axis=0)
    assert batch["score"] == pytest.approx(Encoder(bundle).drift(good).score, rel=1e-6)
    (tmp_path / "none.csv").write_text("a,b,c,d\n")
    assert run("drift", bundle, tmp_path / "none.csv") == 2
    assert "Received: none" in capsys.readouterr().err
