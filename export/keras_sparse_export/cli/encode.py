"""`keras-sparse-export encode`: encode rows from a file or standard input."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from keras_sparse_export.cli import inputs
from keras_sparse_export.errors import RangeError
from keras_sparse_export.io import readers, writers
from keras_sparse_export.io.activity import require_threshold
from keras_sparse_export.runtime.encoder import FILES, Encoder

MAX_EXAMPLES = 5
OVERFLOW = "numbers that overflow float32 in the encoder"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command after the bundle."""
    inputs.add_arguments(parser)
    add = parser.add_argument
    add(
        "-o",
        "--output",
        required=True,
        metavar="CODES",
        help=".npy, .csv (dense), .npz (CSR), .jsonl (active units), or - for standard output",
    )
    add("--to", choices=("csv", "jsonl"), help="format of CODES, whatever their suffix")
    add(
        "--threshold",
        type=float,
        help="a unit is active if |code| exceeds it (default: the bundle's threshold)",
    )
    add(
        "--l0",
        type=float,
        help="a lower mean number of active units per row, for bundles with thresholds and their "
        "calibration",
    )
    add("--dense", action="store_true", help="write whole codes as JSON lines")
    add(
        "--on-bad",
        choices=("raise", "nan", "skip"),
        default="raise",
        help="stop at a bad row, write NaN as its code, or skip it (default: %(default)s)",
    )
    add("--batch-rows", type=int, metavar="N", help="maximum rows per run (default: by row length)")
    add("--threads", type=int, default=1, help="(default: %(default)s)")
    add("--variant", choices=tuple(FILES), default="float32", help="(default: %(default)s)")
    add("--overwrite", action="store_true", help="replace an existing file")


def encode(options: argparse.Namespace) -> None:
    """Read, encode and write rows, chunk by chunk."""
    _require_options(options)
    inputs.check_columns(options, options.data)
    encoder = Encoder(
        options.bundle,
        variant=options.variant,
        l0=options.l0,
        threads=options.threads,
        allow=options.allow,
    )
    threshold = encoder.threshold if options.threshold is None else options.threshold
    form = inputs.get_form(encoder)
    chunks = inputs.read_chunks(
        options, options.data, form, options.batch_rows or encoder.chunk_rows
    )
    bad_rows = _BadRows(options)
    with (
        writers.open_writer(
            options.output,
            encoder.code_shape,
            kind=options.to,
            threshold=threshold,
            signed=encoder.signed,
            dense=options.dense,
            overwrite=options.overwrite,
        ) as writer,
        _Progress(options.output) as progress,
        bad_rows,
    ):
        rows = 0
        for chunk in chunks:
            codes, faults = _encode_chunk(encoder, chunk)
            numbers: Sequence[int] = range(chunk.first, chunk.first + len(codes))
            error = None
            if faults:
                kept, error = bad_rows.select(chunk, faults)
                if len(kept) < len(codes):
                    numbers, codes, faults = [numbers[index] for index in kept], codes[kept], {}
            writer.write(numbers, codes, faults)
            if error is not None:
                raise error
            rows += len(codes)
            progress.show(chunk.first + len(chunk.rows), chunk.fraction)
    if options.output != "-":
        print(f"Wrote {options.output}: {rows} rows of {encoder.code_shape}")


