from pathlib import Path

import keras
import numpy as np
import onnx
import pytest

from keras_sparse import L1, SparseAutoencoder
from keras_sparse_export import export_encoder
from models import CONVERTERS, trained


@pytest.mark.slow
@pytest.mark.parametrize("converter", CONVERTERS)
def test_the_file_depends_on_the_weights_alone(
    converter: str, rows: np.ndarray, tmp_path: Path
) -> None:
    model = trained(rows, normalization="standard", hidden_units=(8,))
    first = export_encoder(model, tmp_path / "a", sample=rows, converter=converter)
    keras.layers.Dense(3)  # moves the counters in Keras' names
    again = SparseAutoencoder(
        12, 6, sparsity=L1(0.5), activation="sigmoid", normalization="standard", hidden_units=(8,)
    )
    again.adapt(rows)
    again.encoder.set_weights(model.encoder.get_weights())
    second = export_encoder(again, tmp_path / "b", golden="none", converter=converter)
    assert (first / "encoder.onnx").read_bytes() == (second / "encoder.onnx").read_bytes()
    again.encoder.set_weights([0.5 * weight for weight in model.encoder.get_weights()])
    third = export_encoder(again, tmp_path / "c", converter=converter)
    assert (first / "encoder.onnx").read_bytes() != (third / "encoder.onnx").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("converter", CONVERTERS)
@pytest.mark.parametrize("opset", [13, 15, 17, 18])
def test_the_contract_of_the_file(
    converter: str, opset: int, rows: np.ndarray, tmp_path: Path
) -> None:
    path = export_encoder(trained(rows), tmp_path / "b", converter=converter, opset=opset)
    model = onnx.load(str(path / "encoder.onnx"))
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", opset)]
    assert model.ir_version == (8 if opset > 14 else 7)
    (x,), (code,) = model.graph.input, model.graph.output
    for value, name, size in ((x, "x", 12), (code, "code", 6)):
        dims = value.type.tensor_type.shape.dim
        assert (value.name, dims[0].dim_param, dims[1].dim_value) == (name, "batch", size)
