"""A penalty that can stand anywhere."""

import inspect
import numbers
from types import FrameType
from typing import Any

import keras
from keras import ops

from keras_sparse.devices import mirrored_replicas
from keras_sparse.penalties import Tensor
from keras_sparse.regularizers import KL, ActivityRegularizer, non_negative


@keras.saving.register_keras_serializable(package="keras_sparse")
class ActivityPenalty(keras.layers.Layer):
    """Adds the penalty of an activity regularizer to the loss and passes its input on unchanged.

    It stands wherever codes are: after a separate activation, inside a functional graph, on a
    masked sequence (masked steps do not count). Unlike a regularizer on a layer it sees masks and
    weights, and its strength is a variable, so a change takes effect while training.

    KL is convex: its mean over small batches exceeds its value on the whole data, 16 times at
    batch 8 in `benchmarks/README.md`. With a `rho_horizon` of N samples the training instead takes
    the KL of a moving mean of ρ̂, which forgets a sample by `exp(−1/N)` with every later one, and
    whose gradient goes straight through to the batch: `r = stop_gradient(moving − ρ̂) + ρ̂`. Outside
    training the penalty is the batch's own.

    Args:
        regularizer: `L1`, `L2`, `KL` or another `ActivityRegularizer`.
        rho_horizon: N, in samples, for `KL`. 1,000 to 5,000 do: a short one knows ρ̂ badly, a long
            one lags behind the weights and makes them swing. `None` takes the batch's own ρ̂.
        **kwargs: Passed to `keras.layers.Layer`.

    Call arguments:
        h: Codes, `(batch, ..., units)`.
        mask: Boolean tensor over the leading axes of `h`; passed by Keras.
        weights: How much each sample `(batch,)` or step `(batch, steps)` counts.
        share: A factor on the penalty of this call: how much its rows count beside those that
            other devices see.

    Input shape: `(batch, ..., units)`. Output shape: the same.

    Raises:
        TypeError: If `regularizer` is no `ActivityRegularizer`.
        ValueError: If `rho_horizon` is not positive, or given without `KL`. Inside
            `TimeDistributed`, where Keras would count the penalty once per step.

    Example:
        >>> import keras, keras_sparse
        >>> model = keras.Sequential([
        ...     keras.Input((8,)),
        ...     keras.layers.Dense(4),
        ...     keras.layers.Activation("relu"),
        ...     keras_sparse.ActivityPenalty(keras_sparse.L1(1e-3)),
        ... ])
        >>> model.layers[-1].strength = 2e-3
    """

    def __init__(
        self,
        regularizer: ActivityRegularizer,
        *,
        rho_horizon: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs, autocast=False)  # half precision would round the weights
        if not isinstance(regularizer, ActivityRegularizer):
            raise TypeError(
                "Invalid type for argument `regularizer`. Expected a keras_sparse "
                f"ActivityRegularizer such as L1, L2 or KL. Received: regularizer={regularizer!r}"
            )
        self.regularizer = regularizer
        self._first_strength = regularizer.strength
        if rho_horizon is not None:
            _require_horizon(rho_horizon, regularizer)
            rho_horizon = float(rho_horizon)
        self.rho_horizon = rho_horizon
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Create the strength, and the moving statistic if there is a horizon."""
        _refuse_time_distributed(self.name)
        self._strength = self.add_weight(
            name="strength",
            shape=(),
            initializer=keras.initializers.Constant(self._first_strength),
            trainable=False,
            dtype="float32",
            autocast=False,
        )
        if self.rho_horizon is not None:
            # Replicas of MirroredStrategy each follow what they see; reading takes their mean.
            self._moving, self._seen = (
                keras.Variable(
                    "zeros",
                    shape=shape,
                    dtype="float32",
                    trainable=False,
                    autocast=False,
                    aggregation="mean",
                    synchronization="on_read",
                    name=name,
                )
                for name, shape in (("moving_statistic", (2, input_shape[-1])), ("seen", ()))
            )
        self.built = True

    @property
    def strength(self) -> float:
        """The factor of the penalty in the loss (λ or β). Set it at any time."""
        if not self.built:
            return self._first_strength
        return float(ops.convert_to_numpy(self._strength))

    @strength.setter
    def strength(self, value: float) -> None:
        self._first_strength = non_negative("strength", value)
        if self.built:
            self._strength.assign(self._first_strength)

    def call(
        self,
        h: Tensor,
        mask: Tensor | None = None,
        weights: Tensor | None = None,
        share: Tensor | float = 1.0,
        training: bool | None = None,
    ) -> Tensor:
        """Add the penalty, return `h`."""
        _refuse_time_distributed(self.name)
        weights = _masked(weights, mask)
        codes = ops.cast(h, "float32")
        if self.rho_horizon is None or not training:
            penalty = self.regularizer.at_unit_strength(codes, weights)
        else:
            penalty = self.regularizer.of_statistic(self._followed(codes, weights))
        self.add_loss(self._strength * penalty * share)
        return h

    def _followed(self, codes: Tensor, weights: Tensor | None) -> Tensor:
        """The moving statistic, this batch included, with the gradient of the batch's own."""
        batch = self.regularizer.statistic(codes, weights)
        samples = _count(codes, weights) * mirrored_replicas()  # the others see as many
        fresh = -ops.expm1(-samples / self.rho_horizon)
        seen = self._seen + fresh * (1.0 - self._seen)
        moving = self._moving + fresh * (ops.stop_gradient(batch) - self._moving)
        self._seen.assign(seen)
        self._moving.assign(moving)
        # `moving` starts at zero; `seen`, which does too, tells how much of it is still that zero.
        return ops.stop_gradient(ops.divide_no_nan(moving, seen) - batch) + batch

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "regularizer": keras.saving.serialize_keras_object(self.regularizer),
            "rho_horizon": self.rho_horizon,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "ActivityPenalty":
        """A layer from its config."""
        regularizer = keras.saving.deserialize_keras_object(config["regularizer"])
        return cls(**{**config, "regularizer": regularizer})


