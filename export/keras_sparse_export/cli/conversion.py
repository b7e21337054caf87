"""Convert rows to codes, errors or scores, chunk by chunk, whatever is to be done with bad rows."""

import argparse
import json
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from keras_sparse_export.cli import inputs
from keras_sparse_export.errors import RangeError
from keras_sparse_export.io import csv_cells, readers, writers
from keras_sparse_export.io.files import replace_file

KINDS = ("npy", "csv", "jsonl")
MAX_EXAMPLES = 5


def add_arguments(
    parser: argparse.ArgumentParser, output: str, forms: str, *, required: bool = True
) -> None:
    """Declare the arguments of a command that writes an entry for each row.

    Args:
        parser: Parser of the command.
        output: What the command calls its output, as `CODES`.
        forms: Forms that the output may have besides standard output.
        required: Whether the command has nothing to say without an output.
    """
    add = parser.add_argument
    add(
        "-o",
        "--output",
        required=required,
        metavar=output,
        help=f"{forms}, or - for standard output",
    )
    add("--to", choices=("csv", "jsonl"), help=f"format of {output}, whatever their suffix")
    add(
        "--on-bad",
        choices=("raise", "nan", "skip"),
        default="raise",
        help="stop at a bad row, write NaN for it, or skip it (default: %(default)s)",
    )
    add("--batch-rows", type=int, metavar="N", help="maximum rows per run (default: by row length)")
    add("--threads", type=int, default=1, help="(default: %(default)s)")
    add("--overwrite", action="store_true", help="replace an existing file")


def require_options(options: argparse.Namespace) -> None:
    """Validate these options before anything is read or loaded.

    Raises:
        FileExistsError: If the output exists and may not be replaced.
        ValueError: If `--batch-rows` is not positive.
    """
    if options.output not in (None, "-"):
        writers.require_target(Path(options.output), overwrite=options.overwrite)
    if options.batch_rows is not None and options.batch_rows < 1:
        raise ValueError(
            "Invalid value for argument `--batch-rows`. Expected a positive integer. Received: "
            f"{options.batch_rows}"
        )


def infer_kind(target: str, kind: str | None) -> str:
    """Return `"npy"`, `"csv"` or `"jsonl"`, by default from the suffix; `"csv"` on standard output.

    Raises:
        ValueError: If the kind is another one.
    """
    if target == "-" and kind is None:
        kind = "csv"
    kind = writers.infer_kind(target, kind)
    if kind not in KINDS:
        raise ValueError(
            "Invalid value for argument `--output`. Expected a file ending in .npy, .csv or "
            f".jsonl. Received: {target}"
        )
    return kind


@contextmanager
def open_lines(
    options: argparse.Namespace, shape: tuple[int, ...], make_lines: Callable[..., writers.Writer]
) -> Iterator[writers.Writer]:
    """Open a writer of lines, or of an array; the file appears if the block ends without an error.

    Args:
        options: Options of the command: `output`, `to` and `overwrite`. Without an output nothing
            is written.
        shape: Shape of what becomes of a row.
        make_lines: Makes the writer of lines from a stream, the kind, and whether to flush it after
            every chunk.

    Raises:
        FileExistsError: If the file exists and may not be replaced.
        ValueError: As `infer_kind`.
    """
    target, overwrite = options.output, options.overwrite
    if target is None:
        yield _Nothing()
        return
    kind = infer_kind(target, options.to)
    if kind == "npy":
        with writers.open_writer(target, shape, kind=kind, overwrite=overwrite) as writer:
            yield writer
        return
    if target == "-":
        lines = make_lines(sys.stdout, kind, flush=True)
        yield lines
        lines.finish()
        return
    path = Path(target)
    writers.require_target(path, overwrite=overwrite)
    with (
        replace_file(path, overwrite=overwrite) as staging,
        staging.open("w", encoding="utf-8", newline="\n") as stream,
    ):
        lines = make_lines(stream, kind, flush=False)
        yield lines
        lines.finish()


class _Nothing:
    """Writes nothing, where a command only sums up."""

    def write(self, numbers: Sequence[int], codes: np.ndarray, faults: Mapping[int, str]) -> None:
        """Do nothing."""

    def finish(self) -> None:
        """Do nothing."""


class Lines(ABC):
    """Lines of CSV, after a header, or of JSON, one for each row."""

    def __init__(self, stream: TextIO, kind: str, *, flush: bool, header: Sequence[str]) -> None:
        self._stream, self._kind, self._flush = stream, kind, flush
        self._header = f"{csv_cells.join(header)}\n" if kind == "csv" else ""

    def write(self, numbers: Sequence[int], codes: np.ndarray, faults: Mapping[int, str]) -> None:
        """Write a chunk of rows, after the header: input of another form leaves no line."""
        self.finish()
        for place, (number, values) in enumerate(zip(numbers, codes, strict=True)):
            if self._kind == "csv":
                line = csv_cells.join(self.list_cells(number, values))
            else:
                line = json.dumps(self.make_entry(number, values, faults.get(place)))
            self._stream.write(f"{line}\n")
        if self._flush:
            self._stream.flush()

    def finish(self) -> None:
        """Write the header, if it is not there: of no rows it stands alone."""
        self._stream.write(self._header)
        self._header = ""

    @abstractmethod
    def list_cells(self, number: int, values: np.ndarray) -> list[object]:
        """Return the cells of a line of CSV."""

    @abstractmethod
    def make_entry(self, number: int, values: np.ndarray, fault: str | None) -> dict[str, Any]:
        """Return the object of a line of JSON."""


