"""Cut an encoder or a decoder to its first units.

The weights of the others are left out of the file. That is possible where the code of a unit
depends on no other unit, as between a matrix product with constant weights and the code of ReLU or
of a threshold; not with softmax, a rank within the row, or a correction pass.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import numpy_helper

from keras_sparse_export.errors import ConversionError
from keras_sparse_export.runtime.jumps import Jump, Observation, Observe

ELEMENTWISE = frozenset(
    (
        "Abs", "Add", "And", "Celu", "Clip", "Div", "Elu", "Erf", "Exp", "Greater", "HardSigmoid",
        "HardSwish", "Identity", "LeakyRelu", "Less", "Log", "Max", "Min", "Mish", "Mul", "Neg",
        "Not", "Or", "Pow", "Relu", "Selu", "Sigmoid", "Sign", "Softplus", "Softsign", "Sqrt",
        "Sub", "Sum", "Tanh", "ThresholdedRelu", "Where",
    )
)  # fmt: skip
"""Operators whose result at one place depends on their inputs at this place alone."""


def require_units(units: Any, most: int) -> None:
    """Validate the argument `units`.

    Raises:
        ValueError: If it is not an integer from 1 to `most`.
    """
    if (
        isinstance(units, bool)
        or not isinstance(units, (int, np.integer))
        or not 1 <= units <= most
    ):
        raise ValueError(
            f"Invalid value for argument `units`. Expected an integer from 1 to {most}, the units "
            f"of the code, or None for all. Received: units={units!r}"
        )


# Files -----------------------------------------------------------------------------------------


def narrow_encoder(proto: onnx.ModelProto, units: int) -> set[str]:
    """Cut the code of an encoder, in place, to its first units.

    Returns:
        The names of the results that were cut.

    Raises:
        ConversionError: If their codes depend on other units; the message names the operator.
    """
    graph = proto.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    producers = {name: node for node in graph.node for name in node.output}
    width = _last_size(graph.output[0])
    narrowed: set[str] = set()
    nodes: list[onnx.NodeProto] = []
    pending = [graph.output[0].name]
    while pending:
        name = pending.pop()
        if name in narrowed:
            continue
        narrowed.add(name)
        node = producers.get(name)
        if node is not None and node.op_type in ELEMENTWISE:
            pending += [value for value in node.input if value and value not in constants]
        elif node is None or not _is_product(node, constants):
            raise _report("the input" if node is None else f"`{node.op_type}`", units)
        nodes.append(node)
    for node in graph.node:
        if node not in nodes and not narrowed.isdisjoint(node.input):
            raise _report(f"`{node.op_type}`, which takes the codes of all", units)
    for node in nodes:
        product = node.op_type in ("MatMul", "Gemm")
        for place, name in enumerate(node.input):
            if name in constants and not (product and place == 0):
                by_row = place == 1 and _is_transposed(node)
                _replace(graph, node, place, constants[name], width, units, 0 if by_row else -1)
    _drop_unused(graph)
    _set_last_size(graph.output[0], units)
    return narrowed


def narrow_decoder(proto: onnx.ModelProto, units: int) -> None:
    """Cut a decoder, in place, to take the codes of the first units; the others count as zero.

    Raises:
        ConversionError: If it does not begin with a matrix product.
    """
    graph = proto.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    code, width = graph.input[0].name, _last_size(graph.input[0])
    for node in graph.node:
        if code not in node.input:
            continue
        if node.input[0] != code or not _is_product(node, constants):
            raise _report(f"`{node.op_type}` at the beginning of the decoder", units)
        axis = 1 if _is_transposed(node) else 0
        _replace(graph, node, 1, constants[node.input[1]], width, units, axis)
    _drop_unused(graph)
    _set_last_size(graph.input[0], units)


def _is_product(node: onnx.NodeProto, constants: dict[str, Any]) -> bool:
    plain = node.op_type == "MatMul" or (
        node.op_type == "Gemm" and not _read_integer(node, "transA")
    )
    return plain and node.input[1] in constants and len(constants[node.input[1]].dims) == 2


def _is_transposed(node: onnx.NodeProto) -> bool:
    return node.op_type == "Gemm" and bool(_read_integer(node, "transB"))


def _read_integer(node: onnx.NodeProto, name: str) -> int:
    return next((attribute.i for attribute in node.attribute if attribute.name == name), 0)


def _replace(
    graph: onnx.GraphProto,
    node: onnx.NodeProto,
    place: int,
    tensor: onnx.TensorProto,
    width: int,
    units: int,
    axis: int,
) -> None:
    """Let a node take the first units of a constant; a constant of one number stays."""
    values = numpy_helper.to_array(tensor)
    if not values.ndim or values.shape[axis] != width:
        return
    name = f"{tensor.name}_of_{units}"
    if all(other.name != name for other in graph.initializer):
        part = np.ascontiguousarray(values.take(range(units), axis=axis))
        graph.initializer.append(numpy_helper.from_array(part, name))
    node.input[place] = name


def _drop_unused(graph: onnx.GraphProto) -> None:
    used = {name for node in graph.node for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def _last_size(value: onnx.ValueInfoProto) -> int:
    return int(value.type.tensor_type.shape.dim[-1].dim_value)


def _set_last_size(value: onnx.ValueInfoProto, size: int) -> None:
    value.type.tensor_type.shape.dim[-1].dim_value = size


def _report(received: str, units: int) -> ConversionError:
    return ConversionError(
        f"Expected codes of the first {units} units that depend on no other unit, as those of ReLU "
        f"or of a threshold behind a dense layer. Received: {received}. Remedy: units=None"
    )


# Their source ----------------------------------------------------------------------------------


class First(NamedTuple):
    """The first units of an encoder or a decoder in Keras, which computes them all."""

    units: int | None = None
    """`None` for all."""
    passes: Sequence[bool] = ()
    """Whether each jump of an encoder is cut."""
    width: int | None = None
    """Units that a decoder takes."""

    def narrow_jumps(self, jumps: Sequence[Jump]) -> Sequence[Jump]:
        """Return the jumps with the thresholds of the first units."""
        return [
            jump._replace(thresholds=jump.thresholds[: self.units])
            if cut and jump.thresholds is not None and jump.thresholds.ndim
            else jump
            for jump, cut in zip(jumps, self.passes or [False] * len(jumps), strict=True)
        ]

    def narrow(self, observe: Observe) -> Observe:
        """Return an encoder that gives the codes of the first units, or a decoder of those."""
        if self.units is None:
            return observe
        return self._decode(observe) if self.width else self._encode(observe)

    def _encode(self, observe: Observe) -> Observe:
        def encode(rows: np.ndarray) -> Observation:
            code, passes = observe(rows)
            pairs = [
                (z[..., : self.units], h[..., : self.units]) if cut else (z, h)
                for (z, h), cut in zip(passes, self.passes, strict=True)
            ]
            return Observation(code[..., : self.units], pairs)

        return encode

    def _decode(self, observe: Observe) -> Observe:
        def decode(codes: np.ndarray) -> Observation:
            missing = (self.width or 0) - codes.shape[-1]  # they count as zero
            return observe(np.pad(codes, [*[(0, 0)] * (codes.ndim - 1), (0, missing)]))

        return decode
