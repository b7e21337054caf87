"""The graph of encoder, decoder and score, against Keras and numpy in float64."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import onnxruntime as ort
import pytest
from scipy import stats

import listeners
from bundles import manifest, removed_at, rewritten
from keras_sparse import KL, L1, BatchTopK, SparseAutoencoder, TopK
from keras_sparse.models.front_ends import MelFrames
from keras_sparse_export import Encoder, VerificationError, export_encoder

ROWS = np.random.default_rng(0).normal(2, 1, (300, 12)).astype(np.float32) * np.geomspace(
    0.1, 100, 12, dtype=np.float32
)


def with_gaps(rows: np.ndarray) -> np.ndarray:
    return np.where(np.random.default_rng(1).random(rows.shape) < 0.2, np.float32(np.nan), rows)


def make(sparsity: Any, **arguments: Any) -> SparseAutoencoder:
    arguments = {"normalization": "standard", **arguments}
    model = SparseAutoencoder(12, 16, sparsity=sparsity, **arguments)
    if isinstance(sparsity, BatchTopK):  # which has a threshold to learn
        model.compile(run_eagerly=True)
        model.fit(ROWS, epochs=1, batch_size=150, verbose=0)
    elif model.normalization:
        model.adapt(ROWS)
    return model


MODELS = {
    "penalty": lambda: make(L1(), hidden_units=(8,)),
    "sigmoid": lambda: make(KL(0.2), normalization="minmax"),
    "unscaled": lambda: make(L1(), normalization=None),
    "mask": lambda: make(L1(), missing="mask"),
    "jumps": lambda: make(BatchTopK(4)),
    "refined": lambda: make(BatchTopK(4), refine=1),
    "rank": lambda: make(TopK(4)),
}
SLOW = ("jumps", "refined")


@pytest.mark.filterwarnings("ignore:After 1 epoch")
@pytest.mark.parametrize(
    "kind",
    [pytest.param(kind, marks=[pytest.mark.slow] * (kind in SLOW)) for kind in MODELS],
)
def test_the_score_is_that_of_the_model(kind: str, tmp_path: Path) -> None:
    model = MODELS[kind]()
    rows = with_gaps(ROWS) if kind == "mask" else ROWS
    path = export_encoder(model, tmp_path / "scored", sample=rows, score=True)
    assert not (path / "decoder.onnx").exists()
    assert "score" in manifest(path)["requires"]
    encoder = Encoder(path)
    np.testing.assert_allclose(encoder.score(rows), model.score(rows), rtol=1e-3, atol=1e-6)

    session = ort.InferenceSession(path / "score.onnx", providers=["CPUExecutionProvider"])
    code, score = session.run(["code", "score"], {"x": rows[:50]})
    np.testing.assert_array_equal(code, encoder.encode(rows[:50]))
    x_hat = model.decode(code).astype(np.float64)
    scale = manifest(path)["scale"] or 1.0
    expected = np.nanmean(((rows[:50] - x_hat) / scale) ** 2, axis=1)
    np.testing.assert_allclose(score, expected, rtol=1e-4, atol=1e-7)
    parity = manifest(path)["parity"]["score"]
    assert 0 < parity["max_abs_error"] <= parity["tolerance"] < 1e-3 * score.max()
    report = encoder.verify().score_parity
    assert report is not None
    assert report.passed


@pytest.mark.parametrize("opset", [13, 18])
def test_rows_of_several_axes_and_other_operator_sets(opset: int, tmp_path: Path) -> None:
    image, code = keras.Input((4, 6, 2)), keras.Input((5,))
    h = keras.layers.Dense(5, "relu")(keras.layers.Flatten()(image))
    x_hat = keras.layers.Reshape((4, 6, 2))(keras.layers.Dense(48)(code))
    model = SparseAutoencoder.from_models(
        keras.Model(image, h), keras.Model(code, x_hat), sparsity=L1()
    )
    rows = np.random.default_rng(0).random((40, 4, 6, 2))
    path = export_encoder(model, tmp_path / "b", sample=rows, score=True, opset=opset)
    np.testing.assert_allclose(Encoder(path).score(rows), model.score(rows), rtol=1e-4)
    assert Encoder(path).score(rows[0]).shape == ()


def test_the_bytes_depend_on_the_model_alone(tmp_path: Path) -> None:
    model = SparseAutoencoder(12, 6, sparsity=L1(), normalization=None)
    one = export_encoder(model, tmp_path / "a", sample=ROWS, score=True)
    options: dict[str, Any] = {"sample": ROWS[100:], "decoder": True, "top_k": 3}
    other = export_encoder(model, tmp_path / "b", score=True, **options)
    plain = export_encoder(model, tmp_path / "c", **options)
    assert (other / "encoder.onnx").read_bytes() == (plain / "encoder.onnx").read_bytes()
    data = (one / "score.onnx").read_bytes()
    assert data == (other / "score.onnx").read_bytes()
    graph = onnx.load_model_from_string(data).graph
    assert [each.name for each in graph.output] == ["code", "score"]
    assert not any(node.name or node.doc_string for node in graph.node)


@pytest.mark.filterwarnings("ignore:After 1 epoch")
def test_the_first_units_alone_are_scored(tmp_path: Path) -> None:
    model = make(L1())
    path = export_encoder(model, tmp_path / "b", sample=ROWS, score=True, units=5)
    codes = model.encode(ROWS)
    codes[:, 5:] = 0
    errors = ((ROWS - model.decode(codes).astype(np.float64)) / ROWS.std(0, dtype=float)) ** 2
    np.testing.assert_allclose(Encoder(path).score(ROWS), errors.mean(axis=1), rtol=1e-3)


# Features of a front end ----------------------------------------------------------------------


def compute_power(x: np.ndarray, window: np.ndarray) -> np.ndarray:
    """Squares of the Fourier transforms of frames that overlap by half, `(rows, frames, bins)`."""
    frames = np.lib.stride_tricks.sliding_window_view(x, len(window), axis=1)
    return np.abs(np.fft.rfft(frames[:, :: len(window) // 2] * window)) ** 2


def compute_mels(x: np.ndarray) -> np.ndarray:
    filters = listeners.make_mels().layers[0].filters.astype(np.float64)
    decibels = 10 * np.log10(compute_power(x, np.hanning(129)[:-1]) @ filters)
    count = decibels.shape[1] - 2
    rows = np.concatenate([decibels[:, i : i + count] for i in range(3)], axis=2)
    return rows.reshape(len(x), -1)


def compute_statistics(x: np.ndarray) -> np.ndarray:
    mean, deviation = x.mean(axis=1), x.std(axis=1)
    crossings = (np.diff(np.signbit(x), axis=1) != 0).mean(axis=1)
    rms, peak = np.sqrt((x**2).mean(axis=1)), np.abs(x).max(axis=1)
    return np.stack(
        [mean, deviation, rms, peak, stats.kurtosis(x, axis=1, fisher=False), crossings], axis=1
    )


def compute_spectrogram(x: np.ndarray) -> np.ndarray:
    window = np.hanning(64)
    power = compute_power(x, window / np.sqrt(np.square(window).sum()))
    return np.log(np.sqrt(np.maximum(power, 1e-7))).reshape(len(x), -1)


IN_FLOAT64 = {
    "mels": compute_mels,
    "statistics": compute_statistics,
    "spectrogram": compute_spectrogram,
}


@pytest.mark.parametrize("kind", listeners.FRONT_ENDS)
def test_the_score_of_features_is_that_of_the_model(kind: str, tmp_path: Path) -> None:
    model, windows = listeners.make_listener(kind), listeners.draw_windows()
    path = export_encoder(model, tmp_path / "b", sample=windows, score=True, decoder=True)
    encoder = Encoder(path)
    np.testing.assert_allclose(encoder.score(windows), model.score(windows), rtol=1e-5)
    np.testing.assert_allclose(encoder.errors(windows), model.errors(windows), rtol=0.02, atol=1e-3)

    session = ort.InferenceSession(path / "score.onnx", providers=["CPUExecutionProvider"])
    code, score, features = session.run(["code", "score", "features"], {"x": windows})
    np.testing.assert_allclose(code, encoder.encode(windows), atol=1e-6)
    expected = IN_FLOAT64[kind](windows.astype(np.float64))
    np.testing.assert_allclose(features, expected, rtol=1e-4, atol=2e-3)
    x_hat, scale = model.decode(code).astype(np.float64), np.array(manifest(path)["scale"])
    np.testing.assert_allclose(scale, expected.std(axis=0), rtol=1e-3)
    errors = ((expected - x_hat) / scale) ** 2
    np.testing.assert_allclose(score, errors.mean(axis=1), rtol=1e-4)
    parity = manifest(path)["parity"]["score"]
    assert parity["max_abs_error"] <= parity["tolerance"] < 1e-3 * score.max()
    assert manifest(path)["features"]["shape"] == [listeners.FEATURES[kind]]


@pytest.mark.parametrize("normalization", ["standard", None])
def test_the_front_end_is_computed_once(normalization: str | None, tmp_path: Path) -> None:
    model, windows = listeners.make_listener("mels", normalization), listeners.draw_windows(50)
    path = export_encoder(model, tmp_path / "b", sample=windows, score=True, decoder=True)
    plain = export_encoder(model, tmp_path / "plain", sample=windows)
    encoder, scorer = ((path / name).read_bytes() for name in ("encoder.onnx", "score.onnx"))
    assert encoder == (plain / "encoder.onnx").read_bytes()
    added = len(scorer) - len(encoder) - (path / "decoder.onnx").stat().st_size
    assert added < 4 * 48 + 1500  # the scale, and the names of values
    graph = onnx.load_model_from_string(scorer).graph
    assert [node.op_type for node in graph.node].count("Log") == 1
    assert [each.name for each in graph.output] == ["code", "score", "features"]
    np.testing.assert_allclose(Encoder(path).score(windows), model.score(windows), rtol=1e-5)


@pytest.mark.parametrize("sparsity", [{"target_l0": 3}, {"sparsity": L1()}])
def test_rounding_that_decibels_of_a_pure_tone_amplify_is_stated(
    sparsity: dict[str, Any], tmp_path: Path
) -> None:
    noise = 0.01 * np.random.default_rng(0).normal(size=60 * 1024)
    tone = 0.5 * np.sin(2 * np.pi * 50 / 16000 * np.arange(60 * 1024)) + noise
    windows = tone.astype(np.float32).reshape(60, 1024)
    front_end = keras.Sequential([MelFrames(1024, 512), keras.layers.Flatten()])
    model = SparseAutoencoder(1024, 12, front_end=front_end, **sparsity)
    model.compile()
    model.fit(windows, epochs=3, verbose=0)
    path = export_encoder(model, tmp_path / "b", sample=windows, score=True, decoder=True)
    found = manifest(path)
    assert found["rounding"]["features"] > 0
    encoder = Encoder(path)
    assert encoder.verify().score_parity is not None
    np.testing.assert_allclose(encoder.score(windows), model.score(windows), rtol=1e-3)
    rewritten(path, removed_at("rounding", "features"))
    with pytest.raises(VerificationError, match=r"score\.onnx"):
        Encoder(path).verify()
