"""Choose the biases of new units, so that they are active for a fraction of the rows."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sparse.callbacks.code_units import Writer
from keras_sparse.sparsity.by_count.activation import CountActivation
from keras_sparse.sparsity.by_count.refined_code import RefinedCode

ROWS = 1024


def choose_biases(
    writer: Writer, x: np.ndarray, kernel: np.ndarray, units: np.ndarray, density: float
) -> list[tuple[keras.Variable, np.ndarray]]:
    """Choose the biases of some units of a layer, those of both passes of a refined code.

    Args:
        writer: The layer, with its old weights.
        x: Inputs of a unit, `(samples, inputs)`.
        kernel: The new weights of the units, `(inputs, units)`.
        units: Their indices in the layer.
        density: Fraction of the samples for which a unit is to be active.

    Returns:
        Each bias and its new values for all units.
    """
    layer = writer.layer
    z = x @ kernel
    if not isinstance(layer, RefinedCode):
        least = _least_active(writer.gate, lambda: _dense(layer, x), units)
        return [(layer.bias, _replace(layer.bias, units, _bias(z, least, density)))]
    first, second = (_in_parts(f, x) for f in (layer.compute_first, layer.compute_second))
    codes = _in_parts(lambda part: layer.first(layer.compute_first(part), training=False), x)
    least = _least_active(layer.first, lambda: first, units)
    bias = _bias(z, least, density)
    own_codes = np.where(z + bias > least, z + bias, 0)
    x, observed = np.split(x, 2, axis=1) if layer.reads_observed else (x, 1.0)
    residual = observed * (x - _in_parts(layer.decode, codes))
    z = own_codes + residual @ kernel[: residual.shape[1]]
    second_bias = _bias(z, _least_active(layer.second, lambda: second, units), density)
    return [
        (layer.bias, _replace(layer.bias, units, bias)),
        (layer.second_bias, _replace(layer.second_bias, units, second_bias)),
    ]


def _bias(z: np.ndarray, least: Any, density: float) -> np.ndarray:
    """The bias with which `z` exceeds `least` for a fraction of the samples."""
    bias: np.ndarray = -np.quantile(z - least, 1 - density, axis=0)
    return bias


def _least_active(gate: CountActivation | None, z: Any, units: np.ndarray) -> Any:
    """What pre-activations of units must exceed to be active; it broadcasts to `(samples, units)`.

    Args:
        gate: The activation; `None` for one that is active above 0.
        z: Returns the pre-activations of all units, `(samples, all units)`.
        units: The units.
    """
    if gate is None:
        return 0.0
    if gate.thresholds is None:  # the k-th largest of a row
        return np.maximum(np.partition(z(), -gate.k)[:, -gate.k, np.newaxis], 0)
    return gate.thresholds[units] if gate.thresholds.ndim else gate.thresholds


def _dense(layer: keras.layers.Layer, x: np.ndarray) -> np.ndarray:
    kernel, bias = (ops.convert_to_numpy(weight) for weight in (layer.kernel, layer.bias))
    pre_activations: np.ndarray = x @ kernel.reshape(-1, kernel.shape[-1]) + bias
    return pre_activations


def _replace(bias: keras.Variable, units: np.ndarray, values: np.ndarray) -> np.ndarray:
    replaced = np.array(ops.convert_to_numpy(bias))
    replaced[units] = values
    return replaced


def _in_parts(function: Any, x: np.ndarray) -> np.ndarray:
    parts = (x[start : start + ROWS] for start in range(0, len(x), ROWS))
    return np.concatenate(
        [ops.convert_to_numpy(function(ops.convert_to_tensor(part, "float32"))) for part in parts]
    ).astype(np.float64)
