"""Write remedies: which setting to change, to which number and how, and none against another."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from keras_sparse.utils.text import number


class Setting(NamedTuple):
    """A number that a remedy may change."""

    name: str
    option: str
    """Option of the command."""
    argument: str
    """Argument in Python."""
    factor: float = 2.0
    """A remedy multiplies or divides by it where a problem names no number."""
    is_count: bool = True


SETTINGS = {
    "units": Setting("units", "--code-dim", "code_dim"),
    "l0": Setting("L0", "--l0", "target_l0"),
    "epochs": Setting("epochs", "--epochs", "epochs"),
    "steps": Setting("steps", "--steps", "steps"),
    "rate": Setting("learning rate", "--learning-rate", "learning_rate", 10.0, is_count=False),
    "hold_out": Setting("held-out fraction", "--hold-out", "validation_split", is_count=False),
    "strength": Setting("penalty strength", "--strength", "strength", 3.0, is_count=False),
}
"""Settings by the word that names them in a remedy: `"units-"` is fewer units."""
PLURAL = ("units", "epochs", "steps")

COMMAND, MODEL, LAYER = "command", "model", "layer"
"""Where a number is set: an option of the command, or an argument in Python, of a
`SparseAutoencoder` or of layers in any model."""

TEXTS: dict[str, tuple[str, str, str]] = {
    "center": (
        "rows of mean zero (--normalization standard)",
        'rows of mean zero (normalization="standard")',
        "rows of mean zero (a keras.layers.Normalization in front of the encoder)",
    ),
    "scale": (
        "scaled rows (--normalization auto)",
        'scaled rows (normalization="auto")',
        "scaled rows (divided by their deviation, or a keras.layers.Normalization)",
    ),
    "by_count": (
        "codes by count (--sparsity refined)",
        'codes by count (sparsity="auto")',
        "codes by count (BatchTopK)",
    ),
    "front_end": (
        "features of the windows (--front-end mel)",
        "features of the windows (front_end=keras_sparse.front_ends.MelFrames(...))",
        "features of the windows (keras_sparse.front_ends)",
    ),
    "groups": (
        "a column whose rows belong together (--groups)",
        "validation rows of other subjects",
        "held-out rows of other subjects",
    ),
}
"""Remedies without a number, by where they are set."""
TEXTS |= {
    name: (text, text, text)
    for name, text in {
        "warm_up": "a warm-up of the penalty (PenaltySchedule)",
        "revive": "resampling (ReviveDeadUnits)",
        "rows+": "more rows",
        "minmax": "minmax normalization, if some columns are almost constant",
        "kind": "held-out rows of the same kind as the training rows",
        "distinct": "rows without duplicates",
        "pca": "a PCA if all that counts is the reconstruction",
        "sigmoid": 'codes between 0 and 1 (activation="sigmoid")',
        "family": "an L1 in place of the KL",
    }.items()
}

PERIODS = {
    "warm_up": ("a warm-up of the penalty", "--warm-up"),
    "revive": ("resampling", "--revive"),
}
"""Options that count epochs, of which a remedy takes a quarter."""

SPARSER = {"strength+": "+", "l0-": "+", "ask_l0": "+", "strength-": "-", "l0+": "-"}
"""Remedies that make codes sparser, or less sparse."""
FIRST = {
    "range": "the activation",
    "unscaled": "the scale of the rows",
    "fast": "the learning rate",
    "slow": "the learning rate",
}
"""Problems that cause others, the first of which is solved first, and what they are about."""
INDEPENDENT = ("few_rows", "duplicates", "raw_windows")
"""Problems that no other one causes."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, and what helps."""

    name: str
    """A short name: `"dead"`."""
    finding: str
    """A sentence without its full stop."""
    remedies: tuple[str, ...]
    """What helps, the best first: words of `SETTINGS` with a sign, of `TEXTS`, or any text."""
    severe: bool = False
    """Whether `fit` warns of it; a report shows every problem."""
    targets: Mapping[str, float] = field(default_factory=dict, hash=False)
    """Numbers to change settings to, by the remedy: `{"units-": 40}`."""
    remedy: str = ""
    """The remedies in words, which go on after `Remedy: `."""

    def __str__(self) -> str:
        return f"{self.finding}. Remedy: {self.remedy}."


