"""Test the mutation operators, the choice of places, and the verdicts of `robustness.mutations`."""

import subprocess
import textwrap
from pathlib import Path

import pytest

from robustness.mutations import __main__ as command
from robustness.mutations.judge import (
    DOUBTFUL,
    KILLED,
    SURVIVED,
    TIMEOUT,
    UNTESTED,
    Verdict,
    confirm,
    copy_repository,
    judge,
)
from robustness.mutations.operators import Mutation, find_mutations, is_valid
from robustness.mutations.places import (
    GENERATED,
    Place,
    choose_places,
    find_tests,
    list_modules,
)

pytestmark = pytest.mark.one_backend

ROOT = Path(__file__).parents[2]


def mutate(source: str, operator: str | None = None) -> set[str]:
    """All texts that an operator, or any, makes of a source."""
    return {
        mutation.apply(source)
        for mutation in find_mutations(source)
        if operator in (None, mutation.operator) and is_valid(source, mutation)
    }


# Operators ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operator", "source", "expected"),
    [
        ("comparison", "a < b <= c", {"a <= b <= c", "a < b < c"}),
        ("comparison", "(a) == (b)", {"(a) != (b)"}),
        ("comparison", "a is  not None", {"a is None"}),
        ("comparison", "a not in b", {"a in b"}),
        ("comparison", "(ε # < of λ\n < 'ü')", {"(ε # < of λ\n <= 'ü')"}),
        ("arithmetic", "λ = a + b * -c", {"λ = a - b * -c", "λ = a + b / -c"}),
        ("arithmetic", "a //= 2", {"a /= 2"}),
        ("arithmetic", "'a' + b + f'{c}' % d", set()),
        ("sign", "f(-x)", {"f((x))"}),
        ("and/or", "a and b and c", {"a or b and c", "a and b or c"}),
        ("operand dropped", "a or b or c", {"b or c", "a or c", "a or b"}),
        ("constant", "f(0, 7)", {"f(1, 7)", "f((-1), 7)", "f(0, 8)", "f(0, 6)"}),
        ("constant", "x = 1e-3", {"x = 1.001", "x = 0.002", "x = 0.0005"}),
        ("constant", "f(a=True, b=None, c='text')", {"f(a=False, b=None, c='text')"}),
        ("opposite function", "np.max(x)", {"np.min(x)"}),
        ("bound dropped", "max(a, b + 1)", {"(a)", "(b + 1)"}),
        ("swapped arguments", "f(a, g(b), c)", {"f(g(b), a, c)", "f(a, c, g(b))"}),
        ("swapped arguments", "f(*a, b), g('text', b)", set()),
        ("argument dropped", "f(a, b=1, c=2)", {"f(a, c=2)", "f(a, b=1)"}),
        ("argument dropped", "f(b=1), f(**c), f(help='')", {"f(), f(**c), f(help='')"}),
        ("negated condition", "x if not a else y", {"x if (a) else y"}),
        ("negated condition", "[x for x in y if x > 1]", {"[x for x in y if (not (x > 1))]"}),
        ("negated condition", "while a or b:\n    c", {"while (not (a or b)):\n    c"}),
    ],
)
def test_an_operator_changes_expressions(operator: str, source: str, expected: set[str]) -> None:
    assert mutate(source, operator) == expected


@pytest.mark.parametrize(
    ("operator", "source", "expected"),
    [
        ("statement dropped", "sync(\n    a\n)\nb", {"pass\nb"}),
        ("statement dropped", "raise E(f'{1 + 1}')", {"pass"}),
        ("statement dropped", "a.b = c", {"pass"}),
        ("statement dropped", "a = f(a)", {"pass"}),
        ("statement dropped", "a = f(b)", set()),
        ("statement dropped", "assert a < b\nassert a is not None", {"pass\nassert a is not None"}),
        ("guard dropped", "if a:\n    raise E\nb", {"pass\nb"}),
        ("guard dropped", "if a:\n    raise E\nelse:\n    b", set()),
        ("returned value", "def f():\n    return a\n", {"def f():\n    return None\n"}),
        ("returned value", "def f():\n    return None\n", set()),
    ],
)
def test_an_operator_changes_statements(operator: str, source: str, expected: set[str]) -> None:
    assert mutate(source, operator) == expected


def test_what_no_test_needs_to_see_is_left_alone() -> None:
    source = '''
        """A docstring of 1 + 1."""
        import os, sys
        if TYPE_CHECKING:
            a = b < 1

        @frozen(x=1)
        class A(Base[1]):
            x: Literal[1]

            def f(self, y: Literal[2]) -> Literal[3]:
                """Another of 1 < 2."""

        name = "text" f"{1 + 1}"
    '''
    assert mutate(textwrap.dedent(source)) == set()
    assert mutate('warnings.warn("one" if a < 1 else "two", stacklevel=2)') == {"pass"}


def test_layout_alone_is_no_mutation() -> None:
    assert is_valid("a < b", Mutation(2, 3, "<=", ""))
    assert not is_valid("a < b", Mutation(2, 3, "  <", ""))
    assert not is_valid("a < b", Mutation(2, 3, "", ""))


