"""The page about microcontrollers, run as it stands."""

import re
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from keras_sparse_export import Encoder

PAGE = Path(__file__).parents[4] / "docs" / "microcontroller.md"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        keras.backend.backend() != "tensorflow", reason="converts on the TensorFlow backend"
    ),
]


@pytest.fixture
def blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), flags=re.DOTALL)


@pytest.fixture
def written(blocks: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the first block leaves, in its folder."""
    pytest.importorskip("ai_edge_litert", reason="needs LiteRT: pip install ai-edge-litert")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(blocks[0], names)
    return names


def test_golden_rows_pass_in_litert(written: dict[str, Any]) -> None:
    parity = Encoder("encoder", runtime="litert").verify().litert_parity
    assert parity is not None
    assert parity.passed
    assert parity.rows == 32


def test_golden_rows_pass_on_a_microcontroller(
    written: dict[str, Any], blocks: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("tflite_micro", reason="needs TFLM: pip install tflite-micro")
    exec(blocks[1], written)
    assert len(written["rows"]) == 32
    assert np.any(written["codes"])
    assert "Arena allocation total" in "".join(capfd.readouterr())
