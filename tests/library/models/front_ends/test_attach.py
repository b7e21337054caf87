"""Front ends, alone and in an autoencoder."""

import json
import re
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import scipy.sparse
from keras import layers

from keras_sparse import Checkpoint, ReviveDeadUnits, Shards, SparseAutoencoder
from keras_sparse.data.arrays import DataError
from keras_sparse.evaluation.held_out import evaluate
from keras_sparse.models.front_ends import ConsecutiveFrames, MelFrames, WindowStatistics
from keras_sparse.models.front_ends.attach import build_front_end
from keras_sparse_export import Encoder, export_encoder

SAMPLES = 160
EAGER = keras.backend.backend() != "torch"
"""Of a few steps, faster than tracing."""


@pytest.fixture(scope="module")
def windows() -> np.ndarray:
    rng = np.random.default_rng(0)
    tones = np.sin(np.arange(SAMPLES) * rng.uniform(0.1, 2, (120, 1))) * rng.uniform(1, 3, (120, 1))
    return (tones + 0.1 * rng.normal(size=tones.shape)).astype(np.float32)


def mels() -> keras.Sequential:
    return keras.Sequential([MelFrames(64, 32, num_mel_bins=6), ConsecutiveFrames(4)])


def make(front_end: Any = None, window: Any = SAMPLES, **arguments: Any) -> SparseAutoencoder:
    arguments = {"target_l0": 3, **arguments}
    model = SparseAutoencoder(window, 12, front_end=front_end or mels(), **arguments)
    model.compile(run_eagerly=EAGER)
    return model


@pytest.fixture(scope="module")
def model(windows: np.ndarray) -> SparseAutoencoder:
    model = make()
    model.compile()
    model.fit(windows, epochs=2, verbose=0, callbacks=[])
    return model


# The autoencoder -------------------------------------------------------------------------------


def test_features_are_reconstructed(model: SparseAutoencoder, windows: np.ndarray) -> None:
    features = keras.ops.convert_to_numpy(mels()(windows)).reshape(len(windows), 24)
    np.testing.assert_allclose(model.features(windows), features, atol=1e-4)
    np.testing.assert_allclose(model.features(windows[0]), features[0], atol=1e-3)
    assert model.row_shape == (SAMPLES,)
    assert model.feature_shape == (24,)
    reconstructed = model.decode(model.encode(windows))
    np.testing.assert_allclose(model.predict(windows, verbose=0), reconstructed, atol=1e-4)
    errors = np.square(model.scale(features) - model.scale(reconstructed))
    np.testing.assert_allclose(model.errors(windows), errors, atol=1e-4)
    assert model.errors(windows[0]).shape == (24,)
    np.testing.assert_allclose(model.score(windows), errors.mean(axis=1), rtol=1e-4)
    assert model.unit_contributions(windows[:2]).shape == (2, model.encode(windows[0]).size)
    logs = model.evaluate(windows, verbose=0, return_dict=True)
    assert logs["reconstruction_loss"] == pytest.approx(errors.mean(), rel=1e-4)
    assert evaluate(model, windows).reconstruction_mse == pytest.approx(errors.mean(), rel=1e-4)


def test_the_scaling_is_that_of_the_features(model: SparseAutoencoder, windows: np.ndarray) -> None:
    scaled = model.scale(model.features(windows))
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-4)
    assert np.square(scaled).mean() == pytest.approx(1, rel=1e-3)


@pytest.mark.slow
def test_it_learns_as_a_model_of_features_does(windows: np.ndarray) -> None:
    keras.utils.set_random_seed(0)
    whole = make()
    keras.utils.set_random_seed(0)
    alone = SparseAutoencoder(24, 12, target_l0=3)
    alone.compile(run_eagerly=EAGER)
    features = whole.features(windows)
    for each, x in ((whole, windows), (alone, features)):
        keras.utils.set_random_seed(1)
        each.fit(x, epochs=2, verbose=0)
    np.testing.assert_allclose(whole.encode(windows), alone.encode(features), atol=1e-3)


def test_it_is_saved(model: SparseAutoencoder, windows: np.ndarray, tmp_path: Path) -> None:
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.encode(windows), model.encode(windows))
    np.testing.assert_array_equal(loaded.features(windows), model.features(windows))
    assert json.dumps(loaded.get_config()) == json.dumps(model.get_config())


