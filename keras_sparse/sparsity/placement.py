"""Raise where Keras would lose a penalty, or add it more often than once.

Keras tells neither a regularizer nor a layer what wraps it, and `TimeDistributed` does not even
call the regularizer of its layer. So the check is made by the wrappers: their `build`, which runs
once and never in a step, is extended by it.
"""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import keras

RECURRENT = (
    keras.layers.RNN,
    keras.layers.ConvLSTM1D,
    keras.layers.ConvLSTM2D,
    keras.layers.ConvLSTM3D,
)


def guard_wrappers(penalty: type) -> None:
    """Have Keras' wrappers raise when they are built around a penalty that they would miscount.

    Args:
        penalty: The class of the penalties that layers hold, as `activity_regularizer` or as
            another attribute.
    """
    for layer in (keras.layers.TimeDistributed, keras.layers.Bidirectional, *RECURRENT):
        layer.build = _guard(layer.build, penalty)


def nested_layers(layer: keras.layers.Layer) -> Iterator[keras.layers.Layer]:
    """Yield a layer and all layers inside of it, each once, whatever attributes hold them."""
    seen: set[int] = set()
    found = [layer]
    while found:
        each = found.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        for value in vars(each).values():
            values = value.values() if isinstance(value, dict) else value
            parts = list(values) if isinstance(value, (dict, list, tuple)) else [value]
            found.extend(part for part in parts if isinstance(part, keras.layers.Layer))


def _guard(build: Callable[..., None], penalty: type) -> Callable[..., None]:
    @functools.wraps(build)
    def guarded(self: keras.layers.Layer, *arguments: Any, **options: Any) -> None:
        build(self, *arguments, **options)  # first, since a layer may make others when it is built
        _require_none_per_step(self, penalty)
        _require_none_on_states(self, penalty)

    return guarded


def _require_none_per_step(wrapper: keras.layers.Layer, penalty: type) -> None:
    if isinstance(wrapper, keras.layers.TimeDistributed):
        inside, place = wrapper.layer, "keras.layers.TimeDistributed"
        remedy = "its own `activity_regularizer`, or ActivityPenalty after TimeDistributed"
    elif isinstance(wrapper, RECURRENT):
        inside, place = wrapper.cell, "the cell of a recurrent layer"
        remedy = "the `activity_regularizer` of that layer, or ActivityPenalty after it"
    else:
        return
    for layer in nested_layers(inside):
        for value in vars(layer).values():
            if isinstance(value, penalty):
                raise ValueError(
                    f"Expected a penalty outside {place}, which calls a layer once per step: the "
                    "penalty would be lost, or added once per step. Received: "
                    f"{type(value).__name__} of layer `{layer.name}` inside `{wrapper.name}`. "
                    f"Remedy: {remedy}; both average over steps"
                )


def _require_none_on_states(layer: keras.layers.Layer, penalty: type) -> None:
    if getattr(layer, "return_state", False) and isinstance(layer.activity_regularizer, penalty):
        raise ValueError(
            "Invalid value for argument `return_state`. Expected False with a penalty as activity "
            "regularizer, which Keras would apply to the states too. Received: return_state=True "
            f"of layer `{layer.name}` with {type(layer.activity_regularizer).__name__}. Remedy: "
            "ActivityPenalty on its output"
        )
