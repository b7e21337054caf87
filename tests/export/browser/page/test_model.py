"""The page's models: they refuse the rows that overflow in a graph, as Python does."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import onnx_files
from keras_sparse_export import Encoder
from keras_sparse_export.errors import RangeError

pytestmark = pytest.mark.one_backend

LARGE_ROWS = np.array(
    [[1, 1, 1, 1], [3e38] * 4, [3e38, -3e38, 0, 1], [1e30, -1e30, 2e30, 1e33]], np.float32
)
WEIGHTS = {"w": np.array([[2, -2, 2, -2]] * 4, np.float32)}
GRAPHS: dict[str, tuple[list[tuple[Any, ...]], dict[str, Any]]] = {
    "visible": ([("MatMul", "x w", "code")], WEIGHTS),
    "relu": ([("MatMul", "x w", "z"), ("Relu", "z", "code")], {"w": -np.abs(WEIGHTS["w"])}),
    "thresholded": (
        [("MatMul", "x w", "z"), ("ThresholdedRelu", "z", "code", {"alpha": 0.1})],
        WEIGHTS,
    ),
    "refined": (
        [
            ("MatMul", "x w", "z"),
            ("ThresholdedRelu", "z", "h", {"alpha": 0.1}),
            ("MatMul", "h w", "back"),
            ("Sub", "x back", "rest"),
            ("MatMul", "rest w", "change"),
            ("Add", "h change", "z2"),
            ("ThresholdedRelu", "z2", "code", {"alpha": 0.1}),
        ],
        WEIGHTS,
    ),
    "normalized": (
        [("ReduceL2", "x", "n", {"axes": [1], "keepdims": 1}), ("Div", "x n", "code")],
        {},
    ),
    "exponential": (
        [("Neg", "x", "n"), ("Exp", "n", "e"), ("Add", "e one", "d"), ("Div", "one d", "code")],
        {"one": np.float32(1)},
    ),
    "masked": (
        [
            ("Greater", "x zero", "positive"),
            ("Where", "positive x low", "z"),
            ("Softmax", "z", "code"),
        ],
        {"zero": np.float32(0), "low": np.float32(-np.inf)},
    ),
}


def find_overflows(name: str, folder: Path) -> list[bool]:
    """Whether each of the large rows overflows in a graph, which is left in the folder."""
    file = onnx_files.written(onnx_files.encoder(*GRAPHS[name]), folder)
    encoder = Encoder(file.rename(folder / f"{name}.onnx"))
    try:
        encoder.encode(LARGE_ROWS)
    except RangeError as error:
        return [row in error.rows for row in range(len(LARGE_ROWS))]
    return [False] * len(LARGE_ROWS)


@pytest.mark.browser
def test_the_models_agree_with_python(node: Callable[..., None], tmp_path: Path) -> None:
    graphs = {name: find_overflows(name, tmp_path) for name in GRAPHS}
    expected = {"rows": LARGE_ROWS.tolist(), "graphs": graphs}
    (tmp_path / "overflow.json").write_text(json.dumps(expected))
    node("encoder", "codes", GRAPHS=tmp_path)
