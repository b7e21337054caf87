"""Mutation operators: small faults in a module, each a replacement of a piece of its text.

What no test needs to see is left alone: strings, docstrings, messages of errors and warnings,
annotations, decorators, imports, and assertions that only tell a type checker that a value is not
`None`.
"""

import ast
import math
import re
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

COMPARISONS = {
    "<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==",
    "is": "is not", "is not": "is", "in": "not in", "not in": "in",
}  # fmt: skip
ARITHMETIC = {
    "+": "-", "-": "+", "*": "/", "/": "*", "//": "/", "%": "//", "**": "*", "&": "|", "|": "&",
}  # fmt: skip
OPPOSITES = {
    "min": "max", "max": "min", "minimum": "maximum", "maximum": "minimum",
    "any": "all", "all": "any", "floor": "ceil", "ceil": "floor",
}  # fmt: skip
BOUNDS = ("min", "max", "minimum", "maximum", "clip")
"""Functions that return one of their arguments."""
SILENT = ("warn",)
"""Functions whose arguments are messages."""
WORDING = ("stacklevel", "help", "metavar", "description")
"""Arguments that change a message, or where it points to."""


class Mutation(NamedTuple):
    """A replacement of the text from `start` to `end`, counted in characters."""

    start: int
    end: int
    replacement: str
    operator: str

    def apply(self, source: str) -> str:
        """Return the mutated text."""
        return source[: self.start] + self.replacement + source[self.end :]

    def line(self, source: str) -> int:
        """Return the number of the line where the mutation starts."""
        return source.count("\n", 0, self.start) + 1


def find_mutations(source: str) -> list[Mutation]:
    """Return the mutations of a module in the order of its text; some may not be valid Python."""
    finder = _Finder(source)
    finder.visit(ast.parse(source))
    return sorted(set(finder.found))


def is_valid(source: str, mutation: Mutation) -> bool:
    """Whether a mutation is valid Python that differs from the source in more than its layout."""
    try:
        mutated = ast.parse(mutation.apply(source))
    except SyntaxError:
        return False
    return ast.dump(mutated) != ast.dump(ast.parse(source))


