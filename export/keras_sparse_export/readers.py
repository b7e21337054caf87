"""Raw rows out of files and standard input, chunk by chunk in constant memory.

A row that cannot be read does not end the reading: its place in the chunk is kept and the fault is
told, so that rows keep their numbers and the caller decides.
"""

import csv
import json
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from keras_sparse_export import array_files

BLOCK_BYTES = 1 << 20
TEXT = ("csv", "jsonl")
KINDS = ("npy", "npz", *TEXT)


class Chunk(NamedTuple):
    """Rows that follow each other in the input."""

    first: int
    """Number of the first row, counted from 0; blank lines and a header are no rows."""
    rows: np.ndarray
    """`(rows, *shape)` of a numeric dtype."""
    faults: dict[int, str]
    """What is wrong with rows that could not be read, by their place in `rows`, where any numbers
    stand for them."""
    share: float | None
    """How much of the input has been read, where that is known."""


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
    """Chunks of raw rows.

    Text is read in blocks of lines, a `.npy` file is mapped, an array of an `.npz` file is read as
    it is unpacked. From standard input, and any pipe, whatever has arrived is a chunk: nothing
    waits for more rows to come.

    Args:
        source: A file, or `-` for standard input.
        shape: Shape of one row. Rows of another shape and as many numbers are reshaped.
        kind: `"npy"`, `"npz"`, `"csv"` or `"jsonl"`; told by the file's ending by default, from
            standard input by the first line.
        key: The array of an `.npz` file (by default the only one, `x` or `x_train`); the field of
            JSON objects that holds the row (by default `x`).
        drop: Columns of a CSV to leave out, by the names in its header.
        header: Whether a CSV begins with one; by default, if `drop` names columns or its first
            line holds several words and no number.
        rows: Most rows in a chunk.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is not of its kind, or no row in it can fit `shape`.
    """
    if source != "-" and (not Path(source).exists() or Path(source).is_dir()):
        raise FileNotFoundError(
            f"Expected a file of data. Received: {source}, which does not exist"
        )
    kind = kind or (None if source == "-" else Path(source).suffix.lower().removeprefix("."))
    if kind not in (*KINDS, None):
        raise ValueError(
            f"Expected a file ending in .npy, .npz, .csv or .jsonl. Received: {Path(source).name}. "
            "Remedy: --format csv or jsonl, for a text of another name"
        )
    try:
        if drop and kind not in ("csv", None):
            raise ValueError("no CSV, whose columns `--drop` leaves out")
        if kind in ("npy", "npz"):
            first = 0
            for part, share in array_files.parts(source, kind, key, shape, rows):
                yield Chunk(first, part, {}, share)
                first += len(part)
        else:
            yield from _text_chunks(source, shape, kind, key, drop, header, rows)
    except ValueError as error:
        raise ValueError(
            f"Expected rows of numbers in {name_of(source)}. Received: {error}"
        ) from error


def name_of(source: str) -> str:
    """What a message calls it."""
    return "standard input" if source == "-" else source


# Text ------------------------------------------------------------------------------------------


