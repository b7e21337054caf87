"""Training, the device and the page decide alike whether a CSV begins with a header."""

import re
import warnings
from pathlib import Path

import pytest

from bundles import read
from keras_sparse.data.arrays import DataError
from keras_sparse.data.tables import read_table
from keras_sparse.utils.words import SPELLINGS
from keras_sparse_export.io import csv_cells

pytest.importorskip("pyarrow", reason="reads CSV")
pytestmark = pytest.mark.one_backend

PAGE = Path(csv_cells.__file__).parents[1] / "browser" / "page" / "base" / "csv.js"
RISING = "400,500,600,700,800,900,1000,1100"
FIRST_LINES = {  # the line, and whether it is a header
    "a,b": True,
    "a,": True,
    ",b": True,
    '"a,b",c': True,
    "a,NA": True,
    "1,b": False,
    "1,2": False,
    '"1","2"': False,
    "nan,b": False,
    "inf,b": False,
    "true,FALSE": False,
    "?,-": False,
    "NA,": False,
    " NA ,null": False,
    "a": True,
    "1": False,
    RISING: True,
    RISING.replace("500", "300"): False,
    RISING.replace("500", "400"): False,
    RISING[: RISING.rindex(",")]: False,  # too few
    ",".join(reversed(RISING.split(","))): True,
}


def is_header_in_training(file: Path, rows: int) -> bool:
    try:
        table = read_table(file, missing="mean")
    except DataError:  # the first line is a row with words or gaps alone
        return False
    return len(table.rows) == rows


@pytest.mark.parametrize("line", FIRST_LINES)
def test_a_first_line_is_a_header_for_all_or_for_none(line: str, tmp_path: Path) -> None:
    width = len(csv_cells.split(line))
    rows = [",".join(str((7 * row + column**2) % 11) for column in range(width)) for row in (1, 2)]
    file = tmp_path / "x.csv"
    file.write_text("\n".join([line, *rows]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of a scale
        in_training = is_header_in_training(file, len(rows))
        read_rows, faults = read(file, (width,))
    on_device = len(read_rows) == len(rows)
    assert faults == {} or not on_device
    assert (in_training, on_device) == (FIRST_LINES[line], FIRST_LINES[line])


def test_all_know_the_same_spellings_of_a_gap() -> None:
    assert csv_cells.GAPS == SPELLINGS
    found = re.search(r'GAPS = new Set\(\s*"(.*?)"', PAGE.read_text("utf-8"))
    assert found is not None
    assert set(found[1].split("|")) == SPELLINGS
