"""Check that every promise of SECURITY.md has a test, and search all modules for unsafe calls."""

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import keras_sparse.cli.main
import keras_sparse_export.cli.main
from keras_sparse import KL, SparseAutoencoder
from keras_sparse_export import export_encoder

ROOT = Path(__file__).parents[2]
PACKAGES = (ROOT / "keras_sparse", ROOT / "export" / "keras_sparse_export")
RUNS_CODE = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "runpy", "code"}


def read_promises(text: str) -> list[str]:
    """Return the list items of the section Promises, each in one line."""
    sections = re.split(r"^## ", text, flags=re.MULTILINE)
    (section,) = [section for section in sections if section.startswith("Promises\n")]
    items = re.split(r"^- ", section, flags=re.MULTILINE)[1:]
    return [" ".join(re.split(r"\n\s*\n", item)[0].split()) for item in items]


def find_untested(text: str) -> list[str]:
    """Return promises without a test, and named tests that do not exist."""
    missing = []
    for promise in read_promises(text):
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", promise)
        if not named:
            missing.append(promise)
        missing += [
            f"{file}::{test}" for file, test in named if test not in list_tests(ROOT / file)
        ]
    return missing


def list_tests(file: Path) -> set[str]:
    if not file.is_file():
        return set()
    body = ast.parse(file.read_text("utf-8")).body
    names = {node.name for node in body if isinstance(node, ast.FunctionDef)}
    return {name for name in names if name.startswith("test_")}


def test_every_promise_is_held_by_tests_that_exist() -> None:
    text = (ROOT / "SECURITY.md").read_text("utf-8")
    assert len(read_promises(text)) > 10
    assert find_untested(text) == []


@pytest.mark.parametrize(
    "promise",
    [
        "- Nothing happens.\n",
        "- Nothing happens.\n  `tests/contracts/test_security.py::test_nothing_happens`\n",
        "- Nothing happens.\n  `tests/test_nothing.py::test_every_promise`\n",
        "- Nothing happens.\n  `tests/contracts/test_security.py::find_untested`\n",
    ],
)
def test_a_promise_that_nothing_holds_is_found(promise: str) -> None:
    here = "tests/contracts/test_security.py"
    held = f"- Held: `{here}::test_every_promise_is_held_by_tests_that_exist`\n"
    start = f"# T\n\n## Promises\n\n### A\n\n{held}"
    assert find_untested(f"{start}\n\n## Out\n- other\n") == []
    assert len(find_untested(f"{start}{promise}\n### B\n\n{held}")) == 1


def iterate_calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Yield every call with the dotted name of its function: `eval`, `np.load`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            yield ast.unparse(node.func), node


def find_dangers(source: str) -> list[str]:
    """Return the names with which a module could run code from a file."""
    tree, dangers = ast.parse(source), []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names]
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else names
            dangers += [name for name in modules if name.split(".")[0] in RUNS_CODE]
    for name, call in iterate_calls(tree):
        arguments = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
        if is_dangerous(name, name.rpartition(".")[2], arguments):
            dangers.append(name)
    return dangers


def is_dangerous(name: str, last: str, arguments: dict[str | None, str]) -> bool:
    return (
        name in ("eval", "exec", "torch.load")
        or last in ("register_custom_ops_library", "enable_unsafe_deserialization")
        or (name == "np.load" and "allow_pickle" not in arguments)
        or arguments.get("allow_pickle", "False") != "False"
        or arguments.get("safe_mode", "True") != "True"
        or (last == "load_model" and "custom_objects" in arguments)
    )


def test_no_module_runs_what_lies_in_a_file() -> None:
    modules = [file for package in PACKAGES for file in package.rglob("*.py")]
    assert len(modules) > 80
    dangers = {file.as_posix(): find_dangers(file.read_text("utf-8")) for file in modules}
    assert {file: names for file, names in dangers.items() if names} == {}


@pytest.mark.parametrize(
    "source",
    [
        "import pickle", "from joblib import load", "eval(text)", "np.load(file)",
        "np.load(file, allow_pickle=True)", "keras.saving.load_model(file, safe_mode=False)",
        "keras.saving.load_model(file, custom_objects=found)", "torch.load(file)",
        "options.register_custom_ops_library(path)",
        "keras.config.enable_unsafe_deserialization()",
    ],
)  # fmt: skip
def test_the_look_at_the_modules_can_fail(source: str) -> None:
    assert len(find_dangers(source)) == 1


class Canary:
    """An object that creates a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.folder),)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = SparseAutoencoder(4, 3, sparsity=KL(), normalization=None)
    return export_encoder(model, tmp_path_factory.mktemp("exported") / "bundle")


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_a_pickle_in_an_array_is_refused_and_not_opened(
    suffix: str, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hatched, file = tmp_path / "hatched", tmp_path / f"x{suffix}"
    rows = np.array([[Canary(hatched)] * 4] * 64, dtype=object)
    if suffix == ".npy":
        np.save(file, rows, allow_pickle=True)
    else:
        np.savez(file, x=rows)
    export, train = keras_sparse_export.cli.main.main, keras_sparse.cli.main.main
    for main, *arguments in (
        (export, "encode", bundle, file, "-o", tmp_path / "codes.npy"),
        (export, "drift", bundle, file),
        (export, "quantize", bundle, "--calibration", file),
        (train, "train", file, "-o", tmp_path / "run", "--epochs", "1"),
    ):
        assert main([str(argument) for argument in arguments]) == 2, arguments
        (line,) = capsys.readouterr().err.splitlines()
        assert "Expected" in line
        assert not hatched.exists()
    assert {path.name for path in tmp_path.iterdir()} == {file.name}


def test_the_canary_sings(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([Canary(tmp_path / "hatched")]), allow_pickle=True)
    np.load(tmp_path / "x.npy", allow_pickle=True)
    assert (tmp_path / "hatched").exists()
