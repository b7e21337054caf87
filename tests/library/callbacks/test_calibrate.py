"""Thresholds at the end of a training: of any rows, whatever callbacks and interruptions."""

import contextlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import keras_sparse
from keras_sparse.callbacks import calibrate


def _l0(codes: Any) -> float:
    return np.count_nonzero(ops.convert_to_numpy(codes)) / len(codes)


def _model(x: np.ndarray, kind: Any = keras_sparse.BatchTopK) -> keras.Model:
    """Two layers by count, the second one the activation of a Dense layer."""
    model = keras.Sequential(
        [
            keras.Input(x.shape[1:]),
            keras.layers.Dense(24),
            kind(4),
            keras.layers.Dense(16, activation=kind(2)),
            keras.layers.Dense(x.shape[-1]),
        ]
    )
    model.compile("adam", "mse")
    return model


def _autoencoder(**options: Any) -> keras_sparse.SparseAutoencoder:
    encoder = keras.Sequential(
        [keras.Input((12,)), keras.layers.Dense(24), keras_sparse.BatchTopK(4, name="code")]
    )
    decoder = keras.Sequential([keras.Input((24,)), keras.layers.Dense(12)])
    model = keras_sparse.SparseAutoencoder.from_models(encoder, decoder, **options)
    model.compile()
    return model


def _fit(model: keras.Model, x: Any, *callbacks: Any, **options: Any) -> None:
    model.fit(x, batch_size=64, verbose=0, callbacks=[*callbacks], **{"epochs": 2, **options})


@pytest.mark.parametrize("kind", [keras_sparse.BatchTopK, keras_sparse.JumpReLU])
def test_layers_of_plain_keras_meet_their_l0_one_after_the_other(
    kind: Any, rows: np.ndarray
) -> None:
    model = _model(rows, kind)

    model.fit(rows, rows, verbose=0, callbacks=[keras_sparse.Calibrate(rows)])

    first = model.layers[1]
    codes = keras.Model(model.inputs[0], first.output)(rows)
    assert _l0(codes) == 4
    assert _l0(model.layers[2](codes)) == 2
    assert first.is_calibrated
    assert "call" not in vars(first)


def test_steps_that_are_masked_do_not_count(rng: np.random.Generator) -> None:
    x = rng.normal(size=(32, 5, 6)).astype(np.float32)
    x[:16, 2:] = 0
    layer = keras_sparse.BatchTopK(3)
    model = keras.Sequential(
        [keras.Input((5, 6)), keras.layers.Masking(), keras.layers.Dense(12), layer]
    )
    model.compile("adam", "mse")

    model.fit(x, np.zeros((32, 5, 12)), verbose=0, callbacks=[keras_sparse.Calibrate(x)])

    codes = ops.convert_to_numpy(model(x))[x.any(axis=-1)]
    assert np.count_nonzero(codes) == 3 * len(codes)


def test_rows_are_those_of_the_validation_else_those_of_the_training(rows: np.ndarray) -> None:
    model = _autoencoder()
    _fit(model, rows[:300], keras_sparse.Calibrate(), validation_data=rows[300:])
    assert _l0(model.encode(rows[300:])) == 4

    _fit(model, rows[:300], keras_sparse.Calibrate())
    assert _l0(model.encode(rows[:300])) == 4

    weights = np.arange(300) % 2
    _fit(model, rows[:300], keras_sparse.Calibrate(), sample_weight=weights)
    assert _l0(model.encode(rows[1:300:2])) == 4


def test_rows_on_disk_and_streams_that_are_read_again(rows: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "part-0.npy", rows[:300])
    shards = keras_sparse.Shards(tmp_path)

    class Batches(keras.utils.PyDataset):
        def __len__(self) -> int:
            return 3

        def __getitem__(self, index: int) -> np.ndarray:
            return rows[100 * index : 100 * (index + 1)]

    model = _autoencoder()
    for x in (shards, Batches()):
        _fit(model, x, keras_sparse.Calibrate(), epochs=1)
        assert _l0(model.encode(rows[:300])) == 4
        _fit(model, rows, keras_sparse.Calibrate(x), epochs=1)
        assert _l0(model.encode(rows[:300])) == 4


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="tf.data is TensorFlow's")
def test_validation_rows_of_tf_data(rows: np.ndarray) -> None:
    import tensorflow as tf

    stream = tf.data.Dataset.from_tensor_slices(rows[:70]).batch(32)
    model = _autoencoder()

    _fit(model, rows, keras_sparse.Calibrate(), validation_data=stream)

    assert _l0(model.encode(rows[:70])) == 4


