from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from keras_sparse import SparseAutoencoder
from keras_sparse_export import Encoder, export_encoder
from keras_sparse_export.convert.source.copying import clone_for_inference
from keras_sparse_export.errors import ConversionError
from models import TENSORFLOW, needs_tf2onnx

make = keras.layers


def test_keras_own_regularizers_do_not_stand_in_the_way(rows: np.ndarray, tmp_path: Path) -> None:
    x = keras.Input((12,))
    dense = keras.layers.Dense(
        6, activity_regularizer="l1", kernel_regularizer="l2", bias_regularizer="l1", name="code"
    )
    model = keras.Model(x, dense(keras.layers.Normalization(mean=5.0, variance=2.0)(x)))
    model.compile("adam", "mse")
    model.fit(rows, np.ones((400, 6)), verbose=0)
    path = export_encoder(model, tmp_path / "bundle", layer="code", sample=rows)
    expected = keras.ops.convert_to_numpy(model(rows))
    np.testing.assert_allclose(Encoder(path).encode(rows), expected, atol=1e-5)
    clone = clone_for_inference(model)
    clone(rows)
    assert len(model.losses) == 3
    assert clone.losses == []


def test_models_that_are_no_encoders_are_refused(tmp_path: Path) -> None:
    words = keras.Sequential([keras.Input((4,), dtype="int32"), keras.layers.Flatten(name="code")])
    with pytest.raises(ValueError, match="an encoder of float codes"):
        export_encoder(words, tmp_path / "b", layer="code")
    steps = keras.Sequential([keras.Input((None, 4)), keras.layers.Dense(3, name="code")])
    with pytest.raises(ValueError, match="inputs of a fixed shape"):
        export_encoder(steps, tmp_path / "b", layer="code")
    with pytest.raises(ValueError, match="a built Functional or Sequential model"):
        export_encoder(
            keras.Sequential([keras.layers.Dense(3, name="code")]), tmp_path / "b", layer="code"
        )
    for model in ("model", [steps], None, keras.layers.Dense(3)):
        with pytest.raises(TypeError, match=r"`model`. Expected a keras.Model"):
            export_encoder(model, tmp_path / "b", layer="code")
    assert list(tmp_path.iterdir()) == []


def test_codes_of_any_rank_keep_their_shape(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((6, 3)), keras.layers.Dense(8, "relu", name="code")])
    encoder = Encoder(export_encoder(model, tmp_path / "b", layer="code"))
    assert encoder.code_shape == (6, 8)
    encoder.verify()


def test_a_nested_encoder_is_cut_where_the_outer_model_calls_it(
    rows: np.ndarray, tmp_path: Path
) -> None:
    x, code = keras.Input((12,)), keras.Input((5,))
    encoder = keras.Model(x, keras.layers.Dense(5, "relu")(x), name="encoder")
    decoder = keras.Model(code, keras.layers.Dense(12)(code))
    outer = keras.Input((12,))
    model = keras.Model(outer, decoder(encoder(2 * outer)))
    if TENSORFLOW:
        path = export_encoder(model, tmp_path / "b", layer="encoder")
        expected = keras.ops.convert_to_numpy(encoder(2 * rows))
        np.testing.assert_allclose(Encoder(path).encode(rows), expected, rtol=1e-5, atol=1e-5)
    plain = keras.Model(outer, decoder(encoder(outer)))
    path = export_encoder(plain, tmp_path / "c", layer="encoder", converter="builder")
    expected = keras.ops.convert_to_numpy(encoder(rows))
    np.testing.assert_allclose(Encoder(path).encode(rows), expected, rtol=1e-5, atol=1e-5)


def test_a_layer_called_twice_is_refused(tmp_path: Path) -> None:
    x, dense = keras.Input((4,)), keras.layers.Dense(4, name="code")
    with pytest.raises(ValueError, match="which it calls 2 times"):
        export_encoder(keras.Model(x, dense(dense(x))), tmp_path / "b", layer="code")


def test_operations_between_layers_convert_or_are_named(rows: np.ndarray, tmp_path: Path) -> None:
    x = keras.Input((12,))
    h = keras.layers.Dense(12)(x) + x
    model = keras.Model(x, keras.layers.Dense(5, name="code")(keras.ops.relu(h) * 0.5))
    path = export_encoder(model, tmp_path / "b", layer="code")
    expected = keras.ops.convert_to_numpy(model(rows))
    np.testing.assert_allclose(Encoder(path).encode(rows), expected, rtol=1e-5, atol=1e-4)
    model = keras.Model(x, keras.layers.Dense(5, name="code")(keras.ops.sort(x, axis=1)))
    with pytest.raises(ConversionError, match="of class Sort"):
        export_encoder(model, tmp_path / "c", layer="code", converter="builder")


def test_an_autoencoder_has_no_layer_to_choose(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"`layer`. Expected None for a model with an encoder"):
        export_encoder(
            SparseAutoencoder(4, 3, sparsity=None, normalization=None), tmp_path / "b", layer="code"
        )


