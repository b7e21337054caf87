"""A model of an encoder, a penalty on its codes, and a decoder."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sparse.data import arrays
from keras_sparse.data.named_rows import order_by_name
from keras_sparse.distribution import devices
from keras_sparse.metrics import functional, masks
from keras_sparse.models import encoder_decoder
from keras_sparse.models.scaling_model import ScalingModel
from keras_sparse.sparsity import code_values, step_weights
from keras_sparse.sparsity.activity_penalty import ActivityPenalty
from keras_sparse.sparsity.by_count.jump_relu import JumpReLU
from keras_sparse.sparsity.by_count.matryoshka import decode_prefixes
from keras_sparse.sparsity.by_count.silent_units import SilentUnits
from keras_sparse.sparsity.regularizers import ActivityRegularizer
from keras_sparse.sparsity.row_weights import RowWeighting
from keras_sparse.training import scoring
from keras_sparse.training.inference import outputs_for, prepare_rows
from keras_sparse.training.loss_tracking import unpack
from keras_sparse.training.model.one_call import as_one
from keras_sparse.utils.types import Tensor


class CodeModel(ScalingModel):
    """A `ScalingModel` that encodes rows, penalizes their codes, and decodes them.

    A subclass sets `_arguments` and calls `_assemble`.
    """

    _prefix_widths: tuple[int, ...] = ()
    """Units of the prefixes of a code whose losses are averaged with that of the whole code."""
    _compute_code: Callable[[Tensor], tuple[Tensor, Tensor]]
    """From rows to pre-activations and codes, for `silent_units`."""

    def _assemble(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        penalty: ActivityRegularizer | None,
        rho_horizon: float | None,
        target_l0: float | None,
        silent_units: SilentUnits | None = None,
    ) -> None:
        self.silent_units = silent_units
        """What teaches units that have fallen silent, where no layer of the encoder does."""
        self.encoder = encoder
        self.decoder = decoder
        self._weigh_rows = RowWeighting(encoder, decoder)
        if penalty is not None and penalty.unit_range:
            encoder_decoder.require_unit_range(encoder, type(penalty).__name__)
        self.target_l0 = target_l0
        """Active units of a code, in the mean, that were asked for; `None` if none were."""
        by_count = self.count_activation is not None
        if by_count:
            _require_own_losses(self.count_activation, penalty)
        self._threshold = 0.0 if by_count else code_values.choose_threshold(encoder)
        if penalty is None and rho_horizon is not None:
            raise ValueError(
                "Invalid value for argument `rho_horizon`. Expected None without a penalty. "
                f"Received: rho_horizon={rho_horizon}"
            )
        self.penalty = (
            None
            if penalty is None
            else ActivityPenalty(
                penalty,
                rho_horizon=rho_horizon,
                target_l0=None if by_count else target_l0,
                threshold=self._threshold,
                name="penalty",
                dtype=self.dtype_policy,
            )
        )
        parts = [encoder, self.penalty, decoder, self.silent_units]
        self._call_parts = as_one(self._reconstruct, [part for part in parts if part is not None])
        self._adapted = False
        self._may_mask = masks.can_occur(encoder, decoder)
        self._create_trackers(encoder.output_shape[-1])
        self.build(encoder.input_shape)

    def build(self, input_shape: Any) -> None:
        """Create the strength of the penalty; encoder and decoder are built already."""
        if self.penalty is not None and not self.penalty.built:
            self.penalty.build(self.encoder.output_shape)
        self.built = True

    @property
    def row_shape(self) -> tuple[int | None, ...]:
        """Shape of one row."""
        shape: tuple[int | None, ...] = self.encoder.input_shape[1:]
        return shape

    @property
    def count_activation(self) -> Any:
        """The layer that makes codes sparse by count, such as `BatchTopK`; `None` without one."""
        return encoder_decoder.find_count(self.encoder)

    @property
    def threshold(self) -> float:
        """τ: a unit is active when `|code| > τ`.

        0 if codes can be exactly zero, as those of ReLU and of what pools, pads or joins them; 0.1
        otherwise. The architecture of the encoder decides, not its weights.
        """
        return self._threshold

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        """Reconstruct rows, or a batch with weights (`keras_sparse.training.batching.batches`)."""
        return self._call_parts(inputs, training=training)

    def _reconstruct(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        x, weights, _ = unpack(inputs)
        if self.front_end is not None:
            _require_weights_of_rows(weights)
        entries = self._weigh_entries(x, weights)
        if weights is not None and step_weights.are_of_entries(weights.shape, x.shape):
            weights = step_weights.of_rows(weights)
        with self._weigh_rows(weights, entries):
            silent_units = self.silent_units if training else None
            if silent_units is None:
                h = self.encoder(x, training=training)
            else:
                z, h = self._compute_code(x)
            code_weights = self._weigh_codes(x, h, weights)
            if self.penalty is not None:
                share = 1.0 if weights is None else ops.mean(weights)
                h = self.penalty(h, weights=code_weights, share=share, training=training)
            self._codes = h, code_weights
            x_hat = self.decoder(h, training=training)
            if silent_units is not None:
                residual = self._scale(self._compute_features(x)) - self._scale(x_hat)
                silent_units(h, z, self.decoder.layers[1].kernel, residual, code_weights)
            return x_hat

    def _weigh_codes(self, x: Tensor, h: Tensor, weights: Tensor | None) -> Tensor | None:
        """Weights of codes or their steps, from the weights of rows and from masks."""
        if not self._may_mask:
            return step_weights.of_codes(weights, h)
        of_rows = step_weights.combine(weights, masks.of_rows(self.encoder, x))
        return step_weights.combine(step_weights.of_codes(of_rows, h), masks.of(h))

    def _decode_prefixes(self, codes: Tensor) -> Tensor | None:
        if not self._prefix_widths:
            return None
        return decode_prefixes(self.decoder, codes, self._prefix_widths)

    def _mask_rows(self, x: Tensor, x_hat: Tensor) -> Tensor | None:
        if not self._may_mask:
            return None
        return masks.either(masks.of_rows(self.encoder, x), masks.of(x_hat))

    def encode(self, x: Any, batch_size: int = 1024) -> np.ndarray:
        """Codes of raw rows, `(rows, *code shape)`; one row in, one row out.

        Columns with names, of a table or a mapping, may come in any order.

        Raises:
            keras_sparse.data.DataError: If `x` is of the wrong shape or not finite, or has other
                columns than the model, or gaps with `missing="error"` or `"skip"`, or a row has no
                entry.
            ValueError: If the model has a normalization and `adapt` was not called.
        """
        self._require_ready()
        x = order_by_name(x, self.columns)
        return outputs_for(self.encoder, x, "x", batch_size, self.missing, self.columns)

    def decode(self, h: Any, batch_size: int = 1024) -> np.ndarray:
        """Raw rows, or features of a front end, that the decoder reconstructs from codes."""
        self._require_ready()
        return outputs_for(self.decoder, h, "h", batch_size)

    def errors(self, x: Any, batch_size: int = 1024) -> np.ndarray:
        """Squared errors of the reconstructions in the space of the loss: `((x − x̂) / scale)²`.

        The scale is one for each column, 1 without a normalization: a column counts alike whatever
        its unit. The mean over the columns is the `score` of a row. Gaps and masked steps have no
        error; they are NaN.

        Args:
            x: Raw rows, or one row, as in `encode`.
            batch_size: Rows at a time.

        Returns:
            An array of the shape of the rows, or of their features with a front end, float64.

        Raises:
            keras_sparse.data.DataError: As in `encode`.
            ValueError: As in `encode`.

        Example:
            >>> import numpy as np, keras_sparse
            >>> x = np.random.default_rng(0).normal(size=(256, 3)) * [0.001, 1.0, 1000.0]
            >>> model = keras_sparse.SparseAutoencoder(3, 8, target_l0=2)
            >>> model.compile()
            >>> history = model.fit(x, epochs=2, verbose=0)
            >>> model.errors(x).shape, model.errors(x[0]).shape
            ((256, 3), (3,))
        """
        return self._map_errors(x, batch_size, lambda errors: errors)

    def score(self, x: Any, batch_size: int = 1024) -> np.ndarray:
        """Score of each row, high where it is unlike the rows of the training.

        `mean(((x − x̂) / scale)²)` over the features of a row, the row's part of the loss. Gaps and
        masked steps do not count: the mean is over the entries that there are. Only the scores are
        kept; rows are reconstructed in batches, and rows on disk stay there.

        Args:
            x: Raw rows, or one row, as in `encode`.
            batch_size: Rows at a time.

        Returns:
            `(rows,)`, float64; one number for one row.

        Raises:
            keras_sparse.data.DataError: As in `encode`.
            ValueError: As in `encode`.

        Example:
            >>> import numpy as np, keras_sparse
            >>> x = np.random.default_rng(0).normal(size=(256, 3)) * [0.001, 1.0, 1000.0]
            >>> model = keras_sparse.SparseAutoencoder(3, 8, target_l0=2)
            >>> model.compile()
            >>> history = model.fit(x, epochs=2, verbose=0)
            >>> scores = model.score(x)
            >>> scores.shape, bool(model.score(100 * x[0]) > scores.max())
            ((256,), True)
            >>> np.allclose(model.score_contributions(x).sum(axis=1), scores)
            True
        """
        return self._map_errors(x, batch_size, functional.scores)

    def score_contributions(self, x: Any, batch_size: int = 1024) -> np.ndarray:
        """Contribution of each input to the score of its row; they add up to the score.

        They are the terms of the mean: `((x − x̂) / scale)²`, divided by the number of entries of
        the row. Gaps and masked steps contribute 0. Arguments and errors are those of `score`.

        Returns:
            An array of the shape of the rows, or of their features with a front end, float64.
        """
        return self._map_errors(x, batch_size, functional.score_contributions)

    def unit_contributions(self, x: Any, batch_size: int = 1024) -> np.ndarray:
        """Contribution of each unit to the reconstruction: the score without it, minus the score.

        `score(code with unit j at 0) − score(code)`: how much the unit takes off the score of the
        row, for any decoder. It is negative where the row would be reconstructed better without the
        unit. Contributions do not add up to the score: units share in the reconstruction. Rows are
        decoded once for each unit with a code other than 0. Arguments and errors are as in `score`.

        Returns:
            `(rows, units)`, float64; a unit of a code with positions is left out of all of them.
        """
        rows, single = self._prepare_rows(x)
        parts = scoring.iterate_unit_contributions(
            self,
            self.encoder,
            self.decoder,
            rows,
            self._error_scale,
            batch_size,
            self.front_end,
        )
        result = np.concatenate(list(parts))
        return result[0] if single else result

    def _map_errors(
        self, x: Any, batch_size: int, function: Callable[[np.ndarray], np.ndarray]
    ) -> np.ndarray:
        """Apply a function to the errors of each batch of rows."""
        rows, single = self._prepare_rows(x)
        batches = scoring.iterate_errors(
            self, self.encoder, rows, self._error_scale, batch_size, self.front_end
        )
        result = np.concatenate([function(errors) for errors in batches])
        return result[0] if single else result

    def _prepare_rows(self, x: Any) -> tuple[Any, bool]:
        self._require_ready()
        x = order_by_name(x, self.columns)
        return prepare_rows(x, self.row_shape, "x", self.missing, self.columns)

    @property
    def _error_scale(self) -> Any:
        return 1.0 if self._scaling is None else ops.convert_to_numpy(self._scaling.scale)


def _require_weights_of_rows(weights: Tensor | None) -> None:
    """Raise unless weights, if there are any, are of rows: features are no entries of a window.

    Raises:
        DataError: If they are of steps or of entries.
    """
    if weights is not None and len(weights.shape) > 1:
        raise arrays.DataError(
            "Invalid shape of argument `sample_weight`. Expected one per row, (rows,), with a "
            f"front end. Received: (rows, {', '.join(map(str, weights.shape[1:]))})"
        )


def _require_own_losses(count: Any, penalty: ActivityRegularizer | None) -> None:
    """Raise where replicas of TensorFlow would take each other's losses for their own.

    They meet within an activation by count, and Keras keeps what layers add to the loss in one
    place for all of them.

    Raises:
        ValueError: Under `MirroredStrategy`, with a penalty or a `JumpReLU`.
    """
    gate = getattr(count, "second", count)
    if devices.mirrored_replicas() > 1 and (penalty is not None or isinstance(gate, JumpReLU)):
        received = type(gate).__name__ + ("" if penalty is None else f" beside {penalty!r}")
        raise ValueError(
            "Expected an activation by count that adds nothing to the loss, and no penalty beside "
            f"it, on several devices of TensorFlow. Received: {received}. Remedy: BatchTopK or "
            "TopK alone, one device, or the JAX backend"
        )
