from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import keras_sparse
import keras_sparse.evaluation
import keras_sparse.experiments
from keras_sparse import KL, L1, SparseAutoencoder, TopK, front_ends
from keras_sparse.data.arrays import DataError
from models import model_of

# Structure ---------------------------------------------------------------------------------------


def test_l1_keeps_the_rows_that_take_the_code_at_unit_norm(rows: np.ndarray) -> None:
    model = model_of(L1(1e-3))
    model.fit(rows, epochs=1, verbose=0)
    norms = np.linalg.norm(ops.convert_to_numpy(model.decoder.layers[1].kernel), axis=1)
    np.testing.assert_allclose(norms, 1, rtol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"input_dim": 0}, "`input_dim`. Expected a positive integer. Received: input_dim=0"),
        ({"code_dim": 2.5}, "`code_dim`. Expected a positive integer. Received: code_dim=2.5"),
        ({"hidden_units": (8, -1)}, "`hidden_units`. Expected a positive integer"),
        ({"normalization": "z"}, "`normalization`. Expected one of 'auto', 'center'"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match="Invalid value for argument") as caught:
        SparseAutoencoder(**{"input_dim": 12, "code_dim": 6, **arguments})
    assert message in str(caught.value)


def test_keras_own_regularizer_is_refused() -> None:
    with pytest.raises(TypeError, match=r"`sparsity`. Expected a keras_sparse ActivityRegularizer"):
        SparseAutoencoder(12, 6, sparsity=keras.regularizers.L1(0.1), normalization=None)


# Scaling -----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_encode_and_decode_take_and_give_raw_rows(rows: np.ndarray) -> None:
    model = model_of(normalization="standard", hidden_units=(8,))
    model.adapt(rows)
    model.fit(rows, epochs=2, verbose=0)
    codes = model.encode(rows, batch_size=128)
    np.testing.assert_allclose(
        model.decode(codes), model.predict(rows, verbose=0), rtol=1e-5, atol=1e-5
    )


def test_one_row_in_one_row_out(rows: np.ndarray) -> None:
    model = model_of()
    code = model.encode(rows[0])
    assert code.shape == (6,)
    np.testing.assert_allclose(code, model.encode(rows)[0], atol=1e-6)
    assert model.decode(code).shape == (12,)


def test_sizes_may_be_numpy_integers() -> None:
    sizes: tuple[Any, Any] = (np.int64(12), np.int32(6))
    assert SparseAutoencoder(*sizes, normalization=None).encoder.output_shape == (None, 6)


# Saving ------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("sparsity", [L1(0.02), KL(0.2, 0.05), None], ids=["L1", "KL", "none"])
def test_a_saved_model_goes_on_as_it_was(sparsity: Any, tmp_path: Path, rows: np.ndarray) -> None:
    model = SparseAutoencoder(
        12,
        6,
        hidden_units=(8,),
        sparsity=sparsity,
        normalization="standard",
        kernel_regularizer=keras.regularizers.L2(1e-3),
    )
    model.adapt(rows)
    model.compile(keras.optimizers.Adam(0.01))
    model.fit(rows, epochs=1, verbose=0)
    if model.penalty is not None:
        model.penalty.strength = 0.125
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.encode(rows), model.encode(rows))
    histories = [
        each.fit(rows, epochs=2, shuffle=False, verbose=0).history for each in (model, loaded)
    ]
    for name, values in histories[0].items():
        np.testing.assert_allclose(histories[1][name], values, rtol=1e-5)


def test_clone_model_and_config_round_trip(rows: np.ndarray) -> None:
    model = SparseAutoencoder(12, 6, sparsity=L1(0.3), activation="softplus", normalization=None)
    clone = keras.models.clone_model(model)
    assert clone.get_config() == model.get_config()
    clone.set_weights(model.get_weights())
    np.testing.assert_array_equal(clone.encode(rows), model.encode(rows))


