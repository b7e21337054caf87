"""Sessions from bytes."""

import traceback
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from keras_sparse_export import BundleError, Encoder
from keras_sparse_export.errors import RangeError
from keras_sparse_export.onnx_file.sessions import open_session, run_session
from onnx_files import encoder, integers, written

pytestmark = pytest.mark.one_backend


def test_bytes_are_taken_for_an_onnx_file_whatever_else_they_look_like(tmp_path: Path) -> None:
    """onnxruntime knows its own format by four bytes; ours has not looked at such a file."""
    relu = encoder([("Relu", "x", "code")]).SerializeToString()
    disguised = b"\x12\x06\x00\x00ORTM" + relu  # a producer's name
    with pytest.raises(Exception, match=r"(?i)ort"):
        ort.InferenceSession(disguised, providers=["CPUExecutionProvider"])
    file = tmp_path / "encoder.onnx"
    file.write_bytes(disguised)
    np.testing.assert_array_equal(Encoder(file).encode(-np.ones(4)), np.zeros(4))


def test_what_onnxruntime_does_not_load_is_named(tmp_path: Path) -> None:
    data = encoder([("MatMul", "x nothing", "code")]).SerializeToString()
    with pytest.raises(BundleError, match=r"Expected an ONNX model that onnxruntime .* loads"):
        open_session(data, tmp_path / "encoder.onnx")


def test_rows_that_a_run_fails_on_are_named(tmp_path: Path) -> None:
    """The file loads, since the place to gather from is not known before."""
    nodes = [
        ("ReduceMax", "x", "most", {"keepdims": 0}),
        ("Cast", "most", "place", {"to": 7}),
        ("Gather", "x place", "code", {"axis": 0}),
    ]
    proto = encoder(
        [*nodes[:2], ("Gather", "x place", "row", {"axis": 1}), *END], {"axes": integers(1)}
    )
    found = Encoder(written(proto, tmp_path))
    assert found.encode(np.zeros((2, 4))).shape == (2, 4)
    for rows in (np.full(4, 9.0), np.full((2, 4), 9.0)):
        with pytest.raises(RangeError, match=r"makes indices within its tables. Received: .*rows"):
            found.encode(rows)


def test_answers_of_another_shape_than_the_file_states_are_refused(tmp_path: Path) -> None:
    """No golden rows show it in a bare file."""
    nodes = [("MatMul", "x w", "code")]
    found = encoder(nodes, {"w": np.ones((4, 4), np.float32)}, units=4)
    found.graph.output[0].type.tensor_type.shape.dim[1].ClearField("dim_value")
    found.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 5
    with pytest.raises(BundleError):
        Encoder(written(found, tmp_path)).encode(np.ones((2, 4)))
    squared = encoder([("Gemm", "x x", "code", {"transA": 1})])
    opened = Encoder(written(squared, tmp_path))
    with pytest.raises(BundleError, match=r"as the file declares it.*\(4, 4\) for 3 rows"):
        opened.encode(np.ones((3, 4)))


def test_whole_numbers_are_no_codes(tmp_path: Path) -> None:
    """As where the outputs of a bundle with `top_k` come in another order: indices first."""
    found = encoder([("Cast", "x", "code", {"to": 6})])
    found.graph.output[0].type.tensor_type.elem_type = 6
    with pytest.raises(BundleError, match=r"Expected a first output of floats .* 'code', of int32"):
        Encoder(written(found, tmp_path))


def test_what_a_file_says_is_quoted_in_part_and_cannot_command_a_terminal(tmp_path: Path) -> None:
    nodes = [("\x1b[2J" + "A" * 900, "x", "code")]
    with pytest.raises(BundleError) as caught:
        Encoder(written(encoder(nodes), tmp_path))
    assert "\ufffd[2JAAA" in str(caught.value)
    assert str(caught.value).isprintable()
    assert len(str(BundleError("x" * 10**6))) < 3000


END = [("Unsqueeze", "row axes", "column"), ("Add", "x column", "code")]


ESCAPE = "\x1b]0;title\x07\x1b[2Jverified"
BEYOND = {"place": np.array([1_000_000] * 4)}  # beyond every row, which shows in a run only


@pytest.mark.parametrize("part", ["node", "result", "graph", "input", "constant", "dimension"])
def test_names_that_a_terminal_could_interpret_are_refused(part: str, tmp_path: Path) -> None:
    nodes = [("Identity", "x", "y"), ("Gather", "y place", "code", {"axis": 1})]
    proto = encoder(nodes, BEYOND)
    graph = proto.graph
    if part == "node":
        graph.node[0].name = ESCAPE
    elif part == "result":
        graph.node[0].output[0] = graph.node[1].input[0] = ESCAPE
    elif part == "graph":
        graph.name = ESCAPE
    elif part == "input":
        graph.input[0].name = graph.node[0].input[0] = ESCAPE
    elif part == "constant":
        graph.initializer[0].name = graph.node[1].input[1] = ESCAPE
    else:
        graph.input[0].type.tensor_type.shape.dim[0].dim_param = ESCAPE
    with pytest.raises(BundleError, match="a name that is not printable, \ufffd]0;title") as caught:
        Encoder(written(proto, tmp_path))
    assert "\x1b" not in "".join(traceback.format_exception(caught.value))


def test_onnxruntime_prints_nothing_and_what_it_raises_is_printable(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Its log would show names of the file, also printable ones that look like ours."""
    file = tmp_path / "encoder.onnx"
    proto = encoder([("Gather", "x place", "code", {"axis": 1})], BEYOND)
    proto.graph.node[0].name = ESCAPE
    for optimised in (True, False):
        session = open_session(proto.SerializeToString(), file, optimised=optimised)
        with pytest.raises(BundleError, match="verified") as caught:
            run_session(session, ["code"], {"x": np.ones((1, 4), np.float32)}, file)
        shown = "".join(traceback.format_exception(caught.value))
        assert "\x1b" not in shown
        assert "\x07" not in shown
    proto.graph.node[0].name, proto.graph.node[0].op_type = "", f"Gather{ESCAPE}"
    with pytest.raises(BundleError) as caught:
        open_session(proto.SerializeToString(), file)
    assert "\x1b" not in "".join(traceback.format_exception(caught.value))
    captured = capfd.readouterr()
    assert captured.out + captured.err == ""
