"""What is wrong with codes, in words, and what helps."""

import numpy as np

DEAD = 0.25
"""Share of units dead above which it is said."""
AWAY = 2.0
"""Factor between the mean activation and ρ above which it is said."""
SATURATED, SATURATED_SHARE = 0.95, 0.1
"""Mean activation from which a unit counts as always on, and the share of them that is said."""


def findings(
    density: np.ndarray,
    mean_activation: np.ndarray,
    explained_variance: float | None = None,
    rho: float | None = None,
) -> dict[str, str]:
    """What is wrong, a sentence each with its remedy, by a short name; empty where all is well.

    Args:
        density: Share of rows for which each unit is active, `(units,)`.
        mean_activation: ρ̂ of each unit, `(units,)`.
        explained_variance: Of the same rows, where it is known.
        rho: ρ, where KL asks for one.

    Example:
        >>> import numpy as np
        >>> print(*findings(np.array([0.0, 0.3]), np.array([0.0, 0.2])).values())
        1 of 2 units are dead: active for none of the rows. Remedy: a smaller strength, ...
    """
    found = {}
    units, dead = len(density), int((density == 0).sum())
    if dead > DEAD * units:
        found["dead"] = (
            f"{dead} of {units} units are dead: active for none of the rows. Remedy: a smaller "
            "strength, a warm-up with PenaltySchedule, or ReviveDeadUnits"
        )
    mean = float(mean_activation.mean())
    if rho is not None and not rho / AWAY <= mean <= rho * AWAY:
        found["rho"] = (
            f"the mean activation is {mean:.3g} where rho={rho:g} is asked for. Remedy: "
            + ("a larger beta" if mean > rho else "a smaller learning rate, or more epochs")
        )
    saturated = int((mean_activation > SATURATED).sum())
    if mean_activation.max() <= 1 and saturated > SATURATED_SHARE * units:
        found["saturated"] = (
            f"{saturated} of {units} units are saturated: on for nearly every row. Remedy: a "
            "smaller learning rate, scaled rows (normalization), or a larger beta"
        )
    if explained_variance is not None and explained_variance <= 0:
        found["worthless"] = (
            "the reconstruction is no better than the mean of each column. Remedy: a smaller "
            "strength, more epochs, a larger learning rate, or scaled rows (normalization)"
        )
    return found
