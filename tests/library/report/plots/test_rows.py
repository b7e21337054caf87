import numpy as np
import pytest

from figures import COLUMNS, IMAGE, SERIES, TABLE, panels, texts
from keras_sparse.report.plots import rows as row_plots
from keras_sparse.report.plots.row_view import View, gray

pytestmark = pytest.mark.one_backend


def test_reconstructions_are_the_rows_and_ordered_by_error(rng: np.random.Generator) -> None:
    x = rng.random((40, 64))
    x_hat = x + 0.01 * rng.permutation(40)[:, None]
    drawing = row_plots.reconstructions(x, x_hat, (x - x_hat) ** 2, IMAGE)
    pictures = [np.asarray(image.get_array()) for image in panels(drawing)[0].images]
    assert len(pictures) == 32
    order = np.argsort(((x - x_hat) ** 2).mean(axis=1))
    rows = order[np.linspace(0, 39, 16).round().astype(int)]
    low, high = x[rows].min(), x[rows].max()
    for pair, row in enumerate(rows):
        for picture, values in zip(pictures[2 * pair : 2 * pair + 2], (x, x_hat), strict=True):
            expected = gray(values[row].reshape(8, 8), low, high)
            np.testing.assert_array_equal(picture, expected)
    series = row_plots.reconstructions(x, x_hat, (x - x_hat) ** 2, SERIES)
    np.testing.assert_array_equal(panels(series)[0].lines[0].get_ydata(), x[order[0]])
    np.testing.assert_array_equal(panels(series)[-1].lines[1].get_ydata(), x_hat[order[-1]])
    errors = (x - x_hat)[:, :3] ** 2
    table = row_plots.reconstructions(x[:, :3], x_hat[:, :3], errors, TABLE, unit="bananas")
    np.testing.assert_array_equal(panels(table)[0].lines[0].get_xdata(), x[order[0], :3])
    assert {"one", "two", "three", "best", "worst"} <= set(texts(table))
    assert any("bananas" in text for text in texts(table))


def test_errors_order_rows_and_choose_columns(rng: np.random.Generator) -> None:
    x = rng.random((40, 64)) * np.geomspace(1e-3, 1e5, 64)
    errors = rng.permutation(40 * 64).reshape(40, 64).astype(float)
    series = row_plots.reconstructions(x, x + 1, errors, SERIES)
    np.testing.assert_array_equal(
        panels(series)[0].lines[0].get_ydata(), x[errors.mean(axis=1).argmin()]
    )
    table = row_plots.reconstructions(x, x + 1, errors, COLUMNS)
    worst = np.argsort(-errors.mean(axis=0))[: row_plots.COLUMNS_SHOWN]
    shown = [COLUMNS.columns[column] for column in np.sort(worst)]
    assert [label.get_text() for label in panels(table)[0].get_yticklabels()] == shown


@pytest.mark.parametrize("view", [IMAGE, SERIES, COLUMNS])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_rows_are_drawn(view: View, count: int) -> None:
    x = np.zeros((count, 64))
    x[:, 0] = np.nan
    texts(row_plots.reconstructions(x, x, x - x, view))