def test_a_model_that_does_not_know_its_scale_is_refused(tmp_path: Path) -> None:
    model = SparseAutoencoder(4, 3, sparsity=None, normalization="standard")
    with pytest.raises(ValueError, match=r"Remedy: model.fit\(x\), .* model.adapt\(x\) where"):
        export_encoder(model, tmp_path / "b")


class Subclassed(keras.Model):
    """A model without a graph of layers."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.dense = make.Dense(4)

    def call(self, x: Any) -> Any:
        return self.dense(x)


class Halves(keras.Model):
    """A model with an encoder and a decoder of a user's own."""

    def __init__(self, encoder: keras.Model, decoder: keras.Model | None = None) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder, decoder


def stack(*layers: keras.layers.Layer, shape: tuple[int, ...] = (12,)) -> keras.Model:
    layers[-1].name = "code"
    return keras.Sequential([keras.Input(shape), *layers])


def nested_with_two_outputs() -> keras.Model:
    x, inner = keras.Input((12,)), keras.Input((12,))
    model = keras.Model(inner, [make.Dense(3)(inner), make.Dense(3)(inner)], name="code")
    return keras.Model(x, make.Add()(model(x)))


def with_input_layer() -> keras.Model:
    x = keras.Input((12,), name="code")
    return keras.Model(x, make.Dense(4)(x))


GRAPH = r"`model`. Expected a built Functional or Sequential model to cut at `layer`"
REFUSED: dict[str, tuple[Callable[[], keras.Model], str]] = {
    "subclassed": (Subclassed, f"{GRAPH}. Received: .* of class Subclassed. Remedy: layer=None if"),
    "not built": (lambda: keras.Sequential([make.Dense(3)]), f"{GRAPH}. .*else build it from"),
    "two outputs": (nested_with_two_outputs, "with one output of a fixed shape of one axis"),
    "no axis": (lambda: stack(make.Dense(1), make.Reshape(())), "with one output of a fixed shape"),
    "the input": (with_input_layer, r"`layer`. Expected one of \['dense\w*'\]. Received: .*'code'"),
}


@pytest.mark.parametrize("name", list(REFUSED))
def test_models_that_cannot_be_cut_or_copied_are_refused_by_name(name: str, tmp_path: Path) -> None:
    build, message = REFUSED[name]
    with pytest.raises(ValueError, match=message):
        export_encoder(build(), tmp_path / "b", layer="code")
    assert list(tmp_path.iterdir()) == []


def test_halves_of_other_shapes_are_refused(tmp_path: Path) -> None:
    encoder, decoder = stack(make.Dense(4)), stack(make.Dense(12), shape=(4,))
    path = export_encoder(Halves(encoder, decoder), tmp_path / "b", decoder=True)
    assert Encoder(path).verify().decoder_parity is not None
    other = stack(make.Dense(11), shape=(4,))
    with pytest.raises(ValueError, match=r"from codes \(4,\) to rows \(12,\). Received: .*\(11,\)"):
        export_encoder(Halves(encoder, other), tmp_path / "c", decoder=True)
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


@needs_tf2onnx
def test_halves_without_a_graph_are_traced(rows: np.ndarray, tmp_path: Path) -> None:
    model = Halves(Subclassed(), keras.Sequential([make.Dense(12)]))
    path = export_encoder(model, tmp_path / "b", sample=rows, decoder=True)
    bundle = Encoder(path)
    assert bundle.verify().decoder_parity is not None
    expected = keras.ops.convert_to_numpy(model.encoder(rows))
    np.testing.assert_allclose(bundle.encode(rows), expected, rtol=1e-5, atol=1e-4)


def test_without_a_layer_the_output_is_the_code(rows: np.ndarray, tmp_path: Path) -> None:
    x = keras.Input((12,))
    model = keras.Model(x, make.Dense(5, "relu")(make.Dense(7, "tanh")(x)))
    expected = keras.ops.convert_to_numpy(model(rows))
    for kind, each in {"graph": model, "stack": keras.Sequential([model])}.items():
        path = export_encoder(each, tmp_path / kind, sample=rows)
        np.testing.assert_allclose(Encoder(path).encode(rows), expected, rtol=1e-5, atol=1e-4)


def test_an_output_that_may_be_another_one_is_not_taken_for_the_code(tmp_path: Path) -> None:
    x = keras.Input((12,))
    code = make.Dense(5, "relu", name="code")(x)
    several = keras.Model(x, {"z": code, "x_hat": make.Dense(12, name="last")(code)})
    message = r"one of \['code', 'last'\]. Received: layer=None, for a model with 2 outputs. Remedy"
    with pytest.raises(ValueError, match=message):
        export_encoder(several, tmp_path / "b")
    with pytest.raises(ValueError, match=r"with an output in the shape of the input, \(None, 12\)"):
        export_encoder(keras.Model(x, several.output["x_hat"]), tmp_path / "b")
    assert list(tmp_path.iterdir()) == []
    for name in ("z", "code"):  # of an output in a dictionary, of a layer
        assert Encoder(export_encoder(several, tmp_path / name, layer=name)).code_shape == (5,)
