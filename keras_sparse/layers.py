"""A penalty that can stand anywhere."""

import inspect
from types import FrameType
from typing import Any

import keras
from keras import ops

from keras_sparse.penalties import Tensor
from keras_sparse.regularizers import ActivityRegularizer, non_negative


@keras.saving.register_keras_serializable(package="keras_sparse")
class ActivityPenalty(keras.layers.Layer):
    """Adds the penalty of an activity regularizer to the loss and passes its input on unchanged.

    It stands wherever codes are: after a separate activation, inside a functional graph, on a
    masked sequence (masked steps do not count). Unlike a regularizer on a layer it sees masks and
    weights, and its strength is a variable, so a change takes effect while training.

    Args:
        regularizer: `L1`, `L2`, `KL` or another `ActivityRegularizer`.
        **kwargs: Passed to `keras.layers.Layer`.

    Call arguments:
        h: Codes, `(batch, ..., units)`.
        mask: Boolean tensor over the leading axes of `h`; passed by Keras.
        weights: How much each sample `(batch,)` or step `(batch, steps)` counts.

    Input shape: `(batch, ..., units)`. Output shape: the same.

    Raises:
        TypeError: If `regularizer` is no `ActivityRegularizer`.
        ValueError: Inside `TimeDistributed`, where Keras would count the penalty once per step.

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

    def __init__(self, regularizer: ActivityRegularizer, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(regularizer, ActivityRegularizer):
            raise TypeError(
                "Invalid type for argument `regularizer`. Expected a keras_sparse "
                f"ActivityRegularizer such as L1, L2 or KL. Received: regularizer={regularizer!r}"
            )
        self.regularizer = regularizer
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Create the strength."""
        _refuse_time_distributed(self.name)
        self._strength = self.add_weight(
            name="strength",
            shape=(),
            initializer=keras.initializers.Constant(self.regularizer.strength),
            trainable=False,
            dtype="float32",
            autocast=False,
        )
        self.built = True

    @property
    def strength(self) -> float:
        """The factor of the penalty in the loss (λ or β). Set it at any time."""
        if not self.built:
            return self.regularizer.strength
        return float(ops.convert_to_numpy(self._strength))

    @strength.setter
    def strength(self, value: float) -> None:
        if not self.built:
            self.build(None)
        self._strength.assign(non_negative("strength", value))

    def call(self, h: Tensor, mask: Tensor | None = None, weights: Tensor | None = None) -> Tensor:
        """Add the penalty, return `h`."""
        _refuse_time_distributed(self.name)
        self.add_loss(self._strength * self._at_unit_strength(h, mask, weights))
        return h

    def _at_unit_strength(self, h: Tensor, mask: Tensor | None, weights: Tensor | None) -> Tensor:
        if mask is not None:
            mask = ops.cast(mask, "float32")
            if weights is None:
                weights = mask
            else:
                missing = len(mask.shape) - len(weights.shape)
                weights = ops.cast(weights, "float32")
                weights = mask * ops.reshape(weights, (*ops.shape(weights), *(1,) * missing))
        return self.regularizer.at_unit_strength(ops.cast(h, "float32"), weights)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        regularizer = keras.saving.serialize_keras_object(self.regularizer)
        return {**super().get_config(), "regularizer": regularizer}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "ActivityPenalty":
        """A layer from its config."""
        regularizer = keras.saving.deserialize_keras_object(config["regularizer"])
        return cls(**{**config, "regularizer": regularizer})


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