def test_lines_are_counted_from_one() -> None:
    (mutation,) = find_mutations("# λ\n\nx = a < b\n")
    assert mutation.line("# λ\n\nx = a < b\n") == 3


# Places ------------------------------------------------------------------------------------------


def test_tests_come_in_the_order_of_their_distance() -> None:
    found = list(
        map(str, find_tests(ROOT, Path("keras_sparse/training/checkpoint/serialization.py")))
    )
    assert found[0] == "tests/library/training/checkpoint/test_serialization.py"
    assert Path(found[1]).parent == Path("tests/library/training/checkpoint")
    assert "tests/library/training/test_trainer.py" in found
    assert len(set(found)) == len(found)
    assert all(name.startswith("tests/library/training/") for name in found)
    errors = find_tests(ROOT, Path("export/keras_sparse_export/errors.py"))
    assert errors == [Path("tests/export/test_errors.py")]


# Verdicts ----------------------------------------------------------------------------------------

MODULE = """\
def smaller(a, b):
    while a > 10 * b:
        a -= 1
    return a if a < b else b
"""
TESTS = """\
import pathlib, flawed, pytest

def test_smaller():
    assert flawed.smaller(1, 2) == 1
    assert flawed.smaller(2, 1) == 1

def test_that_fails_anyway():
    assert pathlib.Path(__file__).with_name("broken").exists() is False
"""


def repository(folder: Path) -> Path:
    """A repository with one module and its test."""
    files = {
        "keras_sparse/metrics/flawed.py": MODULE,
        "keras_sparse/lonely.py": MODULE,
        "tests/library/metrics/test_flawed.py": TESTS,
        "conftest.py": "import sys\nsys.path.insert(0, 'keras_sparse/metrics')\n",
        "ignored/x": "",
        ".gitignore": "ignored\n",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    return folder


def place_of(old: str, new: str, module: str = "keras_sparse/metrics/flawed.py") -> Place:
    start = MODULE.index(old)
    return Place(Path(module), Mutation(start, start + len(old), new, "test"))


@pytest.mark.process
def test_the_same_seed_chooses_the_same_places(tmp_path: Path) -> None:
    root = repository(tmp_path)
    first, same, other = (choose_places(root, seed, 9) for seed in (3, 3, 4))
    assert first == same != other
    assert len({(place.module, place.mutation.start) for place in first}) == 9
    assert {place.module.name for place in first} == {"flawed.py", "lonely.py"}
    assert all(is_valid(MODULE, place.mutation) for place in first)
    assert choose_places(root, 3, 4) == first[:4]
    modules = list_modules(ROOT)
    assert {module.parts[0] for module in modules} == {"keras_sparse", "export"}
    assert all((ROOT / module).is_file() for module in [*modules, *GENERATED])
    assert not GENERATED & set(modules)


@pytest.mark.process
def test_verdicts(tmp_path: Path) -> None:
    root, copy = repository(tmp_path / "root"), tmp_path / "copy"
    copy_repository(root, copy)
    assert not (copy / "ignored").exists()
    cases = {
        KILLED: (place_of("a < b", "a > b"), 60),
        SURVIVED: (place_of("a < b", "a <= b"), 60),
        TIMEOUT: (place_of("a > 10 * b", "True"), 3),
        UNTESTED: (place_of("a < b", "a > b", "keras_sparse/lonely.py"), 60),
    }
    verdicts = {outcome: judge(copy, *case) for outcome, case in cases.items()}
    assert {outcome: verdict.outcome for outcome, verdict in verdicts.items()} == {
        outcome: outcome for outcome in cases
    }
    killed = verdicts[KILLED]
    assert killed.test == "tests/library/metrics/test_flawed.py::test_smaller"
    assert killed.line == 4
    assert "-    return a if a < b else b\n+    return a if a > b else b\n" in killed.diff
    for name in ("keras_sparse/metrics/flawed.py", "keras_sparse/lonely.py"):
        assert (copy / name).read_text() == (root / name).read_text() == MODULE

    (copy / "tests/library/metrics/broken").touch()
    test = "tests/library/metrics/test_flawed.py::test_that_fails_anyway"
    doubtful = verdicts[SURVIVED]._replace(outcome=KILLED, test=test)
    outcomes = [verdict.outcome for verdict in confirm(copy, [killed, doubtful], 60)]
    assert outcomes == [KILLED, DOUBTFUL]


def test_the_table_shows_the_change() -> None:
    place = Place(Path("a.py"), Mutation(0, 1, "", "and/or"))
    diff = "@@ -1 +1 @@\n-    x = a | b\n+    x = a & b\n"
    verdicts = {
        3: Verdict(place, 7, KILLED, "test_a.py::test", 1.4, diff),
        5: Verdict(place, 9, SURVIVED, "", 2, diff),
    }
    table = command.format_table(verdicts).splitlines()
    assert table[2] == (
        "| 3 | a.py:7 | and/or | `x = a \\| b` | `x = a & b` | killed (1 s) | test_a.py::test |"
    )
    assert table[-1] == "killed 1, survived 1 of 2"
