import numpy as np
import pytest

from keras_sparse.health import findings

WELL = np.full(10, 0.05)


@pytest.mark.parametrize(
    ("density", "activation", "explained", "rho", "found"),
    [
        (WELL, WELL, 0.8, 0.05, set()),
        (WELL, WELL, None, None, set()),
        (np.where(np.arange(10) < 3, 0, WELL), WELL, 0.8, None, {"dead"}),
        (np.where(np.arange(10) < 2, 0, WELL), WELL, 0.8, None, set()),
        (WELL, 3 * WELL, 0.8, 0.05, {"rho"}),
        (WELL, WELL / 3, 0.8, 0.05, {"rho"}),
        (WELL, 3 * WELL, 0.8, None, set()),
        (WELL, np.where(np.arange(10) < 2, 0.99, 0.01), 0.8, None, {"saturated"}),
        (np.ones(10), np.full(10, 3.0), 0.8, None, set()),
        (WELL, WELL, -0.1, None, {"worthless"}),
        (np.zeros(10), np.zeros(10), 0.0, 0.05, {"dead", "rho", "worthless"}),
        (WELL, WELL, float("nan"), None, set()),
    ],
)
def test_findings(
    density: np.ndarray,
    activation: np.ndarray,
    explained: float | None,
    rho: float | None,
    found: set[str],
) -> None:
    said = findings(density, activation, explained, rho)
    assert set(said) == found
    assert all("Remedy: " in text for text in said.values())


def test_the_remedy_for_rho_depends_on_the_side() -> None:
    assert "a larger beta" in findings(WELL, 3 * WELL, rho=0.05)["rho"]
    assert "a smaller learning rate" in findings(WELL, WELL / 3, rho=0.05)["rho"]
