"""Read raw rows from files and standard input, chunk by chunk in constant memory.

A row that cannot be parsed does not stop the reading. It keeps its place in the chunk, so that rows
keep their numbers, and the fault is reported for the caller to decide.
"""

import gzip
import math
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from keras_sparse_export.io import array_files, csr_files, parquet_files, text_rows
from keras_sparse_export.io.inputs import Inputs
from keras_sparse_export.io.text_rows import Parser, TextOptions

BLOCK_BYTES = 1 << 20
TEXT = ("csv", "jsonl")
ARRAYS = ("npy", "npz")
KINDS = (*ARRAYS, "parquet", *TEXT)


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


def read(
    source: str,
    shape: tuple[int, ...],
    *,
    kind: str | None = None,
    key: str | None = None,
    drop: Sequence[str] = (),
    header: bool | None = None,
    columns: Sequence[str] | None = None,
    delimiter: str | None = None,
    decimal: str | None = None,
    rows: int = 1024,
    gaps: bool = False,
    inputs: Inputs | None = None,
) -> Iterator[Chunk]:
    """Yield chunks of raw rows.

    Text is read in blocks of lines, a `.npy` file is memory-mapped, an array of an `.npz` file is
    read while it is unpacked, and Parquet is decoded a batch at a time. From standard input and
    other pipes, a chunk is whatever has arrived, so that no row waits for later ones.

    Args:
        source: Path of a file, or `-` for standard input. Text may be compressed: `.csv.gz`.
        shape: Shape of one row. Rows of another shape with as many numbers are reshaped.
        kind: `"npy"`, `"npz"`, `"parquet"`, `"csv"` or `"jsonl"`; by default inferred from the
            file's suffix, on standard input from the first line.
        key: Name of the array in an `.npz` file (by default the only one, or `x`, or `x_train`),
            or of the field of JSON objects that holds the row (by default `x`).
        drop: Names of columns to ignore.
        header: Whether a CSV begins with a header; by default it does if `drop` names columns, or
            if the first line holds all of `columns`, or several words and no number, or if that of
            a file holds a scale such as wavelengths: at least 8 numbers that only rise or only
            fall, as those of no other line. A scale causes a warning.
        columns: Names of the columns of the encoder. What has names is ordered by name: Parquet, a
            CSV with a header, and JSON objects without `key`.
        delimiter: What separates the cells of a CSV; by default tab, semicolon or comma, the first
            with which the first 100 lines have the same number of cells, of at least two.
        decimal: The decimal mark of a CSV. By default `"."`, or `","`, with a warning, if commas do
            not separate cells and the first lines hold numbers such as `3,14`, but none such as
            `3.14`.
        rows: Maximum number of rows in a chunk.
        gaps: Whether an empty cell of a CSV, and null in JSON, is a gap, which is NaN in the rows.
        inputs: The inputs of the encoder. Of several an `.npz` file has an array for each, by name,
            unless `key` names one of packed rows.

    Raises:
        FileNotFoundError: If the file does not exist.
        ModuleNotFoundError: If a `.parquet` is read without pyarrow.
        ValueError: If the file is not of its kind, or its rows or columns do not fit.
    """
    if source != "-" and not Path(source).exists():
        raise FileNotFoundError(
            f"Expected a file of data. Received: {source}, which does not exist"
        )
    if source != "-" and Path(source).is_dir():
        raise ValueError(f"Expected a file of data. Received: {source}, a folder")
    kind = kind or (None if source == "-" else _infer_kind(source))
    if kind not in (*KINDS, None):
        raise ValueError(
            "Expected a file ending in .npy, .npz, .csv, .csv.gz, .jsonl or .parquet. Received: "
            f"{Path(source).name}. Remedy: --format csv for such a file with another suffix, or "
            "--format jsonl for JSON lines"
        )
    options = TextOptions(key, drop, header, columns, delimiter, decimal, gaps)
    try:
        if kind in TEXT or kind is None:
            yield from _read_text(source, shape, kind, options, rows)
            return
        if drop and kind in ARRAYS:
            raise ValueError("another kind of file; `--drop` needs columns with names")
        if kind == "parquet":
            parts = parquet_files.read_parts(source, columns, drop, shape, rows)
        elif kind == "npz" and key is None and csr_files.is_matrix(source):
            parts = csr_files.read_parts(source, shape, rows)
        elif kind == "npz" and key is None and inputs is not None and len(inputs) > 1:
            parts = array_files.read_packed(source, inputs, rows)
        else:
            parts = array_files.read_parts(source, kind, key, shape, rows)
        first = 0
        for part, fraction in parts:
            yield Chunk(first, part, {}, fraction)
            first += len(part)
    except ValueError as error:
        raise ValueError(
            f"Expected rows of numbers in {name_source(source)}. Received: {error}"
        ) from error


