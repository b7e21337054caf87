"""Choose places in the packages at random, and find the tests that should notice a fault there."""

import random
import subprocess
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from robustness.mutations.operators import Mutation, find_mutations, is_valid

PACKAGES = {
    Path("keras_sparse"): Path("tests/library"),
    Path("export/keras_sparse_export"): Path("tests/export"),
}
"""Folders of the packages, and those of their tests."""
GENERATED = {Path("export/keras_sparse_export/bundle/manifest_validator.py")}


class Place(NamedTuple):
    """A mutation of a module."""

    module: Path
    """Path inside the repository."""
    mutation: Mutation


def choose_places(root: Path, seed: int, count: int) -> list[Place]:
    """Draw places, each as likely as any other, and a mutation for each.

    A place is where a mutation starts. The same seed and code give the same places.

    Args:
        root: The repository.
        seed: Seed of the draw.
        count: Number of places.
    """
    sources = {module: (root / module).read_text("utf-8") for module in list_modules(root)}
    places = [
        (module, list(group))
        for module, source in sources.items()
        for _, group in groupby(find_mutations(source), key=lambda mutation: mutation.start)
    ]
    generator = random.Random(seed)
    generator.shuffle(places)
    chosen: list[Place] = []
    for module, mutations in places:
        if len(chosen) == count:
            break
        mutation = generator.choice(mutations)
        if is_valid(sources[module], mutation):
            chosen.append(Place(module, mutation))
    return chosen


def list_modules(root: Path) -> list[Path]:
    """Return the modules of both packages, without generated ones."""
    modules = {file for file in list_files(root) if file.suffix == ".py" and _package(file)}
    return sorted(modules - GENERATED)


def list_files(root: Path) -> list[Path]:
    """Return all files of the repository that git does not ignore."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    return [Path(name) for name in listed.split("\0") if name and (root / name).is_file()]


def find_tests(root: Path, module: Path) -> list[Path]:
    """Return the test files of a module: its own first, then the others of its folder and room.

    The room is the folder of the package that the module lies in.
    """
    package = _package(module)
    assert package is not None
    tests, inside = PACKAGES[package], module.relative_to(package)
    found = [tests / inside.parent / f"test_{inside.name}"]
    for folder in (inside.parent, *inside.parent.parents[:-1]):
        files = (root / tests / folder).rglob("test_*.py") if folder.name else []
        found += sorted(file.relative_to(root) for file in files)
    return [file for file in dict.fromkeys(found) if (root / file).is_file()]


def _package(module: Path) -> Path | None:
    return next((package for package in PACKAGES if package in module.parents), None)
