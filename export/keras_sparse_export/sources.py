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
    options: argparse.Namespace, source: str, shape: tuple[int, ...], rows: int
) -> Iterator[np.ndarray]:
    """Batches of so many rows each, the last one of what is left.

    Raises:
        ValueError: If a row cannot be read.
    """
    waiting: list[np.ndarray] = []
    for chunk in chunks(options, source, shape, rows):
        if chunk.faults:
            place, fault = min(chunk.faults.items())
            raise ValueError(
                f"Expected rows of numbers in {readers.name_of(source)}. Received: {fault} "
                f"(row {chunk.first + place})"
            )
        waiting.append(chunk.rows)
        while sum(map(len, waiting)) >= rows:
            together = np.concatenate(waiting)
            yield together[:rows]
            waiting = [together[rows:]]
    if sum(map(len, waiting)):
        yield np.concatenate(waiting)