@pytest.mark.parametrize("name", ["model.h5", "model.hdf5", "model.weights.h5"])
def test_a_file_that_would_never_load_is_not_written(name: str, tmp_path: Path) -> None:
    model = SparseAutoencoder(4, 3, normalization=None)
    with pytest.raises(ValueError, match=r"`filepath`. Expected a file ending in \.keras"):
        model.save(tmp_path / name)
    assert not list(tmp_path.iterdir())
    model.save(tmp_path / "folder", zipped=False)
    assert (tmp_path / "folder" / "model.weights.h5").is_file()


@pytest.mark.parametrize(
    "call",
    [
        lambda model, x, masked: model.adapt(masked),
        lambda model, x, masked: model.adapt(iter([masked])),
        lambda model, x, masked: model.fit(masked),
        lambda model, x, masked: model.fit(x, masked),
        lambda model, x, masked: model.fit(x, sample_weight=masked[:, 0]),
        lambda model, x, masked: model.fit(x, validation_data=masked),
        lambda model, x, masked: model.fit(x, validation_data=(x, masked)),
        lambda model, x, masked: model.fit(iter([masked])),
        lambda model, x, masked: model.fit(iter([(x, x, masked[:, 0])])),
        lambda model, x, masked: model.evaluate(masked),
        lambda model, x, masked: model.predict(masked),
        lambda model, x, masked: model.predict(iter([masked])),
        lambda model, x, masked: model.encode(masked),
        lambda model, x, masked: model.encode(masked[0]),
        lambda model, x, masked: model.decode(masked[:, :4]),
        lambda model, x, masked: model.scale(masked),
        lambda model, x, masked: keras_sparse.measures.l0(masked),
        lambda model, x, masked: keras_sparse.measures.reconstruction_mse(x, masked),
        lambda model, x, masked: keras_sparse.metrics.MeanActivation().update_state(masked),
        lambda model, x, masked: keras_sparse.metrics.ExplainedVariance().update_state(x, masked),
        lambda model, x, masked: keras_sparse.evaluation.evaluate(model, masked),
        lambda model, x, masked: keras_sparse.evaluation.probe(masked, np.arange(400) % 2),
        lambda model, x, masked: keras_sparse.evaluation.probe(x, masked[:, 0]),
        lambda model, x, masked: keras_sparse.experiments.sweep(masked, {"l1": [1e-3]}),
        lambda model, x, masked: keras_sparse.SparseAutoencoderTransformer(4).fit(masked),
    ],
)
def test_masked_values_are_refused_at_every_entry(call: Any, rows: np.ndarray) -> None:
    masked = np.ma.masked_array(rows, mask=rows < np.quantile(rows, 0.1))
    masked[0, 0] = np.ma.masked
    model = SparseAutoencoder(12, 4, normalization="standard")
    model.adapt(rows)
    model.compile()
    with pytest.raises(DataError, match=r"Expected numbers. Received: masked values. Remedy"):
        call(model, rows, masked)


# L0 ----------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_evaluate_tells_of_rows_with_another_l0_than_was_asked_for(rows: np.ndarray) -> None:
    model = SparseAutoencoder(12, 24, target_l0=4, normalization="center")
    model.compile()
    model.fit(rows, epochs=2, verbose=0)
    model.evaluate(rows, verbose=0)  # these have it: no warning
    other = rows * 3
    message = "units are active per row; 4 were asked for. Remedy: rows like these as validation_"
    with pytest.warns(UserWarning, match=message) as caught:
        model.evaluate(other, verbose=0)
    l0 = (model.encode(other) > 0).sum(axis=1).mean()
    (told,) = (str(each.message) for each in caught if message in str(each.message))
    assert float(told.split()[0]) == pytest.approx(l0, rel=0.01)
    model.evaluate(other[:200], verbose=0)  # too few to tell
    model.compile(monitor=False)
    model.evaluate(other, verbose=0)


@pytest.mark.parametrize(
    "arguments",
    [
        {"target_l0": 4},
        {"sparsity": TopK(20), "refine": 0},  # a row has fewer positive pre-activations
        {"sparsity": TopK(20), "refine": 1},
        {"sparsity": L1(), "target_l0": 4},
    ],
    ids=["refined", "TopK", "refined TopK", "L1"],
)
def test_evaluate_judges_nothing_but_calibrated_thresholds(
    arguments: dict[str, Any], rows: np.ndarray
) -> None:
    model = SparseAutoencoder(12, 24, normalization=None, **arguments)
    model.compile()
    asked = arguments.get("target_l0", 20)
    assert abs(model.evaluate(rows, verbose=0, return_dict=True)["l0"] - asked) > 0.1 * asked


