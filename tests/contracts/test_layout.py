"""The folders are those that docs/architecture.md describes, in its order."""

import re
import subprocess
import tomllib
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "keras_sparse": ROOT / "keras_sparse",
    "keras_sparse_export": ROOT / "export" / "keras_sparse_export",
}
MOST_ENTRIES = 12
NOT_COUNTED = {"__init__.py", "__main__.py", "py.typed"}
SOURCES = ("keras_sparse", "export", "tests", "benchmarks", "examples")


def described(package: str) -> list[str]:
    """The folders and files in the table of a package, from the top floor to the ground."""
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    table = text.split(f"### `{package}`")[1].split("\n\n")[1]
    return re.findall(r"^\| `([\w./]+?)/?` \|", table, flags=re.MULTILINE)


def layers(package: str) -> list[str]:
    """The same, in the contracts of import-linter."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    (contract,) = [
        contract
        for contract in settings["contracts"]
        if contract["type"] == "layers" and contract["containers"] == [package]
    ]
    return list(contract["layers"])


@pytest.mark.parametrize("package", PACKAGES)
def test_the_page_names_every_folder_and_no_other(package: str) -> None:
    entries = {
        entry.name
        for entry in PACKAGES[package].iterdir()
        if entry.name not in NOT_COUNTED and entry.name != "__pycache__"
    }
    assert sorted(described(package)) == sorted(entries)


@pytest.mark.parametrize("package", PACKAGES)
def test_the_order_on_the_page_is_the_order_that_make_check_holds(package: str) -> None:
    assert [name.removesuffix(".py") for name in described(package)] == layers(package)


def test_the_paths_on_the_page_exist() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    roots = [ROOT, ROOT / "benchmarks", *PACKAGES.values()]
    paths = set(re.findall(r"`([\w]+/[\w./]*|[\w]+\.(?:py|md|toml))`", text))
    assert len(paths) > 50
    lost = [
        path
        for path in paths
        if not any((root / path).exists() for root in roots)
        and not any(list(root.rglob(path.rstrip("/"))) for root in PACKAGES.values())
    ]
    assert lost == []


def test_no_level_has_more_entries_than_a_reader_takes_in() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", *SOURCES], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    if not tracked:
        pytest.skip("no checkout of git")
    entries = {
        path
        for file in map(Path, tracked)
        for path in (file, *file.parents)
        if path.name not in NOT_COUNTED and not path.name.startswith(".")
    }
    sizes = Counter(path.parent for path in entries if path.parent != path)
    crowded = {str(folder): size for folder, size in sizes.items() if size > MOST_ENTRIES}
    crowded.pop(".", None)
    assert crowded == {}