def _masked(weights: Tensor | None, mask: Tensor | None) -> Tensor | None:
    if mask is None:
        return weights
    mask = ops.cast(mask, "float32")
    if weights is None:
        return mask
    missing = len(mask.shape) - len(weights.shape)
    weights = ops.cast(weights, "float32")
    return mask * ops.reshape(weights, (*ops.shape(weights), *(1,) * missing))


def _count(codes: Tensor, weights: Tensor | None) -> Tensor:
    """How many samples of the batch count."""
    if weights is None:
        return ops.cast(ops.shape(codes)[0], "float32")
    steps = tuple(range(1, len(weights.shape)))
    counts = ops.any(ops.not_equal(weights, 0), axis=steps) if steps else ops.not_equal(weights, 0)
    return ops.sum(ops.cast(counts, "float32"))


def _require_horizon(rho_horizon: Any, regularizer: ActivityRegularizer) -> None:
    number = isinstance(rho_horizon, numbers.Real) and not isinstance(rho_horizon, bool)
    if not (number and 0 < rho_horizon < float("inf")):
        raise ValueError(
            "Invalid value for argument `rho_horizon`. Expected a positive number of samples, or "
            f"None. Received: rho_horizon={rho_horizon!r}"
        )
    if not isinstance(regularizer, KL):
        raise ValueError(
            "Invalid value for argument `rho_horizon`. Expected None without KL, the penalty that "
            f"depends on a mean over samples. Received: rho_horizon={rho_horizon} with "
            f"{type(regularizer).__name__}"
        )


def _refuse_time_distributed(name: str) -> None:
    # TimeDistributed runs its layer's `call` once per step, without a sign that it does.
    wrapper = keras.layers.TimeDistributed
    codes = (wrapper.build.__code__, wrapper.call.__code__)
    frame: FrameType | None = inspect.currentframe()
    while frame is not None:
        if frame.f_code in codes:
            raise ValueError(
                f"Expected ActivityPenalty `{name}` outside keras.layers.TimeDistributed, which "
                "would count the penalty once per step. Received: a call from inside it. Put the "
                "layer after TimeDistributed: it averages over steps itself."
            )
        frame = frame.f_back
