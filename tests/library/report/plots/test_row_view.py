import math
from typing import Any

import numpy as np
import pytest

from keras_sparse.report.plots.row_view import View, gray

pytestmark = pytest.mark.one_backend


@pytest.mark.parametrize(
    ("features", "shape", "columns", "kind"),
    [
        (64, (8, 8), None, "image"),
        (48, (4, 4, 3), None, "image"),
        (64, (64,), None, "series"),
        (64, None, None, "series"),
        (64, (1, 64), None, "series"),
        (64, (8, 9), None, "series"),
        (3, (3,), ["a", "b", "c"], "table"),
        (3, (3,), ["a", "b"], "series"),
    ],
)
def test_how_a_row_is_shown(features: int, shape: Any, columns: Any, kind: str) -> None:
    assert View.of(features, shape, columns).kind == kind


def test_a_row_becomes_a_picture() -> None:
    row = np.arange(48)
    np.testing.assert_array_equal(View.of(48, (4, 4, 3)).image(row), row.reshape(4, 4, 3))
    first = View.of(75, (3, 5, 5)).image(np.arange(75))
    np.testing.assert_array_equal(first[..., 1], np.arange(25, 50).reshape(5, 5))
    np.testing.assert_array_equal(View.of(32, (4, 4, 2)).image(np.arange(32))[0, 0], 0.5)
    assert max(View.of(300 * 200, (300, 200)).image(np.zeros(60000)).shape) <= 64
    np.testing.assert_array_equal(
        gray(np.array([[0, 5, 10, 20]]), 0, 10)[0, :, 0], [0, 128, 255, 255]
    )


@pytest.mark.parametrize(
    ("shape", "aspect"),
    [((8, 8), 1), ((4, 8), 0.5), ((2, 40), 0.25), ((40, 2), 2), ((3, 6, 5), 1.2), ((64,), 1)],
)
def test_tiles_have_the_shape_of_their_pictures_within_limits(
    shape: tuple[int, ...], aspect: float
) -> None:
    assert View.of(math.prod(shape), shape).aspect == aspect
