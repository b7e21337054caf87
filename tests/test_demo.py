from pathlib import Path

import pytest

from keras_sparse import cli
from keras_sparse_export import Encoder


def test_demo(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["demo", "-o", str(tmp_path / "demo"), "--epochs", "2"]) == 0
    out = capsys.readouterr().out
    assert "On 449 held-out digits" in out
    assert "golden rows verified" in out
    Encoder(tmp_path / "demo").verify()
    assert "Handwritten digits" in (tmp_path / "demo-report.html").read_text("utf-8")
