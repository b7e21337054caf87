import numpy as np
import pytest

from figures import COLUMNS, IMAGE, SERIES, TABLE, panels, texts
from keras_sparse.report.plots.row_view import View, gray
from keras_sparse.report.plots.top_activating import find_top_rows, top_activating


@pytest.mark.parametrize("view", [IMAGE, SERIES, COLUMNS])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_rows_are_drawn(view: View, count: int) -> None:
    x, codes = np.zeros((count, 64)), np.ones((count, count))
    x[:, 0] = np.nan
    texts(top_activating(x, codes, range(count), view))


def test_top_activating_rows_are_those_with_the_largest_code(rng: np.random.Generator) -> None:
    x, codes = rng.random((30, 64)), rng.random((30, 2))
    codes[5:, 1] = 0
    drawing = top_activating(x, codes, [0, 1], IMAGE)
    pictures = [np.asarray(image.get_array()) for image in panels(drawing)[0].images]
    first, second = np.argsort(-codes[:, 0])[:7], np.argsort(-codes[:, 1])[:5]
    shown = np.concatenate([first, second])  # the other rows do not activate the second unit
    assert len(pictures) == len(shown)
    for picture, row in zip(pictures, shown, strict=True):
        expected = gray(x[row].reshape(8, 8), x[shown].min(), x[shown].max())
        np.testing.assert_array_equal(picture, expected)
    series = top_activating(x, codes, [1], SERIES)
    np.testing.assert_allclose(panels(series)[0].lines[-1].get_ydata(), x[second].mean(axis=0))
    table = top_activating(x[:, :3], codes, [1], TABLE)
    apart = ((x[:, :3] - x[:, :3].mean(axis=0)) / x[:, :3].std(axis=0))[second]
    largest = np.abs(apart.mean(axis=0)).argmax()
    np.testing.assert_allclose(panels(table)[0].lines[1].get_xdata(), apart[:, largest])


def test_negative_codes_activate_a_unit_too() -> None:
    codes = np.array([[0.2, -0.9, 0.05, -0.1, 0.5, -0.3]]).T
    assert find_top_rows(codes, 0, 4, threshold=0.1).tolist() == [1, 4, 5, 0]
    assert find_top_rows(codes, 0, 6, threshold=0.25).tolist() == [1, 4, 5]
