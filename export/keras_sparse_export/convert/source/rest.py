"""Cut the decoder out of an autoencoder that is one model: what follows the layer of the code."""

from typing import Any

import keras

from keras_sparse_export.convert.source.cut import call_model


def cut_rest(model: keras.Model, layer: str, encoder: keras.Model, argument: str) -> keras.Model:
    """Return what a model computes of the output of a layer, as a model of codes alone.

    Args:
        model: A model from which `cut_encoder` cut an encoder at `layer`.
        layer: Name of the layer whose output is the code.
        encoder: That encoder, of rows of one length.
        argument: Name of the argument that needs a decoder, for error messages.

    Raises:
        ValueError: If the output of the model has not the shape of its input, or does not depend
            on the code alone; the message names the layer that reads something else.

    Example:
        >>> import keras
        >>> from keras_sparse_export.convert.source.cut import cut_encoder
        >>> layers = keras.layers.Dense(2, name="code"), keras.layers.Dense(4)
        >>> model = keras.Sequential([keras.Input((4,)), *layers])
        >>> cut_rest(model, "code", cut_encoder(model, "code"), "decoder").input_shape
        (None, 2)
    """
    _require_autoencoder(model, argument)
    if isinstance(model, keras.Sequential):
        rest = _cut_sequence(model, layer, argument)
    else:
        rest = _cut_graph(model, layer, argument)
    if rest.input_shape == encoder.output_shape:
        return rest
    code = keras.Input(encoder.output_shape[1:], name="code")  # of rows of any length, those of one
    return keras.Model(code, call_model(rest, [code]), name="decoder")


def _require_autoencoder(model: keras.Model, argument: str) -> None:
    shapes = [[tuple(x.shape[1:]) for x in ends] for ends in (model.inputs, model.outputs)]
    if len(model.inputs) == 1 and shapes[0] == shapes[1]:
        return
    given, found = (", ".join(map(str, each)) for each in shapes)
    raise ValueError(
        f"Invalid value for argument `{argument}`. Expected {argument}=False for a model whose "
        f"output has not the shape of its one input, rows. Received: {argument}=True, for "
        f"`{model.name}` from {given} to {found}. Remedy: the model of its reconstruction alone, "
        "keras.Model(x, x_hat)"
    )


def _cut_sequence(model: keras.Model, name: str, argument: str) -> keras.Model:
    names = [layer.name for layer in model.layers]
    layers = model.layers[names.index(name) + 1 :]
    if not layers:
        raise _find_no_decoder(name, f"the last layer of `{model.name}`", argument)
    before = model.get_layer(name).output
    code = h = keras.Input(before.shape[1:], dtype=before.dtype, name="code")
    for layer in layers:
        h = layer(h)
    return keras.Model(code, h, name="decoder")


def _cut_graph(model: keras.Model, name: str, argument: str) -> keras.Model:
    """Call the layers again, and follow what is computed of the code."""
    code: list[Any] = []
    after: dict[int, Any] = {}
    mixing: list[str] = []

    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        given = [x for x in keras.tree.flatten((args, kwargs)) if keras.utils.is_keras_tensor(x)]
        follows = [x for x in given if id(x) in after]
        if follows and len(follows) < len(given):
            mixing.append(layer.name)
        h = layer(*args, **kwargs)
        outputs = keras.tree.flatten(h)
        if layer.name == name:
            code.extend(outputs)
        if follows or layer.name == name:
            after.update((id(x), x) for x in outputs)
        return h

    again = keras.models.clone_model(model, clone_function=lambda layer: layer, call_function=call)
    x_hat = again.outputs[0]
    if id(x_hat) not in after or x_hat is code[0]:
        raise _find_no_decoder(name, "a layer of which the output is not computed", argument)
    if mixing:
        raise ValueError(
            f"Invalid value for argument `{argument}`. Expected {argument}=False for a model whose "
            f"output depends on more than the code. Received: {argument}=True, layer={name!r} and "
            f"the layer {mixing[0]!r}, which reads something else beside the code. Remedy: "
            f"{argument}=False, or a `layer` after which nothing else is read"
        )
    return keras.Model(code[0], x_hat, name="decoder")


def _find_no_decoder(name: str, what: str, argument: str) -> ValueError:
    return ValueError(
        f"Invalid value for argument `layer`. Expected the name of a layer from whose output the "
        f"model reconstructs rows, with {argument}=True. Received: layer={name!r}, {what}"
    )
