from functools import partial
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import helper, numpy_helper

from keras_sparse_export.errors import ConversionError, ParityError
from keras_sparse_export.runtime import parity

ULP = 2.0**-23


def test_each_unit_has_the_tolerance_of_its_own_range() -> None:
    code = np.array([[0.0, -3.0, 50.0], [0.5, 1.0, 50.0], [0.0, 5.0, 50.0]])
    rounding = 16 * ULP * 50
    assert parity.tolerance(code) == pytest.approx([rounding] * 3)
    code[:, 2] = 1
    rounding = 16 * ULP * 5
    assert parity.tolerance(code) == pytest.approx([rounding, 4e-5, rounding])


def test_small_codes_have_a_small_tolerance() -> None:
    code = np.array([[0.0, 2e-7], [4e-7, 3e-7]])
    assert parity.tolerance(code) == pytest.approx([4e-9, 4e-9])
    assert parity.tolerance(np.zeros((3, 2))).tolist() == [2.0**-149] * 2  # float32's smallest


def test_columns_have_scales_of_their_own() -> None:
    rows = np.array([[1e-6, 1e5, 0.0, 1e9, 0.0], [2e-6, 1e5 + 1, 0.0, 1.0, 0.0]])
    found = np.array([[1e-6, 1e5, 0.0, 0.0, 2.0], [2e-6, 1e5 + 1, 1e-6, 1.0, 2.0]])
    allowed = parity.tolerance(found, rows)
    of_all = 16 * ULP * (1e5 + 1)  # also of a column with an outlier
    assert allowed == pytest.approx([2e-8, of_all, 16 * ULP, of_all, 2**12 * 16 * ULP * 2])


def test_no_tolerance_exceeds_that_of_the_largest_output(rng: np.random.Generator) -> None:
    for scale in 10.0 ** np.arange(-9, 9):
        rows, found = scale * rng.standard_cauchy((2, 9, 4, 5)) * 10.0 ** np.arange(-2, 3)
        most = 1e-5 * max(1, np.abs(found).max())
        for targets in (None, rows):
            assert (parity.tolerance(found, targets) <= most).all()


def test_positions_count_as_rows() -> None:
    code = np.arange(24.0).reshape(2, 3, 4)
    np.testing.assert_array_equal(parity.tolerance(code), parity.tolerance(code.reshape(6, 4)))


@pytest.mark.parametrize("unit", [0, 1])
def test_a_wrong_unit_is_found_beside_one_of_another_scale(unit: int) -> None:
    rows = np.array([[0.0, 0.0], [1e-3, 1e4], [2e-3, 3e4]])

    def without(batch: np.ndarray) -> np.ndarray:
        code = batch.copy()
        code[:, unit] *= 0.99
        return code

    found = parity.parity(lambda batch: batch, without, rows, targets=rows)
    assert not found.passed
    assert found.max_abs_error == pytest.approx(0.01 * rows[:, unit].max())
    assert parity.parity(lambda batch: batch, lambda batch: batch, rows, targets=rows).passed


@pytest.mark.parametrize("output", [5.0, 1e-3])
def test_a_wrong_column_is_found_although_it_is_zero_in_the_rows(output: float) -> None:
    rows = np.array([[0.0, 1.3e7], [0.0, 1.0]])

    def reconstruct(batch: np.ndarray, factor: float) -> np.ndarray:
        return np.column_stack([np.full(len(batch), factor * output), batch[:, 1]])

    for factor, right in ((0.0, False), (0.99, False), (1 + 1e-5, True)):
        actual = partial(reconstruct, factor=factor)
        found = parity.parity(partial(reconstruct, factor=1.0), actual, rows, targets=rows)
        assert found.passed == right


def test_a_right_column_that_is_zero_in_the_rows_may_round(rng: np.random.Generator) -> None:
    # Weights that cancel, as those of correlated units do; another order of summation.
    codes = np.repeat(rng.random((32, 8)), 2, axis=1).astype(np.float32)
    half = rng.normal(size=8)
    for scale, offset in ((1.0, 0.0), (1e5, 10.0)):
        weights = np.repeat(half, 2) * np.tile([1, -1], 8) + rng.normal(size=16) * 1e-3
        order = rng.permutation(16)
        found, other = (
            (codes[:, at] @ weights[at].astype(np.float32)) * np.float32(scale) + np.float32(offset)
            for at in (np.arange(16), order)
        )
        found, other = (np.column_stack([one, codes[:, 0] * 1.3e7]) for one in (found, other))
        targets = np.column_stack([np.zeros(32), codes[:, 0] * 1.3e7])
        errors = parity.list_errors(found, other)
        assert errors[0] > 0
        assert (errors <= parity.tolerance(found, targets)).all()


def test_a_unit_that_is_almost_never_active_may_round_as_the_others() -> None:
    # 3e-8 is what one order of summation leaves of terms near 1, and another does not.
    rows = np.array([[1.0, 0.0], [0.5, 3e-8]])
    assert parity.parity(lambda batch: batch, lambda batch: batch * [1, 0], rows).passed


