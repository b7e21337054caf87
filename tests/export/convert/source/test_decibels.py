from typing import Any

import keras
import pytest
from keras import layers

from keras_sparse.models.front_ends import MelFrames
from keras_sparse_export.convert.source.decibels import suggest_cut
from models import stack

MEL: dict[str, Any] = {"fft_length": 64, "sequence_stride": 20, "num_mel_bins": 8}


@pytest.mark.parametrize(
    ("layer", "named"),
    [
        (MelFrames(**MEL, top_db=None, name="mine"), True),
        (layers.MelSpectrogram(**MEL, top_db=1e3, name="mine"), True),
        (MelFrames(**MEL, name="mine"), True),
        (MelFrames(**MEL, top_db=60), False),
        (MelFrames(**MEL, top_db=None, power_to_db=False), False),
        (layers.Dense(3), False),
    ],
)
def test_layers_that_keep_faint_values_are_named(layer: keras.layers.Layer, named: bool) -> None:
    text = suggest_cut(stack((300,), layer))
    assert ("`mine`" in text and "top_db=60" in text) == named
    assert text or not named
