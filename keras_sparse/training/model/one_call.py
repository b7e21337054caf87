"""Call the layers of a model as one layer."""

from collections.abc import Callable, Sequence
from typing import Any

import keras

from keras_sparse.utils.types import Tensor


class OneCall(keras.Layer):
    """Layers that are called as one, so that none forgets the losses of another.

    When a layer is called alone, Keras lets it forget the losses that it added in the step before,
    and finds them by their `id`. On JAX, Keras trains a model through `Model.call` itself, so each
    layer in it counts as called alone. A loss that an earlier layer has just added may have the
    `id` of one of the step before, whose memory Python has used again: it would be lost, now and
    then. Layers inside of another one forget before the first of them is called.

    Args:
        function: Calls the layers; takes inputs and `training`.
        parts: The layers.
    """

    def __init__(
        self, function: Callable[..., Tensor], parts: Sequence[keras.Layer], **kwargs: Any
    ) -> None:
        super().__init__(autocast=False, **kwargs)
        self.supports_masking = True
        self._function = function
        self._parts = list(parts)
        self.built = True

    def call(self, inputs: Any, training: bool | None = None) -> Tensor:
        """Call the function."""
        return self._function(inputs, training=training)

    def compute_mask(self, inputs: Any, previous_mask: Any) -> None:
        """Leave the mask of the outputs to the layers."""


def as_one(function: Callable[..., Tensor], parts: Sequence[keras.Layer]) -> Callable[..., Tensor]:
    """A function that calls layers as `OneCall`, and that no model takes for a layer of its own."""
    layer = OneCall(function, parts)

    def call(inputs: Any, training: bool | None = None) -> Tensor:
        return layer(inputs, training=training)

    return call
