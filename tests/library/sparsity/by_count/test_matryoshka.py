from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from keras_sparse import L1, BatchTopK, Matryoshka, SparseAutoencoder, TopK
from keras_sparse.sparsity.by_count.matryoshka import decode_prefixes, sum_prefixes


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_prefixes_are_decoded_from_their_units_alone(dtype: str) -> None:
    random = np.random.default_rng(0)
    h, kernel, bias = (random.normal(size=shape) for shape in ((5, 8), (8, 3), (3,)))
    h = np.asarray(h, np.float32)
    found = sum_prefixes(ops.cast(h, dtype), kernel, bias, (1, 4, 8))
    assert keras.backend.standardize_dtype(found.dtype) == dtype
    expected = [h[:, :width] @ kernel[:width] + bias for width in (1, 4, 8)]
    tolerance = 1e-5 if dtype == "float32" else 0.1
    found = ops.convert_to_numpy(ops.cast(found, "float32"))
    np.testing.assert_allclose(found, np.stack(expected, axis=1), atol=tolerance)


def test_the_whole_code_is_one_of_the_prefixes() -> None:
    assert Matryoshka(BatchTopK(2), [4, 8]).choose_widths(16) == (4, 8, 16)
    assert Matryoshka(BatchTopK(2), np.array([4, 16])).choose_widths(16) == (4, 16)
    with pytest.raises(ValueError, match=r"`widths`. Expected at most 6, .*widths=\(4, 8\)"):
        Matryoshka(BatchTopK(2), (4, 8)).choose_widths(6)


def test_config_round_trip() -> None:
    nested = Matryoshka(BatchTopK(2, momentum=0.5), (4, 8))
    clone = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(nested))
    assert clone.get_config() == nested.get_config()
    assert clone.widths == (4, 8)
    assert clone.sparsity.momentum == 0.5


@pytest.mark.parametrize("widths", [(), (0, 4), (4, 4), (8, 4), (2.5,), (True, 4), 8, "48"])
def test_bad_widths(widths: Any) -> None:
    with pytest.raises(ValueError, match=r"`widths`. Expected positive integers, each larger than"):
        Matryoshka(BatchTopK(2), widths)


def test_a_penalty_is_no_activation() -> None:
    with pytest.raises(TypeError, match=r"`sparsity`. Expected a keras_sparse activation by count"):
        Matryoshka(L1(1e-3), (4,))


# The model ---------------------------------------------------------------------------------------


def nested_model(widths: Any = (2, 5), gate: Any = None, **arguments: Any) -> SparseAutoencoder:
    nested = Matryoshka(gate or BatchTopK(3), widths)
    return SparseAutoencoder(12, 8, sparsity=nested, **{"normalization": None, **arguments})


def losses_of_prefixes(model: SparseAutoencoder, x: np.ndarray, widths: Any) -> np.ndarray:
    """The loss of each row and prefix, by setting the other units to zero."""
    codes, scaled = model.encode(x), model.scale(x)
    parts = [model.decode(codes * (np.arange(codes.shape[1]) < width)) for width in widths]
    losses = [np.square(scaled - model.scale(part)).mean(axis=1) for part in parts]
    return np.stack(losses, axis=1, dtype=np.float64)


@pytest.mark.parametrize(
    "arguments",
    [{"normalization": "standard"}, {"hidden_units": [9]}, {"output_activation": "sigmoid"}],
)
def test_the_loss_is_the_mean_of_those_of_the_prefixes(
    arguments: dict[str, Any], rows: np.ndarray
) -> None:
    model = nested_model(**arguments)
    if model.normalization:
        model.adapt(rows)
    model.compile()
    logs = model.evaluate(rows, batch_size=100, return_dict=True, verbose=0)
    expected = losses_of_prefixes(model, rows, (2, 5, 8))
    assert logs["reconstruction_loss"] == pytest.approx(expected.mean(), rel=1e-5)
    whole, scaled = expected[:, -1].mean(), model.scale(rows)
    explained = 1 - whole / scaled.var(axis=0, dtype=np.float64).mean()
    assert logs["explained_variance"] == pytest.approx(explained, abs=1e-4)


def test_weights_of_rows_count_in_every_prefix(rows: np.ndarray) -> None:
    model = nested_model(gate=TopK(3))
    model.compile()
    weights = np.linspace(0, 2, len(rows))
    logs = model.evaluate(rows, sample_weight=weights, return_dict=True, verbose=0)
    expected = np.average(losses_of_prefixes(model, rows, (2, 5, 8)), axis=0, weights=weights)
    assert logs["reconstruction_loss"] == pytest.approx(expected.mean(), rel=1e-5)


def test_a_cut_of_the_weights_gives_the_first_codes() -> None:
    x = np.random.default_rng(0).normal(size=(300, 12)).astype(np.float32)
    model = nested_model()
    kernel, bias = model.encoder.get_layer("pre_activation").get_weights()
    model.count_activation.calibrate(x @ kernel + bias)
    codes = model.encode(x)
    assert np.count_nonzero(codes) == 3 * len(x)
    cut = x @ kernel[:, :5] + bias[:5]
    cut = np.where(cut > model.count_activation.thresholds, cut, 0)
    np.testing.assert_allclose(cut, codes[:, :5], atol=1e-5)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The layer `code` was not calibrated")  # of 8 units, 3 live
def test_prefixes_are_trained(rows: np.ndarray, tmp_path: Path) -> None:
    x = (rows - rows.mean(axis=0)) / rows.std()
    model = nested_model()
    model.compile(keras.optimizers.Adam(0.02))
    before = losses_of_prefixes(model, x, (2, 5, 8)).mean(axis=0)
    history = model.fit(x, epochs=3, verbose=0, validation_data=x).history
    after = losses_of_prefixes(model, x, (2, 5, 8)).mean(axis=0)
    assert np.all(after < before)
    assert 2 < history["l0"][-1] < 3 + 1e-6
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.get_config() == model.get_config()
    first, second = (each.evaluate(x, return_dict=True, verbose=0) for each in (model, loaded))
    assert first == pytest.approx(second, rel=1e-6)
    assert keras.models.clone_model(model)._prefix_widths == (2, 5)


def test_what_does_not_go_with_prefixes() -> None:
    with pytest.raises(ValueError, match=r"`refine`. .* with Matryoshka.*Remedy: refine=0"):
        nested_model(refine=1)
    with pytest.raises(ValueError, match=r"`widths`. Expected at most 8"):
        nested_model((4, 9))
    with pytest.raises(ValueError, match=r"`activation`. Expected 'auto' with a sparsity by count"):
        nested_model(activation="relu")


def test_one_prefix_is_the_whole_code() -> None:
    model = nested_model((8,))
    assert model._prefix_widths == ()
    decoded = decode_prefixes(model.decoder, np.ones((3, 8), np.float32), (8,))
    found, expected = (
        ops.convert_to_numpy(y) for y in (decoded[:, 0], model.decode(np.ones((3, 8))))
    )
    np.testing.assert_allclose(found, expected, atol=1e-6)
