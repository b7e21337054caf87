"""A row of the table of sparsity families, and the parameters in it. It loads without Keras."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class Parameter:
    """A number that a family takes beside its strength or its L0, such as ρ."""

    name: str
    """Argument of the class, axis of a grid, and option of the command."""
    default: float
    symbol: str = ""
    """Symbol in reports; by default the name."""
    high: float = math.inf
    """Exclusive upper bound of a search; the lower one is 0."""
    grid: tuple[float, ...] = ()
    """Values of a grid without any; those of a target follow from L0s instead."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "symbol", self.symbol or self.name)


@dataclass(frozen=True)
class Family:
    """A row of the table: one way to make codes sparse.

    A family is a penalty, which has a strength, or an activation by count, which has an L0.

    Args:
        name: Name in settings, options, records and points of a sweep, such as `"l1"`.
        method: The class, or `"module:name"` to import it at first use. Its constructor takes the
            strength as the argument `axis`, or the L0 as the argument `k`, and the `parameters` by
            name. The class of a penalty is an `ActivityRegularizer`, that of an activation by count
            a `CountActivation`.
        axis: Axis of a grid, option of the command and argument of the class for the strength, such
            as `"beta"`. Empty for an activation by count.
        strength: Default strength.
        by_count: Whether the class is an activation by count.
        title: Name in reports; `name` in capitals by default.
        symbol: Symbol of the strength in reports.
        parameters: Further numbers that the class takes.
        builder: Arguments of `SparseAutoencoder` in place of `"auto"`, such as `{"refine": 1}`.
        strengths: Function from the number of features of a row to the strengths of a grid without
            any, and from which the search for one starts that leads to an L0.
        strength_for_units: Function from the number of units to the strength of a training that is
            given none; by default `strength`.
        warm_path: Whether a warm sweep trains the strengths as one path from weak to strong.
        in_l0_sweep: Whether a sweep over L0 trains the family by default, and a training without a
            strength asks it for an L0.
        in_default_sweep: Whether a sweep without a grid trains the family.
        unit_norm_decoder: Whether `SparseAutoencoder` constrains the decoder to unit-norm rows by
            default. A penalty needs that if smaller codes cost less without being sparser.
        target: Name of the parameter that is the target of the mean activation. A penalty with a
            target cannot be asked for an L0.
        color: Colour in figures, such as `"blue"` (`report.plots.style`), or a hex code.
        remedies: Remedies of problems in `metrics.diagnosis` and `metrics.run_diagnosis`, by the
            name of the problem, if they differ from the general ones: words of
            `metrics.remedies`, such as `("units-", "rate-")`, or texts of your own.
    """

    name: str
    method: type[Any] | str | None
    axis: str = ""
    strength: float = 0.0
    by_count: bool = False
    title: str = ""
    symbol: str = "λ"
    parameters: tuple[Parameter, ...] = ()
    builder: Mapping[str, Any] = field(default_factory=dict, hash=False)
    strengths: Callable[[int], Sequence[float]] | None = None
    strength_for_units: Callable[[int], float] | None = None
    warm_path: bool = False
    in_l0_sweep: bool = False
    in_default_sweep: bool = False
    unit_norm_decoder: bool = False
    target: str | None = None
    color: str | None = None
    remedies: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", self.title or self.name.upper())

    @property
    def takes_l0(self) -> bool:
        """Whether the family can be asked for an L0."""
        return self.by_count or (self.method is not None and self.target is None)

    @property
    def asks_l0(self) -> bool:
        """Whether a training without a strength asks the family for an L0."""
        return self.by_count or self.in_l0_sweep

    @property
    def is_weighed(self) -> bool:
        """Whether a training that is given no strength has `strength`."""
        return not (self.by_count or self.asks_l0 or self.strength_for_units)

    def default_strength(self, units: int) -> float:
        """The strength of a training of this many units that is given none."""
        return self.strength if self.strength_for_units is None else self.strength_for_units(units)

    def first_strength(self, features: int) -> float:
        """The strength from which a search for one starts that leads to an L0.

        It is the middle of the default grid, if the family has one.

        Args:
            features: Number of features of a row.
        """
        if self.strengths is None:
            return self.strength
        grid = self.strengths(features)
        return math.sqrt(min(grid) * max(grid))

    @property
    def axes(self) -> tuple[str, ...]:
        """Axes of a grid over this family: the strength, if it has one, and the parameters."""
        strength = () if self.by_count else (self.axis,)
        return (*strength, *(parameter.name for parameter in self.parameters))

    @property
    def symbols(self) -> tuple[str, ...]:
        """Symbols of the axes."""
        strength = () if self.by_count else (self.symbol,)
        return (*strength, *(parameter.symbol for parameter in self.parameters))

    @property
    def module(self) -> str:
        """The module that defines the class."""
        return self.address.partition(":")[0] or __name__

    @property
    def address(self) -> str:
        """The class as `"module:name"`."""
        return self.method if isinstance(self.method, str) else address_of(self.method)

    def load(self) -> type[Any] | None:
        """Return the class; `None` for no penalty."""
        if not isinstance(self.method, str):
            return self.method
        module, _, name = self.method.partition(":")
        method: type[Any] = getattr(import_module(module), name)
        return method

    def make(self, amount: float | None = None, **parameters: float) -> Any:
        """Make an instance, with defaults for missing numbers; `None` for no penalty.

        Args:
            amount: The strength of a penalty, or the L0 of an activation by count, which has no
                default.
            **parameters: Values of the parameters.
        """
        method = self.load()
        if method is None:
            return None
        defaults = {parameter.name: parameter.default for parameter in self.parameters}
        amount = self.strength if amount is None else amount
        return method(**{self.axis or "k": amount}, **{**defaults, **parameters})

    def has_batch_statistic(self) -> bool:
        """Whether the class depends on a statistic of the batch. This loads the class."""
        return not self.by_count and bool(getattr(self.load(), "has_batch_statistic", False))

    def has_exact_zeros(self) -> bool:
        """Whether codes can be exactly zero, unlike those of a sigmoid. This loads the class."""
        return self.by_count or not getattr(self.load(), "unit_range", False)


def address_of(method: Any) -> str:
    """A class as `"module:name"`."""
    return f"{getattr(method, '__module__', '')}:{getattr(method, '__qualname__', '')}"
