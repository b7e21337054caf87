"""Parse lines of CSV and JSON as rows; a bad row has a fault and does not stop the others."""

import json
import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_sparse_export.errors import replace_unprintable
from keras_sparse_export.io import categories, columns, csv_cells

Parsed = tuple[np.ndarray, dict[int, str]]
Parser = Callable[[list[str]], Parsed]


@dataclass(frozen=True)
class TextOptions:
    """How to read rows of text; see `keras_sparse_export.io.readers.read`."""

    key: str | None = None
    drop: Sequence[str] = ()
    header: bool | None = None
    columns: Sequence[str] | None = None
    delimiter: str | None = None
    decimal: str | None = None
    gaps: bool = False


def make_csv_parser(
    lines: list[str], shape: tuple[int, ...], options: TextOptions, source: str | None
) -> tuple[Parser, list[str]]:
    """Derive a CSV parser from the first lines; return it and the lines that hold rows.

    Args:
        lines: The first lines.
        shape: Shape of one row.
        options: All options.
        source: Name of the file; `None` for standard input, of which one line may be all so far.

    Raises:
        ValueError: If the columns of the header are not those of the encoder.
    """
    delimiter = options.delimiter or csv_cells.find_delimiter(lines)
    cells = csv_cells.split(lines[0], delimiter)
    if options.decimal == delimiter:
        raise ValueError(
            f"the decimal mark {delimiter!r}, which separates the cells. Remedy: --delimiter ';' "
            "if semicolons separate them"
        )
    size = math.prod(shape)
    other = csv_cells.find_other_delimiter(lines[0], delimiter, size)
    if len(cells) == 1 < size and other is not None:
        raise ValueError(
            f"lines that {other!r} separates, in place of {delimiter!r}. Remedy: "
            f"{csv_cells.format_delimiter(other)}"
        )
    decimal = options.decimal or _find_decimal(lines, delimiter, source)
    names = _read_header(lines, cells, shape, options, delimiter, decimal, source)
    text = categories.find_text(names or (), options.columns)
    given, names = names, names and categories.expand_names(names, text)
    undecided = options.decimal is None and names is not None and len(lines) == 1
    if names is None:
        if options.drop:  # which raises: there are no names
            columns.find_places(cells, None, options.drop, shape)
        places, width = list(range(size)), size
    else:
        places = columns.find_places(names, options.columns, options.drop, shape)
        width = len(names)

    def parse_row(line: str) -> np.ndarray:
        cells = csv_cells.split(line, delimiter)
        if len(cells) != width:
            raise ValueError(f"{len(cells)} columns instead of {width}")
        if options.gaps:
            cells = ["nan" if cell.strip() in csv_cells.GAPS else cell for cell in cells]
        for place in places:
            if not csv_cells.is_number(cells[place], decimal):
                name = replace_unprintable(names[place][:80]) if names else place
                raise ValueError(f"{cells[place].strip()[:40]!r} in column {name}")
        numbers = [csv_cells.to_number(cells[place], decimal) for place in places]
        return np.array(numbers).reshape(shape)

    def parse(lines: list[str]) -> Parsed:
        nonlocal decimal, undecided
        if undecided:  # the first rows come after their header
            decimal, undecided = _find_decimal(lines, delimiter, source), False
        # Delimiters within quotes, and points beside decimal commas, take the slow path.
        plain = all(line.count(delimiter) == width - 1 for line in lines)
        if plain and (decimal == "." or not any("." in line for line in lines)):
            if options.gaps:
                lines = [csv_cells.fill_empty(line, delimiter) for line in lines]
            try:
                values = np.loadtxt(
                    lines if decimal == "." else [line.replace(decimal, ".") for line in lines],
                    delimiter=delimiter,
                    comments=None,
                    quotechar='"',
                    usecols=None if places == list(range(width)) else places,
                    ndmin=2,
                )
            except ValueError:
                pass
            else:
                if len(values) == len(lines):
                    return values.reshape(-1, *shape), {}
        return _parse_singly(lines, shape, parse_row)

    parser: Parser = parse
    if text:
        assert given is not None
        parser = _expand_lines(parse, shape, given, text, (delimiter, decimal))
    return parser, lines if names is None else lines[1:]


def _expand_lines(
    parse: Parser,
    shape: tuple[int, ...],
    names: list[str],
    text: categories.Categories,
    form: tuple[str, str],
) -> Parser:
    """Return a parser of lines in which columns of categories hold text.

    Args:
        parse: The parser of lines in which they are columns of 0 and 1.
        shape: Shape of one row.
        names: Names of the columns of the file.
        text: The categories of those that hold text.
        form: The delimiter and the decimal mark.
    """
    delimiter, decimal = form

    def expand(line: str) -> str:
        cells = csv_cells.split(line, delimiter)
        if len(cells) != len(names):
            raise ValueError(f"{len(cells)} columns instead of {len(names)}")
        if decimal != ".":
            cells = [
                cell.replace(decimal, ".")
                if name in text and csv_cells.is_number(cell, decimal)
                else cell
                for cell, name in zip(cells, names, strict=True)
            ]
        return csv_cells.join(categories.expand_cells(cells, names, text), delimiter)

    def parse_lines(lines: list[str]) -> Parsed:
        expanded, faults = {}, {}
        for place, line in enumerate(lines):
            try:
                expanded[place] = expand(line)
            except ValueError as error:
                faults[place] = str(error)
        values, places = np.zeros((len(lines), *shape)), [*expanded]
        values[places], others = parse([*expanded.values()])
        return values, faults | {places[place]: fault for place, fault in others.items()}

    return parse_lines


