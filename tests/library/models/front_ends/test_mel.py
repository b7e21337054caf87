import keras
import numpy as np
import pytest
import scipy.signal

from keras_sparse.models.front_ends import mel

SLANEY = {
    (1, 0): 0.00134637, (2, 0): 0.00194859, (2, 1): 0.00034798, (3, 0): 0.00060221,
    (3, 1): 0.00160716, (5, 2): 0.00126873, (9, 3): 0.00090934, (15, 4): 0.00049637,
    (25, 5): 0.00025886, (29, 5): 0.00011094,
}  # fmt: skip
"""Of `librosa.filters.mel(sr=16000, n_fft=64, n_mels=6)`, version 0.11, by bin and mel."""


def filters(scale: str) -> np.ndarray:
    return mel.compute_filters(
        scale, num_mel_bins=6, fft_length=64, sampling_rate=16000, min_freq=0, max_freq=8000
    )


@pytest.mark.one_backend
def test_filters_of_slaney_are_those_of_librosa() -> None:
    found = filters("slaney")
    assert found.shape == (33, 6)
    assert np.count_nonzero(found) == 50
    np.testing.assert_allclose(found.sum(), 0.0238598643, rtol=1e-8)
    for place, value in SLANEY.items():
        assert found[place] == pytest.approx(value, abs=1e-8)


def test_filters_of_htk_are_those_of_keras() -> None:
    expected = keras.layers.MelSpectrogram().linear_to_mel_weight_matrix(6, 33, 16000, 0.0, 8000.0)
    np.testing.assert_allclose(filters("htk"), keras.ops.convert_to_numpy(expected), atol=2e-5)


@pytest.mark.one_backend
@pytest.mark.parametrize("length", [8, 9])
def test_windows_are_those_of_scipy(length: int) -> None:
    for name in ("hann", "hamming"):
        expected = scipy.signal.get_window(name, length)
        np.testing.assert_allclose(mel.compute_window(name, length), expected, atol=1e-6)
    assert (mel.compute_window(None, length) == 1).all()


def test_decibels_are_cut_below_the_largest_of_each_row() -> None:
    power = np.array([[1e-20, 1.0, 100.0], [1e-3, 1e-2, 1e-12]], np.float32)

    def compute(top_db: float | None) -> np.ndarray:
        found: np.ndarray = keras.ops.convert_to_numpy(
            mel.to_decibels(power, min_power=1e-10, ref_power=10.0, top_db=top_db)
        )
        return found

    every = [[-110, -10, 10], [-40, -30, -110]]
    np.testing.assert_allclose(compute(None), every, atol=1e-4)
    np.testing.assert_allclose(compute(50.0), [[-40, -10, 10], [-40, -30, -80]], atol=1e-4)
