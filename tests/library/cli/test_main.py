import csv
import io
import json
import shutil
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import listeners
from keras_sparse import L1, SparseAutoencoder
from keras_sparse.cli import main as cli
from keras_sparse.cli.arguments import BACKENDS
from keras_sparse.data.arrays import DataError
from keras_sparse.experiments.sweeps.frontier import RecommendationError
from keras_sparse.training.checkpoint.storage import CheckpointError
from keras_sparse.training.failures import TrainingError
from keras_sparse_export import Encoder
from keras_sparse_export.cli import main as export_cli
from keras_sparse_export.errors import (
    BundleError,
    ConversionError,
    ParityError,
    VerificationError,
)

TRAIN = ["--epochs", "2", "--code-dim", "4"]


def fails(
    arguments: list[Any], status: int, message: str, capsys: pytest.CaptureFixture[str], main: Any
) -> None:
    """It ends with this status, and this message on the one line of standard error."""
    capsys.readouterr()
    assert main([str(argument) for argument in arguments]) == status
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


class Missing(keras.layers.Layer):
    """Is registered nowhere."""

    def call(self, x: Any) -> Any:
        return x


@pytest.fixture
def table(rows: np.ndarray, tmp_path: Path) -> Path:
    header = ",".join(f"c{index}" for index in range(12))
    np.savetxt(tmp_path / "x.csv", rows, delimiter=",", header=header, comments="")
    return tmp_path / "x.csv"


