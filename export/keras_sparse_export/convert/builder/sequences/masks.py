"""Pass the masks of sequences to layers as arguments, where a graph can see them.

Keras attaches a mask to a tensor, and hands it to layers of several inputs when they run.
"""

import inspect
from typing import Any

import keras


def make_explicit(model: keras.Model) -> keras.Model:
    """Return a functional model whose layers are called with their masks, and share its weights."""
    if not any(map(_starts_mask, model.layers)):
        return model
    masks: dict[int, Any] = {}
    kept = []  # keeps tensors alive, so that their ids stay unique

    def find(value: Any) -> Any:
        return keras.tree.map_structure(lambda x: masks.get(id(x)), value)

    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(layer, keras.layers.Layer):
            return layer(*args, **kwargs)
        for name, source in _list_masked(layer, args, kwargs).items():
            mask = find(source)
            if any(each is not None for each in keras.tree.flatten(mask)):
                kwargs[name] = mask
        outputs = layer(*args, **kwargs)
        if layer.supports_masking:
            computed = layer.compute_mask(args[0], find(args[0]))
            pairs = zip(keras.tree.flatten(outputs), keras.tree.flatten(computed), strict=False)
            masks.update({id(tensor): mask for tensor, mask in pairs if mask is not None})
        kept.append(outputs)
        return outputs

    return keras.models.clone_model(
        model, input_tensors=model.input, clone_function=lambda layer: layer, call_function=call
    )


def _starts_mask(layer: Any) -> bool:
    return isinstance(layer, keras.layers.Masking) or bool(getattr(layer, "mask_zero", False))


def _list_masked(layer: Any, args: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return the inputs whose masks a layer takes, by the names of arguments without a value."""
    signature = inspect.signature(layer.call)
    given = signature.bind_partial(*args, **kwargs).arguments
    sources = {f"{name}_mask": value for name, value in given.items()} | {"mask": args[0]}
    return {
        name: source
        for name, source in sources.items()
        if name in signature.parameters and given.get(name) is None
    }
