import importlib
import platform
from pathlib import Path

import pytest

import keras_sparse.training
from keras_sparse.cli import main as cli
from keras_sparse.utils import memory


def test_only_glibc_keeps_freed_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    assert memory.keep_freed_memory() is (platform.libc_ver()[0] == "glibc")
    monkeypatch.setattr("sys.platform", "darwin")
    assert not memory.keep_freed_memory()


@pytest.mark.parametrize(
    ("backend", "value", "calls"),
    [("tensorflow", None, 1), ("tensorflow", "1", 1), ("tensorflow", "0", 0), ("jax", None, 0)],
)
def test_the_command_keeps_freed_memory(
    backend: str, value: str | None, calls: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    called: list[None] = []
    monkeypatch.setenv("KERAS_BACKEND", backend)
    monkeypatch.setattr(cli, "keep_freed_memory", lambda: called.append(None))
    monkeypatch.setenv("KERAS_SPARSE_KEEP_MEMORY", value or "")
    if value is None:
        monkeypatch.delenv("KERAS_SPARSE_KEEP_MEMORY")
    assert cli.main(["report", str(tmp_path / "missing")]) == cli.WRONG_CALL
    assert len(called) == calls


@pytest.mark.parametrize(("value", "calls"), [("1", 1), ("0", 0), (None, 0)])
def test_the_environment_variable_is_read_at_import(
    value: str | None, calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[None] = []
    monkeypatch.setattr(memory, "keep_freed_memory", lambda: called.append(None))
    monkeypatch.delenv("KERAS_SPARSE_KEEP_MEMORY", raising=False)
    if value is not None:
        monkeypatch.setenv("KERAS_SPARSE_KEEP_MEMORY", value)
    try:
        importlib.reload(keras_sparse.training)
        assert len(called) == calls
    finally:
        monkeypatch.undo()
        importlib.reload(keras_sparse.training)
