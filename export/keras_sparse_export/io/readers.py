"""Read raw rows from files and standard input, chunk by chunk in constant memory.

A row that cannot be parsed does not stop the reading. It keeps its place in the chunk, so that rows
keep their numbers, and the fault is reported for the caller to decide.
"""

import json
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from keras_sparse_export.errors import replace_unprintable
from keras_sparse_export.io import array_files, csr_files, csv_cells

BLOCK_BYTES = 1 << 20
TEXT = ("csv", "jsonl")
KINDS = ("npy", "npz", *TEXT)


class Chunk(NamedTuple):
    """Consecutive rows of the input."""

    first: int
    """Number of the first row, counted from 0 without blank lines and the header."""
    rows: np.ndarray
    """`(rows, *shape)` of a numeric dtype."""
    faults: dict[int, str]
    """Why rows could not be parsed, by index in `rows`, which holds arbitrary numbers there."""
    fraction: float | None
    """Fraction of the input read so far, if known."""


Parsed = tuple[np.ndarray, dict[int, str]]
Parser = Callable[[list[str]], Parsed]


def read(
    source: str,
    shape: tuple[int, ...],
    *,
    kind: str | None = None,
    key: str | None = None,
    drop: Sequence[str] = (),
    header: bool | None = None,
    rows: int = 1024,
) -> Iterator[Chunk]:
    """Yield chunks of raw rows.

    Text is read in blocks of lines, a `.npy` file is memory-mapped, and an array of an `.npz` file
    is read while it is unpacked. From standard input and other pipes, a chunk is whatever has
    arrived, so that no row waits for later ones.

    Args:
        source: Path of a file, or `-` for standard input.
        shape: Shape of one row. Rows of another shape with as many numbers are reshaped.
        kind: `"npy"`, `"npz"`, `"csv"` or `"jsonl"`; by default inferred from the file's suffix,
            on standard input from the first line.
        key: Name of the array in an `.npz` file (by default the only one, or `x`, or `x_train`),
            or of the field of JSON objects that holds the row (by default `x`).
        drop: Names of CSV columns to ignore.
        header: Whether a CSV begins with a header; by default it does if `drop` names columns, or
            if the first line holds several words and no number, or if that of a file holds a scale
            such as wavelengths: at least 8 numbers that only rise or only fall, as those of no
            other line. A scale causes a warning.
        rows: Maximum number of rows in a chunk.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If the file is not of its kind, or its rows do not fit `shape`.
    """
    if source != "-" and (not Path(source).exists() or Path(source).is_dir()):
        raise FileNotFoundError(
            f"Expected a file of data. Received: {source}, which does not exist"
        )
    kind = kind or (None if source == "-" else Path(source).suffix.lower().removeprefix("."))
    if kind not in (*KINDS, None):
        raise ValueError(
            f"Expected a file ending in .npy, .npz, .csv or .jsonl. Received: {Path(source).name}. "
            "Remedy: --format csv or jsonl, for a text file with another suffix"
        )
    try:
        if drop and kind not in ("csv", None):
            raise ValueError("another kind of file; `--drop` needs a CSV")
        if kind in ("npy", "npz"):
            first = 0
            if kind == "npz" and key is None and csr_files.is_matrix(source):
                parts = csr_files.read_parts(source, shape, rows)
            else:
                parts = array_files.read_parts(source, kind, key, shape, rows)
            for part, fraction in parts:
                yield Chunk(first, part, {}, fraction)
                first += len(part)
        else:
            yield from _read_text(source, shape, kind, key, drop, header, rows)
    except ValueError as error:
        raise ValueError(
            f"Expected rows of numbers in {name_source(source)}. Received: {error}"
        ) from error


def name_source(source: str) -> str:
    """Return the name of a source for messages."""
    return "standard input" if source == "-" else source


# Text ------------------------------------------------------------------------------------------


def _read_text(
    source: str,
    shape: tuple[int, ...],
    kind: str | None,
    key: str | None,
    drop: Sequence[str],
    header: bool | None,
    rows: int,
) -> Iterator[Chunk]:
    parse: Parser | None = None
    first = 0
    size = 0 if source == "-" else Path(source).stat().st_size
    with nullcontext(sys.stdin.buffer) if source == "-" else open(source, "rb") as stream:
        for lines, done in _read_blocks(stream):
            if parse is None:
                kind = kind or ("jsonl" if lines[0].lstrip().startswith(("[", "{")) else "csv")
                if drop and kind != "csv":
                    raise ValueError("JSON lines; `--drop` needs a CSV")
                if kind == "csv":
                    if header is None and source != "-" and csv_cells.begin_with_scale(lines):
                        header = True  # of standard input, one line may be all there is yet
                        csv_cells.warn_of_scale(source, lines[0])
                    parse, lines = _make_csv_parser(lines, shape, drop, header)
                else:
                    parse = _make_json_parser(shape, key or "x")
            for start in range(0, len(lines), rows):
                values, faults = parse(lines[start : start + rows])
                yield Chunk(first, values, faults, done / size if size else None)
                first += len(values)
    if parse is None and source != "-":
        raise ValueError("no rows")


