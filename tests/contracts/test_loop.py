"""Which tests run where: every one somewhere, and no slow one in `make quick`."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import compilation_cache
import started_processes

ROOT = Path(__file__).parents[2]
MAKEFILE, CI = ((ROOT / name).read_text("utf-8") for name in ("Makefile", ".ci/run"))


def marks() -> set[str]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    registered = settings["tool"]["pytest"]["ini_options"]["markers"]
    return {mark.split(":")[0] for mark in registered}


def test_selections_name_marks_that_exist() -> None:
    selections = re.findall(r'(?:-m |MARKED=|numeric=)"([^"$]+)"', MAKEFILE + CI)
    assert len(selections) >= 4
    for selection in selections:  # pytest takes a mark that nobody has for one that matches nothing
        assert set(re.findall(r"\w+", selection)) - {"not", "or"} <= marks(), selection


def test_ci_runs_every_test_once_without_a_selection() -> None:
    assert 'make test VENV="$work/venv"\n' in CI
    for backend in ("jax", "torch"):  # and tests of one backend on it
        row = rf'make test BACKEND={backend} VENV="\$work/{backend}" MARKED="not one_backend"\n'
        assert re.search(row, CI)


def decorations(file: Path) -> list[str]:
    """The marks of each test of a file, those of the whole file with them."""
    statements = ast.parse(file.read_text("utf-8")).body
    whole = [ast.unparse(each) for each in statements if isinstance(each, ast.Assign)]
    of_all = " ".join(line for line in whole if line.startswith("pytestmark"))
    tests = [each for each in statements if isinstance(each, ast.FunctionDef)]
    return [" ".join([of_all, *map(ast.unparse, test.decorator_list)]) for test in tests]


def test_what_does_not_depend_on_the_backend_is_skipped_on_none() -> None:
    files = [file for file in (ROOT / "tests").rglob("test_*.py") if file.name != "test_loop.py"]
    marked = [(file, decorated) for file in files for decorated in decorations(file)]
    independent = [each for each in marked if "mark.one_backend" in each[1]]
    assert len(independent) > 200
    for file, decorated in independent:
        conditions = " ".join(re.findall(r"skipif\(([^,]*)", decorated))
        assert not re.search(r"(?i)backend|tensorflow|torch|jax", conditions), file


@pytest.mark.process
def test_a_process_that_a_test_starts_is_noticed() -> None:
    with started_processes.recorded() as programs:
        subprocess.run([sys.executable, "-c", ""], check=True)
    assert programs == [os.path.basename(sys.executable)]
    with started_processes.recorded() as programs:
        pass
    assert programs == []


def test_the_oldest_compiled_functions_go_first(tmp_path: Path) -> None:
    for age, name in enumerate("dcba"):
        (tmp_path / name).write_bytes(bytes(10))
        os.utime(tmp_path / name, (1000 - age, 1000 - age))
    compilation_cache.prune(tmp_path, 40)
    assert len(list(tmp_path.iterdir())) == 4
    compilation_cache.prune(tmp_path, 25)
    assert {file.name for file in tmp_path.iterdir()} == {"c", "d"}
