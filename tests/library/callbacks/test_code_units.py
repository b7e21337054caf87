from typing import Any

import keras
import numpy as np
import pytest
from keras import layers as make
from keras import ops

from keras_sparse import L1, ReviveDeadUnits, SparseAutoencoder
from keras_sparse.callbacks import code_units


def encoder_of(layers: list[Any], shape: tuple[int, ...] = (8, 8, 1)) -> keras.Model:
    return keras.Sequential([keras.Input(shape), *layers])


def joined() -> keras.Model:
    x = keras.Input((12,))
    positive = keras.initializers.RandomUniform(0.1, 1.0, seed=0)
    hidden = make.Dense(4, "relu", kernel_initializer=positive)(x)
    left, right = (
        make.Dense(units, "relu", kernel_initializer=positive, name=f"of_{units}")(hidden)
        for units in (2, 3)
    )
    return keras.Model(x, ops.flip(make.Concatenate()([left, right]), axis=-1))


def summed() -> keras.Model:
    x = keras.Input((12,))
    return keras.Model(x, make.Add()([make.Dense(3, "relu")(x), make.Dense(3, "relu")(x)]))


class Offset(keras.layers.Layer):
    def build(self, shape: Any) -> None:
        self.offset = self.add_weight(shape=(shape[-1],))

    def call(self, x: Any) -> Any:
        return x + self.offset


def conv(**arguments: Any) -> keras.layers.Layer:
    return make.Conv2D(3, 3, activation="relu", **arguments)


def dense(units: int, activation: Any = "relu", **arguments: Any) -> keras.layers.Layer:
    return make.Dense(units, activation, **arguments)


@pytest.mark.parametrize(
    ("encoder", "expected"),
    [
        (encoder_of([conv(), make.MaxPooling2D()]), [[0, 1, 2]]),
        (encoder_of([conv(), make.GlobalAveragePooling2D()]), [[0, 1, 2]]),
        (encoder_of([conv(strides=3), make.Flatten()]), [[0, 1, 2] * 4]),
        (encoder_of([dense(2), make.PReLU(), make.Permute((2, 1))], (4, 3)), []),
        (encoder_of([dense(5), dense(3), make.UnitNormalization()], (12,)), [[0, 1, 2]]),
        (encoder_of([dense(2), make.Cropping1D(1)], (4, 3)), [[0, 1]]),
        (encoder_of([make.TimeDistributed(dense(2))], (4, 3)), [[0, 1]]),
        (encoder_of([dense(3, "soft_shrink")], (12,)), [[0, 1, 2]]),
        (encoder_of([dense(3, "hard_sigmoid")], (12,)), [[0, 1, 2]]),
        (encoder_of([dense(1)], (12,)), [[0]]),
        (joined(), [[-1, -1, -1, 1, 0], [2, 1, 0, -1, -1]]),
        (summed(), []),
        (encoder_of([dense(1), dense(2, use_bias=False)], (12,)), []),
        (encoder_of([encoder_of([dense(2)], (12,))], (12,)), []),
    ],
)
def test_units_of_the_code_are_found_in_the_layers(
    encoder: keras.Model, expected: list[list[int]]
) -> None:
    row = np.ones((1, *encoder.input_shape[1:]), np.float32)
    before = [ops.convert_to_numpy(weight).copy() for weight in encoder.weights]
    if expected:
        found = [writer.units.tolist() for writer in code_units.find_writers(encoder, row)]
        assert found == expected
    else:
        with pytest.raises(ValueError, match=r"one unit for each .* unit 0 of the code comes from"):
            code_units.find_writers(encoder, row)
    for weight, kept in zip(encoder.weights, before, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(weight), kept)


@pytest.mark.parametrize(
    "layer",
    [
        make.BatchNormalization(),
        make.BatchNormalization(center=False),
        make.LayerNormalization(),
        make.LayerNormalization(center=False),
        make.GroupNormalization(1),
        Offset(),
    ],
)
def test_a_shift_behind_the_layer_of_the_code_is_refused(layer: keras.layers.Layer) -> None:
    row = np.ones((1, 12), np.float32)
    encoder = encoder_of([dense(5), dense(3, "linear"), layer, make.ReLU()], (12,))
    for _ in range(2):
        with pytest.raises(
            ValueError, match=rf"layer `{layer.name}` \({type(layer).__name__}\)\. R"
        ):
            code_units.find_writers(encoder, row)
        for weight in layer.weights:  # what training has made of it does not matter
            weight.assign(100 * ops.ones(weight.shape))


@pytest.mark.parametrize("layer", [make.PReLU(), make.RMSNormalization()])
def test_layers_with_weights_that_keep_zeros_are_accepted(layer: keras.layers.Layer) -> None:
    layers = [make.BatchNormalization(), dense(5), make.BatchNormalization(), dense(3), layer]
    (writer,) = code_units.find_writers(encoder_of(layers, (12,)), np.ones((1, 12), np.float32))
    assert writer.units.tolist() == [0, 1, 2]


def test_a_shift_in_front_of_layers_added_one_by_one_is_accepted() -> None:
    encoder = keras.Sequential()
    for layer in (keras.Input((12,)), make.BatchNormalization(), dense(3, "linear"), make.ReLU()):
        encoder.add(layer)  # each time the layers are called in another graph
    (writer,) = code_units.find_writers(encoder, np.ones((1, 12), np.float32))
    assert writer.units.tolist() == [0, 1, 2]


