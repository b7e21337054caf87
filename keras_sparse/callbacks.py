"""What acts while a model trains: the schedule of the penalty, and new life for dead units."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sparse import data, measures
from keras_sparse.autoencoder import SparseAutoencoder
from keras_sparse.layers import ActivityPenalty
from keras_sparse.regularizers import non_negative

Schedule = Callable[[int], Any]


class PenaltySchedule(keras.callbacks.Callback):
    """Sets the strength of a penalty, λ or β, while the model trains.

    Args:
        schedule: From the epoch (or step), counted from 0, to the strength: a function, or a
            `keras.optimizers.schedules.LearningRateSchedule`. `warm_up` makes the usual one.
        layer: The `ActivityPenalty`, or its name; by default the only one of the model.
        per_step: Whether to ask the schedule before every step instead of every epoch.

    The strength of each epoch's end joins the logs as `penalty_strength`, for the callbacks that
    come after this one.

    Raises:
        ValueError: When training starts and the model has no such layer; or when the schedule
            gives a strength that is negative or not finite.

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
        self._step = 0

    @property
    def acts_on_batches(self) -> bool:
        """Whether it is to be called before every step."""
        return self.per_step

    @staticmethod
    def warm_up(strength: float, over: float) -> Schedule:
        """A schedule that rises in equal parts to `strength` within `over` epochs (or steps)."""
        strength = non_negative("strength", strength)
        if not over > 0:
            raise ValueError(
                f"Invalid value for argument `over`. Expected a positive number. Received: {over=}"
            )
        return lambda position: strength * min(1.0, (position + 1) / over)

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Find the layer."""
        self._penalty = self._found()

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Set the strength of the epoch."""
        if not self.per_step:
            self._set(epoch)

    def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Set the strength of the step."""
        if self.per_step:
            # Within an epoch JAX trains on a copy of the variables, until it is asked for them.
            getattr(self.model, "jax_state_sync", lambda: None)()
            self._set(self._step)
            self._step += 1

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Log it."""
        if logs is not None:
            logs["penalty_strength"] = self._penalty.strength

    def _set(self, position: int) -> None:
        strength = float(ops.convert_to_numpy(self.schedule(position)))
        self._penalty.strength = non_negative("schedule", strength)

    def _found(self) -> ActivityPenalty:
        layer = self.layer
        if isinstance(layer, str):
            layer = self.model.get_layer(layer)
        if layer is None:
            found = [each for each in self.model.layers if isinstance(each, ActivityPenalty)]
            layer = found[0] if len(found) == 1 else None
        if not isinstance(layer, ActivityPenalty):
            raise ValueError(
                "Invalid value for argument `layer`. Expected an ActivityPenalty of the model, or "
                f"its name; a model with one needs none. Received: layer={self.layer!r}. A "
                "regularizer on a layer has a strength that cannot change: use ActivityPenalty"
            )
        return layer