def _require_options(options: argparse.Namespace) -> None:
    """Validate the options before anything is read or loaded."""
    kind = writers.infer_kind(options.output, options.to)
    if options.output != "-":
        writers.require_target(Path(options.output), overwrite=options.overwrite)
    if options.batch_rows is not None and options.batch_rows < 1:
        raise ValueError(
            "Invalid value for argument `--batch-rows`. Expected a positive integer. Received: "
            f"{options.batch_rows}"
        )
    if kind == "npz" and options.on_bad == "nan":
        raise ValueError(
            "Invalid value for argument `--on-bad`. Expected raise or skip with CSR, which cannot "
            "mark the code of a bad row. Received: nan. Remedy: --on-bad skip to leave bad rows "
            "out, or an output of .npy"
        )
    dense = options.dense or kind in ("npy", "csv")
    if dense and options.threshold is not None:
        raise ValueError(
            "Invalid value for argument `--threshold`. Expected it only for formats of active "
            f"units, .npz and .jsonl. Received: {options.threshold:g}, for whole codes"
        )
    if options.threshold is not None:
        require_threshold(options.threshold, "--threshold")
    if kind != "jsonl" and options.dense:
        raise ValueError(
            "Invalid value for argument `--dense`. Expected it only with JSON lines: .npy and .csv "
            f"are always dense, .npz never. Received: {kind}"
        )


def _encode_chunk(encoder: Encoder, chunk: readers.Chunk) -> tuple[np.ndarray, dict[int, str]]:
    """Return codes, with NaN for bad rows, and the faults of these by index in the chunk."""
    if not chunk.faults:
        try:
            return encoder.encode(chunk.rows), {}
        except ValueError:
            pass  # some row is not finite or overflows; the good rows are encoded below
    faults = inputs.find_faults(chunk, gaps=encoder.admits_gaps, inputs=encoder.inputs)
    good = np.delete(np.arange(len(chunk.rows)), list(faults))
    codes = np.full((len(chunk.rows), *encoder.code_shape), np.nan, np.float32)
    while len(good):
        try:
            codes[good] = encoder.encode(chunk.rows[good])
            break
        except RangeError as error:
            faults |= dict.fromkeys(good[error.rows].tolist(), OVERFLOW)
            good = np.delete(good, error.rows)
    return codes, faults


class _BadRows:
    """Counts bad rows, and reports the first few on standard error at the end."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._action, self._source = options.on_bad, readers.name_source(options.data)
        self._count, self._examples = 0, dict[int, str]()

    def select(
        self, chunk: readers.Chunk, faults: dict[int, str]
    ) -> tuple[np.ndarray, ValueError | None]:
        """Return the indices of the rows to write, and the error to raise after them."""
        indices = np.arange(len(chunk.rows))
        if self._action == "raise":
            first = min(faults)
            return indices[:first], ValueError(
                f"Expected rows of finite numbers in {self._source}. Received: {faults[first]} "
                f"(row {chunk.first + first}). Remedy: --on-bad skip to leave such rows out, or "
                "--on-bad nan to write NaN as their codes"
            )
        self._count += len(faults)
        for index in sorted(faults)[: MAX_EXAMPLES - len(self._examples)]:
            self._examples[chunk.first + index] = faults[index]
        return (indices if self._action == "nan" else np.delete(indices, list(faults))), None

    def __enter__(self) -> "_BadRows":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if not self._count or kind not in (None, KeyboardInterrupt):
            return
        action = "encoded as NaN" if self._action == "nan" else "skipped"
        print(f"keras-sparse-export: {self._count} bad rows {action}", file=sys.stderr)
        for number, reason in self._examples.items():
            print(f"  row {number}: {reason}", file=sys.stderr)
        if self._count > len(self._examples):
            print(f"  and {self._count - len(self._examples)} more", file=sys.stderr)


class _Progress:
    """Shows progress in a line on standard error, on a terminal only."""

    def __init__(self, output: str) -> None:
        visible = output == "-" and sys.stdout.isatty()  # the codes themselves show progress
        self._shown = sys.stderr.isatty() and not visible
        self._next = 0.0

    def show(self, rows: int, fraction: float | None) -> None:
        if self._shown and (now := time.monotonic()) >= self._next:
            self._next = now + 0.1
            bar = ""
            if fraction is not None:
                bar = f"[{'#' * int(30 * fraction):30}] {fraction:4.0%} "
            print(f"\r\033[K{bar}{rows:,} rows", end="", file=sys.stderr, flush=True)

    def __enter__(self) -> "_Progress":
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
