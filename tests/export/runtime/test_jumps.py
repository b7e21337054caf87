from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import pytest

from keras_sparse_export.errors import ParityError
from keras_sparse_export.runtime import jumps, parity
from keras_sparse_export.runtime.jumps import Jump, Observation
from onnx_files import encoder

pytestmark = pytest.mark.one_backend

THETA = np.float32(0.75)
JUMP = Jump(np.asarray(THETA))
LARGEST = Jump(None, 2)
TAPS = [("x", "code"), ("z", "code")]


def test_what_equals_the_threshold_is_not_passed_on() -> None:
    above = np.nextafter(THETA, np.float32(1))
    z = np.array([[THETA, above, -1.0, 2.0]], np.float32)
    np.testing.assert_array_equal(JUMP.apply(z), [[0, above, 0, 2]])
    each = Jump(np.array([0.5, 2, 0, 2], np.float32))
    np.testing.assert_array_equal(each.apply(z), [[THETA, 0, 0, 0]])


def test_the_largest_are_passed_on_the_lower_unit_first_if_above_0() -> None:
    z = np.array([[1.0, 3.0, 1.0, -2.0], [-1.0, 4.0, -3.0, -2.0]], np.float32)
    np.testing.assert_array_equal(LARGEST.apply(z), [[1, 3, 0, 0], [0, 4, 0, 0]])


def test_the_threshold_of_a_rank_is_midway_and_at_least_0() -> None:
    z = np.array([[1.0, 3.0, 2.0], [-1.0, 4.0, -3.0]], np.float32)
    assert LARGEST.find_thresholds(z).tolist() == [[1.5], [0]]
    assert Jump(None, 3).find_thresholds(z).tolist() == [[0], [0]]


@pytest.mark.parametrize("jump", [JUMP, LARGEST, Jump(None, 1)], ids=["θ", "2", "1"])
def test_rounding_flips_units_within_the_band_alone(jump: Jump, rng: np.random.Generator) -> None:
    allowed = np.array([0.02, 0.01, 0.03, 0.02])
    z = (0.75 + 0.05 * rng.normal(size=(5000, 4))).astype(np.float32)
    other = z + allowed * rng.uniform(-1, 1, z.shape).astype(np.float32)
    flips = (jump.apply(z) != 0) != (jump.apply(other) != 0)
    distances = np.abs(z - jump.find_thresholds(z))
    assert flips.sum() > 100
    assert (distances <= jump.find_bands(allowed))[flips].all()
    # Nor is the band twice as wide as it need be.
    assert (distances / jump.find_bands(allowed))[flips].max() > 0.5


# The gate ----------------------------------------------------------------------------------------


def file(theta: float = float(THETA), weights: Any = 1.0) -> bytes:
    nodes = [("Mul", "x weights", "z"), ("ThresholdedRelu", "z", "code", {"alpha": theta})]
    return bytes(
        encoder(
            nodes, {"weights": np.ones(4, np.float32) * np.float32(weights)}
        ).SerializeToString()
    )


def reference(rows: np.ndarray) -> Observation:
    code = JUMP.apply(rows)
    return Observation(code, [(rows, code)])


def judge(onnx_bytes: bytes, rows: np.ndarray, **other: Any) -> parity.Parity:
    arguments = {"reference": reference, "taps": TAPS, "jumps": [JUMP], **other}
    return jumps.gate("encoder.onnx", onnx_bytes=onnx_bytes, rows=rows, **arguments)


