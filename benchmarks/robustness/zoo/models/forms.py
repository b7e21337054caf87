"""Forms of models: inputs, outputs, nesting, classes and functions of one's own."""

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from robustness.zoo.entry import (
    EVERYWHERE,
    FreeLength,
    dense_code,
    integers,
    normal,
    register,
    register_stacks,
    stack,
)

ENDS, CLASSES = "inputs and outputs", "nesting and code of one's own"


def _draw_two(rng: np.random.Generator, count: int) -> list[np.ndarray]:
    return [normal(8)(rng, count), normal(4)(rng, count)]


def _draw_named(rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
    return dict(zip(("left", "right"), _draw_two(rng, count), strict=True))


@register(ENDS, _draw_two)
def two_inputs_list() -> keras.Model:
    x, y = keras.Input((8,)), keras.Input((4,))
    h = layers.Concatenate()([layers.Dense(6, "relu")(x), layers.Dense(6, "relu")(y)])
    return keras.Model([x, y], dense_code(h))


@register(ENDS, _draw_named, backends=EVERYWHERE)
def two_inputs_dictionary() -> keras.Model:
    inputs = {"left": keras.Input((8,), name="left"), "right": keras.Input((4,), name="right")}
    h = layers.Concatenate()([layers.Dense(6, "relu")(x) for x in inputs.values()])
    return keras.Model(inputs, dense_code(h))


@register(ENDS, lambda rng, count: {"left": normal(8)(rng, count)})
def one_input_dictionary() -> keras.Model:
    x = keras.Input((8,), name="left")
    return keras.Model({"left": x}, dense_code(layers.Dense(6, "relu")(x)))


def _draw_columns(rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
    return {"numbers": normal(5)(rng, count), "kind": integers(7, 1)(rng, count)}


@register(ENDS, _draw_columns)
def numbers_and_category() -> keras.Model:
    numbers, kind = keras.Input((5,), name="numbers"), keras.Input((1,), dtype="int32", name="kind")
    h = layers.Concatenate()([numbers, layers.Flatten()(layers.Embedding(7, 3)(kind))])
    return keras.Model({"numbers": numbers, "kind": kind}, dense_code(h))


@register(ENDS, integers(256, 8, 8, 3, dtype="uint8"), backends=EVERYWHERE)
def uint8_images() -> keras.Model:
    x = keras.Input((8, 8, 3), dtype="uint8")
    h = layers.Conv2D(4, 3, activation="relu")(layers.Rescaling(1 / 255)(x))
    return keras.Model(x, dense_code(h))


@register(ENDS, FreeLength(lambda length: normal(length, 4)), backends=EVERYWHERE)
def free_length_convolution() -> keras.Model:
    x = keras.Input((None, 4))
    h = layers.GlobalMaxPooling1D()(layers.Conv1D(8, 3, activation="relu")(x))
    return keras.Model(x, dense_code(h))


@register(ENDS, FreeLength(lambda length: normal(length, 4)))
def free_length_lstm() -> keras.Model:
    x = keras.Input((None, 4))
    return keras.Model(x, dense_code(layers.LSTM(6)(x)))


@register(ENDS, FreeLength(lambda length: integers(20, length)))
def free_length_tokens() -> keras.Model:
    x = keras.Input((None,), dtype="int32")
    return keras.Model(x, dense_code(layers.GlobalAveragePooling1D()(layers.Embedding(20, 8)(x))))


@register(ENDS, FreeLength(lambda length: normal(length, 10, 3)))
def free_size_images() -> keras.Model:
    x = keras.Input((None, None, 3))
    h = layers.GlobalAveragePooling2D()(layers.Conv2D(8, 3, activation="relu")(x))
    return keras.Model(x, dense_code(h))


@register(ENDS, FreeLength(lambda length: normal(length, 4)))
def free_length_code() -> keras.Model:
    return stack((None, 4), layers.Dense(8, "relu"), layers.Dense(6, "relu"))


@register(ENDS, normal(12), backends=EVERYWHERE)
def several_outputs() -> keras.Model:
    x = keras.Input((12,))
    h = layers.Dense(16, "relu")(x)
    code = layers.Dense(6, "relu", name="code")(h)
    return keras.Model(x, [layers.Dense(12)(code), code, layers.Dense(3, "softmax")(h)])


@register(ENDS, normal(12))
def outputs_dictionary() -> keras.Model:
    x = keras.Input((12,))
    code = layers.Dense(6, "relu", name="code")(x)
    return keras.Model(x, {"code": code, "reconstruction": layers.Dense(12)(code)})


@register(ENDS, normal(12), layer=None, backends=EVERYWHERE)
def functional_output() -> keras.Model:
    x = keras.Input((12,))
    return keras.Model(x, layers.Dense(6, "relu")(layers.Dense(16, "relu")(x)))


@register(ENDS, normal(12), layer=None)
def sequential_output() -> keras.Model:
    return keras.Sequential([keras.Input((12,)), layers.Dense(16, "relu"), layers.Dense(6, "relu")])


@register(ENDS, normal(12), layer=None)
def sequential_without_input() -> keras.Model:
    model = keras.Sequential([layers.Dense(16, "relu"), layers.Dense(6, "relu")])
    model(np.zeros((1, 12), np.float32))
    return model


@register(ENDS, normal(12), layer=None)
def operation_as_output() -> keras.Model:
    x = keras.Input((12,))
    return keras.Model(x, ops.relu(layers.Dense(6)(x)))


# Nesting, classes and functions -------------------------------------------------------------------


@register(CLASSES, normal(12), backends=EVERYWHERE)
def nested_functional() -> keras.Model:
    x = keras.Input((12,))
    inner = keras.Model(x, layers.Dense(8, "relu")(layers.Dense(16, "relu")(x)))
    y = keras.Input((12,))
    return keras.Model(y, layers.Dense(12)(layers.Dense(6, "relu", name="code")(inner(y))))


@register(CLASSES, normal(12))
def nested_encoder_is_the_code() -> keras.Model:
    layer = layers.Dense(6, "relu")
    encoder = keras.Sequential([keras.Input((12,)), layers.Dense(16, "relu"), layer], name="code")
    x = keras.Input((12,))
    return keras.Model(x, layers.Dense(12)(encoder(x)))


@register(CLASSES, normal(12))
def nested_of_two_inputs() -> keras.Model:
    a, b = keras.Input((12,)), keras.Input((8,))
    inner = keras.Model([a, b], layers.Concatenate()([layers.Dense(4)(a), layers.Dense(4)(b)]))
    x = keras.Input((12,))
    return keras.Model(x, dense_code(inner([x, layers.Dense(8, "tanh")(x)])))


@register(CLASSES, normal(2, 8))
def shared_layer() -> keras.Model:
    x, shared = keras.Input((2, 8)), layers.Dense(6, "relu")
    first, second = (layers.Reshape((8,))(layers.Cropping1D(crop)(x)) for crop in ((0, 1), (1, 0)))
    return keras.Model(x, dense_code(layers.Add()([shared(first), shared(second)])))


class Encoder(keras.Model):
    """A subclassed model."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.units = layers.Dense(16, "relu"), layers.Dense(6, "relu")

    def call(self, x: Any) -> Any:
        return self.units(self.hidden(x))


@register(CLASSES, normal(12), layer=None, backends=EVERYWHERE)
def subclassed_model() -> keras.Model:
    model = Encoder()
    model(np.zeros((1, 12), np.float32))
    return model


class Autoencoder(keras.Model):
    """A subclassed autoencoder of functional parts, as in many tutorials."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = keras.Sequential([keras.Input((12,)), layers.Dense(6, "relu")])
        self.decoder = keras.Sequential([keras.Input((6,)), layers.Dense(12, "sigmoid")])

    def call(self, x: Any) -> Any:
        return self.decoder(self.encoder(x))


@register(CLASSES, normal(12), layer=None)
def subclassed_autoencoder() -> keras.Model:
    model = Autoencoder()
    model(np.zeros((1, 12), np.float32))
    return model


@keras.saving.register_keras_serializable(package="zoo")
class Scale(layers.Layer):
    """A layer of one's own, with a weight and a config."""

    def __init__(self, start: float = 2.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.start = start

    def build(self, input_shape: Any) -> None:
        start = keras.initializers.Constant(self.start)
        self.factor = self.add_weight(shape=(input_shape[-1],), initializer=start, name="factor")

    def call(self, x: Any) -> Any:
        return ops.tanh(x) * self.factor

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "start": self.start}


class ScaleWithoutConfig(layers.Layer):
    """A layer of one's own that cannot be recreated from its config."""

    def __init__(self, factors: np.ndarray) -> None:
        super().__init__()
        self.factors = factors

    def call(self, x: Any) -> Any:
        return x * self.factors


register_stacks(
    CLASSES,
    (12,),
    {
        "custom_layer": lambda: [Scale(), layers.Dense(6, "relu")],
        "lambda_layer": lambda: [
            layers.Lambda(lambda x: ops.sqrt(ops.abs(x))),
            layers.Dense(6, "relu"),
        ],
    },
    backends=EVERYWHERE,
)
register_stacks(
    CLASSES,
    (12,),
    {
        "custom_layer_without_config": lambda: [
            ScaleWithoutConfig(np.linspace(1, 2, 12, dtype="float32")),
            layers.Dense(6, "relu"),
        ],
        "subclassed_layer_inside": lambda: [Encoder(), layers.Dense(6, "relu")],
        "activation_with_arguments": lambda: [
            layers.Dense(16, lambda x: keras.activations.gelu(x, approximate=True)),
            layers.Dense(6, "relu"),
        ],
        "activation_as_layer": lambda: [
            layers.Dense(16, layers.LeakyReLU(0.1)),
            layers.Dense(6, "relu"),
        ],
    },
)


@keras.saving.register_keras_serializable(package="zoo")
def swish_of_two(x: Any) -> Any:
    return x * ops.sigmoid(2.0 * x)


@register(CLASSES, normal(12), backends=EVERYWHERE)
def activation_function() -> keras.Model:
    return stack((12,), layers.Dense(16, swish_of_two), layers.Dense(6, "relu"))
