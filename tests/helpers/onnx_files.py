"""Small ONNX files, as somebody may have written them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FEATURES = 4


def encoder(
    nodes: Sequence[tuple[Any, ...]],
    constants: dict[str, Any] | None = None,
    *,
    units: int = FEATURES,
    opset: int = 17,
    **options: Any,
) -> onnx.ModelProto:
    """An encoder from `x`, (batch, 4), to `code`, (batch, units).

    Args:
        nodes: Each an operator, its inputs and its outputs, by names in one text each, and perhaps
            attributes.
        constants: By name.
        units: Of the code.
        opset: Of ONNX.
        **options: Of `onnx.helper.make_model`.
    """
    graph = helper.make_graph(
        [
            helper.make_node(operator, inputs.split(), outputs.split(), **dict(*attributes))
            for operator, inputs, outputs, *attributes in nodes
        ],
        "encoder",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", FEATURES])],
        [helper.make_tensor_value_info("code", TensorProto.FLOAT, ["batch", units])],
        [numpy_helper.from_array(np.asarray(v), k) for k, v in (constants or {}).items()],
    )
    opsets = [helper.make_opsetid("", opset)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8, **options)


def written(proto: onnx.ModelProto, folder: Path) -> Path:
    """The file, in a folder."""
    file = folder / "encoder.onnx"
    file.write_bytes(proto.SerializeToString())
    return file


def integers(*values: int) -> np.ndarray:
    """A constant of whole numbers."""
    return np.array(values, np.int64)