def find_length(source: str, key: str | None, inputs: Inputs) -> Inputs:
    """Return the inputs of an encoder of rows of several lengths for those of a file.

    Only a `.npy` or `.npz` file tells the shape of its rows, which all have the same; other rows
    have the greatest length.

    Args:
        source: Path of a file, or `-`.
        key: Name of the array in an `.npz` file.
        inputs: The inputs of the encoder.

    Raises:
        ValueError: If the file has no array of numbers.
    """
    kind = "" if source == "-" or not Path(source).is_file() else _infer_kind(source)
    if inputs.least is None or kind not in ARRAYS:
        return inputs
    if kind == "npz" and key is None and csr_files.is_matrix(source):
        return inputs
    try:
        shape = array_files.read_shape(source, kind, key)
        for row_shape in (shape, shape[1:]):
            if inputs[0].admits(row_shape):
                return inputs.shorten(row_shape)
        if math.prod(shape[1:]) == math.prod(inputs.row_shape):
            return inputs
        raise ValueError(f"{shape!s:.80}, where the encoder takes (rows, {inputs.wanted})")
    except ValueError as error:
        raise ValueError(
            f"Expected rows of numbers in {name_source(source)}. Received: {error}"
        ) from error


def _infer_kind(source: str) -> str:
    """Return the suffix of a file, that of its content if it is compressed text."""
    path = Path(source.lower())
    inner = Path(path.stem).suffix.removeprefix(".") if path.suffix == ".gz" else ""
    return inner if inner in TEXT else path.suffix.removeprefix(".")


def name_source(source: str) -> str:
    """Return the name of a source for messages."""
    return "standard input" if source == "-" else source


# Text ------------------------------------------------------------------------------------------


def _read_text(
    source: str, shape: tuple[int, ...], kind: str | None, options: TextOptions, rows: int
) -> Iterator[Chunk]:
    parse: Parser | None = None
    first = 0
    size = 0 if source == "-" else Path(source).stat().st_size
    with ExitStack() as stack:
        file: BinaryIO
        file = sys.stdin.buffer if source == "-" else stack.enter_context(open(source, "rb"))
        stream = file
        if source.lower().endswith(".gz"):
            stack.enter_context(array_files.name_damage())
            stream = stack.enter_context(gzip.open(file))
        blocks = _read_blocks(stream)
        if source != "-" and Path(source).is_file():  # a pipe waits for no second line
            blocks = _join_first(blocks)
        for lines in blocks:
            if parse is None:
                kind = kind or ("jsonl" if lines[0].lstrip().startswith(("[", "{")) else "csv")
                if kind == "csv":
                    named = None if source == "-" else source
                    parse, lines = text_rows.make_csv_parser(lines, shape, options, named)
                elif options.drop and options.columns is None:
                    raise ValueError("JSON lines; `--drop` needs columns with names")
                else:
                    parse = text_rows.make_json_parser(lines, shape, options)
            for start in range(0, len(lines), rows):
                values, faults = parse(lines[start : start + rows])
                yield Chunk(first, values, faults, file.tell() / size if size else None)
                first += len(values)
    if parse is None and source != "-":
        raise ValueError("no rows")


def _join_first(blocks: Iterator[list[str]]) -> Iterator[list[str]]:
    """Add the second block to a first one of one line: a header is told by what follows it."""
    first = next(blocks, [])
    if len(first) == 1:
        first = [*first, *next(blocks, [])]
    if first:
        yield first
    yield from blocks


def _read_blocks(stream: BinaryIO) -> Iterator[list[str]]:
    """Yield non-blank lines as they arrive."""
    # Streams of `open` and `sys.stdin` have `read1`, although BinaryIO does not declare it.
    rest, mark = b"", "\ufeff"  # the byte order mark that Excel writes
    while data := stream.read1(BLOCK_BYTES):  # type: ignore[attr-defined]
        whole, end, tail = data.rpartition(b"\n")
        if not end:
            rest += data
            continue
        text = (rest + whole).decode("utf-8", "replace").removeprefix(mark)
        rest, mark = tail, ""
        if lines := [line for line in text.split("\n") if not line.isspace() and line]:
            yield lines
    last = rest.decode("utf-8", "replace").removeprefix(mark)
    if last.strip():
        yield [last]
