import numpy as np
import pytest

from keras_sparse_export.io.activity import is_active, rank, require_threshold

pytestmark = pytest.mark.one_backend


def test_active_is_what_the_magnitude_says(rng: np.random.Generator) -> None:
    codes = np.append(rng.normal(size=50), [0, -0.0, 0.1, -0.1, np.nan]).astype(np.float32)
    tau = float(np.float32(0.1))
    expected = [abs(code) > tau for code in codes.tolist()]
    assert is_active(codes, 0.1).tolist() == expected  # τ in float32, which 0.1 exceeds in float64
    assert is_active(codes, 0.1, signed=False).tolist() == [code > tau for code in codes.tolist()]
    assert 0 < sum(expected) < 50
    np.testing.assert_array_equal(rank(codes, signed=False), codes)
    assert is_active(codes.reshape(11, 5), 0.1).shape == (11, 5)


@pytest.mark.parametrize("threshold", [-0.1, np.nan, np.inf, True, "0", None])
def test_a_threshold_that_is_none_is_refused(threshold: object) -> None:
    message = "`tau`. Expected a finite number of 0 or more, .* Received: "
    with pytest.raises(ValueError, match=message):
        require_threshold(threshold, "tau")
    assert require_threshold(np.float64(0.5)) == 0.5
