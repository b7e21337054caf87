from typing import Any

import keras
import pytest
from keras import layers

from keras_sparse_export.errors import ConversionError
from models import draw, graph, require_agreement, stack

FIRST = "channels_first"
CONVOLUTIONS: dict[str, tuple[tuple[int, ...], Any]] = {
    "depthwise 1d": ((7, 3), lambda: layers.DepthwiseConv1D(3, depth_multiplier=2)),
    "depthwise": ((7, 6, 3), lambda: layers.DepthwiseConv2D(3, 2, "same", activation="relu")),
    "depthwise multiplied": (
        (7, 6, 3), lambda: layers.DepthwiseConv2D((2, 3), depth_multiplier=2, use_bias=False)
    ),
    "depthwise dilated": ((8, 8, 2), lambda: layers.DepthwiseConv2D(3, dilation_rate=2)),
    "separable 1d": ((9, 3), lambda: layers.SeparableConv1D(4, 3, 2, "same", dilation_rate=1)),
    "separable": (
        (7, 6, 3), lambda: layers.SeparableConv2D(4, 3, depth_multiplier=2, activation="tanh")
    ),
    "3d": ((4, 5, 4, 2), lambda: layers.Conv3D(3, 2, 2, "same")),
    "transposed 1d": ((5, 3), lambda: layers.Conv1DTranspose(4, 3, 2)),
    "transposed": ((4, 3, 2), lambda: layers.Conv2DTranspose(3, 4, 2, "same", activation="relu")),
    "transposed, no bias": ((4, 3, 2), lambda: layers.Conv2DTranspose(3, 2, 3, use_bias=False)),
    "transposed, odd": ((4, 3, 2), lambda: layers.Conv2DTranspose(3, 3, 1, "same")),
    "transposed, apart": ((4, 3, 2), lambda: layers.Conv2DTranspose(3, (1, 2), 3, "same")),
    "transposed 3d": ((3, 2, 3, 2), lambda: layers.Conv3DTranspose(2, 2, 2)),
    "max 3d": ((4, 5, 4, 2), lambda: layers.MaxPooling3D(2)),
    "average 3d": ((4, 4, 4, 2), lambda: layers.AveragePooling3D(2, padding="same")),
    "global 3d": ((4, 4, 4, 2), lambda: layers.GlobalAveragePooling3D()),
    "global maximum 3d": ((4, 4, 4, 2), lambda: layers.GlobalMaxPooling3D(keepdims=True)),
}  # fmt: skip


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolutions(name: str) -> None:
    shape, make = CONVOLUTIONS[name]
    require_agreement(stack(shape, make()))


@pytest.mark.filterwarnings("ignore:You might experience inconsistencies")
def test_a_transposed_convolution_that_backends_place_differently() -> None:
    require_agreement(stack((4, 5, 2), layers.Conv2DTranspose(3, 3, 2, "same")))


@pytest.mark.skipif(
    keras.backend.backend() == "tensorflow", reason="TensorFlow has no such kernels on CPUs"
)
def test_channels_first() -> None:
    require_agreement(
        stack(
            (2, 6, 5),
            layers.DepthwiseConv2D(3, padding="same", data_format=FIRST),
            layers.SeparableConv2D(3, 2, data_format=FIRST),
            layers.Conv2DTranspose(3, 2, 2, data_format=FIRST),
        )
    )


def test_masked_steps_are_left_out_of_a_mean() -> None:
    x = draw((5, 3))
    x[0, 3:], x[1, 0] = 0, 0
    pool = layers.GlobalAveragePooling1D
    require_agreement(graph((5, 3), lambda x: pool()(layers.Masking()(x))), x)


@pytest.mark.skipif(
    "output_padding" not in layers.Conv2DTranspose(1, 1).get_config(),
    reason="older versions of Keras leave it out of the config, and so out of a copy",
)
def test_an_output_padding_is_refused() -> None:
    layer = layers.Conv2DTranspose(3, 3, 2, "same", output_padding=1, name="mine")
    with pytest.raises(ConversionError, match=r"output_padding=.* of layer `mine`"):
        require_agreement(stack((4, 4, 2), layer))
