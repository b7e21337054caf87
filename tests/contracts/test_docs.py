"""Everything the documentation shows is run."""

import contextlib
import doctest
import importlib
import io
import os
import pkgutil
import re
import shlex
import socket
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import keras_sparse
import keras_sparse.cli.main
import keras_sparse_export
import keras_sparse_export.cli.main
from keras_sparse import L1, SparseAutoencoder
from keras_sparse.experiments.sweeps import workers
from keras_sparse.models import budget
from keras_sparse_export import Encoder, export_encoder
from recordings import make_noise, write_folder, write_wav

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def hosts_recipe() -> str:
    (recipe,) = [block for block in blocks(README, "python") if "# train_on_hosts.py" in block]
    return recipe


def modules() -> list[str]:
    return [
        module.name
        for package in (keras_sparse, keras_sparse_export)
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        if not module.name.endswith(".__main__")  # importing it runs the command
    ]


NEEDS = {
    "keras_sparse_export.convert.backends.jax_onnx": "jax",
    "keras_sparse_export.convert.backends.torch_onnx": "torch",
}
"""Packages of other backends that a module imports."""


@pytest.mark.doc
@pytest.mark.parametrize("name", modules())
def test_examples_in_docstrings(name: str) -> None:
    if name in NEEDS:
        pytest.importorskip(NEEDS[name], reason="converts models of another backend")
    module = importlib.import_module(name)
    results = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
    assert results.failed == 0


@pytest.mark.doc
def test_no_module_is_forgotten() -> None:
    files = [
        file
        for package in (keras_sparse, keras_sparse_export)
        for file in Path(package.__path__[0]).rglob("*.py")
        if file.name != "__main__.py"
    ]
    top_levels = 2
    assert len(modules()) == len(files) - top_levels > 100
    examples = [
        example
        for name in modules()
        if name not in NEEDS or find_spec(NEEDS[name])
        for test in doctest.DocTestFinder().find(importlib.import_module(name))
        for example in test.examples
    ]
    lines = re.findall(r"^ *>>> ", "".join(file.read_text("utf-8") for file in files), re.MULTILINE)
    assert len(examples) == len(lines) > 100


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plan short trainings, those of a sweep in this process: others would load their backend."""
    monkeypatch.setattr(workers, "default_processes", lambda *_: 1)
    monkeypatch.setattr(budget, "STEPS", 200)
    monkeypatch.setattr(budget, "MOST_MIXED", 1_000)


@pytest.mark.doc
@pytest.mark.usefixtures("soon")
def test_the_python_of_the_readme_runs_in_its_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, Any] = {}
    for block in blocks(README, "python"):
        if block == hosts_recipe():
            continue
        with contextlib.redirect_stdout(io.StringIO()):
            exec(block, namespace)
    assert namespace["codes"].shape == (297, 128)
    assert namespace["code"].shape == (128,)
    assert (tmp_path / "any-encoder" / "encoder.onnx").exists()


@pytest.mark.doc
@pytest.mark.process
@pytest.mark.skipif(keras.backend.backend() != "jax", reason="many hosts are JAX's")
def test_the_recipe_for_many_hosts_runs_as_two_processes(tmp_path: Path, rows: np.ndarray) -> None:
    (tmp_path / "train_on_hosts.py").write_text(hosts_recipe())
    np.save(tmp_path / "rows.npy", rows)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    running = [
        subprocess.Popen(
            [sys.executable, "train_on_hosts.py", address, "2", str(process)],
            cwd=tmp_path,
            env={**os.environ, "KERAS_BACKEND": "jax"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for process in range(2)
    ]
    for each in running:
        out, _ = each.communicate(timeout=300)
        assert each.returncode == 0, out[-3000:]
        assert "Epoch 10/10" in out
    encoder = Encoder(tmp_path / "encoder")
    encoder.verify()
    model = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(encoder.encode(rows), model.encode(rows), atol=1e-5)


@pytest.mark.doc
@pytest.mark.one_backend  # what the commands call is tested on each
@pytest.mark.usefixtures("soon")
@pytest.mark.filterwarnings("ignore:A rate of 0.05 false alarms:UserWarning")
def test_the_commands_of_the_readme_run_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: np.ndarray
) -> None:
    monkeypatch.chdir(tmp_path)
    np.savetxt("sensors.csv", rows, delimiter=",")
    _write_pumps(Path("pumps.csv"), rows)
    write_folder(Path("recordings"), count=12, samples=16_000)
    write_wav(Path("new.wav"), make_noise(9, 16_000))
    mains = {
        "keras-sparse": keras_sparse.cli.main.main,
        "keras-sparse-export": keras_sparse_export.cli.main.main,
    }
    trained = [block for block in blocks(README, "console") if "keras-sparse train" in block]
    assert len(trained) == 2
    for line in "".join(trained).splitlines():
        command, *arguments = shlex.split(line, comments=True)
        assert mains[command](arguments) == 0, line
    assert np.load("codes.npy").shape == (400, 32)


def _write_pumps(file: Path, rows: np.ndarray) -> None:
    """Write a table with time stamps, a category, a label and a missing cell."""
    lines = [",".join(["time", *(f"sensor_{n}" for n in range(rows.shape[1])), "pump", "state"])]
    middle = np.median(rows[:, 0])
    for number, row in enumerate(rows):
        cells = [f"2026-03-01 10:{number // 60:02}:{number % 60:02}", *map(str, row)]
        cells[1] = "" if number == 7 else cells[1]
        lines.append(",".join([*cells, "AB"[number % 2], "ok" if row[0] > middle else "worn"]))
    file.write_text("\n".join(lines))


def test_make_targets_of_the_documents_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^(\w+):", makefile, flags=re.MULTILINE))
    contributing = (ROOT / "CONTRIBUTING.md").read_text()
    named = set(re.findall(r"^make (\w+)", README + contributing, flags=re.MULTILINE))
    assert len(named) > 3
    assert named <= targets


def test_links_lead_somewhere() -> None:
    for document in (ROOT / "README.md", ROOT / "export" / "README.md"):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", document.read_text("utf-8")):
            assert (document.parent / target).exists(), target


def test_the_format_is_described_key_by_key(tmp_path: Path) -> None:

    text = (ROOT / "export" / "README.md").read_text("utf-8")
    model = SparseAutoencoder(4, 3, sparsity=L1(), normalization=None)
    manifest = Encoder(
        export_encoder(model, tmp_path / "bundle", decoder=True, score=True)
    ).manifest
    assert manifest is not None
    for name in (*manifest, *manifest["files"]):
        assert f"`{name}`" in text, name


def test_versions_agree() -> None:
    versions = {
        tomllib.loads((ROOT / folder / "pyproject.toml").read_text("utf-8"))["project"]["version"]
        for folder in (".", "export")
    }
    assert len(versions) == 1
    assert "## [Unreleased]" in (ROOT / "CHANGELOG.md").read_text("utf-8")
