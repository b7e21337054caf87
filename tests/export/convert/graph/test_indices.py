"""Indices of a table, as converters write them, and what only looks like one."""

from typing import Any

import numpy as np
import pytest

from keras_sparse_export.convert.graph.indices import narrow_ranges
from keras_sparse_export.io.inputs import MAX_WHOLE, Input, Inputs
from onnx_files import encoder, integers

pytestmark = pytest.mark.one_backend

CAST = ("Cast", "x", "i", {"to": 7})
LOOKUP = [
    ("Gather", "table j", "found", {"axis": 0}),
    ("ReduceMean", "found", "code", {"axes": [1], "keepdims": 0}),
]
WRAPPED = [
    CAST,
    ("Less", "i zero", "below"),
    ("Add", "i size", "above"),
    ("Where", "below above i", "j"),
]
ARITHMETIC = [
    CAST,
    ("Less", "i zero", "below"),
    ("Cast", "below", "turns", {"to": 7}),
    ("Mul", "turns size", "shift"),
    ("Add", "i shift", "j"),
]
CONSTANTS = {
    "zero": integers(0),
    "size": integers(9),
    "one": integers(1),
    "two": integers(2),
    "most": integers(8),
    "table": np.ones((9, 3), np.float32),
}


@pytest.mark.parametrize(
    ("nodes", "whole", "expected"),
    [
        ([CAST, ("Identity", "i", "j")], (-MAX_WHOLE, MAX_WHOLE), (0, 8)),
        (WRAPPED, (-MAX_WHOLE, MAX_WHOLE), (0, 8)),
        (ARITHMETIC, (0, 255), (0, 8)),
        (ARITHMETIC, (0, 4), (0, 4)),
        ([CAST, ("Min", "i most", "j")], (0, 255), (0, 255)),
        ([CAST, ("Sub", "i most", "j")], (0, 255), (0, 255)),
        ([CAST, ("Slice", "i zero two one", "j")], (0, 255), (0, 255)),
        ([CAST, ("Gather", "other i", "j", {"axis": 0})], (0, 255), (0, 4)),
        (WRAPPED, None, None),
    ],
    ids=["itself", "where", "products", "known", "clip", "offset", "part", "looked up", "floats"],
)
def test_an_index_is_below_the_size_of_its_table(
    nodes: list[Any], whole: tuple[int, int] | None, expected: tuple[int, int] | None
) -> None:
    constants = {**CONSTANTS, "other": np.arange(5)}
    proto = encoder([*nodes, *LOOKUP], constants, units=3)
    found = narrow_ranges(Inputs([Input("x", (4,), whole)]), proto.SerializeToString())
    assert found[0].whole == expected
