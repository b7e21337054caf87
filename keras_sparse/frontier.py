"""The frontier: what each strength of a penalty gives, as a table and as a recommendation."""

import csv
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np

from keras_sparse.evaluation import aligned
from keras_sparse.points import COLUMNS, Point


class RecommendationError(ValueError):
    """No point can be recommended: none was trained, or none is what was asked for."""


@dataclass(frozen=True)
class Recommendation:
    """A point, and why it."""

    point: Point
    reason: str


@dataclass(frozen=True)
class Frontier:
    """The points of a sweep, in the order of its grid."""

    points: tuple[Point, ...]
    path: Path | None = None
    """The folder of the sweep."""

    @property
    def front(self) -> tuple[Point, ...]:
        """Points that no other beats in both explained variance and L0, sparsest first."""
        best: list[Point] = []
        for point in sorted(self._usable(), key=lambda point: (_l0(point), -_variance(point))):
            if not best or _variance(point) > _variance(best[-1]):
                best.append(point)
        return tuple(best)

    def _usable(self) -> list[Point]:
        return [point for point in self.points if point.usable]

    # Choosing ------------------------------------------------------------------------------

    def recommend(
        self,
        *,
        max_l0: float | None = None,
        min_explained_variance: float | None = None,
        min_probe: float | None = None,
    ) -> Recommendation:
        """The point to take.

        Under a limit to L0 it is the one of the highest explained variance; with lower limits
        alone the one of the lowest L0. Without any it is the knee: the point of the front that
        lies furthest above the chord between its ends, L0 on a logarithmic scale, both axes scaled
        to [0, 1].

        Args:
            max_l0: The most active units per row.
            min_explained_variance: The least explained variance.
            min_probe: The least accuracy of the linear probe on the codes.

        Raises:
            RecommendationError: If no point meets the limits; the nearest is named.
            ValueError: If a probe is asked for and there were no labels.

        Source: V. Satopää, J. Albrecht, D. Irwin, B. Raghavan, "Finding a 'Kneedle' in a
            Haystack", ICDCS workshops, 2011.
        """
        usable = self._usable()
        if not usable:
            raise RecommendationError(
                "Expected a point that was trained and reconstructs better than the mean. "
                f"Received: none of {len(self.points)}. Remedy: other strengths, more epochs, or "
                "another learning rate"
            )
        if min_probe is not None and all(point.probe is None for point in usable):
            raise ValueError(
                "Invalid value for argument `min_probe`. Expected None without labels. Received: "
                f"min_probe={min_probe}"
            )
        limits = _limits(max_l0, min_explained_variance, min_probe)
        if not limits:
            return self._knee()
        asked = " and ".join(limit.text for limit in limits)
        able = [point for point in usable if all(limit.lack(point) <= 0 for limit in limits)]
        if not able:
            nearest = min(usable, key=lambda point: sum(limit.lack(point) for limit in limits))
            raise RecommendationError(
                f"Expected a point with {asked}. Received: none of {len(usable)}; the nearest is "
                f"{nearest.name} with {_told(nearest)}"
            )
        if max_l0 is not None:
            best = max(able, key=lambda point: (_variance(point), -_l0(point)))
            return Recommendation(
                best, f"the highest explained variance with {asked}: {_told(best)}"
            )
        best = min(able, key=lambda point: (_l0(point), -_variance(point)))
        return Recommendation(best, f"the lowest L0 with {asked}: {_told(best)}")

    def _knee(self) -> Recommendation:
        front = self.front
        if len(front) < 3:
            return Recommendation(
                front[-1],
                f"{_told(front[-1])}, the highest explained variance; a knee takes 3 points that "
                f"no other beats, and there {'is' if len(front) == 1 else 'are'} {len(front)}",
            )
        distance = above_chord(
            np.log([_l0(point) for point in front]), [_variance(point) for point in front]
        )
        best = front[int(distance.argmax())]
        if distance.max() <= 0:
            return Recommendation(
                front[-1],
                f"{_told(front[-1])}, the highest explained variance; the {len(front)} points that "
                "no other beats have no knee",
            )
        return Recommendation(
            best,
            f"the knee of explained variance over log L0: {_told(best)}; sparser costs more of it, "
            f"denser brings less (of {len(front)} points that no other beats)",
        )

    # Telling -------------------------------------------------------------------------------

    def to_csv(self, file: str | Path | TextIO) -> None:
        """Write a line for each point, the columns of `COLUMNS`, empty where nothing is known."""
        if isinstance(file, (str, Path)):
            with Path(file).open("w", newline="", encoding="utf-8") as stream:
                return self.to_csv(stream)
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for point in self.points:
            writer.writerow({name: _cell(value) for name, value in point.row().items()})
        return None

    def table(self) -> str:
        """The points, a line each, for a person."""
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
        for point in self.points:
            found = point.evaluation
            if found is None:
                lines.append([point.name, *["–"] * (len(header) - 1)])
                failures.append(f"{point.name} {point.status}: {point.error or 'not trained yet'}")
                continue
            cells = [
                f"{found.explained_variance:.3f}",
                f"{found.explained_by_active:.3f}",
                f"{found.l0:.1f} of {found.units}",
                f"{found.l0 / found.units:.3f}",
                f"{found.dead_units}",
            ]
            probe = ["–" if point.probe is None else f"{point.probe:.3f}"] * probed
            lines.append([point.name, *cells, *probe, f"{point.seconds or 0:.0f}"])
        return "\n".join([aligned(lines), *([""] * bool(failures)), *failures])


# Distances -------------------------------------------------------------------------------------


def above_chord(x: Iterable[float], y: Iterable[float]) -> np.ndarray:
    """How far points lie above the chord from the first to the last, both axes scaled to [0, 1].

    `x` and `y` rise.
    """
    across, up = (
        (values - values[0]) / (values[-1] - values[0])
        for values in (np.asarray(x, np.float64), np.asarray(y, np.float64))
    )
    distance: np.ndarray = (up - across) / math.sqrt(2)
    return distance


@dataclass(frozen=True)
class _Limit:
    """`value of a point ≤ bound`, or `≥`."""

    name: str
    bound: float
    most: bool

    @property
    def text(self) -> str:
        return f"{self.name} {'≤' if self.most else '≥'} {self.bound:g}"

    def lack(self, point: Point) -> float:
        """How far a point misses it, as a share of the bound; at most 0 where it does not."""
        value = {"L0": _l0, "explained variance": _variance, "probe": _probe}[self.name](point)
        missed = value - self.bound if self.most else self.bound - value
        return max(0.0, missed / abs(self.bound) if self.bound else missed)


def _limits(
    max_l0: float | None, min_explained_variance: float | None, min_probe: float | None
) -> list[_Limit]:
    asked = (
        ("L0", max_l0, True),
        ("explained variance", min_explained_variance, False),
        ("probe", min_probe, False),
    )
    return [_Limit(name, bound, most) for name, bound, most in asked if bound is not None]


def _l0(point: Point) -> float:
    return math.nan if point.evaluation is None else point.evaluation.l0


def _variance(point: Point) -> float:
    return math.nan if point.evaluation is None else point.evaluation.explained_variance


def _probe(point: Point) -> float:
    return -math.inf if point.probe is None else point.probe


def _told(point: Point) -> str:
    probe = "" if point.probe is None else f", probe {point.probe:.3f}"
    return f"L0 {_l0(point):.1f}, explained variance {_variance(point):.3f}{probe}"


def _cell(value: str | float | None) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return f"{value:.9g}" if isinstance(value, float) else str(value)
