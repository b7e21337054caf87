import gzip
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse

import onnx_files
from bundles import WINDOWS, export_windows, make_signal, make_wav, write_wav
from keras_sparse import KL, SparseAutoencoder
from keras_sparse_export import Encoder, export_encoder
from keras_sparse_export.cli import main

pytestmark = pytest.mark.one_backend

COMMAND = [sys.executable, "-m", "keras_sparse_export.cli.main", "encode"]
ROWS = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
TAU = 0.45  # between the codes of an encoder that was not trained


@pytest.fixture(scope="module")
def model() -> SparseAutoencoder:
    return SparseAutoencoder(4, 3, sparsity=KL(), normalization=None)


@pytest.fixture(scope="module")
def bundle(model: SparseAutoencoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_encoder(model, tmp_path_factory.mktemp("exported") / "bundle")


@pytest.fixture
def codes(model: SparseAutoencoder) -> np.ndarray:
    return np.asarray(model.encode(ROWS))


def run(*arguments: Any) -> int:
    return main.main(["encode", *map(str, arguments)])


def start(*arguments: Any, **pipes: Any) -> "subprocess.Popen[str]":
    # Where Python does not buffer at all, nothing would show that we flush.
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.Popen(command, text=True, stderr=subprocess.PIPE, env=buffered, **pipes)


def text(rows: np.ndarray) -> str:
    return "".join(",".join(map(repr, row)) + "\n" for row in rows.tolist())


def save(file: Path, rows: np.ndarray = ROWS) -> Path:
    if file.suffix == ".npy":
        np.save(file, rows)
    elif file.suffix == ".npz":
        np.savez(file, x=rows, y=[1, 2, 3])
    elif file.suffix == ".csv":
        file.write_text("a,b,c,d\n" + text(rows))
    else:
        file.write_text("".join(f"{json.dumps(row)}\n" for row in rows.tolist()))
    return file


def load(file: Path) -> np.ndarray:
    if file.suffix == ".npy":
        return np.asarray(np.load(file))
    if file.suffix == ".npz":
        return np.asarray(scipy.sparse.load_npz(file).toarray())
    if file.suffix == ".csv":
        return np.loadtxt(file, delimiter=",", ndmin=2)
    found = np.zeros((50, 3))
    for line in map(json.loads, file.read_text().splitlines()):
        found[line["row"], line["indices"]] = line["values"]
    return found


@pytest.mark.parametrize("source", ["x.npy", "x.npz", "x.csv", "x.jsonl"])
@pytest.mark.parametrize("target", ["codes.npy", "codes.npz", "codes.csv", "codes.jsonl"])
def test_every_kind_in_and_out(
    source: str,
    target: str,
    bundle: Path,
    codes: np.ndarray,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    sparse = ["--threshold", TAU] if target.endswith(("npz", "jsonl")) else []
    expected = np.where(codes > TAU, codes, 0) if sparse else codes
    file = save(tmp_path / source)
    assert run(bundle, file, "-o", tmp_path / target, "--batch-rows", 7, *sparse) == 0
    np.testing.assert_allclose(load(tmp_path / target), expected, atol=1e-6)
    captured = capsys.readouterr()
    assert captured.out == f"Wrote {tmp_path / target}: 50 rows of (3,)\n"
    assert captured.err == ""  # no progress but on a terminal


def test_active_means_what_the_bundle_says(
    bundle: Path, codes: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tau = Encoder(bundle).threshold
    assert tau == pytest.approx(0.1)
    file = save(tmp_path / "x.npy", ROWS * 30)
    assert run(bundle, file, "-o", "-") == 0
    found = [json.loads(line)["indices"] for line in capsys.readouterr().out.splitlines()]
    full = Encoder(bundle).encode(ROWS * 30)
    assert found == [np.flatnonzero(code > tau).tolist() for code in full]
    assert run(bundle / "encoder.onnx", file, "-o", "-") == 2
    assert "Remedy: --threshold 0" in capsys.readouterr().err
    assert run(bundle / "encoder.onnx", file, "-o", "-", "--dense") == 0


def test_images_flat_rows_and_no_rows(tmp_path: Path) -> None:
    import keras

    images = keras.Sequential(
        [keras.Input((2, 2)), keras.layers.Flatten(), keras.layers.Dense(3, name="code")]
    )
    bundle = export_encoder(images, tmp_path / "bundle", layer="code")
    expected = keras.ops.convert_to_numpy(images(ROWS.reshape(-1, 2, 2)))
    for rows in (ROWS, ROWS.reshape(-1, 2, 2), ROWS[:0]):
        file, target = save(tmp_path / "x.npy", rows), tmp_path / "codes.npy"
        assert run(bundle, file, "-o", target, "--overwrite") == 0
        np.testing.assert_allclose(np.load(target), expected[: len(rows)], atol=1e-6)


# Names of columns --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def named(model: SparseAutoencoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("named") / "bundle"
    return export_encoder(model, path, columns=["a", "b", "c", "d"], sample=ROWS)


def write_columns(file: Path, columns: dict[str, Any]) -> Path:
    """Columns as a file of any kind that has names."""
    if file.suffix == ".parquet":
        pa = pytest.importorskip("pyarrow")
        pytest.importorskip("pyarrow.parquet").write_table(pa.table(columns), file)
        return file
    rows = list(zip(*columns.values(), strict=True))
    if file.suffix == ".jsonl":
        lines = [json.dumps(dict(zip(columns, row, strict=True))) for row in rows]
    else:
        lines = [",".join(columns), *(",".join(map(str, row)) for row in rows)]
    content = "\n".join(lines).encode()
    file.write_bytes(gzip.compress(content) if file.suffix == ".gz" else content)
    return file


NAMED = ["x.csv", "x.csv.gz", "x.jsonl", "x.parquet"]
REORDERED = {name: ROWS[:, "abcd".index(name)].tolist() for name in "dbca"}


@pytest.mark.parametrize("source", NAMED)
def test_columns_with_names_may_come_in_any_order(source: str, named: Path, tmp_path: Path) -> None:
    expected = Encoder(named).encode(ROWS)
    file, target = write_columns(tmp_path / source, REORDERED), tmp_path / "codes.npy"
    assert run(named, file, "-o", target) == 0
    np.testing.assert_array_equal(np.load(target), expected)
    file = write_columns(file, {"label": [1] * 50, **REORDERED, "flag": [True] * 50})
    assert run(named, file, "-o", target, "--drop", "label,flag", "--overwrite") == 0
    np.testing.assert_array_equal(np.load(target), expected)


@pytest.mark.parametrize("source", NAMED)
@pytest.mark.parametrize("command", ["encode", "drift"])
def test_other_names_are_refused_before_the_encoder_is_loaded(
    source: str,
    command: str,
    named: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Encoder, "__init__", None)
    file = tmp_path / source
    output = ("-o", tmp_path / "codes.npy") if command == "encode" else ()
    call = [str(part) for part in (command, named, file, *output)]
    write_columns(file, {**REORDERED, "label": [1] * 50})
    assert main.main(call) == 2
    assert capsys.readouterr().err == (
        f"keras-sparse-export: Expected rows of numbers in {file}. Received: also column 'label'. "
        "Remedy: --drop label\n"
    )
    write_columns(file, {name: REORDERED[name] for name in "abd"})
    assert main.main(call) == 2
    assert (
        "Received: no column 'c'. Remedy: rows with all of columns 'a'" in capsys.readouterr().err
    )
    assert [path.name for path in tmp_path.iterdir()] == [source]


def test_repeated_names_are_refused(
    named: Path, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.csv").write_text("a,b,c,a\n1,2,3,4\n")
    for each in (named, bundle):
        assert run(each, tmp_path / "x.csv", "-o", tmp_path / "codes.npy") == 2
        assert "several columns of name 'a'. Remedy: rename them" in capsys.readouterr().err


def test_names_of_numbers_are_dropped_in_quotes(named: Path, tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    rows = [f'{",".join(map(repr, row))},"x, y",z\n' for row in ROWS.tolist()]
    file.write_text('a,b,c,d,"where, when",id\n' + "".join(rows))
    for drop in (('"where, when",id',), ('"where, when"', "id")):
        options = [part for each in drop for part in ("--drop", each)]
        target = tmp_path / "codes.npy"
        assert run(named, file, "-o", target, "--overwrite", *options) == 0
        np.testing.assert_array_equal(np.load(target), Encoder(named).encode(ROWS))


@pytest.mark.parametrize("mark", ["tab", "\\t", ";", "|"])
def test_delimiters_and_decimal_commas(
    mark: str, named: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    delimiter = "\t" if mark in ("tab", "\\t") else mark
    file, target = tmp_path / "x.csv", tmp_path / "codes.npy"
    content = "a,b,c,d\n" + text(ROWS)
    file.write_text(content.replace(",", delimiter).replace(".", ","))
    told = ("--delimiter", mark, "--decimal", ",")
    assert run(named, file, "-o", target, *told) == 0
    np.testing.assert_array_equal(np.load(target), Encoder(named).encode(ROWS))
    assert capsys.readouterr().err == ""
    with pytest.raises(SystemExit):
        run(named, file, "-o", target, "--delimiter", "ab")
    assert "expected one character or tab, received 'ab'" in capsys.readouterr().err


def test_info_names_the_columns(named: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["info", str(named)]) == 0
    assert "columns      'a', 'b', 'c', 'd'\n" in capsys.readouterr().out


BAD = ROWS.astype(np.float64)
BAD[3, 2], BAD[7, 0], BAD[20, 1] = np.nan, np.inf, 1e300  # which float32 cannot hold
REASONS = {3: "position 2", 7: "position 0", 20: "position 1"}


@pytest.mark.parametrize("source", ["x.npy", "x.csv", "x.jsonl"])
@pytest.mark.parametrize("batch", [1, 4, 1024])
def test_bad_rows_may_have_codes_of_nan_or_be_left_out(
    source: str,
    batch: int,
    bundle: Path,
    codes: np.ndarray,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file, target = save(tmp_path / source, BAD), tmp_path / "codes.npy"
    good = np.delete(np.arange(50), list(REASONS))
    options = ("--overwrite", "--batch-rows", batch, "--on-bad")
    assert run(bundle, file, "-o", target, *options, "nan") == 0
    found = np.load(target)
    assert np.isnan(found[list(REASONS)]).all()
    np.testing.assert_allclose(found[good], codes[good], atol=1e-6)
    head, *named = capsys.readouterr().err.splitlines()
    assert head == "keras-sparse-export: 3 bad rows encoded as NaN"
    assert named == [
        f"  row {row}: NaN or infinity at {place} of the row" for row, place in REASONS.items()
    ]
    assert run(bundle, file, "-o", target, *options, "skip") == 0
    np.testing.assert_allclose(np.load(target), codes[good], atol=1e-6)
    assert capsys.readouterr().err.startswith("keras-sparse-export: 3 bad rows skipped\n")


@pytest.mark.parametrize("action", ["nan", "skip"])
def test_json_lines_keep_the_numbers_of_rows(
    action: str, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = save(tmp_path / "x.npy", BAD)
    assert run(bundle, file, "-o", "-", "--on-bad", action) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    if action == "nan":
        assert [line["row"] for line in found] == list(range(50))
        assert [line["row"] for line in found if "error" in line] == list(REASONS)
    else:
        assert [line["row"] for line in found] == [row for row in range(50) if row not in REASONS]


def test_rows_that_overflow_are_bad_rows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also in front of an operator that turns NaN into 0, so that the codes do not show it."""
    nodes = [("MatMul", "x w", "z"), ("ThresholdedRelu", "z", "code", {"alpha": 0.1})]
    weights = np.array([[2, -2, 2, -2]] * 4, np.float32)
    model = onnx_files.written(onnx_files.encoder(nodes, {"w": weights}), tmp_path)
    rows = ROWS.copy()
    rows[[3, 45]], target = np.finfo(np.float32).max, tmp_path / "codes.npy"
    file = save(tmp_path / "x.npy", rows)
    assert run(model, file, "-o", target, "--batch-rows", 20) == 2
    assert "Received: numbers that overflow float32 in the encoder (row 3)" in (
        capsys.readouterr().err
    )
    assert not target.exists()
    assert run(model, file, "-o", target, "--batch-rows", 20, "--on-bad", "nan") == 0
    expected = rows.astype(np.float64) @ weights
    expected[expected <= 0.1] = 0
    expected[[3, 45]] = np.nan
    np.testing.assert_allclose(np.load(target), expected, rtol=1e-5, atol=1e-6)
    assert run(model, file, "-o", "-", "--threshold", 0, "--on-bad", "skip") == 0
    found = [json.loads(line)["row"] for line in capsys.readouterr().out.splitlines()[1:]]
    assert found == [row for row in range(50) if row not in (3, 45)]


def test_only_the_first_bad_rows_are_named(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.csv").write_text("1,2,3\n" * 9)
    target = tmp_path / "codes.csv"
    assert run(bundle, tmp_path / "x.csv", "-o", target, "--on-bad", "skip") == 0
    assert target.read_text() == ""
    head, *named, more = capsys.readouterr().err.splitlines()
    assert "9 bad rows" in head
    assert named == [f"  row {row}: 3 columns instead of 4" for row in range(5)]
    assert more == "  and 4 more"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.csv", "1,2,3\n", "3 columns instead of 4 (row 0)"),
        ("x.csv", "a,b,c\n1,2,3\n", "3 columns, where the encoder takes (rows, 4)"),
        ("x.csv", "1,2,3,4\n5,6,7\n", "3 columns instead of 4 (row 1)"),
        ("x.csv", "1,2,3,4\n5,6,7,a\n", "'a' in column 3 (row 1)"),
        ("x.csv", "a,b,c,d\n1,x,3,4\n", "'x' in column b (row 0)"),
        ("x.csv", "", "no rows"),
        ("x.csv", "1,2,3,nan\n", "NaN or infinity at position 3 of the row (row 0)"),
        ("x.jsonl", "[1,2,3,4]\n[1,2,3\n", "not JSON"),
        ("x.npy", "no numpy", "Expected rows of numbers"),
        ("x.npz", "no zip", "not a .npz archive"),
        ("x.txt", "1", "ending in .npy, .npz, .csv, .csv.gz, .jsonl or .parquet"),
    ],
)
def test_bad_data_is_one_line_and_writes_nothing(
    name: str,
    content: str,
    message: str,
    bundle: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / name).write_text(content)
    assert run(bundle, tmp_path / name, "-o", tmp_path / "codes.npy") == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert message in line
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_names_in_a_file_of_rows_cannot_command_a_terminal(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arrays: dict[str, Any] = {"a\x1b[2J": ROWS, "b": ROWS}
    np.savez(tmp_path / "x.npz", **arrays)
    assert run(bundle, tmp_path / "x.npz", "-o", "-") == 2
    assert "Received: a\ufffd[2J, b" in capsys.readouterr().err


@pytest.mark.parametrize("batch", [1, 1024])
def test_rows_before_a_bad_one_are_answered_on_standard_output(
    batch: int, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = save(tmp_path / "x.csv", BAD)
    assert run(bundle, file, "-o", "-", "--batch-rows", batch) == 2
    captured = capsys.readouterr()
    assert [json.loads(line)["row"] for line in captured.out.splitlines()] == [0, 1, 2]
    assert "(row 3). Remedy: --on-bad skip to leave such rows out, or --on-bad nan" in captured.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("-o", "codes.txt"), "a file ending in .npy"),
        (("-o", "x.npy"), "which exists. Remedy: --overwrite"),
        (("-o", "codes.npz", "--on-bad", "nan"), "Remedy: --on-bad skip to leave bad rows"),
        (("-o", "codes.npz", "--dense"), "only with JSON lines"),
        (
            ("-o", "codes.npy", "--threshold", "0"),
            "`--threshold`. Expected it only for formats of active units",
        ),
        (
            ("-o", "codes.npz", "--threshold", "-1"),
            "`--threshold`. Expected a finite number of 0 or",
        ),
        (("-o", "codes.npz", "--threshold", "nan"), "`--threshold`. Expected a finite number of"),
        (("-o", "codes.npy", "--batch-rows", "0"), "`--batch-rows`. Expected a positive"),
        (("-o", "codes.npy", "--threads", "0"), "`--threads`. Expected a positive"),
        (("-o", "codes.npy", "--drop", "a"), "`--drop` needs columns with names"),
    ],
)
def test_wrong_calls_are_refused(
    options: tuple[str, ...],
    message: str,
    bundle: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "x.npy")
    assert run(bundle, "x.npy", *options) == 2
    assert message in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["x.npy"]


@pytest.mark.process
@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_row_on_standard_input_is_answered_before_the_next_comes(
    kind: str, bundle: Path, codes: np.ndarray
) -> None:
    process = start(
        bundle, "-", "-o", "-", "--dense", stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    watch = threading.Timer(300, process.kill)  # a row without an answer must not hang the tests
    watch.start()
    for number in range(3):
        row = ROWS[number].tolist()
        process.stdin.write(json.dumps(row) if kind == "jsonl" else text(ROWS[[number]])[:-1])
        process.stdin.write("\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        assert answer["row"] == number
        np.testing.assert_allclose(answer["code"], codes[number], atol=1e-6)
    _, errors = process.communicate()
    watch.cancel()
    assert (process.returncode, errors) == (0, "")


@pytest.mark.process
def test_a_closed_pipe_ends_it_quietly(bundle: Path, tmp_path: Path) -> None:
    file = save(tmp_path / "x.npy", np.tile(ROWS, (5000, 1)))
    process = start(bundle, file, "-o", "-", stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["row"] == 0
    process.stdout.close()
    process.stdout = None
    _, errors = process.communicate()
    assert (process.returncode, errors) == (141, "")


# What a shell starts in the background ignores Ctrl-C, and so does what that starts.
INTERRUPTIBLE = """
import signal
from keras_sparse_export.cli.main import main

signal.signal(signal.SIGINT, signal.default_int_handler)
raise SystemExit(main())
"""


def begin(bundle: Path, target: Path) -> "subprocess.Popen[str]":
    """Start a job that has begun to write and waits for more rows."""
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTIBLE, "encode", str(bundle), "-", "-o", str(target)],
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    process.stdin.write(text(ROWS) * 500)  # returns when all but the last 64 KiB have been read
    process.stdin.flush()
    return process


@pytest.mark.process
@pytest.mark.skipif(sys.platform == "win32", reason="signals of another kind")
@pytest.mark.parametrize("target", ["codes.npy", "codes.npz", "codes.csv"])
def test_an_interrupted_job_leaves_nothing(target: str, bundle: Path, tmp_path: Path) -> None:
    process = begin(bundle, tmp_path / target)
    (staging,) = tmp_path.iterdir()
    assert staging.name.endswith(f".{target}.keras-sparse-new")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert errors == "keras-sparse-export: interrupted\n"
    assert process.returncode == 130
    assert list(tmp_path.iterdir()) == []


@pytest.mark.process
@pytest.mark.skipif(sys.platform == "win32", reason="signals of another kind")
def test_of_two_jobs_with_one_target_the_second_to_finish_is_told(
    bundle: Path, codes: np.ndarray, tmp_path: Path
) -> None:
    target = tmp_path / "codes.csv"
    process = begin(bundle, target)
    assert run(bundle, save(tmp_path / "x.npy"), "-o", target) == 0
    _, errors = process.communicate()
    assert process.returncode == 2
    assert "codes.csv, which exists" in errors
    np.testing.assert_allclose(load(target), codes, atol=1e-6)
    assert {path.name for path in tmp_path.iterdir()} == {"codes.csv", "x.npy"}


@pytest.mark.process
@pytest.mark.skipif(sys.platform == "win32", reason="terminals of another kind")
def test_progress_is_shown_on_a_terminal(bundle: Path, tmp_path: Path) -> None:
    import pty

    ours, theirs = pty.openpty()
    file, target = save(tmp_path / "x.npy"), tmp_path / "codes.npy"
    command = [*COMMAND, str(bundle), str(file), "-o", str(target)]
    subprocess.run(command, stderr=theirs, stdout=subprocess.DEVNULL, check=True)
    os.close(theirs)
    screen = os.read(ours, 10_000).decode()
    os.close(ours)
    assert "[##############################] 100% 50 rows" in screen
    assert screen.endswith("\r\033[K")


@pytest.fixture(scope="module")
def taking_gaps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = SparseAutoencoder(4, 3, sparsity=KL(), missing="mask")
    model.adapt(ROWS)
    return export_encoder(model, tmp_path_factory.mktemp("gaps") / "bundle")


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".npy"])
def test_empty_cells_are_gaps_where_an_encoder_takes_them(
    suffix: str, taking_gaps: Path, bundle: Path, tmp_path: Path, capsys: Any
) -> None:
    rows = ROWS[:6].copy()
    rows[[1, 1, 4], [0, 3, 2]] = np.nan
    data = tmp_path / f"x{suffix}"
    if suffix == ".npy":
        np.save(data, rows)
    elif suffix == ".csv":
        data.write_text(text(rows).replace("nan", " "))
    else:
        data.write_text(
            "".join(f"{json.dumps(row)}\n" for row in rows.tolist()).replace("NaN", "null")
        )
    assert run(taking_gaps, data, "-o", tmp_path / "codes.npy") == 0
    expected = Encoder(taking_gaps).encode(rows)
    np.testing.assert_allclose(np.load(tmp_path / "codes.npy"), expected, rtol=1e-6)
    assert run(bundle, data, "-o", tmp_path / "none.npy") == 2
    assert "(row 1)" in capsys.readouterr().err


def test_rows_without_an_entry_are_named(taking_gaps: Path, tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "x.csv").write_text('1,2,3,4\n,,,\n1,inf,,2\n,"",1,2\n')
    out = tmp_path / "codes.npy"
    assert run(taking_gaps, tmp_path / "x.csv", "-o", out) == 2
    assert "Received: gaps alone (row 1)" in capsys.readouterr().err
    assert run(taking_gaps, tmp_path / "x.csv", "-o", out, "--on-bad", "skip") == 0
    assert "row 2: infinity at position 1 of the row" in capsys.readouterr().err
    assert np.load(out).shape == (2, 3)


def test_rows_are_encoded_in_litert(
    litert_bundle: Path, shared_rows: np.ndarray, tmp_path: Path
) -> None:
    np.save(tmp_path / "x.npy", shared_rows)
    found = []
    for runtime in ("onnxruntime", "litert"):
        target = tmp_path / f"{runtime}.npy"
        arguments = ["encode", str(litert_bundle), str(tmp_path / "x.npy"), "-o", str(target)]
        assert main.main([*arguments, "--runtime", runtime]) == 0
        found.append(np.load(target))
    np.testing.assert_allclose(found[1], found[0], atol=1e-5)


# Windows of a signal -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def windowed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_windows(tmp_path_factory.mktemp("windowed") / "bundle")


def test_windows_of_a_recording(
    windowed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    samples = make_signal(100)
    expected = Encoder(windowed).encode(WINDOWS.cut(samples))
    file = write_wav(tmp_path / "a.wav", samples)
    np.save(tmp_path / "a.npy", samples)
    for source in (file, tmp_path / "a.npy"):
        assert run(windowed, source, "-o", tmp_path / "c.npy", "--overwrite") == 0
        np.testing.assert_allclose(np.load(tmp_path / "c.npy"), expected, atol=1e-6)
        told = capsys.readouterr()
        assert "c.npy: 11 rows of (4,)" in told.out
        assert told.err == (
            "keras-sparse-export: 11 windows; 4 samples after the last one fill none\n"
        )
    assert run(windowed, file, "-o", "-", "--dense", "--window", 16, "--hop", 8) == 0
    entries = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [entry["window"] for entry in entries] == [*range(11)]
    assert [entry["seconds"] for entry in entries] == [window / 125 for window in range(11)]
    np.testing.assert_allclose([entry["code"] for entry in entries], expected, atol=1e-6)


def test_windows_of_a_bundle_that_knows_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = export_windows(tmp_path / "bundle", windows=None)
    file = write_wav(tmp_path / "a.wav", make_signal(96))
    assert run(bundle, file, "-o", "-") == 2
    told = capsys.readouterr().err
    assert "does not say how a signal is cut" in told
    assert "Remedy: --window 16 --hop with the hop of the training" in told
    assert run(bundle, file, "-o", "-", "--window", 16) == 2
    assert "argument `--hop`. Expected the samples from a window" in capsys.readouterr().err
    assert run(bundle, file, "-o", "-", "--hop", 8) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith('{"window": 10, "sample": 80, "indices": [')
    np.save(tmp_path / "rows.npy", WINDOWS.cut(make_signal(96)))  # rows, as ever
    assert run(bundle, tmp_path / "rows.npy", "-o", tmp_path / "c.npy") == 0


def test_other_windows_than_those_of_the_bundle(
    windowed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_wav(tmp_path / "a.wav", make_signal(96))
    for option, number in (("--window", 32), ("--hop", 4)):
        assert run(windowed, file, "-o", tmp_path / "c.npy", option, number) == 2
        told = capsys.readouterr().err
        assert f"argument `{option}`. Expected" in told
        assert f"as in the manifest of the bundle. Received: {option} {number}" in told
    write_wav(tmp_path / "b.wav", make_signal(96), rate=44100)
    assert run(windowed, tmp_path, "-o", tmp_path / "c.npy") == 2
    assert "Received: 44100. Remedy: ffmpeg" in capsys.readouterr().err
    (tmp_path / "b.wav").write_bytes(make_wav(make_signal(96))[:-50])
    assert run(windowed, tmp_path, "-o", tmp_path / "c.npy") == 2
    assert "then the end of the file. Remedy: copy the file again" in capsys.readouterr().err
    assert not (tmp_path / "c.npy").exists()


def test_windows_with_numbers_that_are_not_finite(
    windowed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    samples = make_signal(96)
    samples[[27, 70]] = np.nan, np.inf
    file = write_wav(tmp_path / "a.wav", samples)
    assert run(windowed, file, "-o", tmp_path / "c.npy") == 2
    told = capsys.readouterr().err
    assert "NaN or infinity at position 11 of the row (window 2, seconds 0.016)" in told
    assert not (tmp_path / "c.npy").exists()
    assert run(windowed, file, "-o", "-", "--on-bad", "skip") == 0
    shown = capsys.readouterr()
    numbers = [json.loads(line)["window"] for line in shown.out.splitlines()]
    assert numbers == [0, 1, 4, 5, 6, 9, 10]
    assert "4 bad rows skipped" in shown.err
    assert "  window 7, seconds 0.056: NaN or infinity at position 14 of the row" in shown.err


@pytest.mark.process
@pytest.mark.parametrize("kind", ["wav", "text"])
def test_a_window_waits_for_no_later_sample(kind: str, windowed: Path) -> None:
    samples = make_signal(48)
    first, rest = (
        "".join(f"{sample!r}\n" for sample in part.tolist()).encode()
        for part in (samples[:20], samples[20:])
    )
    if kind == "wav":
        content = make_wav(samples)
        first, rest = content[: -4 * 28], content[-4 * 28 :]
    command = [*COMMAND, str(windowed), "-", "-o", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(first)
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["window"] == 0
        later, _ = process.communicate(rest)
    assert process.returncode == 0
    assert len(later.splitlines()) == 4
