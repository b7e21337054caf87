"""Copy a Keras model for inference: float32, without regularizers or penalties."""

import warnings
from typing import Any

import keras

from keras_sparse_export.convert.source.cut import call_model, list_inner
from keras_sparse_export.errors import ConversionError, summarize


class _PassOn(keras.layers.Layer):
    """Identity in place of an `ActivityPenalty`."""

    def call(self, h: Any, mask: Any = None, weights: Any = None) -> Any:
        return h


class _CopyError(ConversionError):
    """A layer whose copy is not complete."""

    def __init__(self, layer: Any, error: Exception) -> None:
        super().__init__(
            "Expected layers that can be recreated from their config. Received: layer "
            f"`{layer.name}` of class {type(layer).__name__} ({summarize(error)}). Remedy: a "
            "registered layer of your own whose `get_config` returns all arguments of `__init__`, "
            "or a model in float32, which needs no copy"
        )
        self.layer = layer


def clone_for_inference(model: keras.Model, *, share: bool = True) -> keras.Model:
    """Copy a model for inference: float32, the same weights, no regularizers or penalties.

    A layer that cannot be recreated from its config, such as a `Lambda`, becomes a part of the copy
    itself if it computes in float32 already.

    Args:
        model: A model with a graph.
        share: Whether layers may become a part of the copy.

    Raises:
        ConversionError: If a layer can neither be recreated nor shared; the message names it.
    """
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")  # of layers that others create in their `__init__`
    shared: list[Any] = []
    try:
        while True:
            try:
                copy = _clone(model, shared)
                break
            except _CopyError as failure:
                layer = failure.layer
                if not share or layer in shared or not _computes_float32(layer):
                    raise
                shared.append(layer)
    finally:
        keras.config.set_dtype_policy(policy)
    # tf2onnx reads only Functional models, and takes names of inputs from a fresh Input.
    names = ["x"] if len(model.inputs) == 1 else [f"x_{i}" for i in range(len(model.inputs))]
    x = [
        keras.Input(tensor.shape[1:], dtype=_choose_dtype(tensor), name=name)
        for name, tensor in zip(names, model.inputs, strict=True)
    ]
    return keras.Model(x if len(x) > 1 else x[0], call_model(copy, x), name=model.name)


def _clone(model: keras.Model, shared: list[Any]) -> keras.Model:
    """Copy a model, with the layers in `shared` as they are.

    Raises:
        _CopyError: If a layer cannot be copied; it has the first one.
    """
    pairs: list[tuple[keras.layers.Layer, keras.layers.Layer]] = []
    tied: list[tuple[Any, keras.layers.Layer]] = []

    def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
        if any(layer is each for each in shared):
            return layer
        kind = keras.saving.get_registered_name(type(layer))
        if kind == "keras_sparse>ActivityPenalty":
            return _PassOn(name=layer.name, dtype="float32")
        if kind == "keras_sparse>TiedDecoder":  # its weights are those of a layer of the encoder
            twin = keras.layers.Dense(layer.kernel.shape[1], name=layer.name, dtype="float32")
            tied.append((layer, twin))
            return twin
        copy = _copy_layer(layer)
        if isinstance(layer, keras.layers.Layer):  # otherwise it is an operation of keras.ops
            pairs.append((layer, copy))
        return copy

    copy = keras.models.clone_model(model, clone_function=clone, recursive=True)
    for layer, twin in pairs:
        try:
            _copy_weights(layer, twin)
            if twin.weights and hasattr(twin, "finalize_state"):  # derives attributes from them
                twin.finalize_state()
        except Exception as error:
            raise _CopyError(layer, error) from error
    for layer, twin in tied:
        twin.set_weights([keras.ops.convert_to_numpy(w) for w in (layer.kernel, layer.bias)])
    return copy


def _computes_float32(layer: Any) -> bool:
    """Whether a layer, with all layers in it, computes in float32."""
    return all(
        each.compute_dtype == "float32" and each.variable_dtype == "float32"
        for each in list_inner(layer)
    )


def _choose_dtype(tensor: Any) -> str:
    return "float32" if keras.backend.is_float_dtype(tensor.dtype) else str(tensor.dtype)


def _copy_weights(layer: Any, twin: Any) -> None:
    inner = getattr(layer, "activation", None)  # Keras builds a layer in this place when it runs
    if isinstance(inner, keras.layers.Layer) and inner.built and not twin.activation.built:
        twin.activation.build_from_config(inner.get_build_config())
    if getattr(layer, "lora_enabled", False):  # `kernel` is the sum of kernel and adapter
        for name in ("kernel", "embeddings", "bias"):
            if getattr(layer, name, None) is not None:
                getattr(twin, name).assign(getattr(layer, name))
    else:
        twin.set_weights(layer.get_weights())


def _copy_layer(layer: Any) -> Any:
    try:
        if isinstance(layer, keras.layers.Lambda):
            raise TypeError("only some versions of Keras recreate it")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what could be loaded unsafely alone
            config = layer.get_config()
        if isinstance(layer, keras.layers.Layer):
            config |= {key: None for key in config if key.endswith("_regularizer")}
            config |= {key: None for key in config if key.startswith("lora_")}
            if "dtype" in config or not isinstance(layer, keras.Model):
                config["dtype"] = _choose_policy(layer)
        return type(layer).from_config(config)
    except Exception as error:  # a user's layer may raise anything
        raise _CopyError(layer, error) from error


def _choose_policy(layer: Any) -> Any:
    """Return float32 as the policy of a copy, quantized as the layer was by Keras."""
    policy = layer.dtype_policy
    if isinstance(policy, keras.dtype_policies.QuantizedDTypePolicy):
        return type(policy).from_config({**policy.get_config(), "source_name": "float32"})
    return "float32"
