"""Settings of a training: their defaults, and the options of the command for them.

The module loads without Keras, so that the command can parse its arguments first.
"""

import math
import numbers
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from keras_sparse.sparsity import families
from keras_sparse.utils.parse import positive, sizes

if TYPE_CHECKING:
    from keras_sparse.sparsity.family import Family

PENALTIES = tuple(row for row in families.families() if not row.by_count)
LEARNING_RATE = 1e-3
"""The default learning rate of a training that is asked for a strength."""
TARGETED = " or ".join(row.name for row in families.families() if row.target)
"""The families that aim at a mean activation."""


def option(
    default: Any,
    summary: str,
    parse: Callable[[str], Any] = str,
    *,
    unset: str | None = None,
    metavar: str | None = None,
    choices: tuple[str, ...] | None = None,
) -> Any:
    """Declare a field of `Settings` and its option of the command.

    Args:
        default: The default, of the field and of the option.
        summary: What the setting means.
        parse: Converts the text of the option.
        unset: What the default means, if its value does not say so.
        metavar: Stands for the value in `--help`.
        choices: The only values of the option.
    """
    metadata = {
        "help": f"{summary} (default: {default if unset is None else unset})",
        "type": parse,
        "metavar": metavar,
        "choices": choices,
    }
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Settings:
    """How to train; the fields are the training options of the command."""

    code_dim: int = option(64, "units of the code", positive, metavar="N")
    hidden_units: tuple[int, ...] = option(
        (), "widths of hidden layers, such as 128,64", sizes, unset="none", metavar="N,N"
    )
    sparsity: str = option(
        families.AUTO,
        "what makes the codes sparse",
        unset="the best for --l0, l1 without it",
        choices=(families.AUTO, *families.names(), families.NONE.name),
    )
    l0: int | None = option(
        None,
        "active units per row to train for, instead of a strength",
        positive,
        unset="a sixteenth of the units for an activation by count, such as batch_topk",
        metavar="K",
    )
    strength: float | None = option(
        None,
        "strength of the penalty: " + ", ".join(f"{row.symbol} of {row.name}" for row in PENALTIES),
        float,
        unset=", ".join(f"{row.strength:g} for {row.name}" for row in PENALTIES),
        metavar="λ",
    )
    rho: float = option(
        families.parameters()["rho"].default,
        f"target mean activation of a unit, for {TARGETED}",
        float,
        metavar="ρ",
    )
    rho_horizon: float | None = option(
        None,
        f"samples over which {TARGETED} averages the mean activation",
        float,
        unset="those of the batch",
        metavar="N",
    )
    normalization: str = option(
        "auto",
        "scaling of the rows: center, or standard where a few columns hold nearly all of the "
        "variance, unless another is named",
        choices=("auto", "center", "standard", "minmax", "none"),
    )
    epochs: int = option(30, "passes over the training rows", positive, metavar="N")
    batch_size: int = option(256, "rows per step", positive, metavar="N")
    learning_rate: float | None = option(
        None,
        "learning rate of Adam",
        float,
        unset=f"{LEARNING_RATE:g}; for an L0 the schedule that SparseAutoencoder.compile chooses",
        metavar="RATE",
    )
    hold_out: float = option(
        0.1,
        "fraction of rows to hold out, at most 65,536 rows or 64 MB if they stay on disk",
        float,
        metavar="FRACTION",
    )
    seed: int = option(0, "seed of weights, batches and held-out rows", int, metavar="N")
    precision: str = option(
        "float32", "dtype policy", choices=("float32", "mixed_bfloat16", "mixed_float16")
    )
    devices: int | None = option(
        None,
        "devices of this host that share each batch",
        positive,
        unset="one",
        metavar="N",
    )
    warm_up: int = option(
        0,
        "epochs over which the penalty grows to its full strength",
        positive,
        unset="none",
        metavar="N",
    )
    revive: int = option(
        0, "resample dead ReLU units every N epochs", positive, unset="never", metavar="N"
    )

    parameters: Mapping[str, float] = field(default_factory=dict, hash=False)
    """Parameters of the sparsity family that have no field of their own, by name."""

    @property
    def family(self) -> "Family":
        """The row of the sparsity family, to which `"auto"` is resolved.

        Raises:
            ValueError: If no family has this name.
        """
        return families.choose(self.sparsity, l0=self.l0, hidden_units=bool(self.hidden_units))

    @property
    def target_l0(self) -> int | None:
        """The L0 that is asked for: `l0`, or the default of an activation by count."""
        if self.l0 is None and self.family.by_count:
            return families.default_l0(self.code_dim)
        return self.l0

    def method(self) -> Any:
        """Return the penalty or the activation by count; `None` for neither.

        Raises:
            ValueError: If no family has this name, a number is out of range, or two settings
                exclude each other.
        """
        self._require_one_amount()
        amount = self.target_l0 if self.family.by_count else self.strength
        return self.family.make(amount, **self.family_parameters())

    def builder_arguments(self, features: int) -> dict[str, Any]:
        """Return the arguments of `SparseAutoencoder` that make its codes sparse.

        The search for the strength of a penalty that is asked for an L0 starts in the middle of the
        family's default grid.

        Args:
            features: Number of features of a row.

        Raises:
            ValueError: As `method`.
        """
        family, method = self.family, self.method()
        if self.target_l0 is None:
            return {"sparsity": method, **family.builder}
        if family.strengths is not None:
            grid = family.strengths(features)
            middle = math.sqrt(min(grid) * max(grid))
            method = family.make(middle, **self.family_parameters())
        return {"sparsity": method, "target_l0": self.target_l0, **family.builder}

    def effective_strength(self) -> float | None:
        """Return the strength of the penalty; `None` if an L0 is asked for, 0 for no penalty.

        Raises:
            ValueError: As `method`.
        """
        method = self.method()
        if self.target_l0 is not None:
            return None
        return 0.0 if method is None else float(method.strength)

    def effective_learning_rate(self) -> float | str:
        """Return `learning_rate`; without one `"auto"` if an L0 is asked for, else 0.001."""
        if self.learning_rate is not None:
            return self.learning_rate
        return LEARNING_RATE if self.target_l0 is None else "auto"

    def optimizer(self) -> Any:
        """Return Adam at the learning rate; `"auto"` for the schedule of `SparseAutoencoder`."""
        import keras

        rate = self.effective_learning_rate()
        return rate if rate == "auto" else keras.optimizers.Adam(rate)

    def family_parameters(self) -> dict[str, float]:
        """Return the parameters of the sparsity family, such as ρ."""
        values = {"rho": self.rho, **self.parameters}
        return {
            parameter.name: values.get(parameter.name, parameter.default)
            for parameter in self.family.parameters
        }

    def _require_one_amount(self) -> None:
        """Raise unless either a strength or an L0 sets how sparse the codes are."""
        family = self.family
        if self.l0 is not None and not (_is_count(self.l0) and int(self.l0) <= self.code_dim):
            raise ValueError(
                f"Invalid value for argument `l0`. Expected an integer from 1 to {self.code_dim}, "
                f"the units of the code. Received: l0={self.l0!r}"
            )
        if self.l0 is not None and not family.takes_l0:
            reason = f"which has its target {family.target}" if family.target else "no penalty"
            remedy = f"`{family.target}`, or another family" if family.target else "another family"
            raise ValueError(
                f"Invalid value for argument `l0`. Expected None for {family.name}, {reason}. "
                f"Received: l0={self.l0}. Remedy: {remedy}"
            )
        if self.target_l0 is None:
            return
        reason = "an L0" if self.l0 is not None else f"{family.name}, an activation by count"
        for name, value in (("strength", self.strength), ("warm_up", self.warm_up or None)):
            if value is not None:
                raise ValueError(
                    f"Invalid value for argument `{name}`. Expected it only with a penalty of "
                    f"fixed strength, not with {reason}. Received: {name}={value}"
                )


def _is_count(value: Any) -> bool:
    is_integer = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    return is_integer and int(value) >= 1
