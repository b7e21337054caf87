from pathlib import Path

import keras
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from keras_sparse import L1, SparseAutoencoder
from keras_sparse_export import export_encoder
from keras_sparse_export.convert.graph.canonical import canonicalize
from keras_sparse_export.onnx_file.sessions import open_session
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


@pytest.mark.one_backend
@pytest.mark.parametrize(("before", "after"), [(8, 16), (8, 12), (7, 3), (5, 11), (9, 9), (6, 97)])
def test_the_nearest_pixels_are_the_same_and_onnxruntime_warns_of_nothing(
    before: int, after: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """tf2onnx writes a mode of Resize that onnxruntime calls deprecated, on every device."""
    modes = {"coordinate_transformation_mode": "tf_half_pixel_for_nn", "nearest_mode": "floor"}
    node = helper.make_node("Resize", ["x", "", "", "sizes"], ["y"], mode="nearest", **modes)
    x, y = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, 1, size])
        for name, size in (("x", before), ("y", after))
    )
    sizes = numpy_helper.from_array(np.array([1, 1, 1, after]), "sizes")
    graph = helper.make_graph([node], "graph", [x], [y], [sizes])
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    model, _ = canonicalize(proto, "encoder", [("x", (1, 1, before))], ("code", (1, 1, after)), 17)
    session = open_session(model.SerializeToString(), tmp_path / "encoder.onnx")
    row = np.arange(before, dtype=np.float32).reshape(1, 1, 1, before)
    (code,) = session.run(None, {"x": row})
    nearest = (2 * np.arange(after) + 1) * before // (2 * after)  # ⌊(i + ½) · before / after⌋
    np.testing.assert_array_equal(code.ravel(), nearest)
    assert capfd.readouterr().err == ""


@pytest.mark.one_backend
def test_results_of_casts_have_names_of_their_own() -> None:
    whole, kind = TensorProto.INT64, TensorProto.FLOAT
    nodes = [
        helper.make_node("Add", ["a", "b"], ["s"]),
        helper.make_node("Cast", ["s"], ["y"], to=kind),
    ]
    ends = [helper.make_tensor_value_info(*end, [None, 2]) for end in (("a", whole), ("b", whole))]
    y = helper.make_tensor_value_info("y", kind, [None, 2])
    proto = helper.make_model(
        helper.make_graph(nodes, "g", ends, [y]), opset_imports=[helper.make_opsetid("", 17)]
    )
    inputs = [("tokens", (2,)), ("places", (2,))]
    model, _ = canonicalize(proto, "encoder", inputs, ("code", (2,)), 17)
    rows = {"tokens": np.ones((1, 2), np.float32), "places": np.full((1, 2), 10, np.float32)}
    (code,) = open_session(model.SerializeToString(), Path("encoder.onnx")).run(None, rows)
    np.testing.assert_array_equal(code, [[11, 11]])
