import keras
import numpy as np
import pytest

from figures import COLUMNS, IMAGE, SERIES, TABLE, panels, texts
from keras_sparse import KL, L1, SparseAutoencoder
from keras_sparse.report.plots import units
from keras_sparse.report.plots.row_view import View

pytestmark = pytest.mark.one_backend


def test_units_as_pictures_series_and_columns(rng: np.random.Generator) -> None:
    effects = rng.normal(size=(3, 64))
    image = units.units(effects, [7, 2, 5], [0.5, 0.12, 0.0], IMAGE)
    for tile, effect in zip(panels(image)[0].images, effects, strict=True):
        strength = np.asarray(tile.get_array())[..., 3]  # clear is nothing
        np.testing.assert_allclose(
            strength.ravel() / 255, np.abs(effect) / np.abs(effect).max(), atol=0.003
        )
        blue = np.asarray(tile.get_array())[..., 2] > 128
        np.testing.assert_array_equal(blue.ravel(), effect > 0)
    assert texts(image) == ["7", "50 %", "2", "12 %", "5", "dead"]
    series = units.units(effects, [7, 2, 5], [0.5, 0.12, 0.0], SERIES)
    for line, effect in zip(panels(series)[0].lines[1::2], effects, strict=True):
        assert np.corrcoef(line.get_ydata(), -effect)[0, 1] == pytest.approx(1)
    table = units.units(np.array([[0.1, -4, 2]]), [7], [1.0], TABLE)
    widths = [bar.get_width() for bar in panels(table)[0].patches]
    np.testing.assert_allclose(np.array(widths) / np.abs(widths).max(), [-1, 0.5, 0.025])
    assert [text for text in texts(table) if text in TABLE.columns] == ["two", "three", "one"]


def test_a_frame_surrounds_each_picture(rng: np.random.Generator) -> None:
    view = View.of(32, (4, 8))  # twice as wide as high
    (axes,) = panels(units.units(rng.normal(size=(8, 32)), range(8), np.ones(8), view))
    for picture, frame in zip(axes.images, axes.lines, strict=True):
        left, right, bottom, top = picture.get_extent()
        assert right - left == pytest.approx(2 * (bottom - top))
        corners = {(x, y) for x in (left, right) for y in (bottom, top)}
        assert set(zip(*frame.get_data(), strict=True)) == corners


@pytest.mark.parametrize("view", [IMAGE, SERIES, COLUMNS])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_units_are_drawn(view: View, count: int) -> None:
    x = np.zeros((count, 64))
    x[:, 0] = np.nan
    texts(units.units(x, range(count), np.full(count, np.nan), view))


def test_colours_of_a_unit_are_gray_where_it_does_nothing() -> None:
    effect = np.zeros((1, 48))
    effect[0, 3] = 1
    drawing = units.units(effect, [0], [1.0], View.of(48, (4, 4, 3)))
    picture = np.asarray(panels(drawing)[0].images[0].get_array()).reshape(-1)
    assert picture[3] == 255
    assert set(np.delete(picture, 3).tolist()) == {128}


def test_the_response_of_a_linear_decoder_is_its_kernel_scaled_back(rows: np.ndarray) -> None:
    model = SparseAutoencoder(12, 5, sparsity=L1(), normalization="standard")
    model.adapt(rows)
    kernel = keras.ops.convert_to_numpy(
        next(layer.kernel for layer in model.decoder.layers if hasattr(layer, "kernel"))
    )
    drawing = units.responses(model, [3, 1])
    np.testing.assert_allclose(drawing, kernel[[3, 1]] * rows.std(axis=0), atol=1e-5)
    scaled = units.responses(model, [3, 1], scaled=True)
    np.testing.assert_allclose(scaled, kernel[[3, 1]], atol=1e-5)


def test_the_response_holds_for_deep_decoders_and_codes_with_positions() -> None:
    model = SparseAutoencoder(12, 5, hidden_units=(8,), sparsity=KL(), normalization=None)
    code = np.eye(5, dtype=np.float32)[[2]]
    expected = model.decode(code) - model.decode(0 * code)
    np.testing.assert_allclose(units.responses(model, [2]), expected, atol=1e-6)
    layers = keras.layers
    convolutional = SparseAutoencoder.from_models(
        keras.Sequential(
            [keras.Input((6, 2)), layers.Conv1D(3, 3, padding="same", activation="relu")]
        ),
        keras.Sequential([keras.Input((6, 3)), layers.Conv1D(2, 3, padding="same")]),
    )
    drawing = units.responses(convolutional, [1]).reshape(6, 2)
    kernel = keras.ops.convert_to_numpy(convolutional.decoder.layers[0].kernel)
    np.testing.assert_allclose(drawing[2:5], kernel[::-1, 1], atol=1e-6)
    np.testing.assert_allclose(np.delete(drawing, [2, 3, 4], axis=0), 0, atol=1e-6)


def test_units_are_sorted_by_use_with_the_dead_last() -> None:
    assert units.order_by_use([0.1, 0, 0.5, np.nan, 0.1]).tolist() == [2, 0, 4, 1, 3]


def test_density_counts_every_unit_once() -> None:
    shares = np.array([0, 0, 0.004, 0.02, 0.03, 0.5, 0.999, 1, 1, 1])
    drawing = units.density(shares)
    heights = [bar.get_height() for bar in panels(drawing)[0].patches]
    assert sum(heights) == len(shares)
    assert heights[-2:] == [2, 3]  # dead, always on
    in_bins = np.histogram(np.log10(shares[2:7]), np.linspace(-3, 0, 16))[0]
    np.testing.assert_array_equal(heights[:-2], in_bins)
    assert {"never", "always", "active", "0.1 %", "100 %"} <= set(
        " ".join(texts(drawing)).split("\n")[0].split(" ")
    ) | set(texts(drawing))


@pytest.mark.parametrize("shares", [np.zeros(4), np.ones(4), np.full(4, np.nan)])
def test_density_of_units_all_alike(shares: np.ndarray) -> None:
    dead, always = panels(units.density(shares))[0].patches[-2:]
    assert (dead.get_height(), always.get_height()) == ((0, 4) if shares[0] == 1 else (4, 0))
