import keras
import numpy as np
import pytest

from keras_sparse import KL, L1, SparseAutoencoder
from keras_sparse.evaluation.held_out import comparison_table, evaluate
from keras_sparse.metrics.functional import explained_variance


@pytest.mark.parametrize("normalization", [None, "standard"])
def test_every_measure_against_numpy(normalization: str | None, rows: np.ndarray) -> None:
    model = SparseAutoencoder(12, 6, sparsity=L1(), normalization=normalization)
    if normalization:
        model.adapt(rows)
    kernel = keras.ops.convert_to_numpy(model.encoder.get_layer("code").kernel)
    kernel[:, 2] = 0  # a unit that never fires
    model.encoder.get_layer("code").kernel.assign(kernel)
    result = evaluate(model, rows)
    codes, x = model.encode(rows), rows.astype(np.float64)
    scale = x.std(0) if normalization else 1.0
    error = (x - model.decode(codes)) / scale
    variance = ((x - x.mean(0)) / scale) ** 2
    assert result.rows == 400
    assert result.units == 6
    assert result.reconstruction_mse == pytest.approx(np.mean(error**2), rel=1e-4)
    assert result.explained_variance == pytest.approx(
        1 - np.sum(error**2) / variance.sum(), rel=1e-4
    )
    assert result.l0 == pytest.approx((codes > 0).sum() / 400)
    assert result.dead_units == (codes.max(0) == 0).sum() >= 1
    assert result.mean_activation == pytest.approx(codes.astype("f8").mean())


@pytest.mark.filterwarnings("ignore:Layer .* does not support masking")
@pytest.mark.parametrize("masked", [True, False])
def test_sequences_are_measured_by_their_live_steps(masked: bool, rng: np.random.Generator) -> None:
    live = np.arange(5) < rng.integers(1, 5, 40)[:, None] if masked else np.ones((40, 5), bool)
    x = np.where(live[..., None], rng.normal(2, 1, (40, 5, 3)), 0).astype(np.float32)
    sequence, h = keras.Input((None, 3)), keras.Input((None, 4))
    rows = keras.layers.Masking()(sequence) if masked else sequence
    encoder = keras.Model(sequence, keras.layers.Dense(4, "sigmoid")(rows))
    model = SparseAutoencoder.from_models(encoder, keras.Model(h, keras.layers.Dense(3)(h)))
    model.compile()
    result = evaluate(model, x)
    codes, v = model.encode(x)[live], x[live].astype(np.float64)
    errors = np.square(v - model.predict(x, verbose=0)[live])
    assert result.rows == 40
    assert result.reconstruction_mse == pytest.approx(errors.mean(), rel=1e-5)
    variance = np.square(v - v.mean(0)).sum()
    assert result.explained_variance == pytest.approx(1 - errors.sum() / variance, rel=1e-5)
    assert result.l0 == pytest.approx((codes > 0.1).sum(1).mean(), rel=1e-6)
    assert result.mean_activation == pytest.approx(codes.mean(), rel=1e-5)
    logs = model.evaluate(x, batch_size=40, return_dict=True, verbose=0)
    assert logs["explained_variance"] == pytest.approx(result.explained_variance, rel=1e-4)


@pytest.mark.filterwarnings("ignore:Layer .* does not support masking")
@pytest.mark.parametrize(("stride", "masks_codes"), [(1, False), (2, False), (2, True)])
def test_the_decoder_sees_the_mask_that_it_was_trained_with(
    stride: int, masks_codes: bool, rng: np.random.Generator
) -> None:
    live = rng.random((32, 8)) < 0.6
    live[:, 0] = True
    x = np.where(live[..., None], rng.normal(2, 1, (32, 8, 3)), 0).astype(np.float32)
    sequence, code = keras.Input((8, 3)), keras.Input((8 // stride, 4))
    masked = keras.layers.Masking()(sequence)
    h = keras.layers.Conv1D(4, 3, stride, padding="same", activation="relu")(masked)
    encoder = keras.Model(sequence, keras.layers.Masking()(h) if masks_codes else h)
    v = keras.layers.LSTM(6, return_sequences=True)(code)
    v = keras.layers.Dense(3)(keras.layers.UpSampling1D(stride)(v))
    model = SparseAutoencoder.from_models(encoder, keras.Model(code, v), sparsity=L1())
    model.compile()
    result = evaluate(model, x)
    assert model.threshold == 0
    assert result.explained_by_active == pytest.approx(result.explained_variance, rel=1e-6)
    logs = model.evaluate(x, batch_size=32, return_dict=True, verbose=0)
    assert logs["explained_variance"] == pytest.approx(result.explained_variance, rel=1e-4)
    assert logs["l0"] == pytest.approx(result.l0, rel=1e-5)


def test_inactive_units_of_a_sigmoid_keep_something_too(rows: np.ndarray) -> None:
    model = SparseAutoencoder(12, 6, sparsity=KL(0.05, 1.0), normalization="standard")
    model.adapt(rows)
    model.encoder.get_layer("code").bias.assign(np.full(6, -2.0, np.float32))
    result, codes = evaluate(model, rows), model.encode(rows)
    assert 0 < result.l0 < 6
    expected = explained_variance(
        model.scale(rows), model.scale(model.decode(np.where(codes > 0.1, codes, 0)))
    )
    assert result.explained_by_active == pytest.approx(expected, rel=1e-9)
    assert result.explained_by_active != pytest.approx(result.explained_variance, abs=1e-3)
    relu = evaluate(SparseAutoencoder(12, 6, sparsity=L1(), normalization=None), rows)
    assert relu.explained_by_active == relu.explained_variance


def test_negative_codes_are_active_too(rows: np.ndarray) -> None:
    model = SparseAutoencoder(12, 6, sparsity=L1(), activation="tanh", normalization="standard")
    model.adapt(rows)
    model.encoder.get_layer("code").bias.assign([-9, 0, 0, 0, 0, 0])  # unit 0 is always near -1
    model.compile()
    result, codes = evaluate(model, rows), model.encode(rows)
    active = np.abs(codes) > model.threshold
    assert model.threshold == 0.1
    assert result.l0 == pytest.approx(active.sum() / 400)
    assert result.dead_units == 0
    expected = explained_variance(
        model.scale(rows), model.scale(model.decode(np.where(active, codes, 0)))
    )
    assert result.explained_by_active == pytest.approx(expected, rel=1e-9)
    logged = model.evaluate(rows, verbose=0, return_dict=True)
    assert logged["l0"] == pytest.approx(result.l0, rel=1e-6)
    assert logged["dead_fraction"] == 0


def test_the_table_lines_up(rows: np.ndarray) -> None:
    result = evaluate(SparseAutoencoder(12, 6, sparsity=None, normalization=None), rows)
    text = comparison_table({"a": result, "longer": result}, {"raw": 0.9, "a": 0.95})
    header, raw, first, second = text.splitlines()
    assert header.split() == [
        "MSE", "expl.", "var.", "by", "active", "L0", "dead", "mean", "act.", "probe",
    ]  # fmt: skip
    assert raw.endswith("0.900")
    assert first.endswith("0.950")
    assert second.endswith("–")
    assert len({len(line) for line in (header, raw, first, second)}) == 1
