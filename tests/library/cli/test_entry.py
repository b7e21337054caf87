import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import keras
import pytest

from keras_sparse.cli import entry

pytestmark = pytest.mark.process

BACKENDS = [name for name in ("tensorflow", "jax", "torch") if find_spec(name)]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )


@pytest.mark.one_backend
def test_help_loads_no_keras() -> None:
    result = run("-X", "importtime", str(entry.__file__), "train", "--help")
    assert "--learning-rate" in result.stdout
    modules = {line.split("|")[-1].strip() for line in result.stderr.splitlines()}
    assert "keras_sparse.cli.arguments" in modules
    assert modules.isdisjoint({"keras", "numpy", "keras_sparse_export"})


AFTER = """
import runpy, sys
sys.argv = ["keras-sparse", "report", "nowhere", *sys.argv[2:]]
try:
    runpy.run_path({path!r}, run_name="__main__")
except SystemExit as error:
    print(error.code)
import keras, keras_sparse
from keras_sparse.sparsity.regularizers import L1
print(keras.backend.backend())
print(keras.saving.get_registered_name(L1), keras_sparse.L1 is L1)
print(all(hasattr(keras_sparse, name) for name in keras_sparse.__all__))
"""


def test_the_backend_is_selected_before_keras_loads_and_the_package_is_complete_then(
    tmp_path: Path,
) -> None:
    other = next((name for name in BACKENDS if name != keras.backend.backend()), BACKENDS[0])
    code = AFTER.format(path=str(entry.__file__))
    result = run("-c", code, "--", "--backend", other, KERAS_BACKEND=keras.backend.backend())
    assert result.stdout.splitlines() == ["2", other, "keras_sparse>L1 True", "True"], result.stderr
    assert "which does not exist" in result.stderr


@pytest.mark.one_backend
def test_a_program_of_any_name_registers_the_classes() -> None:
    code = (
        "import sys; sys.argv[0] = 'keras-sparse'\n"
        "import keras_sparse, keras\n"
        "print(keras.saving.get_registered_object('keras_sparse>SparseAutoencoder').__name__)"
    )
    assert run("-c", code).stdout.split() == ["SparseAutoencoder"]


@pytest.mark.one_backend
def test_the_package_runs_as_a_module() -> None:
    result = run("-m", "keras_sparse", "report", "nowhere")
    assert result.returncode == 2
    line = result.stderr.splitlines()[-1]  # TensorFlow may log before, as it is loaded first
    assert line.startswith("keras-sparse: Invalid value for argument `RUN_OR_SWEEP`")
