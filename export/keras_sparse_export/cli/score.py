"""`keras-sparse-export score`: write the score of each row, and which rows are an alarm."""

import argparse
import math
import sys
from functools import partial
from typing import Any, TextIO

import numpy as np

from keras_sparse_export.cli import conversion, inputs
from keras_sparse_export.drift.alarms import verdicts
from keras_sparse_export.runtime.encoder import Encoder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command after the bundle."""
    inputs.add_arguments(parser)
    conversion.add_arguments(
        parser,
        "SCORES",
        ".csv or .jsonl (of each row the score, the threshold and whether it is an alarm), "
        ".npy (scores)",
    )


def score(options: argparse.Namespace) -> None:
    """Read rows, and write their scores, chunk by chunk."""
    conversion.infer_kind(options.output, options.to)
    conversion.require_options(options)
    inputs.check_columns(options, options.data)
    encoder = Encoder(options.bundle, threads=options.threads, allow=options.allow)
    verdicts.require_score(encoder.manifest, encoder.path)
    assert encoder.manifest is not None
    alarm = encoder.manifest["score"]["alarm"]
    threshold = None if alarm is None else float(alarm["threshold"])
    if alarm is not None and alarm["estimate"] is not None:
        print(f"keras-sparse-export: {verdicts.describe_alarm(alarm)}", file=sys.stderr)
    form, count = inputs.get_form(encoder), _Count(encoder, threshold)
    chunks = inputs.read_chunks(
        options, options.data, form, options.batch_rows or encoder.chunk_rows
    )
    with conversion.open_lines(options, (), partial(_Scores, threshold=threshold)) as writer:
        rows = conversion.Conversion(count, (), form).run(options, chunks, writer)
    if options.output != "-":
        found = "" if alarm is None else f", {count.alarms} above {threshold:.4g}"
        print(f"Wrote {options.output}: scores of {rows} rows{found}")


class _Count:
    """Scores rows, and counts the alarms among them."""

    def __init__(self, encoder: Encoder, threshold: float | None) -> None:
        self._encoder, self._threshold, self.alarms = encoder, threshold, 0

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        scores = self._encoder.score(rows)
        if self._threshold is not None:
            self.alarms += int(np.count_nonzero(scores > self._threshold))
        return scores


class _Scores(conversion.Lines):
    """Of each row its number, the score, the threshold, and whether it is an alarm."""

    def __init__(self, stream: TextIO, kind: str, *, flush: bool, threshold: float | None) -> None:
        header = ["row", "score", "threshold", "alarm"]
        super().__init__(stream, kind, flush=flush, header=header)
        self._threshold = threshold

    def list_cells(self, number: int, values: np.ndarray) -> list[object]:
        score, threshold = float(values), self._threshold
        limit = "" if threshold is None else f"{threshold:.9g}"
        if math.isnan(score):
            return [number, "", limit, ""]
        return [
            number, f"{score:.9g}", limit, "" if threshold is None else int(score > threshold)
        ]  # fmt: skip

    def make_entry(self, number: int, values: np.ndarray, fault: str | None) -> dict[str, Any]:
        score, threshold = float(values), self._threshold
        if math.isnan(score):
            return {"row": number, "fault": fault or "no score"}
        alarm = None if threshold is None else score > threshold
        entry = {"row": number, "score": float(f"{score:.9g}")}
        return {**entry, "threshold": threshold, "alarm": alarm}
