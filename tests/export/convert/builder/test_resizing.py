from typing import Any

import pytest
from keras import layers

from keras_sparse_export.errors import ConversionError
from models import require_agreement, stack

RESIZED: dict[str, tuple[tuple[int, ...], Any]] = {
    "cropping 1d": ((6, 2), lambda: layers.Cropping1D((1, 2))),
    "cropping": ((6, 5, 2), lambda: layers.Cropping2D(((1, 0), (0, 2)))),
    "cropping 3d": ((4, 5, 4, 2), lambda: layers.Cropping3D(1)),
    "cropping first": ((2, 6, 5), lambda: layers.Cropping2D(1, data_format="channels_first")),
    "padding 3d": ((2, 3, 2, 2), lambda: layers.ZeroPadding3D(((1, 0), (0, 2), (1, 1)))),
    "permute": ((3, 4, 2), lambda: layers.Permute((3, 1, 2))),
    "repeat": ((4,), lambda: layers.RepeatVector(3)),
    "reshape": ((4, 3), lambda: layers.Reshape((2, -1))),
    "up 1d": ((3, 2), lambda: layers.UpSampling1D(3)),
    "up": ((3, 4, 2), lambda: layers.UpSampling2D((2, 3))),
    "up bilinear": ((3, 4, 2), lambda: layers.UpSampling2D(2, interpolation="bilinear")),
    "up first": ((2, 3, 4), lambda: layers.UpSampling2D(2, data_format="channels_first")),
    "up 3d": ((2, 3, 2, 1), lambda: layers.UpSampling3D(2)),
    "smaller": ((6, 5, 2), lambda: layers.Resizing(4, 3)),
    "smaller, smooth": ((6, 5, 2), lambda: layers.Resizing(4, 3, antialias=True)),
    "larger, bicubic": ((3, 4, 2), lambda: layers.Resizing(7, 4, "bicubic")),
    "larger, nearest": ((3, 4, 2), lambda: layers.Resizing(7, 5, "nearest")),
    "centre": ((6, 5, 2), lambda: layers.CenterCrop(3, 2)),
}


@pytest.mark.parametrize("name", RESIZED)
def test_layers_that_resize(name: str) -> None:
    shape, make = RESIZED[name]
    require_agreement(stack(shape, make()))


def test_options_that_look_at_the_proportions_are_refused() -> None:
    layer = layers.Resizing(4, 3, crop_to_aspect_ratio=True, name="mine")
    with pytest.raises(ConversionError, match="crop_to_aspect_ratio=True of layer `mine`"):
        require_agreement(stack((6, 5, 2), layer))


def test_a_crop_beyond_the_image_is_refused() -> None:
    layer = layers.CenterCrop(8, 3, name="mine")
    with pytest.raises(ConversionError, match=r"at least 8 × 3.*layer `mine` on \(None, 6"):
        require_agreement(stack((6, 5, 2), layer))
