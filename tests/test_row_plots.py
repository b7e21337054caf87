import numpy as np
import pytest

from figures import COLUMNS, IMAGE, SERIES, TABLE, panels, texts
from keras_sparse import row_plots
from keras_sparse.views import View, gray


def test_reconstructions_are_the_rows_and_ordered_by_error(rng: np.random.Generator) -> None:
    x = rng.random((40, 64))
    x_hat = x + 0.01 * rng.permutation(40)[:, None]
    found = row_plots.reconstructions(x, x_hat, IMAGE)
    pictures = [np.asarray(image.get_array()) for image in panels(found)[0].images]
    assert len(pictures) == 32
    order = np.argsort(((x - x_hat) ** 2).mean(axis=1))
    rows = order[np.linspace(0, 39, 16).round().astype(int)]
    low, high = x[rows].min(), x[rows].max()
    for pair, row in enumerate(rows):
        for picture, values in zip(pictures[2 * pair : 2 * pair + 2], (x, x_hat), strict=True):
            expected = gray(values[row].reshape(8, 8), low, high)
            np.testing.assert_array_equal(picture, expected)
    series = row_plots.reconstructions(x, x_hat, SERIES)
    np.testing.assert_array_equal(panels(series)[0].lines[0].get_ydata(), x[order[0]])
    np.testing.assert_array_equal(panels(series)[-1].lines[1].get_ydata(), x_hat[order[-1]])
    table = row_plots.reconstructions(x[:, :3], x_hat[:, :3], TABLE, unit="bananas")
    np.testing.assert_array_equal(panels(table)[0].lines[0].get_xdata(), x[order[0], :3])
    assert {"one", "two", "three", "best", "worst"} <= set(texts(table))
    assert any("bananas" in text for text in texts(table))


@pytest.mark.parametrize("view", [IMAGE, SERIES, COLUMNS])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_rows_are_drawn(view: View, count: int) -> None:
    x, codes = np.zeros((count, 64)), np.ones((count, count))
    x[:, 0] = np.nan
    texts(row_plots.reconstructions(x, x, view))
    texts(row_plots.exciting(x, codes, range(count), view))


def test_exciting_rows_are_those_with_the_largest_code(rng: np.random.Generator) -> None:
    x, codes = rng.random((30, 64)), rng.random((30, 2))
    codes[5:, 1] = 0
    found = row_plots.exciting(x, codes, [0, 1], IMAGE)
    pictures = [np.asarray(image.get_array()) for image in panels(found)[0].images]
    first, second = np.argsort(-codes[:, 0])[:7], np.argsort(-codes[:, 1])[:5]
    shown = np.concatenate([first, second])  # the other rows do not excite the second unit
    assert len(pictures) == len(shown)
    for picture, row in zip(pictures, shown, strict=True):
        expected = gray(x[row].reshape(8, 8), x[shown].min(), x[shown].max())
        np.testing.assert_array_equal(picture, expected)
    series = row_plots.exciting(x, codes, [1], SERIES)
    np.testing.assert_allclose(panels(series)[0].lines[-1].get_ydata(), x[second].mean(axis=0))
    table = row_plots.exciting(x[:, :3], codes, [1], TABLE)
    apart = ((x[:, :3] - x[:, :3].mean(axis=0)) / x[:, :3].std(axis=0))[second]
    largest = np.abs(apart.mean(axis=0)).argmax()
    np.testing.assert_allclose(panels(table)[0].lines[1].get_xdata(), apart[:, largest])
