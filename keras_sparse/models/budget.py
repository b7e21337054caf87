"""Plan a training from the size of its table: how many units, active units, rows and steps.

The module loads without Keras, as the settings do.
"""

import math
from typing import NamedTuple

L0_SHARE, MOST_L0 = 0.25, 16
"""Active units per row, as a fraction of the units or of the columns, whichever are fewer."""
L0_SPAN, L0_COUNT = (0.02, 0.5), 5
"""The smallest and the largest L0 of a sweep, as such fractions, and the number of its L0s."""
MOST_UNITS, ROWS_PER_UNIT, FEWEST_UNITS = 256, 8, 8
STEPS = 4_000
"""Steps of a training."""
BATCH_SIZES = (32, 256)
"""The smallest and the largest number of rows per step."""
STEPS_PER_PASS = 60
"""Steps that one pass over the rows takes at least, as far as the smallest batch allows."""
PATIENCE = 0.4
"""Fraction of the epochs without a better held-out loss after which a training ends."""
MOST_EPOCHS, FEW_EPOCHS = 200, 5
"""Epochs of a training at most, and those below which it is not ended early."""
COPIES = 20
"""Mixed rows for each row of a table, at most."""
MOST_MIXED, MOST_NUMBERS = 8_000, 1 << 24
"""Rows, and numbers, that a table has after mixing, at most."""


class Budget(NamedTuple):
    """How long a training lasts, and on what."""

    epochs: int
    batch_size: int
    patience: int | None = None
    """Epochs without a better held-out loss after which it ends; `None` for no end but the last."""
    mixed: int = 0
    """Rows between those of the table that are added to them (`mix_rows`)."""


def choose_units(rows: int, features: int) -> int:
    """Twice the columns, at most 256 and at most one unit for eight rows.

    Of few rows there are eight units, but not more than half as many as rows, and two at least.

    Args:
        rows: Number of rows.
        features: Number of columns.

    Example:
        >>> choose_units(rows=1_000, features=30), choose_units(rows=38, features=5_000)
        (60, 8)
    """
    for_rows = max(rows // ROWS_PER_UNIT, min(FEWEST_UNITS, rows // 2), 2)
    return min(2 * features, MOST_UNITS, for_rows)


def choose_l0(units: int, features: int) -> int:
    """A quarter of the units, or of the columns where these are fewer; from 1 to 16.

    Example:
        >>> choose_l0(units=60, features=30), choose_l0(units=256, features=784)
        (8, 16)
    """
    return max(1, min(MOST_L0, round(L0_SHARE * min(units, features))))


def choose_l0s(units: int, features: int) -> list[int]:
    """Up to five L0s in a geometric series from 2 % to 50 % of the units or of the columns.

    Example:
        >>> choose_l0s(units=256, features=784), choose_l0s(units=8, features=4)
        ([5, 11, 26, 57, 128], [1, 2])
    """
    first, last = (share * min(units, features) for share in L0_SPAN)
    powers = (index / (L0_COUNT - 1) for index in range(L0_COUNT))
    return sorted({max(1, round(first * (last / first) ** power)) for power in powers})


def plan(
    rows: int,
    features: int,
    *,
    epochs: int | None,
    batch_size: int | None,
    steps: int | None = None,
    can_mix: bool = True,
) -> Budget:
    """Plan as many epochs as 4,000 steps need, unless the number of either is given.

    Args:
        rows: Number of rows.
        features: Number of columns.
        epochs: Passes over the rows, if their number is given: the training takes them all, and
            no rows are mixed.
        batch_size: Rows per step, if their number is given. By default a power of two from 32 to
            256 with which a pass takes about 60 steps or more.
        steps: Steps to plan epochs for, if their number is given.
        can_mix: Whether the rows are in memory, so that others can be mixed from them.

    Raises:
        ValueError: If both `epochs` and `steps` are given.

    Example:
        >>> plan(60_000, 784, epochs=None, batch_size=None)
        Budget(epochs=18, batch_size=256, patience=7, mixed=0)
    """
    if batch_size is None:
        smallest, largest = BATCH_SIZES
        power = int(math.log2(max(1, rows / STEPS_PER_PASS)))
        batch_size = max(smallest, min(1 << power, largest))
    if epochs is not None and steps is not None:
        raise ValueError(
            "Invalid value for argument `steps`. Expected it only without `epochs`. Received: "
            f"steps={steps}, epochs={epochs}"
        )
    if epochs is not None:
        return Budget(epochs, batch_size)
    mixed = count_mixed(rows, features) if can_mix else 0
    epochs = math.ceil((steps or STEPS) / math.ceil((rows + mixed) / batch_size))
    epochs = epochs if steps else min(MOST_EPOCHS, epochs)
    patience = round(PATIENCE * epochs) if epochs >= FEW_EPOCHS else None
    return Budget(epochs, batch_size, patience, mixed)


def count_mixed(rows: int, features: int) -> int:
    """Count the mixed rows that a table gains: at most 20 for each, and 8,000 rows in all."""
    most = min(MOST_MIXED, MOST_NUMBERS // max(1, features))
    return max(0, min(COPIES * rows, most - rows))
