"""Encoders of several inputs, and of whole numbers, from the model to the device."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnxruntime as ort
import pytest

from bundles import manifest, removed_at, rewritten, set_at
from keras_sparse_export import BundleError, Encoder, export_encoder
from keras_sparse_export.cli.main import main
from keras_sparse_export.convert.source.inputs import describe_inputs
from keras_sparse_export.errors import ConversionError
from keras_sparse_export.io.inputs import MAX_WHOLE, Input
from models import needs_tf2onnx

make = keras.layers
ROWS = 40


def code(h: Any) -> Any:
    return make.Dense(6, "relu", name="code")(h)


def named() -> keras.Model:
    """Two inputs in a dictionary, whose keys are their names."""
    shapes = {"left": (8,), "right": (2, 2)}
    inputs = {name: keras.Input(shape, name=name) for name, shape in shapes.items()}
    right = make.Flatten()(inputs["right"])
    h = make.Concatenate()([make.Dense(5, "tanh")(inputs["left"]), make.Dense(5, "tanh")(right)])
    return keras.Model(inputs, code(h))


def listed() -> keras.Model:
    x, y = keras.Input((8,)), keras.Input((2, 2))
    return keras.Model([x, y], code(make.Concatenate()([x, make.Flatten()(y)])))


def images() -> keras.Model:
    x = keras.Input((4, 4, 3), dtype="uint8")
    return keras.Model(x, code(make.Flatten()(make.Rescaling(1 / 255)(x))))


def tokens() -> keras.Model:
    """Words, whose mask `Embedding` computes, and a number: an index, and a float beside it."""
    words, length = keras.Input((7,), dtype="int32", name="words"), keras.Input((1,), name="length")
    h = make.GlobalAveragePooling1D()(make.Embedding(11, 4, mask_zero=True)(words))
    return keras.Model([words, length], code(make.Concatenate()([h, length])))


def steps() -> keras.Model:
    """Steps of any number."""
    x = keras.Input((None, 4))
    return keras.Model(x, code(make.GlobalMaxPooling1D()(make.Conv1D(5, 3)(x))))


def draw(name: str) -> Any:
    rng = np.random.default_rng(0)
    left = rng.normal(size=(ROWS, 8)).astype(np.float32)
    right = rng.normal(size=(ROWS, 2, 2)).astype(np.float32)
    return {
        "named": {"left": left, "right": right},
        "listed": [left, right],
        "images": rng.integers(0, 256, (ROWS, 4, 4, 3)).astype(np.uint8),
        "tokens": {"words": rng.integers(0, 11, (ROWS, 7)), "length": left[:, :1]},
    }[name]


MODELS = {"named": named, "listed": listed, "images": images, "tokens": tokens}
NAMES = ["named", "listed", "images", pytest.param("tokens", marks=needs_tf2onnx)]


def first(rows: Any, count: int) -> Any:
    return keras.tree.map_structure(lambda part: part[:count], rows)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, Any]]:
    """The bundle of a model, and the codes of its rows by Keras; each is exported once."""
    folder, known, lock = tmp_path_factory.mktemp("bundles"), dict[str, Any](), threading.Lock()

    def export(name: str) -> tuple[Path, Any]:
        with lock:
            if name not in known:
                model, rows = MODELS[name](), draw(name)
                path = export_encoder(model, folder / name, layer="code", sample=rows)
                known[name] = path, keras.ops.convert_to_numpy(model(rows))
        return known[name]

    return export


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_codes_are_those_of_keras(name: str, exported: Callable[[str], Any]) -> None:
    path, expected = exported(name)
    assert manifest(path)["requires"] == ["inputs"]
    with Encoder(path) as encoder:
        encoder.verify()
        for count in (1, 2, ROWS):
            codes = encoder.encode(first(draw(name), count))
            np.testing.assert_allclose(codes, expected[:count], atol=1e-5)
        row = keras.tree.map_structure(lambda part: part[0], draw(name))
        np.testing.assert_allclose(encoder.encode(row), expected[0], atol=1e-5)
        chunks = [first(draw(name), 3), first(draw(name), 5)]
        streamed = np.concatenate(list(encoder.stream(chunks)))
        np.testing.assert_allclose(streamed, [*expected[:3], *expected[:5]], atol=1e-5)
        assert encoder.encode_sparse(first(draw(name), 5)).to_scipy().shape == (5, 6)
        assert not encoder.drift(draw(name)).drifted


@pytest.mark.slow
def test_the_file_has_an_input_of_each_name(exported: Callable[[str], Any]) -> None:
    path, expected = exported("named")
    session = ort.InferenceSession(path / "encoder.onnx")
    assert {x.name: x.shape for x in session.get_inputs()} == {
        "left": ["batch", 8],
        "right": ["batch", 2, 2],
    }
    np.testing.assert_allclose(session.run(["code"], draw("named"))[0], expected, atol=1e-5)
    card = (path / "README.md").read_text("utf-8")
    assert 'session.run(["code"], {"left": rows["left"], "right": rows["right"]})' in card
    encoder = Encoder(path / "encoder.onnx")  # a bare file names its inputs, too
    np.testing.assert_allclose(encoder.encode(draw("named")), expected, atol=1e-5)


@pytest.mark.slow
def test_whole_numbers_alone_are_encoded(exported: Callable[[str], Any]) -> None:
    path, _ = exported("images")
    encoder, rows = Encoder(path), draw("images").astype(np.float64)
    assert encoder.inputs[0] == Input("x", (4, 4, 3), (0, 255))
    for wrong in (0.5, 256, -1, 2**24):
        rows[2, 1, 1, 1] = wrong
        with pytest.raises(ValueError, match=r"whole numbers from 0 to 255. Received: .* rows 2"):
            encoder.encode(rows)
        with pytest.raises(ValueError, match=r"whole numbers from 0 to 255. Received: .* rows 0"):
            encoder.encode(rows[2])


@needs_tf2onnx
@pytest.mark.slow
def test_an_index_without_an_entry_is_refused(exported: Callable[[str], Any]) -> None:
    encoder, rows = Encoder(exported("tokens")[0]), draw("tokens")
    assert encoder.inputs[encoder.inputs.names[1] == "words"].whole == (0, 10)
    rows["words"][4, 2] = 11
    with pytest.raises(ValueError, match=r"from 0 to 10 in the input `words`. Received: .* rows 4"):
        encoder.encode(rows)
    with pytest.raises(ValueError, match="Received: none called 'length'"):
        encoder.encode({"words": rows["words"]})


@pytest.mark.slow
@pytest.mark.process
def test_the_command_reads_an_array_of_each_input(
    exported: Callable[[str], Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, expected = exported("named")
    source, target = tmp_path / "rows.npz", tmp_path / "codes.npy"
    np.savez(source, **draw("named"))
    assert main(["encode", str(path), str(source), "-o", str(target)]) == 0
    np.testing.assert_allclose(np.load(target), expected, atol=1e-5)
    np.savez(source, left=draw("named")["left"])
    assert main(["encode", str(path), str(source), "-o", str(tmp_path / "b.npy")]) == 2
    np.savez(source, left=draw("named")["left"], right=draw("named")["right"][:9])
    assert main(["encode", str(path), str(source), "-o", str(tmp_path / "b.npy")]) == 2
    assert "arrays of different numbers of rows" in capsys.readouterr().err
    images, _ = exported("images")
    rows = draw("images").astype(np.float32)
    rows[3, 0, 0, 0] = 0.5
    np.save(tmp_path / "rows.npy", rows)
    arguments = [str(images), str(tmp_path / "rows.npy"), "-o", str(tmp_path / "c.npy")]
    assert main(["encode", *arguments, "--on-bad", "skip"]) == 0
    assert len(np.load(tmp_path / "c.npy")) == ROWS - 1
    assert "row 3: 0.5 in place of whole numbers from 0 to 255" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (removed_at("inputs"), "a key of the feature `inputs`"),
        (set_at("requires", to=[]), "a key of the feature `inputs`"),
        (set_at("inputs", 0, "name", to="code"), "different names"),
        (set_at("inputs", 0, "name", to="right"), "different names"),
        (set_at("inputs", 0, "name", to="other"), r"`input` of `encoder.onnx` as in its manifest"),
        (set_at("inputs", 0, "shape", to=[9]), r"\[13\] .* at `input.shape`"),
        (set_at("inputs", 0, "shape", to=[None]), r"`inputs\[0\].shape\[0\]`"),
        (set_at("inputs", 0, "whole", to=[2, 1]), "the least first"),
        (set_at("inputs", 0, "whole", to=[0, 2**24]), r"`inputs\[0\].whole\[1\]`"),
        (set_at("inputs", 0, "name", to="a`b"), r"`inputs\[0\].name`"),
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused(
    change: Callable[[Any], None], message: str, exported: Callable[[str], Any]
) -> None:
    path, _ = exported("named")
    text = (path / "manifest.json").read_text("utf-8")
    rewritten(path, change)
    try:
        with pytest.raises(BundleError, match=message):
            Encoder(path)
    finally:
        (path / "manifest.json").write_text(text, "utf-8")


@pytest.mark.slow
def test_rows_of_any_length_take_that_of_the_sample(tmp_path: Path) -> None:
    model, rows = steps(), np.random.default_rng(0).normal(size=(ROWS, 9, 4)).astype(np.float32)
    path = export_encoder(model, tmp_path / "b", layer="code", sample=rows)
    encoder = Encoder(path)
    assert (encoder.input_shape, manifest(path)["requires"]) == ((9, 4), [])
    np.testing.assert_allclose(
        encoder.encode(rows), keras.ops.convert_to_numpy(model(rows)), atol=1e-5
    )
    with pytest.raises(ValueError, match=r"Expected \(rows, 9, 4\)"):
        encoder.encode(rows[:, :8])
    with pytest.raises(ConversionError, match=r"`x` \(None, 4\). Remedy: a `sample` of rows of th"):
        export_encoder(model, tmp_path / "c", layer="code")


def test_inputs_have_the_names_of_their_keys_or_their_own() -> None:
    x, y = keras.Input((3,), name="one"), keras.Input((3,), name="two")
    h = make.Add()([x, y])
    assert describe_inputs(keras.Model({"two": y, "one": x}, h)).names == ["one", "two"]
    assert describe_inputs(keras.Model({"one": x}, make.Dense(2)(x))).names == ["one"]
    assert describe_inputs(keras.Model([x, y], h)).names == ["one", "two"]
    assert describe_inputs(listed()).names == ["x_0", "x_1"]
    assert describe_inputs(keras.Model(x, make.Dense(2)(x))).names == ["x"]
    for name in ("code", "value_3", "a`b"):
        odd = keras.Input((3,), name=name)
        with pytest.raises(ConversionError, match=f"Received: an input called {name!r}"):
            describe_inputs(keras.Model([odd, y], make.Add()([odd, y])))


def test_the_range_of_an_index_is_that_of_its_embedding() -> None:
    x = keras.Input((3,), dtype="int64")
    inner = keras.Model(x, make.Embedding(5, 2)(x))
    outer = keras.Input((3,), dtype="int64")
    assert describe_inputs(keras.Model(outer, inner(outer)))[0].whole == (0, 4)
    both = keras.Model(x, make.Add()([make.Embedding(5, 2)(x), make.Embedding(4, 2)(x)]))
    assert describe_inputs(both)[0].whole == (0, 3)
    assert describe_inputs(keras.Model(x, make.Flatten()(x)))[0].whole == (-MAX_WHOLE, MAX_WHOLE)
    assert describe_inputs(images())[0].whole == (0, 255)
    assert describe_inputs(keras.Model(x, make.CategoryEncoding(7)(x)))[0].whole == (0, 6)
