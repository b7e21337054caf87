from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import keras_sparse
import keras_sparse.evaluation
import keras_sparse.experiments
from keras_sparse import KL, L1, SparseAutoencoder, TopK
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
