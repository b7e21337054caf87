"""The results of a sweep: a table of its points, the Pareto front, and a recommendation."""

import csv
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from typing import TextIO

import numpy as np

from keras_sparse.evaluation.held_out import describe_explained
from keras_sparse.experiments.sweeps.point import Point, columns
from keras_sparse.utils.text import align

SAME_L0 = 1.25
"""Factor between L0s below which they count as one."""


class RecommendationError(ValueError):
    """No point can be recommended: none was trained, or none meets the limits."""

    exit_status = 1  # of the command: a failed job, not a wrong argument


@dataclass(frozen=True)
class Recommendation:
    """A recommended point and the reason for it."""

    point: Point
    reason: str


@dataclass(frozen=True)
class Frontier:
    """The points of a sweep, in the order of its grid."""

    points: tuple[Point, ...]
    path: Path | None = None
    """The folder of the sweep."""
    baselines: tuple[Point, ...] = ()
    """A PCA and a dictionary at the L0s of the points, to compare with; none is recommended."""
    notes: tuple[str, ...] = ()
    """Sentences about points that were not trained, and L0s that were not reached."""

    @property
    def front(self) -> tuple[Point, ...]:
        """The Pareto front of L0 and of what active units explain, sparsest point first."""
        best: list[Point] = []
        for point in sorted(self._usable, key=lambda point: (point.l0, -_variance(point))):
            if not best or _variance(point) > _variance(best[-1]):
                best.append(point)
        return tuple(best)

    @property
    def _usable(self) -> list[Point]:
        return [point for point in self.points if point.usable]

    # Recommendation ------------------------------------------------------------------------

    def recommend(
        self,
        *,
        max_l0: float | None = None,
        min_explained_variance: float | None = None,
        min_probe: float | None = None,
    ) -> Recommendation:
        """Recommend a point.

        The explained variance is that of active units, which L0 counts: codes of a sigmoid that
        are not active may explain much more.

        With `max_l0` it is the point with the highest explained variance within the limits, with
        lower limits alone the one with the lowest L0. Without limits it is the knee of the Pareto
        front: the point furthest above the chord between the ends of the front, with L0 on a
        logarithmic scale and both axes scaled to [0, 1].

        Args:
            max_l0: Upper limit of the active units per row.
            min_explained_variance: Lower limit of the explained variance.
            min_probe: Lower limit of the accuracy of the linear probe on the codes.

        Raises:
            RecommendationError: If no point meets the limits; the message names the nearest.
            ValueError: If `min_probe` is set and the sweep had no labels.

        Source: V. Satopää, J. Albrecht, D. Irwin, B. Raghavan, "Finding a 'Kneedle' in a
            Haystack", ICDCS workshops, 2011.
        """
        chosen = self._recommend(max_l0, min_explained_variance, min_probe)
        return replace(chosen, reason=chosen.reason + self._compare_with_pca(chosen.point))

    def _compare_with_pca(self, point: Point) -> str:
        """Say if a PCA explains more with as many numbers as a code has active units, or fewer."""
        l0, codes = point.l0, _variance(point)
        scores = [
            each for each in self.baselines if each.sparsity == "pca" and each.l0 <= round(l0)
        ]
        best = max(scores, key=_variance, default=None)
        if best is None or _variance(best) <= codes:
            return ""
        subject = (
            "largest score of a PCA explains"
            if round(best.l0) == 1
            else f"{best.l0:.0f} largest scores of a PCA explain"
        )
        return f"; the {subject} more ({_variance(best):.3f} against {codes:.3f})"

    def _recommend(
        self,
        max_l0: float | None,
        min_explained_variance: float | None,
        min_probe: float | None,
    ) -> Recommendation:
        usable = self._usable
        if not usable:
            raise RecommendationError(
                "Expected a trained point that reconstructs better than the mean of each column. "
                f"Received: none of {len(self.points)}. Remedy: other strengths, more epochs, or "
                "another learning rate"
            )
        if min_probe is not None and all(point.probe is None for point in usable):
            raise ValueError(
                "Invalid value for argument `min_probe`. Expected None without labels. Received: "
                f"min_probe={min_probe}"
            )
        limits = _list_limits(max_l0, min_explained_variance, min_probe)
        if not limits:
            return self._recommend_knee()
        condition = " and ".join(limit.text for limit in limits)
        allowed = [point for point in usable if all(limit.excess(point) <= 0 for limit in limits)]
        if not allowed:
            nearest = min(usable, key=lambda point: sum(limit.excess(point) for limit in limits))
            raise RecommendationError(
                f"Expected a point with {condition}. Received: none of {len(usable)}; the nearest "
                f"is {nearest.name} with {_describe(nearest)}. Remedy: {_suggest(limits)}"
            )
        if max_l0 is not None:
            best = max(allowed, key=lambda point: (_variance(point), -point.l0))
            return Recommendation(
                best,
                f"the highest explained variance with {condition}: {_describe(best)}"
                + _describe_shortfall(allowed, max_l0),
            )
        best = min(allowed, key=lambda point: (point.l0, -_variance(point)))
        return Recommendation(best, f"the lowest L0 with {condition}: {_describe(best)}")

    def _recommend_knee(self) -> Recommendation:
        front = self.front
        l0s = [point.l0 for point in self._usable]
        if len(l0s) > 2 and max(l0s) < SAME_L0 * min(l0s):
            return Recommendation(
                front[-1],
                f"{_describe(front[-1])}, the highest explained variance; all {len(l0s)} points "
                f"have an L0 of {min(l0s):.1f} to {max(l0s):.1f}, so they show no frontier",
            )
        if len(front) < 3:
            return Recommendation(
                front[-1],
                f"{_describe(front[-1])}, the highest explained variance; a knee needs at least 3 "
                f"Pareto-optimal points; there {'is' if len(front) == 1 else 'are'} {len(front)}",
            )
        distance = measure_above_chord(
            np.log([point.l0 for point in front]), [_variance(point) for point in front]
        )
        best = front[int(distance.argmax())]
        if distance.max() <= 0:
            return Recommendation(
                front[-1],
                f"{_describe(front[-1])}, the highest explained variance; the {len(front)} "
                "Pareto-optimal points have no knee",
            )
        return Recommendation(
            best,
            f"the knee of explained variance over log L0: {_describe(best)}; sparser points lose "
            f"more of it, denser ones gain less (of {len(front)} Pareto-optimal points)",
        )

    # Tables --------------------------------------------------------------------------------

    def to_csv(self, file: str | Path | TextIO) -> None:
        """Write a line for each point and baseline, with an empty cell for an unknown value."""
        if isinstance(file, (str, Path)):
            with Path(file).open("w", newline="", encoding="utf-8") as stream:
                return self.to_csv(stream)
        writer = csv.DictWriter(file, columns())
        writer.writeheader()
        for point in (*self.points, *self.baselines):
            writer.writerow({name: _format_cell(value) for name, value in point.row().items()})
        return None

    def table(self) -> str:
        """Format points and baselines as a text table, followed by the reasons of failures."""
        probed = any(point.probe is not None for point in self.points)
        header = [
            "",
            "expl. var.",
            "by active",
            "L0",
            "density",
            "dead",
            *["probe"] * probed,
            "seconds",
        ]
        lines = [header]
        failures = []
        for point in (*self.points, *self.baselines):
            evaluation = point.evaluation
            if evaluation is None:
                lines.append([point.name, *["–"] * (len(header) - 1)])
                failures.append(f"{point.name} {point.status}: {point.error or 'not trained yet'}")
                continue
            cells = [
                f"{evaluation.explained_variance:.3f}",
                f"{evaluation.explained_by_active:.3f}",
                f"{evaluation.l0:.1f} of {evaluation.units}",
                f"{evaluation.l0 / evaluation.units:.3f}",
                f"{evaluation.dead_units}",
            ]
            probe = ["–" if point.probe is None else f"{point.probe:.3f}"] * probed
            lines.append([point.name, *cells, *probe, f"{point.seconds or 0:.1f}"])
        return "\n".join([align(lines), *([""] * bool(failures)), *failures])


