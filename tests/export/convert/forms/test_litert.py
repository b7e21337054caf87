"""The export for LiteRT: what it takes, against Keras, and what it refuses by name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from bundles import manifest
from keras_sparse import L1, JumpReLU, SparseAutoencoder, TopK
from keras_sparse_export import Encoder, export_encoder
from keras_sparse_export.convert.backends import tflite
from keras_sparse_export.convert.forms import litert
from keras_sparse_export.errors import ConversionError, ParityError
from keras_sparse_export.variants import decision


@pytest.fixture
def needs_litert() -> None:
    pytest.importorskip("ai_edge_litert", reason="needs LiteRT: pip install ai-edge-litert")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("needs TensorFlow, whose converter writes the file")


def scaled(x: np.ndarray, **settings: Any) -> SparseAutoencoder:
    model = SparseAutoencoder(12, 8, **settings)
    model.adapt(x)
    return model


def trained(x: np.ndarray) -> SparseAutoencoder:
    model = scaled(x, target_l0=2)
    model.compile()
    model.fit(x, verbose=0)
    return model


def gated(x: np.ndarray, gate: Any) -> keras.Model:
    model = in_order((12,), layers.Rescaling(0.1), layers.Dense(8), gate)
    if hasattr(gate, "calibrate"):
        gate.calibrate(model.layers[1](model.layers[0](x)))
    return model


def in_order(shape: tuple[int, ...], *parts: Any, dtype: str = "float32") -> keras.Model:
    return keras.Sequential([keras.Input(shape, dtype=dtype), *parts])


def of_two_inputs() -> keras.Model:
    tokens = keras.Input((5,), name="tokens", dtype="int32")
    weights = keras.Input((4,), name="weights")
    joined = layers.Concatenate()([layers.Flatten()(layers.Embedding(9, 3)(tokens)), weights])
    code = layers.Dense(6, "relu", name="code")(joined)
    return keras.Model({"tokens": tokens, "weights": weights}, code)


MODELS: dict[str, Callable[[np.ndarray, np.random.Generator], tuple[Any, Any, dict[str, Any]]]] = {
    "scaled": lambda x, _: (scaled(x, sparsity=L1()), x, {}),
    "two passes": lambda x, _: (trained(x), x, {}),
    "JumpReLU": lambda x, _: (gated(x, JumpReLU(2)), x, {}),
    "rank": lambda x, _: (gated(x, TopK(2)), x, {"top_k": 3}),
    "gaps": lambda x, _: (scaled(x, sparsity=L1(), missing="mask"), x, {}),
    "positions": lambda _, rng: (
        in_order((9, 4), layers.Conv1D(6, 3, activation="relu")),
        rng.random((64, 9, 4)),
        {"top_k": 2},
    ),
    "LSTM": lambda _, rng: (in_order((4, 3), layers.LSTM(5)), rng.random((64, 4, 3)), {}),
    "pixels": lambda _, rng: (
        in_order((4, 4), layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(3, "relu"),
                 dtype="uint8"),
        rng.integers(0, 256, (64, 4, 4)),
        {},
    ),
    "two inputs": lambda _, rng: (
        of_two_inputs(),
        {"tokens": rng.integers(0, 9, (64, 5)), "weights": rng.random((64, 4))},
        {},
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.usefixtures("needs_litert")
@pytest.mark.parametrize("name", MODELS)
def test_litert_gives_the_codes_of_keras(
    name: str, rows: np.ndarray, rng: np.random.Generator, tmp_path: Path
) -> None:
    model, x, options = MODELS[name](rows, rng)
    path = export_encoder(model, tmp_path / "bundle", sample=x, litert=True, **options)
    lite, onnx = Encoder(path, runtime="litert"), Encoder(path)
    assert lite.verify().litert_parity is not None
    codes = onnx.encode(x)
    np.testing.assert_allclose(lite.encode(x), codes, atol=1e-5)
    one = {key: part[0] for key, part in x.items()} if isinstance(x, dict) else x[0]
    np.testing.assert_allclose(lite.encode(one), codes[0], atol=1e-5)
    if "top_k" in options:
        for found, expected in zip(lite.encode_top_k(x), onnx.encode_top_k(x), strict=True):
            np.testing.assert_allclose(found, expected, atol=1e-5)
    entry = manifest(path)["variants"]["litert"]
    assert entry["parity"]["max_abs_error"] <= entry["parity"]["tolerance"]
    assert "`encoder.tflite` is the encoder for LiteRT" in (path / "README.md").read_text("utf-8")


@pytest.mark.slow
@pytest.mark.usefixtures("needs_litert", "no_staging")
def test_a_layer_without_built_in_operators_is_refused_by_name(
    rows: np.ndarray, tmp_path: Path
) -> None:
    model = in_order((12,), layers.Dense(6, keras.ops.arcsinh, name="strange"))
    message = r"layer `strange` of class Dense \(Asinh\)\. Remedy: another layer in its place, or"
    with pytest.raises(ConversionError, match=message):
        export_encoder(model, tmp_path / "bundle", sample=rows, litert=True)
    assert not (tmp_path / "bundle").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("needs_litert", "no_staging")
def test_another_file_is_refused_and_nothing_written(
    rows: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, convert = in_order((12,), layers.Dense(6, "relu")), tflite.convert

    def spoil(copy: keras.Model, *arguments: Any) -> bytes:
        (kernel, bias), layer = copy.get_weights(), copy
        layer.set_weights([kernel * np.float32(1.0001), bias])
        content = convert(copy, *arguments)
        layer.set_weights([kernel, bias])
        return content

    monkeypatch.setattr(tflite, "convert", spoil)
    with pytest.raises(ParityError, match=r"`encoder.tflite` in LiteRT to agree with Keras within"):
        export_encoder(model, tmp_path / "bundle", sample=rows, litert=True)
    assert not (tmp_path / "bundle").exists()


@pytest.mark.one_backend
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends_are_refused_with_the_remedy(
    backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = in_order((12,), layers.Dense(6, "relu"))
    monkeypatch.setattr(keras.backend, "backend", lambda: backend)
    remedy = r"Remedy: KERAS_BACKEND=tensorflow \(--backend tensorflow\)"
    with pytest.raises(
        ValueError, match=rf"`litert`.*Received: litert=True on.*{backend}.*{remedy}"
    ):
        export_encoder(model, tmp_path / "bundle", litert=True)


@pytest.mark.usefixtures("needs_litert")
@pytest.mark.parametrize(
    ("options", "received"),
    [({"units": 3}, "units=3"), ({"free_length": True}, "free_length=True")],
)
def test_arguments_that_exclude_it_are_refused(options: dict[str, Any], received: str) -> None:
    with pytest.raises(ValueError, match=rf"Received: {received}, litert=True"):
        litert.require_possible(**{"units": None, "free_length": False, **options})


@pytest.mark.slow
@pytest.mark.usefixtures("needs_litert")
def test_it_stays_when_another_form_is_added(rng: np.random.Generator, tmp_path: Path) -> None:
    x = rng.normal(size=(128, 40))
    model = in_order((40,), layers.Dense(32, "relu"))
    path = export_encoder(model, tmp_path / "bundle", sample=x, litert=True)
    before = (path / "encoder.tflite").read_bytes()
    decision.quantize_bundle(path, x, mode="float16")
    assert manifest(path)["requires"] == ["litert", "variants"]
    assert set(manifest(path)["variants"]) == {"float16", "litert"}
    assert (path / "encoder.tflite").read_bytes() == before
    assert Encoder(path, runtime="litert").verify().litert_parity is not None
