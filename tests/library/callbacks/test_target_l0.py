from typing import Any

import keras
import numpy as np
import pytest

from keras_sparse import L1, ActivityPenalty, PenaltySchedule
from keras_sparse.callbacks.target_l0 import TargetL0


class HeldOut(keras.callbacks.Callback):
    """Logs an L0 of held-out rows."""

    def __init__(self, l0: float | None) -> None:
        super().__init__()
        self.l0 = l0

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if self.l0 is not None:
            logs["val_l0"] = self.l0


def fit(rows: np.ndarray, *callbacks: Any) -> tuple[ActivityPenalty, Any]:
    penalty = ActivityPenalty(L1(1e-2), target_l0=6, threshold=0.0)
    model = keras.Sequential([keras.Input((12,)), penalty, keras.layers.Dense(12)])
    model.compile("sgd", "mse")
    half = (rows > np.median(rows, axis=1, keepdims=True)).astype(np.float32)  # active
    history = model.fit(half, rows, epochs=2, verbose=0, callbacks=[*callbacks])
    return penalty, history.history


def test_it_tells_the_penalty_of_held_out_rows_and_logs_the_strength(rows: np.ndarray) -> None:
    strengths = {}
    for l0 in (None, 6.0, 12.0):
        penalty, logs = fit(rows, HeldOut(l0), TargetL0())
        assert logs["penalty_strength"][-1] == penalty.strength
        strengths[l0] = penalty.strength
    assert strengths[12.0] > 1.05 * strengths[6.0]  # it aims lower
    assert strengths[None] == pytest.approx(strengths[6.0], rel=0.05)


def test_a_schedule_of_a_controlled_strength_is_refused(rows: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"`layer`.*without a target.*Received: .*target_l0=6"):
        fit(rows, PenaltySchedule(lambda epoch: 0.1))
