"""Emit layers that run another one over a sequence: both ways, or at every step."""

from typing import Any

import keras

from keras_sparse_export.convert.builder.graph import GraphBuilder
from keras_sparse_export.convert.builder.options import Converter
from keras_sparse_export.convert.builder.sequences import recurrent
from keras_sparse_export.errors import ConversionError


def _bidirectional(
    builder: GraphBuilder,
    layer: Any,
    inputs: list[str],
    mask: str | None = None,
    initial_state: Any = None,
) -> str | list[str]:
    given = [*inputs[1:], *keras.tree.flatten(initial_state or [])]
    both, states = [], []
    for place, inner in enumerate((layer.forward_layer, layer.backward_layer)):
        if keras.saving.get_registered_name(type(inner)) not in recurrent.LAYERS:
            raise ConversionError(
                "Expected recurrent layers of Keras in a Bidirectional. Received: layer "
                f"`{inner.name}` of class {type(inner).__name__}"
            )
        half = given[place * len(given) // 2 : (place + 1) * len(given) // 2]
        found = recurrent.emit(builder, inner, [inputs[0], *half], mask)
        output, *own = [found] if isinstance(found, str) else found
        if place and layer.return_sequences:
            output = builder.reverse(output, 1)
        both.append(output)
        states += own
    merged = _merge(builder, layer.merge_mode, both)
    return merged + states if states else merged


def _merge(builder: GraphBuilder, mode: str | None, both: list[str]) -> list[str]:
    if mode is None:
        return both
    if mode == "concat":
        return [builder.add("Concat", *both, axis=-1)]
    merged = builder.add("Mul" if mode == "mul" else "Add", *both)
    if mode == "ave":
        merged = builder.add("Mul", merged, builder.add_constant(0.5))
    return [merged]


def _time_distributed(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    """The inner layer on all steps of all rows, as if each were a row."""
    (x,), shape = inputs, builder.shapes[inputs[0]]
    outer = layer.compute_output_shape(shape)
    if None in shape[1:] or None in outer[1:]:
        raise ConversionError(
            f"Expected axes of fixed length. Received: layer `{layer.name}` on {shape}"
        )
    steps = builder.reshape(x, [-1, *(size or -1 for size in shape[2:])])
    builder.describe(steps, (None, *shape[2:]), builder.dtypes.get(x, "float32"))
    h = builder.convert(layer.layer, [steps])
    return builder.reshape(h, [-1, *(size or -1 for size in outer[1:])])


LAYERS: dict[str, Converter] = {
    "Bidirectional": Converter(
        _bidirectional, ("layer", "merge_mode", "backward_layer"), recurrent.ARGUMENTS
    ),
    "TimeDistributed": Converter(_time_distributed, ("layer",), takes_integers=True),
}
