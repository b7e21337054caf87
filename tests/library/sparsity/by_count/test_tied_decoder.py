from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

from keras_sparse import BatchTopK, RefinedCode, SparseAutoencoder, TiedDecoder
from keras_sparse.models.refined_pair import build_refined

FEATURES, UNITS = 12, 8


def pair() -> tuple[keras.Model, keras.Model]:
    return build_refined(
        input_dim=FEATURES,
        code_dim=UNITS,
        activation=BatchTopK(2),
        normalization=None,
        kernel_regularizer=None,
        decoder_constraint=keras.constraints.UnitNorm(axis=1),
        dtype=None,
        names=("encoder", "decoder"),
    )


def is_tied(encoder: keras.Model, decoder: keras.Model) -> bool:
    code, tied = encoder.get_layer("code"), decoder.get_layer("reconstruction")
    return tied.kernel is code.decoder_kernel and tied.bias is code.decoder_bias


def loaded(model: keras.Model, folder: Path) -> Any:
    model.save(folder / f"{model.name}.keras")
    return keras.saving.load_model(folder / f"{model.name}.keras")


@pytest.mark.slow
def test_weights_are_counted_saved_and_trained_once(rows: np.ndarray, tmp_path: Path) -> None:
    encoder, decoder = pair()
    model = SparseAutoencoder.from_models(encoder, decoder)
    trained = 2 * FEATURES * UNITS + 2 * UNITS + FEATURES
    assert sum(np.prod(weight.shape) for weight in model.trainable_weights) == trained
    assert model.count_params() == trained + 2 * 3 + UNITS  # of gates, and counts of silence
    assert is_tied(encoder, decoder)

    model.compile(keras.optimizers.Adam(0.01))
    codes = model.encode(rows)
    before = decoder.predict(codes, verbose=0)
    model.fit(rows, epochs=1, verbose=0)
    assert np.abs(decoder.predict(codes, verbose=0) - before).max() > 0.01  # not a constant
    kernel = keras.ops.convert_to_numpy(encoder.get_layer("code").decoder_kernel)
    np.testing.assert_allclose(np.linalg.norm(kernel, axis=1), 1, rtol=1e-5)
    assert len(model.optimizer.variables) == 2 + 2 * 5  # Adam: two moments of each weight

    again = loaded(model, tmp_path)
    assert is_tied(again.encoder, again.decoder)
    np.testing.assert_array_equal(again.predict(rows, verbose=0), model.predict(rows, verbose=0))
    loss, other = (m.fit(rows, shuffle=False, verbose=0).history["loss"] for m in (model, again))
    assert loss == pytest.approx(other, rel=1e-6)

    shapes: list[Any] = []
    model.save_weights(tmp_path / "of.weights.h5")
    with h5py.File(tmp_path / "of.weights.h5") as file:
        file.visititems(lambda _, item: shapes.append(getattr(item, "shape", None)))
    # Each once, and two moments of each.
    assert shapes.count((UNITS, FEATURES)) == shapes.count((FEATURES, UNITS)) == 3


@pytest.mark.parametrize(
    "copy",
    [
        keras.models.clone_model,
        lambda model: SparseAutoencoder.from_config(model.get_config()),
    ],
    ids=["clone", "config"],
)
def test_a_copy_is_tied_to_itself(copy: Any, rows: np.ndarray) -> None:
    model = SparseAutoencoder.from_models(*pair())
    clone = copy(model)
    assert is_tied(clone.encoder, clone.decoder)
    assert not is_tied(model.encoder, clone.decoder)
    clone.set_weights(model.get_weights())
    np.testing.assert_array_equal(
        clone.decode(clone.encode(rows)), model.decode(model.encode(rows))
    )


def test_each_half_may_be_saved_alone(rows: np.ndarray, tmp_path: Path) -> None:
    encoder, decoder = pair()
    codes = encoder.predict(rows, verbose=0)
    np.testing.assert_array_equal(loaded(encoder, tmp_path).predict(rows, verbose=0), codes)
    expected = decoder.predict(codes, verbose=0)
    np.testing.assert_array_equal(loaded(decoder, tmp_path).predict(codes, verbose=0), expected)


def test_halves_of_two_files_are_not_joined(tmp_path: Path) -> None:
    encoder, decoder = (loaded(half, tmp_path) for half in pair())
    with pytest.raises(ValueError, match=r"`decoder`. Expected a TiedDecoder of a layer of"):
        SparseAutoencoder.from_models(encoder, decoder)


def test_plain_models_stay_tied_in_a_file(rows: np.ndarray, tmp_path: Path) -> None:
    encoder, decoder = pair()
    x = keras.Input((FEATURES,))
    model = loaded(keras.Model(x, decoder(encoder(x)), name="halves"), tmp_path)
    assert is_tied(model.get_layer("encoder"), model.get_layer("decoder"))
    code = RefinedCode(UNITS, BatchTopK(2), name="code")
    flat = keras.Model(x, TiedDecoder(code, name="reconstruction")(code(x)), name="flat")
    assert is_tied(flat, flat)
    again = loaded(flat, tmp_path)
    assert is_tied(again, again)
    np.testing.assert_array_equal(again.predict(rows, verbose=0), flat.predict(rows, verbose=0))


def test_bad_sources() -> None:
    with pytest.raises(TypeError, match=r"`source`. Expected the RefinedCode that computes"):
        TiedDecoder(keras.layers.Dense(4))
    source = RefinedCode(UNITS, BatchTopK(2))
    with pytest.raises(ValueError, match=r"`source`. .*Received: .* with no weights yet"):
        TiedDecoder(source)(np.zeros((2, UNITS)))
    source.build((None, FEATURES))
    with pytest.raises(ValueError, match=r"`source`. Expected a built RefinedCode of 7 units"):
        TiedDecoder(source)(np.zeros((2, 7)))
