"""The table of sparsity families: a row holds everything that other modules need of a family.

A new family is one file with its class, and one row. A penalty has a strength:

    class Hoyer(keras_sparse.ActivityRegularizer): ...

    keras_sparse.sparsity.register(Family("hoyer", Hoyer, axis="hoyer", strength=1e-3))

An activation by count has an L0:

    class GroupTopK(CountActivation): ...

    keras_sparse.sparsity.register(Family("group_topk", GroupTopK, by_count=True))

This module loads without Keras, so that the command knows names and options before it selects a
backend. A row may therefore name its class as `"module:name"`.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from keras_sparse.sparsity.family import Family, Parameter, address_of
from keras_sparse.utils.text import number

AUTO = "auto"
"""Stands for the family that suits the other settings (`choose`)."""

NONE = Family("none", None, title="no penalty", color="muted")
"""The row for training without a penalty."""

RESERVED = ("name", "sparsity", "strength", "l0", "target_l0", "goal_l0")
"""Names that a grid or a point of a sweep has beside the strengths and the parameters."""

_families: dict[str, Family] = {}


def register(family: Family) -> Family:
    """Add a family to the table, so that settings, sweeps and reports know it by name.

    A row of the same name and class is replaced, so a module may be reloaded. Register a family in
    the module that defines its class, because the processes of a sweep import that module.

    Args:
        family: The row.

    Returns:
        The row.

    Raises:
        ValueError: If the name or an axis belongs to another family, a parameter has a name that
            a point of a sweep has for something else, or a penalty has no axis.

    Example:
        >>> import keras, keras_sparse
        >>> from keras import ops
        >>> from keras_sparse.sparsity import Family, register
        >>> @keras.saving.register_keras_serializable(package="my_project")
        ... class Huber(keras_sparse.ActivityRegularizer):
        ...     def __init__(self, huber=1e-3):
        ...         super().__init__()
        ...         self.huber = huber
        ...     @property
        ...     def strength(self):
        ...         return self.huber
        ...     def at_unit_strength(self, h, weights=None):
        ...         smooth = ops.where(ops.abs(h) < 1, ops.square(h) / 2, ops.abs(h) - 0.5)
        ...         return keras_sparse.penalties.l1(smooth, weights)
        ...     def get_config(self):
        ...         return {"huber": self.huber}
        >>> family = register(Family("huber", Huber, axis="huber", strength=1e-3))
        >>> from keras_sparse.experiments import Settings
        >>> Settings(sparsity="huber").method().strength
        0.001
    """
    others = [other for other in families() if other.name != family.name]
    namesake = _families.get(family.name, family)
    if (
        not family.name.isidentifier()
        or family.name in (NONE.name, AUTO)
        or (namesake.address != family.address)
    ):
        raise ValueError(
            "Invalid value for argument `family`. Expected a new name of letters, digits and "
            f"underscores. Received: name={family.name!r}"
        )
    if bool(family.axis) == family.by_count:
        raise ValueError(
            "Invalid value for argument `family`. Expected an axis for the strength of a penalty, "
            f"and none with by_count=True. Received: axis={family.axis!r}, "
            f"by_count={family.by_count}"
        )
    for axis in family.axes:
        if axis in RESERVED:
            raise ValueError(
                "Invalid value for argument `family`. Expected names of axes and parameters other "
                f"than {', '.join(RESERVED)}. Received: {axis!r}"
            )
    for axis in family.axes:
        clash = [other for other in others if axis == other.axis]
        clash += [other for other in others if axis == family.axis and axis in other.axes]
        if clash or family.axes.count(axis) > 1:
            raise ValueError(
                "Invalid value for argument `family`. Expected names for the strength and the "
                "parameters that no other family uses for its strength. Received: axis "
                f"{axis!r}"
            )
    _families[family.name] = family
    return family


def names() -> tuple[str, ...]:
    """Names of all families, in order of registration."""
    return tuple(_families)


def families() -> tuple[Family, ...]:
    """All families, in order of registration."""
    return tuple(_families.values())


def find(name: Any) -> Family | None:
    """Find the family of this name, `"none"` included; `None` if there is none."""
    if not isinstance(name, str):
        return None
    return NONE if name == NONE.name else _families.get(name)


def choose(name: str, *, has_strength: bool, hidden_units: bool) -> "Family":
    """Return the family of a setting; `"auto"` is resolved as `SparseAutoencoder` does.

    Args:
        name: A family, `"none"` or `"auto"`.
        has_strength: Whether a strength is given, so that `"auto"` is L1.
        hidden_units: Whether there are hidden layers, which a correction pass cannot cross.
    """
    if name != AUTO:
        return get(name)
    if has_strength:
        return get("l1")
    return get("batch_topk" if hidden_units else "refined")


def default_l0(units: int) -> int:
    """The L0 of a `SparseAutoencoder` by count if none is asked for: a sixteenth of the units."""
    return max(1, units // 16)


def get(name: str) -> Family:
    """Return the family of this name, `"none"` included.

    Raises:
        ValueError: If no family has this name.
    """
    family = find(name)
    if family is None:
        (near, *_) = [*get_close_matches(str(name), names()), ""]
        remedy = f"did you mean {near!r}?" if near else "import the module that registers it"
        raise ValueError(
            f"Invalid value for argument `sparsity`. Expected one of {', '.join(names())}, "
            f"{NONE.name}. Received: sparsity={name!r}. Remedy: {remedy}"
        )
    return family


def family_of(method: Any) -> Family | None:
    """Find the family of a penalty or an activation, by its class or the nearest base class.

    Returns:
        The family; `NONE` for no penalty, `None` if no class of it is registered.
    """
    if method is None:
        return NONE
    rows = {family.address: family for family in reversed(families())}  # the first of a class
    addresses = map(address_of, type(method).__mro__)
    return next((rows[address] for address in addresses if address in rows), None)


# Axes ------------------------------------------------------------------------------------------


def axes() -> tuple[str, ...]:
    """Axes of a grid: the strengths and the parameters of all families."""
    return tuple(dict.fromkeys(axis for family in families() for axis in family.axes))


def parameters() -> dict[str, Parameter]:
    """The parameters of all families by name."""
    return {parameter.name: parameter for family in families() for parameter in family.parameters}


def select(axes: Iterable[str]) -> list[Family]:
    """Select the families that a grid with these axes trains.

    A family takes part if its strength is an axis. A parameter of penalties selects them, at their
    default strengths, if none of their strengths is an axis.
    """
    axes = set(axes)
    penalties = [family for family in families() if not family.by_count]
    chosen = {family.name for family in penalties if family.axis in axes}
    owners = [
        {family.name for family in penalties if name in family.axes}
        for name in axes & set(parameters())
    ]
    by_parameter = set().union(*(group for group in owners if not group & chosen))
    return [family for family in penalties if family.name in chosen | by_parameter]


def describe(settings: Mapping[str, Any]) -> str:
    """Name the sparsity in a record of settings: `KL, β = 0.01, ρ = 0.05` or `BatchTopK, L0 16`."""
    family = find(settings.get("sparsity"))
    if family is None:
        return ""
    l0 = number(settings.get("l0"))
    names = ("strength", *family.axes[1:]) if family.axis else family.axes
    values = {
        symbol: number(settings.get(name))
        for name, symbol in zip(names, family.symbols, strict=True)
    }
    asked = [f"L0 {l0:g}"] if math.isfinite(l0) else []
    numbers = [f"{symbol} = {value:g}" for symbol, value in values.items() if math.isfinite(value)]
    return ", ".join([family.title, *asked, *numbers])


def remedies(family: Family | None, *, by_l0: bool) -> Mapping[str, tuple[str, ...]]:
    """Remedies of problems by their names, where they differ from the general ones.

    Args:
        family: The family, if it is known.
        by_l0: Whether an L0 was asked for, so that there is no strength to change.
    """
    own = {} if family is None else family.remedies
    return {**BY_L0, **own} if by_l0 else own


def default_activation(penalty: Any) -> str:
    """Activation of the code in a `SparseAutoencoder` with this penalty, by default."""
    return "sigmoid" if getattr(penalty, "unit_range", False) else "relu"


def needs_unit_norm(penalty: Any) -> bool:
    """Whether a `SparseAutoencoder` with this penalty has unit-norm decoder rows, by default."""
    family = family_of(penalty)
    return family is not None and family.unit_norm_decoder


# The families of this package ------------------------------------------------------------------


def _per_feature(low: float, high: float, count: int) -> Callable[[int], list[float]]:
    """Return the function from the number of features to a geometric series of strengths.

    The series runs from `low` to `high`, divided by the number of features: the reconstruction
    error is a mean over features, and `low` and `high` are for a sum.
    """
    first, step = math.log10(low), math.log10(high / low) / (count - 1)
    strengths = [low, *(10 ** (first + index * step) for index in range(1, count - 1)), high]
    return lambda features: [float(f"{strength / features:.2g}") for strength in strengths]


BY_L0 = {
    "reconstruction": ("epochs+", "l0+"),
    "dead": ("rate-", "revive", "units-", "center"),
    "saturated": ("rate-", "scale", "units+"),
    "dense": ("l0-", "units+"),
    "probe": ("units+", "l0+"),
    "diverged": ("rate-",),
    "faults": ("l0-", "units-"),
}
"""Remedies where an L0 was asked for, in the words of `metrics.remedies`."""

KL_OF_ALL = 5.0
"""β times the number of units with which ρ̂ comes near ρ: then the error weighs less than the KL."""

register(
    Family(
        "l1",
        "keras_sparse.sparsity.regularizers:L1",
        axis="l1",
        strength=1e-4,
        strengths=_per_feature(0.01, 1, 6),
        warm_path=True,
        in_l0_sweep=True,
        in_default_sweep=True,
        unit_norm_decoder=True,
        color="blue",
        remedies={"l0": ("epochs+", "by_count")},  # λ is still on its way
    )
)
register(
    Family(
        "l2",
        "keras_sparse.sparsity.regularizers:L2",
        axis="l2",
        strength=1e-4,
        color="green",
    )
)
register(
    Family(
        "kl",
        "keras_sparse.sparsity.regularizers:KL",
        axis="beta",
        strength=1e-3,
        symbol="β",
        parameters=(Parameter("rho", 0.05, symbol="ρ", high=1.0),),
        strength_for_units=lambda units: float(f"{KL_OF_ALL / units:.2g}"),
        in_default_sweep=True,
        target="rho",
        color="orange",
        remedies={"dead": ("rate-", "strength+", "units-", "center")},
    )
)


OTHER_ROWS = {"l0": ("hold_out+", "kind")}
"""Remedies by count, where other rows than those that set the thresholds have another L0."""


def _activation(name: str, address: str, title: str, color: str, **more: Any) -> Family:
    """Return the row of an activation by count in the folder `by_count`."""
    return Family(
        name,
        f"keras_sparse.sparsity.by_count.{address}",
        by_count=True,
        title=title,
        unit_norm_decoder=True,
        color=color,
        **{"remedies": OTHER_ROWS, **more},
    )


register(_activation("batch_topk", "batch_topk:BatchTopK", "BatchTopK", "purple", in_l0_sweep=True))
register(_activation("topk", "topk:TopK", "TopK", "gold"))
register(_activation("jump_relu", "jump_relu:JumpReLU", "JumpReLU", "violet"))
register(
    _activation(
        "refined",
        "batch_topk:BatchTopK",
        "Refined",
        "ink",
        builder={"refine": 1},
        in_l0_sweep=True,
        in_default_sweep=True,
        remedies={**OTHER_ROWS, "pca": ("units+", "rows+", "pca")},
    )
)
