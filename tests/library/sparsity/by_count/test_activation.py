"""What all activations by count have in common."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import keras_sparse

KINDS = [keras_sparse.BatchTopK, keras_sparse.TopK, keras_sparse.JumpReLU]
every_kind = pytest.mark.parametrize("kind", KINDS)
Kind = Callable[..., Any]


@every_kind
@pytest.mark.parametrize("k", [0, -1, 2.0, "3", True, None])
def test_k_that_is_no_count_raises(kind: Kind, k: Any) -> None:
    with pytest.raises(ValueError, match=r"`k`. Expected an integer of at least 1.*Received: k="):
        kind(k)


@every_kind
def test_more_than_the_units_raises(kind: Kind) -> None:
    with pytest.raises(ValueError, match=r"`k`. Expected at most .* axis: 4. Received: k=5"):
        kind(5).build((None, 4))
    kind(np.int64(4)).build((None, 4))


@every_kind
def test_config_and_weights_survive_a_clone_and_a_file(
    kind: Kind, rng: np.random.Generator, tmp_path: Path
) -> None:
    z = rng.normal(size=(16, 3, 12)).astype(np.float32)
    layer = kind(2, name="code")
    model = keras.Sequential([keras.Input((3, 12)), layer])
    model(z, training=True)
    layer.calibrate(z)

    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())

    assert np.count_nonzero(model.predict(z, verbose=0)) == 2 * 16 * 3
    for other in (loaded, clone):
        assert other.layers[0].get_config() == layer.get_config()
        assert other.layers[0].is_calibrated
        np.testing.assert_array_equal(other.layers[0].thresholds, layer.thresholds)
        np.testing.assert_array_equal(other.predict(z, verbose=0), model.predict(z, verbose=0))


@every_kind
@pytest.mark.parametrize("as_layer", [True, False])
def test_plain_keras_trains_saves_and_loads(
    kind: Kind, as_layer: bool, rng: np.random.Generator, tmp_path: Path
) -> None:
    x = rng.normal(size=(64, 6)).astype(np.float32)
    layer = kind(3)
    code = (
        [keras.layers.Dense(12), layer] if as_layer else [keras.layers.Dense(12, activation=layer)]
    )
    model = keras.Sequential([keras.Input((6,)), *code, keras.layers.Dense(6)])
    model.compile("adam", "mse", jit_compile=keras.backend.backend() == "jax")
    first = model.evaluate(x, x, verbose=0)

    model.fit(x, x, epochs=2, verbose=0)

    assert np.isfinite(first)
    np.testing.assert_array_equal(layer.calibrated_threshold if layer.variables else -1, -1)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))


@every_kind
def test_shapes_and_dtypes_of_symbols_and_tensors(kind: Kind) -> None:
    layer = kind(2)
    assert layer.compute_output_shape((None, 3, 12)) == (None, 3, 12)
    for dtype in ("float32", "float16"):
        symbol = layer(keras.KerasTensor((None, 3, 12), dtype=dtype))
        codes = layer(ops.ones((5, 3, 12), dtype), training=True)
        assert symbol.shape == (None, 3, 12)
        assert symbol.dtype == keras.backend.standardize_dtype(codes.dtype) == dtype


@every_kind
def test_zeros_are_never_active(kind: Kind) -> None:
    z = np.zeros((4, 6), np.float32)
    layer = kind(2)
    for training in (True, False):
        assert not ops.convert_to_numpy(layer(z, training=training)).any()


@pytest.mark.parametrize("kind", [keras_sparse.BatchTopK, keras_sparse.JumpReLU])
def test_calibration_before_the_first_call_raises(kind: Kind) -> None:
    layer = kind(2)
    assert not layer.is_calibrated
    with pytest.raises(ValueError, match="Expected a layer that was built"):
        layer.calibrate(np.ones((4, 6)))
    with pytest.raises(ValueError, match="Expected a layer that was built"):
        _ = layer.thresholds


@pytest.mark.parametrize("kind", [keras_sparse.BatchTopK, keras_sparse.JumpReLU])
def test_calibration_of_other_units_raises(kind: Kind) -> None:
    layer = kind(2)
    layer.build((None, 6))
    with pytest.raises(ValueError, match=r"`z`. Expected .*6 units.* Received: .*\(4, 5\)"):
        layer.calibrate(np.ones((4, 5)))