# Missing values ----------------------------------------------------------------------------------


def with_gaps(rows: np.ndarray) -> np.ndarray:
    hidden = np.random.default_rng(1).random(rows.shape) < 0.2
    hidden[:, 0] = False
    return np.where(hidden, np.float32(np.nan), rows)


@pytest.mark.parametrize("normalization", ["standard", "minmax", None])
def test_a_gap_counts_as_the_mean_of_its_column(
    rows: np.ndarray, normalization: str | None
) -> None:
    gappy = with_gaps(rows)
    model = SparseAutoencoder(12, 6, sparsity=None, normalization=normalization, missing="mean")
    assert not model.adapted
    model.adapt(gappy)
    means = np.nanmean(gappy, axis=0, dtype=np.float64)
    filled = np.where(np.isnan(gappy), means, gappy)
    np.testing.assert_allclose(model.encode(gappy), model.encode(filled), rtol=1e-5, atol=1e-6)
    assert np.isnan(model.scale(gappy)).sum() == np.isnan(gappy).sum()


@pytest.mark.parametrize("sparsity", ["auto", None])
def test_a_mask_is_read_and_counts_for_nothing_at_the_start(
    rows: np.ndarray, sparsity: Any
) -> None:
    gappy = with_gaps(rows)
    model = SparseAutoencoder(12, 8, sparsity=sparsity, missing="mask")
    model.adapt(gappy)
    layer = next(layer for layer in model.encoder.layers if hasattr(layer, "kernel"))
    kernel = ops.convert_to_numpy(layer.kernel)
    assert kernel.shape == (24, 8)
    assert not kernel[12:].any()
    filled = np.where(np.isnan(gappy), np.nanmean(gappy, axis=0, dtype=np.float64), gappy)
    if sparsity is None:
        np.testing.assert_allclose(model.encode(gappy), model.encode(filled), rtol=1e-5, atol=1e-6)
    kernel[12:] = np.random.default_rng(0).normal(size=(12, 8))
    layer.kernel.assign(kernel)
    assert np.abs(model.encode(gappy) - model.encode(filled)).max() > 0.01


def test_a_correction_sees_what_was_observed(rows: np.ndarray) -> None:
    gappy = with_gaps(rows)
    model = SparseAutoencoder(12, 8, sparsity=TopK(3), refine=1, missing="mask")
    model.adapt(gappy)
    code = model.encoder.get_layer("code")
    w, b, b2, d, c = (
        ops.convert_to_numpy(v).astype(np.float64)
        for v in (code.kernel, code.bias, code.second_bias, code.decoder_kernel, code.decoder_bias)
    )
    scaled = model.scale(gappy).astype(np.float64)
    observed = ~np.isnan(scaled)
    x = np.where(observed, scaled, 0)

    def keep(z: np.ndarray) -> np.ndarray:
        return np.where(z >= np.sort(z)[:, [-3]], np.maximum(z, 0), 0)

    h = keep(np.hstack([x, observed]) @ w + b)
    z = h + (observed * (x - h @ d - c)) @ w[:12] + b2
    np.testing.assert_allclose(model.encode(gappy), keep(z), rtol=1e-4, atol=1e-5)


