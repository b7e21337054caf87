"""Which tests run where: every one somewhere, and no slow one in `make quick`."""

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


def test_files_of_one_backend_skip_on_none() -> None:
    files = [file for file in (ROOT / "tests").rglob("test_*.py") if file.name != "test_loop.py"]
    independent = [file for file in files if "mark.one_backend" in file.read_text("utf-8")]
    assert len(independent) > 20
    for file in independent:
        conditions = re.findall(r"skipif\(([^,]*)", file.read_text("utf-8"))
        assert not re.search(r"(?i)backend|tensorflow|torch|jax", " ".join(conditions)), file


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
