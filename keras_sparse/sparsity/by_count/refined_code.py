"""Codes by count that are corrected once by what they fail to reconstruct."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sparse.sparsity.by_count.activation import CountActivation
from keras_sparse.sparsity.by_count.silent_units import SilentUnits
from keras_sparse.utils.types import Tensor

CHUNK = 1024
"""Rows at a time while thresholds are set."""


@keras.saving.register_keras_serializable(package="keras_sparse")
class RefinedCode(keras.layers.Layer):
    """Compute a code, and correct it once by what its reconstruction misses.

    ```text
    z₁ = x W + b                 h₁ = gate₁(z₁)
    r  = x − c − h₁ D            the residual of the first pass
    z₂ = h₁ + r W + b₂           h  = gate₂(z₂)
    ```

    Both passes share `W` and `D`, and each has a gate of its own, which keeps `k` units. Gradients
    flow through both passes. The layer owns the decoder's weights, `D` and `c`: a `TiedDecoder`
    refers to them. At the start the rows of `D` have unit norm, `W = Dᵀ`, and biases are zero.

    Units that no row of the last 10 batches used learn what the others leave over: with `e` the
    residual of the final code and `silent` the selection of a quarter of the units, those that have
    been silent longest, the layer adds the loss `auxiliary · mean (e − (relu(z₂) ⊙ silent) D)²`, in
    which `e` has no gradient. On several devices of TensorFlow (`MirroredStrategy`) it does not.
    In denoising, `e` is what is left of the noisy rows, which the layer sees.

    A step of training takes about 2.5 times the products of a layer without the correction, and a
    row outside training 3 times.

    With `reads_observed` the second half of the inputs tells for each feature of the first half
    whether it was observed, 1 or 0. `W` then has twice as many rows: `z₁` depends on both halves,
    and `r` is 0 at what was not observed. The rows of `W` that follow `Dᵀ` start at 0.

    Args:
        units: Units of the code.
        activation: A `BatchTopK`, `TopK` or `JumpReLU`. Each pass gets a copy.
        constraint: Constraint on `D`, of shape `(units, features)`. By default unit norm of its
            rows, without which a unit could be made larger and its code smaller.
        kernel_initializer: Where the rows of `D` point at the start.
        kernel_regularizer: Penalty on `W` and on `D`, as in Keras.
        auxiliary: Factor of the loss of silent units; 0 for none.
        reads_observed: Whether the inputs tell what was observed.
        **kwargs: Passed to `keras.layers.Layer`.

    Call arguments:
        x: Scaled rows, `(batch, ..., features)`, or `(batch, ..., 2 · features)`.
        weights: Weight of each sample or step; what has weight 0 takes no part in the gates.
        mask: Boolean tensor over the leading axes of `x`; passed by Keras.

    Input shape: `(batch, ..., features)`. Output shape: `(batch, ..., units)`.

    Raises:
        TypeError: If `activation` is not one by count.
        ValueError: If `units` is no positive integer, or `auxiliary` is negative.

    Source: one unrolled step of iterative hard thresholding (T. Blumensath, M. Davies, "Iterative
    thresholding for sparse approximations", 2008), with a trained encoder in place of `Dᵀ`.

    Example:
        >>> import keras, keras_sparse
        >>> code = keras_sparse.RefinedCode(16, keras_sparse.BatchTopK(4))
        >>> x = keras.Input((8,))
        >>> model = keras.Model(x, keras_sparse.TiedDecoder(code)(code(x)))
        >>> model.layers[-1].kernel is code.decoder_kernel
        True
    """

    def __init__(
        self,
        units: int,
        activation: CountActivation,
        *,
        constraint: Any = "unit_norm",
        kernel_initializer: Any = "glorot_uniform",
        kernel_regularizer: Any = None,
        auxiliary: float = 0.125,
        reads_observed: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.reads_observed = reads_observed
        if isinstance(units, bool) or not isinstance(units, (int, np.integer)) or units < 1:
            raise ValueError(
                "Invalid value for argument `units`. Expected a positive integer. Received: "
                f"units={units!r}"
            )
        if not isinstance(activation, CountActivation):
            raise TypeError(
                "Invalid type for argument `activation`. Expected a keras_sparse activation by "
                f"count such as BatchTopK(16). Received: activation={activation!r}"
            )
        self.units = int(units)
        if constraint == "unit_norm":
            constraint = keras.constraints.UnitNorm(axis=1)
        self.constraint = keras.constraints.get(constraint)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.first, self.second = (self._copy(activation, name) for name in ("first", "second"))
        self.silent_units = SilentUnits(auxiliary, name="silent_units")
        self.supports_masking = True
        self._being_serialized = False

    def _copy(self, activation: CountActivation, name: str) -> CountActivation:
        config = {**activation.get_config(), "name": name, "dtype": self.dtype_policy}
        copy: CountActivation = type(activation).from_config(config)
        return copy

    def build(self, input_shape: Any) -> None:
        """Create the weights of both halves, and build the gates."""
        inputs = int(input_shape[-1])
        features = inputs // 2 if self.reads_observed else inputs

        def draw_kernel(shape: Any, dtype: Any) -> Tensor:
            rows = ops.transpose(self._draw_rows((self.units, features), dtype))
            return ops.pad(rows, [[0, shape[0] - features], [0, 0]]) if inputs > features else rows

        # Drawn twice from one seed: a shared tensor would be shared memory on torch.
        self.kernel = self.add_weight(
            name="kernel",
            shape=(inputs, self.units),
            initializer=draw_kernel,
            regularizer=self.kernel_regularizer,
        )
        self.bias = self.add_weight(name="bias", shape=(self.units,), initializer="zeros")
        self.second_bias = self.add_weight(
            name="second_bias", shape=(self.units,), initializer="zeros"
        )
        self.decoder_kernel = self.add_weight(
            name="decoder_kernel",
            shape=(self.units, features),
            initializer=self._draw_rows,
            regularizer=self.kernel_regularizer,
            constraint=self.constraint,
        )
        self.decoder_bias = self.add_weight(
            name="decoder_bias", shape=(features,), initializer="zeros"
        )
        for part in (self.first, self.second, self.silent_units):
            part.build(self.compute_output_shape(input_shape))
        self.built = True

    def _draw_rows(self, shape: Any, dtype: Any) -> Tensor:
        rows = self.kernel_initializer(shape, dtype)
        return rows / ops.maximum(ops.norm(rows, axis=1, keepdims=True), 1e-12)

    def call(
        self,
        x: Tensor,
        weights: Tensor | None = None,
        mask: Tensor | None = None,
        training: bool | None = None,
    ) -> Tensor:
        """Compute the corrected codes of scaled rows."""
        options = {"weights": weights, "mask": mask, "training": training}
        first_codes = self.first(self.compute_first(x), **options)
        z = self.compute_second(x, first_codes)
        h = self.second(z, **options)
        if training:
            residual = self._find_residual(x, h)
            self.silent_units(h, z, self.decoder_kernel, residual, weights, mask)
        return h

    def compute_first(self, x: Tensor) -> Tensor:
        """Compute `z₁`, the pre-activations of the first pass."""
        return self._affine(x, self.kernel, self.bias)

    def compute_second(self, x: Tensor, first_codes: Tensor | None = None) -> Tensor:
        """Compute `z₂`, the pre-activations of the second pass.

        Args:
            x: Inputs of the layer.
            first_codes: `h₁`; by default those outside training.
        """
        if first_codes is None:
            first_codes = self.first(self.compute_first(x), training=False)
        residual = self._find_residual(x, first_codes)
        kernel = self.kernel[: residual.shape[-1]] if self.reads_observed else self.kernel
        return first_codes + self._affine(residual, kernel, self.second_bias)

    def _find_residual(self, x: Tensor, h: Tensor) -> Tensor:
        """What codes fail to reconstruct of the features that were observed."""
        x = ops.cast(x, self.compute_dtype)
        if not self.reads_observed:
            return x - self.decode(h)
        x, observed = ops.split(x, 2, axis=-1)
        return observed * (x - self.decode(h))

    def decode(self, h: Tensor) -> Tensor:
        """Reconstruct scaled rows, `c + h D`."""
        return self._affine(h, self.decoder_kernel, self.decoder_bias)

    def _affine(self, x: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
        x, kernel, bias = (ops.cast(value, self.compute_dtype) for value in (x, kernel, bias))
        return ops.matmul(x, kernel) + bias

    # Thresholds ----------------------------------------------------------------------------

    @property
    def k(self) -> int:
        """The mean number of active units that is asked for, in both passes."""
        return self.second.k

    @property
    def thresholds(self) -> np.ndarray | None:
        """Thresholds outside training, of the first pass and of the second.

        A float32 array of shape `(2,)`, or `(2, units)` where each unit has its own; `None` where
        the gates have none.
        """
        first, second = self.first.thresholds, self.second.thresholds
        return None if first is None or second is None else np.stack([first, second])

    @property
    def is_calibrated(self) -> bool:
        """Whether the thresholds of both passes are calibrated."""
        return self.first.is_calibrated and self.second.is_calibrated

    def calibrate(self, x: Any, weights: Any = None) -> None:
        """Set the first threshold, then the second one on what the first one lets through.

        The L0 is that of the second pass. Where the first has fewer positive pre-activations, all
        of them are active, as in training.

        Args:
            x: Inputs of the layer.
            weights: Weights of rows; those of weight 0 do not count.
        """
        self.first.calibrate(_in_chunks(self.compute_first, x), weights, or_fewer=True)
        self.second.calibrate(_in_chunks(self.compute_second, x), weights)

    # Keras ---------------------------------------------------------------------------------

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Replace the features by the units."""
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        if not self._being_serialized:
            # Keras marks an object as shared when it serializes it again, and a model of layers
            # then has copied what it serialized first: that would lose the tie to the decoder.
            self._being_serialized = True
            keras.saving.serialize_keras_object(self)
            self._being_serialized = False
        activation = keras.saving.serialize_keras_object(self.first)
        activation.pop("build_config", None)  # it is copied, not built
        return {
            **super().get_config(),
            "units": self.units,
            "activation": activation,
            "constraint": keras.constraints.serialize(self.constraint),
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
            "auxiliary": self.silent_units.auxiliary,
            "reads_observed": self.reads_observed,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "RefinedCode":
        """Make a layer from its config."""
        activation = keras.saving.deserialize_keras_object(config["activation"])
        return cls(**{**config, "activation": activation})


def _in_chunks(function: Any, x: Any) -> np.ndarray:
    parts = (x[start : start + CHUNK] for start in range(0, len(x), CHUNK))
    outputs = [ops.convert_to_numpy(function(ops.convert_to_tensor(part))) for part in parts]
    return np.concatenate(outputs)
