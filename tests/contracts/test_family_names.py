"""Only the table of `keras_sparse.sparsity.families` knows the sparsity families by name."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "keras_sparse"
ALLOWED = {
    "__init__.py",  # exports the classes
    "cli/demo.py",  # compares two families that it chose
}
NAMES = {"l1", "l2", "kl"}


def named(source: str) -> list[str]:
    """Families that a module names: as a string by itself, by import, or as an attribute."""
    found = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Constant(value=str(text)) if text.lower() in NAMES:
                found.append(text)
            case ast.ImportFrom(names=aliases):
                found += [alias.name for alias in aliases if alias.name in {"L1", "L2", "KL"}]
            case ast.Attribute(attr=name) if name in {"L1", "L2", "KL"}:
                found.append(name)
    return found


def modules() -> list[str]:
    paths = [path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py")]
    return sorted(path for path in paths if not path.startswith("sparsity/"))


@pytest.mark.parametrize("module", modules())
def test_no_module_outside_sparsity_names_a_family(module: str) -> None:
    names = named((PACKAGE / module).read_text("utf-8"))
    assert bool(names) == (module in ALLOWED), names


@pytest.mark.parametrize(
    "source",
    ["x == 'kl'", "from keras_sparse import L1", "{'L2': 1}", "isinstance(x, regularizers.KL)"],
)
def test_the_check_can_fail(source: str) -> None:
    assert named(source)