@dataclass(frozen=True)
class Conversion:
    """What becomes of rows."""

    compute: Callable[[np.ndarray], np.ndarray]
    """Converts good rows; a `RangeError` names those that overflow."""
    shape: tuple[int, ...]
    """Shape of what becomes of a row."""
    form: inputs.Form
    """Form of the rows."""

    def run(
        self,
        options: argparse.Namespace,
        chunks: Iterable[readers.Chunk],
        writer: writers.Writer,
    ) -> int:
        """Convert and write all rows; return the number of those that were written.

        Raises:
            ValueError: If a row is bad and `--on-bad` is `raise`.
        """
        rows = read = 0
        with Progress(options.output) as progress, BadRows(options, self.form) as bad_rows:
            for chunk in chunks:
                values, faults = self._convert_chunk(chunk)
                numbers: Sequence[int] = range(chunk.first, chunk.first + len(values))
                error = None
                if faults:
                    kept, error = bad_rows.select(chunk, faults)
                    if len(kept) < len(values):
                        numbers, values = [numbers[index] for index in kept], values[kept]
                        faults = {}
                writer.write(numbers, values, faults)
                if error is not None:
                    raise error
                rows += len(values)
                read = chunk.first + len(chunk.rows)
                progress.show(read, chunk.fraction)
        if not read and self.form.recordings is None:
            source = readers.name_source(options.data)
            print(f"keras-sparse-export: 0 rows in {source}", file=sys.stderr)
        return rows

    def _convert_chunk(self, chunk: readers.Chunk) -> tuple[np.ndarray, dict[int, str]]:
        """Return values, with NaN for bad rows, and the faults of these by index in the chunk."""
        if not chunk.faults:
            try:
                return self.compute(chunk.rows), {}
            except ValueError:
                pass  # some row is not finite or overflows; the good rows are converted below
        faults = inputs.find_faults(chunk, gaps=self.form.gaps, inputs=self.form.inputs)
        good = np.delete(np.arange(len(chunk.rows)), list(faults))
        values = np.full((len(chunk.rows), *self.shape), np.nan, np.float32)
        while len(good):
            try:
                values[good] = self.compute(chunk.rows[good])
                break
            except RangeError as error:
                faults |= dict.fromkeys(good[error.rows].tolist(), error.fault)
                good = np.delete(good, error.rows)
        return values, faults


class BadRows:
    """Counts bad rows, and reports the first few on standard error at the end.

    So it does with windows that are clipped or silent, and with samples that fill none.
    """

    def __init__(self, options: argparse.Namespace, form: inputs.Form) -> None:
        self._form = form
        self._action, self._source = options.on_bad, readers.name_source(options.data)
        self._count, self._examples = 0, dict[str, str]()

    def select(
        self, chunk: readers.Chunk, faults: dict[int, str]
    ) -> tuple[np.ndarray, ValueError | None]:
        """Return the indices of the rows to write, and the error to raise after them."""
        indices = np.arange(len(chunk.rows))
        if self._action == "raise":
            first = min(faults)
            remedy = (
                "--on-bad skip to leave such rows out, or --on-bad nan to write NaN as their codes"
            )
            if self._form.inputs.least is not None and " instead of " in faults[first]:
                remedy = (
                    "a .npy or .npz file, which tells the shape of shorter rows "
                    f"({self._form.inputs.wanted}); rows of text have the greatest length"
                )
            return indices[:first], ValueError(
                f"Expected rows of finite numbers in {self._source}. Received: {faults[first]} "
                f"({self._name(chunk.first + first)}). Remedy: {remedy}"
            )
        self._count += len(faults)
        for index in sorted(faults)[: MAX_EXAMPLES - len(self._examples)]:
            self._examples[self._name(chunk.first + index)] = faults[index]
        return (indices if self._action == "nan" else np.delete(indices, list(faults))), None

    def _name(self, number: int) -> str:
        return ", ".join(f"{name} {value}" for name, value in self._form.label(number).items())

    def __enter__(self) -> "BadRows":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind not in (None, KeyboardInterrupt):
            return
        recordings = self._form.recordings
        if recordings is not None and (told := recordings.describe()):
            print(f"keras-sparse-export: {told}", file=sys.stderr)
        if not self._count:
            return
        action = "encoded as NaN" if self._action == "nan" else "skipped"
        print(f"keras-sparse-export: {self._count} bad rows {action}", file=sys.stderr)
        for name, reason in self._examples.items():
            print(f"  {name}: {reason}", file=sys.stderr)
        if self._count > len(self._examples):
            print(f"  and {self._count - len(self._examples)} more", file=sys.stderr)


class Progress:
    """Shows progress in a line on standard error, on a terminal only."""

    def __init__(self, output: str) -> None:
        visible = output == "-" and sys.stdout.isatty()  # the codes themselves show progress
        self._shown = sys.stderr.isatty() and not visible
        self._next = 0.0

    def show(self, rows: int, fraction: float | None) -> None:
        """Show the rows so far, and the fraction of the source if it is known."""
        if self._shown and (now := time.monotonic()) >= self._next:
            self._next = now + 0.1
            bar = ""
            if fraction is not None:
                bar = f"[{'#' * int(30 * fraction):30}] {fraction:4.0%} "
            print(f"\r\033[K{bar}{rows:,} rows", end="", file=sys.stderr, flush=True)

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
