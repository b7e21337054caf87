import numpy as np
import pytest

from keras_sparse_export.convert.jumps import thresholds
from keras_sparse_export.errors import ParityError
from keras_sparse_export.runtime.jumps import Jump
from onnx_files import encoder

pytestmark = pytest.mark.one_backend

THETA = np.array([0.5, 0.5, 0.25, 1], np.float32)
WHERE = [("Greater", "x theta", "active"), ("Where", "active x zero", "code")]


def gated(*nodes: tuple[object, ...], theta: np.ndarray = THETA) -> bytes:
    constants = {"theta": theta, "zero": np.float32(0)}
    return bytes(encoder(nodes, constants).SerializeToString())


@pytest.fixture
def x(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(size=(500, 4)).astype(np.float32)


def test_the_curve_gives_the_l0_of_each_threshold(x: np.ndarray) -> None:
    curve = thresholds.describe(gated(*WHERE), [Jump(THETA)], x)["calibration"]
    assert curve["threshold"][0] == 0.25
    assert len(curve["l0"]) == 64
    codes = np.where(x > THETA, x, 0)
    for l0, threshold in zip(curve["l0"], curve["threshold"], strict=True):
        assert l0 == (codes > np.float32(threshold)).sum() / 500
        assert float(np.float32(threshold)) == threshold
    assert curve["l0"][-1] == pytest.approx(curve["l0"][0] / 16, rel=0.02)
    np.testing.assert_allclose(np.diff(np.log(curve["l0"])), -np.log(16) / 63, atol=0.02)


def test_thresholds_are_listed_with_their_operators(x: np.ndarray) -> None:
    found = thresholds.describe(gated(*WHERE), [Jump(THETA)], None)
    assert found == {
        "thresholds": [{"pass": 1, "operator": "Greater", "values": THETA.tolist()}],
        "calibration": None,
    }
    first = ("ThresholdedRelu", "x", "h", {"alpha": 0.125})
    last = ("ThresholdedRelu", "h", "code", {"alpha": 0.75})
    jumps = [Jump(np.asarray(value, np.float32)) for value in (0.125, 0.75)]
    found = thresholds.describe(gated(first, last), jumps, x)
    assert [entry["values"] for entry in found["thresholds"]] == [[0.125], [0.75]]
    assert found["calibration"]["threshold"][0] == 0.75


def test_no_threshold_is_listed_where_the_code_comes_from_elsewhere(x: np.ndarray) -> None:
    first = ("ThresholdedRelu", "x", "h", {"alpha": 0.5})
    jumps = [Jump(np.asarray(0.5, np.float32))]
    found = thresholds.describe(gated(first, ("Tanh", "h", "code")), jumps, x)
    assert found == {"thresholds": None, "calibration": None}
    assert thresholds.describe(gated(("Relu", "x", "code")), [], x) == {}


def test_a_curve_needs_active_codes() -> None:
    found = thresholds.describe(gated(*WHERE), [Jump(THETA)], -np.ones((9, 4), np.float32))
    assert found["calibration"] is None


def test_thresholds_are_those_of_the_model_to_the_bit() -> None:
    other = np.nextafter(THETA, np.float32(2))
    with pytest.raises(ParityError, match=r"with the thresholds of the model. Received: others"):
        thresholds.describe(gated(*WHERE, theta=other), [Jump(THETA)], None)
