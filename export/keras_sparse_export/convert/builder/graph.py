"""Collect the nodes and constants of an ONNX graph."""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from keras_sparse_export.runtime.jumps import Jump

Emit = Callable[["GraphBuilder", Any, list[str]], str]


class GraphBuilder:
    """The nodes and constants of one graph."""

    def __init__(self, opset: int) -> None:
        self.opset = opset
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.shapes: dict[str, tuple[int | None, ...]] = {}
        """Shapes of layer inputs, with the batch axis; values inside a layer are not recorded."""
        self.jumps: list[tuple[Jump, tuple[str, str]]] = []
        """Each jump, and the names of what enters and leaves it."""

    def add(self, operator: str, *inputs: str, outputs: int = 1, **attributes: Any) -> str:
        """Add a node; return the name of its first output."""
        first, *others = (f"t{len(self.nodes)}{'_' * place}" for place in range(outputs))
        node = helper.make_node(operator, list(inputs), [first, *others], **attributes)
        self.nodes.append(node)
        return first

    def add_constant(self, value: Any, dtype: Any = np.float32) -> str:
        """Add a constant; return its name."""
        name = f"c{len(self.constants)}"
        array = np.ascontiguousarray(value, dtype) if np.ndim(value) else np.asarray(value, dtype)
        self.constants.append(numpy_helper.from_array(array, name))
        return name
