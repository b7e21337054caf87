import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from keras_sparse import SparseAutoencoder
from keras_sparse.data.arrays import DataError
from keras_sparse.data.shards import Shards
from keras_sparse.data.tables import Table
from keras_sparse.experiments import fitting, run, run_folder
from keras_sparse.metrics.run_diagnosis import diagnose_record
from keras_sparse.models import budget
from keras_sparse.models.settings import Settings
from keras_sparse.training.failures import TrainingError
from keras_sparse_export import Encoder

SMALL = Settings(code_dim=4, strength=1e-4, epochs=2, batch_size=64)


@pytest.fixture
def file(rows: np.ndarray, tmp_path: Path) -> Path:
    np.savez(tmp_path / "x.npz", x=rows, y=np.arange(400) % 2)
    return tmp_path / "x.npz"


def test_a_run_keeps_everything(file: Path, tmp_path: Path, rows: np.ndarray) -> None:
    out = tmp_path / "runs" / "first"
    found = run.train(str(file), str(out), SMALL)
    assert {path.name for path in out.iterdir()} == {
        "model.keras", "history.csv", "run.json", "held_out.npy", "encoder", "units.npz",
        "checkpoint",
    }  # fmt: skip
    record = json.loads((out / "run.json").read_text())
    assert record["settings"]["epochs"] == 2
    assert record["settings"]["normalization"] in ("center", "standard")
    assert record["settings"]["learning_rate"] == pytest.approx(found.model.chosen_rate, rel=1e-2)
    assert record["chosen"] == ["learning_rate", "normalization", "sparsity"]
    assert record["rows"] == {"train": 360, "validation": 0, "held_out": 40}
    assert record["probes"].keys() >= {"raw", "pca", "codes", "untrained", "standard_errors"}
    assert (record["probes"]["rows"], record["probes"]["folds"]) == (400, 5)
    assert record["duplicates"] == 0
    assert record["probes"] == json.loads(json.dumps(found.probes))
    assert record["versions"]["keras"] == keras.__version__
    assert record["row_shape"] == [12]
    assert record["columns"] is None
    with np.load(out / "units.npz") as curves:
        assert curves["epoch"].tolist() == [1, 2]
        codes = found.model.encode(found.held_out)
        np.testing.assert_allclose(curves["density"][-1], (codes > 0).mean(0), rtol=1e-5)
    with (out / "history.csv").open() as stream:
        history = list(csv.DictReader(stream))
    assert [row["epoch"] for row in history] == ["1", "2"]
    assert float(history[-1]["val_loss"]) == pytest.approx(found.history["val_loss"][-1])
    held_out = np.load(out / "held_out.npy")
    model = keras.saving.load_model(out / "model.keras")
    encoder = Encoder(out / "encoder")
    encoder.verify()
    np.testing.assert_allclose(encoder.encode(held_out), model.encode(held_out), atol=1e-5)
    kept = {row.tobytes() for row in held_out}
    assert len(kept & {row.tobytes() for row in rows}) == 40


@pytest.mark.slow
def test_the_same_seed_gives_the_same_run(file: Path, tmp_path: Path) -> None:
    first, second = (run.train(file, tmp_path / name, SMALL) for name in "ab")
    assert first.history == second.history
    np.testing.assert_array_equal(first.held_out, second.held_out)
    other = run.train(file, tmp_path / "c", Settings(**{**vars(SMALL), "seed": 1}))
    assert not np.array_equal(first.held_out, other.held_out)


