"""Test the optimizer, the measures of filters and the pictures of `benchmarks/quality`."""

from pathlib import Path

import keras
import numpy as np
import pytest

from keras_sparse import KL, SparseAutoencoder
from quality.gallery import draw, measure
from quality.ufldl.gabor import fit_gabor, orientation_selectivity, shuffle_phases, spread
from quality.ufldl.lbfgs import build_loss_and_gradient, fit_by_lbfgs, flatten_weights

PIXELS, UNITS = 12, 5


def ufldl_model() -> SparseAutoencoder:
    """ρ = .1, β = 3 and λ = 3e-3 in UFLDL's units."""
    return SparseAutoencoder(
        PIXELS,
        UNITS,
        sparsity=KL(0.1, 2 * 3 / PIXELS),
        output_activation="sigmoid",
        kernel_regularizer=keras.regularizers.L2(3e-3 / PIXELS),
        normalization=None,
    )


def ufldl_loss(weights: np.ndarray, x: np.ndarray) -> float:
    """½ mean Σ e² + 3 Σ KL + ½ 3e-3 ‖W‖², as in the notes, in float64."""
    ends = np.cumsum([PIXELS * UNITS, UNITS, UNITS * PIXELS])
    w1, b1, w2, b2 = np.split(weights, ends)
    w1, w2 = w1.reshape(PIXELS, UNITS), w2.reshape(UNITS, PIXELS)
    h = 1 / (1 + np.exp(-(x @ w1 + b1)))
    x_hat = 1 / (1 + np.exp(-(h @ w2 + b2)))
    rho_hat = h.mean(axis=0)
    divergence = 0.1 * np.log(0.1 / rho_hat) + 0.9 * np.log(0.9 / (1 - rho_hat))
    decay = 0.5 * 3e-3 * ((w1**2).sum() + (w2**2).sum())
    return float(0.5 * ((x - x_hat) ** 2).sum(axis=1).mean() + 3 * divergence.sum() + decay)


def test_gradient_is_that_of_the_published_loss_by_finite_differences() -> None:
    rng = np.random.default_rng(0)
    x = rng.random((50, PIXELS))
    model = ufldl_model()
    weights = rng.normal(scale=0.3, size=flatten_weights(model).shape)
    loss, gradient = build_loss_and_gradient(model, x)(weights)
    expected = [
        (ufldl_loss(weights + step, x) - ufldl_loss(weights - step, x)) / 2e-6
        for step in 1e-6 * np.eye(len(weights))
    ]
    assert loss == pytest.approx(ufldl_loss(weights, x) * 2 / PIXELS, rel=1e-6)
    np.testing.assert_allclose(gradient, np.multiply(expected, 2 / PIXELS), atol=1e-6)


def test_lbfgs_leaves_a_model_that_learnt() -> None:
    keras.utils.set_random_seed(0)
    x = np.random.default_rng(0).random((50, PIXELS))
    model = ufldl_model()
    before = ufldl_loss(flatten_weights(model), x)
    fit_by_lbfgs(model, x, iterations=20)
    assert ufldl_loss(flatten_weights(model), x) < 0.7 * before


def gabor(frequency: float, across: float, along: float, size: int = 8) -> np.ndarray:
    y, x = np.mgrid[:size, :size]
    u, v = (x - 3) * 0.8 + (y - 4) * 0.6, (y - 4) * 0.8 - (x - 3) * 0.6
    return np.exp(-(u**2) / (2 * across**2) - v**2 / (2 * along**2)) * np.sin(
        2 * np.pi * frequency * u + 0.4
    )


def test_a_gabor_function_is_found_again() -> None:
    fit = fit_gabor(gabor(0.2, 1.5, 2.5))
    assert fit.passes()
    np.testing.assert_allclose([fit.r2, fit.frequency, *fit.sigma], [1, 0.2, 1.5, 2.5], rtol=1e-3)


def test_noise_a_blob_and_a_checkerboard_are_no_edges() -> None:
    rng = np.random.default_rng(0)
    assert not fit_gabor(rng.normal(size=(8, 8))).passes()
    y, x = np.mgrid[:8, :8]
    assert not fit_gabor(np.exp(-((x - 3.5) ** 2 + (y - 3.5) ** 2) / 8)).passes()
    assert not fit_gabor((-1.0) ** (x + y)).passes()


def test_measures_of_filters() -> None:
    stripes = np.tile(np.cos(np.arange(8)), (8, 1))
    assert orientation_selectivity(stripes) > 0.7
    assert orientation_selectivity(stripes * stripes.T) < 0.1
    assert spread(np.eye(8)[:1].T @ np.eye(8)[:1]) < 1.1
    assert spread((-1.0) ** np.arange(64).reshape(8, 8)) == 64


def test_shuffled_phases_keep_the_power() -> None:
    images = np.random.default_rng(0).normal(size=(3, 8, 8))
    shuffled = shuffle_phases(images, np.random.default_rng(1))
    np.testing.assert_allclose(
        np.abs(np.fft.fft2(shuffled)), np.abs(np.fft.fft2(images)), atol=1e-9
    )
    assert np.abs(shuffled - images).max() > 1


def test_a_panel_says_what_an_l0_counts_and_shows_the_most_frequent_units(tmp_path: Path) -> None:
    x = np.random.default_rng(0).random((30, 64)).astype(np.float32)
    keras.utils.set_random_seed(0)
    model = SparseAutoencoder(64, 60, target_l0=5, refine=0, normalization=None)
    model.count_activation.calibrate(model.encoder.layers[1](x))
    panel = measure("BatchTopK", model, x)
    name, count, explained = panel.title.splitlines()
    assert (name, count) == ("BatchTopK", "L0 5.0")
    assert explained == f"explained {panel.evaluation.explained_variance:.2f}"
    frequent = np.argmax((model.encode(x) > 0).sum(axis=0))
    kernel = keras.ops.convert_to_numpy(model.decoder.layers[-1].kernel)
    np.testing.assert_allclose(panel.images[0].ravel(), kernel[frequent], atol=1e-5)

    kl = SparseAutoencoder(64, 60, sparsity=KL(0.5), normalization=None)
    dense = measure("KL", kl, x)
    assert dense.title.startswith("KL\nL0 60.0 (codes > 0.1)\nexplained ")
    assert ", by all codes " in dense.title
    draw([panel, dense], tmp_path / "images" / "units.png")
    assert 0 < (tmp_path / "images" / "units.png").stat().st_size < 150_000
