"""Change the strength of a penalty during training."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_sparse.sparsity.activity_penalty import ActivityPenalty
from keras_sparse.sparsity.strengths import require_non_negative

Schedule = Callable[[int], Any]


class PenaltySchedule(keras.callbacks.Callback):
    """Set the strength of a penalty, λ or β, while the model trains.

    The logs of each epoch hold the strength at its end as `penalty_strength`, for the callbacks
    that come after this one.

    Args:
        schedule: A function from the epoch (or step), counted from 0, to the strength, or a
            `keras.optimizers.schedules.LearningRateSchedule`. `warm_up` makes the usual one.
        layer: The `ActivityPenalty`, or its name; by default the only one of the model.
        per_step: Whether to call the schedule before every step instead of every epoch. Steps are
            counted as epochs are: `fit` starts at step 0, or with the steps of `initial_epoch`
            epochs behind it.

    Raises:
        ValueError: When training starts, if the model has no such layer, the layer has a
            `target_l0`, or it starts with a later epoch and the steps of an epoch are not known;
            later, if the schedule returns a strength that is negative or not finite.
        RuntimeError: With `per_step` on JAX, if the model offers no way to change a variable
            within an epoch.

    Example:
        >>> import numpy as np, keras_sparse
        >>> x = np.random.default_rng(0).random((256, 8))
        >>> model = keras_sparse.SparseAutoencoder(8, 4, sparsity=keras_sparse.L1(1e-3))
        >>> model.compile()
        >>> warm_up = keras_sparse.PenaltySchedule(keras_sparse.PenaltySchedule.warm_up(1e-3, 4))
        >>> history = model.fit(x, epochs=5, verbose=0, callbacks=[warm_up])
        >>> [round(1e3 * strength, 2) for strength in history.history["penalty_strength"]]
        [0.25, 0.5, 0.75, 1.0, 1.0]
    """

    def __init__(
        self,
        schedule: Schedule,
        *,
        layer: str | ActivityPenalty | None = None,
        per_step: bool = False,
    ) -> None:
        super().__init__()
        if not callable(schedule):
            raise TypeError(
                "Invalid type for argument `schedule`. Expected a function from the epoch to the "
                f"strength. Received: schedule={schedule!r}"
            )
        self.schedule = schedule
        self.layer = layer
        self.per_step = per_step
        self._first_step = self._next_step = 0

    @property
    def acts_on_batches(self) -> bool:
        """Whether the callback must be called before every step."""
        return self.per_step

    @staticmethod
    def warm_up(strength: float, over: float) -> Schedule:
        """A schedule that rises linearly to `strength` within `over` epochs (or steps)."""
        strength = require_non_negative("strength", strength)
        if not over > 0:
            raise ValueError(
                f"Invalid value for argument `over`. Expected a positive number. Received: {over=}"
            )
        return lambda position: strength * min(1.0, (position + 1) / over)

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Find the layer."""
        self._penalty = self._find_penalty()
        self._next_step = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Set the strength of the epoch."""
        if self.per_step:
            self._first_step = self._count_steps_before(epoch)
        else:
            self._set(epoch)

    def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Set the strength of the step."""
        if self.per_step:
            _sync_variables(self.model)
            self._set(self._first_step + batch)

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Count the steps: Keras announces one more before it meets the end of a stream."""
        self._next_step = self._first_step + batch + 1

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Log the strength."""
        if logs is not None:
            logs["penalty_strength"] = self._penalty.strength

    def _set(self, position: int) -> None:
        strength = float(ops.convert_to_numpy(self.schedule(position)))
        self._penalty.strength = require_non_negative("schedule", strength)

    def _count_steps_before(self, epoch: int) -> int:
        steps = self.params["steps"]
        if steps:
            return epoch * int(steps)
        if epoch and not self._next_step:
            raise ValueError(
                "Expected a known number of steps per epoch, to start a schedule of steps with "
                f"initial_epoch={epoch}. Received: a stream of unknown length. Remedy: pass "
                "`steps_per_epoch`, or per_step=False"
            )
        return self._next_step

    def _find_penalty(self) -> ActivityPenalty:
        layer = self.layer
        if isinstance(layer, str):
            layer = self.model.get_layer(layer)
        if layer is None:
            penalties = [each for each in self.model.layers if isinstance(each, ActivityPenalty)]
            layer = penalties[0] if len(penalties) == 1 else None
        if not isinstance(layer, ActivityPenalty):
            raise ValueError(
                "Invalid value for argument `layer`. Expected an ActivityPenalty of the model, or "
                f"its name; None needs a model with exactly one. Received: layer={self.layer!r}. "
                "Remedy: a regularizer on a layer has a fixed strength; use ActivityPenalty"
            )
        if layer.target_l0 is not None:
            raise ValueError(
                "Invalid value for argument `layer`. Expected an ActivityPenalty without a target, "
                "whose strength nothing else changes. Received: one with "
                f"target_l0={layer.target_l0:g}. Remedy: no PenaltySchedule, or target_l0=None"
            )
        return layer


def _sync_variables(model: Any) -> None:
    """Have the next step read the model's variables; within an epoch JAX trains on copies of them.

    Raises:
        RuntimeError: If a model on JAX has no `jax_state_sync`: the step would not see a change.
    """
    if keras.backend.backend() != "jax":
        return
    if not hasattr(model, "jax_state_sync"):
        raise RuntimeError(
            "Expected a model with `jax_state_sync`, as keras.Model has on JAX, to change a "
            f"strength within an epoch. Received: {type(model).__name__}. Remedy: per_step=False"
        )
    model.jax_state_sync()