def test_a_planned_training_keeps_its_best_weights_and_is_another_than_that_of_its_epochs(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "STEPS", 40)
    monkeypatch.setattr(budget, "MOST_MIXED", 450)
    planned = Settings(code_dim=8)
    found = run.train(file, tmp_path / "run", planned)
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["plan"] == {"epochs": 3, "batch_size": 32, "patience": None, "mixed": 50}
    assert (record["settings"]["l0"], record["settings"]["epochs"]) == (2, 3)
    assert found.evaluation.l0 == pytest.approx(2, abs=0.1)
    assert run.is_complete(file, tmp_path / "run", planned)
    with pytest.raises(FileExistsError, match="with mixed: 50 there, 0 here"):
        run.is_complete(file, tmp_path / "run", Settings(code_dim=8, epochs=3))
    monkeypatch.setattr(budget, "FEW_EPOCHS", 2)
    found = fitting.fit(None, Table(np.load(file)["x"], None), planned)
    assert found.best_epoch == 1 + int(np.argmin(found.history["val_loss"]))
    with pytest.raises(ValueError, match=r"`warm_up`\. Expected at most the 3 epochs"):
        fitting.fit(None, Table(np.load(file)["x"], None), Settings(strength=0.1, warm_up=4))


@pytest.mark.slow
def test_a_controller_that_has_not_reached_its_l0_is_told_with_what_helps(
    file: Path, tmp_path: Path
) -> None:
    settings = Settings(code_dim=24, sparsity="l1", l0=2, epochs=2)
    found = run.train(file, tmp_path / "run", settings, baselines="none")
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    (problem,) = [each for each in diagnose_record(record, {}) if each.name == "l0"]
    assert (
        problem.finding == f"{found.evaluation.l0:.3g} units are active per row; 2 were asked for"
    )
    assert problem.remedy.startswith("more epochs (--epochs ")
    assert "codes by count (--sparsity refined)" in problem.remedy
    assert record["baselines"] == []
    assert record["probes"].keys() & {"raw", "untrained"} == set()


@pytest.mark.one_backend
@pytest.mark.slow
def test_a_training_that_is_too_short_says_how_long_and_then_says_nothing(
    rows: np.ndarray, tmp_path: Path
) -> None:
    np.save(tmp_path / "x.npy", rows)
    settings = Settings(
        code_dim=24, sparsity="l1", strength=1e-3, epochs=8, learning_rate=2e-3, batch_size=32
    )
    first = run.train(tmp_path / "x.npy", tmp_path / "first", settings, baselines="none")
    assert first.falling is not None
    record = json.loads((tmp_path / "first" / "run.json").read_text())
    assert record["falling"] == first.falling.as_dict()
    (problem,) = [each for each in diagnose_record(record, {}) if each.name == "falling"]
    assert problem.remedy == f"more epochs (--epochs {first.falling.epochs})"
    longer = replace(settings, epochs=first.falling.epochs)
    again = fitting.fit(None, Table(rows, None), longer, baselines="none")
    assert again.history["val_loss"][-1] < 0.9 * first.history["val_loss"][-1]
    assert again.falling is None or again.falling.fall < first.falling.fall / 2


