"""What to train with: the points of a grid, or a space for Optuna to search."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_sparse.experiments.sweeps.point import Point
from keras_sparse.models.budget import choose_l0s
from keras_sparse.models.settings import Settings
from keras_sparse.sparsity import families
from keras_sparse.sparsity.family import Family
from keras_sparse.sparsity.regularizers import ActivityRegularizer

if TYPE_CHECKING:
    import optuna

Grid = Mapping[str, Sequence[Any]] | Sequence[ActivityRegularizer]
Space = Mapping[str, Sequence[Any]] | Callable[["optuna.Trial"], Settings]

L0, FAMILIES = "l0", "sparsity"
"""Entries of a grid that are not of one family: L0s to ask for, and names of families."""


def make_default_grid(features: int, units: int) -> dict[str, list[Any]]:
    """Make the grid of a sweep without one: families at equal L0, and those with a target at ρ.

    Args:
        features: Number of features of a row.
        units: Number of units.
    """
    rows = families.families()
    chosen = [row for row in rows if row.in_default_sweep]
    grid: dict[str, list[Any]] = {
        FAMILIES: [row.name for row in chosen],
        L0: choose_l0s(units, features),
    }
    for row in chosen:
        if not row.asks_l0:
            grid |= _default_axes(row, features, units)
    return grid


def _default_axes(family: Family, features: int, units: int) -> dict[str, list[float]]:
    """Return the axes of a family that is not asked for an L0.

    A missing strength is its default. A code whose mean activation is ρ has about `2 ρ units`
    active ones, so that ρ spans the L0s.
    """
    grids = {parameter.name: list(parameter.grid) for parameter in family.parameters}
    if family.target is not None:
        l0s = choose_l0s(units, features)
        grids[family.target] = [float(f"{l0 / (2 * units):.2g}") for l0 in l0s]
    own = {name: values for name, values in grids.items() if values}
    if family.strengths is not None:
        return {family.axis: list(family.strengths(features)), **own}
    return own


def chosen_span(grid: Grid | None, features: int, units: int) -> tuple[int, int] | None:
    """The smallest and the largest L0 of a grid that names no numbers, `None` of any other.

    Args:
        grid: As in `make_points`.
        features: Number of features of a row.
        units: Number of units.
    """
    if grid is not None and not (isinstance(grid, Mapping) and set(grid) == {FAMILIES}):
        return None
    l0s = choose_l0s(units, features)
    return l0s[0], l0s[-1]


def largest_l0(grid: Grid | None) -> int:
    """The largest L0 that a grid asks for; 1 if it asks for none."""
    l0s = grid.get(L0, ()) if isinstance(grid, Mapping) else ()
    return max((k for k in l0s if isinstance(k, int)), default=1)


def make_points(grid: Grid | None, features: int, settings: Settings) -> list[Point]:
    """Make the points of a grid, family by family, in the order of the grid's values.

    Args:
        grid: Values by axis, or penalties; by default `make_default_grid`. The entry `"l0"` lists
            L0s to ask for, `"sparsity"` names of families.
        features: Number of features of a row.
        settings: The number of units, and parameters for axes that the grid lacks.

    Raises:
        TypeError: If the grid holds anything but numbers or penalties of registered families.
        ValueError: If the grid is empty, a number is out of range, or two points have one name.
    """
    if grid is None:
        grid = make_default_grid(features, settings.units)
    if isinstance(grid, Mapping):
        points = list(dict.fromkeys(_make_points_from_axes(grid, features, settings)))
    else:
        points = list(dict.fromkeys(map(_make_point_from_penalty, grid)))
    if not points:
        raise ValueError(f"Invalid value for argument `grid`. Expected a point. Received: {grid!r}")
    names = [point.name for point in points]
    if len(set(names)) < len(names):
        duplicate = next(name for name in names if names.count(name) > 1)
        raise ValueError(
            "Invalid value for argument `grid`. Expected strengths that differ in their first four "
            f"digits. Received: two points named {duplicate}"
        )
    for point in points:
        point.settings(settings).method()  # raises for a number out of range
    return points


def _make_points_from_axes(
    grid: Mapping[str, Sequence[Any]], features: int, settings: Settings
) -> list[Point]:
    _require_axes("grid", grid)
    values = {name: _parse_numbers(name, grid[name]) for name in grid if name != FAMILIES}
    l0s = values.pop(L0, [])
    if fractions := [value for value in l0s if not value.is_integer()]:
        raise ValueError(
            "Invalid value in argument `grid`. Expected integers for 'l0'. Received: "
            f"{fractions[0]:g}"
        )
    by_strength, by_l0 = select_families(grid.get(FAMILIES), values, has_l0=bool(l0s))
    if l0s and not by_l0:
        names = ", ".join(family.name for family in by_strength)
        raise ValueError(
            f"Invalid value in argument `grid`. Expected no 'l0' for {names}. Received: l0={l0s}. "
            "Remedy: other families in --sparsity (sparsity=[...]), or the axes of these"
        )
    counts = l0s or choose_l0s(settings.units, features)
    own = (_with_default_axes(family, values, features, settings.units) for family in by_strength)
    return [
        *(point for family in by_l0 for point in _combine(family, values, settings, l0s=counts)),
        *(
            point
            for family, axes in zip(by_strength, own, strict=True)
            for point in _combine(family, axes, settings)
        ),
    ]


def select_families(
    names: Sequence[str] | None, axes: Iterable[str], *, has_l0: bool
) -> tuple[list[Family], list[Family]]:
    """Select the families that train at strengths, and those that train at L0s.

    Args:
        names: Names of families. By default those whose axes are given and, if L0s are given,
            those of an L0 sweep.
        axes: Strengths and parameters that are given.
        has_l0: Whether L0s are given. A named penalty is then asked for them, unless it has a
            target of its own, as KL. Without them, one that a training asks for an L0 is asked for
            the default ones, unless its strengths are given.
    """
    axes = set(axes)
    by_axes = families.select(axes)
    if names is None:
        return by_axes, [row for row in families.families() if has_l0 and row.in_l0_sweep]
    named = [families.get(name) for name in dict.fromkeys(names)]
    by_l0 = [
        row
        for row in named
        if row.takes_l0 and (has_l0 or row.by_count or (row.asks_l0 and row.axis not in axes))
    ]
    by_strength = [row for row in named if row not in by_l0]
    return [*by_strength, *(row for row in by_axes if row not in by_strength)], by_l0


def _with_default_axes(
    family: Family, values: Mapping[str, Sequence[float]], features: int, units: int
) -> Mapping[str, Sequence[float]]:
    """Add the default axes of a family of which none is given."""
    if any(axis in values for axis in family.axes):
        return values
    return {**values, **_default_axes(family, features, units)}


def _require_axes(argument: str, axes: Mapping[str, Any]) -> None:
    expected = (*families.axes(), L0, FAMILIES)
    if unknown := [name for name in axes if name not in expected]:
        raise ValueError(
            f"Invalid value for argument `{argument}`. Expected some of {', '.join(expected)}. "
            f"Received: {', '.join(map(repr, unknown))}"
        )


def _combine(
    family: Family,
    values: Mapping[str, Sequence[float]],
    settings: Settings,
    l0s: Sequence[float] | None = None,
) -> list[Point]:
    """Combine the axes of a family; a missing one has its value in the settings, or its default.

    With `l0s` they take the place of its strengths.
    """
    defaults = replace(settings, sparsity=family.name).family_parameters()
    axes = [values.get(name, [default]) for name, default in defaults.items()]
    amounts = l0s or values.get(family.axis, [family.default_strength(settings.units)])
    return [
        make_point(
            family.name, amount, dict(zip(defaults, parameters, strict=True)), by_l0=l0s is not None
        )
        for *parameters, amount in product(*axes, amounts)
    ]


def _parse_numbers(name: str, values: Any) -> list[float]:
    try:
        return [float(value) for value in values]
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"Invalid type in argument `grid`. Expected a list of numbers for {name!r}. Received: "
            f"{values!r}"
        ) from error


def _make_point_from_penalty(penalty: Any) -> Point:
    family = families.family_of(penalty)
    if family is None or type(penalty) is not family.load():
        titles = ", ".join(row.title for row in families.families() if not row.by_count)
        raise TypeError(
            f"Invalid type in argument `grid`. Expected penalties of {titles}, or of a family that "
            f"keras_sparse.sparsity.register has added. Received: {penalty!r}"
        )
    config = penalty.get_config()
    parameters = {parameter.name: config[parameter.name] for parameter in family.parameters}
    return make_point(family.name, penalty.strength, parameters)


def make_point(
    sparsity: str, amount: float, parameters: Mapping[str, float], *, by_l0: bool = False
) -> Point:
    """Make a point, named by its numbers: `l1-0.0001`, `kl-0.05-0.001` (ρ, β), `l1-l0-16`."""
    numbers = [*(f"{number:.4g}" for number in parameters.values()), *["l0"] * by_l0]
    name = "-".join([sparsity, *numbers, f"{amount:.4g}"])
    if by_l0:
        return Point(name, sparsity, None, parameters, target_l0=int(amount))
    return Point(name, sparsity, amount, parameters)


# Search space ----------------------------------------------------------------------------------


def check_space(space: Space | None, features: int, units: int) -> Space:
    """Return a valid search space, by default from the ends of the default grid.

    Raises:
        ValueError: If the space is empty, or an end is out of range.
    """
    if callable(space):
        return space
    if space is None:
        grid = make_default_grid(features, units)
        space = {
            name: axis if name == FAMILIES else (min(axis), max(axis))
            for name, axis in grid.items()
        }
    if not space:
        raise ValueError("Invalid value for argument `space`. Expected an axis. Received: none")
    _require_axes("space", space)
    axes = set(space) - {L0, FAMILIES}
    _, by_l0 = select_families(space.get(FAMILIES), axes, has_l0=L0 in space)
    if by_l0 and L0 not in space:
        l0s = choose_l0s(units, features)
        space = {**space, L0: (l0s[0], l0s[-1])}
    for name, ends in space.items():
        if name == FAMILIES:
            continue
        high = families.parameters()[name].high if name in families.parameters() else np.inf
        if len(ends) != 2 or not 0 < ends[0] <= ends[1] < high:
            expected = "0 < low ≤ high" + (f" < {high:g}" if high < np.inf else "")
            raise ValueError(
                f"Invalid value for argument `space`. Expected {expected} for {name!r}. Received: "
                f"{tuple(ends)}"
            )
    return space


def suggest_settings(trial: "optuna.Trial", space: Space, settings: Settings) -> Settings:
    """Draw the settings of an Optuna trial from a space."""
    if callable(space):
        return space(trial)

    def draw(name: str, default: float) -> float:
        return trial.suggest_float(name, *space[name], log=True) if name in space else default

    axes = set(space) - {L0, FAMILIES}
    by_strength, by_l0 = select_families(space.get(FAMILIES), axes, has_l0=L0 in space)
    choices = {row.name: row for row in (*by_strength, *by_l0)}
    names = list(choices)
    if len(names) > 1:
        names = [str(trial.suggest_categorical(FAMILIES, names))]
    family = choices[names[0]]
    defaults = replace(settings, sparsity=family.name).family_parameters()
    parameters = {name: draw(name, default) for name, default in defaults.items()}
    if family not in by_l0:
        strength = draw(family.axis, family.default_strength(settings.units))
        return make_point(family.name, strength, parameters).settings(settings)
    low, high = space[L0]
    l0 = trial.suggest_int(L0, int(low), int(high), log=True)
    return make_point(family.name, l0, parameters, by_l0=True).settings(settings)
