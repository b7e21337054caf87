"""`keras-sparse-export score`: sum up the scores of rows, or write each, and which are an alarm."""

import argparse
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from keras_sparse_export.bundle.format import SCORES
from keras_sparse_export.cli import conversion, inputs
from keras_sparse_export.drift.alarms import verdicts
from keras_sparse_export.drift.alarms.votes import RunningVote
from keras_sparse_export.errors import format_count
from keras_sparse_export.io.writers import Writer
from keras_sparse_export.runtime.encoder import Encoder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command after the bundle."""
    inputs.add_arguments(parser)
    inputs.add_windows(parser)
    conversion.add_arguments(
        parser,
        "SCORES",
        ".csv or .jsonl (of each row the score, the threshold and whether it is an alarm), "
        ".npy (scores); without it only a summary is printed",
        required=False,
    )
    parser.add_argument(
        "--variant", choices=tuple(SCORES), default="float32", help="(default: %(default)s)"
    )
    parser.add_argument(
        "--vote",
        type=_parse_vote,
        metavar="K/N",
        help="also write whether K of the last N rows are alarms, as of windows that follow each "
        "other",
    )


def _parse_vote(text: str) -> RunningVote:
    """Parse `K/N`."""
    try:
        k, n = map(int, text.split("/"))
        return RunningVote(k, n)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected K/N of whole numbers with 1 <= K <= N, such as 3/5, received {text!r}"
        ) from None


def score(options: argparse.Namespace) -> None:
    """Read rows, and write their scores, chunk by chunk."""
    kind = None if options.output is None else conversion.infer_kind(options.output, options.to)
    conversion.require_options(options)
    inputs.check_columns(options, options.data)
    encoder = Encoder(
        options.bundle, variant=options.variant, threads=options.threads, allow=options.allow
    )
    verdicts.require_score(encoder.manifest, encoder.path, encoder.variant)
    assert encoder.manifest is not None
    alarm = verdicts.find_alarm(encoder.manifest, encoder.variant)
    threshold = None if alarm is None else float(alarm["threshold"])
    if options.vote is not None:
        verdicts.require_alarm(encoder.manifest, encoder.path, encoder.variant)
        if kind == "npy":
            raise ValueError(
                "Invalid value for argument `--vote`. Expected it only with .csv or .jsonl, which "
                "have a column for it. Received: an output of .npy"
            )
    if alarm is not None and alarm["estimate"] is not None and options.output is not None:
        print(f"keras-sparse-export: {verdicts.describe_alarm(alarm)}", file=sys.stderr)
    form = inputs.get_form(encoder, options)
    chunks = inputs.read_chunks(
        options, options.data, form, options.batch_rows or encoder.chunk_rows
    )
    votes: dict[int, bool] = {}
    make_lines = partial(
        _Scores, form=form, threshold=threshold, votes=None if options.vote is None else votes
    )
    with conversion.open_lines(options, (), make_lines) as writer:
        tally = _Tally(writer, form, threshold, options.vote, votes)
        rows = conversion.Conversion(encoder.score, (), form).run(options, chunks, tally)
    shown = sys.stderr if options.output == "-" else sys.stdout
    if options.output is None and alarm is not None:
        print(verdicts.describe_alarm(alarm))
    elif options.output not in (None, "-"):
        found = "" if alarm is None else f", {tally.alarms} above {threshold:.4g}"
        voted = "" if options.vote is None else f", {tally.votes} by vote"
        print(f"Wrote {options.output}: scores of {rows} rows{found}{voted}")
    if options.output is None or (form.recordings is not None and form.recordings.several):
        name = "standard input" if options.data == "-" else Path(options.data).name
        print(*tally.list_lines(name), sep="\n", file=shown)


@dataclass
class _Recording:
    """What was found in a recording."""

    rows: int = 0
    scored: int = 0
    total: float = 0.0
    largest: float = -math.inf
    alarms: int = 0
    votes: int = 0


class _Tally:
    """Passes scores on to a writer, counts alarms by recording, and votes within each."""

    def __init__(
        self,
        writer: Writer,
        form: inputs.Form,
        threshold: float | None,
        vote: RunningVote | None,
        votes: dict[int, bool],
    ) -> None:
        self._writer, self._form, self._threshold = writer, form, threshold
        self._vote, self._votes = vote, votes
        self._found: dict[str, _Recording] = {}

    def write(self, numbers: Sequence[int], codes: np.ndarray, faults: Mapping[int, str]) -> None:
        """Write a chunk of scores, which are all of one recording."""
        if not len(numbers):
            return
        recordings = self._form.recordings
        name = "" if recordings is None else recordings.find(numbers[0]).name
        found = self._found.get(name)
        if found is None:
            found = self._found[name] = _Recording()
            if self._vote is not None:
                self._vote.reset()
        scores = codes[~np.isnan(codes)].astype(np.float64)
        found.rows += len(codes)
        found.scored += len(scores)
        found.total += float(scores.sum())
        found.largest = max(found.largest, float(scores.max(initial=-math.inf)))
        if self._threshold is not None:
            alarms = codes > self._threshold  # no alarm where there is no score
            found.alarms += int(np.count_nonzero(alarms))
            if self._vote is not None:
                voted = self._vote.push(alarms)
                found.votes += int(np.count_nonzero(voted))
                self._votes.clear()
                self._votes.update(zip(numbers, voted.tolist(), strict=True))
        self._writer.write(numbers, codes, faults)

    def finish(self) -> None:
        """Finish the file."""
        self._writer.finish()

    @property
    def alarms(self) -> int:
        """Number of alarms."""
        return sum(each.alarms for each in self._found.values())

    @property
    def votes(self) -> int:
        """Number of rows at which a vote raises an alarm."""
        return sum(each.votes for each in self._found.values())

    def list_lines(self, source: str) -> list[str]:
        """Return a line for each recording, or one for rows: alarms, mean and largest score.

        The last one is the sum of several recordings.

        Args:
            source: Name of rows that are no windows of recordings.
        """
        recordings = self._form.recordings
        names = {"": source} if recordings is None else {c.name: c.name for c in recordings.counts}
        noun, lines = "row" if recordings is None else "window", []
        for key, name in names.items():
            found = self._found.get(key, _Recording())
            parts = [format_count(found.rows, noun)]
            if self._threshold is not None:
                parts.append(format_count(found.alarms, "alarm"))
            if self._vote is not None:
                parts.append(f"{found.votes} by vote")
            if found.scored:
                mean = found.total / found.scored
                parts.append(f"score {mean:.4g} in the mean, {found.largest:.4g} at most")
            lines.append(f"{name}: {', '.join(parts)}")
        return lines if len(names) == 1 else [*lines, self._sum_up(len(names))]

    def _sum_up(self, recordings: int) -> str:
        """Return the line of all recordings: windows, alarms, and how many recordings have some."""
        found = [*self._found.values()]
        text = f"{format_count(recordings, 'recording')}: "
        text += format_count(sum(each.rows for each in found), "window")
        if self._threshold is not None:
            text += f", {format_count(self.alarms, 'alarm')}"
        if self.alarms:
            scored = sum(each.scored for each in found)
            text += f" ({100 * self.alarms / scored:.1f} %), in "
            text += f"{sum(each.alarms > 0 for each in found)} of them"
        if self._vote is not None:
            text += f"; {self.votes} by vote, in {sum(each.votes > 0 for each in found)} of them"
        return text


class _Scores(conversion.Lines):
    """Of each row its number, the score, the threshold, and whether it is an alarm."""

    def __init__(
        self,
        stream: TextIO,
        kind: str,
        *,
        flush: bool,
        form: inputs.Form,
        threshold: float | None,
        votes: Mapping[int, bool] | None,
    ) -> None:
        header = [*form.label_names, "score", "threshold", "alarm"]
        header += ["vote"] * (votes is not None)
        super().__init__(stream, kind, flush=flush, header=header)
        self._label, self._threshold, self._votes = form.label, threshold, votes

    def list_cells(self, number: int, values: np.ndarray) -> list[object]:
        score, threshold = float(values), self._threshold
        label = [*self._label(number).values()]
        limit = "" if threshold is None else f"{threshold:.9g}"
        vote = [] if self._votes is None else [int(self._votes[number])]
        if math.isnan(score):
            return [*label, "", limit, "", *vote]
        alarm = "" if threshold is None else int(score > threshold)
        return [*label, f"{score:.9g}", limit, alarm, *vote]

    def make_entry(self, number: int, values: np.ndarray, fault: str | None) -> dict[str, Any]:
        score, threshold = float(values), self._threshold
        label = self._label(number)
        vote = {} if self._votes is None else {"vote": self._votes[number]}
        if math.isnan(score):
            return {**label, "fault": fault or "no score", **vote}
        alarm = None if threshold is None else score > threshold
        entry = {**label, "score": float(f"{score:.9g}")}
        return {**entry, "threshold": threshold, "alarm": alarm, **vote}