@pytest.fixture
def x(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(size=(1500, 4)).astype(np.float32)


def test_a_right_file_passes(x: np.ndarray) -> None:
    found = judge(file(), x)
    assert found.passed
    assert (found.rows, found.batch_sizes) == (1500, (1, 2, 1500))


@pytest.mark.parametrize("factor", [0.99, 1.01])
def test_another_threshold_is_refused(factor: float, x: np.ndarray) -> None:
    with pytest.raises(ParityError, match=r"exceeds the threshold.*other codes. Nothing was writ"):
        judge(file(theta=factor * float(THETA)), x)


def test_one_wrong_weight_is_refused(x: np.ndarray) -> None:
    with pytest.raises(ParityError, match=r"Keras within \S+\. Received: a difference of 0\.0"):
        judge(file(weights=[1, 1, 1.01, 1]), x)


def test_a_flip_beyond_the_band_is_refused(x: np.ndarray) -> None:
    moved = Jump(np.asarray(np.float32(1.01) * THETA))

    def other(rows: np.ndarray) -> Observation:
        code = moved.apply(rows)
        return Observation(code, [(rows, code)])

    with pytest.raises(ParityError, match=r"active units of Keras, except within \S+ of the thr"):
        judge(file(), x, reference=other)


def at_the_threshold(rows: np.ndarray, count: int) -> np.ndarray:
    """Rows of which some have a unit that rounding to the other side of θ makes active."""
    rows = rows.copy()
    rows[:count, 1] = THETA
    return rows


def rounded_up(rows: np.ndarray) -> Observation:
    z = np.where(rows == THETA, np.nextafter(THETA, np.float32(1)), rows)
    code = JUMP.apply(z)
    return Observation(code, [(z, code)])


@pytest.mark.parametrize(
    ("rows", "flips", "passes"),
    [(1500, 1, True), (1500, 2, False), (3000, 3, True), (3000, 4, False), (9, 1, True)],
)
def test_one_row_in_1000_may_flip(
    rows: int, flips: int, passes: bool, rng: np.random.Generator
) -> None:
    x = at_the_threshold(rng.normal(size=(rows, 4)).astype(np.float32), flips)
    if passes:
        assert judge(file(), x, reference=rounded_up).passed
    else:
        with pytest.raises(ParityError, match=rf"all rows but .*Received: {flips} of {rows} rows"):
            judge(file(), x, reference=rounded_up)


def passes_of(z: np.ndarray, second: np.ndarray) -> Observation:
    h, code = JUMP.apply(z), JUMP.apply(second)
    return Observation(code, [(z, h), (second, code)])


def compare(one: Observation, other: Observation) -> jumps.Differences:
    return jumps.find_differences(one, other, [JUMP, JUMP], [np.full(4, 1e-5)] * 3)


def test_the_second_pass_is_judged_where_the_first_did_not_flip(x: np.ndarray) -> None:
    z, up = at_the_threshold(x, 1), rounded_up(at_the_threshold(x, 1)).passes[0][0]
    second = z + 0.5
    moved = second.copy()
    moved[0] += 1  # as a correction of another first pass
    found = compare(passes_of(z, second), passes_of(up, moved))
    assert found.flipped.tolist() == [True] + [False] * 1499
    assert found.outside is None
    assert found.error < 1e-6
    moved[1] += 1
    found = compare(passes_of(z, second), passes_of(up, moved))
    assert found.error == pytest.approx(1)


def test_numbers_that_are_not_finite_and_other_shapes_differ(x: np.ndarray) -> None:
    one = passes_of(x, x)
    assert compare(one, passes_of(np.where(x > 2, np.nan, x), x)).error == np.inf
    assert compare(one, passes_of(x[:, :3], x)).error == np.inf


def test_a_file_whose_codes_are_not_those_of_its_last_jump_is_refused(x: np.ndarray) -> None:
    nodes: Sequence[Any] = [
        ("ThresholdedRelu", "x", "h", {"alpha": float(THETA)}),
        ("Mul", "h two", "code"),
    ]
    data = encoder(nodes, {"two": np.array([1.001], np.float32)}).SerializeToString()
    with pytest.raises(ParityError, match=r"a difference of 0\.00"):
        judge(data, x, taps=[("x", "code"), ("x", "h")])


def test_outputs_are_added_without_the_package_onnx() -> None:
    data = jumps._add_outputs(file(), ["z"])
    assert [output.name for output in onnx.load_from_string(data).graph.output] == ["code", "z"]


# The codes alone ---------------------------------------------------------------------------------


def judge_codes(codes: np.ndarray, x: np.ndarray, **other: Any) -> parity.Parity:
    arguments: dict[str, Any] = {"reference": reference, "jumps": [JUMP], **other}
    return jumps.gate_codes(
        "encoder.tflite", "LiteRT", run=lambda rows: codes[: len(rows)], rows=x, **arguments
    )


def test_codes_of_another_rounding_pass(x: np.ndarray) -> None:
    found = judge_codes(JUMP.apply(x) * np.float32(1 + 1e-6), x)
    assert found.passed
    assert (found.rows, found.batch_sizes) == (1500, (1, 2, 1500))


@pytest.mark.parametrize(("flips", "passes"), [(1, True), (2, False)])
def test_one_row_in_1000_may_flip_at_its_threshold(flips: int, passes: bool, x: np.ndarray) -> None:
    x = at_the_threshold(x, flips)
    if passes:
        assert judge_codes(rounded_up(x).code, x).passed
    else:
        with pytest.raises(ParityError, match=r"in LiteRT.* 2 of 1500 rows with others, 0 of them"):
            judge_codes(rounded_up(x).code, x)


@pytest.mark.parametrize("change", [0.01, -10.0, np.nan])
def test_another_code_of_a_row_away_from_its_threshold_is_refused(
    change: float, x: np.ndarray
) -> None:
    x = np.concatenate([x, np.full((1, 4), 2, np.float32)])
    codes = JUMP.apply(x)
    codes[-1, 2] += np.float32(change)
    with pytest.raises(ParityError, match=r"`encoder.tflite` in LiteRT to agree.*Nothing was writ"):
        judge_codes(codes, x)


def test_units_are_exact_where_codes_are_below_the_tolerance(x: np.ndarray) -> None:
    """Of a threshold of 0 no error of a code shows that a unit is active."""
    open_ = Jump(np.array([0], np.float32))

    def small(rows: np.ndarray) -> Observation:
        return Observation(open_.apply(rows), [(rows, open_.apply(rows))])

    x[:5, 1] = -1
    codes = open_.apply(x)
    codes[:5, 1] = 1e-9
    with pytest.raises(ParityError, match="5 of 1500 rows with others, 5 of them away from every"):
        judge_codes(codes, x, reference=small, jumps=[open_])


def test_codes_of_another_shape_are_refused(x: np.ndarray) -> None:
    with pytest.raises(ParityError, match="a difference of inf"):
        judge_codes(JUMP.apply(x)[:, :3], x)


def test_codes_that_do_not_jump_are_held_to_the_tolerance(x: np.ndarray) -> None:
    codes = np.tanh(x)
    plain = {"reference": lambda rows: Observation(np.tanh(rows)), "jumps": []}
    assert judge_codes(codes * np.float32(1 + 1e-6), x, **plain).passed
    with pytest.raises(ParityError, match="to agree with Keras within"):
        judge_codes(codes * np.float32(1 + 1e-4), x, **plain)
