import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bundles import ROWS, read

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

pytestmark = pytest.mark.one_backend

NAMES = ("a", "b", "c", "d")


def write(file: Path, columns: dict[str, Any], **options: Any) -> Path:
    parquet.write_table(pa.table(columns), file, **options)
    return file


def by_name(rows: np.ndarray = ROWS, names: str = "cadb") -> dict[str, Any]:
    """Columns in another order."""
    return {name: rows[:, NAMES.index(name)] for name in names}


@pytest.mark.parametrize("rows", [1, 3, 100])
def test_columns_are_ordered_by_name(rows: int, tmp_path: Path) -> None:
    file = write(tmp_path / "x.parquet", by_name(), row_group_size=4)
    found, _ = read(file, columns=NAMES, rows=rows)
    np.testing.assert_array_equal(found, ROWS)
    np.testing.assert_array_equal(read(file)[0], ROWS[:, [2, 0, 3, 1]])


def test_columns_are_dropped_and_other_names_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "x.parquet", {"label": ["x"] * 10, **by_name()})
    for columns in (NAMES, None):
        assert read(file, columns=columns, drop=["label"])[0].shape == (10, 4)
    with pytest.raises(ValueError, match=r"x.parquet. Received: also column 'label'\. Remedy: --d"):
        read(file, columns=NAMES)
    file = write(tmp_path / "y.parquet", by_name(names="abc"))
    with pytest.raises(ValueError, match="no column 'd'"):
        read(file, columns=NAMES)
    repeated = pa.Table.from_arrays([pa.array([1.0])] * 4, names=["a", "b", "c", "a"])
    parquet.write_table(repeated, file)
    with pytest.raises(ValueError, match="several columns of name 'a'"):
        read(file, columns=NAMES)


def test_numbers_of_any_type_and_none(tmp_path: Path) -> None:
    columns = {"a": [True, None, False], "b": [1, 2, None], "c": [1.5, None, 2.5]}
    file = write(tmp_path / "x.parquet", {**columns, "d": pa.array([1, 2, 3], pa.uint8())})
    expected = [[1, 1, 1.5, 1], [np.nan, 2, np.nan, 2], [0, np.nan, 2.5, 3]]
    np.testing.assert_array_equal(read(file, columns=NAMES)[0], expected)
    write(tmp_path / "x.parquet", {**columns, "d": ["x", "y", "z"]})
    with pytest.raises(ValueError, match="Received: string in column 'd'"):
        read(file, columns=NAMES)
    write(tmp_path / "x.parquet", {name: pa.array([], pa.float32()) for name in NAMES})
    assert read(file, columns=NAMES)[0].shape == (0, 4)


def test_damaged_files_and_a_missing_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path / "x.parquet", by_name())
    data = file.read_bytes()
    for damaged in (b"", b"no parquet", data[:-20], data[:40] + b"\xff" * 40 + data[80:]):
        file.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"x.parquet. Received: a file that pyarrow cannot"):
            read(file, columns=NAMES)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ModuleNotFoundError, match=r'`pyarrow`.*install "keras-sparse-export\[parq'):
        read(file, columns=NAMES)
