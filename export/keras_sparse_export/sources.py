"""The rows that a command is given: a file or standard input, and how it is to be read."""

import argparse
from collections.abc import Iterator

import numpy as np

from keras_sparse_export import readers


def add_arguments(parser: argparse.ArgumentParser, name: str = "data") -> None:
    """Declare where rows come from, `name`, and how they are read."""
    add = parser.add_argument
    where = {"metavar": "DATA"} if name == "data" else {"metavar": "DATA", "required": True}
    add(name, help=".npy, .npz, .csv, .jsonl, or - for standard input", **where)
    add("--format", choices=readers.TEXT, help="what DATA is, if its name does not tell")
    add("--key", metavar="NAME", help="array of an .npz, or field of JSON lines, with the rows")
    add(
        "--drop",
        metavar="COLUMN",
        action="append",
        default=[],
        help="column of a CSV to leave out",
    )
    add("--header", choices=("yes", "no"), help="whether a CSV begins with names of columns")


def chunks(
    options: argparse.Namespace, source: str, shape: tuple[int, ...], rows: int
) -> Iterator[readers.Chunk]:
    """What arrives, at most so many rows at once; see `readers.read`."""
    return readers.read(
        source,
        shape,
        kind=options.format,
        key=options.key,
        drop=options.drop,
        header=None if options.header is None else options.header == "yes",
        rows=rows,
    )


def batches(
    options: argparse.Namespace,
    source: str,
    shape: tuple[int, ...],
    rows: int,
    *,
    skip: bool = False,
) -> Iterator[np.ndarray]:
    """Batches of so many good rows each, the last one of what is left.

    Args:
        options: What `add_arguments` declared.
        source: A file, or `-`.
        shape: Shape of one row.
        rows: Rows of a batch.
        skip: Whether to leave bad rows out.

    Raises:
        ValueError: If a row cannot be read or is not finite, and is not to be left out.
    """
    waiting: list[np.ndarray] = []
    for chunk in chunks(options, source, shape, rows):
        faults = faults_of(chunk)
        if faults and not skip:
            place, fault = min(faults.items())
            raise ValueError(
                f"Expected rows of finite numbers in {readers.name_of(source)}. Received: {fault} "
                f"(row {chunk.first + place})"
            )
        waiting.append(np.delete(chunk.rows, list(faults), axis=0))
        while sum(map(len, waiting)) >= rows:
            together = np.concatenate(waiting)
            yield together[:rows]
            waiting = [together[rows:]]
    if sum(map(len, waiting)):
        yield np.concatenate(waiting)


def faults_of(chunk: readers.Chunk) -> dict[int, str]:
    """What is wrong with rows that could not be read or are not finite, by their place."""
    with np.errstate(over="ignore"):
        rows = chunk.rows.astype(np.float32, copy=False)
    bad = ~np.isfinite(rows.reshape(len(rows), -1))
    places, first = np.flatnonzero(bad.any(axis=1)), bad.argmax(axis=1)
    not_finite = {
        int(place): f"NaN or infinity at position {first[place]} of the row" for place in places
    }
    return {**not_finite, **chunk.faults}
