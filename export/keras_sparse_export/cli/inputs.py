"""Declare and read the rows of a command, from a file or standard input."""

import argparse
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from keras_sparse_export.io import readers


class Batch(NamedTuple):
    """Good rows of a source, and their numbers there."""

    rows: np.ndarray
    numbers: np.ndarray


def add_arguments(parser: argparse.ArgumentParser, name: str = "data") -> None:
    """Declare the argument `name`, the source of the rows, and how to read it."""
    add = parser.add_argument
    required: dict[str, Any] = {} if name == "data" else {"required": True}
    add(name, metavar="DATA", help=".npy, .npz, .csv, .jsonl, or - for standard input", **required)
    add("--format", choices=readers.TEXT, help="format of DATA, if its suffix is another")
    add("--key", metavar="NAME", help="array of an .npz, or field of JSON lines, with the rows")
    add(
        "--drop",
        metavar="COLUMN",
        action="append",
        default=[],
        help="CSV column to ignore; repeatable",
    )
    add(
        "--header",
        choices=("yes", "no"),
        help="whether a CSV has a header (default: inferred)",
    )


def read_chunks(
    options: argparse.Namespace, source: str, shape: tuple[int, ...], rows: int
) -> Iterator[readers.Chunk]:
    """Yield chunks of at most `rows` rows as they arrive; see `readers.read`."""
    return readers.read(
        source,
        shape,
        kind=options.format,
        key=options.key,
        drop=options.drop,
        header=None if options.header is None else options.header == "yes",
        rows=rows,
    )


def read_batches(
    options: argparse.Namespace,
    source: str,
    shape: tuple[int, ...],
    rows: int,
    *,
    skip: bool = False,
) -> Iterator[Batch]:
    """Yield batches of exactly `rows` good rows; the last one may be shorter.

    Args:
        options: Options declared by `add_arguments`.
        source: Path of a file, or `-`.
        shape: Shape of one row.
        rows: Number of rows in a batch.
        skip: Whether to skip bad rows.

    Raises:
        ValueError: If a row cannot be parsed or is not finite, and `skip` is false.
    """
    pending: list[Batch] = []
    for chunk in read_chunks(options, source, shape, rows):
        faults = find_faults(chunk)
        if faults and not skip:
            place, fault = min(faults.items())
            raise ValueError(
                f"Expected rows of finite numbers in {readers.name_source(source)}. Received: "
                f"{fault} (row {chunk.first + place})"
            )
        good = np.delete(np.arange(len(chunk.rows)), list(faults))
        pending.append(Batch(chunk.rows[good], chunk.first + good))
        while sum(len(batch.rows) for batch in pending) >= rows:
            joined = Batch(*map(np.concatenate, zip(*pending, strict=True)))
            yield Batch(joined.rows[:rows], joined.numbers[:rows])
            pending = [Batch(joined.rows[rows:], joined.numbers[rows:])]
    if any(len(batch.rows) for batch in pending):
        yield Batch(*map(np.concatenate, zip(*pending, strict=True)))


def find_faults(chunk: readers.Chunk) -> dict[int, str]:
    """Return why rows could not be parsed or are not finite, by their index in the chunk."""
    with np.errstate(over="ignore"):
        rows = chunk.rows.astype(np.float32, copy=False)
    bad = ~np.isfinite(rows.reshape(len(rows), -1))
    places, first = np.flatnonzero(bad.any(axis=1)), bad.argmax(axis=1)
    not_finite = {
        int(place): f"NaN or infinity at position {first[place]} of the row" for place in places
    }
    return {**not_finite, **chunk.faults}