@pytest.mark.parametrize(
    ("actual", "error"),
    [
        ([[1.0, 2.0]], 0),
        ([[1.0, 2.5]], 0.5),
        ([[1.0, np.nan]], np.inf),
        ([[1.0, np.inf]], np.inf),
        ([[1.0]], np.inf),
    ],
)
def test_the_largest_error(actual: list[list[float]], error: float) -> None:
    assert parity.max_abs_error(np.array([[1.0, 2.0]]), np.array(actual)) == error


def test_every_batch_size_is_held_to_the_tolerance_of_all_rows() -> None:
    rows = np.array([[0.0], [1.0], [1000.0]])

    def off_at_one(batch: np.ndarray) -> np.ndarray:
        return batch + (6e-3 if len(batch) == 1 else 4e-3)

    found = parity.parity(lambda batch: batch, off_at_one, rows)
    assert not found.passed
    assert found.max_abs_error == pytest.approx(6e-3)
    assert found.tolerance == pytest.approx(5e-3)


def test_infinite_codes_do_not_pass() -> None:
    found = parity.parity(lambda rows: rows * np.inf, lambda rows: rows * np.inf, np.ones((3, 2)))
    assert not found.passed


def test_batches_of_one_two_and_all_are_compared(rng: np.random.Generator) -> None:
    sizes = []

    def run(rows: np.ndarray) -> np.ndarray:
        sizes.append(len(rows))
        return rows + (1.0 if len(rows) == 2 else 0.0)

    found = parity.parity(lambda rows: rows, run, rng.random((7, 3)))
    assert sizes == [1, 2, 7]
    assert not found.passed
    assert found.max_abs_error == pytest.approx(1)
    assert parity.parity(lambda rows: rows, lambda rows: rows, rng.random((1, 3))).passed


def graph(*nodes: tuple[str, list[str], str], **constants: Any) -> bytes:
    """A graph from `x` to `code`, both of two columns."""
    x, code = (
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["batch", 2])
        for name in ("x", "code")
    )
    proto = helper.make_graph(
        [helper.make_node(operator, inputs, [output]) for operator, inputs, output in nodes],
        "encoder",
        [x],
        [code],
        [
            numpy_helper.from_array(np.asarray(value, np.float32), name)
            for name, value in constants.items()
        ],
    )
    opset = helper.make_opsetid("", 17)
    return bytes(helper.make_model(proto, opset_imports=[opset], ir_version=8).SerializeToString())


REWRITTEN = {
    # 1/x overflows as the file lies; onnxruntime makes x/x of it.
    "right when optimised": (
        graph(("Div", ["one", "x"], "inverse"), ("Mul", ["inverse", "x"], "code"), one=[1]),
        np.full((3, 2), 2e-39, np.float32),
        np.ones((3, 2), np.float32),
    ),
    # onnxruntime takes the factor out of the product, which then overflows.
    "right as it lies": (
        graph(
            ("Mul", ["x", "small"], "scaled"),
            ("MatMul", ["scaled", "large"], "code"),
            small=1e-30,
            large=1e30 * np.eye(2),
        ),
        np.full((3, 2), 1e30, np.float32),
        np.full((3, 2), 1e30, np.float32),
    ),
}


@pytest.mark.parametrize("name", REWRITTEN)
def test_a_file_must_be_right_as_it_lies_and_when_optimised(name: str) -> None:
    file, x, expected = REWRITTEN[name]
    levels = ort.GraphOptimizationLevel.ORT_DISABLE_ALL, ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    as_it_lies, optimised = (parity.load_first_output(file, level)(x) for level in levels)
    if np.array_equal(as_it_lies, optimised):
        pytest.skip("this release of onnxruntime does not rewrite the graph")
    right = optimised if name == "right when optimised" else as_it_lies
    np.testing.assert_allclose(right, expected, rtol=1e-5)
    with pytest.raises(ParityError, match=r"`code.onnx` in onnxruntime to agree .*Nothing was wri"):
        parity.gate("code.onnx", lambda rows: expected[: len(rows)], file, x)


def test_a_file_that_onnxruntime_does_not_load_is_named() -> None:
    value = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["batch", 3])
    code = helper.make_tensor_value_info("code", onnx.TensorProto.FLOAT, ["batch", 3])
    graph = helper.make_graph(
        [helper.make_node("NoOperator", ["x"], ["code"])], "g", [value], [code]
    )
    with pytest.raises(ConversionError, match=r"does not \(.*NoOperator"):
        parity.load_outputs(
            helper.make_model(graph).SerializeToString(), ort.GraphOptimizationLevel.ORT_ENABLE_ALL
        )


def test_rounding_is_that_of_differences_of_large_numbers() -> None:
    rng = np.random.default_rng(1)
    rows = rng.normal(1000, 1, (64, 400)).astype(np.float32)
    weights = rng.normal(size=(400, 5))
    weights -= weights.mean(axis=0)  # the common level cancels

    def run(dtype: Any) -> parity.Run:
        return lambda x: x.astype(dtype) @ weights.astype(dtype)

    exact = run(np.float64)(rows)
    noise = np.abs(run(np.float32)(rows) - exact).max()
    found = parity.measure_rounding(run(np.float64), rows)
    assert noise / 3 < found < 300 * noise
    assert found > parity.tolerance(exact).max() / 4
    assert parity.measure_rounding(lambda x: 1e6 * (x - 1000), rows) <= 1e-3 * 5e6