class ReviveDeadUnits(keras.callbacks.Callback):
    """Gives units that no row activates a new start, towards rows that come back badly.

    After every `every` epochs up to epoch `until`, a unit that is active for none of the rows `x`
    (at most `rows` of them, drawn anew each time) takes the direction of a row, drawn with a
    probability in proportion to the square of its loss: `d = (x_i − mean x) / ‖x_i − mean x‖`. Its
    decoder row becomes `d`, its encoder weights `d` at a fifth of the mean norm of the living. What
    the optimizer remembers of these weights is set to zero. Behind hidden layers the direction is
    that of the code layer's input, and the decoder row is drawn as at the start.

    The bias is where this departs from its source, which sets it to zero: it is such that the unit
    starts active for a share `density` of the rows. One that starts active for half of them costs
    more than it gives and dies again at once, and takes others with it
    (`benchmarks/README.md`).

    Args:
        x: Rows of the training.
        every: Epochs between two looks.
        until: Last epoch to act after; the rest of the training is for the new units to settle.
            By default two thirds of the epochs.
        density: Share of the rows for which a new unit is active, in (0, 1).
        rows: Most rows to look at.
        seed: Of the draws.

    Raises:
        ValueError: When training starts, if the model is no `SparseAutoencoder` whose code is a
            `Dense` layer with exact zeros (KL revives its units by itself), or lacks a `Dense`
            layer to take it.

    Source: T. Bricken et al., "Towards Monosemanticity", Anthropic, 2023, neuron resampling.

    Example:
        >>> import numpy as np, keras_sparse
        >>> x = np.random.default_rng(0).random((256, 8))
        >>> model = keras_sparse.SparseAutoencoder(8, 16, sparsity=keras_sparse.L1(1e-3))
        >>> model.compile()
        >>> revive = keras_sparse.ReviveDeadUnits(x, every=2)
        >>> history = model.fit(x, epochs=6, verbose=0, callbacks=[revive])
        >>> len(history.history["revived_units"])
        6
    """

    def __init__(
        self,
        x: Any,
        *,
        every: int = 3,
        until: int | None = None,
        density: float = 0.02,
        rows: int = 8192,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if not 0 < density < 1:
            raise ValueError(
                "Invalid value for argument `density`. Expected a float in (0, 1). Received: "
                f"density={density}"
            )
        for name, value in (("every", every), ("rows", rows)):
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
                raise ValueError(
                    f"Invalid value for argument `{name}`. Expected a positive integer. "
                    f"Received: {name}={value!r}"
                )
        self.x = x
        self.every = every
        self.until = until
        self.density = density
        self.rows = rows
        self._random = np.random.default_rng(seed)

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Find the layers on both sides of the code."""
        model = self.model
        if not isinstance(model, SparseAutoencoder) or model.threshold > 0:
            raise ValueError(
                "Expected a SparseAutoencoder whose activation gives exact zeros, such as ReLU "
                "with L1. Received: "
                + (
                    "another activation; KL revives its units by itself"
                    if isinstance(model, SparseAutoencoder)
                    else type(model).__name__
                )
            )
        self._rows = data.as_rows(self.x, model.row_shape)
        self._code = _dense(model.encoder.layers[::-1], "from which the code comes")
        self._taker = _dense(model.decoder.layers, "that takes the code")
        self._features = keras.Model(model.encoder.inputs[0], self._code.input)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Look, and act where it is time."""
        until = self.until or max(1, 2 * self.params["epochs"] // 3)
        due = (epoch + 1) % self.every == 0 and epoch + 1 <= until
        revived = self._revive() if due else 0
        if logs is not None:
            logs["revived_units"] = revived

    def _revive(self) -> int:
        model = self.model
        chosen = self._random.permutation(len(self._rows))[: self.rows]
        x = self._rows[chosen]
        codes = model.encode(x)
        dead = np.flatnonzero(measures.activation_density(codes) == 0)
        if not len(dead):
            return 0
        error = (model.scale(x) - model.scale(model.decode(codes))).reshape(len(x), -1)
        loss = np.square(error, dtype=np.float64).sum(axis=1)
        weights = loss**2 if loss.any() else np.ones(len(x))
        repeats = bool(len(dead) > np.count_nonzero(weights))
        drawn = self._random.choice(len(x), len(dead), replace=repeats, p=weights / weights.sum())
        features = ops.convert_to_numpy(self._features(x)).astype(np.float64)
        self._start_anew(dead, features, drawn)
        return len(dead)

    def _start_anew(self, dead: np.ndarray, features: np.ndarray, drawn: np.ndarray) -> None:
        """Turn the dead units towards the rows that were drawn, as the code layer sees them."""
        away = features[drawn] - features.mean(axis=0)
        directions = away / np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-12)
        kernel, bias, rows = (
            np.array(ops.convert_to_numpy(weight))
            for weight in (self._code.kernel, self._code.bias, self._taker.kernel)
        )
        living = np.delete(np.linalg.norm(kernel, axis=0), dead)
        fresh = 0.2 * (living.mean() if len(living) else 1.0) * directions
        kernel[:, dead] = fresh.T
        bias[dead] = -np.quantile(features @ fresh.T, 1 - self.density, axis=0)
        if rows.shape[1] == directions.shape[1]:
            rows[dead] = directions
        else:
            rows[dead] = ops.convert_to_numpy(self._taker.kernel_initializer(rows.shape))[dead]
        for weight, value, axis in (
            (self._code.kernel, kernel, 1),
            (self._code.bias, bias, 0),
            (self._taker.kernel, rows, 0),
        ):
            weight.assign(value)
            forget(self.model.optimizer, weight, dead, axis)


def forget(
    optimizer: keras.optimizers.Optimizer, weight: keras.Variable, units: np.ndarray, axis: int
) -> None:
    """Set to zero what an optimizer remembers of some units of a weight."""
    # Keras names what it keeps of a weight after the weight.
    prefix = weight.path.replace("/", "_") + "_"
    for variable in optimizer.variables:
        if variable.name.startswith(prefix) and variable.shape == weight.shape:
            value = np.array(ops.convert_to_numpy(variable))
            value[(slice(None),) * axis + (units,)] = 0
            variable.assign(value)


def _dense(layers: list[keras.layers.Layer], role: str) -> keras.layers.Dense:
    found = next((each for each in layers if isinstance(each, keras.layers.Dense)), None)
    if found is None or found.bias is None:
        raise ValueError(f"Expected a Dense layer with a bias {role}. Received: a half without one")
    return found
