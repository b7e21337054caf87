"""Settings of a training: their defaults, and the options of the command for them.

The module loads without Keras, so that the command can parse its arguments first.
"""

import numbers
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from keras_sparse.models import budget
from keras_sparse.models.budget import Budget
from keras_sparse.models.front_ends import plan as front_ends
from keras_sparse.sparsity import families
from keras_sparse.utils.parse import MISSING, positive, positive_number, sizes

if TYPE_CHECKING:
    from keras_sparse.data.tables import Table
    from keras_sparse.sparsity.family import Family

RATE = 0.01
"""The rate of false alarms where a table asks for a threshold and the settings for no rate."""
RATE_OF_RECORDINGS, FEWEST_RECORDINGS = 0.05, 12
"""The rate of recordings, which 19 show, and how many there are at least: a third is kept apart."""
PENALTIES = tuple(row for row in families.families() if not row.by_count)
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

    code_dim: int | None = option(
        None,
        "units of the code",
        positive,
        unset=f"twice the columns, at most {budget.MOST_UNITS} and one for "
        f"{budget.ROWS_PER_UNIT} rows",
        metavar="N",
    )
    hidden_units: tuple[int, ...] = option(
        (), "widths of hidden layers, such as 128,64", sizes, unset="none", metavar="N,N"
    )
    sparsity: str = option(
        families.AUTO,
        "what makes the codes sparse",
        unset="the best for an L0, l1 for a strength",
        choices=(families.AUTO, *families.names(), families.NONE.name),
    )
    l0: int | None = option(
        None,
        "active units per row to train for, instead of a strength",
        positive,
        unset="without a strength a quarter of the units or of the columns, of which are fewer, at "
        f"most {budget.MOST_L0}",
        metavar="K",
    )
    strength: float | None = option(
        None,
        "strength of the penalty: " + ", ".join(f"{row.symbol} of {row.name}" for row in PENALTIES),
        float,
        unset="found for the L0; 5 / units for kl, "
        + ", ".join(f"{row.strength:g} for {row.name}" for row in PENALTIES if row.is_weighed),
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
        "scaling of the rows: center, or standard where columns differ much in their "
        "variances, unless another is named",
        choices=("auto", "center", "standard", "minmax", "none"),
    )
    front_end: str = option(
        front_ends.NONE,
        "features of windows of a signal: mel energies, the averaged spectrum or statistics of "
        "each channel; none takes the samples",
        choices=front_ends.NAMES,
    )
    epochs: int | None = option(
        None,
        "passes over the training rows",
        positive,
        unset=f"those of {budget.STEPS} steps, fewer if held-out rows get no better",
        metavar="N",
    )
    steps: int | None = option(
        None,
        "steps to plan the epochs for, in place of their number",
        positive,
        unset=f"{budget.STEPS}",
        metavar="N",
    )
    batch_size: int | None = option(
        None,
        "rows per step",
        positive,
        unset="{} to {}, as there are rows".format(*budget.BATCH_SIZES),
        metavar="N",
    )
    learning_rate: float | None = option(
        None,
        "learning rate of Adam",
        positive_number,
        unset="the schedule that SparseAutoencoder.compile chooses",
        metavar="RATE",
    )
    hold_out: float = option(
        0.1,
        "fraction of rows to hold out, at most 65,536 rows or 64 MB if they stay on disk",
        float,
        metavar="FRACTION",
    )
    false_alarm_rate: float | None = option(
        None,
        "rate of false alarms at the threshold of the score, which some rows are kept apart for",
        float,
        unset=f"{RATE} with --normal, {RATE_OF_RECORDINGS} of {FEWEST_RECORDINGS} recordings or "
        "more, otherwise there is no threshold",
        metavar="RATE",
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

    missing: str = option(  # read by the table as well, which has the option of the command
        "error",
        "cells without a value: an error, leave their rows out, take the column's mean, or train "
        "with a mask",
        choices=MISSING,
    )
    parameters: Mapping[str, float] = field(default_factory=dict, hash=False)
    """Parameters of the sparsity family that have no field of their own, by name."""

    @property
    def family(self) -> "Family":
        """The row of the sparsity family, to which `"auto"` is resolved.

        Raises:
            ValueError: If no family has this name.
        """
        return families.choose(
            self.sparsity,
            has_strength=self.strength is not None,
            hidden_units=bool(self.hidden_units),
        )

    def count_features(self, table: "Table") -> int:
        """Return the features of a row: those of the front end, or else its columns.

        Raises:
            ValueError: If the front end does not suit the rows, or needs a sampling rate.
        """
        if self.front_end == front_ends.NONE:
            return int(table.rows.shape[1])
        shape = table.row_shape or table.rows.shape[1:]
        return front_ends.count_features(self.front_end, shape, table.sampling_rate)

    def with_units(
        self, rows: Any, *, features: int | None = None, at_least: int = 1
    ) -> "Settings":
        """Return these settings with the units that suit rows, unless their number is set.

        There are at least twice as many as are asked to be active.

        Args:
            rows: The rows of a table, `(rows, columns)`.
            features: Features of a row, as `count_features` counts them; by default the columns.
            at_least: Half of the fewest units.
        """
        if self.code_dim is not None:
            return self
        units, l0 = budget.choose_units(len(rows), features or rows.shape[1]), self.l0
        if l0 is not None and _is_count(l0):
            units = max(units, 2 * l0)
        return replace(self, code_dim=max(units, 2 * at_least))

    def for_rows(self, rows: Any, features: int | None = None) -> "Settings":
        """Return these settings with numbers for all that rows decide unless they are set.

        These are the units, the L0, the epochs and the rows per step.

        Args:
            rows: The rows of a table, `(rows, columns)`.
            features: As in `with_units`.

        Raises:
            ValueError: If no family has the name `sparsity`.
        """
        settings = self.with_units(rows, features=features)
        plan, family = self.plan(rows), self.family
        l0, strength = self.l0, self.strength
        if l0 is None and strength is None and family.asks_l0:
            l0 = budget.choose_l0(settings.units, features or rows.shape[1])
        elif strength is None and family.strength_for_units is not None:
            strength = family.default_strength(settings.units)
        return replace(
            settings,
            l0=l0,
            strength=strength,
            epochs=plan.epochs,
            steps=None,
            batch_size=plan.batch_size,
        )

    def choose_rate(self, table: Any) -> float | None:
        """Return the rate of false alarms of a threshold; `None` if there is to be none.

        Args:
            table: A `keras_sparse.data.tables.Table`; one with faults asks for a threshold, and so
                does one of recordings that are enough.
        """
        if self.false_alarm_rate is not None:
            return self.false_alarm_rate
        if table.windows is not None:
            asks = table.anomalous is not None or table.recordings >= FEWEST_RECORDINGS
            return RATE_OF_RECORDINGS if asks else None
        return None if table.anomalous is None else RATE

    def outline(self, table: "Table") -> Any:
        """Return rows by whose number and shape a training is planned, without their values.

        Rows with a fault are not among them, nor those that choose a threshold; for a given number
        of steps, nor are those that are held out.
        """
        from keras_sparse.data.shards import Shards
        from keras_sparse.data.splits import count_calibrated
        from keras_sparse.data.tables.table import shorten

        rows, rate, share = table.outline, self.choose_rate(table), 1.0
        if isinstance(rows, Shards):
            return rows
        if rate is not None:
            units = len(rows)
            if table.groups is not None:
                kept = slice(None) if table.anomalous is None else ~table.anomalous
                units = len(set(table.groups[kept].tolist()))
            share -= count_calibrated(units, rate, self.hold_out) / units
        if self.steps is not None:
            share *= 1 - self.hold_out
        return rows if share == 1 else shorten(rows, max(2, round(share * len(rows))))

    @property
    def units(self) -> int:
        """`code_dim`, where it is set."""
        assert self.code_dim is not None, "`with_units` comes first"
        return self.code_dim

    def plan(self, rows: Any) -> Budget:
        """Return how long a training on these rows lasts.

        Windows of a signal are not mixed: half of one sound and half of another is a third one.
        """
        from keras_sparse.data.shards import Shards
        from keras_sparse.data.window_rows import WindowRows

        return budget.plan(
            *rows.shape[:2],
            epochs=self.epochs,
            batch_size=self.batch_size,
            steps=self.steps,
            can_mix=self.front_end == front_ends.NONE
            and not isinstance(rows, (Shards, WindowRows)),
        )

    def method(self) -> Any:
        """Return the penalty or the activation by count; `None` for neither.

        Raises:
            ValueError: If no family has this name, a number is out of range, or two settings
                exclude each other.
        """
        self._require_one_amount()
        amount = self.l0 if self.family.by_count else self.strength
        return self.family.make(amount, **self.family_parameters())

    def builder_arguments(self, features: int) -> dict[str, Any]:
        """Return the arguments of `SparseAutoencoder` that make its codes sparse.

        Args:
            features: Number of features of a row.

        Raises:
            ValueError: As `method`.
        """
        family, method = self.family, self.method()
        if self.l0 is None:
            return {"sparsity": method, **family.builder}
        if not family.by_count:
            method = family.make(family.first_strength(features), **self.family_parameters())
        return {"sparsity": method, "target_l0": self.l0, **family.builder}

    def effective_strength(self) -> float | None:
        """Return the strength of the penalty; `None` if an L0 is asked for, 0 for no penalty.

        Raises:
            ValueError: As `method`.
        """
        method = self.method()
        if self.l0 is not None:
            return None
        return 0.0 if method is None else float(method.strength)

    def optimizer(self) -> Any:
        """Return Adam at the learning rate; `"auto"` for the schedule of `SparseAutoencoder`."""
        import keras

        rate = self.learning_rate
        return "auto" if rate is None else keras.optimizers.Adam(rate)

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
        most = self.code_dim
        if self.l0 is not None and not (_is_count(self.l0) and self.l0 <= (most or self.l0)):
            raise ValueError(
                f"Invalid value for argument `l0`. Expected an integer from 1"
                f"{f' to {most}, the units of the code' if most else ''}. Received: l0={self.l0!r}"
            )
        if self.l0 is not None and not family.takes_l0:
            reason = f"which has its target {family.target}" if family.target else "no penalty"
            remedy = f"`{family.target}`, or another family" if family.target else "another family"
            raise ValueError(
                f"Invalid value for argument `l0`. Expected None for {family.name}, {reason}. "
                f"Received: l0={self.l0}. Remedy: {remedy}"
            )
        if self.hidden_units and family.builder.get("refine"):
            raise ValueError(
                f"Invalid value for argument `sparsity`. Expected another family than "
                f"{family.name} with hidden layers: the residual must be that of a linear decoder. "
                f"Received: sparsity={family.name!r} with hidden_units={self.hidden_units}. "
                "Remedy: sparsity='batch_topk', or no hidden_units"
            )
        if self.l0 is not None or family.by_count:
            reason = "an L0" if self.l0 is not None else f"{family.name}, an activation by count"
        elif family.method is None:
            reason = f"sparsity={family.name!r}"
        else:
            return
        asked = self.l0 is not None and self.strength is not None
        remedy = "" if asked else ". Remedy: a strength, as --sparsity l1 --strength 0.001"
        for name, value in (("strength", self.strength), ("warm_up", self.warm_up or None)):
            if value is not None:
                raise ValueError(
                    f"Invalid value for argument `{name}`. Expected it only with a penalty of "
                    f"fixed strength, not with {reason}. Received: {name}={value}{remedy}"
                )
        if self.l0 is None and family.by_count:
            raise ValueError(
                f"Invalid value for argument `l0`. Expected an integer for {family.name}, an "
                "activation by count. Received: l0=None. Remedy: `for_rows`, which chooses one"
            )


def _is_count(value: Any) -> bool:
    is_integer = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    return is_integer and int(value) >= 1
