"""What has no score is refused by name, and a file that computes another is found."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import pytest
from onnx import numpy_helper

import listeners
from keras_sparse import L1, SparseAutoencoder
from keras_sparse_export import export_encoder
from keras_sparse_export.convert import converter
from keras_sparse_export.convert.forms.score.compose import compose_score
from keras_sparse_export.convert.forms.score.gate import gate_score
from keras_sparse_export.convert.forms.score.locate import find_features
from keras_sparse_export.errors import ParityError

ROWS = np.random.default_rng(0).normal(3, 1, (64, 12)).astype(np.float32)


def autoencoder(*first: keras.layers.Layer, shape: tuple[Any, ...]) -> SparseAutoencoder:
    rows = keras.Sequential([keras.Input(shape), *first, keras.layers.Dense(3, "relu")])
    codes = keras.Sequential([keras.Input(rows.output_shape[1:]), keras.layers.Dense(shape[-1])])
    return SparseAutoencoder.from_models(rows, codes, sparsity=L1())


def without_decoder() -> keras.Model:
    return keras.Sequential([keras.Input((12,)), keras.layers.Dense(3, "relu")])


def of_two_inputs() -> keras.Model:
    parts = [keras.Input((3,), name="a"), keras.Input((2,), name="b")]
    return keras.Model(parts, keras.layers.Dense(3)(keras.layers.Concatenate()(parts)))


def of_an_input(name: str) -> keras.Model:
    x, code = keras.Input((4,), name=name), keras.Input((3,))
    encoder = keras.Model({name: x}, keras.layers.Dense(3, "relu")(x))
    decoder = keras.Model(code, keras.layers.Dense(4)(code))
    model = keras.Model(encoder.input, decoder(encoder.output))
    model.encoder, model.decoder = encoder, decoder
    return model


@pytest.mark.filterwarnings("ignore:Layer .* does not support masking")
@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (without_decoder, {}, "`score`. Expected score=False for a model without an encoder and"),
        (
            of_two_inputs,
            {},
            "of several inputs. Received: .* 2 inputs, a, b. Remedy: score=False",
        ),
        (lambda: of_an_input("score"), {}, "score=True and an input 'score'. Remedy: another"),
        (lambda: of_an_input("features"), {}, "score=True and an input 'features'. Remedy: an"),
        (
            lambda: autoencoder(keras.layers.Masking(name="pads"), shape=(5, 2)),
            {},
            "that masks steps. Received: .* the layer 'pads', which does. Remedy: score=False",
        ),
        (
            lambda: autoencoder(shape=(None, 2)),
            {"free_length": True, "sample": np.zeros((9, 6, 2))},
            "`score`. Expected no decoder beside an encoder of a free length",
        ),
    ],
    ids=["no decoder", "inputs", "name", "features", "mask", "lengths"],
)
def test_what_has_no_score_is_refused(
    make: Callable[[], keras.Model], options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        export_encoder(make(), tmp_path / "bundle", score=True, **options)
    assert not (tmp_path / "bundle").exists()


def test_more_columns_than_a_manifest_lists_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keras_sparse_export.convert.source.scaling.MAX_COLUMNS", 11)
    model = SparseAutoencoder(12, 6, sparsity=L1(), normalization=None)
    with pytest.raises(
        ValueError,
        match=r"of more than 65536 columns. .* rows of 12 columns. Remedy: .*model.score where",
    ):
        export_encoder(model, tmp_path / "bundle", score=True)


def change_constant(name: str, factor: float) -> Callable[[onnx.GraphProto], None]:
    def change(graph: onnx.GraphProto) -> None:
        (place,) = [i for i, each in enumerate(graph.initializer) if each.name == name]
        values = numpy_helper.to_array(graph.initializer[place]).copy()
        values.flat[0] *= factor
        graph.initializer[place].CopyFrom(numpy_helper.from_array(values, name))

    return change


@pytest.mark.parametrize(
    ("name", "factor", "message"),
    [
        ("score/scale", 1.01, "to agree with Keras within"),
        ("score/features", 1.001, "to agree with Keras within"),
        ("decoder/weight_3", 1.01, "to agree with Keras within"),
        ("weight_4", 1.01, "the codes of Keras in all rows but 0"),
    ],
)
def test_a_file_that_computes_something_else_is_found(
    name: str, factor: float, message: str
) -> None:
    keras.utils.set_random_seed(0)
    model = SparseAutoencoder(12, 6, sparsity=L1(), normalization="standard")
    model.adapt(ROWS)
    scale = ROWS.std(axis=0, dtype=float)
    encoder = converter.convert("encoder.onnx", model.encoder, ROWS, "builder", 17)
    decoder = converter.convert("decoder.onnx", model.decoder, encoder.run(ROWS), "builder", 17)
    data = compose_score(encoder.onnx_bytes, decoder.onnx_bytes, scale, gaps=False)
    assert gate_score(data, encoder, decoder, ROWS, scale).passed
    proto = onnx.load_model_from_string(data)
    change_constant(name, factor)(proto.graph)
    with pytest.raises(ParityError, match=f"`score.onnx` in onnxruntime {message}|{message}"):
        gate_score(proto.SerializeToString(), encoder, decoder, ROWS, scale)


def test_features_that_are_others_are_found() -> None:
    model, rows = listeners.make_listener(), listeners.draw_windows(60)
    encoder = converter.convert("encoder.onnx", model.encoder, rows, "builder", 17)
    decoder = converter.convert("decoder.onnx", model.decoder, encoder.run(rows), "builder", 17)
    features = model.features(rows)
    scale, files = features.std(axis=0), (encoder.onnx_bytes, decoder.onnx_bytes)
    name = find_features(encoder.onnx_bytes, rows, features, scale)
    data = compose_score(*files, scale, gaps=False, features=(name, 48))
    assert gate_score(data, encoder, decoder, rows, scale, features).passed
    graph = onnx.load_model_from_string(encoder.onnx_bytes).graph
    (scaled,) = [each for each in graph.node if each.input[0] == name]
    other = compose_score(*files, scale, gaps=False, features=(scaled.output[0], 48))
    with pytest.raises(ParityError, match=r"`score\.onnx` in onnxruntime to agree with"):
        gate_score(other, encoder, decoder, rows, scale, features)
    proto = onnx.load_model_from_string(data)
    (last,) = [each for each in proto.graph.node if each.output[0] == "features"]
    last.input[0] = scaled.output[0]  # the score is right, the features are not
    with pytest.raises(ParityError, match=r"`score\.onnx` in onnxruntime to agree with"):
        gate_score(proto.SerializeToString(), encoder, decoder, rows, scale, features)
