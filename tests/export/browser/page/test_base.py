"""What the page reads of a text or an array: the rows that Python reads of it."""

import base64
import io
import json
import math
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_sparse_export.cli import inputs
from keras_sparse_export.io import readers
from keras_sparse_export.io.categories import Columns

pytestmark = pytest.mark.one_backend

TEXTS = [
    ("1,2\n3,4\n", 2), ("\ufeff1,2\r\n3,4", 2), ("a,b\n1,2", 2), ('"a, b",c\n"1",2', 2),
    (" 1 , 2 ", 2), ("1e3,-.5", 2), ("+1,2.", 2), ("", 2), ("\n\n", 2), ("a,b", 2), ("1,2,3", 2),
    ("1,2\n3", 2), ("a,1", 2), ("1,", 2), ("1;2", 2), ("x", 1), ("x\n1\n2", 1), ("1\n\n2", 1),
    ("a\n1,2", 2), ("a,b,c\n1,2", 2), ("0x10,1", 2), ('"1","2"', 2),
    ('"a ""b""",c\n3,4', 2), ("1,2\n \n3,4", 2), ("- 1,2", 2), ("nan,inf\n1,2", 2),
    ("-NaN\n1", 1), ("+Infinity\n1", 1), ("infinit\n1", 1), ("1_000,2", 2), ("1_0.2_5,.5_0", 2),
    ("1_0e1_0,-2_2.e-0_1", 2), ("1__0,2", 2), ("_1,2", 2), ("a,1_", 2), ("x_1,1_\n1,2", 2),
    ("1e400\n1", 1), ("1\r\n\r\n\n2", 1), ("1;2\n3;4", 2), ("a;b\n1,5;2,25", 2), ("1\t2", 2),
    ("1,234;2", 2), ("1,5;1.5", 2), ("0,234;2", 2), ("1,5;1.234\n1,5;2", 2), ("a;b,1\n2;3,5", 2),
    ('"a;b",c\n1,2', 2), ('"a";"b;c"\n"1";2', 2), ("1,2e3;4", 2), ("true,False\n1,TRUE", 2),
    ("yes,1", 2), ("tRUE,1", 2), ("a,a\n1,2", 2), ("1;2\n3", 2), ("a b\tc\n1\t2", 2),
    ("1,2,3,4,5,6,7,8\n1,2,3,4,5,6,7,7", 8), ("1,2,3,4,5,6,7,8\n1,2,3,4,5,6,7,9", 8),
    ("8;7;6;5,5;4;3;2;1\n1,5;2;3;4;5;6;7;7", 8), (",\n1,2", 2), ("a,\n1,2", 2), ("?,-\n1,2", 2),
    ("1,500;2,250\n1,5;2", 2), ("1,,2", 2), ("1;2,3,4", 2),
    ("true,x\n1,2", 2), ("a,NA\n1,2", 2), ("1,2,3,4,5,6,7,8\n1,1,1,1,1,1,1,2\n", 8),
    ("8,7,6,5,4,3,2,1\n\n1,1,1,1,1,1,1,2\n", 8), ("1,2,3,4,5,6,7,8\n2,3,4,5,6,7,8,9\n", 8),
    ("1,2,3,4,5,6,7,8", 8), ("1,2,3\n1,1,1", 3), ("1,2,3,4,5,6,6,8\n1,1,1,1,1,1,1,2\n", 8),
    ("1,2,3,4,5,6,7,8\n1,x", 8),
    ("1,\r\n ,2\r\n", 2), ("1,2\n,\n", 2), ("nan,1\n-NaN,2", 2), ("1,inf", 2),
    ('"",1', 2), ("1,NA", 2),
    (",a\n1,2", 2), ("1;\n;2,5", 2), ("1\t\n\t2", 2),
]  # fmt: skip
NAMED_TEXTS = [
    ("b,a\n1,2\n3,4", 2, ["a", "b"]), ("1,2", 2, ["a", "b"]), ("b,c\n1,2", 2, ["a", "b"]),
    ("b,a,c\n1,2,3", 2, ["a", "b"]), ("b\n1", 2, ["a", "b"]), ("b,a,b\n1,2,3", 2, ["a", "b"]),
    ("2,1\n5,6", 2, ["1", "2"]), ("2,3\n5,6", 2, ["1", "2"]), ("b;a\n1,5;2", 2, ["a", "b"]),
    ('"b, c",a\n1,2', 2, ["a", "b, c"]), (" a,b\n1,2", 2, ["a", "b"]), ("b,a\n1,x", 2, ["a", "b"]),
    ("b,a\n1,2,3", 2, ["a", "b"]), ("b,a\ntrue,2", 2, ["a", "b"]), ("b,a", 2, ["a", "b"]),
]  # fmt: skip


