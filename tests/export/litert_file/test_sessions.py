"""Files in LiteRT: damaged ones, several batches and threads, and nothing on the terminal."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from bundles import manifest
from keras_sparse_export import BundleError
from keras_sparse_export.litert_file.sessions import LiteRTSession, load_interpreter

pytestmark = pytest.mark.one_backend

FILE = Path("encoder.tflite")


@pytest.fixture
def session(litert_bundle: Path) -> LiteRTSession:
    return LiteRTSession((litert_bundle / FILE).read_bytes(), FILE)


def test_batches_in_any_order_and_threads(
    session: LiteRTSession, shared_rows: np.ndarray, litert_bundle: Path
) -> None:
    (whole,) = session.run(["code"], {"x": shared_rows})
    golden = np.fromfile(litert_bundle / "golden_code.f32", "<f4").reshape(-1, 8)
    x = np.fromfile(litert_bundle / "golden_x.f32", "<f4").reshape(-1, 12)
    np.testing.assert_allclose(session.run(["code"], {"x": x})[0], golden, atol=1e-5)
    parts = [shared_rows[:1], shared_rows[:7], shared_rows[:2], shared_rows] * 5
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda part: session.run(["code"], {"x": part})[0], parts))
    for part, codes in zip(parts, found, strict=True):
        np.testing.assert_allclose(codes, whole[: len(part)], atol=1e-5)


def test_results_have_names(session: LiteRTSession, shared_rows: np.ndarray) -> None:
    indices, code, values = session.run(["indices", "code", "values"], {"x": shared_rows})
    assert indices.dtype == np.int32
    np.testing.assert_array_equal(np.take_along_axis(code, indices, axis=1), values)


def test_arrays_are_bound(session: LiteRTSession, shared_rows: np.ndarray) -> None:
    row, code = np.zeros((1, 12), np.float32), np.zeros((1, 8), np.float32)
    compute = session.bind({"x": row}, {"code": code})
    for given in shared_rows[:3]:
        row[0] = given
        compute()
        np.testing.assert_array_equal(code, session.run(["code"], {"x": row})[0])


def test_a_result_of_another_shape_is_not_spread(session: LiteRTSession) -> None:
    compute = session.bind({"x": np.zeros((1, 12), np.float32)}, {"code": np.zeros((2, 8))})
    with pytest.raises(ValueError, match=r"`code` of shape \(1, 8\)"):
        compute()


@pytest.mark.parametrize("kind", ["empty", "text", "half", "an ONNX file", "a wrong table"])
def test_other_bytes_are_refused(
    kind: str, litert_bundle: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    content = (litert_bundle / FILE).read_bytes()
    other = {
        "empty": b"",
        "text": b"\x1b[31m" * 40,
        "half": content[: len(content) // 2],
        "an ONNX file": (litert_bundle / "encoder.onnx").read_bytes(),
        "a wrong table": content[:8] + b"\xff" * (len(content) - 8),
    }
    with pytest.raises(BundleError, match=r"a \.tflite file that LiteRT .* encoder\.tflite \("):
        LiteRTSession(other[kind], FILE)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("names", "inputs", "message"),
    [
        (["code"], {"y": np.zeros((1, 12), np.float32)}, "'y'"),
        (["x_hat"], {"x": np.zeros((1, 12), np.float32)}, "'x_hat'"),
        (["code"], {"x": np.zeros((1, 11), np.float32)}, "ResizeInputTensor"),
        (["code"], {"x": np.zeros((1, 12), np.float64)}, "FLOAT64"),
    ],
)
def test_other_ends_are_refused(
    names: list[str], inputs: dict[str, np.ndarray], message: str, session: LiteRTSession
) -> None:
    with pytest.raises(BundleError, match=rf"encoder\.tflite to run in LiteRT .*{message}"):
        session.run(names, inputs)


def test_a_device_without_litert_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    monkeypatch.delitem(sys.modules, "ai_edge_litert.interpreter", raising=False)
    remedy = r'Remedy: pip install "keras-sparse-export\[litert\]"'
    with pytest.raises(ModuleNotFoundError, match=rf"the package `ai-edge-litert`.*{remedy}"):
        load_interpreter()


@pytest.mark.process
def test_a_terminal_stays_quiet_but_for_what_others_write(litert_bundle: Path) -> None:
    program = (
        "import os, sys, numpy\n"
        "from keras_sparse_export import Encoder\n"
        "from keras_sparse_export.litert_file import sessions\n"
        "load = sessions.load_interpreter()\n"
        "def loud(**options):\n"
        "    os.write(2, b'from elsewhere')\n"
        "    return load(**options)\n"
        "sessions.load_interpreter = lambda: loud\n"
        "Encoder(sys.argv[1], runtime='litert').encode(numpy.zeros((3, 12)))\n"
    )
    command = [sys.executable, "-W", "error", "-c", program, str(litert_bundle)]
    process = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (process.stdout, process.stderr) == ("", "from elsewhere")


def test_the_versions_are_in_the_manifest(litert_bundle: Path) -> None:
    assert {"ai-edge-litert", "tensorflow"} <= set(manifest(litert_bundle)["versions"])
