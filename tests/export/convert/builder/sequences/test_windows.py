import numpy as np
import pytest

from keras_sparse.models.front_ends import ConsecutiveFrames, WindowStatistics
from models import draw, require_agreement, stack


@pytest.mark.parametrize("opset", [13, 18])
@pytest.mark.parametrize("shape", [(40,), (40, 3)])
def test_statistics(shape: tuple[int, ...], opset: int) -> None:
    x = draw(shape)
    x[0] = 0
    x[1] += 5
    require_agreement(stack(shape, WindowStatistics()), x, opset)


def test_chosen_statistics() -> None:
    x = np.round(draw((40,)))  # with zeros, which are no change of the sign from above
    require_agreement(stack((40,), WindowStatistics(["zero_crossings", "rms"])), x)


@pytest.mark.parametrize(("count", "step"), [(1, 1), (3, 2), (6, 1)])
def test_frames(count: int, step: int) -> None:
    require_agreement(stack((6, 4), ConsecutiveFrames(count, step)))
