"""Find the layers of a Keras model whose outputs jump, and watch them while the model runs.

They are known by their registered names and public attributes: `keras_sparse` is not imported.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from keras_sparse_export.convert.source import cut
from keras_sparse_export.errors import ConversionError
from keras_sparse_export.runtime.jumps import Jump, Observation, Observe

GATES = {
    "keras_sparse>BatchTopK": ("k", "momentum"),
    "keras_sparse>TopK": ("k",),
    "keras_sparse>JumpReLU": ("k", "bandwidth", "strength"),
}
"""Registered names of gates, with the options of their configs that are known."""
REFINED, TIED = "keras_sparse>RefinedCode", "keras_sparse>TiedDecoder"


def is_gate(layer: Any) -> bool:
    """Whether a layer, or the activation of one, passes on some of its inputs and zeros others."""
    return isinstance(layer, keras.layers.Layer) and _name(layer) in GATES


def list_gates(model: keras.Model) -> list[keras.layers.Layer]:
    """Return all gates of a model: its layers, activations of its layers and gates within those."""
    found = []
    for layer in cut.list_layers(model):
        inner = [layer.first, layer.second] if _name(layer) == REFINED else []
        found += [g for g in (layer, getattr(layer, "activation", None), *inner) if is_gate(g)]
    return found


def read_jump(gate: Any) -> Jump:
    """Return when a gate passes on its inputs.

    Raises:
        ConversionError: If its threshold is not known yet, or not a finite number of 0 or more.
    """
    if _name(gate) == "keras_sparse>TopK":
        return Jump(None, int(gate.k))
    thresholds = np.asarray(gate.thresholds)
    if thresholds.dtype != np.float32 or not (np.isfinite(thresholds) & (thresholds >= 0)).all():
        raise ConversionError(
            "Expected finite thresholds of 0 or more in float32. Received: "
            f"{thresholds.dtype} {np.array2string(thresholds, threshold=4)} of layer `{gate.name}`"
        )
    if not (gate.is_calibrated or thresholds.any()):
        raise ConversionError(
            f"Expected a threshold that was trained or calibrated. Received: layer `{gate.name}` "
            f"of class {type(gate).__name__} without. Remedy: train the model, or calibrate it on "
            "rows: keras_sparse.Calibrate(x)"
        )
    return Jump(thresholds)


def watch(model: keras.Model) -> Observe:
    """Return a function from rows to the codes of a model, and to what passes its gates.

    Raises:
        ConversionError: When it is called, if a gate does not run exactly once.
    """
    gates = list_gates(model)

    def observe(rows: np.ndarray) -> Observation:
        passes: list[tuple[Any, Any]] = []
        with _recorded(gates, passes):
            code = cut.call_model(model, rows)
        if len(passes) != len(gates):
            raise ConversionError(
                f"Expected each layer with a threshold to run once. Received: {len(gates)} layers "
                f"that ran {len(passes)} times"
            )
        to_numpy = keras.ops.convert_to_numpy
        return Observation(to_numpy(code), [(to_numpy(z), to_numpy(h)) for z, h in passes])

    return observe


@contextmanager
def _recorded(gates: Sequence[Any], passes: list[tuple[Any, Any]]) -> Iterator[None]:
    """Add what enters and leaves each gate to a list, in the order in which they run."""

    def record(call: Any) -> Any:
        def run(z: Any, *args: Any, **kwargs: Any) -> Any:
            h = call(z, *args, **kwargs)
            passes.append((z, h))
            return h

        return run

    for gate in gates:
        gate.call = record(gate.call)
    try:
        yield
    finally:
        for gate in gates:
            del gate.call


def _name(layer: Any) -> str:
    return str(keras.saving.get_registered_name(type(layer)))
