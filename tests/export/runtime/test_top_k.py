import hashlib
import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import helper, numpy_helper

from keras_sparse import L1
from keras_sparse_export import Encoder, VerificationError, export_encoder
from keras_sparse_export.convert.graph import canonical
from keras_sparse_export.errors import ParityError
from keras_sparse_export.runtime import top_k
from models import CONVERTERS, plain_model, trained


def outputs(path: Path, rows: np.ndarray) -> list[np.ndarray]:
    session = ort.InferenceSession(path / "encoder.onnx")
    found: list[np.ndarray] = session.run(["code", "values", "indices"], {"x": rows})
    return found


def pairs(values: np.ndarray, indices: np.ndarray) -> list[list[tuple[float, int]]]:
    k = values.shape[-1]
    rows = zip(values.reshape(-1, k).tolist(), indices.reshape(-1, k).tolist(), strict=True)
    return [list(zip(*row, strict=True)) for row in rows]


def sorted_by_hand(codes: np.ndarray, k: int) -> list[list[tuple[float, int]]]:
    """Of each row of units, the k of largest magnitude as Python's own sort has them."""
    rows = codes.reshape(-1, codes.shape[-1]).tolist()
    places = [sorted(range(len(row)), key=lambda at: (-abs(row[at]), at))[:k] for row in rows]
    return [[(row[at], at) for at in found] for row, found in zip(rows, places, strict=True)]


@pytest.mark.parametrize("opset", [13, 14, 15, 16, 17, 18])
def test_values_and_indices_at_every_opset(opset: int, rows: np.ndarray, tmp_path: Path) -> None:
    model = plain_model("tanh")
    path = export_encoder(
        model, tmp_path / "b", layer="code", sample=rows, top_k=3, converter="builder", opset=opset
    )
    for size in (1, 2, 400):
        code, values, indices = outputs(path, rows[:size])
        assert [str(each.dtype) for each in (values, indices)] == ["float32", "int32"]
        assert pairs(values, indices) == sorted_by_hand(code, 3)
    Encoder(path).verify()


@pytest.mark.slow
@pytest.mark.parametrize("converter", CONVERTERS)
def test_the_codes_are_what_they_were(converter: str, rows: np.ndarray, tmp_path: Path) -> None:
    model = trained(rows, L1(1e-3), normalization="standard")
    path = export_encoder(
        model, tmp_path / "b", sample=rows, decoder=True, top_k=3, converter=converter
    )
    encoder = Encoder(path)
    np.testing.assert_allclose(encoder.encode(rows), model.encode(rows), atol=1e-5)
    found = encoder.verify()
    assert found.decoder_parity is not None
    assert found.files == 8


@pytest.mark.parametrize("k", [1, 2, 5, 6])
def test_ties_go_to_the_lower_index(k: int, tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((6,)), keras.layers.Activation("relu", name="code")])
    path = export_encoder(model, tmp_path / "b", layer="code", top_k=k)
    x = np.array([[0, 0, 0, 0, 0, 0], [1, 2, 2, 1, 2, 0], [-1, -2, 3, 3, -5, 0]], np.float32)
    code, values, indices = outputs(path, x)
    by_hand = [[0, 1, 2, 3, 4, 5], [1, 2, 4, 0, 3, 5], [2, 3, 0, 1, 4, 5]]
    assert indices.tolist() == [row[:k] for row in by_hand]
    np.testing.assert_array_equal(values, np.take_along_axis(code, indices.astype(int), axis=1))


@pytest.mark.slow
def test_many_units_with_many_ties(tmp_path: Path, rng: np.random.Generator) -> None:
    model = keras.Sequential([keras.Input((700,)), keras.layers.Activation("relu", name="code")])
    x = rng.integers(-3, 4, (40, 700)).astype(np.float32)
    for k in (1, 32, 500, 700):
        path = export_encoder(model, tmp_path / str(k), layer="code", sample=x, top_k=k)
        code, values, indices = outputs(path, x)
        assert pairs(values, indices) == sorted_by_hand(code, k)


