"""Copy a Keras model for inference: float32, without regularizers or penalties."""

from typing import Any

import keras

from keras_sparse_export.convert.source.cut import call_model
from keras_sparse_export.errors import ConversionError, summarize


class _PassOn(keras.layers.Layer):
    """Identity in place of an `ActivityPenalty`."""

    def call(self, h: Any, mask: Any = None, weights: Any = None) -> Any:
        return h


def clone_for_inference(model: keras.Model) -> keras.Model:
    """Copy a model for inference: float32, the same weights, no regularizers or penalties.

    Raises:
        ConversionError: If a layer cannot be recreated from its config; the message names it.
    """
    pairs: list[tuple[keras.layers.Layer, keras.layers.Layer]] = []
    tied: list[tuple[Any, keras.layers.Layer]] = []

    def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
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
            if hasattr(twin, "finalize_state"):  # derives attributes from adapted weights
                twin.finalize_state()
        except Exception as error:
            raise _report_copy(layer, error) from error
    for layer, twin in tied:
        twin.set_weights([keras.ops.convert_to_numpy(w) for w in (layer.kernel, layer.bias)])
    # tf2onnx reads only Functional models, and takes the input's name from a fresh Input.
    x = keras.Input(model.input_shape[1:], dtype="float32", name="x")
    return keras.Model(x, call_model(copy, x), name=model.name)


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
    if isinstance(layer, keras.layers.Lambda):  # only some versions of Keras recreate it
        raise ConversionError(
            "Expected layers that can be recreated from their config. Received: layer "
            f"`{layer.name}` of class Lambda. Remedy: a layer class of your own"
        )
    policy = getattr(layer, "dtype_policy", None)  # operations of keras.ops have none
    if isinstance(policy, keras.dtype_policies.QuantizedDTypePolicy):
        raise ConversionError(
            f"Expected layers with float weights. Received: layer `{layer.name}` of class "
            f"{type(layer).__name__}, quantized to {policy.quantization_mode}. Remedy: "
            "export the model as it was before `quantize`; export_encoder(..., quantize='int8') "
            "adds an int8 encoder"
        )
    try:
        config = layer.get_config()
        if isinstance(layer, keras.layers.Layer):
            config |= {key: None for key in config if key.endswith("_regularizer")}
            config |= {key: None for key in config if key.startswith("lora_")}
            if not isinstance(layer, keras.Model):
                config["dtype"] = "float32"
        return type(layer).from_config(config)
    except Exception as error:  # a user's layer may raise anything
        raise _report_copy(layer, error) from error


def _report_copy(layer: Any, error: Exception) -> ConversionError:
    return ConversionError(
        f"Expected layers that can be recreated from their config. Received: layer `{layer.name}` "
        f"of class {type(layer).__name__} ({summarize(error)}). Remedy: a registered layer of your "
        "own whose `get_config` returns all arguments of `__init__`"
    )
