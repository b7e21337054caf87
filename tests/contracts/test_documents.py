"""Names, paths and links in the documents lead to something that exists."""

import ast
import importlib
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_sparse.experiments import Settings
from keras_sparse.sparsity import families

ROOT = Path(__file__).parents[2]
PACKAGES = (ROOT / "keras_sparse", ROOT / "export" / "keras_sparse_export")
DOCUMENTS = (
    *("README.md", "export/README.md", "CONTRIBUTING.md", "SECURITY.md", "benchmarks/README.md"),
    *sorted(file.relative_to(ROOT).as_posix() for file in (ROOT / "docs").glob("*.md")),
)
FOLDERS = {"benchmarks", "docs", "examples", "export", "keras_sparse", "tests", ".ci"}
SOURCE = r"\w\.(py|m?js)$"

pytestmark = pytest.mark.doc


def read(document: str) -> str:
    return (ROOT / document).read_text("utf-8")


def code_spans(text: str) -> list[str]:
    """Return inline code; blocks of code are run elsewhere."""
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.findall(r"`([^`\n]+)`", prose)


def resolves(name: str) -> bool:
    """Tell whether a dotted name is a module or a chain of attributes of one."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            value = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            if not hasattr(value, part):
                return False
            value = getattr(value, part)
        return True
    return False


def messages() -> Iterator[str]:
    """Yield the texts in the code of both packages, as the commands show them."""
    for file in (file for package in PACKAGES for file in package.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = [getattr(part, "value", None) for part in node.values]
                text = "".join(part if isinstance(part, str) else "X" for part in parts)
                yield re.sub(r" \(\w+=[^()]*\)", "", text)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield re.sub(r" \(\w+=[^()]*\)", "", node.value)


def test_options_in_remedies_can_be_pasted() -> None:
    found = [text for text in messages() if "Remedy: " in text or " If " in text]
    assert len(found) > 50
    value = r"--[a-z][a-z0-9-]* (?!(?:or|and|with|in|to|if|it|of)\b)\S*"
    spoilt = [
        match[0]
        for text in found
        for match in re.finditer(rf"{value}(?:[.,;:|](?=\s|$)|\|\w)", text.split("Remedy: ")[-1])
    ]
    assert spoilt == []


def find_missing_names(text: str) -> list[str]:
    names = [
        match[0]
        for span in code_spans(text)
        for match in re.finditer(r"(?<![\w./-])keras_sparse(?:_export)?(?:\.[A-Za-z_]\w*)+", span)
    ]
    return [name for name in names if not resolves(name)]


def find_missing_paths(text: str, folder: Path) -> list[str]:
    """Return paths of the repository that do not exist, and names of source files that nobody has.

    Args:
        text: A document.
        folder: Its folder. Paths start there or at the root; in `docs/` also in a package.
    """
    bases = [ROOT, folder, *(PACKAGES if folder == ROOT / "docs" else ())]
    return [path for path in paths(text, bases) if not exists(path, bases, text)]


def paths(text: str, bases: list[Path]) -> Iterator[str]:
    tokens = [token.split("::")[0] for span in code_spans(text) for token in span.split()]
    folders = FOLDERS | {
        entry.name for base in bases if base in PACKAGES for entry in base.iterdir()
    }
    for token in tokens:
        if re.fullmatch(r"[\w.-]+(/[\w.-]+)*/?", token):
            first, *others = token.strip("/").split("/")
            if (others and first in folders) or (not others and re.search(SOURCE, token)):
                yield token


def exists(path: str, bases: list[Path], text: str) -> bool:
    if "/" in path:
        return any((base / path).exists() for base in bases)
    return f"# {path}\n" in text or path in names_of_sources()


def names_of_sources() -> set[str]:
    files = [file for name in FOLDERS for file in (ROOT / name).rglob("*.*")]
    names = {file.name for file in files if "node_modules" not in file.parts}
    return {name for name in names if re.search(SOURCE, name)}


def find_missing_programs(text: str) -> list[str]:
    """Return modules that `python -m` cannot run."""
    return [name for name in re.findall(r"python -m ([\w.]+)", text) if find_spec(name) is None]


def find_broken_links(document: str) -> list[str]:
    file = ROOT / document
    broken = []
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", read(document)):
        path, _, anchor = target.partition("#")
        aim = file.parent / path if path else file
        if not aim.exists() or (anchor and anchor not in anchors(aim.read_text("utf-8"))):
            broken.append(target)
    return broken


def anchors(text: str) -> set[str]:
    """Return the anchors that GitHub gives to headings."""
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_names_paths_programs_and_links_exist(document: str) -> None:
    text = read(document)
    assert find_missing_names(text) == []
    assert find_missing_paths(text, (ROOT / document).parent) == []
    assert find_missing_programs(text) == []
    assert find_broken_links(document) == []


def test_the_check_sees_what_is_missing() -> None:
    text = """
`keras_sparse.L1`, `keras_sparse.nothing`, `keras_sparse_export.Encoder(path)`, `keras_sparse.L1.no`
`tests/contracts/`, `tests/nothing.py::test`, `benchmarks/nothing/x.py --all`, `encoder.onnx`
`training/trainer.py`, `training/nothing.py`, `nothing.py`, `setup_of_mine.py`
python -m quality.mnist, python -m quality.nothing
```python
# setup_of_mine.py
`keras_sparse.left_alone`
```
"""
    assert find_missing_names(text) == ["keras_sparse.nothing", "keras_sparse.L1.no"]
    root = ["tests/nothing.py", "benchmarks/nothing/x.py", "nothing.py"]
    assert find_missing_paths(text, ROOT) == root
    root.insert(2, "training/nothing.py")
    assert find_missing_paths(text, ROOT / "docs") == root
    assert find_missing_programs(text) == ["quality.nothing"]
    assert anchors("## Who made it: signatures\n") == {"who-made-it-signatures"}


def test_the_documents_name_much() -> None:
    text = "".join(map(read, DOCUMENTS))
    assert len(re.findall(r"`keras_sparse", text)) > 30
    assert len(list(paths(text, [ROOT]))) > 60


def test_the_families_of_contributing_are_known_by_their_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(families, "_families", dict(families._families))
    penalty, activation = re.findall(r"```python\n(.*?)```", read("CONTRIBUTING.md"), re.DOTALL)
    exec(penalty, {"__name__": "my_project"})
    exec(activation, {"__name__": "my_project"})
    assert Settings(sparsity="smoothed_root").method().get_config() == {
        "root": 1e-3,
        "smoothing": 0.01,
    }
    one_per_group = Settings(code_dim=4, sparsity="one_per_group", l0=2).method()
    codes = one_per_group(np.array([[1, 2, -1, -3], [-1, 4, 6, 5]], np.float32))
    assert keras.ops.convert_to_numpy(codes).tolist() == [[0, 2, 0, 0], [0, 4, 6, 0]]