PUMPS = ["flow", "pump=A", "pump=1", "pump=true", "pump=-"]
CATEGORIES = {"pump": ["A", "1", "true", "-"]}
PUMP_TEXTS = [
    "flow,pump\n1,A\n2, 1 \n3,true\n4,-", "pump,flow\nA,1\n", "pump;flow\nA;1,5\n1;2,25",
    "flow,pump\n1,B", "flow,pump\n1,", "flow,pump\n1,nan", "flow,pump\n1,None", "flow,pump\n1,1.0",
    "flow,pump\n1,01", "flow,pump\n1,True", "flow,pump\n1,TRUE", "flow,pump\n1,tRUE",
    "flow,pump\n1,1e0", 'flow,pump\n1,"A"', "flow,pump\nA,1", "flow\n1", "flow,pump,pump=A\n1,A,1",
    "flow,pump,x\n1,A,2", "flow,pump=A,pump=1,pump=true,pump=-\n1,0,1,0,0", "1,0,1,0,0",
    "flow,pump=A\n1,1", "flow,pump\n1,A,2", "flow,pump,pump\n1,A,A", "flow,pump\n1,a",
]  # fmt: skip
"""Rows of which the column of pumps holds categories as text, or as columns of 0 and 1."""


def read(text: str, size: int, columns: Any, folder: Path, gaps: bool) -> list[Any] | None:
    """The rows that Python reads of a CSV, `None` if it refuses one; null for a gap."""
    file = folder / "rows.csv"
    file.write_bytes(text.encode())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of decimal commas and scales
            chunks = list(readers.read(str(file), (size,), columns=columns, gaps=gaps))
    except ValueError:
        return None
    if any(inputs.find_faults(chunk, gaps=gaps) for chunk in chunks):
        return None
    found = [number for chunk in chunks for number in chunk.rows.ravel().tolist()]
    return [None if math.isnan(number) else number for number in found] or None


def texts(scratch: Path) -> list[dict[str, Any]]:
    """Texts with and without gaps, and the rows that Python reads of them."""
    pumps, found = Columns(PUMPS, CATEGORIES), []
    cases: list[tuple[str, int, Any]] = [(*each, None) for each in TEXTS]
    cases += [*NAMED_TEXTS, *((text, len(PUMPS), pumps) for text in PUMP_TEXTS)]
    for text, size, columns in cases:
        known = {"columns": columns, "categories": [*getattr(columns, "categories", {}).items()]}
        for gaps in (False, True):
            rows = read(text, size, columns, scratch, gaps)
            found.append({"text": text, "size": size, **known, "gaps": gaps, "rows": rows})
    return found


def arrays() -> Iterator[tuple[str, dict[str, Any] | None]]:
    """Files in base64, and what numpy reads of them; None for those that the page refuses."""
    numbers = np.array([[1, 0, 3], [4, 5, 127]])
    kinds = ["f4", "f8", "?", *(f"{sign}{size}" for sign in "iu" for size in (1, 2, 4, 8))]
    good = [numbers.astype(kind) for kind in kinds]
    good += [
        numbers[0] / 3,
        np.array([[np.nan, 0.1]]),
        np.zeros((0, 3)),
        np.asfortranarray(numbers[:1]),
    ]
    odd = [numbers.astype("f2"), numbers.astype(">f4"), np.asfortranarray(numbers), numbers + 0j]
    for array in good:
        values = [None if np.isnan(each) else float(each) for each in array.astype("f4").ravel()]
        yield pack(array), {"shape": list(array.shape), "values": values}
    for array in [*odd, np.array(["a"]), np.zeros(2, [("a", "f4")])]:
        yield pack(array), None
    whole = base64.b64decode(pack(numbers))
    for part in (b"", whole[:8], whole[:-1], whole + b"x", b"PK" + whole[2:]):
        yield base64.b64encode(part).decode(), None


def pack(array: np.ndarray) -> str:
    file = io.BytesIO()
    np.save(file, array)
    return base64.b64encode(file.getvalue()).decode()


@pytest.mark.browser
def test_arrays_are_those_of_numpy(node: Callable[..., None], tmp_path: Path) -> None:
    file = tmp_path / "arrays.json"
    file.write_text(json.dumps([*arrays()]))
    node("npy", ARRAYS=file)


@pytest.mark.browser
def test_texts_are_read_as_python_reads_them(node: Callable[..., None], tmp_path: Path) -> None:
    file = tmp_path / "csv.json"
    file.write_text(json.dumps(texts(tmp_path)))
    node("csv", "latest", TEXTS=file)
