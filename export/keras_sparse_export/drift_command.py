"""`keras-sparse-export drift`: whether rows are like those that the bundle was exported with."""

import argparse
import json
import math
from typing import Any

from keras_sparse_export import sources
from keras_sparse_export.drift import Drift
from keras_sparse_export.encoder import Encoder

DRIFTED = 1
MOVED_UNITS = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes beside the bundle."""
    sources.add_arguments(parser)
    parser.add_argument("--batch-rows", type=int, default=256, metavar="ROWS")
    parser.add_argument(
        "--on-bad", choices=("raise", "skip"), default="raise", help="(default: %(default)s)"
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")


def drift(options: argparse.Namespace) -> int:
    """Compare batch by batch; the exit status is 1 where more drifted than chance explains."""
    if options.batch_rows < 1:
        raise ValueError(
            "Invalid value for argument `--batch-rows`. Expected a positive integer. Received: "
            f"{options.batch_rows}"
        )
    encoder = Encoder(options.bundle, threads=options.threads, allow=options.allow)
    batches: list[Drift] = []
    source, shape, skip = options.data, encoder.input_shape, options.on_bad == "skip"
    for rows in sources.batches(options, source, shape, options.batch_rows, skip=skip):
        if batches and len(rows) < options.batch_rows:
            break  # the last, not full, is left out unless it is the only one
        found = encoder.drift(rows)
        if not options.json:
            print(_line(found, len(batches) * options.batch_rows))
        batches.append(found)
    if not batches:
        raise ValueError(f"Expected rows in {source}. Received: none")
    rate, drifted = batches[0].false_alarm_rate, sum(found.drifted for found in batches)
    # One of one is the rate itself, but for rounding.
    alarm = _chance(drifted, len(batches), rate) <= rate + 1e-9
    if options.json:
        entries = [_entry(found) for found in batches]
        print(json.dumps({"drifted": alarm, "false_alarm_rate": rate, "batches": entries}))
    else:
        print(
            f"{drifted} of {len(batches)} batches above the threshold, "
            f"{rate * len(batches):.2g} expected by chance: {_verdict(alarm)}"
        )
    return DRIFTED if alarm else 0


def _chance(drifted: int, batches: int, rate: float) -> float:
    """How likely so many of the batches or more exceed the threshold without drift."""
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


def _moved(found: Drift) -> dict[int, float]:
    """Scores of the units that moved most."""
    order = abs(found.units).argsort(kind="stable")[::-1][:MOVED_UNITS]
    return {int(unit): round(float(found.units[unit]), 2) for unit in order}


def _line(found: Drift, first: int) -> str:
    units = ", ".join(f"{unit} ({score:+.1f})" for unit, score in _moved(found).items())
    return (
        f"rows {first} to {first + found.rows - 1}: score {found.score:.2f} (threshold "
        f"{found.threshold:.2f}), {_verdict(found.drifted)}; units that moved most: {units}"
    )


def _verdict(drifted: bool) -> str:
    return "DRIFT" if drifted else "no drift"


def _entry(found: Drift) -> dict[str, Any]:
    names = ("rows", "score", "threshold", "drifted")
    return {**{name: getattr(found, name) for name in names}, "units": _moved(found)}