@pytest.mark.slow
def test_train_export_and_run(
    table: Path, tmp_path: Path, rows: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    run, bundle, codes = tmp_path / "run", tmp_path / "bundle", tmp_path / "codes.npy"
    assert cli.main(["train", str(table), "-o", str(run), "--sparsity", "kl", *TRAIN]) == 0
    out = capsys.readouterr().out
    assert "On 40 held-out rows" in out
    assert "Chosen: " in out
    assert "standard normalization, learning rate 0.00" in out
    assert "decided" not in out  # no row but the trained ones
    assert f"Wrote {run / 'report.html'}" in out
    assert "Note: " in out  # two epochs are not enough, and it says so
    page = (run / "report.html").read_text("utf-8")
    assert "x.csv" in page
    assert "c11" in page  # columns have their names
    model = str(run / "model.keras")
    assert cli.main(["export", model, "-o", str(bundle), "--decoder", "--score"]) == 0
    assert json.loads((bundle / "manifest.json").read_text())["golden"]["kind"] == "real"
    assert export_cli.main(["verify", str(bundle)]) == 0
    out = capsys.readouterr().out
    assert "8 files match the manifest" in out
    assert "encoder: 32 golden rows (real)" in out
    assert "decoder: 32 golden rows (real)" in out
    assert "score: 32 golden rows (real)" in out
    assert export_cli.main(["info", str(bundle)]) == 0
    out = capsys.readouterr().out
    assert "active       |code| > 0.1" in out
    assert "decoder      rows" in out
    more = str(tmp_path / "more")
    further = ["--top-k", "3", "--quantize", "auto", "--sample", str(table)]
    assert cli.main(["export", model, "-o", more, *further]) == 0
    assert "int8 is not kept. The weights that int8 shrinks, " in capsys.readouterr().out
    assert Encoder(more).encode_top_k(rows).indices.shape == (400, 3)
    assert export_cli.main(["encode", str(bundle), str(table), "-o", str(codes)]) == 0
    expected = keras.saving.load_model(model).encode(rows)
    np.testing.assert_allclose(np.load(codes), expected, atol=1e-4)


@pytest.mark.one_backend
@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_console_that_lacks_greek_letters_shows_the_rest(
    encoding: str, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    for main, arguments, shown in (
        (cli.main, ["train", "--help"], "--strength \\u03bb"),
        (cli.main, ["train", table, "-o", run, *TRAIN], "Wrote "),
        (cli.main, ["export", run / "model.keras", "-o", tmp_path / "b"], "max |\\u0394| "),
        (export_cli.main, ["verify", run / "encoder"], "max |\\u0394| "),
    ):
        console = io.TextIOWrapper(io.BytesIO(), encoding)
        monkeypatch.setattr("sys.stdout", console)
        with suppress(SystemExit):
            assert main([str(argument) for argument in arguments]) == 0
        console.flush()
        assert shown in console.buffer.getvalue().decode(encoding)
    assert (run / "report.html").is_file()


@pytest.mark.slow
def test_train_shares_batches_by_devices_in_half_precision_over_a_horizon(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--sparsity", "kl", "--rho-horizon", "1000", "--precision", "mixed_bfloat16"]
    backend = ["--backend", keras.backend.backend(), "--devices", "1"]
    run = tmp_path / "run"
    assert cli.main(["train", str(table), "-o", str(run), *options, *backend, *TRAIN]) == 0
    settings = json.loads((run / "run.json").read_text())["settings"]
    assert (settings["rho_horizon"], settings["precision"], settings["devices"]) == (
        1000,
        "mixed_bfloat16",
        1,
    )
    more = ["train", table, "-o", tmp_path / "more", "--devices", 64]
    fails(more, 2, "`--devices`. Expected at most", capsys, cli.main)
    more = ["train", table, "-o", tmp_path / "more", "--rho-horizon", 64]
    fails(more, 2, "`--rho-horizon`. Expected it only with --sparsity kl", capsys, cli.main)
    assert not (tmp_path / "more").exists()


@pytest.mark.slow
def test_train_reports_a_probe_where_there_are_labels(
    rows: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(tmp_path / "x.npz", x=rows[::20].repeat(20, 0), y=np.arange(400) % 2, s=range(400))
    train = ["train", str(tmp_path / "x.npz"), "-o", str(tmp_path / "run"), *TRAIN]
    assert cli.main([*train, "--groups", "s"]) == 0
    out = capsys.readouterr().out
    assert "A linear probe, measured on all rows, also those that the encoder saw" in out
    assert {"chance", "untrained", "raw rows"} <= {line[:9].strip() for line in out.splitlines()}
    assert "± standard error on 400 rows of 400 groups, 5 folds" in out
    assert "40 of 40 held-out rows are also among the training rows" in out


def test_export_of_any_model_asks_for_its_layer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = keras.Sequential(
        [keras.Input((12,)), keras.layers.Dense(4, name="code"), keras.layers.Dense(12)]
    )
    model.save(tmp_path / "model.keras")
    export = ["export", tmp_path / "model.keras", "-o", tmp_path / "bundle"]
    fails(export, 2, "`--layer`. Expected the name of the layer", capsys, cli.main)
    assert not (tmp_path / "bundle").exists()
    assert cli.main([*map(str, export), "--layer", "code"]) == 0
    assert Encoder(tmp_path / "bundle").code_shape == (4,)


def test_models_that_cannot_be_trusted_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unsafe = keras.Sequential(
        [keras.Input((4,)), keras.layers.Lambda(lambda x: x, name="code", output_shape=(4,))]
    )
    unsafe.save(tmp_path / "unsafe.keras")
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(4, name="code")]).save(
        tmp_path / "old.h5"
    )
    (tmp_path / "broken.keras").write_bytes(b"PK")
    shutil.copy(tmp_path / "old.h5", tmp_path / "renamed.keras")
    for name in ("unsafe.keras", "old.h5", "renamed.keras", "broken.keras"):
        export = ["export", tmp_path / name, "-o", tmp_path / "b", "--layer", "code"]
        fails(export, 2, "a .keras file that loads in safe mode", capsys, cli.main)
    missing = Missing(name="code")
    keras.Sequential([keras.Input((4,)), missing]).save(tmp_path / "missing.keras")
    export = ["export", tmp_path / "missing.keras", "-o", tmp_path / "b", "--layer", "code"]
    fails(export, 2, "(Could not locate class 'Missing'.", capsys, cli.main)
    fails(["export", tmp_path / "no.keras", "-o", "b"], 2, "does not exist", capsys, cli.main)
    remedy = f"a folder. Remedy: {tmp_path / 'model.keras'}"
    fails(["export", tmp_path, "-o", "b"], 2, remedy, capsys, cli.main)


def test_a_sample_of_another_width_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    SparseAutoencoder(5, 3, sparsity=L1(), normalization=None).save(tmp_path / "model.keras")
    np.save(tmp_path / "x.npy", np.ones((9, 12)))
    export = ["export", tmp_path / "model.keras", "-o", tmp_path / "b"]
    sample = ["--sample", tmp_path / "x.npy"]
    fails([*export, *sample], 2, "`--sample`. Expected rows of 5 numbers", capsys, cli.main)


def test_columns_of_a_sample_are_ordered_by_name(
    rows: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [f"c{number}" for number in range(12)]
    model = SparseAutoencoder(12, 3, sparsity=L1(), normalization="standard")
    model.adapt(rows)
    model.columns = names
    model.save(tmp_path / "model.keras")
    sample, bundle = tmp_path / "sample.csv", tmp_path / "bundle"
    export = ["export", str(tmp_path / "model.keras"), "-o", str(bundle), "--sample", str(sample)]

    def write(rows: np.ndarray, names: list[str]) -> None:
        np.savetxt(sample, rows, delimiter=",", header=",".join(names), comments="")

    write(rows[:, ::-1], names[::-1])
    assert cli.main(export) == 0
    assert Encoder(bundle).columns == tuple(names)
    golden = np.fromfile(bundle / "golden_x.f32", "<f4").reshape(-1, 12)
    np.testing.assert_array_equal(golden, rows[: len(golden)])  # the first rows of the sample
    write(np.hstack([rows, rows[:, :2]]), [*names, "label", "id"])
    fails([*export, "--overwrite"], 2, "also columns 'label', 'id'. Remedy: --drop label,id",
          capsys, cli.main)  # fmt: skip
    write(rows[:, 1:], names[1:])
    fails([*export, "--overwrite"], 2, "`--sample`. Expected the 12 columns", capsys, cli.main)


def test_a_calibration_gives_a_threshold_by_its_recordings(
    rows: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = SparseAutoencoder(12, 3, sparsity=L1(), normalization="standard")
    model.adapt(rows)
    model.columns = names = [f"c{number}" for number in range(12)]
    model.save(tmp_path / "model.keras")
    file, bundle = tmp_path / "others.csv", tmp_path / "bundle"
    table = np.hstack([rows[:, ::-1], np.arange(len(rows))[:, None] // 10])
    header = ",".join([*names[::-1], "run"])
    np.savetxt(file, table, delimiter=",", header=header, comments="")
    export = ["export", tmp_path / "model.keras", "-o", bundle, "--calibration", file]
    options = ["--false-alarm-rate", "0.1", "--groups", "run"]
    assert cli.main([*map(str, export), "--score", *options]) == 0
    manifest, alarms = Encoder(bundle).manifest, Encoder(bundle).verdict(rows).alarm
    assert manifest is not None
    alarm = manifest["score"]["alarm"]
    assert (alarm["unit"], alarm["units"], alarm["rows"]) == (
        "recording",
        len(rows) // 10,
        len(rows),
    )
    assert 0 < alarms.mean() <= 0.1
    capsys.readouterr()
    again = [*map(str, export), "--overwrite", *options]
    fails(again, 2, "`--calibration`. Expected none without --score", capsys, cli.main)
    other = [*map(str, export), "--score", "--drop", "run,c3", "--overwrite"]
    fails(other, 2, "`--calibration`. Expected the 12 columns", capsys, cli.main)


def test_a_model_with_a_front_end_is_exported_with_scores(tmp_path: Path) -> None:
    listeners.make_listener().save(tmp_path / "model.keras")
    for name, seed in (("sample", 0), ("others", 1)):
        np.save(tmp_path / f"{name}.npy", listeners.draw_windows(120, seed))
    export = ["export", tmp_path / "model.keras", "-o", tmp_path / "bundle", "--decoder", "--score"]
    files = ["--sample", tmp_path / "sample.npy", "--calibration", tmp_path / "others.npy"]
    assert cli.main([*map(str, export), *map(str, files)]) == 0
    verdict = Encoder(tmp_path / "bundle").verdict(listeners.draw_windows(120, 1))
    assert verdict.alarm.sum() <= 1
    assert Encoder(tmp_path / "bundle").errors(listeners.draw_windows(2)).shape == (2, 48)


@pytest.mark.slow
def test_wavelengths_of_a_sample_and_of_a_training_are_a_header(
    rows: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, sample, run = (tmp_path / name for name in ("x.csv", "sample.csv", "run"))
    header = ",".join(map(str, range(400, 1600, 100)))
    np.savetxt(data, rows, delimiter=",", header=header, comments="")
    np.savetxt(sample, rows, delimiter=",", header=header, comments="")
    with pytest.warns(UserWarning, match=r"x.csv is taken for a header"):
        assert cli.main(["train", str(data), "-o", str(run), *TRAIN]) == 0
    record = json.loads((run / "run.json").read_text())
    assert record["columns"] == header.split(",")
    assert sum(record["rows"].values()) == 400
    export = ["export", str(run / "model.keras"), "-o", str(tmp_path / "e"), "--header", "yes"]
    assert cli.main([*export, "--sample", str(sample)]) == 0
    assert json.loads((tmp_path / "e" / "manifest.json").read_text())["statistics"]["rows"] == 400
    (run / "held_out.npy").unlink()
    fails(
        [*export, "--overwrite"], 2, "`--header`. Expected it only with --sample", capsys, cli.main
    )


@pytest.mark.slow
def test_train_on_a_folder_of_shards(
    rows: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pa = pytest.importorskip("pyarrow", reason="writes Parquet")
    parquet = pytest.importorskip("pyarrow.parquet", reason="writes Parquet")
    folder = tmp_path / "readings"
    folder.mkdir()
    for index, part in enumerate(np.split(rows, 4)):
        table = pa.table({f"c{column}": part[:, column] for column in range(12)})
        parquet.write_table(table, folder / f"{index}.parquet")
    run = tmp_path / "run"
    assert cli.main(["train", str(folder), "-o", str(run), *TRAIN]) == 0
    out = capsys.readouterr().out
    assert "400 rows of 12 columns in readings\nChosen: " in out
    assert "\nOn 40 held-out rows" in out
    assert json.loads((run / "run.json").read_text())["columns"][11] == "c11"

    again = ["train", folder, "-o", tmp_path / "again", *TRAIN]
    fails([*again, "--label", "c1"], 2, "`--label`. Expected none with a folder", capsys, cli.main)
    parquet.write_table(table.drop_columns(["c11"]), folder / "4.parquet")
    fails(again, 2, "Received: 11 in 4.parquet, which differ in column 'c11'", capsys, cli.main)
    fails(["sweep", *again[1:]], 2, "which is a folder", capsys, cli.main)


@pytest.mark.parametrize(
    ("content", "extra", "message"),
    [
        ("a,b\n", [], "at least 1 row in x.csv. Received: 0"),
        ("a,b\n1,2\n", [], "at least 2 rows. Received: 1"),
        ("a,b\n1,2\n3,nan\n5,6\n", [], "missing cells in 33 % of the rows, in column b 33 %"),
        ("a,b\n1,2\n3,4\n5,inf\n", [], "infinity in row 2 of column b"),
        ("a,b\n1,2\n3,4\n", ["--drop", "c"], "Expected c in x.csv. Received: names a, b"),
        ("a,b\n1,x\n3,y\n", [], "text in column b, such as 'x' (row 0)"),
        ("a,b\n1,2\n3\n", [], "Received: 1 in row 1 (line 3). Remedy: correct"),
        ("", [], "Received: an empty file"),
        ("a,b\n1,2\n3,4\n5,6\n", ["--rho", "1.5", "--sparsity", "kl"], "`--rho`. Expected a float"),
        ("a,b\n1,2\n3,4\n5,6\n", ["--rho", "0.2"], "`--rho`. Expected it only with --sparsity kl"),
        ("a,b\n1,2\n3,4\n5,6\n", ["--label", "c"], "Expected c in x.csv. Received: names a, b"),
        (
            "a,b\n1,2\n3,4\n5,6\n",
            ["--l0", "8", "--sparsity", "kl"],
            "`--l0`. Expected no --l0 for kl",
        ),
        (
            "a,b\n1,2\n3,4\n5,6\n",
            ["--l0", "8", "--strength", "1"],
            "`--strength`. Expected it only",
        ),
        ("a,b\n1,2\n3,4\n5,6\n", ["--strength", "-1"], "`--strength`. Expected a finite float"),
        (
            "a,b\n1,2\n3,4\n5,6\n",
            ["--revive", "3", "--sparsity", "kl"],
            "`--revive`. Expected it only",
        ),
        ("a,b\n1,2\n3,4\n5,6\n", ["--key", "x"], "`--key`. Expected it only with .npz"),
        ("a,b\n1,2\n3,4\n5,6\n", ["--header", "no"], "'a' (row 0)"),
        ("t,b\n1e9,2\n1000000003,4\n1000000005,6\n", [], "float32 can resolve, with"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(
    content: str,
    extra: list[str],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "x.csv").write_text(content)
    fails(["train", tmp_path / "x.csv", "-o", tmp_path / "r", *extra], 2, message, capsys, cli.main)
    assert [path.name for path in tmp_path.iterdir()] == ["x.csv"]


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out.strip() == version("keras-sparse")


def test_statuses(table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["train"])
    assert caught.value.code == 2
    diverging = ["train", table, "-o", tmp_path / "r", *TRAIN, "--learning-rate", "1e30"]
    fails(diverging, 1, "Expected a finite loss", capsys, cli.main)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "me.jpg").touch()
    taken = ["train", table, "-o", tmp_path / "photos", *TRAIN, "--overwrite"]
    fails(taken, 2, "which holds something else", capsys, cli.main)
    with pytest.raises(FileExistsError):
        cli.main([*map(str, taken), "--debug"])


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ValueError(), 2),
        (FileNotFoundError(), 2),
        (OSError(), 1),
        (TrainingError(), 1),
        (RecommendationError(), 1),
        (DataError(), 2),
        (CheckpointError(), 2),
        (ConversionError(""), 1),
        (ParityError(""), 1),
        (VerificationError(""), 1),
        (BundleError(""), 2),
    ],
)
def test_the_class_of_an_error_decides_the_status(error: Exception, status: int) -> None:
    assert cli.exit_status(error) == status


def test_a_backend_other_than_that_of_keras_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    loaded = keras.backend.backend()
    other = next(backend for backend in BACKENDS if backend != loaded)
    message = f"`--backend`. Expected {loaded}, with which Keras is loaded. Received: {other}"
    fails(["report", "run", "--backend", other], 2, message, capsys, cli.main)


@pytest.mark.one_backend
@pytest.mark.slow
def test_sweep_tells_the_frontier_and_what_to_take(
    rows: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(tmp_path / "x.npz", x=rows, y=np.where(rows[:, 0] > np.median(rows[:, 0]), "a", "b"))
    out = tmp_path / "sweep"
    sweep = ["sweep", tmp_path / "x.npz", "-o", out, "--l1", "1e-4,1e-2", "--beta", "1e-3"]
    sweep += ["--rho", "0.2", "--warm", "--learning-rate", "0.03", "--processes", "1", *TRAIN]
    assert cli.main([*map(str, sweep), "--max-l0", "4"]) == 0
    told = capsys.readouterr().out
    with (out / "frontier.csv").open() as stream:
        table = list(csv.DictReader(stream))
    points = [point for point in table if not point["name"].startswith(("pca-", "omp-"))]
    assert len(points) < len(table)
    assert [point["name"] for point in points] == ["l1-0.0001", "l1-0.01", "kl-0.2-0.001"]
    best = max(points, key=lambda point: float(point["explained_variance"]))["name"]
    assert f"\nRecommended: {best}, the highest explained variance with L0 ≤ 4: L0 " in told
    assert f"Wrote {out}" in told
    page = (out / "report.html").read_text()
    assert ">parameters<" not in page  # no family here has further ones
    (command,) = [line for line in told.splitlines() if line.startswith("To export it: ")]
    export = command.removeprefix("To export it: keras-sparse ").replace("DIR", str(tmp_path / "e"))
    assert cli.main(export.split()) == 0
    assert " on 40 real rows (allowed " in capsys.readouterr().out  # those of the sweep
    (out / "sweep.json").rename(tmp_path / "sweep.json")  # now the rows are somebody else's
    assert cli.main([*export.split(), "--overwrite"]) == 0
    assert " synthetic rows (allowed " in capsys.readouterr().out
    (tmp_path / "sweep.json").rename(out / "sweep.json")
    record = json.loads((out / "sweep.json").read_text())
    assert (record["data"], record["recommendation"]["point"]) == ("x.npz", best)

    limit = ["--min-explained-variance", "0.999"]
    fails([*sweep, *limit], 1, "variance ≥ 0.999. Received: none", capsys, cli.main)
    assert json.loads((out / "sweep.json").read_text())["recommendation"] is None
    fails([*sweep, "--seed", "5"], 2, "other settings: --seed 5 (was 0)", capsys, cli.main)
    assert cli.main([*map(str, sweep), "--min-probe", "0.1"]) == 0
    assert "3 points, 3 of them trained before" in capsys.readouterr().out


@pytest.mark.one_backend
@pytest.mark.slow
def test_sweep_searches(table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("optuna", reason='needs the extra "keras-sparse[sweep]"')
    out = tmp_path / "sweep"
    sweep = ["sweep", table, "-o", out, "--l1", "1e-4,1e-2", *TRAIN, "--learning-rate", "0.03"]
    assert cli.main([*map(str, sweep), "--trials", "2"]) == 0
    assert "Recommended: trial-" in capsys.readouterr().out
    assert (out / "study.db").exists()
    assert len(list((out / "points").iterdir())) == 2


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--min-probe", "0.9"], "`--min-probe`. Expected it only with labels"),
        (["--study", "mine"], "`--study`. Expected it only with --trials. Received: mine"),
        (["--minutes", "0"], "`--minutes`. Expected a positive number. Received: --minutes 0.0"),
        (["--max-l0", "0"], "`--max-l0`. Expected a positive number. Received: --max-l0 0.0"),
        (["--trials", "2", "--minutes", "5"], "`--minutes`. Expected it only without --trials"),
        (["--sparsity", "kl", "--l0", "4"], "no 'l0' for kl"),
        (["--trials", "2", "--warm"], "`--warm`. Expected it only without --trials"),
        (["--l1=-1"], "`--l1`. Expected a finite float of at least 0"),
        (["--trials", "2", "--l1", "0,1"], "0 < low ≤ high for 'l1'"),
        (["--l0", "8", "--warm-up", "3"], "`--warm-up`. Expected it only with a penalty of fixed"),
        (
            ["--warm", "--beta", "1e-3,1e-2"],
            "`--warm`. Expected it only with several strengths of l1",
        ),
        (["--warm", "--l1", "1e-3"], "--warm with point l1-0.001. Remedy: a grid of strengths"),
        (["--warm"], "`--warm`. Expected it only with several strengths of l1. Received: --warm"),
        (
            ["--revive", "3", "--beta", "1e-3"],
            "`--revive`. Expected it only with codes that can be",
        ),
        (["--revive", "3", "--beta", "1,2", "--trials", "2"], "not with those of kl"),
        (["--key", "x"], "`--key`. Expected it only with .npz"),
        (["--l0", "65", "--code-dim", "64"], "`--l0`. Expected an integer from 1 to 64"),
        (["--l0", "8", "--sparsity", "batchtopk"], "did you mean 'batch_topk'?"),
    ],
)
def test_sweeps_that_cannot_be_are_one_line_and_write_nothing(
    extra: list[str],
    message: str,
    table: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fails(["sweep", table, "-o", tmp_path / "s", *extra], 2, message, capsys, cli.main)
    assert not (tmp_path / "s").exists()


def test_an_interrupt_is_no_traceback(
    table: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(*args: Any, **kwargs: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(SparseAutoencoder, "fit", interrupted)
    train = ["train", table, "-o", tmp_path / "r", *TRAIN]
    fails(train, 130, "interrupted; nothing was written", capsys, cli.main)
    assert not (tmp_path / "r").exists()
    sweep = ["sweep", table, "-o", tmp_path / "s", "--l1", "1e-3", "--processes", "1", *TRAIN]
    fails(sweep, 130, "interrupted; the same command continues", capsys, cli.main)


def test_a_missing_extra_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    demo = ["demo", "-o", tmp_path / "demo"]
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "sklearn", None)
        patch.setitem(sys.modules, "sklearn.datasets", None)
        fails(demo, 2, "keras-sparse[insight]", capsys, cli.main)
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "keras_sparse_export.convert.export", None)
        fails(demo, 2, "keras-sparse[export]", capsys, cli.main)
    (tmp_path / "x.csv").write_text("1,2\n3,4\n")
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "pyarrow", None)
        train = ["train", tmp_path / "x.csv", "-o", tmp_path / "r"]
        fails(train, 2, "keras-sparse[data]", capsys, cli.main)


@pytest.mark.process
@pytest.mark.slow
@pytest.mark.one_backend
def test_a_sweep_trains_on_no_fault_and_a_calibration_has_none(
    rows: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, out, bundle = tmp_path / "x.csv", tmp_path / "sweep", tmp_path / "bundle"
    states = np.where(np.arange(400) % 4 == 0, "worn", "ok")
    lines = [",".join([*map(str, row), state]) for row, state in zip(rows, states, strict=True)]
    header = [*(f"c{number}" for number in range(12)), "state"]
    file.write_text("\n".join([",".join(header), *lines]))
    told = ["--label", "state", "--normal", "ok"]
    grid = ["--l1", "1e-3,1e-2", "--code-dim", "4", "--epochs", "1", "--processes", "2"]
    assert cli.main(["sweep", str(file), "-o", str(out), *grid, *told]) == 0
    records = [json.loads(each.read_text()) for each in (out / "points").glob("*/run.json")]
    assert len(records) == 2
    for record in records:
        (level,) = record["detection"]["levels"]
        assert (level["faulty"], record["rows"]["train"]) == (100, 181)  # a tenth of 201 held out
    (model, _) = (out / "points").glob("*/model.keras")
    export = ["export", model, "-o", bundle, "--score", "--calibration", file, *told]
    with pytest.warns(UserWarning, match=r"20 of 300 rows of `calibration` are rows of"):
        assert cli.main([*map(str, export)]) == 0
    manifest = Encoder(bundle).manifest
    assert manifest is not None
    assert manifest["score"]["alarm"]["rows"] == 300
    capsys.readouterr()
    probed = ["sweep", file, "-o", tmp_path / "p", *grid, *told, "--min-probe", "0.5"]
    fails(probed, 2, "`--min-probe`. Expected it only with labels that", capsys, cli.main)
