from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from keras_sparse_export.io.inputs import Input, Inputs
from keras_sparse_export.variants import rows
from keras_sparse_export.variants.comparison import Reference

pytestmark = pytest.mark.one_backend
LENGTH = 8
INPUTS = Inputs([Input("x", (LENGTH, 2), least=(2, 2))])


def encoder(operator: str, factor: float) -> bytes:
    """The codes of rows of any length: a sum or a mean over the steps, times a factor."""
    constants = {"axes": np.array([1]), "factor": np.float32(factor)}
    takes_axes = operator == "ReduceSum"
    attributes: dict[str, Any] = {} if takes_axes else {"axes": [1]}
    names = ["x", "axes"] if takes_axes else ["x"]
    graph = helper.make_graph(
        [
            helper.make_node(operator, names, ["h"], keepdims=0, **attributes),
            helper.make_node("Mul", ["h", "factor"], ["z"]),
            helper.make_node("ThresholdedRelu", ["z"], ["code"], alpha=4.0),
        ],
        "encoder",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", "length_1", 2])],
        [helper.make_tensor_value_info("code", TensorProto.FLOAT, ["batch", 2])],
        [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()],
    )
    opset = helper.make_opsetid("", 17)
    return helper.make_model(graph, opset_imports=[opset], ir_version=8).SerializeToString()


def test_a_form_is_compared_at_shorter_lengths() -> None:
    float32, other = encoder("ReduceMean", LENGTH), encoder("ReduceSum", 1.0)
    x = np.random.default_rng(0).uniform(0, 1, (64, LENGTH, 2)).astype(np.float32)
    shorter = rows.shorten(float32, x, INPUTS)
    assert [part.shape for part in shorter] == [(64, 5, 2), (64, 2, 2)]
    assert rows.shorten(float32, x, INPUTS.shorten((LENGTH, 2))) == []
    whole = Reference(float32, x, x, 0.0).gate(other)
    assert (whole.jaccard, whole.max_abs_error < 1e-5) == (1.0, True)
    all_lengths = Reference(float32, x, x, 0.0, shorter=shorter).gate(other)
    sums = shorter[1].sum(axis=1), LENGTH * shorter[1].mean(axis=1)
    active = [values > 4 for values in sums]
    assert all_lengths.jaccard == pytest.approx(
        (active[0] & active[1]).sum() / (active[0] | active[1]).sum(), abs=1e-6
    )
    assert all_lengths.jaccard < 0.5


def test_rows_without_finite_codes_are_left_out() -> None:
    x = np.ones((64, LENGTH, 2), np.float32)
    x[:60, 0] = np.float32(3e38)
    assert [len(part) for part in rows.shorten(encoder("ReduceSum", 2.0), x, INPUTS)] == [4, 4]