@dataclass(frozen=True)
class Training:
    """The settings of a training that remedies start from."""

    values: Mapping[str, float] = field(default_factory=dict, hash=False)
    """Numbers by the words of `SETTINGS`; what is not known is changed without a number."""
    where: str = COMMAND
    """Where a user sets them: `COMMAND`, `MODEL` or `LAYER`."""
    strength_argument: str = ""
    """Argument of the penalty for its strength, in Python: `"beta"`."""

    def write(self, remedy: str, targets: Mapping[str, float]) -> str:
        """Write a remedy in words.

        Example:
            >>> Training({"units": 64}).write("units-", {})
            'fewer units (--code-dim 32)'
        """
        if remedy in PERIODS and self.where == COMMAND:
            every = number(self.values.get("epochs")) / 4
            text, option = PERIODS[remedy]
            return f"{text} ({option}{f' {max(1, round(every))}' if every > 0 else ''})"
        if remedy in TEXTS:
            return TEXTS[remedy][(COMMAND, MODEL, LAYER).index(self.where)]
        if remedy == "ask_l0":
            return f"an L0 in place of a strength{self._set('l0', number(targets.get(remedy)))}"
        name, sign = remedy[:-1], remedy[-1:]
        if name not in SETTINGS or sign not in "+-":
            return remedy
        if name == "epochs" and "steps" in self.values:  # epochs follow from them
            name = "steps"
        setting = SETTINGS[name]
        words = (
            {"+": "more", "-": "fewer"} if name in PLURAL else {"+": "a larger", "-": "a smaller"}
        )
        return f"{words[sign]} {setting.name}{self._set(name, self._change(name, sign, targets))}"

    def _change(self, name: str, sign: str, targets: Mapping[str, float]) -> float:
        setting, value = SETTINGS[name], number(self.values.get(name))
        factor = setting.factor if sign == "+" else 1 / setting.factor
        return number(targets.get(name + sign, value * factor))

    def _set(self, name: str, value: float) -> str:
        """How a setting is set to a number, in parentheses; without a number, which one it is."""
        setting = SETTINGS[name]
        argument = setting.argument
        if name == "strength" and self.strength_argument:
            argument = self.strength_argument
        if self.where == LAYER and name == "units":
            argument = "units"
        shown = ""
        if math.isfinite(value) and value > 0:
            shown = f"{max(1, round(value))}" if setting.is_count else f"{value:.2g}"
        if self.where == COMMAND:
            return f" ({f'{setting.option} {shown}'.strip()})"
        return f" ({argument}={shown})" if shown else ""


def settle(problems: Iterable[Problem], training: Training) -> list[Problem]:
    """Order problems and write their remedies, so that no two of them contradict each other.

    Causes come first, then what is severe. What one of them causes has no remedy of its own, and
    what changes a setting one way rules out what would change it the other way, or to another
    number.

    Args:
        problems: The problems.
        training: The settings to start from.
    """
    found = sorted(problems, key=_rank)
    cause = next((problem.name for problem in found if problem.name in FIRST), None)
    signs: dict[str, str] = {}
    targets: dict[str, float] = {}
    kept = []
    for problem in found:
        if cause not in (None, problem.name) and problem.name not in INDEPENDENT:
            waits = f"first {FIRST[str(cause)]}, as above"
            kept.append(replace(problem, remedies=(), remedy=waits))
            continue
        remedies = tuple(each for each in problem.remedies if _agrees(each, signs))
        targets = {**problem.targets, **targets}
        kept.append(replace(problem, remedies=remedies, remedy="first those above"))
    return [_write(problem, training, targets) for problem in kept]


def _rank(problem: Problem) -> tuple[int, bool]:
    """Causes first, in their order, then what is severe."""
    order = [*FIRST]
    is_cause = problem.name in order
    return order.index(problem.name) if is_cause else len(order), not problem.severe


def _agrees(remedy: str, signs: dict[str, str]) -> bool:
    """Whether a remedy changes a quantity as those before it, whose signs it adds to."""
    quantity, sign = _direction(remedy)
    return signs.setdefault(quantity, sign) == sign


def _write(problem: Problem, training: Training, targets: Mapping[str, float]) -> Problem:
    words = [training.write(remedy, targets) for remedy in problem.remedies]
    return replace(problem, remedy=_join(words)) if words else problem


def _direction(remedy: str) -> tuple[str, str]:
    """The quantity that a remedy changes, and the sign of the change."""
    if remedy in SPARSER:
        return "sparsity", SPARSER[remedy]
    name, sign = remedy[:-1], remedy[-1:]
    return (name, sign) if name in SETTINGS else (remedy, "")


def _join(words: list[str]) -> str:
    if len(words) < 3:
        return " or ".join(words)
    return f"{', '.join(words[:-1])}, or {words[-1]}"
