"""Which penalties are trained with: the points of a grid, or a space to search."""

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_sparse.points import Point
from keras_sparse.regularizers import KL, L1, L2, ActivityRegularizer
from keras_sparse.run import STRENGTHS, Settings

if TYPE_CHECKING:
    import optuna

Grid = Mapping[str, Sequence[float]] | Sequence[ActivityRegularizer]
Space = Mapping[str, tuple[float, float]] | Callable[["optuna.Trial"], Settings]

AXES = ("l1", "l2", "beta", "rho")


def default_grid(features: int) -> dict[str, list[float]]:
    """Both families around strengths that suit rows of this many features.

    The reconstruction error is a mean over features, so strengths go with one over their number:
    λ from 0.01 to 1 and β from 0.03 to 3 where it is a sum.
    """
    return {
        "l1": [float(f"{value / features:.2g}") for value in np.geomspace(0.01, 1, 6)],
        "beta": [float(f"{value / features:.2g}") for value in np.geomspace(0.03, 3, 3)],
        "rho": [0.02, 0.05, 0.1],
    }


def points_of(grid: Grid | None, features: int, settings: Settings) -> list[Point]:
    """The points of a grid: L1, then L2, then KL for each ρ, in the order given.

    Raises:
        TypeError: If it holds something other than numbers, `L1`, `L2` or `KL`.
        ValueError: If it is empty, a strength is out of its range, or two have the same name.
    """
    if grid is None:
        grid = default_grid(features)
    if isinstance(grid, Mapping):
        points = list(dict.fromkeys(_of_axes(grid, settings)))
    else:
        points = list(dict.fromkeys(map(_of_penalty, grid)))
    if not points:
        raise ValueError(f"Invalid value for argument `grid`. Expected a point. Received: {grid!r}")
    names = [point.name for point in points]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(
            "Invalid value for argument `grid`. Expected strengths that differ in their first four "
            f"digits. Received: two that are called {twice}"
        )
    for point in points:
        point.settings(settings).regularizer()  # refuses what is out of range
    return points


def _of_axes(grid: Mapping[str, Sequence[float]], settings: Settings) -> list[Point]:
    if unknown := [name for name in grid if name not in AXES]:
        raise ValueError(
            f"Invalid value for argument `grid`. Expected some of {', '.join(AXES)}. Received: "
            f"{', '.join(map(repr, unknown))}"
        )
    values = {name: _numbers(name, grid[name]) for name in grid}
    points = [point(name, value) for name in ("l1", "l2") for value in values.get(name, [])]
    if "beta" in values or "rho" in values:
        rhos = values.get("rho", [settings.rho])
        betas = values.get("beta", [STRENGTHS["kl"]])
        points += [point("kl", beta, rho) for rho, beta in product(rhos, betas)]
    return points


def _numbers(name: str, values: Any) -> list[float]:
    try:
        return [float(value) for value in values]
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"Invalid type in argument `grid`. Expected a list of numbers for {name!r}. Received: "
            f"{values!r}"
        ) from error


def _of_penalty(penalty: Any) -> Point:
    if type(penalty) in (L1, L2):
        return point(type(penalty).__name__.lower(), penalty.strength)
    if type(penalty) is KL:
        return point("kl", penalty.beta, penalty.rho)
    raise TypeError(
        "Invalid type in argument `grid`. Expected L1, L2 or KL, of which a run can tell what it "
        f"was trained with. Received: {penalty!r}"
    )


def point(sparsity: str, strength: float, rho: float | None = None) -> Point:
    """A point by the name that its numbers give it: `l1-0.0001`, `kl-0.05-0.001` (ρ, β)."""
    numbers = [strength] if rho is None else [rho, strength]
    name = "-".join([sparsity, *(f"{number:.4g}" for number in numbers)])
    return Point(name, sparsity, strength, rho)


# The space -------------------------------------------------------------------------------------


def checked_space(space: Space | None, features: int) -> Space:
    """A space, by default as wide as the grid.

    Raises:
        ValueError: If it is empty, or its ends are out of the range of their strengths.
    """
    if callable(space):
        return space
    if space is None:
        space = {name: (min(axis), max(axis)) for name, axis in default_grid(features).items()}
    if not space or any(name not in AXES for name in space):
        raise ValueError(
            f"Invalid value for argument `space`. Expected some of {', '.join(AXES)}. Received: "
            f"{', '.join(map(repr, space)) or 'none'}"
        )
    for name, ends in space.items():
        if len(ends) != 2 or not 0 < ends[0] <= ends[1] < (1 if name == "rho" else np.inf):
            expected = "0 < low ≤ high" + (" < 1" if name == "rho" else "")
            raise ValueError(
                f"Invalid value for argument `space`. Expected {expected} for {name!r}. Received: "
                f"{tuple(ends)}"
            )
    return space


def suggested(trial: "optuna.Trial", space: Space, settings: Settings) -> Settings:
    """Settings that a trial of Optuna draws from a space."""
    if callable(space):
        return space(trial)

    def drawn(name: str, default: float) -> float:
        return trial.suggest_float(name, *space[name], log=True) if name in space else default

    families = [name for name in ("l1", "l2") if name in space]
    families += ["kl"] * ("beta" in space or "rho" in space)
    family = families[0]
    if len(families) > 1:
        family = str(trial.suggest_categorical("sparsity", families))
    if family == "kl":
        rho, strength = drawn("rho", settings.rho), drawn("beta", STRENGTHS["kl"])
        return Point("", family, strength, rho).settings(settings)
    return Point("", family, drawn(family, STRENGTHS[family])).settings(settings)