def _text_chunks(
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
        for lines, done in _blocks(stream):
            if parse is None:
                kind = kind or ("jsonl" if lines[0].lstrip().startswith(("[", "{")) else "csv")
                if drop and kind != "csv":
                    raise ValueError("JSON lines, no CSV, whose columns `--drop` leaves out")
                if kind == "csv":
                    parse, lines = _csv_parser(lines, shape, drop, header)
                else:
                    parse = _json_parser(shape, key or "x")
            for start in range(0, len(lines), rows):
                values, faults = parse(lines[start : start + rows])
                yield Chunk(first, values, faults, done / size if size else None)
                first += len(values)
    if parse is None and source != "-":
        raise ValueError("no rows")


def _blocks(stream: BinaryIO) -> Iterator[tuple[list[str], int]]:
    """Lines as they arrive, blank ones left out, and how many bytes were read until then."""
    # Every stream that `open` and `sys.stdin` give has `read1`, though BinaryIO declares none.
    rest, done, mark = b"", 0, "\ufeff"  # the byte order mark that Excel begins a file with
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


def _fallback(lines: list[str], shape: tuple[int, ...], row: Callable[[str], Any]) -> Parsed:
    """One row at a time, for a block that holds a bad one."""
    values, faults = np.zeros((len(lines), *shape)), {}
    for place, line in enumerate(lines):
        try:
            values[place] = row(line)
        except (ValueError, RecursionError, OverflowError) as error:
            faults[place] = str(error)
    return values, faults


def _csv_parser(
    lines: list[str], shape: tuple[int, ...], drop: Sequence[str], header: bool | None
) -> tuple[Parser, list[str]]:
    """A parser for the lines of a CSV, told by the first of them, and those that hold rows."""
    cells = _cells(lines[0])
    if header is None:
        # One number makes it a row: a bad one is told, but a row taken for names would be lost.
        header = bool(drop) or not (
            any(map(_is_number, cells)) or len(cells) == 1 < math.prod(shape)
        )
    names = cells if header else []
    if unknown := [name for name in drop if name not in names]:
        told = _shown(", ".join(names)) or "without names"
        raise ValueError(f"columns {told}, no {unknown[0]}")
    size = math.prod(shape)
    if not header:
        kept = list(range(size))
    else:
        kept = [column for column, name in enumerate(names) if name not in drop]
        if len(kept) != size:
            raise ValueError(f"{len(kept)} columns, where the encoder takes {_expected(shape)}")
    width = len(names) or size
    used = kept if drop else None

    def row(line: str) -> np.ndarray:
        cells = _cells(line)
        if len(cells) != width:
            raise ValueError(f"{len(cells)} columns instead of {width}")
        for column in kept:
            if not _is_number(cells[column]):
                name = _shown(names[column]) if names else column
                raise ValueError(f"{cells[column].strip()[:40]!r} in column {name}")
        return np.array([float(cells[column]) for column in kept]).reshape(shape)

    def parse(lines: list[str]) -> Parsed:
        # A comma within quotes is rare enough to be left to the slow way.
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
        return _fallback(lines, shape, row)

    return parse, lines[1:] if header else lines


def _cells(line: str) -> list[str]:
    try:
        return next(csv.reader([line]))
    except csv.Error as error:
        raise ValueError(f"no line of a CSV ({error})") from error


def _shown(text: str) -> str:
    """A text out of a file as a message can have it: short, and nothing a terminal obeys."""
    return "".join(each if each.isprintable() else "\ufffd" for each in text[:80])


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _json_parser(shape: tuple[int, ...], key: str) -> Parser:
    def field(value: Any) -> Any:
        if isinstance(value, dict):
            if key not in value:
                raise ValueError(f"no field {key!r}. Remedy: --key")
            return value[key]
        return value

    def array(values: Any) -> np.ndarray:
        try:
            found = np.array(values)
        except ValueError:  # ragged
            found = np.array(None)
        if found.dtype.kind not in "biuf":
            raise ValueError("no list of numbers")
        return found

    def row(line: str) -> np.ndarray:
        try:
            found = array(field(json.loads(line)))
        except json.JSONDecodeError as error:
            raise ValueError(f"no JSON ({error.msg}, column {error.colno})") from None
        if found.size != math.prod(shape):
            raise ValueError(f"{found.size} numbers instead of {math.prod(shape)}")
        return found.reshape(shape)

    def parse(lines: list[str]) -> Parsed:
        # Every line in brackets of its own: two halves of a row do not make one.
        text = "[[" + "],[".join(lines) + "]]"
        try:
            values = array([field(value) for (value,) in json.loads(text)])
        except (ValueError, RecursionError):
            pass
        else:
            if len(values) == len(lines) and values.size == len(lines) * math.prod(shape):
                return values.reshape(-1, *shape), {}
        return _fallback(lines, shape, row)

    return parse


def _expected(shape: tuple[int, ...]) -> str:
    return f"(rows, {', '.join(map(str, shape))})"
