import keras
import numpy as np
import pytest

from keras_sparse import KL, L1, SparseAutoencoder
from keras_sparse.evaluation import comparison_table, evaluate
from keras_sparse.measures import explained_variance


@pytest.mark.parametrize("normalization", [None, "standard"])
def test_every_measure_against_numpy(normalization: str | None, rows: np.ndarray) -> None:
    model = SparseAutoencoder(12, 6, sparsity=L1(), normalization=normalization)
    if normalization:
        model.adapt(rows)
    kernel = keras.ops.convert_to_numpy(model.encoder.get_layer("code").kernel)
    kernel[:, 2] = 0  # a unit that never fires
    model.encoder.get_layer("code").kernel.assign(kernel)
    found = evaluate(model, rows)
    codes, x = model.encode(rows), rows.astype(np.float64)
    scale = x.std(0) if normalization else 1.0
    error = (x - model.decode(codes)) / scale
    variance = ((x - x.mean(0)) / scale) ** 2
    assert found.rows == 400
    assert found.units == 6
    assert found.reconstruction_mse == pytest.approx(np.mean(error**2), rel=1e-4)
    assert found.explained_variance == pytest.approx(
        1 - np.sum(error**2) / variance.sum(), rel=1e-4
    )
    assert found.l0 == pytest.approx((codes > 0).sum() / 400)
    assert found.dead_units == (codes.max(0) == 0).sum() >= 1
    assert found.mean_activation == pytest.approx(codes.astype("f8").mean())


def test_inactive_units_of_a_sigmoid_keep_something_too(rows: np.ndarray) -> None:
    model = SparseAutoencoder(12, 6, sparsity=KL(0.05, 1.0), normalization="standard")
    model.adapt(rows)
    model.encoder.get_layer("code").bias.assign(np.full(6, -2.0, np.float32))
    found, codes = evaluate(model, rows), model.encode(rows)
    assert 0 < found.l0 < 6
    expected = explained_variance(
        model.scale(rows), model.scale(model.decode(np.where(codes > 0.1, codes, 0)))
    )
    assert found.explained_by_active == pytest.approx(expected, rel=1e-9)
    assert found.explained_by_active != pytest.approx(found.explained_variance, abs=1e-3)
    relu = evaluate(SparseAutoencoder(12, 6, sparsity=L1()), rows)
    assert relu.explained_by_active == relu.explained_variance


def test_the_table_lines_up(rows: np.ndarray) -> None:
    found = evaluate(SparseAutoencoder(12, 6), rows)
    text = comparison_table({"a": found, "longer": found}, {"raw": 0.9, "a": 0.95})
    header, raw, first, second = text.splitlines()
    assert header.split() == [
        "MSE", "expl.", "var.", "by", "active", "L0", "dead", "mean", "act.", "probe",
    ]  # fmt: skip
    assert raw.endswith("0.900")
    assert first.endswith("0.950")
    assert second.endswith("–")
    assert len({len(line) for line in (header, raw, first, second)}) == 1
