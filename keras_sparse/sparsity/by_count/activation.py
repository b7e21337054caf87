"""What activations by count have in common."""

from abc import abstractmethod
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sparse.sparsity import step_weights
from keras_sparse.sparsity.by_count.cut import find_thresholds, gate
from keras_sparse.sparsity.row_weights import row_weights
from keras_sparse.utils.types import Tensor


class CountActivation(keras.layers.Layer):
    """An activation that leaves `k` units active per row: the code has the L0 that was asked for.

    The base class of `BatchTopK`, `TopK` and `JumpReLU`. A code is `z` where the unit is active,
    else 0, and only positive `z` are active. Outside training the code of a row depends on no other
    row. Use it as a layer, or as the `activation` of a `Dense` layer.

    Args:
        k: Active units per row, at least 1 and at most the units.
        **kwargs: Passed to `keras.layers.Layer`.

    Call arguments:
        z: Pre-activations, `(batch, ..., units)`.
        weights: Weight of each sample `(batch,)` or step `(batch, steps)`. What has weight 0 gets
            codes but takes no part in counts; all others count the same. By default the weights of
            the rows, inside of a `SparseAutoencoder`.
        mask: Boolean tensor over the leading axes of `z`; passed by Keras. Masked steps take no
            part either.

    Input shape: `(batch, ..., units)`. Output shape: the same.

    Raises:
        ValueError: If `k` is not an integer of at least 1, or larger than the units.
    """

    def __init__(self, k: int, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "autocast": False})  # float16 would round the weights
        if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or k < 1:
            raise ValueError(
                "Invalid value for argument `k`. Expected an integer of at least 1: the units that "
                f"are active per row. Received: k={k!r}"
            )
        self.k = int(k)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Check that there are `k` units."""
        units = input_shape[-1]
        if units is None or units < self.k:
            raise ValueError(
                "Invalid value for argument `k`. Expected at most the number of units on the last "
                f"axis: {units}. Received: k={self.k}"
            )
        self._units = units
        self.built = True

    def call(
        self,
        z: Tensor,
        weights: Tensor | None = None,
        mask: Tensor | None = None,
        training: bool | None = None,
    ) -> Tensor:
        """Return the codes."""
        if weights is None:
            weights, _ = row_weights(z)
        return self._activate(z, step_weights.combine(weights, mask), bool(training))

    @abstractmethod
    def _activate(self, z: Tensor, weights: Tensor | None, training: bool) -> Tensor:
        """Return the codes."""

    @property
    def thresholds(self) -> np.ndarray | None:
        """θ in float32 outside training, a scalar or one per unit; `None` without a threshold."""
        return None

    @property
    def is_calibrated(self) -> bool:
        """Whether the mean L0 outside training is that of the last `calibrate`, or exact anyway."""
        return True

    def calibrate(self, z: Any, weights: Any = None, *, or_fewer: bool = False) -> None:
        """Set the thresholds, if there are any, so that the mean L0 of `z` is `k`.

        Args:
            z: Pre-activations, `(rows, ..., units)`.
            weights: Weights over leading axes of `z`.
            or_fewer: Whether fewer may be active where fewer pre-activations are positive.
        """

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the input shape."""
        return input_shape

    def compute_output_spec(self, z: Any, *_: Any, **__: Any) -> keras.KerasTensor:
        """Return shape and dtype of the input."""
        return keras.KerasTensor(z.shape, z.dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "k": self.k}


class ThresholdActivation(CountActivation):
    """A `CountActivation` whose active units are those with `z > θ`, strictly, outside training.

    θ is what training found until `calibrate` sets it. Both are saved. A step of training forgets
    the calibrated θ and goes on from its own alone.
    """

    def _create_calibrated(self, shape: tuple[int, ...]) -> None:
        self.calibrated_threshold = self.add_weight(
            name="calibrated_threshold",
            shape=shape,
            initializer=keras.initializers.Constant(-1.0),  # none yet
            trainable=False,
            dtype="float32",
            autocast=False,
            aggregation="only_first_replica",
        )

    @abstractmethod
    def _trained_threshold(self) -> Tensor:
        """θ as training left it."""

    @abstractmethod
    def _train(self, z: Tensor, weights: Tensor | None) -> Tensor:
        """Return the codes of a training step, and update what training finds."""

    def _activate(self, z: Tensor, weights: Tensor | None, training: bool) -> Tensor:
        if not training:
            return gate(z, self._threshold())
        self.calibrated_threshold.assign(ops.full(self.calibrated_threshold.shape, -1.0))
        return self._train(z, weights)

    def _threshold(self) -> Tensor:
        calibrated = ops.convert_to_tensor(self.calibrated_threshold)
        return ops.where(calibrated >= 0, calibrated, self._trained_threshold())

    def _require_built(self) -> None:
        if not self.built:
            raise ValueError(
                f"Expected a layer that was built. Received: `{self.name}` before its first call. "
                "Remedy: call it, or the model that holds it, on rows"
            )

    @property
    def thresholds(self) -> np.ndarray:
        """θ in float32: a scalar, or one number for each unit."""
        self._require_built()
        theta = np.asarray(ops.convert_to_numpy(self._threshold()), np.float32)
        return np.asarray(np.abs(theta))  # a clamp leaves −0

    @property
    def is_calibrated(self) -> bool:
        """Whether θ is that of the last `calibrate`."""
        return self.built and bool(ops.convert_to_numpy(self.calibrated_threshold).min() >= 0)

    def calibrate(self, z: Any, weights: Any = None, *, or_fewer: bool = False) -> None:
        """Shift θ by one number so that the mean L0 of some pre-activations is `k`.

        As many codes are active as `k` times the rows, exactly. Only ties at θ can make them fewer.

        Args:
            z: Pre-activations, `(rows, ..., units)`.
            weights: Weights over leading axes of `z`; what has weight 0 does not count.
            or_fewer: Whether all positive pre-activations are active where there are fewer.

        Raises:
            ValueError: If `z` has other units or values that are not finite, no row counts, or too
                few pre-activations are positive.
        """
        self._require_built()
        z = np.asarray(ops.convert_to_numpy(z), np.float32)
        if z.ndim < 2 or z.shape[-1] != self._units:
            raise ValueError(
                "Invalid shape of argument `z`. Expected pre-activations of "
                f"{self._units} units on the last axis, behind rows. Received: {z.shape}"
            )
        weights = None if weights is None else ops.convert_to_numpy(weights)
        start = self._first_threshold()
        theta = find_thresholds(z, self.k, start, weights, or_fewer=or_fewer)
        self.calibrated_threshold.assign(theta)

    def _first_threshold(self) -> np.ndarray:
        """The thresholds that `calibrate` shifts by one number."""
        return np.zeros(self.calibrated_threshold.shape, np.float32)
