"""What a method is measured by, and the settings that methods share."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

from keras_sparse.metrics.functional import explained_variance

SCALE = 0.13
"""Middle of the grid of learning rates, times `√max(features, units)`."""
FACTORS = (1.0, 2.0, 0.5)
"""Of the middle of the grid, in the order in which they are tried."""
WARM_UP, DECAY = 0.05, 0.4
"""Fractions of the steps in which the learning rate rises to its peak, and falls to 0."""


@dataclass(frozen=True)
class Budget:
    """How long a method trains."""

    epochs: int = 10
    batch: int = 256


class Coder(NamedTuple):
    """A trained method."""

    encode: Callable[[np.ndarray], np.ndarray]
    """Codes in the form that is exported; inactive ones are zero."""
    decode: Callable[[np.ndarray], np.ndarray]
    encode_in_training: Callable[[np.ndarray], np.ndarray] | None = None
    """Codes as in training, where they differ. This may change the coder, so it is called last."""


@dataclass(frozen=True)
class Result:
    """One method at one L0, on the test rows."""

    explained: float
    explained_in_training: float
    l0: float
    dead: int
    seconds: float
    rate: float
    explained_by_rate: dict[str, float]
    """On the validation rows, by which the rate was chosen."""

    def to_record(self) -> dict[str, Any]:
        return asdict(self)


def peak_rates(features: int, units: int) -> list[float]:
    """The grid of learning rates."""
    return [factor * SCALE / math.sqrt(max(features, units)) for factor in FACTORS]


def share_of_peak(step: int, steps: int) -> float:
    """The learning rate of a step, as a fraction of its peak."""
    rise = (step + 1) / max(1.0, WARM_UP * steps)
    return max(0.0, min(1.0, rise, (steps - step) / max(1.0, DECAY * steps)))


def explain(x: np.ndarray, coder: Coder, codes: np.ndarray) -> float:
    return float(explained_variance(x, coder.decode(codes)))


def measure(x: np.ndarray, coder: Coder, **choice: Any) -> Result:
    """Measure a coder on test rows.

    Args:
        x: The rows.
        coder: The coder.
        **choice: Fields of the result about how it was chosen.
    """
    codes = coder.encode(x)
    trained = codes if coder.encode_in_training is None else coder.encode_in_training(x)
    return Result(
        explained=explain(x, coder, codes),
        explained_in_training=explain(x, coder, trained),
        l0=float((codes != 0).sum(axis=1).mean()),
        dead=int((codes == 0).all(axis=0).sum()),
        **choice,
    )
