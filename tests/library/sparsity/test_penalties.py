import numpy as np
import pytest
from keras import ops

from keras_sparse.sparsity import penalties
from references import kl_reference


@pytest.mark.parametrize("rho", [0.01, 0.05, 0.5, 0.9])
def test_kl_is_its_definition_and_its_tangent_outside(rho: float) -> None:
    rho_hat = np.array([-1.0, 0.0, 1e-7, 1e-4, 0.05, 0.3, 0.5, 0.9, 0.99, 1.0, 1.5, 40.0])
    found = ops.convert_to_numpy(penalties.kl(rho, rho_hat.astype(np.float32)))
    np.testing.assert_allclose(found, kl_reference(rho, rho_hat), rtol=2e-6, atol=1e-6)


def test_kl_is_never_negative_and_zero_at_rho() -> None:
    rho_hat = np.float32(0.05) + np.linspace(-1e-5, 1e-5, 4001).astype(np.float32)
    found = ops.convert_to_numpy(penalties.kl(0.05, rho_hat))
    assert found.min() >= 0
    assert found.max() < 2e-9
    np.testing.assert_allclose(found, kl_reference(0.05, rho_hat), atol=1e-7)


@pytest.mark.parametrize("rho", [1e-9, 1e-6, 1 - 1e-6])
def test_kl_is_convex_and_not_negative_for_extreme_rho(rho: float) -> None:
    rho_hat = np.linspace(-0.5, 1.5, 2001).astype(np.float32)
    found = ops.convert_to_numpy(penalties.kl(rho, rho_hat)).astype(np.float64)
    assert found.min() >= 0
    assert np.isfinite(found).all()
    assert np.diff(found, 2).min() > -1e-4 * found.max()


@pytest.mark.parametrize("rho", [1e-9, 1e-7, 1e-6, 1e-5])
def test_kl_near_one_mirrors_kl_near_zero(rho: float) -> None:
    near = np.array([0.0, rho / 4, rho, 4 * rho, 1e-6, 1e-3, 0.5], np.float32)
    below = ops.convert_to_numpy(penalties.kl(rho, near, 1 - near))
    above = ops.convert_to_numpy(penalties.kl(1 - rho, 1 - near, near))
    np.testing.assert_allclose(above, below, rtol=1e-5, atol=1e-12)
    inside = near[2:].astype(np.float64)  # from ρ on, where the definition itself holds
    exact = rho * np.log(rho / inside) + (1 - rho) * np.log((1 - rho) / (1 - inside))
    np.testing.assert_allclose(above[2:], exact, rtol=1e-5, atol=1e-12)


def test_kl_keeps_its_digits_near_one_when_told_the_complement() -> None:
    complement = np.array([2e-6, 1e-5, 1e-4], np.float32)
    found = ops.convert_to_numpy(penalties.kl(0.05, 1 - complement, complement))
    np.testing.assert_allclose(found, kl_reference(0.05, 1 - complement.astype("f8")), rtol=1e-6)


@pytest.mark.parametrize(
    ("shape", "weights_rank"),
    [((6, 4), None), ((6, 4), 1), ((6, 5, 4), 1), ((6, 5, 4), 2), ((6, 3, 2, 4), 2)],
)
def test_means_are_weighted_over_all_axes_but_the_last(
    shape: tuple[int, ...], weights_rank: int | None, rng: np.random.Generator
) -> None:
    h = rng.normal(size=shape)
    weights = None
    share = np.ones(shape[:-1])
    if weights_rank is not None:
        weights = rng.random(shape[:weights_rank])
        weights[0] = 0
        share = share * weights.reshape(*weights.shape, *(1,) * (len(shape) - 1 - weights_rank))
    mean = np.average(h.reshape(-1, 4), axis=0, weights=share.ravel())
    absolute = np.average(np.abs(h).sum(-1).ravel(), weights=share.ravel())
    squared = np.average((h**2).sum(-1).ravel(), weights=share.ravel())
    h = h.astype(np.float32)
    np.testing.assert_allclose(penalties.mean_activation(h, weights), mean, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(penalties.l1(h, weights), absolute, rtol=1e-5)
    np.testing.assert_allclose(penalties.l2(h, weights), squared, rtol=1e-5)


def test_no_weight_at_all_costs_nothing() -> None:
    assert float(penalties.l1(np.ones((3, 2), np.float32), np.zeros(3))) == 0
    assert float(penalties.l1(np.ones((0, 2), np.float32))) == 0
