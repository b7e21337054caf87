"""Diagnose unhealthy codes and trainings, and suggest a remedy.

The warnings of `fit` and the notes of reports both come from here, so they agree.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from keras_sparse.metrics.remedies import Problem, Training, settle
from keras_sparse.sparsity import families
from keras_sparse.utils.text import fraction, number, percent, short

WASTED = 0.1
"""Fraction of the units that may be dead, saturated or always active."""
ALWAYS_ACTIVE = 1 - 1e-6
"""Density from which a unit counts as active for every row; float32 sums round by less."""
SATURATED = 0.95
"""Mean activation above which a unit with codes in [0, 1] counts as saturated."""
RHO_FACTOR = 2.0
"""Factor by which the mean activation may differ from ρ."""
L0_SHARE = 0.1
"""Fraction of the asked L0 by which that of the codes may differ."""
POOR = 0.1
"""Explained variance below which a reconstruction is hardly better than the mean."""
LITTLE = 0.01
"""Explained variance that units which are always active must add to be of use."""
VARIANCES = (1e-3, 100.0)
"""Variance of a feature within which rows count as scaled."""
HALF = 0.5
"""Explained variance below which rows that are not scaled are to blame."""
CENTERED, OFFSET = 1.0, 3.0
"""Distance of rows from zero, in deviations, up to which they are centred, and from which on that
switches units off."""
DENSE = 0.5
"""Fraction of the units that may be active per row."""


def summarize_units(
    density: np.ndarray, mean_activation: np.ndarray | None = None
) -> dict[str, Any]:
    """Count the units of each kind, under the names that `diagnose_codes` reads.

    Args:
        density: Fraction of rows for which each unit is active, `(units,)`.
        mean_activation: ρ̂ of each unit, `(units,)`, where it is known.

    Example:
        >>> import numpy as np
        >>> summarize_units(np.array([0.0, 0.5, 1.0]))
        {'units': 3, 'dead_units': 1, 'always_active_units': 1, 'l0': 1.5}
    """
    counts = {
        "units": len(density),
        "dead_units": int((density == 0).sum()),
        "always_active_units": int((density >= ALWAYS_ACTIVE).sum()),
        "l0": float(density.sum()),
    }
    if mean_activation is None or not len(mean_activation):
        return counts
    bounded = mean_activation.max() <= 1
    saturated = int((mean_activation > SATURATED).sum()) if bounded else 0
    return {
        **counts,
        "mean_activation": float(mean_activation.mean()),
        "saturated_units": saturated,
    }


def target_rho(settings: Mapping[str, Any]) -> float:
    """The ρ that the penalty of a run aims at, NaN where it has none."""
    family = families.find(settings.get("sparsity"))
    target = None if family is None else family.target
    return math.nan if target is None else number(settings.get(target))


def diagnose_codes(
    measures: Mapping[str, Any],
    rho: float | None = None,
    remedies: Mapping[str, tuple[str, ...]] | None = None,
    target_l0: float | None = None,
    training: Training | None = None,
) -> list[Problem]:
    """List what is wrong with codes.

    Args:
        measures: `units`, `dead_units`, `always_active_units`, `saturated_units`, `l0`,
            `mean_activation`, `explained_variance`, `variance` and `offset`, on the same rows,
            `smallest_code` and `largest_code` where these have to be in [0, 1], and the
            `normalization` of the rows, which no remedy then asks for. A problem whose
            numbers are missing or not finite is not looked for.
        rho: The target ρ, where the penalty has one.
        remedies: Remedies of a sparsity family, by the name of a problem, instead of ours.
        target_l0: The L0 that was asked for, if one was.
        training: The settings that remedies start from.

    Example:
        >>> print(*diagnose_codes({"units": 8, "dead_units": 2}))
        2 of 8 units are dead: active for none of the measured rows. Remedy: a smaller penalty ...
    """
    found = find_code_problems(measures, rho, remedies, target_l0)
    return settle(found, training or Training())


def find_code_problems(
    measures: Mapping[str, Any],
    rho: float | None = None,
    remedies: Mapping[str, tuple[str, ...]] | None = None,
    target_l0: float | None = None,
) -> Iterator[Problem]:
    """Find what is wrong with codes, as `diagnose_codes`, before remedies are in words."""
    problems = (
        _out_of_range(measures),
        _unscaled(measures),
        _poor_reconstruction(measures),
        _dead(measures),
        _away_from_rho(measures, number(rho)),
        _away_from_l0(measures, number(target_l0)),
        _saturated(measures) or _always_active(measures),  # saturated units are always active
        _dense(measures),
    )
    remedies = remedies or {}
    for problem in problems:
        if problem:
            own = remedies.get(problem.name, problem.remedies)
            yield replace(problem, remedies=_fitting(own, measures))


def _fitting(remedies: tuple[str, ...], measures: Mapping[str, Any]) -> tuple[str, ...]:
    """Leave out what rows already are, or what the normalization does: centred, or scaled."""
    normalization = measures.get("normalization")
    done = {"center"} if normalization in ("center", "standard") else set()
    if normalization in ("center", "standard", "minmax"):
        done.add("scale")
    if number(measures.get("offset")) <= CENTERED:
        done.add("center")
    if VARIANCES[0] <= number(measures.get("variance")) <= VARIANCES[1]:
        done.add("scale")
    return tuple(remedy for remedy in remedies if remedy not in done)


# Codes -----------------------------------------------------------------------------------------


def _out_of_range(measures: Mapping[str, Any]) -> Problem | None:
    """Codes that a KL reads as fractions, and that are none."""
    smallest, largest = (number(measures.get(f"{end}_code")) for end in ("smallest", "largest"))
    if not (smallest < 0 or largest > 1):
        return None
    return Problem(
        "range",
        f"The codes reach from {short(smallest)} to {short(largest)}; their KL takes them for "
        "fractions, between 0 and 1",
        ("sigmoid", "family"),
        severe=True,
    )


def _unscaled(measures: Mapping[str, Any]) -> Problem | None:
    """Rows of so large or small values that they do not suit a strength or a learning rate."""
    variance = number(measures.get("variance"))
    explained = number(measures.get("explained_variance"))
    smallest, largest = VARIANCES
    if not ((variance < smallest or variance > largest) and explained < HALF):
        return None
    return Problem(
        "unscaled",
        f"The rows are not scaled: the deviation of their values is {short(math.sqrt(variance))}, "
        f"strengths and learning rates are for 1, and the explained variance is "
        f"{fraction(explained)}",
        ("scale",),
        severe=True,
    )


def _poor_reconstruction(measures: Mapping[str, Any]) -> Problem | None:
    explained = number(measures.get("explained_variance"))
    if not explained < POOR:
        return None
    better = "no better" if explained <= 0 else "hardly better"
    return Problem(
        "reconstruction",
        f"The reconstruction is {better} than the mean of each column: its explained "
        f"variance is {fraction(explained)}",
        ("epochs+", "strength-"),
        severe=True,
    )


def _dead(measures: Mapping[str, Any]) -> Problem | None:
    problem = _wasted_units(
        measures,
        "dead",
        "dead: active for none of the measured rows",
        ("strength-", "warm_up", "revive", "units-", "center"),
        severe=True,
    )
    if problem is None:
        return None
    alive = number(measures.get("units")) - number(measures.get("dead_units"))
    problem = replace(problem, targets={"units-": alive} if alive > 0 else {})
    offset = number(measures.get("offset"))
    if not offset > OFFSET:
        return problem
    return replace(
        problem,
        name="offset",
        finding=f"{problem.finding}. The rows are {short(offset)} deviations away from zero, which "
        "switches units off for all of them at once",
        remedies=("center",),
    )


def _away_from_rho(measures: Mapping[str, Any], rho: float) -> Problem | None:
    mean = number(measures.get("mean_activation"))
    if not (mean > rho * RHO_FACTOR or mean < rho / RHO_FACTOR):
        return None
    remedies: tuple[str, ...] = ("strength+", "epochs+")
    if mean < rho:  # a step that overshoots switches units off
        remedies = ("rate-", *remedies)
    return Problem(
        "rho",
        f"The mean activation is {short(mean, 3)}; the target is rho={rho:g}",
        remedies,
        severe=True,
    )


def _away_from_l0(measures: Mapping[str, Any], target: float) -> Problem | None:
    l0 = number(measures.get("l0"))
    if not abs(l0 - target) > L0_SHARE * target:
        return None
    return Problem(
        "l0",
        f"{short(l0)} units are active per row; {target:g} were asked for",
        ("epochs+", "kind"),
        severe=True,
    )


def _saturated(measures: Mapping[str, Any]) -> Problem | None:
    return _wasted_units(
        measures,
        "saturated",
        f"saturated: their mean activation is above {SATURATED}",
        ("rate-", "scale", "strength+"),
        severe=True,
    )


def _always_active(measures: Mapping[str, Any]) -> Problem | None:
    """Units that are always active and whose variation explains next to nothing."""
    explained = number(measures.get("explained_variance"))
    by_varying = number(measures.get("explained_by_varying"))
    if not explained - by_varying < LITTLE:
        return None
    return _wasted_units(
        measures,
        "always_active",
        f"active for every row; fixed at their means, they leave {fraction(by_varying)} of the "
        f"explained variance of {fraction(explained)}",
        ("units-", "l0-"),
    )


def _wasted_units(
    measures: Mapping[str, Any],
    name: str,
    finding: str,
    remedies: tuple[str, ...],
    *,
    severe: bool = False,
) -> Problem | None:
    wasted, units = number(measures.get(f"{name}_units")), number(measures.get("units"))
    if not wasted > WASTED * units:
        return None
    verb = "is" if wasted == 1 else "are"
    return Problem(name, f"{wasted:.0f} of {units:.0f} units {verb} {finding}", remedies, severe)


def _dense(measures: Mapping[str, Any]) -> Problem | None:
    l0, units = number(measures.get("l0")), number(measures.get("units"))
    if not l0 > DENSE * units > 0:
        return None
    fewer = max(1, round(units / 8))
    return Problem(
        "dense",
        f"The codes are hardly sparse: {percent(l0 / units)} of the units are active per row",
        ("ask_l0",),
        targets={"ask_l0": fewer},
    )
