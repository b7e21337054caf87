"""Bundles in OpenVINO, which reads the files as they are."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from bundles import manifest

FORMAT_1 = Path(__file__).parents[1] / "format_1"
pytestmark = [
    pytest.mark.one_backend,
    pytest.mark.skipif(find_spec("openvino") is None, reason="needs openvino"),
]


@pytest.mark.parametrize(
    ("file", "golden"),
    [("encoder.onnx", "golden_code.f32"), ("encoder.int8.onnx", "golden_code.int8.f32")],
)
def test_golden_rows_agree(file: str, golden: str) -> None:
    import openvino

    found = manifest(FORMAT_1)
    rows = np.fromfile(FORMAT_1 / "golden_x.f32", "<f4").reshape(-1, *found["input"]["shape"])
    expected = np.fromfile(FORMAT_1 / golden, "<f4").reshape(len(rows), *found["output"]["shape"])
    core = openvino.Core()
    precision = {"INFERENCE_PRECISION_HINT": "f32"}  # by default bfloat16, where a CPU has it
    encode = core.compile_model(core.read_model(FORMAT_1 / file), "CPU", precision)
    # One row at a time: this int8 file takes the scale of its activations from the batch.
    codes = np.concatenate([encode(row[None])["code"] for row in rows])
    np.testing.assert_allclose(codes, expected, rtol=0, atol=1e-6)
