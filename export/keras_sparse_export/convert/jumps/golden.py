"""Choose golden rows of an encoder that jumps: away from every threshold, and some just beyond one.

Where no unit is near a threshold, every device has the same active units, so `verify` demands them.
A *probe* is a row between two others at which one unit is just above a threshold or just below, and
no other unit near one: its code shows a threshold that has moved a little.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from keras_sparse_export.runtime import parity
from keras_sparse_export.runtime.jumps import Jump, Observation, Observe

MARGIN = 4.0
"""Least distance of a unit of a golden row from its threshold, in bands."""
PROBE = (MARGIN, 2 * MARGIN)
"""Distances of the unit of a probe."""
PROBES = 2
"""Probes of a threshold on each side."""
PAIRS = 16
"""Units that are tried for them."""
STEPS = 24
"""Steps between two rows, alternately by halving and in proportion to the distances."""


class Margins:
    """The distances from the thresholds that the rows of an encoder must keep.

    Args:
        observe: The encoder.
        jumps: Its jumps.
        rows: Rows that show how large numbers are.
        rounding: From `jumps.measure_rounding`, where that is above the tolerance.
    """

    def __init__(
        self, observe: Observe, jumps: Sequence[Jump], rows: np.ndarray, rounding: float = 0.0
    ) -> None:
        self._observe, self._jumps = observe, jumps
        inputs = [z for z, _ in observe(rows).passes]
        self._bands = [
            jump.find_bands(np.maximum(parity.tolerance(z), rounding))
            for jump, z in zip(jumps, inputs, strict=True)
        ]
        # A unit that does not depend on the rows, as without weights, is the same everywhere.
        self._fixed = [(z == z[:1]).all(axis=0) for z in inputs]

    def measure(self, observation: Observation) -> list[np.ndarray]:
        """Return how far each number lies above its threshold in each pass, in bands."""
        return [
            np.where(fixed, np.inf, (z - jump.find_thresholds(z)) / band).reshape(len(z), -1)
            for (z, _), jump, band, fixed in zip(
                observation.passes, self._jumps, self._bands, self._fixed, strict=True
            )
        ]

    def hold(self, rows: np.ndarray) -> np.ndarray:
        """Return for each row whether all its units keep the margin in all passes."""
        distances = self.measure(self._observe(rows))
        return np.all([(np.abs(part) > MARGIN).all(axis=1) for part in distances], axis=0)


def build_probes(fast: Observe, margins: Margins, rows: np.ndarray) -> np.ndarray:
    """Return rows at which one unit is just above or just below the threshold of a pass.

    There are `PROBES` of each pass and side, fewer if none are found.

    Args:
        fast: The encoder in onnxruntime, which searches.
        margins: Of the encoder in Keras, which decides.
        rows: Rows to search between.
    """
    distances = margins.measure(fast(rows))
    probes = [rows[:0]]
    for place, distance in enumerate(distances):
        pairs = _find_pairs(distance)
        for target in (np.mean(PROBE), -np.mean(PROBE)) if pairs else ():
            found = _search(fast, margins, rows, place, pairs, float(target))
            probes.append(found[margins.hold(found)][:PROBES] if len(found) else found)
    return np.concatenate(probes)


class _Pair(NamedTuple):
    unit: int
    inactive: int
    active: int


def _find_pairs(distance: np.ndarray) -> list[_Pair]:
    """Return units with the two rows nearest to their threshold, one on each side."""
    above = np.where(distance > 0, distance, np.inf)
    below = np.where(distance > 0, -np.inf, distance)
    active, inactive = above.argmin(axis=0), below.argmax(axis=0)
    jumps = np.isfinite(above.min(axis=0)) & np.isfinite(below.max(axis=0))
    units = np.random.default_rng(0).permutation(np.flatnonzero(jumps))[:PAIRS]
    return [_Pair(unit, inactive[unit], active[unit]) for unit in units.tolist()]


def _search(
    fast: Observe,
    margins: Margins,
    rows: np.ndarray,
    place: int,
    pairs: list[_Pair],
    target: float,
) -> np.ndarray:
    """Return the rows on the way from one row of a pair to the other that come near a distance."""
    units, inactive, active = (np.array(part) for part in zip(*pairs, strict=True))
    start, end = rows[inactive].astype(np.float64), rows[active].astype(np.float64)
    way = np.nan_to_num(end - start, nan=0.0)  # gaps stay those of the first row
    ends = np.zeros(len(pairs)), np.ones(len(pairs))
    shape = (-1, *[1] * (rows.ndim - 1))

    def measure(shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        between = (start + shares.reshape(shape) * way).astype(np.float32)
        distances = margins.measure(fast(between))[place]
        return between, distances[np.arange(len(units)), units] - target

    values = [measure(share)[1] for share in ends]
    low, high = ends
    for step in range(STEPS):
        middle = (low + high) / 2
        if step % 2:
            rise = (
                values[1] - values[0]
            )  # not above 0 where gaps keep a row from becoming the other
            rise = np.where(rise > np.finfo(np.float64).tiny, rise, np.inf)
            middle = np.clip(low - values[0] / rise * (high - low), low, high)
        between, value = measure(middle)
        over = value > 0
        low, high = np.where(over, low, middle), np.where(over, middle, high)
        values = [np.where(over, values[0], value), np.where(over, value, values[1])]
    least, most = PROBE
    return between[(np.abs(value + target) > least) & (np.abs(value + target) < most)]
