import keras
import pytest
from keras import layers

from keras_sparse_export.convert.builder.activations import ACTIVATIONS
from keras_sparse_export.errors import ConversionError
from models import require_agreement, stack


def test_every_activation_of_keras_has_a_converter() -> None:
    """`threshold` takes arguments, and `glu` halves an axis, which Keras' layers do not expect."""
    aliases = {"swish", "hard_swish", "get", "serialize", "deserialize", "threshold", "glu"}
    names = {name for name in dir(keras.activations) if not name.startswith("_")}
    assert names - aliases == set(ACTIVATIONS)


def test_a_layer_may_be_the_activation_of_another() -> None:
    require_agreement(stack((6,), layers.Dense(4, activation=layers.LeakyReLU(0.3))))


def test_a_function_of_ones_own_is_refused() -> None:
    @keras.saving.register_keras_serializable(package="keras_sparse_tests")
    def softer(x: object) -> object:
        return keras.ops.tanh(x)

    model = stack((6,), layers.Dense(4, activation=softer, name="mine"))
    with pytest.raises(ConversionError, match="activation `softer` of layer `mine`"):
        require_agreement(model)
