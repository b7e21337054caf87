"""Check that a model gives each row a code, which depends on no other row."""

from collections.abc import Sequence

import numpy as np

from keras_sparse_export.errors import ConversionError, ParityError
from keras_sparse_export.runtime import jumps as jumping
from keras_sparse_export.runtime import parity
from keras_sparse_export.runtime.jumps import Jump, Observation, Observe

REMEDY = "Remedy: layers and operations that leave axis 0, that of the rows, alone"


def require_each(codes: np.ndarray, rows: np.ndarray) -> None:
    """Raise unless there is an output for each row.

    Raises:
        ConversionError: If there are more or fewer.
    """
    if len(codes) != len(rows):
        raise ConversionError(
            "Invalid value for argument `model`. Expected a model that gives one output for each "
            f"row. Received: {len(codes)} for {len(rows)} rows. {REMEDY}"
        )


def require_independent(
    observe: Observe,
    whole: Observation,
    jumps: Sequence[Jump],
    rows: np.ndarray,
    targets: np.ndarray | None = None,
) -> None:
    """Raise if the output of one row, alone, is another than among all rows.

    Args:
        observe: The model.
        whole: What it gives for all rows.
        jumps: The jumps of the model.
        rows: The rows.
        targets: As in `parity.tolerance`.

    Raises:
        ParityError: If it differs by more than the tolerance of a file.
    """
    row = 2 * len(rows) // 3  # neither an end nor the middle, where mirrored rows agree
    part = slice(row, row + 1)
    alone = observe(rows[part])
    require_each(alone.code, rows[part])
    among = Observation(whole.code[part], [(z[part], h[part]) for z, h in whole.passes])
    allowed = [
        *(parity.tolerance(z) for z, _ in whole.passes),
        parity.tolerance(whole.code, targets),
    ]
    found = jumping.find_differences(among, alone, jumps, allowed)
    if found.error > found.tolerance or found.outside is not None:
        raise ParityError(
            "Invalid value for argument `model`. Expected a model that computes each row from that "
            f"row alone. Received: row {row} of {len(rows)}, which differs by {found.error:.3g} "
            "where it is alone: its output depends on other rows, or on chance. "
            f"{REMEDY}"
        )
