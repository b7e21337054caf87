import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(name: str, *arguments: str | Path) -> str:
    result = subprocess.run(
        [sys.executable, "-W", "error::UserWarning:keras_sparse", EXAMPLES / name, *arguments],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_add_sparsity_to_any_model(tmp_path: Path) -> None:
    out = run("add_sparsity_to_any_model.py", "--epochs", "1", "-o", tmp_path / "bundle")
    assert "Mean activation" in out


def test_train_and_export_then_run_on_device(tmp_path: Path) -> None:
    out = run("train_and_export.py", "--epochs", "1", "-o", tmp_path / "bundle")
    assert "Explained variance" in out
    out = run("run_on_device.py", tmp_path / "bundle")
    assert "6 files as in the manifest; golden rows: real" in out
    assert "32 rows" in out


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("*.py")))
def test_every_example_is_tested_and_readable_at_one_sitting(name: str) -> None:
    assert f'"{name}"' in Path(__file__).read_text()
    assert len((EXAMPLES / name).read_text().splitlines()) <= 60
