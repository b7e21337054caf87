"""`keras-sparse-export drift`: test rows for drift from the export sample."""

import argparse
import json
import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from keras_sparse_export.cli import inputs
from keras_sparse_export.drift.score import Drift
from keras_sparse_export.errors import RangeError
from keras_sparse_export.io.columns import quote
from keras_sparse_export.runtime.encoder import Encoder

DRIFTED = 1
NEIGHBOURS = (
    "Rows must be independent draws. Neighbouring rows, as of one day, are alike, and differ from "
    "the sample without drift: compare rows that are far apart in time."
)
"""Shown with an alarm."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command after the bundle."""
    inputs.add_arguments(parser)
    parser.add_argument(
        "--batch-rows", type=int, default=256, metavar="ROWS", help="(default: %(default)s)"
    )
    parser.add_argument(
        "--on-bad",
        choices=("raise", "skip"),
        default="raise",
        help="stop at a bad row, or skip it (default: %(default)s)",
    )
    parser.add_argument("--threads", type=int, default=1, help="(default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")


def drift(options: argparse.Namespace) -> int:
    """Compare batch by batch; return 1 if more batches drifted than chance explains."""
    if options.batch_rows < 1:
        raise ValueError(
            "Invalid value for argument `--batch-rows`. Expected a positive integer. Received: "
            f"{options.batch_rows}"
        )
    inputs.check_columns(options, options.data)
    encoder = Encoder(options.bundle, threads=options.threads, allow=options.allow)
    batches: list[Drift] = []
    source, skip = options.data, options.on_bad == "skip"
    form = inputs.get_form(encoder, options)
    for read in inputs.read_batches(options, source, form, options.batch_rows, skip=skip):
        if batches and len(read.rows) < options.batch_rows:
            break  # an incomplete last batch is ignored, unless it is the only one
        batch = _measure(encoder, read, skip=skip)
        if not options.json:
            print(_format_line(batch, len(batches) * options.batch_rows))
        batches.append(batch)
    if not batches:
        raise ValueError(f"Expected rows in {source}. Received: none")
    rate, drifted = batches[0].false_alarm_rate, sum(batch.drifted for batch in batches)
    # For one batch of one, the probability is the rate up to rounding.
    alarm = _compute_tail(drifted, len(batches), rate) <= rate + 1e-9
    if options.json:
        entries = [_make_entry(batch) for batch in batches]
        print(json.dumps({"drifted": alarm, "false_alarm_rate": rate, "batches": entries}))
    else:
        print(
            f"{drifted} of {len(batches)} batches above the threshold, "
            f"{rate * len(batches):.2g} expected by chance: {_format_verdict(alarm)}"
        )
        if alarm:
            print(NEIGHBOURS)
    return DRIFTED if alarm else 0


def _measure(encoder: Encoder, batch: inputs.Batch, *, skip: bool) -> Drift:
    rows = batch.rows
    while True:  # an error names the rows of one chunk
        try:
            return encoder.drift(rows)
        except RangeError as error:
            if not skip:
                raise error.renumber(batch.numbers.tolist()) from error
            rows = np.delete(rows, error.rows, axis=0)


def _compute_tail(drifted: int, batches: int, rate: float) -> float:
    """Return the probability that `drifted` or more batches raise an alarm without drift."""
    fewer = (
        math.exp(
            math.lgamma(batches + 1)
            - math.lgamma(count + 1)
            - math.lgamma(batches - count + 1)
            + count * math.log(rate)
            + (batches - count) * math.log1p(-rate)
        )
        for count in range(drifted)
    )
    return 1 - math.fsum(fewer)


def _format_line(batch: Drift, first: int) -> str:
    parts = [
        f"rows {first} to {first + batch.rows - 1}: score {batch.score:.2f} (threshold "
        f"{batch.threshold:.2f}), {_format_verdict(batch.drifted)}"
    ]
    if batch.columns is not None:
        moved = [
            (quote(name) if isinstance(name, str) else name, score)
            for name, score in batch.find_moved_columns()
        ]
        parts.append(f"columns that moved most: {_format_scores(moved)}")
    parts.append(f"units that moved most: {_format_scores(batch.find_moved_units())}")
    return "; ".join(parts)


def _format_scores(scores: Iterable[tuple[Any, float]]) -> str:
    return ", ".join(f"{name} ({score:+.1f})" for name, score in scores)


def _format_verdict(drifted: bool) -> str:
    return "DRIFT" if drifted else "no drift"


def _make_entry(batch: Drift) -> dict[str, Any]:
    entry = {name: getattr(batch, name) for name in ("rows", "score", "threshold", "drifted")}
    if batch.columns is not None:
        entry["columns"] = _round_scores(batch.find_moved_columns())
    return entry | {"units": _round_scores(batch.find_moved_units())}


def _round_scores(scores: Iterable[tuple[Any, float]]) -> dict[Any, float]:
    return {name: round(score, 2) for name, score in scores}
