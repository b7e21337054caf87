"""Units that no row uses are left out, and nothing else changes."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from keras_sparse import L1, BatchTopK, SparseAutoencoder
from keras_sparse.data.tables import Table
from keras_sparse.experiments import Settings
from keras_sparse.experiments.fitting import fit
from keras_sparse.experiments.unused_units import find_used, leave_out_unused
from keras_sparse.sparsity.by_count.refined_code import RefinedCode


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    return np.random.default_rng(0).normal(3, 2, (256, 6)).astype(np.float32)


@pytest.mark.parametrize(
    "options",
    [
        {"target_l0": 3},
        {"sparsity": BatchTopK(3), "refine": 0},
        {"sparsity": L1(1e-2), "hidden_units": (12,)},
    ],
    ids=["refined", "counted", "deep"],
)
def test_a_model_of_the_used_units_gives_the_same_codes(
    options: dict[str, Any], rows: np.ndarray
) -> None:
    keras.utils.set_random_seed(0)
    model = SparseAutoencoder(6, 12, normalization="standard", **options)
    model.compile()
    model.fit(rows, epochs=2, verbose=0)
    _silence(model, [1, 7])
    _, used = find_used(model, rows)
    assert not used[[1, 7]].any()
    smaller, kept = leave_out_unused(model, rows)
    np.testing.assert_array_equal(kept, find_used(model, rows)[0])
    assert smaller.encoder.output_shape == (None, used.sum())
    codes = model.encode(rows)
    assert not codes[:, ~used].any()
    np.testing.assert_allclose(smaller.encode(rows), codes[:, used], atol=1e-6)
    np.testing.assert_allclose(smaller.decode(codes[:, used]), model.decode(codes), atol=1e-5)
    smaller.compile()
    smaller.fit(rows, epochs=1, verbose=0)  # it can be trained on


def test_a_unit_of_the_first_pass_is_used(rows: np.ndarray) -> None:
    model = SparseAutoencoder(6, 12, target_l0=3, normalization="standard")
    model.compile()
    model.fit(rows, epochs=1, verbose=0)
    layer = next(part for part in model.encoder.layers if isinstance(part, RefinedCode))
    layer.second_bias.assign(np.where(np.arange(12) == 5, -1e3, layer.second_bias))
    assert not model.encode(rows)[:, 5].any()
    active, used = find_used(model, rows)
    assert (active[5], used[5]) == (False, True)
    assert leave_out_unused(model, rows)[1][5]  # without it, the error of the rows is another


def test_a_planned_code_has_no_units_that_no_row_uses(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(200, 1)) @ rng.normal(size=(1, 8)) + 0.01 * rng.normal(size=(200, 8))
    names = ("pump=A", "pump=B", *"cdefgh")
    table = Table(rows, None, columns=names, categories={"pump": ("A", "B")})
    run = fit(None, table, Settings(steps=200), baselines="none")
    assert (run.model.columns, run.model.categories) == (names, {"pump": ("A", "B")})
    units = run.model.encoder.output_shape[-1]
    assert run.unused_units > 0
    assert (run.settings.units, run.evaluation.units) == (units + run.unused_units, units)
    assert run.curves["density"].shape[1] == units
    assert find_used(run.model, rows)[0].all()
    run.model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")  # a warning would be an error
    np.testing.assert_array_equal(loaded.encode(rows), run.model.encode(rows))
    given = fit(None, Table(rows, None), Settings(code_dim=12, steps=20), baselines="none")
    assert (given.unused_units, given.evaluation.units) == (0, 12)


def _silence(model: SparseAutoencoder, units: list[int]) -> None:
    """Push the biases of units so far down that no row can use them."""
    for variable in model.encoder.variables:
        if variable.name in ("bias", "second_bias") and variable.shape == (12,):
            value = np.array(keras.ops.convert_to_numpy(variable))
            value[units] = -1e3
            variable.assign(value)
