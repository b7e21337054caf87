from typing import Any

import keras
import pytest
from keras import layers

from keras_sparse_export.errors import ConversionError
from models import require_agreement, stack

NORMALIZED: dict[str, Any] = {
    "batch, first axis": lambda: layers.BatchNormalization(axis=1),
    "batch, no scale": lambda: layers.BatchNormalization(scale=False, center=False),
    "layer": lambda: layers.LayerNormalization(center=False),
    "layer, no scale": lambda: layers.LayerNormalization(scale=False, epsilon=0.1),
    "layer, axes": lambda: layers.LayerNormalization(axis=(1, -1)),
    "group": lambda: layers.GroupNormalization(2),
    "group, one, plain": lambda: layers.GroupNormalization(1, scale=False, center=False),
    "group, instances": lambda: layers.GroupNormalization(-1, epsilon=0.1),
    "group, first axis": lambda: layers.GroupNormalization(2, axis=1),
    "root mean square": lambda: layers.RMSNormalization(epsilon=0.1),
    "unit": lambda: layers.UnitNormalization(),
    "unit, axes": lambda: layers.UnitNormalization(axis=(1, 2)),
}


@pytest.mark.parametrize("name", NORMALIZED)
def test_normalizations(name: str) -> None:
    require_agreement(stack((4, 3, 6), NORMALIZED[name]()))


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="Keras' own layer fails on torch")
def test_layer_normalization_of_the_first_axis() -> None:
    require_agreement(stack((4, 3, 6), layers.LayerNormalization(axis=1)))


def test_layer_normalization_of_an_old_opset() -> None:
    require_agreement(stack((4, 6), layers.LayerNormalization()), opset=15)


@pytest.mark.slow
def test_a_scale_of_convnext() -> None:
    model = keras.applications.ConvNeXtTiny(
        include_top=False, weights=None, input_shape=(32, 32, 3)
    )
    scales = [each for each in model.layers if type(each).__name__ == "LayerScale"]
    require_agreement(stack((4, 6), type(scales[0])(0.1, 6)))  # a class without a public name


@pytest.mark.filterwarnings("ignore:You passed `rms_scaling=True`")
def test_sums_of_squares_alone_are_refused() -> None:
    layer = layers.LayerNormalization(rms_scaling=True, name="mine")
    with pytest.raises(ConversionError, match="rms_scaling=True of layer `mine`"):
        require_agreement(stack((4,), layer))