def test_it_is_exported(model: SparseAutoencoder, windows: np.ndarray, tmp_path: Path) -> None:
    encoder = Encoder(export_encoder(model, tmp_path / "bundle", sample=windows))
    np.testing.assert_allclose(encoder.encode(windows), model.encode(windows), atol=1e-4)
    assert encoder.manifest is not None
    assert encoder.manifest["converter"] == "builder"
    assert not {"features", "scale"}.intersection(encoder.manifest)  # nothing needs them
    path = export_encoder(model, tmp_path / "scored", sample=windows, decoder=True, score=True)
    scored = Encoder(path)
    np.testing.assert_allclose(scored.score(windows), model.score(windows), rtol=1e-3)
    reconstructed = model.decode(model.encode(windows))
    np.testing.assert_allclose(scored.decode(scored.encode(windows)), reconstructed, atol=1e-3)


FAMILIES: dict[str, tuple[Any, dict[str, Any]]] = {
    "kl": (lambda: [layers.Reshape((SAMPLES, 1)), layers.AveragePooling1D(8)], {"sparsity": "kl"}),
    "stft": (
        lambda: [layers.Reshape((SAMPLES, 1)), layers.STFTSpectrogram(frame_length=32)],
        {"hidden_units": (8,), "sparsity": "l1", "strength": 1e-3},
    ),
    "convolution": (
        lambda: [layers.Reshape((SAMPLES, 1)), layers.Conv1D(2, 8, 4)],
        {"sparsity": "topk"},
    ),
    "statistics": (lambda: [layers.Rescaling(2.0), WindowStatistics()], {"target_l0": 2}),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_other_layers_and_families(name: str, windows: np.ndarray) -> None:
    make_layers, arguments = FAMILIES[name]
    model = make(keras.Sequential(make_layers()), **{"target_l0": None, **arguments})
    model.compile(metrics=["mse"])
    front_end: Any = model.front_end
    before = [np.array(w) for w in front_end.get_weights()]
    history = model.fit(windows, epochs=2, verbose=0, callbacks=[], batch_size=50).history
    assert np.isfinite(history["loss"]).all()
    for weight, start in zip(front_end.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, start)
    logs = model.evaluate(windows, verbose=0, return_dict=True)
    expected = np.square(model.features(windows) - model.predict(windows, verbose=0)).mean()
    assert logs["mse"] == pytest.approx(expected, rel=1e-3)


@pytest.mark.slow
def test_windows_of_several_channels() -> None:
    x = np.random.default_rng(0).normal(size=(60, 40, 3)).astype(np.float32)
    model = make(WindowStatistics(), (40, 3))
    model.fit(x, x + 1, epochs=1, verbose=0, sample_weight=np.ones(60))  # clean windows
    assert model.encode(x).shape == (60, 12)
    assert model.decode(model.encode(x)).shape == (60, 18)
    again = SparseAutoencoder.from_config(model.get_config())
    assert again.row_shape == (40, 3)


@pytest.mark.slow
def test_a_training_is_resumed(windows: np.ndarray, tmp_path: Path) -> None:
    def train(folder: str, *callbacks: Any) -> SparseAutoencoder:
        keras.utils.set_random_seed(3)
        model = make(WindowStatistics(), target_l0=2)
        callbacks = (Checkpoint(tmp_path / folder), *callbacks)
        model.fit(windows, epochs=3, verbose=0, callbacks=[*callbacks])
        return model

    def fail(epoch: int, logs: Any) -> None:
        if epoch == 1:
            raise OSError("the disk")

    with pytest.raises(OSError, match="the disk"):
        train("parts", keras.callbacks.LambdaCallback(on_epoch_begin=fail))
    resumed, whole = train("parts"), train("whole")
    np.testing.assert_array_equal(resumed.encode(windows), whole.encode(windows))


@pytest.mark.slow
def test_windows_on_disk_and_dead_units(windows: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "windows.npy", windows)
    model = make(WindowStatistics(), sparsity="l1", strength=0.1, target_l0=None)
    revive = ReviveDeadUnits(windows, every=1, until=2)
    stored = Shards(tmp_path / "windows.npy")
    model.fit(stored, epochs=2, verbose=0, callbacks=[revive])
    np.testing.assert_array_equal(model.features(stored), model.features(windows))


# What is refused -------------------------------------------------------------------------------


def test_rows_of_the_wrong_length(model: SparseAutoencoder, windows: np.ndarray) -> None:
    for call in (model.encode, model.features, model.fit, model.errors):
        with pytest.raises(DataError, match=r"Expected \(rows, 160\). Received: \(120, 150\)"):
            call(windows[:, :150])
    with pytest.raises(DataError, match=r"Expected \(rows, 24\). Received: \(120, 160\)"):
        model.scale(windows)


def test_what_windows_cannot_have(windows: np.ndarray) -> None:
    model = make(WindowStatistics(), target_l0=2)
    names = {f"c{place}": column for place, column in enumerate(windows.T)}
    with pytest.raises(DataError, match=r"argument `columns`. Expected None with a front end"):
        model.fit(names)
    sparse = scipy.sparse.csr_matrix(windows)
    with pytest.raises(DataError, match=r"Received: a sparse matrix. Remedy: x.toarray\(\)"):
        model.fit(sparse)
    with pytest.raises(DataError, match=r"`sample_weight`. Expected one per row, \(rows,\)"):
        model.fit(windows, sample_weight=np.ones_like(windows), verbose=0)
    for missing in ("mean", "mask"):
        with pytest.raises(ValueError, match="'error' or 'skip' with a front end"):
            make(missing=missing)


def test_windows_with_gaps_are_left_out(windows: np.ndarray) -> None:
    model, gaps = make(WindowStatistics(), target_l0=2, missing="skip"), windows.copy()
    gaps[:3, 5] = np.nan
    with pytest.warns(UserWarning, match="3 of 120 rows of `x` have gaps"):
        model.fit(gaps, epochs=1, verbose=0, callbacks=[])
    assert np.isfinite(model.encode(windows)).all()


def test_a_normalization_is_adapted_before(windows: np.ndarray) -> None:
    layer = layers.Normalization(name="mine")
    model = make(keras.Sequential([WindowStatistics(), layer]), target_l0=2)
    with pytest.raises(ValueError, match=r"`mine` without a mean.*Remedy: adapt it before `fit`"):
        model.fit(windows)
    layer.adapt(WindowStatistics()(windows))
    model.adapt(windows)
    np.testing.assert_allclose(model.features(windows).mean(axis=0), 0, atol=1e-3)


@pytest.mark.parametrize(
    ("front_end", "window", "message"),
    [
        (lambda: layers.Conv1D(1, 3), (9,), "a layer of windows of shape (9,)"),
        (lambda: layers.GRU(2, return_state=True), (9, 1), "one output of a fixed size"),
        (lambda: layers.Masking(), (9, 1), "layers without masks"),
        (lambda: layers.Dense(2, dtype="mixed_float16", name="half"), (9,), "in float32"),
        (lambda: layers.MelSpectrogram(8, 4, num_mel_bins=2), (40,), "MelFrames(..., top_db=80)"),
        (
            lambda: layers.MelSpectrogram(8, 4, num_mel_bins=2, power_to_db=False),
            (39,),
            "as the layer declares, 22. Received: 20",
        ),
    ],
)
def test_front_ends_that_do_not_fit(front_end: Any, window: Any, message: str) -> None:
    with pytest.raises(ValueError, match="argument `front_end`") as caught:
        build_front_end(front_end(), window)
    assert message in str(caught.value)


def test_only_a_layer_is_a_front_end() -> None:
    with pytest.raises(TypeError, match="Expected a Keras layer or model"):
        make(np.abs)
    with pytest.raises(ValueError, match=re.escape("`input_dim`. Expected a positive integer")):
        SparseAutoencoder((9, 2), 4)


def test_the_remedies_of_a_cut_over_the_batch() -> None:
    for layer in (
        layers.MelSpectrogram(8, 4, num_mel_bins=2, top_db=1e3),
        layers.MelSpectrogram(8, 4, num_mel_bins=2, power_to_db=False),
        MelFrames(8, 4, num_mel_bins=2, top_db=80),
    ):
        assert build_front_end(layer, (40,)).output_shape[-1] > 2
