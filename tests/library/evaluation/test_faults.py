from typing import Any

import keras
import numpy as np
import pytest

from keras_sparse import SparseAutoencoder
from keras_sparse.evaluation.faults import measure_deviations, measure_faults

NAMES = ("a", "b", "c", "pump=A", "pump=B")


def linear_model(kept: list[float]) -> SparseAutoencoder:
    """A model that reconstructs a fraction of each column, so that errors are known."""
    encoder = keras.Sequential([keras.Input((5,)), keras.layers.Dense(5, use_bias=False)])
    decoder = keras.Sequential([keras.Input((5,)), keras.layers.Dense(5, use_bias=False)])
    model = SparseAutoencoder.from_models(encoder, decoder)
    encoder.set_weights([np.eye(5, dtype="float32")])
    decoder.set_weights([np.diag(kept).astype("float32")])
    model.columns, model.categories = NAMES, {"pump": ("A", "B")}
    return model


@pytest.mark.parametrize(
    ("kept", "named"),
    [([0, 0, 0, 1, 1], 1.0), ([1, 1, 1, 0, 0], 0.0), ([0, 1, 0, 1, 1], 2 / 3)],
)
def test_the_faults_that_errors_name(kept: list[float], named: float) -> None:
    x = np.zeros((300, 5))
    x[:, 3] = 1.0  # where it has an error, that is always the largest
    x[299] = [1, 10, 100, 1, 1]  # the only row that varies is none of those with faults
    assert measure_faults(linear_model(kept), x) == pytest.approx((named, 256, 3, 2.0))


def test_what_has_no_names_or_does_not_vary_has_no_faults() -> None:
    model = linear_model([0] * 5)
    assert measure_faults(model, np.ones((20, 5))) is None
    model.columns = None
    assert measure_faults(model, np.eye(5)) is None


def test_cells_without_a_value_have_no_fault(rng: np.random.Generator) -> None:
    x: Any = rng.normal(size=(200, 5)).astype("float32")
    x[50:150, 0] = np.nan
    x[:, 1] = np.nan
    expected = [x[~np.isnan(x[:, 0]), 0].std(dtype=np.float64), 0, x[:, 2].std(dtype=np.float64)]
    np.testing.assert_allclose(measure_deviations(x)[:3], expected, rtol=1e-6)
    model = SparseAutoencoder(5, 4, target_l0=2, missing="mask")
    model.columns = tuple("abcde")
    model.adapt(np.nan_to_num(x))
    found = measure_faults(model, x)
    assert found is not None
    assert (found.rows, found.columns) == (200, 4)
    assert 0 <= found.named <= 1


def test_the_number_of_rows_is_bounded(rng: np.random.Generator) -> None:
    model = SparseAutoencoder(400, 4, normalization=None)
    model.columns = tuple(f"c{place}" for place in range(400))
    found = measure_faults(model, rng.normal(size=(300, 400)))
    assert found is not None
    assert (found.rows, found.columns) == (163, 64)  # 2²² numbers