def _read_blocks(stream: BinaryIO) -> Iterator[tuple[list[str], int]]:
    """Yield non-blank lines as they arrive, with the number of bytes read so far."""
    # Streams of `open` and `sys.stdin` have `read1`, although BinaryIO does not declare it.
    rest, done, mark = b"", 0, "\ufeff"  # the byte order mark that Excel writes
    while data := stream.read1(BLOCK_BYTES):  # type: ignore[attr-defined]
        done += len(data)
        whole, end, tail = data.rpartition(b"\n")
        if not end:
            rest += data
            continue
        text = (rest + whole).decode("utf-8", "replace").removeprefix(mark)
        rest, mark = tail, ""
        if lines := [line for line in text.split("\n") if not line.isspace() and line]:
            yield lines, done
    last = rest.decode("utf-8", "replace").removeprefix(mark)
    if last.strip():
        yield [last], done


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


def _make_csv_parser(
    lines: list[str], shape: tuple[int, ...], drop: Sequence[str], header: bool | None
) -> tuple[Parser, list[str]]:
    """Derive a CSV parser from the first line; return it and the lines that hold rows."""
    cells = csv_cells.split(lines[0])
    if header is None:
        # With a number it is a row: a bad row is reported, but a row taken for a header is lost.
        header = bool(drop) or not (
            any(map(csv_cells.is_number, cells)) or len(cells) == 1 < math.prod(shape)
        )
    names = cells if header else []
    if unknown := [name for name in drop if name not in names]:
        columns = replace_unprintable(", ".join(names)[:80]) or "without names"
        raise ValueError(f"columns {columns}, no {unknown[0]}")
    size = math.prod(shape)
    if not header:
        kept = list(range(size))
    else:
        kept = [column for column, name in enumerate(names) if name not in drop]
        if len(kept) != size:
            raise ValueError(
                f"{len(kept)} columns, where the encoder takes {_describe_rows(shape)}. Remedy: "
                "--drop COLUMN for each that it does not take"
            )
    width = len(names) or size
    used = kept if drop else None

    def parse_row(line: str) -> np.ndarray:
        cells = csv_cells.split(line)
        if len(cells) != width:
            raise ValueError(f"{len(cells)} columns instead of {width}")
        for column in kept:
            if not csv_cells.is_number(cells[column]):
                name = replace_unprintable(names[column][:80]) if names else column
                raise ValueError(f"{cells[column].strip()[:40]!r} in column {name}")
        return np.array([float(cells[column]) for column in kept]).reshape(shape)

    def parse(lines: list[str]) -> Parsed:
        # Commas within quotes are rare enough for the slow path.
        if all(line.count(",") == width - 1 for line in lines):
            try:
                values = np.loadtxt(
                    lines, delimiter=",", comments=None, quotechar='"', usecols=used, ndmin=2
                )
            except ValueError:
                pass
            else:
                if len(values) == len(lines):
                    return values.reshape(-1, *shape), {}
        return _parse_singly(lines, shape, parse_row)

    return parse, lines[1:] if header else lines


def _make_json_parser(shape: tuple[int, ...], key: str) -> Parser:
    def get_field(value: Any) -> Any:
        if isinstance(value, dict):
            if key not in value:
                raise ValueError(f"no field {key!r}. Remedy: --key")
            return value[key]
        return value

    def to_array(values: Any) -> np.ndarray:
        try:
            numbers = np.array(values)
        except ValueError:  # ragged
            numbers = np.array(None)
        if numbers.dtype.kind not in "biuf":
            raise ValueError("not a list of numbers")
        return numbers

    def parse_row(line: str) -> np.ndarray:
        try:
            numbers = to_array(get_field(json.loads(line)))
        except json.JSONDecodeError as error:
            raise ValueError(f"not JSON ({error.msg}, column {error.colno})") from None
        if numbers.size != math.prod(shape):
            raise ValueError(f"{numbers.size} numbers instead of {math.prod(shape)}")
        return numbers.reshape(shape)

    def parse(lines: list[str]) -> Parsed:
        # Each line in brackets of its own, so that two fragments do not combine into a row.
        text = "[[" + "],[".join(lines) + "]]"
        try:
            values = to_array([get_field(value) for (value,) in json.loads(text)])
        except (ValueError, RecursionError):
            pass
        else:
            if len(values) == len(lines) and values.size == len(lines) * math.prod(shape):
                return values.reshape(-1, *shape), {}
        return _parse_singly(lines, shape, parse_row)

    return parse


def _describe_rows(shape: tuple[int, ...]) -> str:
    return f"(rows, {', '.join(map(str, shape))})"