class _Finder(ast.NodeVisitor):
    """Collect the mutations of all nodes of a module."""

    def __init__(self, source: str) -> None:
        self.found: list[Mutation] = []
        self._source = source
        self._lines = source.splitlines(keepends=True)
        self._starts = [0, *accumulate(map(len, self._lines))]

    # Text ----------------------------------------------------------------------------------

    def _offset(self, line: int, column: int) -> int:
        """Return the offset in characters; `ast` counts columns in bytes of UTF-8."""
        before = self._lines[line - 1].encode()[:column].decode()
        return self._starts[line - 1] + len(before)

    def _start(self, node: ast.expr | ast.stmt | ast.keyword) -> int:
        return self._offset(node.lineno, node.col_offset)

    def _end(self, node: ast.expr | ast.stmt | ast.keyword) -> int:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self._offset(node.end_lineno, node.end_col_offset)

    def _text(self, node: ast.expr) -> str:
        return self._source[self._start(node) : self._end(node)]

    def _replace(self, node: ast.expr | ast.stmt, replacement: str, operator: str) -> None:
        self._add(self._start(node), self._end(node), replacement, operator)

    def _replace_between(
        self, left: ast.expr, right: ast.expr, tokens: dict[str, str], operator: str
    ) -> None:
        """Replace the operator that stands between two operands."""
        start, end = self._end(left), self._start(right)
        between = re.sub(r"#.*", lambda comment: " " * len(comment[0]), self._source[start:end])
        if match := re.search(r"[^\s()\\]+(?:\s+(?:not|in)\b)?", between):
            token = " ".join(match[0].split())
            if token in tokens:
                self._add(start + match.start(), start + match.end(), tokens[token], operator)

    def _add(self, start: int, end: int, replacement: str, operator: str) -> None:
        self.found.append(Mutation(start, end, replacement, operator))

    # Expressions ---------------------------------------------------------------------------

    def visit_Compare(self, node: ast.Compare) -> None:
        for left, right in pairwise([node.left, *node.comparators]):
            self._replace_between(left, right, COMPARISONS, "comparison")
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        if not (_is_text(node.left) or _is_text(node.right)):
            self._replace_between(node.left, node.right, ARITHMETIC, "arithmetic")
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        for left, right in pairwise(node.values):
            self._replace_between(left, right, {"and": "or", "or": "and"}, "and/or")
        for start, end in self._elements(node.values):
            self._add(start, end, "", "operand dropped")
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not | ast.USub):
            name = "negated condition" if isinstance(node.op, ast.Not) else "sign"
            self._replace(node, f"({self._text(node.operand)})", name)
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        value = node.value
        if isinstance(value, bool):
            self._replace(node, str(not value), "constant")
        elif isinstance(value, int):
            for other in (value + 1, value - 1):
                self._replace(node, f"({other})" if other < 0 else str(other), "constant")
        elif isinstance(value, float) and math.isfinite(value):
            for number in (value + 1, 2 * value, value / 2):
                self._replace(node, repr(number), "constant")

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else None
        name = node.func.id if isinstance(node.func, ast.Name) else name
        if name in SILENT:
            return
        if name in OPPOSITES:
            end = self._end(node.func)
            self._add(end - len(name), end, OPPOSITES[name], "opposite function")
        plain = not any(isinstance(argument, ast.Starred) for argument in node.args)
        if name in BOUNDS and plain and len(node.args) > 1:
            for argument in node.args:
                self._replace(node, f"({self._text(argument)})", "bound dropped")
        if plain:
            for first, second in pairwise(node.args):
                if _is_text(first) or _is_text(second):
                    continue
                swapped = (
                    self._text(second)
                    + self._source[self._end(first) : self._start(second)]
                    + self._text(first)
                )
                self._add(self._start(first), self._end(second), swapped, "swapped arguments")
        spans = self._elements([*node.args, *node.keywords])
        for (start, end), keyword in zip(spans[len(node.args) :], node.keywords, strict=True):
            if keyword.arg is not None and keyword.arg not in WORDING:
                self._add(start, end, "", "argument dropped")
        self.generic_visit(node)

    def visit_keyword(self, node: ast.keyword) -> None:
        if node.arg not in WORDING:
            self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self._negate(node.test)
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        for condition in node.ifs:
            self._negate(condition)
        self.generic_visit(node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Leave texts alone."""

    def _negate(self, condition: ast.expr) -> None:
        if not (isinstance(condition, ast.UnaryOp) and isinstance(condition.op, ast.Not)):
            self._replace(condition, f"(not ({self._text(condition)}))", "negated condition")

    def _elements(self, nodes: Sequence[ast.expr | ast.keyword]) -> list[tuple[int, int]]:
        """Return the text to remove for each element of a list, with a comma or an operator."""
        starts, ends = [self._start(node) for node in nodes], [self._end(node) for node in nodes]
        if len(nodes) < 2:
            return list(zip(starts, ends, strict=True))
        return [*pairwise(starts), (ends[-2], ends[-1])]

    # Statements ----------------------------------------------------------------------------

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Call):
            self._drop(node)
        self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> None:
        self._drop(node)  # and leave its message alone

    def visit_Assert(self, node: ast.Assert) -> None:
        if not re.search(r"is not None$|^isinstance", self._text(node.test)):
            self._drop(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        read = {name.id for name in ast.walk(node.value) if isinstance(name, ast.Name)}
        targets = [each for target in node.targets for each in _flatten(target)]
        if all(not isinstance(each, ast.Name) or each.id in read for each in targets):
            self._drop(node)  # else a name would be missing
        self.visit(node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        tokens = {f"{old}=": f"{new}=" for old, new in ARITHMETIC.items()}
        if not _is_text(node.value):
            self._replace_between(node.target, node.value, tokens, "arithmetic")
        self._drop(node)
        self.visit(node.value)

    def visit_Return(self, node: ast.Return) -> None:
        if node.value is not None and not _is_none(node.value):
            self._replace(node.value, "None", "returned value")
        self.generic_visit(node)

    def visit_Continue(self, node: ast.Continue) -> None:
        self._drop(node)

    def visit_Break(self, node: ast.Break) -> None:
        self._drop(node)

    def visit_Delete(self, node: ast.Delete) -> None:
        self._drop(node)

    def visit_If(self, node: ast.If) -> None:
        if self._text(node.test) == "TYPE_CHECKING":
            return
        self._negate(node.test)
        if not node.orelse and isinstance(node.body[-1], ast.Raise | ast.Return | ast.Continue):
            self._drop(node, "guard dropped")
        self.generic_visit(node)

    def visit_While(self, node: ast.While) -> None:
        self._negate(node.test)
        self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        defaults = [*node.args.defaults, *node.args.kw_defaults]
        for part in (*(default for default in defaults if default is not None), *node.body):
            self.visit(part)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for statement in node.body:
            self.visit(statement)

    def _drop(self, node: ast.stmt, operator: str = "statement dropped") -> None:
        self._replace(node, "pass", operator)


def _flatten(target: ast.expr) -> Iterator[ast.expr]:
    if isinstance(target, ast.Tuple | ast.List):
        for element in target.elts:
            yield from _flatten(element)
    else:
        yield target


def _is_text(node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp):
        return _is_text(node.left) or _is_text(node.right)
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