@pytest.mark.one_backend
def test_groups_are_held_out_whole_and_probed_apart(
    rows: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups = np.arange(400) // 20
    np.savez(tmp_path / "x.npz", x=rows[groups], y=groups % 2, who=groups)
    found = run.train(tmp_path / "x.npz", tmp_path / "run", SMALL, groups="who")
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["options"]["groups"] == "who"
    assert (record["rows"]["held_out"], record["duplicates"]) == (40, 0)  # all 20 of a group
    assert found.probe is not None
    assert (found.probe.groups, found.probe.rows, found.probe.folds) == (20, 400, 5)
    assert run.is_complete(tmp_path / "x.npz", tmp_path / "run", SMALL, groups="who")
    with pytest.raises(FileExistsError, match='groups: "who" there, null here'):
        run.is_complete(tmp_path / "x.npz", tmp_path / "run", SMALL)
    monkeypatch.setattr("keras_sparse.evaluation.probe_design.FEW_ROWS", 400)
    table = Table(rows[groups], groups % 2)
    alone = fitting.fit(None, table, SMALL)
    assert alone.duplicates == 40
    assert alone.probe is not None
    assert (alone.probe.rows, alone.probe.folds) == (40, None)


def test_no_row_is_kept_where_none_is_wanted(file: Path, tmp_path: Path) -> None:
    run.train(file, tmp_path / "run", SMALL, golden="synthetic")
    assert not (tmp_path / "run" / "held_out.npy").exists()
    assert Encoder(tmp_path / "run" / "encoder").verify().golden == "synthetic"


@pytest.mark.usefixtures("no_staging")
def test_a_training_that_diverges_writes_nothing(file: Path, tmp_path: Path) -> None:
    settings = Settings(**{**vars(SMALL), "learning_rate": 1e30, "epochs": 5})
    with pytest.raises(TrainingError, match="Remedy: reduce the learning rate"):
        run.train(file, tmp_path / "run", settings)
    assert not (tmp_path / "run").exists()


@pytest.mark.one_backend
@pytest.mark.slow
@pytest.mark.usefixtures("no_staging")
def test_an_existing_run_is_replaced_when_asked_and_only_by_a_whole_one(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    run.train(file, out, SMALL)
    before = (out / "run.json").read_bytes()
    with pytest.raises(FileExistsError, match="Remedy: overwrite=True"):
        run.train(file, out, SMALL)

    def fail(*args: Any) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(run_folder, "_write_history", fail)
        with pytest.raises(OSError, match="disk full"):
            run.train(file, out, SMALL, overwrite=True)
    assert (out / "run.json").read_bytes() == before
    run.train(file, out, Settings(**{**vars(SMALL), "seed": 3}), overwrite=True)
    assert json.loads((out / "run.json").read_text())["settings"]["seed"] == 3


def test_one_held_out_row_has_no_variance_to_explain(tmp_path: Path, rows: np.ndarray) -> None:
    np.save(tmp_path / "x.npy", rows[:8])
    run.train(tmp_path / "x.npy", tmp_path / "run", SMALL)
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["evaluation"]["explained_variance"] is None


@pytest.mark.slow
def test_a_folder_of_shards_is_trained_on_from_disk(
    tmp_path: Path, rows: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x").mkdir()
    for index, part in enumerate(np.split(rows.reshape(400, 3, 4), 4)):
        np.save(tmp_path / "x" / f"{index}.npy", part)
    given: list[Any] = []
    adapt = SparseAutoencoder.adapt

    def noted(model: SparseAutoencoder, x: Any) -> None:
        given.append(x)
        adapt(model, x)

    monkeypatch.setattr(SparseAutoencoder, "adapt", noted)
    settings = Settings(**{**vars(SMALL), "revive": 1})
    found = run.train(tmp_path / "x", tmp_path / "run", settings)
    assert isinstance(given[0], Shards)
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["rows"] == {"train": 360, "validation": 0, "held_out": 40}
    assert (record["data"], record["row_shape"]) == ("x", [3, 4])
    together = np.concatenate([given[0][:], found.held_out])
    np.testing.assert_array_equal(np.unique(together, axis=0), np.unique(rows, axis=0))
    np.testing.assert_allclose(found.model.scale(given[0][:]).mean(axis=0), 0, atol=1e-5)
    assert len(found.history["revived_units"]) == 2
    Encoder(tmp_path / "run" / "encoder").verify()
    again = run.train(tmp_path / "x", tmp_path / "again", settings)
    assert again.history == found.history


@pytest.mark.usefixtures("no_staging")
def test_a_bad_row_of_a_shard_is_found_before_the_training(
    tmp_path: Path, rows: np.ndarray
) -> None:
    rows[205, 3] = np.nan
    (tmp_path / "x").mkdir()
    for index, part in enumerate(np.split(rows, 4)):
        np.save(tmp_path / "x" / f"{index}.npy", part)
    with pytest.raises(DataError, match=r"NaN or infinity in row 5 of 2.npy"):
        run.train(tmp_path / "x", tmp_path / "run", SMALL)
    assert not (tmp_path / "run").exists()
    for index in range(1, 4):
        (tmp_path / "x" / f"{index}.npy").unlink()
    np.save(tmp_path / "x" / "0.npy", rows[:2])
    with pytest.raises(DataError, match="at least 2 rows to train on beside the held-out ones"):
        run.train(tmp_path / "x", tmp_path / "run", SMALL)