def test_codes_with_positions_are_ranked_along_the_last_axis(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    model = keras.Sequential([keras.Input((5, 4)), keras.layers.Dense(8, "relu", name="code")])
    x = rng.normal(size=(7, 5, 4)).astype(np.float32)
    path = export_encoder(model, tmp_path / "b", layer="code", sample=x, top_k=2)
    code, values, indices = outputs(path, x)
    assert values.shape == indices.shape == (7, 5, 2)
    assert pairs(values, indices) == sorted_by_hand(code, 2)
    encoder = Encoder(path)
    assert encoder.code_shape == (5, 8)
    assert encoder.manifest is not None
    assert encoder.manifest["top_k"] == {
        "k": 2, "values": "values", "indices": "indices", "ties": "lower index first",
        "bytes_per_row": 5 * 2 * (4 + 4), "dense_bytes_per_row": 5 * 8 * 4,
    }  # fmt: skip
    encoder.verify()


@pytest.mark.slow
def test_without_top_k_the_file_is_what_it_was(rows: np.ndarray, tmp_path: Path) -> None:
    model = trained(rows)
    plain = export_encoder(model, tmp_path / "a", sample=rows)
    best = export_encoder(model, tmp_path / "b", sample=rows, top_k=2)
    short, long = (onnx.load(str(path / "encoder.onnx")).graph for path in (plain, best))
    assert [each.name for each in short.output] == ["code"]
    assert [node.op_type for node in long.node[len(short.node) :]] == [
        "Abs",
        "TopK",
        "GatherElements",
        "Cast",
    ]
    assert list(long.node[: len(short.node)]) == list(short.node)
    manifest = Encoder(plain).manifest
    assert manifest is not None
    assert manifest["top_k"] is None
    bare = Encoder(best / "encoder.onnx")
    np.testing.assert_array_equal(bare.encode(rows), Encoder(plain).encode(rows))


@pytest.mark.parametrize("k", [0, 7, -1, True, 2.0, "3"])
def test_a_k_that_the_code_does_not_have_is_refused(k: Any, tmp_path: Path) -> None:
    message = r"`top_k`. Expected an integer from 1 to 6, the units of the code, or None. Received"
    with pytest.raises(ValueError, match=message):
        export_encoder(plain_model(), tmp_path / "b", layer="code", top_k=k)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fault", ["smallest", "not by magnitude", "another k"])
def test_a_file_that_ranks_otherwise_is_never_left(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append_top_k = canonical.append_top_k

    def faulty(proto: onnx.ModelProto, k: int) -> onnx.ModelProto:
        model = append_top_k(proto, k - 1 if fault == "another k" else k)
        (node,) = [node for node in model.graph.node if node.op_type == "TopK"]
        if fault == "smallest":
            node.attribute.append(onnx.helper.make_attribute("largest", 0))
        elif fault == "not by magnitude":
            node.input[0] = "code"
        return model

    monkeypatch.setattr(canonical, "append_top_k", faulty)
    x = np.random.default_rng(0).normal(size=(6, 12)).astype(np.float32)
    with pytest.raises(ParityError, match=r"`\w+` of `encoder.onnx` to be of its 3 codes of larg"):
        export_encoder(plain_model("linear"), tmp_path / "b", layer="code", top_k=3, sample=x)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize(("file", "step"), [("golden_values.f32", 1e-2), ("golden_indices.i32", 1)])
def test_verify_finds_wrong_values_and_indices(
    file: str, step: float, rows: np.ndarray, tmp_path: Path
) -> None:
    path = export_encoder(trained(rows), tmp_path / "b", sample=rows, top_k=2)
    Encoder(path).verify()
    kind = "<f4" if file.endswith("f32") else "<i4"
    numbers = np.fromfile(path / file, kind)
    assert numbers.size == 32 * 2
    numbers[3] += step
    numbers.tofile(path / file)
    manifest = json.loads((path / "manifest.json").read_text())
    manifest["files"][file]["sha256"] = hashlib.sha256((path / file).read_bytes()).hexdigest()
    (path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(VerificationError, match="the golden values and indices"):
        Encoder(path).verify()


def test_rounding_may_turn_the_order_of_codes_that_all_but_tie() -> None:
    code = np.array([[0.5, 0.500001, 0.1]], np.float32)
    golden = top_k.select_largest(code, 2)
    assert golden[1].tolist() == [[1, 0]]
    turned = (golden[0], np.array([[0, 1]], np.int32))
    assert top_k.agree(code, golden, golden, 1e-5)
    assert top_k.agree(code, golden, turned, 1e-5)
    assert not top_k.agree(code, golden, turned, 1e-8)
    for places in ([[1, 2]], [[1, 1]], [[1, 3]], [[-1, 0]], [[1]]):
        assert not top_k.agree(code, golden, (golden[0], np.array(places, np.int32)), 1e-5)


def test_codes_of_opposite_signs_may_nearly_tie() -> None:
    code = np.array([[0.5, -0.500001, 0.1]], np.float32)
    golden = top_k.select_largest(code, 1)
    assert golden[1].tolist() == [[1]]
    turned = np.array([[0.5]], np.float32), np.array([[0]], np.int32)
    assert top_k.agree(code, golden, turned, 1e-5)
    assert not top_k.agree(code, golden, turned, 1e-5, signed=False)
    assert not top_k.agree(code, golden, (golden[0], turned[1]), 1e-5)
    assert not top_k.agree(code, golden, (-golden[0], golden[1]), 1e-5)


def test_a_file_without_values_or_indices_does_not_pass(rows: np.ndarray, tmp_path: Path) -> None:
    path = export_encoder(plain_model("relu"), tmp_path / "b", layer="code", top_k=3)
    proto = onnx.load(path / "encoder.onnx")
    top_k.gate("encoder.onnx", proto.SerializeToString(), rows, 3)
    del proto.graph.output[2]
    with pytest.raises(ValueError, match="shorter"):
        top_k.gate("encoder.onnx", proto.SerializeToString(), rows, 3)


def test_a_file_of_other_values_is_refused_with_the_first_that_differs() -> None:
    """Units selected by their value, not by magnitude; then indices of another dtype."""
    info = helper.make_tensor_value_info
    outputs = [
        info("code", 1, ["n", 3]), info("values", 1, ["n", 2]), info("indices", 6, ["n", 2])
    ]  # fmt: skip
    nodes = [
        helper.make_node("Identity", ["x"], ["code"]),
        helper.make_node("TopK", ["x", "k"], ["values", "wide"]),
        helper.make_node("Cast", ["wide"], ["indices"], to=6),
    ]
    x = info("x", 1, ["n", 3])
    k = numpy_helper.from_array(np.array([2]), "k")
    rows = np.array([[3, 2, 1], [1, 2, 4], [1, -5, 2]], np.float32)

    def gate(rows: np.ndarray) -> None:
        graph = helper.make_graph(nodes, "g", [x], outputs, [k])
        proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        top_k.gate("encoder.onnx", proto.SerializeToString(), rows, 2)

    gate(rows[:2])
    message = r"Expected `values` of .* Received: 2.0 instead of -5.0 in row 2, at batch 3"
    with pytest.raises(ParityError, match=message):
        gate(rows)
    nodes[2].attribute[0].i, outputs[2].type.tensor_type.elem_type = 7, 7
    with pytest.raises(ParityError, match=r"`indices` .* Received: int64 of shape \(1, 2\), at"):
        gate(rows)
