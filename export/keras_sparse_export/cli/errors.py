"""`keras-sparse-export errors`: write the errors of reconstructions, which find faulty rows."""

import argparse
import math
from collections.abc import Sequence
from functools import partial
from typing import Any, TextIO

import numpy as np

from keras_sparse_export.cli import conversion, inputs
from keras_sparse_export.runtime.encoder import Encoder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command after the bundle."""
    inputs.add_arguments(parser)
    conversion.add_arguments(
        parser,
        "ERRORS",
        ".csv or .jsonl (of each row the mean error, the column of the largest, and all), "
        ".npy (all)",
    )


def errors(options: argparse.Namespace) -> None:
    """Read rows, and write the errors of their reconstructions, chunk by chunk."""
    conversion.infer_kind(options.output, options.to)
    conversion.require_options(options)
    inputs.check_columns(options, options.data)
    encoder = Encoder(options.bundle, threads=options.threads, allow=options.allow)
    shape, form = encoder.feature_shape, inputs.get_form(encoder, options)
    encoder.errors(np.zeros(encoder.input_shape, np.float32))  # raises if the bundle has none
    chunks = inputs.read_chunks(
        options,
        options.data,
        form,
        options.batch_rows or encoder.chunk_rows,
    )
    columns = encoder.columns if shape == encoder.input_shape else None
    names = tuple(columns or map(str, range(math.prod(shape))))
    with conversion.open_lines(options, shape, partial(_Errors, names=names)) as writer:
        rows = conversion.Conversion(encoder.errors, shape, form).run(options, chunks, writer)
    if options.output != "-":
        print(f"Wrote {options.output}: errors of {rows} rows")


class _Errors(conversion.Lines):
    """Of each row its number, the mean error, the column of the largest, and all errors."""

    def __init__(self, stream: TextIO, kind: str, *, flush: bool, names: Sequence[str]) -> None:
        super().__init__(stream, kind, flush=flush, header=["row", "error", "largest", *names])
        self._names = names

    def list_cells(self, number: int, values: np.ndarray) -> list[object]:
        row = values.ravel().tolist()
        mean, largest = self._summarize(row)
        cells = ["" if math.isnan(error) else f"{error:.9g}" for error in (mean, *row)]
        return [number, cells[0], largest or "", *cells[1:]]

    def make_entry(self, number: int, values: np.ndarray, fault: str | None) -> dict[str, Any]:
        row = values.ravel().tolist()
        mean, largest = self._summarize(row)
        if largest is None:
            return {"row": number, "fault": fault or "no error"}
        errors = [None if math.isnan(error) else float(f"{error:.9g}") for error in row]
        entry = {"row": number, "error": float(f"{mean:.9g}"), "largest": largest}
        return {**entry, "errors": errors}

    def _summarize(self, row: list[float]) -> tuple[float, str | None]:
        """Return the mean error of the entries of a row, and the column of the largest."""
        entries = [(error, place) for place, error in enumerate(row) if not math.isnan(error)]
        if not entries:
            return math.nan, None
        largest = max(entries, key=lambda entry: entry[0])[1]
        return math.fsum(error for error, _ in entries) / len(entries), self._names[largest]
