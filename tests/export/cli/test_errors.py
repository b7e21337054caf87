import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import listeners
from keras_sparse import L1, SparseAutoencoder
from keras_sparse_export import Encoder, export_encoder
from keras_sparse_export.cli import main

pytestmark = pytest.mark.one_backend

NAMES = ("flow", "heat, l", "load")
ROWS = np.random.default_rng(0).normal(3, 1, (40, 3)) * [1, 100, 0.01]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = SparseAutoencoder(3, 2, sparsity=L1(), normalization="standard", missing="mean")
    model.adapt(ROWS)
    path = tmp_path_factory.mktemp("exported") / "bundle"
    return export_encoder(model, path, columns=NAMES, decoder=True)


def run(*arguments: Any) -> int:
    return main.main(["errors", *map(str, arguments)])


def write(file: Path, lines: list[str]) -> Path:
    file.write_text('label,load,flow,"heat, l"\n' + "".join(f"{line}\n" for line in lines))
    return file


def test_errors_are_those_of_the_encoder_in_every_format(bundle: Path, tmp_path: Path) -> None:
    rows = ROWS.astype(np.float32)
    lines = [f"x,{load!r},{flow!r},{heat!r}" for flow, heat, load in rows.tolist()]
    lines[7] = "x," + lines[7].split(",")[1] + ",," + lines[7].split(",")[3]
    rows[7, 0] = np.nan
    expected = Encoder(bundle).errors(rows)
    file = write(tmp_path / "rows.csv", lines)
    for name in ("e.csv", "e.npy", "e.jsonl"):
        assert run(bundle, file, "-o", tmp_path / name, "--drop", "label") == 0
    np.testing.assert_allclose(np.load(tmp_path / "e.npy"), expected, rtol=1e-6)
    header, *table = csv.reader((tmp_path / "e.csv").read_text().splitlines())
    assert header == ["row", "error", "largest", *NAMES]
    entries = [json.loads(line) for line in (tmp_path / "e.jsonl").read_text().splitlines()]
    for number, (cells, entry) in enumerate(zip(table, entries, strict=True)):
        largest = NAMES[np.nanargmax(expected[number])]
        assert (cells[0], cells[2]) == (str(number), largest)
        assert (entry["row"], entry["largest"]) == (number, largest)
        for mean in (float(cells[1]), entry["error"]):
            assert mean == pytest.approx(np.nanmean(expected[number]))
    assert table[7][3] == ""
    assert entries[7]["errors"][0] is None
    assert [float(cell) for cell in table[8][3:]] == pytest.approx(expected[8])


def test_bad_rows_are_named_skipped_or_empty(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path / "rows.csv", ["x,1,2,3", "x,1,much,3", "x,4,5,6"])
    call = (bundle, file, "--drop", "label", "-o", "-")
    assert run(*call) == 2
    assert "'much' in column flow (row 1). Remedy: --on-bad skip" in capsys.readouterr().err
    assert run(*call, "--on-bad", "skip") == 0
    captured = capsys.readouterr()
    assert [line.split(",")[0] for line in captured.out.splitlines()] == ["row", "0", "2"]
    assert "1 bad rows skipped" in captured.err
    assert run(*call, "--on-bad", "nan", "--to", "jsonl") == 0
    bad = json.loads(capsys.readouterr().out.splitlines()[1])
    assert bad == {"row": 1, "fault": "'much' in column flow"}


def test_a_header_alone_has_no_errors_and_says_so(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path / "rows.csv", [])
    assert run(bundle, file, "--drop", "label", "-o", tmp_path / "e.npy") == 0
    assert capsys.readouterr().err == f"keras-sparse-export: 0 rows in {file}\n"
    assert np.load(tmp_path / "e.npy").shape == (0, 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-o", "e.npz"), "ending in .npy, .csv or .jsonl. Received: e.npz"),
        (("-o", "-", "--batch-rows", "0"), "`--batch-rows`. Expected a positive integer"),
        (("-o", "-", "--drop", "lable"), "no column 'lable', but 4 other names. Remedy: did you"),
    ],
)
def test_a_wrong_call(
    arguments: tuple[str, ...],
    message: str,
    bundle: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(bundle, write(tmp_path / "rows.csv", ["x,1,2,3"]), *arguments) == 2
    assert message in capsys.readouterr().err


def test_a_bundle_without_a_decoder_has_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = SparseAutoencoder(3, 2, sparsity=L1(), normalization=None)
    path = export_encoder(model, tmp_path / "bundle")
    np.save(tmp_path / "x.npy", ROWS)
    assert run(path, tmp_path / "x.npy", "-o", tmp_path / "e.csv") == 2
    assert "decoder" in capsys.readouterr().err
    assert not (tmp_path / "e.csv").exists()


def test_errors_of_features_have_their_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [f"sample {number}" for number in range(listeners.SAMPLES)]
    bundle = listeners.write_listener(tmp_path / "b", columns=names)
    windows = listeners.draw_windows(5, 2)
    np.save(tmp_path / "x.npy", windows)
    assert run(bundle, tmp_path / "x.npy", "-o", tmp_path / "e.csv") == 0
    header, *table = csv.reader((tmp_path / "e.csv").read_text().splitlines())
    assert header == ["row", "error", "largest", *map(str, range(48))]
    expected = Encoder(bundle).errors(windows)
    found = np.array([row[3:] for row in table], float)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-6)
    capsys.readouterr()
    assert main.main(["info", str(bundle)]) == 0
    assert "decoder      features (48,) of the front end" in capsys.readouterr().out
    assert main.main(["verify", str(bundle)]) == 0
    assert "decoder: 32 golden rows (real)" in capsys.readouterr().out