def _find_decimal(lines: list[str], delimiter: str, source: str | None) -> str:
    """Find the decimal mark; warn of a comma."""
    if not csv_cells.has_decimal_commas(lines, delimiter):
        return "."
    csv_cells.warn_of_decimal_commas(source or "standard input")
    return ","


def _read_header(
    lines: list[str],
    cells: list[str],
    shape: tuple[int, ...],
    options: TextOptions,
    delimiter: str,
    decimal: str,
    source: str | None,
) -> list[str] | None:
    """Return the names of the columns, or `None` if the first line is a row."""
    header = options.header
    if header is None:
        text = categories.find_text(cells, options.columns)
        given = set(categories.expand_names(cells, text))
        of_encoder = options.columns is not None and given.issuperset(options.columns)
        words = csv_cells.name_columns(cells, math.prod(shape), decimal)
        header = of_encoder or bool(options.drop) or words
        if not header and source and csv_cells.begin_with_scale(lines, delimiter, decimal):
            header = True
            csv_cells.warn_of_scale(source, lines[0], delimiter)
    return cells if header else None


def make_json_parser(lines: list[str], shape: tuple[int, ...], options: TextOptions) -> Parser:
    """Return a parser of JSON lines: lists of numbers, or objects that hold a row.

    An object holds a list in the field `options.key`, or, if the columns have names, the numbers by
    their names.

    Args:
        lines: The first lines.
        shape: Shape of one row.
        options: All options.

    Raises:
        ValueError: If the names in the first line are not those of the encoder's columns.
    """
    key, names, drop = options.key or "x", options.columns, set(options.drop)
    wanted = set(names or ())

    def get_row(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        if not has_names(value):
            if key not in value:
                raise ValueError(f"no field {key!r}. Remedy: --key")
            return value[key]
        assert names is not None
        if text := categories.find_text([*value], names):
            wide = categories.expand_names([*value], text)
            value = dict(
                zip(wide, categories.expand_cells([*value.values()], [*value], text), strict=True)
            )
        if value.keys() - drop != wanted:
            given = [name for name in value if name not in drop]
            raise ValueError(columns.describe_difference(*columns.compare_names(given, names)))
        return [value[name] for name in names]

    def has_names(value: Any) -> bool:
        by_key = options.key is not None or isinstance(value.get(key), list)
        return names is not None and not by_key

    with suppress(json.JSONDecodeError, RecursionError):
        first = json.loads(lines[0], object_pairs_hook=_make_object)
        if isinstance(first, dict) and has_names(first):
            assert names is not None
            wide = categories.expand_names([*first], categories.find_text([*first], names))
            columns.require_columns([name for name in wide if name not in drop], names)

    def to_array(values: Any) -> np.ndarray:
        try:
            numbers = np.array(values)
            if options.gaps and numbers.dtype == object and _are_numbers_or_null(numbers):
                numbers = numbers.astype(np.float64)  # null becomes NaN
        except ValueError:  # ragged
            numbers = np.array(None)
        if numbers.dtype.kind not in "biuf":
            raise ValueError("not a list of numbers")
        return numbers

    def parse_row(line: str) -> np.ndarray:
        try:
            numbers = to_array(get_row(json.loads(line, object_pairs_hook=_make_object)))
        except json.JSONDecodeError as error:
            raise ValueError(f"not JSON ({error.msg}, column {error.colno})") from None
        if numbers.size != math.prod(shape):
            raise ValueError(f"{numbers.size} numbers instead of {math.prod(shape)}")
        return numbers.reshape(shape)

    def parse(lines: list[str]) -> Parsed:
        # Each line in brackets of its own, so that two fragments do not combine into a row.
        text = "[[" + "],[".join(lines) + "]]"
        try:
            found = json.loads(text, object_pairs_hook=_make_object)
            values = to_array([get_row(value) for (value,) in found])
        except (ValueError, RecursionError):
            pass
        else:
            if len(values) == len(lines) and values.size == len(lines) * math.prod(shape):
                return values.reshape(-1, *shape), {}
        return _parse_singly(lines, shape, parse_row)

    return parse


def _are_numbers_or_null(values: np.ndarray) -> bool:
    return all(value is None or isinstance(value, (int, float)) for value in values.flat)


def _make_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if repeated := columns.find_repeated([name for name, _ in pairs]):
        raise ValueError(f"several fields of {columns.list_names(repeated)}")
    return dict(pairs)


def _parse_singly(
    lines: list[str], shape: tuple[int, ...], parse_row: Callable[[str], Any]
) -> Parsed:
    """Parse one row at a time, for a block with a bad row."""
    values, faults = np.zeros((len(lines), *shape)), {}
    for place, line in enumerate(lines):
        try:
            values[place] = parse_row(line)
        except (ValueError, RecursionError, OverflowError) as error:
            faults[place] = str(error)
    return values, faults
