"""Emit the nodes of layers that pass on the inputs above a threshold, or the largest ones."""

from typing import Any

import keras
import numpy as np

from keras_sparse_export.convert.builder.graph import GraphBuilder
from keras_sparse_export.convert.builder.options import Converter, require_known
from keras_sparse_export.convert.jumps import gates


def emit(builder: GraphBuilder, gate: Any, z: str) -> str:
    """Emit a gate, a layer or the activation of one; return the name of its output.

    Raises:
        ConversionError: If an option or the threshold of the gate is unknown.
    """
    require_known(gate, gates.GATES[keras.saving.get_registered_name(type(gate))])
    jump = gates.read_jump(gate)
    if jump.thresholds is None:
        h = _keep_largest(builder, z, jump.k)
    elif jump.thresholds.ndim == 0:
        h = builder.add("ThresholdedRelu", z, alpha=float(jump.thresholds))
    else:
        active = builder.add("Greater", z, builder.add_constant(jump.thresholds))
        h = builder.add("Where", active, z, builder.add_constant(0.0))
    builder.jumps.append((jump, (z, h)))
    return h


def _keep_largest(builder: GraphBuilder, z: str, k: int | None) -> str:
    count = builder.add_constant([k], np.int64)
    values = builder.add("TopK", z, count, outputs=2, axis=-1)
    zeros = builder.add("Sub", z, z)
    codes = builder.add("Relu", values)
    return builder.add("ScatterElements", zeros, f"{values}_", codes, axis=-1)


def _gate(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    return emit(builder, layer, inputs[0])


def _refined_code(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    """z₁ = x W + b, h₁ = gate(z₁), r = x − c − h₁ D, z₂ = h₁ + r W + b₂, h = gate(z₂).

    With what was observed, m, in the second half of the input, z₁ = x W + m V + b, and r is m times
    the residual.
    """
    (x,) = inputs
    weight = keras.ops.convert_to_numpy(layer.kernel)
    kernel = builder.add_constant(weight[: layer.decoder_kernel.shape[1]])
    bias, second_bias, decoder_kernel, decoder_bias = (
        builder.add_constant(keras.ops.convert_to_numpy(weight))
        for weight in (
            layer.bias,
            layer.second_bias,
            layer.decoder_kernel,
            layer.decoder_bias,
        )
    )
    add, observed = builder.add, ""
    if layer.reads_observed:
        half = builder.add_constant([len(weight) // 2] * 2, np.int64)
        x = add("Split", x, half, outputs=2, axis=-1)
        observed = f"{x}_"
    z = add("MatMul", x, kernel)
    if observed:
        indicator = builder.add_constant(weight[len(weight) // 2 :])
        z = add("Add", z, add("MatMul", observed, indicator))
    first = emit(builder, layer.first, add("Add", z, bias))
    reconstruction = add("Add", add("MatMul", first, decoder_kernel), decoder_bias)
    residual = add("Sub", x, reconstruction)
    residual = add("Mul", observed, residual) if observed else residual
    correction = add("Add", add("MatMul", residual, kernel), second_bias)
    return emit(builder, layer.second, add("Add", first, correction))


LAYERS: dict[str, Converter] = {
    **{name: Converter(_gate, options) for name, options in gates.GATES.items()},
    gates.REFINED: Converter(
        _refined_code, ("units", "activation", "constraint", "reads_observed")
    ),
}