def test_a_unit_that_lives_at_one_place_of_the_code_is_not_dead() -> None:
    encoder = encoder_of([conv(strides=3), make.Flatten()])
    (writer,) = code_units.find_writers(encoder, np.ones((1, 8, 8, 1)))
    dead = np.array([0, 3, 6, 9, 1, 4, 7])  # unit 0 everywhere, unit 1 at three places of four
    assert writer.find_whole(dead).tolist() == [0]


@pytest.mark.parametrize(
    ("decoder", "axis", "units"),
    [
        (encoder_of([dense(9)], (3,)), 0, [0, 1, 2]),
        (encoder_of([make.UpSampling2D(), conv()], (2, 2, 3)), 2, [0, 1, 2]),
        (encoder_of([make.Conv2DTranspose(5, 3)], (2, 2, 3)), 3, [0, 1, 2]),
        (encoder_of([make.Flatten(), dense(9)], (2, 2, 3)), 0, [0, 1, 2] * 4),
        (encoder_of([make.Rescaling(1.0, 1.0), dense(9)], (3,)), 0, None),
        (encoder_of([make.ReLU()], (3,)), 0, None),
    ],
)
def test_units_of_the_code_are_found_in_the_decoder(
    decoder: keras.Model, axis: int, units: list[int] | None
) -> None:
    code = np.zeros((1, *decoder.input_shape[1:]), np.float32)
    if units is None:
        with pytest.raises(ValueError, match=r"that takes the code. Received: `\w+` without one"):
            code_units.find_reader(decoder, code)
        return
    reader = code_units.find_reader(decoder, code)
    assert (reader.axis, reader.units.tolist()) == (axis, units)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (make.Dense(4), (9,)),
        (make.Dense(4), (5, 9)),
        (make.Conv1D(4, 3, padding="causal", dilation_rate=2), (9, 2)),
        (make.Conv1D(4, 3, padding="causal", strides=2), (9, 2)),
        (make.Conv2D(4, (3, 2), padding="same", strides=2), (7, 8, 2)),
        (make.Conv2D(4, 3, padding="valid", dilation_rate=2), (7, 8, 2)),
        (make.Conv3D(4, 2, padding="same"), (3, 4, 5, 2)),
    ],
)
def test_drawn_inputs_are_those_that_keras_multiplies(
    layer: keras.layers.Layer, shape: tuple[int, ...], rng: np.random.Generator
) -> None:
    x = rng.standard_normal((20, *shape)).astype(np.float32)
    expected = ops.convert_to_numpy(layer(x)).reshape(20, -1, 4)
    kernel = ops.convert_to_numpy(layer.kernel).reshape(-1, 4)
    found = code_units.draw_inputs(layer, x, rng) @ kernel
    distances = np.abs(expected - found[:, None]).max(axis=-1)
    np.testing.assert_allclose(distances.min(axis=1), 0, atol=1e-5)
    positions = expected.shape[1]
    assert len(np.unique(distances.argmin(axis=1))) >= min(3, positions)


def test_units_of_a_convolution_behind_pooling_live_again(rng: np.random.Generator) -> None:
    x = rng.standard_normal((64, 8, 8, 1)).astype(np.float32)
    code = conv(padding="same")
    decoder = encoder_of([make.UpSampling2D(), make.Conv2D(1, 3, padding="same")], (4, 4, 3))
    model = SparseAutoencoder.from_models(
        encoder_of([code, make.MaxPooling2D()]), decoder, sparsity=L1(1e-5)
    )
    model.compile(keras.optimizers.Adam(0.0))
    code.bias.assign([0.0, -1e4, 0.0])
    taker = decoder.layers[-1].kernel
    taker.assign(2 * taker)  # so that a fresh part differs
    before = [ops.convert_to_numpy(weight).copy() for weight in model.trainable_variables]
    revive = ReviveDeadUnits(x, every=1, density=0.1)
    history = model.fit(x, epochs=1, verbose=0, callbacks=[revive]).history
    assert history["revived_units"] == [1]
    kernel, bias, taken, last = map(ops.convert_to_numpy, model.trainable_variables)
    for new, old, axis in ((kernel, before[0], -1), (bias, before[1], 0), (taken, before[2], 2)):
        changed = (np.moveaxis(new != old, axis, 0)).reshape(3, -1)
        assert changed.any(axis=1).tolist() == [False, True, False]
    np.testing.assert_array_equal(last, before[3])
    active = keras.Model(model.encoder.inputs, code.output).predict(x, verbose=0)[..., 1] > 0
    assert 0.05 < active.mean() < 0.2


def test_each_layer_of_joined_codes_gets_new_units(rows: np.ndarray) -> None:
    encoder = joined()
    model = SparseAutoencoder.from_models(
        encoder, encoder_of([make.Dense(12)], (5,)), sparsity=L1(1e-5)
    )
    model.compile(keras.optimizers.SGD(0.0))
    biases = [encoder.get_layer(name).bias for name in ("of_2", "of_3")]
    for bias, value in zip(biases, ([0, -1e4], [-1e4, 0, 0]), strict=True):
        bias.assign(value)
    reader = model.decoder.layers[0].kernel
    reader.assign(2 * reader)  # so that a fresh row differs
    before = ops.convert_to_numpy(reader).copy()
    model.fit(rows, epochs=1, verbose=0, callbacks=[ReviveDeadUnits(rows, every=1)])
    assert [(ops.convert_to_numpy(bias) > -1e4).all() for bias in biases] == [True, True]
    dead = [2, 3]  # of the reversed code: unit 0 of `of_3`, and unit 1 of `of_2`
    changed = np.flatnonzero((ops.convert_to_numpy(reader) != before).any(axis=1))
    assert changed.tolist() == dead
