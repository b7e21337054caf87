"""`keras-sparse-export encode`: codes of rows from a file or standard input."""

import argparse
import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from keras_sparse_export import readers, sources, writers
from keras_sparse_export.encoder import FILES, Encoder

NAMED = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes beside the bundle."""
    sources.add_arguments(parser)
    add = parser.add_argument
    add(
        "-o",
        "--output",
        required=True,
        metavar="CODES",
        help=".npy, .csv (dense), .npz (CSR), .jsonl (active units), or - for standard output",
    )
    add("--to", choices=("csv", "jsonl"), help="what CODES are, whatever their name")
    add("--threshold", type=float, help="units above it are active (default: the bundle's)")
    add("--dense", action="store_true", help="whole codes as JSON lines")
    add(
        "--on-bad",
        choices=("raise", "nan", "skip"),
        default="raise",
        help="end at a bad row, give it a code of NaN, or leave it out (default: %(default)s)",
    )
    add("--batch-rows", type=int, metavar="N", help="most rows in one go (by their length)")
    add("--threads", type=int, default=1)
    add("--variant", choices=tuple(FILES), default="float32")
    add("--overwrite", action="store_true", help="replace what is there")


def encode(options: argparse.Namespace) -> None:
    """Read, encode and write, chunk by chunk."""
    _require(options)
    encoder = Encoder(
        options.bundle, variant=options.variant, threads=options.threads, allow=options.allow
    )
    threshold = encoder.threshold if options.threshold is None else options.threshold
    chunks = sources.chunks(
        options, options.data, encoder.input_shape, options.batch_rows or encoder.chunk_rows
    )
    bad = _Bad(options)
    with (
        writers.opened(
            options.output,
            encoder.code_shape,
            kind=options.to,
            threshold=threshold,
            dense=options.dense,
            overwrite=options.overwrite,
        ) as writer,
        _Progress(options.output) as progress,
        bad,
    ):
        rows = 0
        for chunk in chunks:
            codes, faults = _codes(encoder, chunk)
            numbers: Sequence[int] = range(chunk.first, chunk.first + len(codes))
            ending = None
            if faults:
                kept, ending = bad.kept(chunk, faults)
                if len(kept) < len(codes):
                    numbers, codes, faults = [numbers[place] for place in kept], codes[kept], {}
            writer.write(numbers, codes, faults)
            if ending is not None:
                raise ending
            rows += len(codes)
            progress.show(chunk.first + len(chunk.rows), chunk.share)
    if options.output != "-":
        print(f"Wrote {options.output}: {rows} rows of {encoder.code_shape}")


def _require(options: argparse.Namespace) -> None:
    """Refuse what cannot be before anything is read or loaded."""
    kind = writers.kind_of(options.output, options.to)
    if options.output != "-":
        writers.require_target(Path(options.output), overwrite=options.overwrite)
    if options.batch_rows is not None and options.batch_rows < 1:
        raise ValueError(
            "Invalid value for argument `--batch-rows`. Expected a positive integer. Received: "
            f"{options.batch_rows}"
        )
    if kind == "npz" and options.on_bad == "nan":
        raise ValueError(
            "Invalid value for argument `--on-bad`. Expected raise or skip with CSR, which has no "
            "place for the code of a bad row. Received: nan. Remedy: --on-bad skip, or .npy"
        )
    dense = options.dense or kind in ("npy", "csv")
    if dense and options.threshold is not None:
        raise ValueError(
            "Invalid value for argument `--threshold`. Expected it where active units are written, "
            f"in .npz and .jsonl. Received: {options.threshold:g}, for whole codes"
        )
    if options.threshold is not None and not math.isfinite(options.threshold):
        raise ValueError(
            "Invalid value for argument `--threshold`. Expected a finite number. Received: "
            f"{options.threshold}"
        )
    if kind != "jsonl" and options.dense:
        raise ValueError(
            "Invalid value for argument `--dense`. Expected it with JSON lines alone: .npy and "
            f".csv are dense, .npz is not. Received: {kind}"
        )


def _codes(encoder: Encoder, chunk: readers.Chunk) -> tuple[np.ndarray, dict[int, str]]:
    """Codes, NaN for bad rows, and what is wrong with these, by their place in the chunk."""
    if not chunk.faults:
        try:
            return encoder.encode(chunk.rows), {}
        except ValueError:
            pass  # a row that is not finite; the good ones are encoded below
    faults = sources.faults_of(chunk)
    good = np.delete(np.arange(len(chunk.rows)), list(faults))
    codes = np.full((len(chunk.rows), *encoder.code_shape), np.nan, np.float32)
    if len(good):
        codes[good] = encoder.encode(chunk.rows[good])
    return codes, faults


class _Bad:
    """What becomes of bad rows: counted, the first few named on standard error at the end."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._action, self._source = options.on_bad, readers.name_of(options.data)
        self._count, self._named = 0, dict[int, str]()

    def kept(
        self, chunk: readers.Chunk, faults: dict[int, str]
    ) -> tuple[np.ndarray, ValueError | None]:
        """Places of the rows to write, and the error to end with behind them."""
        places = np.arange(len(chunk.rows))
        if self._action == "raise":
            first = min(faults)
            return places[:first], ValueError(
                f"Expected rows of finite numbers in {self._source}. Received: {faults[first]} "
                f"(row {chunk.first + first}). Remedy: --on-bad skip or nan"
            )
        self._count += len(faults)
        for place in sorted(faults)[: NAMED - len(self._named)]:
            self._named[chunk.first + place] = faults[place]
        return (places if self._action == "nan" else np.delete(places, list(faults))), None

    def __enter__(self) -> "_Bad":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if not self._count or kind not in (None, KeyboardInterrupt):
            return
        what = "given a code of NaN" if self._action == "nan" else "left out"
        print(f"keras-sparse-export: {self._count} bad rows {what}", file=sys.stderr)
        for number, reason in self._named.items():
            print(f"  row {number}: {reason}", file=sys.stderr)
        if self._count > len(self._named):
            print(f"  and {self._count - len(self._named)} more", file=sys.stderr)


class _Progress:
    """A line on standard error that is written over, on a terminal alone."""

    def __init__(self, output: str) -> None:
        beside = output == "-" and sys.stdout.isatty()  # lines of codes show how far it is
        self._shown = sys.stderr.isatty() and not beside
        self._next = 0.0

    def show(self, rows: int, share: float | None) -> None:
        if self._shown and (now := time.monotonic()) >= self._next:
            self._next = now + 0.1
            bar = "" if share is None else f"[{'#' * int(30 * share):30}] {share:4.0%} "
            print(f"\r\033[K{bar}{rows:,} rows", end="", file=sys.stderr, flush=True)

    def __enter__(self) -> "_Progress":
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