# Distances and limits --------------------------------------------------------------------------


def measure_above_chord(x: Iterable[float], y: Iterable[float]) -> np.ndarray:
    """Distances of points above the chord from the first to the last, axes scaled to [0, 1].

    Args:
        x: Increasing values.
        y: Increasing values.
    """
    across, up = (
        (values - values[0]) / (values[-1] - values[0])
        for values in (np.asarray(x, np.float64), np.asarray(y, np.float64))
    )
    distance: np.ndarray = (up - across) / math.sqrt(2)
    return distance


@dataclass(frozen=True)
class _Limit:
    """A limit of a recommendation: `value of a point ≤ bound`, or `≥`."""

    name: str
    bound: float
    upper: bool

    @property
    def text(self) -> str:
        return f"{self.name} {'≤' if self.upper else '≥'} {self.bound:g}"

    def excess(self, point: Point) -> float:
        """How far a point violates the limit, as a fraction of the bound; 0 within it."""
        values = {"L0": point.l0, "explained variance": _variance(point), "probe": _probe(point)}
        value = values[self.name]
        excess = value - self.bound if self.upper else self.bound - value
        return max(0.0, excess / abs(self.bound) if self.bound else excess)


def _suggest(limits: list[_Limit]) -> str:
    """Name the options that lead to a point within the limits."""
    options = [
        (_ask_for(limit.bound) if limit.bound >= 1 else "larger strengths")
        if limit.upper
        else "larger L0s, more units or more --epochs"
        for limit in limits
    ]
    return ", or ".join(dict.fromkeys(options))


def _ask_for(l0: float) -> str:
    return f'add --l0 {math.floor(l0)} (an entry "l0": [{math.floor(l0)}] of the grid)'


def _describe_shortfall(allowed: list[Point], max_l0: float) -> str:
    """Say if all points within a limit of L0 are far from it, and how to come nearer."""
    nearest = max(allowed, key=attrgetter("l0"))
    evaluation = nearest.evaluation
    assert evaluation is not None
    most = min(max_l0, evaluation.units)
    if most < SAME_L0 * evaluation.l0 or math.floor(most) <= evaluation.l0:
        return ""
    return (
        f"; no point within the limit comes nearer to it than {nearest.name} with L0 "
        f"{evaluation.l0:.1f}: {_ask_for(most)}"
    )


def _list_limits(
    max_l0: float | None, min_explained_variance: float | None, min_probe: float | None
) -> list[_Limit]:
    limits = (
        ("L0", max_l0, True),
        ("explained variance", min_explained_variance, False),
        ("probe", min_probe, False),
    )
    return [_Limit(name, bound, upper) for name, bound, upper in limits if bound is not None]


def _variance(point: Point) -> float:
    return math.nan if point.evaluation is None else point.evaluation.explained_by_active


def _probe(point: Point) -> float:
    return -math.inf if point.probe is None else point.probe


def _describe(point: Point) -> str:
    probe = "" if point.probe is None else f", probe {point.probe:.3f}"
    assert point.evaluation is not None
    return f"L0 {point.l0:.1f}, {describe_explained(point.evaluation)}{probe}"


def _format_cell(value: str | float | None) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return f"{value:.9g}" if isinstance(value, float) else str(value)
