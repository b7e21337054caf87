"""The sparsity penalty as a layer."""

import numbers
from functools import partial
from typing import Any

import keras
from keras import ops

from keras_sparse.distribution.devices import after_loss, mirrored_replicas
from keras_sparse.sparsity import penalties, step_weights
from keras_sparse.sparsity.regularizers import ActivityRegularizer, require_units
from keras_sparse.sparsity.row_weights import row_weights
from keras_sparse.sparsity.strength_controller import StrengthController, require_target
from keras_sparse.sparsity.strengths import require_non_negative
from keras_sparse.utils.types import Tensor


@keras.saving.register_keras_serializable(package="keras_sparse")
class ActivityPenalty(keras.layers.Layer):
    """A layer that adds a sparsity penalty to the loss and returns its input unchanged.

    Place it after the codes: behind a separate activation, in a functional graph, or on a masked
    sequence, whose masked steps do not count. Unlike an activity regularizer of a layer it uses
    masks and weights, and its strength is a variable, so a change takes effect during training.

    KL is convex, so its mean over small batches exceeds its value on the whole data, 16 times at
    batch 8 in `benchmarks/README.md`. With a `rho_horizon` of N samples, training instead takes
    the KL of a moving average of ρ̂, in which the weight of a sample decays by `exp(−1/N)` with
    every later sample. Its gradient is that of the batch (straight-through):
    `r = stop_gradient(moving − ρ̂) + ρ̂`. Outside training the penalty is that of the batch.

    With a `target_l0` of k active units the strength is not fixed: it starts from that of the
    regularizer, and a `StrengthController` changes it in every step of a training, until the codes
    of training rows have that L0. The strength and the moving mean of L0 are saved with the model.
    The callback `TargetL0` corrects for held-out rows, which have more active units.

    Place the penalty after `TimeDistributed` and recurrent layers, not inside: they call a layer
    once per step, and Keras would add the penalty as often. They raise when they are built around
    it.

    Args:
        regularizer: `L1`, `L2`, `KL` or another `ActivityRegularizer`.
        rho_horizon: N in samples, for a penalty with a batch statistic, such as `KL`. Use 1,000 to
            5,000: a shorter horizon estimates ρ̂ badly, a longer one lags behind the weights and
            makes them oscillate. `None` takes ρ̂ of the batch.
        target_l0: k, the mean number of active units per code, in (0, units]. `None` leaves the
            strength as it is. Allow about 1,000 steps to reach it.
        threshold: τ, for `target_l0`: a unit is active when `|code| > τ`.
        **kwargs: Passed to `keras.layers.Layer`.

    Call arguments:
        h: Codes, `(batch, ..., units)`.
        mask: Boolean tensor over the leading axes of `h`; passed by Keras.
        weights: Weight of each sample `(batch,)` or step `(batch, steps)`. By default those of the
            rows, inside of a `SparseAutoencoder`.
        share: A factor on the penalty of this call: the weight of its rows relative to those of
            other devices.

    Input shape: `(batch, ..., units)`. Output shape: the same.

    Raises:
        TypeError: If `regularizer` is no `ActivityRegularizer`.
        ValueError: If `rho_horizon` is not positive, or the penalty has no batch statistic; if
            `target_l0` is out of range, or no strength of this penalty reaches it; if the strength
            of a penalty with a target is set.

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
        target_l0: float | None = None,
        threshold: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs, autocast=False)  # float16 would round the weights
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
        self.threshold = require_non_negative("threshold", threshold)
        self.target_l0 = None
        self._controller = None
        if target_l0 is not None:
            self.target_l0 = require_target(target_l0, regularizer, self.threshold)
            self._controller = StrengthController(
                self.target_l0, self.threshold, self._first_strength, name="controller"
            )
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Create the strength, and the moving statistic if there is a horizon."""
        require_units(input_shape)
        self._strength = self.add_weight(
            name="strength",
            shape=(),
            initializer=keras.initializers.Constant(self._first_strength),
            trainable=False,
            dtype="float32",
            autocast=False,
            aggregation="none" if self._controller is None else "only_first_replica",
        )
        if self._controller is not None:
            self._controller.build(input_shape)
        if self.rho_horizon is not None:
            statistic = self.regularizer.statistic(ops.zeros((1, input_shape[-1])))
            # Each replica of MirroredStrategy averages its own batches; reading takes the mean.
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
                for name, shape in (("moving_statistic", statistic.shape), ("seen", ()))
            )
        self.built = True

    @property
    def strength(self) -> float:
        """The factor of the penalty in the loss (λ or β). Without a target it may be set any time.

        Raises:
            ValueError: If it is set while a controller does so.
        """
        if not self.built:
            return self._first_strength
        return float(ops.convert_to_numpy(self._strength))

    @strength.setter
    def strength(self, value: float) -> None:
        if self._controller is not None:
            raise ValueError(
                "Invalid value for argument `strength`. Expected no strength for a penalty with "
                f"target_l0={self.target_l0:g}, whose controller sets it. Received: "
                f"strength={value}. Remedy: no target_l0, or the strength to start from in the "
                f"{type(self.regularizer).__name__}"
            )
        self._first_strength = require_non_negative("strength", value)
        if self.built:
            self._strength.assign(self._first_strength)

    @property
    def mean_l0(self) -> float | None:
        """Moving mean of the active units per code in training; `None` without a target."""
        return None if self._controller is None else self._controller.mean_l0

    def correct_target(self, held_out_l0: float) -> None:
        """Aim at the target for held-out rows, whose present L0 is given; see `TargetL0`."""
        if self._controller is not None:
            self._controller.correct(held_out_l0)

    def call(
        self,
        h: Tensor,
        mask: Tensor | None = None,
        weights: Tensor | None = None,
        share: Tensor | float = 1.0,
        training: bool | None = None,
    ) -> Tensor:
        """Add the penalty to the loss and return `h`."""
        if weights is None:
            weights, share_of_batch = row_weights(h)
            share = share * share_of_batch
        weights = step_weights.combine(weights, mask)
        codes = ops.cast(h, "float32")
        formula = self.regularizer.at_unit_strength
        if self.rho_horizon is not None and training:
            samples = _count_samples(codes, weights) * mirrored_replicas()  # of equal batch size
            formula = partial(self._at_moving_statistic, samples=samples)
        penalty = penalties.unless_empty(formula, codes, weights)
        strength = ops.copy(self._strength.value)  # torch needs that of this step for the gradient
        self.add_loss(strength * penalty * share)
        if self._controller is not None and training:
            update = partial(self._control, self._controller, codes, weights, strength)
            h = after_loss(h, update)
        return h

    def _control(
        self,
        controller: StrengthController,
        codes: Tensor,
        weights: Tensor | None,
        strength: Tensor,
    ) -> None:
        """Set the strength of the next step."""
        self._strength.assign(controller(codes, weights, strength))

    def _at_moving_statistic(
        self, codes: Tensor, weights: Tensor | None, samples: Tensor
    ) -> Tensor:
        """The penalty at strength 1 of the moving statistic, which the batch is added to."""
        batch = self.regularizer.statistic(codes, weights)
        fresh = -ops.expm1(-samples / self.rho_horizon)
        seen = self._seen + fresh * (1.0 - self._seen)
        moving = self._moving + fresh * (ops.stop_gradient(batch) - self._moving)
        self._seen.assign(seen)
        self._moving.assign(moving)
        # `moving` starts at zero; 1 − `seen` is the weight that this zero still has in it.
        unbiased = ops.where(seen > 0, ops.divide_no_nan(moving, seen), batch)
        # The gradient is that of the batch's own statistic.
        return self.regularizer.of_statistic(ops.stop_gradient(unbiased - batch) + batch)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the input shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {
            **super().get_config(),
            "regularizer": keras.saving.serialize_keras_object(self.regularizer),
            "rho_horizon": self.rho_horizon,
            "target_l0": self.target_l0,
            "threshold": self.threshold,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "ActivityPenalty":
        """Make a layer from its config."""
        regularizer = keras.saving.deserialize_keras_object(config["regularizer"])
        return cls(**{**config, "regularizer": regularizer})


def _count_samples(codes: Tensor, weights: Tensor | None) -> Tensor:
    """Number of samples with non-zero weight."""
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
    if not regularizer.has_batch_statistic:
        raise ValueError(
            "Invalid value for argument `rho_horizon`. Expected None for a penalty that does not "
            f"depend on a mean over the batch, as KL does. Received: rho_horizon={rho_horizon} "
            f"with {type(regularizer).__name__}"
        )
