"""`keras-sparse-export errors`: write the errors of reconstructions, which find faulty rows."""

import argparse
import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import numpy as np

from keras_sparse_export.cli import conversion, inputs
from keras_sparse_export.io import csv_cells, writers
from keras_sparse_export.io.files import replace_file
from keras_sparse_export.runtime.encoder import Encoder

KINDS = ("npy", "csv", "jsonl")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command after the bundle."""
    inputs.add_arguments(parser)
    conversion.add_arguments(parser)
    add = parser.add_argument
    add(
        "-o",
        "--output",
        required=True,
        metavar="ERRORS",
        help=".csv or .jsonl (of each row the mean error, the column of the largest, and all), "
        ".npy (all), or - for standard output",
    )
    add("--to", choices=("csv", "jsonl"), help="format of ERRORS, whatever their suffix")


def errors(options: argparse.Namespace) -> None:
    """Read rows, and write the errors of their reconstructions, chunk by chunk."""
    _infer_kind(options.output, options.to)
    conversion.require_options(options)
    inputs.check_columns(options, options.data)
    encoder = Encoder(options.bundle, threads=options.threads, allow=options.allow)
    shape, form = encoder.input_shape, inputs.get_form(encoder)
    encoder.errors(np.zeros(shape, np.float32))  # raises if the bundle has none
    chunks = inputs.read_chunks(
        options,
        options.data,
        form,
        options.batch_rows or encoder.chunk_rows,
    )
    with _open_writer(
        options.output, shape, encoder.columns, kind=options.to, overwrite=options.overwrite
    ) as writer:
        rows = conversion.Conversion(encoder.errors, shape, form).run(options, chunks, writer)
    if options.output != "-":
        print(f"Wrote {options.output}: errors of {rows} rows")


@contextmanager
def _open_writer(
    target: str,
    shape: tuple[int, ...],
    columns: Sequence[str] | None,
    *,
    kind: str | None = None,
    overwrite: bool = False,
) -> Iterator[writers.Writer]:
    """Open a writer of errors; the file appears when the block ends without an error.

    Args:
        target: Path of a file, or `-` for standard output, which is flushed after every chunk.
        shape: Shape of a row.
        columns: Names of the columns; `None` numbers them.
        kind: As in `_infer_kind`.
        overwrite: Whether an existing file may be replaced.

    Raises:
        FileExistsError: If the file exists and may not be replaced.
        ValueError: As `_infer_kind`.
    """
    kind = _infer_kind(target, kind)
    if kind == "npy":
        with writers.open_writer(target, shape, kind=kind, overwrite=overwrite) as writer:
            yield writer
        return
    names = tuple(columns or map(str, range(math.prod(shape))))
    if target == "-":
        yield _Text(sys.stdout, names, kind, flush=True)
        return
    path = Path(target)
    writers.require_target(path, overwrite=overwrite)
    with (
        replace_file(path, overwrite=overwrite) as staging,
        staging.open("w", encoding="utf-8", newline="\n") as stream,
    ):
        yield _Text(stream, names, kind, flush=False)


def _infer_kind(target: str, kind: str | None) -> str:
    """Return `"npy"`, `"csv"` or `"jsonl"`, by default from the suffix; `"csv"` on standard output.

    Raises:
        ValueError: If the kind is another one.
    """
    if target == "-" and kind is None:
        kind = "csv"
    kind = writers.infer_kind(target, kind)
    if kind not in KINDS:
        raise ValueError(
            "Invalid value for argument `--output`. Expected a file ending in .npy, .csv or .jsonl "
            f"for errors. Received: {target}"
        )
    return kind


class _Text:
    """Lines of CSV, after a header, or of JSON."""

    def __init__(self, stream: TextIO, names: Sequence[str], kind: str, *, flush: bool) -> None:
        self._stream, self._names, self._kind, self._flush = stream, names, kind, flush
        if kind == "csv":
            stream.write(f"{csv_cells.join(['row', 'error', 'largest', *names])}\n")

    def write(self, numbers: Sequence[int], codes: np.ndarray, faults: Mapping[int, str]) -> None:
        errors = codes.reshape(len(codes), -1)
        format_line = self._format_csv if self._kind == "csv" else self._format_json
        for place, (number, row) in enumerate(zip(numbers, errors.tolist(), strict=True)):
            self._stream.write(format_line(number, row, faults.get(place)) + "\n")
        if self._flush:
            self._stream.flush()

    def finish(self) -> None:
        pass

    def _format_csv(self, number: int, row: list[float], fault: str | None) -> str:
        mean, largest = self._summarize(row)
        cells = ["" if math.isnan(error) else f"{error:.9g}" for error in (mean, *row)]
        return csv_cells.join([number, cells[0], largest or "", *cells[1:]])

    def _format_json(self, number: int, row: list[float], fault: str | None) -> str:
        mean, largest = self._summarize(row)
        if largest is None:
            return json.dumps({"row": number, "fault": fault or "no error"})
        errors = [None if math.isnan(error) else float(f"{error:.9g}") for error in row]
        entry = {"row": number, "error": float(f"{mean:.9g}"), "largest": largest}
        return json.dumps({**entry, "errors": errors})

    def _summarize(self, row: list[float]) -> tuple[float, str | None]:
        """Return the mean error of the entries of a row, and the column of the largest."""
        entries = [(error, place) for place, error in enumerate(row) if not math.isnan(error)]
        if not entries:
            return math.nan, None
        largest = max(entries, key=lambda entry: entry[0])[1]
        return math.fsum(error for error, _ in entries) / len(entries), self._names[largest]
