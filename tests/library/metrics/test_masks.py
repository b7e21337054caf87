import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_sparse.metrics import masks

X = np.array([[[1.0], [0.0]], [[2.0], [3.0]]], np.float32)
LIVE = [[True, False], [True, True]]


def found(mask: object) -> object:
    return None if mask is None else ops.convert_to_numpy(mask).tolist()


def test_the_mask_of_a_tensor_is_the_one_that_keras_passes_on() -> None:
    masked = layers.Dense(2)(layers.Masking()(ops.convert_to_tensor(X)))
    assert found(masks.of(masked)) == LIVE
    assert masks.of(masked + 1) is None
    assert masks.of(X) is None


@pytest.mark.parametrize("nested", [False, True])
def test_rows_are_masked_though_a_later_layer_drops_the_mask(nested: bool) -> None:
    model = keras.Sequential(
        [keras.Input((2, 1)), layers.Masking(), layers.GlobalAveragePooling1D()]
    )
    if nested:
        x = keras.Input((2, 1))
        model = keras.Model(x, layers.Dense(2)(model(x)))
    assert found(masks.of_rows(model, X)) == LIVE
    tokens = keras.Sequential([keras.Input((2,)), layers.Embedding(9, 3, mask_zero=True)])
    assert found(masks.of_rows(tokens, X[..., 0])) == LIVE


@pytest.mark.parametrize(
    "first",
    [
        layers.Dense(2),
        layers.GlobalAveragePooling1D(),
        layers.Embedding(9, 3),
        layers.LSTM(2, return_state=True),  # a mask for each output, all of them `None`
    ],
)
def test_other_layers_make_no_mask(first: keras.layers.Layer) -> None:
    shape = (2,) if isinstance(first, layers.Embedding) else (2, 1)
    model = keras.Sequential([keras.Input(shape), first])
    assert masks.of_rows(model, X.reshape(2, *shape)) is None


class _TwoOutputs(layers.Layer):
    def __init__(self, mask: np.ndarray) -> None:
        super().__init__()
        self.mask = mask

    def call(self, x: object) -> tuple[object, object]:
        return ops.mean(x, axis=1), x

    def compute_mask(self, x: object, mask: object = None) -> list[object]:
        return [None, ops.convert_to_tensor(self.mask)]


@pytest.mark.parametrize("of_steps", [True, False])
def test_of_several_outputs_the_one_with_the_steps_of_the_rows_has_their_mask(
    of_steps: bool,
) -> None:
    x = keras.Input((2, 1))
    mask = np.array(LIVE if of_steps else [[True], [False]])
    model = keras.Model(x, _TwoOutputs(mask)(x)[0])
    assert found(masks.of_rows(model, X)) == (LIVE if of_steps else None)


def test_only_some_layers_can_make_masks() -> None:
    x = keras.Input((2, 1))
    dense = keras.Model(x, layers.Dense(1)(layers.Dense(2)(x)))
    assert not masks.can_occur(dense)
    assert masks.can_occur(dense, keras.Sequential([dense, layers.Masking()]))

    class Own(layers.Layer):
        def call(self, x: object) -> object:
            return layers.Masking()(x)

    assert masks.can_occur(keras.Model(x, Own()(x)))


def test_steps_must_be_left_by_every_mask() -> None:
    first, second = np.array([True, True, False]), np.array([True, False, False])
    assert masks.either(None, None) is None
    assert found(masks.either(first, None)) == first.tolist()
    assert found(masks.either(first, second)) == [True, False, False]
    of_steps = np.array([[True, False], [True, True], [True, True]])
    for given in ((first, of_steps), (of_steps, first)):
        assert found(masks.either(*given)) == [[True, False], [True, True], [False, False]]