def test_a_generator_that_is_read_once_warns(rows: np.ndarray) -> None:
    def batches() -> Iterator[np.ndarray]:
        while True:
            yield rows[:64]

    model = _autoencoder()
    with pytest.warns(UserWarning, match=r"a stream without.*Remedy: keras_sparse.Calibrate\(x\)"):
        model.fit(batches(), steps_per_epoch=2, verbose=0, callbacks=[keras_sparse.Calibrate()])
    assert not model.encoder.get_layer("code").is_calibrated


def test_a_target_out_of_reach_warns_and_keeps_the_thresholds(rows: np.ndarray) -> None:
    model = _autoencoder()
    model.encoder.layers[0].bias.assign(np.full(24, -1e6))
    with pytest.warns(UserWarning, match="`code` was not calibrated, .* at most 0, the positive"):
        _fit(model, rows, keras_sparse.Calibrate())
    assert not model.encoder.get_layer("code").is_calibrated


def test_training_goes_on_from_its_own_threshold(
    rows: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keras_sparse.SparseAutoencoder, "_default_callbacks", lambda _: [])
    with_callback, without = _autoencoder(), _autoencoder()
    without.set_weights(with_callback.get_weights())
    _fit(with_callback, rows, keras_sparse.Calibrate(), shuffle=False)
    _fit(without, rows, shuffle=False)
    for model in (with_callback, without):
        _fit(model, rows, shuffle=False)
    for ours, theirs in zip(with_callback.get_weights(), without.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("before", [True, False])
def test_weights_of_the_best_epoch_are_calibrated(rows: np.ndarray, before: bool) -> None:
    stopping = keras.callbacks.EarlyStopping(
        "val_loss", mode="min", baseline=0.0, patience=2, restore_best_weights=True
    )
    callbacks = [keras_sparse.Calibrate(), stopping]
    model = _autoencoder()

    _fit(model, rows, *(callbacks if before else callbacks[::-1]), validation_split=0.25, epochs=6)

    assert stopping.best_weights is not None
    np.testing.assert_array_equal(model.get_weights()[0], stopping.best_weights[0])
    assert _l0(model.encode(rows[300:])) == 4


@pytest.mark.parametrize("restores", [False, True])
def test_a_resumed_training_ends_with_the_same_thresholds(
    rows: np.ndarray, tmp_path: Path, restores: bool
) -> None:
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if epoch == 1:
                raise KeyboardInterrupt

    def train(folder: str, *more: Any) -> list[np.ndarray]:
        keras.utils.set_random_seed(0)
        model = _autoencoder()
        stopping = keras.callbacks.EarlyStopping(
            "val_loss", mode="min", baseline=0.0, patience=3, restore_best_weights=True
        )
        callbacks = [keras_sparse.Checkpoint(tmp_path / folder), keras_sparse.Calibrate()]
        callbacks += [stopping] if restores else []
        _fit(model, rows, *callbacks, *more, epochs=4, validation_split=0.25)
        assert model.encoder.get_layer("code").is_calibrated
        return model.get_weights()

    whole = train("whole")
    finished = train("whole")
    with contextlib.suppress(KeyboardInterrupt):
        train("part", Stop())
    resumed = train("part")

    for others in (finished, resumed):
        for ours, theirs in zip(others, whole, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_a_refined_code_is_calibrated_by_default(rows: np.ndarray) -> None:
    model = keras_sparse.SparseAutoencoder(12, 24, target_l0=3, refine=1)
    model.compile()
    _fit(model, rows)
    assert model.count_activation.is_calibrated
    assert model.count_activation.thresholds.shape == (2,)
    assert abs(_l0(model.encode(rows)) - 3) <= 0.01


def test_no_rows_outside_of_our_fit_raise(rows: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"`x`. Expected rows to calibrate on.*Received: x=None"):
        _model(rows).fit(rows, rows, verbose=0, callbacks=[keras_sparse.Calibrate()])


def test_models_without_thresholds_are_left_alone(rows: np.ndarray) -> None:
    model = _model(rows, keras_sparse.TopK)
    with warnings.catch_warnings(action="error"):
        model.fit(rows, rows, verbose=0, callbacks=[keras_sparse.Calibrate(rows)])


def test_no_more_rows_are_read_than_needed(
    rows: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibrate, "MOST_ROWS", 100)
    monkeypatch.setattr(calibrate, "BLOCKS", 4)
    model = _autoencoder()
    _fit(model, rows, keras_sparse.Calibrate())
    assert _l0(model.encode(rows[::4])) == 4  # evenly spaced

    np.save(tmp_path / "part-0.npy", rows)
    _fit(model, rows, keras_sparse.Calibrate(keras_sparse.Shards(tmp_path)), epochs=1)
    blocks = np.concatenate([rows[start : start + 25] for start in (0, 125, 250, 375)])
    assert _l0(model.encode(blocks)) == 4
