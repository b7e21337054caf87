"""The mel scales are those of librosa."""

import numpy as np
import pytest

from keras_sparse.models.front_ends.scales import hertz_to_mel, mel_to_hertz, place_filters

pytestmark = pytest.mark.one_backend


@pytest.mark.parametrize(
    ("scale", "hertz", "mels"),
    [  # of librosa.hz_to_mel
        ("slaney", [0, 500, 1000, 2000, 8000], [0, 7.5, 15, 25.08188016, 45.24564047]),
        ("htk", [0, 700, 8000], [0, 781.170, 2840.02]),
    ],
)
def test_mels(scale: str, hertz: list[float], mels: list[float]) -> None:
    np.testing.assert_allclose(hertz_to_mel(np.array(hertz), scale), mels, rtol=1e-5)
    np.testing.assert_allclose(mel_to_hertz(np.array(mels), scale), hertz, rtol=1e-4)


def test_edges_of_filters_are_equally_far_apart_in_mels() -> None:
    edges = place_filters("htk", 4, 100.0, 4000.0)
    ends = hertz_to_mel(np.array([100.0, 4000.0]), "htk")
    np.testing.assert_allclose(edges[[0, -1]], ends)
    np.testing.assert_allclose(np.diff(edges), (ends[1] - ends[0]) / 5)