def test_a_model_with_gaps_is_saved_and_loaded(rows: np.ndarray, tmp_path: Path) -> None:
    gappy = with_gaps(rows)
    model = SparseAutoencoder(12, 8, missing="mask")
    model.compile()
    model.fit(gappy, epochs=1, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.missing == "mask"
    np.testing.assert_array_equal(loaded.encode(gappy), model.encode(gappy))
    assert SparseAutoencoder(12, 8).missing == "error"


def test_gaps_are_refused_where_they_may_not_be(rows: np.ndarray) -> None:
    gappy = with_gaps(rows)
    for missing in ("error", "skip"):
        model = SparseAutoencoder(12, 8, sparsity=None, missing=missing)
        model.adapt(rows)
        for act in (model.encode, model.scale, model.predict):
            with pytest.raises(DataError, match="NaN or infinity in rows 0"):
                act(gappy)
    model = SparseAutoencoder(12, 8, sparsity=None, missing="mean")
    model.adapt(gappy)
    gappy[7] = np.nan
    gappy[9, 0] = np.inf
    with pytest.raises(DataError, match=r"an entry in each row. Received: .* in rows 7, 9"):
        model.encode(gappy)
    gappy[:, 3] = np.nan
    with pytest.raises(DataError, match=r"an entry in each column. Received: column 3 with gaps"):
        SparseAutoencoder(12, 8, missing="mask").adapt(gappy[:7])


def test_rows_with_a_gap_are_skipped(rows: np.ndarray) -> None:
    gappy = rows.copy()
    gappy[::5, 2] = np.nan
    kept = np.flatnonzero(~np.isnan(gappy[:, 2]))
    weights = np.linspace(1, 2, len(rows)).astype(np.float32)
    logs = []
    for x, w, missing in ((gappy, weights, "skip"), (rows[kept], weights[kept], "error")):
        keras.utils.set_random_seed(0)
        model = SparseAutoencoder(12, 8, sparsity=L1(1e-3), missing=missing)
        model.compile(run_eagerly=True)
        if missing == "skip":
            with pytest.warns(UserWarning, match=r"80 of 400 rows of `x` have gaps and were left"):
                model.fit(x, sample_weight=w, epochs=1, verbose=0)
            with pytest.warns(UserWarning, match=r"80 of 400 rows of `x`"):
                logs.append(model.evaluate(x, verbose=0))
        else:
            model.fit(x, sample_weight=w, epochs=1, verbose=0)
            logs.append(model.evaluate(x, verbose=0))
    assert logs[0] == logs[1]


def test_halves_of_your_own_fill_no_gaps(rows: np.ndarray) -> None:
    own = model_of(L1(1e-3))
    with pytest.raises(ValueError, match=r"`missing`. Expected 'error' or 'skip' with an encoder"):
        SparseAutoencoder.from_models(own.encoder, own.decoder, missing="mean")
    model = SparseAutoencoder.from_models(own.encoder, own.decoder, missing="skip")
    assert model.get_config()["missing"] == "skip"
    with pytest.raises(ValueError, match=r"`missing`. Expected one of 'error', 'skip'"):
        SparseAutoencoder(12, 6, missing="fill")


@pytest.mark.slow
def test_hidden_entries_are_predicted_better_than_by_their_columns() -> None:
    """A known answer: rows of rank 2, of which a fifth of the entries is hidden."""
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(400, 2)) @ rng.normal(size=(2, 12)) + 5).astype(np.float32)
    hidden = rng.random(x.shape) < 0.2
    hidden[:, 0] &= ~hidden.all(axis=1)
    gappy = np.where(hidden, np.float32(np.nan), x)
    by_column = np.square(x - np.nanmean(gappy, axis=0))[hidden].mean()
    errors = []
    for missing in ("mean", "mask"):
        keras.utils.set_random_seed(0)
        model = SparseAutoencoder(12, 12, target_l0=2, missing=missing)
        model.compile()
        model.fit(gappy, epochs=25, verbose=0)
        errors.append(np.square(x - model.predict(gappy, verbose=0))[hidden].mean() / by_column)
    assert errors[0] < 0.6
    assert errors[1] < 0.35


def test_models_of_ones_own_take_no_front_end() -> None:
    encoder = keras.Sequential(
        [keras.Input((64,)), front_ends.MelFrames(32, 16), keras.layers.Flatten(name="flat")]
    )
    message = "`front_end`. Expected None with an encoder of your own, .* begins with 'mel_frames"
    given: Any = front_ends.WindowStatistics()
    with pytest.raises(ValueError, match=message):
        SparseAutoencoder.from_models(encoder, encoder, front_end=given)
