"""The result of an evaluation of detection: its record, its table, and what it says in words."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from keras_sparse.utils.text import align, fraction, with_error

HEADER = ("", "AUC", "pAUC", "AP", "F1", "detected", "false alarms")
ERRORS = 2.5
"""Standard errors beyond which a difference counts: of four comparisons without a difference, about
one in twenty evaluations then finds one."""
FEWEST = 10
"""Independent rows, or recordings, with a fault and without one, below which none counts: of fewer,
a standard error tells little."""


@dataclass(frozen=True)
class Scored:
    """One score: its measures, and how far the AUC of the autoencoder's score is above it."""

    name: str
    threshold: float
    auc: float
    auc_error: float | None
    """Standard error; `None` where it is not known."""
    partial_auc: float
    average_precision: float
    f1: float
    detected: float
    false_alarms: float
    difference: float
    """AUC of the score of the autoencoder, minus this one's."""
    difference_error: float | None


@dataclass(frozen=True)
class Level:
    """Scores of rows, or of whole recordings."""

    unit: str
    """`"row"` or `"recording"`, whose score is the mean over its rows."""
    normal: int
    faulty: int
    drawn: str
    """What is drawn independently: rows or, with groups, recordings."""
    independent: int
    """How many of these there are of the kind that has fewer."""
    calibrated: int
    """How many of these each threshold was chosen on."""
    is_estimate: bool
    """Whether these are too few to show the rate of false alarms."""
    scored: tuple[Scored, ...]
    """First the score of the autoencoder."""

    def table(self) -> str:
        """Format a table, a line for each score."""
        return align([list(HEADER), *self.cells()])

    def cells(self) -> list[list[str]]:
        """Return the lines of the table."""
        return [
            [
                each.name,
                with_error(each.auc, each.auc_error),
                fraction(each.partial_auc),
                fraction(each.average_precision),
                fraction(each.f1),
                fraction(each.detected),
                fraction(each.false_alarms),
            ]
            for each in self.scored
        ]

    def compare(self) -> str:
        """Say which scores are ahead of that of the autoencoder by AUC, and which are behind."""
        own, *others = self.scored
        kinds = {each.name: _compare(each) for each in others}
        texts = {
            1: "is ahead of",
            -1: "is behind",
            0: f"shows no difference beyond {ERRORS} standard errors from",
        }
        clauses = [
            f"{text} {_join(names)}"
            for kind, text in texts.items()
            if (names := [name for name, found in kinds.items() if found == kind])
        ]
        return f"By AUC of {self.unit}s, “{own.name}” {', and '.join(clauses)}."


@dataclass(frozen=True)
class Detection:
    """How well scores detect the faults of a table."""

    false_alarm_rate: float
    """The rate that thresholds were chosen for."""
    levels: tuple[Level, ...]
    """By rows and, with groups, by recordings."""

    def as_dict(self) -> dict[str, Any]:
        """Return the record."""
        return asdict(self)

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> "Detection":
        """Read a record.

        Raises:
            KeyError, TypeError: If it is none.
        """
        levels = tuple(
            Level(**{**level, "scored": tuple(Scored(**each) for each in level["scored"])})
            for level in record["levels"]
        )
        return cls(float(record["false_alarm_rate"]), levels)

    def compare(self) -> list[str]:
        """Say by each level which scores are ahead or, once, that there is too little to tell."""
        last = self.levels[-1]  # counts what is drawn independently
        if last.independent >= FEWEST:
            return [level.compare() for level in self.levels]
        few, plural = last.normal < FEWEST, "s" * (last.normal != 1)
        remedy = "`--hold-out 0.3`, or more {0}s" if few else "more {0}s with a fault"
        return [
            f"{last.normal} held-out {last.drawn}{plural} without a fault and {last.faulty} with "
            f"one are too few to tell which score is ahead: it takes {FEWEST} of each. Remedy: "
            f"{remedy.format(last.drawn)}."
        ]

    def describe(self, level: Level) -> str:
        """Say what the table of a level is measured on."""
        noun = f"{level.unit}s"
        estimate = ", too few for this rate: an estimate" if level.is_estimate else ""
        means = "; the score of a recording is the mean of its rows" * (level.unit != "row")
        return (
            f"{level.normal} held-out {noun} without a fault and {level.faulty} with one; alarms "
            f"at a rate of {self.false_alarm_rate:g}, by {level.calibrated} other {level.drawn}s"
            f"{estimate}{means}"
        )


def _compare(other: Scored) -> int:
    """Return 1 where the autoencoder's score is ahead of another, -1 behind, 0 for neither."""
    if other.difference_error is None:
        return 0
    is_beyond = abs(other.difference) > ERRORS * other.difference_error
    return int(math.copysign(is_beyond, other.difference))


def _join(names: list[str]) -> str:
    *first, last = [f"“{name}”" for name in names]
    return f"{', '.join(first)} and {last}" if first else last
