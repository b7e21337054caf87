from pathlib import Path

import pytest

from keras_sparse.cli.main import main
from keras_sparse_export import Encoder


@pytest.mark.one_backend
@pytest.mark.slow
def test_demo(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "-o", str(tmp_path / "demo"), "--epochs", "2"]) == 0
    out = capsys.readouterr().out
    assert "On 224 held-out digits, L0 8 asked for" in out
    lines = [line.split()[0] for line in out.split("asked for:\n\n")[1].splitlines()[1:8]]
    assert lines == ["raw", "untrained", "PCA,", "Dictionary,", "Refined", "L1", "KL"]
    assert "5 folds over 1797 digits; standard error at most 0.0" in out
    assert "explains the most" in out
    assert "golden rows verified" in out
    Encoder(tmp_path / "demo").verify()
    assert "Handwritten digits" in (tmp_path / "demo-report.html").read_text("utf-8")
