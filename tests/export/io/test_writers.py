import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse

from keras_sparse_export.io import writers

pytestmark = pytest.mark.one_backend

CODES = np.random.default_rng(0).normal(size=(9, 5)).astype(np.float32)
CODES[3] = [0, 0.1, -0.1, 0, 0]
CODES[4] = 0  # no unit active


def write(
    target: Path | str,
    codes: np.ndarray = CODES,
    *,
    faults: Mapping[int, str] | None = None,
    chunk: int = 4,
    **options: Any,
) -> None:
    with writers.open_writer(str(target), codes.shape[1:], **options) as writer:
        for start in range(0, len(codes), chunk):
            part = codes[start : start + chunk]
            here = {
                place - start: reason
                for place, reason in (faults or {}).items()
                if 0 <= place - start < len(part)
            }
            writer.write(range(10 * start, 10 * (start + len(part)), 10), part, here)


@pytest.mark.parametrize("codes", [CODES, CODES[:0], CODES.reshape(9, 1, 5)])
def test_npy_loads_and_maps(codes: np.ndarray, tmp_path: Path) -> None:
    write(tmp_path / "new" / "codes.npy", codes)
    for mode in (None, "r"):
        found = np.load(tmp_path / "new" / "codes.npy", mmap_mode=mode)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, codes)


@pytest.mark.parametrize("codes", [CODES, CODES[:0], CODES[3:4], CODES.reshape(3, 3, 5)])
@pytest.mark.parametrize(("threshold", "signed"), [(0.0, True), (0.5, True), (0.5, False)])
def test_npz_loads_in_scipy(
    codes: np.ndarray, threshold: float, signed: bool, tmp_path: Path
) -> None:
    write(tmp_path / "codes.npz", codes, threshold=threshold, signed=signed)
    flat = codes.reshape(len(codes), np.prod(codes.shape[1:], dtype=int))
    active = (flat > threshold) | (signed & (flat < -threshold))
    expected = scipy.sparse.csr_array(np.where(active, flat, 0))
    found = scipy.sparse.load_npz(tmp_path / "codes.npz")
    assert isinstance(found, scipy.sparse.csr_array)
    assert (found.shape, found.dtype) == (expected.shape, np.float32)
    for name in ("data", "indices", "indptr"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
        assert getattr(found, name).dtype == getattr(expected, name).dtype
    found.check_format()


@pytest.mark.parametrize("codes", [CODES, CODES.reshape(9, 1, 5)])
def test_csv_tells_every_float32(codes: np.ndarray, tmp_path: Path) -> None:
    write(tmp_path / "codes.csv", codes)
    found = np.loadtxt(tmp_path / "codes.csv", delimiter=",", dtype=np.float32)
    np.testing.assert_array_equal(found, CODES)


@pytest.mark.parametrize("signed", [True, False])
def test_json_lines_hold_the_active_units(signed: bool, tmp_path: Path) -> None:
    write(tmp_path / "codes.jsonl", threshold=0.1, signed=signed)
    found = [json.loads(line) for line in (tmp_path / "codes.jsonl").read_text().splitlines()]
    for number, (line, code) in enumerate(zip(found, CODES, strict=True)):
        assert list(line) == ["row", "indices", "values"]
        assert line["row"] == 10 * number
        size = np.abs(code) if signed else code
        assert line["indices"] == [unit for unit in range(5) if size[unit] > np.float32(0.1)]
        np.testing.assert_array_equal(np.array(line["values"], np.float32), code[line["indices"]])


@pytest.mark.parametrize("name", ["codes.jsonl", "codes.npz"])
def test_a_code_equal_to_the_threshold_is_not_active(name: str, tmp_path: Path) -> None:
    threshold = np.float32(0.5)
    above = np.nextafter(threshold, np.float32(1))
    write(tmp_path / name, np.array([[0.5, above, 0.0, 0.5, 2]], np.float32), threshold=0.5)
    if name.endswith("npz"):
        indices = scipy.sparse.load_npz(tmp_path / name).indices.tolist()
    else:
        indices = json.loads((tmp_path / name).read_text())["indices"]
    assert indices == [1, 4]


def test_at_a_threshold_of_zero_only_zero_is_not_active(tmp_path: Path) -> None:
    tiny = np.float32(1e-45)
    write(tmp_path / "codes.jsonl", np.array([[0.0, tiny, -0.0, 1.0]], np.float32), threshold=0.0)
    assert json.loads((tmp_path / "codes.jsonl").read_text())["indices"] == [1, 3]


@pytest.mark.parametrize("codes", [CODES, CODES.reshape(9, 1, 5)])
def test_json_lines_hold_whole_codes_when_told(codes: np.ndarray, tmp_path: Path) -> None:
    write(tmp_path / "codes.jsonl", codes, dense=True)
    found = [json.loads(line) for line in (tmp_path / "codes.jsonl").read_text().splitlines()]
    assert [line["row"] for line in found] == list(range(0, 90, 10))
    np.testing.assert_array_equal(np.array([line["code"] for line in found], np.float32), codes)


def test_json_lines_tell_what_was_wrong(tmp_path: Path) -> None:
    codes = CODES.copy()
    codes[[2, 5]] = np.nan
    codes[7, 1] = np.inf  # of a good row
    write(tmp_path / "codes.jsonl", codes, threshold=0.0, faults={2: 'a "word"', 5: "ü"})
    found = [json.loads(line) for line in (tmp_path / "codes.jsonl").read_text().splitlines()]
    assert {line["row"]: line["error"] for line in found if "error" in line} == {
        20: 'a "word"',
        50: "ü",
        70: "NaN or infinity in the code",
    }


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_standard_output_gets_the_same_text(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / f"codes.{kind}", threshold=0.0)
    write("-", kind=kind, threshold=0.0)
    assert capsys.readouterr().out == (tmp_path / f"codes.{kind}").read_text()


@pytest.mark.parametrize("kind", writers.KINDS)
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_nothing_half_written_is_left(
    kind: str, error: type[BaseException], tmp_path: Path
) -> None:
    target = tmp_path / f"codes.{kind}"
    target.write_text("old")

    def interrupted() -> None:
        with writers.open_writer(str(target), (5,), threshold=0.0, overwrite=True) as writer:
            writer.write(range(9), CODES, {})
            raise error

    with pytest.raises(error):
        interrupted()
    assert [path.name for path in tmp_path.iterdir()] == [target.name]
    assert target.read_text() == "old"


def test_an_existing_file_is_replaced_when_told(tmp_path: Path) -> None:
    (tmp_path / "codes.npy").write_text("old")
    with pytest.raises(FileExistsError, match=r"which exists. Remedy: --overwrite"):
        write(tmp_path / "codes.npy")
    assert (tmp_path / "codes.npy").read_text() == "old"
    write(tmp_path / "codes.npy", overwrite=True)
    assert len(np.load(tmp_path / "codes.npy")) == 9


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"ending in .npy, .npz, .csv or .jsonl, or -"):
        write(tmp_path / "codes.txt")
    write(tmp_path / "codes.txt", kind="csv")
    with pytest.raises(ValueError, match=r"csv or jsonl, on standard output. Received: npy"):
        write("-", kind="npy")
    for name in ("codes.npz", "codes.jsonl"):
        with pytest.raises(ValueError, match="Remedy: --threshold 0"):
            write(tmp_path / name)
    write(tmp_path / "codes.jsonl", dense=True)
