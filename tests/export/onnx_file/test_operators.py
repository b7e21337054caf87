"""Which operators a file may hold, and what lets others in."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from keras_sparse_export import BundleError, Encoder
from keras_sparse_export.cli import main
from keras_sparse_export.onnx_file import operators
from onnx_files import encoder, integers, written

pytestmark = pytest.mark.one_backend


def looped() -> onnx.ModelProto:
    """x doubled three times, in a loop."""
    value = helper.make_tensor_value_info
    body = helper.make_graph(
        [
            helper.make_node("Add", ["h", "h"], ["h_out"]),
            helper.make_node("Identity", ["go"], ["go_out"]),
        ],
        "body",
        [
            value("i", TensorProto.INT64, []),
            value("go", TensorProto.BOOL, []),
            value("h", TensorProto.FLOAT, ["batch", 4]),
        ],
        [value("go_out", TensorProto.BOOL, []), value("h_out", TensorProto.FLOAT, ["batch", 4])],
    )
    go = np.array(True)
    return encoder(
        [("Loop", "times go x", "code", {"body": body})], {"times": integers(3)[0], "go": go}
    )


def test_what_is_not_on_the_list_is_refused_by_name_unless_allowed(tmp_path: Path) -> None:
    file = written(looped(), tmp_path)
    with pytest.raises(BundleError, match=r"Received: Loop\. Remedy.*\('Loop',\).*--allow Loop"):
        Encoder(file)
    codes = Encoder(file, allow=["Loop"]).encode(np.ones((2, 4)))
    np.testing.assert_array_equal(codes, np.full((2, 4), 8.0))
    assert main.main(["info", str(file)]) == 2
    assert main.main(["info", str(file), "--allow", "Loop"]) == 0


@pytest.mark.parametrize(
    "command",
    ["encode", "drift", "verify", "info", pytest.param("bench", marks=pytest.mark.process)],
)
def test_commands_let_operators_in_by_name(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(looped(), tmp_path)
    np.save(tmp_path / "x.npy", np.ones((20, 4)))
    arguments = {
        "encode": [str(tmp_path / "x.npy"), "-o", str(tmp_path / "codes.npy")],
        "drift": [str(tmp_path / "x.npy")],
        "bench": ["--seconds", "0.01", "--threads", "1"],
    }.get(command, [])
    assert main.main([command, str(file), *arguments]) == 2
    assert "Received: Loop" in capsys.readouterr().err
    main.main([command, str(file), *arguments, "--allow", "Loop"])
    assert "Loop" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "node",
    [
        ("RandomNormalLike", "x", "code"),
        ("Dropout", "x", "code"),
        ("NonZero", "x", "code"),
        ("Unique", "x", "code"),
        ("StringNormalizer", "x", "code"),
        ("SequenceConstruct", "x", "code"),
        ("Optional", "x", "code"),
        ("Launch", "x", "code"),
    ],
)
def test_what_is_random_or_of_other_kinds_is_refused(node: tuple[Any, ...], tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=f"Received: {node[0]}"):
        Encoder(written(encoder([node]), tmp_path))


def test_an_operator_within_a_branch_is_seen(tmp_path: Path) -> None:
    proto = looped()
    (body,) = [each.g for each in proto.graph.node[0].attribute]
    body.node.add(op_type="RandomUniform", output=["r"])
    with pytest.raises(BundleError, match="Received: RandomUniform"):
        Encoder(written(proto, tmp_path), allow=("Loop",))


def test_what_is_never_let_in(tmp_path: Path) -> None:
    every = {each.name for each in onnx.defs.get_all_schemas()} | {"FusedGemm", "Mine"}

    def refused(proto: onnx.ModelProto, message: str) -> None:
        with pytest.raises(BundleError, match=message):
            Encoder(written(proto, tmp_path), allow=every)

    relu = [("Relu", "x", "code")]
    proto = encoder(relu)
    proto.graph.node[0].domain = "com.microsoft"
    refused(proto, r"ONNX' own domain in .*\. Received: com\.microsoft\.Relu")
    proto = encoder(relu)
    proto.functions.add(name="Mine")
    refused(proto, "Received: 1 functions of its own")
    proto = encoder(relu)
    proto.training_info.add()
    refused(proto, "Received: 1 training graphs")
    proto = encoder(relu)
    proto.graph.sparse_initializer.add()
    refused(proto, "Received: sparse ones")
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(16))
    for location in ("secret", str(secret), "../secret"):
        proto = encoder([("Add", "x w", "code")], {"w": np.zeros(4, np.float32)})
        (w,) = proto.graph.initializer
        w.ClearField("raw_data")
        w.data_location = TensorProto.EXTERNAL
        w.external_data.add(key="location", value=location)
        refused(proto, "Expected numbers in the file itself in .* Received: w")
    value = helper.make_tensor("v", TensorProto.FLOAT, [4], [0.0] * 4)
    value.external_data.add(key="location", value="secret")
    proto = encoder([("Constant", "", "w", {"value": value}), ("Add", "x w", "code")])
    refused(proto, "Expected numbers in the file itself")


def test_all_on_the_list_are_onnx_own_without_graphs_and_with_numbers_alone() -> None:
    for name in operators.ALLOWED:
        schema = onnx.defs.get_schema(name, 22)
        assert schema.domain == ""
        kinds = {each.type for each in schema.attributes.values()}
        assert not kinds & {onnx.defs.OpSchema.AttrType.GRAPH, onnx.defs.OpSchema.AttrType.GRAPHS}
        given = {kind for each in schema.outputs for kind in each.types}
        assert any(kind.startswith("tensor(") for kind in given), name
        assert not name.startswith(("Random", "Sequence", "String", "Optional"))
        assert name not in ("Dropout", "Bernoulli", "Multinomial", "Loop", "If", "Scan")


@pytest.mark.parametrize("allow", ["Loop", [3], [""], [None]])
def test_names_are_asked_for(allow: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"argument `allow`. Expected names of ONNX operators"):
        Encoder(tmp_path, allow=allow)


def test_a_name_that_a_shell_would_run_is_in_no_remedy(tmp_path: Path) -> None:
    proto = encoder([("If; touch here", "x", "code")])
    with pytest.raises(BundleError, match=r"Received: If; touch here$"):
        Encoder(written(proto, tmp_path))
