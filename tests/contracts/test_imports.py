"""What each package may load when it is imported, and what it must not."""

import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import keras_sparse
import keras_sparse_export

HIDDEN = """
import importlib.abc
import sys


class Hide(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == {backend!r}:
            raise ModuleNotFoundError("No module named " + repr(name), name=name)


sys.meta_path.insert(0, Hide())
"""
HEAVY = ("keras", "tensorflow", "jax", "torch", "onnx", "tf2onnx", "sklearn", "pyarrow", "pandas")


def loaded_by(*statements: str) -> list[set[str]]:
    """Of the heavy packages, those that a fresh interpreter holds after each of the statements."""
    show = f"print(*sorted(set({HEAVY!r}) & set(sys.modules)))"
    result = subprocess.run(
        [
            sys.executable,
            "-c",
            "\n".join(["import sys", *(f"{each}\n{show}" for each in statements)]),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    return [set(line.split()) for line in result.stdout.splitlines()]


@pytest.mark.process
def test_the_runtime_loads_numpy_and_onnxruntime_alone() -> None:
    assert loaded_by("from keras_sparse_export import Encoder") == [set()]
    assert loaded_by("import keras_sparse_export.cli.main") == [set()]


@pytest.mark.process
def test_the_check_can_fail() -> None:
    (loaded,) = loaded_by("from keras_sparse_export import export_encoder")
    assert loaded >= {"keras", "onnx"}


@pytest.mark.process
@pytest.mark.parametrize("command", ["keras-sparse", "keras-sparse-export"])
def test_help_loads_no_keras(command: str) -> None:
    script = Path(sys.executable).with_name(command)
    result = subprocess.run(
        [sys.executable, "-X", "importtime", script, "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    modules = {line.split("|")[-1].strip() for line in result.stderr.splitlines()}
    assert "argparse" in modules
    assert modules.isdisjoint(HEAVY)


@pytest.mark.process
def test_keras_sparse_loads_only_the_backend_that_is_selected() -> None:
    # Keras itself looks for JAX, for a callback, whatever the backend.
    by_keras, by_both = loaded_by(
        "import keras", "import keras_sparse, keras_sparse.experiments, keras_sparse.cli.main"
    )
    assert (by_both - by_keras).isdisjoint({"tensorflow", "jax", "torch"})


@pytest.mark.parametrize("package", [keras_sparse, keras_sparse_export])
def test_every_public_name_is_there(package: ModuleType) -> None:
    names: list[str] = package.__all__
    assert all(hasattr(package, name) for name in names)
    assert len(names) == len(set(names))


@pytest.mark.process
@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_a_backend_that_is_not_installed_is_named(backend: str, tmp_path: Path) -> None:
    message = f'Expected the package `{backend}`.*Remedy: pip install "keras-sparse\\[{backend}\\]"'
    environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(tmp_path)}
    (tmp_path / "sitecustomize.py").write_text(HIDDEN.format(backend=backend))
    for arguments in (
        ["-c", "import keras_sparse"],
        ["-m", "keras_sparse.cli.main", "demo", "--backend", backend],
    ):
        result = subprocess.run(
            [sys.executable, *arguments], capture_output=True, text=True, env=environment
        )
        assert result.returncode != 0
        assert re.search(message, result.stderr), result.stderr
