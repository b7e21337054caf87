"""Refined codes: two passes that share the weights of the encoder and of the decoder."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from bundles import manifest, replaced, rewritten, set_at
from keras_sparse import BatchTopK, RefinedCode, TiedDecoder, TopK
from keras_sparse_export import Encoder, export_encoder
from keras_sparse_export.convert.builder import build
from keras_sparse_export.errors import ParityError, VerificationError

FEATURES, UNITS = 12, 24
Mutate = Callable[[onnx.ModelProto], Any]


class Halves(keras.Model):
    """An encoder and a decoder."""

    def __init__(self, encoder: keras.Model, decoder: keras.Model) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder, decoder


def refined(rows: np.ndarray, gate: Any) -> Halves:
    """A model of a refined code, not trained."""
    x, h = keras.Input((FEATURES,)), keras.Input((UNITS,))
    normal = keras.layers.Normalization(mean=rows.mean(0), variance=rows.var(0))
    code = RefinedCode(UNITS, gate, name="code")
    encoder = keras.Model(x, code(normal(x)))
    for weight in (code.bias, code.second_bias, code.decoder_bias):
        weight.assign(0.1 * np.random.default_rng(0).normal(size=weight.shape))
    code.calibrate(normal(rows))
    return Halves(encoder, keras.Model(h, TiedDecoder(code)(h)))


@pytest.mark.parametrize("gate", [BatchTopK, TopK])
def test_a_refined_code_is_plain_products_and_two_gates(
    gate: Any, rows: np.ndarray, tmp_path: Path
) -> None:
    model = refined(rows, gate(4))
    path = export_encoder(model, tmp_path / "b", sample=rows, decoder=True)
    code = keras.ops.convert_to_numpy(model.encoder(rows))
    encoder = Encoder(path)
    np.testing.assert_allclose(encoder.encode(rows), code, atol=1e-5)
    np.testing.assert_array_equal(encoder.encode(rows) != 0, code != 0)
    expected = keras.ops.convert_to_numpy(model.decoder(code))
    np.testing.assert_allclose(encoder.decode(code), expected, atol=1e-5)
    graph = onnx.load(str(path / "encoder.onnx")).graph
    # The weights are in the file once: W, D, three biases, and offset and scale of the columns.
    assert sum(np.prod(tensor.dims) for tensor in graph.initializer if tensor.data_type == 1) == (
        2 * FEATURES * UNITS + 2 * UNITS + FEATURES + 2 * FEATURES
    )
    found = manifest(path)["thresholds"]
    if gate is BatchTopK:
        layer = model.encoder.get_layer("code")
        assert [entry["values"] for entry in found] == [[float(t)] for t in layer.thresholds]
        assert [entry["pass"] for entry in found] == [1, 2]
    else:
        assert found is None


# Mutations ---------------------------------------------------------------------------------------


def move_threshold(place: int, factor: float) -> Mutate:
    def mutate(model: onnx.ModelProto) -> None:
        nodes = [node for node in model.graph.node if node.op_type == "ThresholdedRelu"]
        nodes[place].attribute[0].f *= factor

    return mutate


def change(shape: tuple[int, ...], *place: Any) -> Mutate:
    """Change a part of the weights of some shape by 1 %."""

    def mutate(model: onnx.ModelProto) -> None:
        (tensor,) = (t for t in model.graph.initializer if tuple(t.dims) == shape)
        values = numpy_helper.to_array(tensor).copy()
        values[place] *= 1.01
        tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))

    return mutate


MUTATIONS = {
    "first threshold, lower": move_threshold(0, 0.99),
    "first threshold, higher": move_threshold(0, 1.01),
    "last threshold, lower": move_threshold(1, 0.99),
    "last threshold, higher": move_threshold(1, 1.01),
    "a unit of W": change((FEATURES, UNITS), slice(None), 5),
    "a row of D": change((UNITS, FEATURES), 5),
}


@pytest.fixture
def model(rows: np.ndarray) -> Halves:
    return refined(rows, BatchTopK(4))


@pytest.mark.slow
def test_a_file_with_one_wrong_number_is_never_written(
    model: Halves, rows: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    convert = build.convert
    for mutate in MUTATIONS.values():

        def convert_wrongly(*args: Any, mutate: Mutate = mutate) -> onnx.ModelProto:
            proto = convert(*args)
            mutate(proto)
            return proto

        monkeypatch.setattr(build, "convert", convert_wrongly)
        with pytest.raises(ParityError, match="Nothing was written"):
            export_encoder(model, tmp_path / "b", sample=rows)
        assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_golden_rows_show_one_wrong_number(model: Halves, rows: np.ndarray, tmp_path: Path) -> None:
    path = export_encoder(model, tmp_path / "b", sample=rows)
    files = {name: (path / name).read_bytes() for name in ("encoder.onnx", "manifest.json")}
    for mutate in MUTATIONS.values():
        proto = onnx.load_from_string(files["encoder.onnx"])
        mutate(proto)
        replaced(path, "encoder.onnx", proto.SerializeToString())
        gates = [node for node in proto.graph.node if node.op_type == "ThresholdedRelu"]
        for place, gate in enumerate(gates):
            rewritten(path, set_at("thresholds", place, "values", to=[gate.attribute[0].f]))
        rewritten(path, set_at("calibration", to=None))
        with pytest.raises(VerificationError, match=r"`encoder.onnx` to"):
            Encoder(path, check=False).verify()
        for name, data in files.items():
            (path / name).write_bytes(data)
    Encoder(path).verify()
