"""Encoders of rows of several lengths, from the model to the device."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from bundles import manifest, removed_at, rewritten, set_at
from keras_sparse_export import BundleError, Encoder, export_encoder
from keras_sparse_export.cli.main import main
from keras_sparse_export.errors import ConversionError
from keras_sparse_export.variants.decision import quantize_bundle
from models import loses_masks

make = keras.layers
ROWS = 24


def code(h: Any) -> Any:
    return make.Dense(6, "relu", name="code")(h)


def steps() -> tuple[keras.Model, Any, list[int]]:
    x, rng = keras.Input((None, 4)), np.random.default_rng(0)
    model = keras.Model(x, code(make.GlobalMaxPooling1D()(make.Conv1D(5, 3)(x))))
    return model, rng.normal(size=(ROWS, 12, 4)), [3, 4]


def tokens() -> tuple[keras.Model, Any, list[int]]:
    """A code for each of several words."""
    x, rng = keras.Input((None,), dtype="int32"), np.random.default_rng(0)
    return keras.Model(x, code(make.Embedding(11, 4)(x))), rng.integers(0, 11, (ROWS, 7)), [1]


def images() -> tuple[keras.Model, Any, list[int]]:
    x, rng = keras.Input((None, None, 3)), np.random.default_rng(0)
    h = make.Conv2D(5, 3, padding="same")(make.MaxPooling2D(2)(x))
    model = keras.Model(x, code(make.GlobalAveragePooling2D()(h)))
    return model, rng.normal(size=(ROWS, 8, 6, 3)), [2, 2, 3]


def shortened(rows: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return rows[(slice(None), *map(slice, shape))]


def encode(model: keras.Model, rows: np.ndarray) -> np.ndarray:
    kind = "int32" if rows.dtype.kind == "i" else "float32"
    return keras.ops.convert_to_numpy(model(rows.astype(kind)))


@pytest.mark.slow
@pytest.mark.parametrize("build", [steps, tokens, images])
def test_codes_of_every_length_are_those_of_keras(build: Callable[[], Any], tmp_path: Path) -> None:
    model, rows, least = build()
    path = export_encoder(model, tmp_path / "b", layer="code", sample=rows, free_length=True)
    assert manifest(path)["lengths"] == {"least": least}
    bundle, most = Encoder(path), rows.shape[1:]
    assert bundle.input_shape == most
    half = tuple((a + b + 1) // 2 for a, b in zip(least, most, strict=True))
    for shape in (most, half, tuple(least)):
        part = shortened(rows, shape)
        expected = encode(model, part)
        np.testing.assert_allclose(bundle.encode(part), expected, atol=1e-5)
        np.testing.assert_allclose(bundle.encode(part[0]), expected[0], atol=1e-5)
        parts = np.concatenate(list(bundle.stream([part[:3], part[3], part[4:]])), axis=None)
        np.testing.assert_allclose(parts, expected.ravel(), atol=1e-5)
        dense = bundle.encode_sparse(part).to_scipy().toarray()
        np.testing.assert_allclose(dense, expected.reshape(ROWS, -1), atol=1e-5)
    for length in (0, most[0] + 1):
        with pytest.raises(ValueError, match=rf"Expected \(rows, {least[0]} to {most[0]}"):
            bundle.encode(np.zeros((2, length, *most[1:])))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model, rows, _ = tokens()
    path = tmp_path_factory.mktemp("lengths") / "b"
    return export_encoder(model, path, layer="code", sample=rows, free_length=True)


def add_decoder(manifest: Any) -> None:
    """Describe a decoder, as a bundle with one does."""
    files, parity = manifest["files"], manifest["parity"]
    files["decoder.onnx"] = files["encoder.onnx"]
    files["golden_x_hat.f32"], parity["decoder"] = files["golden_x.f32"], parity["encoder"]


@pytest.mark.slow
@pytest.mark.one_backend
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (removed_at("lengths"), "a key of the feature `lengths`"),
        (set_at("requires", to=["inputs"]), "a key of the feature `lengths`"),
        (set_at("lengths", "least", to=[7]), "shorter along some axis"),
        (set_at("lengths", "least", to=[8]), "shorter along some axis"),
        (set_at("lengths", "least", to=[1, 1]), "shorter along some axis"),
        (set_at("lengths", "least", to=[0]), r"`lengths.least\[0\]`"),
        (add_decoder, "no `decoder.onnx` with the feature `lengths`"),
        (set_at("inputs", 0, "name", to="y"), r"as in its manifest, y \['length_1'\]"),
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused(
    change: Callable[[Any], None], message: str, bundle: Path
) -> None:
    text = (bundle / "manifest.json").read_text("utf-8")
    rewritten(bundle, change)
    try:
        with pytest.raises(BundleError, match=message):
            Encoder(bundle)
    finally:
        (bundle / "manifest.json").write_text(text, "utf-8")


@pytest.mark.slow
@pytest.mark.one_backend
def test_statistics_and_decoders_are_of_one_length(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, rows, _ = tokens()
    assert main(["info", str(bundle)]) == 0
    output = capsys.readouterr().out
    assert re.search(r"shortest row:? +\(1,\)", output)
    assert re.search(r"runs on +onnxruntime .*, onnxruntime-web\n", output)
    assert "`[batch, length_1]` of whole numbers from 0 to 10, of a shape from [1] to [7]" in (
        bundle / "README.md"
    ).read_text("utf-8")
    with pytest.raises(ValueError, match=r"Expected \(rows, 7\)"):
        Encoder(bundle).drift(rows[:, :5])
    with pytest.raises(ValueError, match=r"argument `decoder`. Expected no decoder beside"):
        export_encoder(model, tmp_path / "c", sample=rows, free_length=True, decoder=True)


@pytest.mark.slow
@pytest.mark.one_backend
@pytest.mark.parametrize("form", ["int8", "float16"])
def test_other_forms_take_shorter_rows(form: str, tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)
    x, rng = keras.Input((None, 8)), np.random.default_rng(0)
    h = make.Dense(40, "tanh")(make.Conv1D(40, 2, activation="tanh")(x))
    model, rows = keras.Model(x, code(h)), rng.normal(size=(80, 9, 8))
    path = tmp_path / "b"
    export_encoder(model, path, layer="code", sample=rows, free_length=True, quantize=form)
    float32, other = Encoder(path), Encoder(path, variant=form)
    other.verify()
    for length in (9, 5, 2):
        expected = float32.encode(rows[:, :length])
        codes = other.encode(rows[:, :length])
        assert 0 < np.abs(codes - expected).max() < 0.05 * np.abs(expected).max()
    codes = other.encode(rows[:, :5])
    quantize_bundle(path, rows, mode=form)
    again = Encoder(path, variant=form).encode(rows[:, :5])
    np.testing.assert_array_equal(again, codes)


@pytest.mark.one_backend
def test_a_model_of_one_length_is_refused(tmp_path: Path) -> None:
    x = keras.Input((4,))
    rows = np.ones((ROWS, 4), np.float32)
    with pytest.raises(ConversionError, match=r"Expected one input with an axis of any length"):
        export_encoder(keras.Model(x, code(x)), tmp_path / "b", sample=rows, free_length=True)
    x = keras.Input((None, 4))
    h = make.GlobalMaxPooling1D()(make.Conv1D(5, 3)(x))
    rows = np.ones((ROWS, 3, 4), np.float32)
    with pytest.raises(ConversionError, match=r"\(3, 4\), the shortest that it encodes"):
        export_encoder(keras.Model(x, code(h)), tmp_path / "b", sample=rows, free_length=True)


@loses_masks
def test_a_recurrent_layer_with_a_mask_is_of_one_length(tmp_path: Path) -> None:
    x = keras.Input((None, 2))
    model = keras.Model(x, code(make.GRU(3)(make.Masking()(x))))
    rows = np.random.default_rng(0).normal(size=(9, 5, 2))
    with pytest.raises(ConversionError, match=r"\(None, None, 2\)\. Remedy: free_length=False"):
        export_encoder(model, tmp_path / "b", sample=rows, free_length=True)


@pytest.mark.slow
@pytest.mark.one_backend
def test_the_command_encodes_files_of_shorter_rows(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows, encoder = tokens()[1].astype(np.float32), Encoder(bundle)
    target = tmp_path / "codes.npy"

    def run(file: str, part: np.ndarray, *options: str) -> int:
        np.savez(tmp_path / file, x=part) if file.endswith("npz") else np.save(
            tmp_path / file, part
        )
        source, output = str(tmp_path / file), ["-o", str(target), "--overwrite"]
        return main(["encode", str(bundle), source, *output, *options])

    for part in (rows, rows[:, :5], rows[:, :1], rows[3:4, :5]):
        for file in ("rows.npy", "rows.npz"):
            assert run(file, part) == 0
            np.testing.assert_array_equal(np.load(target), encoder.encode(part))
    assert run("row.npy", rows[3, :5]) == 0
    np.testing.assert_array_equal(np.load(target)[0], encoder.encode(rows[3, :5]))
    assert "1 rows of (5, 6)" in capsys.readouterr().out
    assert run("rows.npy", np.tile(rows, 2)) == 2
    assert "(24, 14), where the encoder takes (rows, 1 to 7)" in capsys.readouterr().err
    for suffix, line in (("csv", "1,2,3,4,5"), ("jsonl", "[1,2,3,4,5]")):
        short = tmp_path / f"short.{suffix}"
        short.write_text(f"{line}\n{line}\n")
        assert main(["encode", str(bundle), str(short), "-o", "-"]) == 2
        error = capsys.readouterr().err
        assert re.search(r"instead of 7 \(row 0\). Remedy: a .npy or .npz file, .*1 to 7", error)
    rows[2, 1] = 11
    assert run("rows.npy", rows[:, :5], "--on-bad", "nan") == 0
    assert np.isnan(np.load(target)).all(axis=(1, 2)).nonzero()[0].tolist() == [2]
