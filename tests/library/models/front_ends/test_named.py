"""Front ends by name compute what numpy and scipy compute, of each channel."""

import keras
import numpy as np
import pytest
from scipy import signal, stats

from keras_sparse.models.front_ends.mel_frames import MelFrames
from keras_sparse.models.front_ends.named import make_front_end
from keras_sparse.models.front_ends.plan import NAMES, count_features

X = np.random.default_rng(0).normal(size=(3, 2048, 2)).astype(np.float32)


def features(name: str, x: np.ndarray) -> np.ndarray:
    layer = make_front_end(name, x.shape[1:], 16_000.0)
    assert layer is not None
    return keras.ops.convert_to_numpy(layer(x)).reshape(len(x), -1)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("channels", [1, 2])
def test_as_many_features_as_counted(name: str, channels: int) -> None:
    x = X[..., 0] if channels == 1 else X
    layer = make_front_end(name, x.shape[1:], 16_000.0)
    found = x if layer is None else features(name, x)
    assert found.shape == (3, count_features(name, x.shape[1:], 16_000.0))


@pytest.mark.parametrize("name", ["mel", "spectrum", "statistics"])
def test_channels_are_side_by_side(name: str) -> None:
    apart = [features(name, X[..., channel]) for channel in range(2)]
    np.testing.assert_allclose(features(name, X), np.hstack(apart), rtol=1e-5, atol=1e-4)


def test_mels_are_those_of_the_frames() -> None:
    frames = keras.ops.convert_to_numpy(MelFrames(1024, 512, top_db=80.0)(X[..., 0]))
    np.testing.assert_allclose(features("mel", X[..., 0]), frames.reshape(3, -1), rtol=1e-6)


def test_a_spectrum_is_that_of_welch_in_bands() -> None:
    _, power = signal.welch(
        X[..., 0].astype(np.float64), window="hann", nperseg=1024, noverlap=512, detrend=False
    )
    bands = power[:, :512].reshape(3, 128, 4).mean(axis=2)
    found = features("spectrum", X[..., 0])
    differences = found - 10 * np.log10(bands)
    np.testing.assert_allclose(differences, differences.mean(), atol=0.03)  # but for a unit


def test_statistics_are_those_of_scipy() -> None:
    found = features("statistics", X).reshape(3, 2, 6)
    np.testing.assert_allclose(found[..., 1], X.std(axis=1), rtol=1e-5)
    np.testing.assert_allclose(found[..., 4], stats.kurtosis(X, axis=1, fisher=False), rtol=1e-4)
