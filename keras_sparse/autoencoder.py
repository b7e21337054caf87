"""The sparse autoencoder: two ordinary Keras models and a penalty on the codes between them."""

import math
import zlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sparse import batches, data, devices, halves, pace, shards
from keras_sparse.layers import ActivityPenalty
from keras_sparse.logs import unpacked
from keras_sparse.penalties import Tensor
from keras_sparse.regularizers import KL, L1, ActivityRegularizer
from keras_sparse.scaling import Scaling, offset_and_scale
from keras_sparse.training import RowsModel, outputs


@keras.saving.register_keras_serializable(package="keras_sparse")
class SparseAutoencoder(RowsModel):
    """An autoencoder whose codes are penalized: `loss = MSE(x, x̂) + penalty(h)`.

    `encoder` (raw rows to codes) and `decoder` (codes to raw rows) are ordinary Keras models,
    `penalty` is the `ActivityPenalty` between them, or `None`. With a normalization the encoder
    scales its rows inside and the decoder scales back; the loss is then
    `mean(((x − x̂) / scale)²)`, the mean over features and over the batch.

    `fit(x)` needs no target. `fit(x, y)` is denoising: `y` is the clean version of `x`. Every
    epoch logs `loss = reconstruction_loss + sparsity_loss + weight_loss` and, of the codes, `l0`,
    `dead_fraction`, `mean_activation` and `explained_variance`, and their `val_` forms.
    A short last batch is filled up with rows that count for nothing in them or in any metric.

    Args:
        input_dim: Features of a row.
        code_dim: Units of the code.
        hidden_units: Widths of ReLU layers between input and code, mirrored in the decoder.
        sparsity: `L1`, `L2`, `KL` or another `ActivityRegularizer`; `None` for no penalty.
        activation: Activation of the code. `"auto"` is sigmoid for KL and ReLU otherwise.
        output_activation: Activation of the reconstruction, before it is scaled back.
        normalization: `"standard"` (mean 0, deviation 1), `"minmax"` ([0, 1]) or `None`, per
            column, learnt by `adapt`.
        kernel_regularizer: Penalty on the weights of every layer, as in Keras.
        decoder_constraint: Constraint on the kernel that takes the code. `"auto"` is unit-norm
            rows for L1, where a free decoder would let the codes shrink and cost less without
            becoming sparser, and none otherwise.
        rho_horizon: For KL in small batches: how many samples ρ̂ is averaged over, as in
            `ActivityPenalty`. `None` takes each batch's own.
        **kwargs: Passed to `keras.Model`.

    Raises:
        ValueError: If an argument is out of its range, or KL is asked of an activation that
            leaves [0, 1].
        TypeError: If `sparsity` is no `ActivityRegularizer`.

    Example:
        >>> import numpy as np, keras_sparse
        >>> x = np.random.default_rng(0).random((256, 20))
        >>> model = keras_sparse.SparseAutoencoder(20, 8, sparsity=keras_sparse.KL(rho=0.1))
        >>> model.compile()
        >>> history = model.fit(x, epochs=2, verbose=0)
        >>> model.encode(x).shape
        (256, 8)
    """

    def __init__(
        self,
        input_dim: int,
        code_dim: int,
        *,
        hidden_units: Sequence[int] = (),
        sparsity: ActivityRegularizer | None = None,
        activation: str | Callable[[Tensor], Tensor] = "auto",
        output_activation: str | Callable[[Tensor], Tensor] = "linear",
        normalization: str | None = None,
        kernel_regularizer: Any = None,
        decoder_constraint: Any = "auto",
        rho_horizon: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs, autocast=False)
        for name, size in (("input_dim", input_dim), ("code_dim", code_dim)):
            _require_size(name, size)
        for size in hidden_units:
            _require_size("hidden_units", size)
        devices.require_policy(self.dtype_policy)
        if normalization not in ("standard", "minmax", None):
            raise ValueError(
                "Invalid value for argument `normalization`. Expected one of 'standard', "
                f"'minmax', None. Received: normalization={normalization!r}"
            )
        sparse_kl = isinstance(sparsity, KL)
        if activation == "auto":
            activation = "sigmoid" if sparse_kl else "relu"
        if decoder_constraint == "auto":
            decoder_constraint = (
                keras.constraints.UnitNorm(axis=1) if isinstance(sparsity, L1) else None
            )
        self._arguments: dict[str, Any] | None = {
            "input_dim": int(input_dim),
            "code_dim": int(code_dim),
            "hidden_units": [int(units) for units in hidden_units],
            "activation": keras.activations.get(activation),
            "output_activation": keras.activations.get(output_activation),
            "normalization": normalization,
            "kernel_regularizer": keras.regularizers.get(kernel_regularizer),
            "decoder_constraint": keras.constraints.get(decoder_constraint),
        }
        encoder, decoder = halves.build(**self._arguments, dtype=self.dtype_policy)
        self._assemble(encoder, decoder, sparsity, rho_horizon)

    @classmethod
    def from_models(
        cls,
        encoder: keras.Model,
        decoder: keras.Model,
        *,
        sparsity: ActivityRegularizer | None = None,
        rho_horizon: float | None = None,
        **kwargs: Any,
    ) -> "SparseAutoencoder":
        """A sparse autoencoder of a user's own halves: convolutional, tied, of any rank.

        Args:
            encoder: Rows to codes, a built Keras model with one input and one output.
            decoder: Codes to rows of the encoder's input shape.
            sparsity: As in the constructor. No constraint is put on the decoder: for L1, give the
                kernel that takes the code `keras.constraints.UnitNorm(axis=1)`.
            rho_horizon: As in the constructor.
            **kwargs: Passed to `keras.Model`.

        Raises:
            ValueError: If the halves do not fit each other, or KL is asked of an encoder whose
                last activation leaves [0, 1].
            TypeError: If a half is no Keras model.
        """
        halves.require_pair(encoder, decoder)
        model = cls.__new__(cls)
        keras.Model.__init__(model, **kwargs, autocast=False)
        model._arguments = None
        model._assemble(encoder, decoder, sparsity, rho_horizon)
        return model

    def _assemble(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        sparsity: ActivityRegularizer | None,
        rho_horizon: float | None,
    ) -> None:
        if sparsity is not None and not isinstance(sparsity, ActivityRegularizer):
            raise TypeError(
                "Invalid type for argument `sparsity`. Expected a keras_sparse ActivityRegularizer "
                f"such as L1, L2 or KL, or None. Received: sparsity={sparsity!r}"
            )
        self.encoder = encoder
        self.decoder = decoder
        self._code_activation = halves.code_activation(encoder)
        if isinstance(sparsity, KL):
            halves.require_unit_range(self._code_activation)
        elif rho_horizon is not None:
            raise ValueError(
                "Invalid value for argument `rho_horizon`. Expected None without sparsity=KL(...). "
                f"Received: rho_horizon={rho_horizon}"
            )
        self.penalty = (
            None
            if sparsity is None
            else ActivityPenalty(
                sparsity, rho_horizon=rho_horizon, name="penalty", dtype=self.dtype_policy
            )
        )
        self._adapted = False
        features = encoder.input_shape[1:]
        self._track(encoder.output_shape[-1], None if None in features else math.prod(features))
        self.build(encoder.input_shape)

    def build(self, input_shape: Any) -> None:
        """Create the strength of the penalty; the halves are built already."""
        if self.penalty is not None and not self.penalty.built:
            self.penalty.build(self.encoder.output_shape)
        self.built = True

    def _compilable(self) -> bool:
        if self._arguments is None or self.compute_dtype != "float32":
            return False  # convolutions, say, are slower under XLA
        names = ("activation", "output_activation", "kernel_regularizer", "decoder_constraint")
        penalty = None if self.penalty is None else self.penalty.regularizer
        return pace.only_of_keras([*(self._arguments[name] for name in names), penalty])

    # Structure -----------------------------------------------------------------------------

    @property
    def normalization(self) -> str | None:
        """`"standard"`, `"minmax"` or `None`."""
        return self._arguments["normalization"] if self._arguments else None

    @property
    def row_shape(self) -> tuple[int | None, ...]:
        """Shape of one row."""
        shape: tuple[int | None, ...] = self.encoder.input_shape[1:]
        return shape

    @property
    def adapted(self) -> bool:
        """Whether offset and scale are known: by `adapt`, from a file, or not needed."""
        return self._adapted or not any(layer.is_identity for layer in self._scalings)

    @property
    def _scalings(self) -> list[Scaling]:
        layers = [*self.encoder.layers, *self.decoder.layers]
        return [layer for layer in layers if isinstance(layer, Scaling)]

    @property
    def threshold(self) -> float:
        """τ: a unit is active when its code exceeds it.

        0 for an activation that gives exact zeros (ReLU and its family), 0.1 otherwise.
        """
        return halves.threshold(self._code_activation)

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        """Reconstruct rows; `inputs` are rows, or a batch of `keras_sparse.batches`."""
        x, weights, _ = unpacked(inputs)
        h = self.encoder(x, training=training)
        if self.penalty is not None:
            share = 1.0 if weights is None else ops.mean(weights)
            h = self.penalty(h, weights=weights, share=share, training=training)
        self._codes = h
        return self.decoder(h, training=training)

    def encode(self, x: Any, batch_size: int = 1024) -> np.ndarray:
        """Codes of raw rows, `(rows, *code shape)`; one row in, one row out.

        Raises:
            keras_sparse.data.DataError: If `x` is of the wrong shape or not finite.
            ValueError: If a normalization was asked for and `adapt` was not called.
        """
        self._require_ready()
        return _outputs(self.encoder, x, "x", batch_size)

    def decode(self, h: Any, batch_size: int = 1024) -> np.ndarray:
        """Raw rows from codes, as `encode`."""
        self._require_ready()
        return _outputs(self.decoder, h, "h", batch_size)

    # Scaling -------------------------------------------------------------------------------

    def scale(self, x: Any) -> np.ndarray:
        """Raw rows in the space of the loss, `(x − offset) / scale`; as they are without one."""
        self._require_ready()
        rows = data.as_rows(x, self.row_shape)
        return ops.convert_to_numpy(self._scaled(rows))

    def _scaled(self, x: Tensor) -> Tensor:
        scaling = next((layer for layer in self._scalings if not layer.invert), None)
        x = ops.cast(x, "float32")
        return x if scaling is None else scaling(x)

    def _require_ready(self) -> None:
        if not self.adapted:
            raise ValueError(
                f"Expected a model that knows its columns' offset and scale (normalization="
                f"{self.normalization!r}). Received: one that does not. Remedy: call `adapt(x)` "
                "first"
            )

    def adapt(self, x: Any) -> None:
        """Learn offset and scale of the columns from an array or a finite stream of batches.

        One pass, in float64; rows on disk (`Shards`, a memory-mapped array) stay there.

        A constant column keeps its unit. A column whose mean is over 1e5 times its deviation
        draws a warning: float32 cannot tell its values apart.

        Raises:
            ValueError: If the model was made without a normalization.
            keras_sparse.data.DataError: If there are fewer than two rows, or some are not finite.
        """
        if self.normalization is None:
            raise ValueError(
                "Expected a model with a normalization. Received: normalization=None. Remedy: "
                "SparseAutoencoder(..., normalization='standard')"
            )
        # In the dtype of the caller: statistics are the first to feel a large mean.
        if batches.is_stream(x):
            parts: Iterable[np.ndarray] = (
                data.numeric(batches.parts_of(batch)[0], "x") for batch in x
            )
        else:
            rows = x if shards.on_disk(x) else data.numeric(x, "x")
            data.require_shape(rows, self.row_shape, at_least=2)
            parts = data.finite_chunks(rows)
        offset, scale = offset_and_scale(parts, self.normalization)
        devices.require_same(statistics=zlib.crc32(offset.tobytes() + scale.tobytes()))
        for layer in self._scalings:
            layer.assign(offset, scale)
        self._adapted = True

    # Saving --------------------------------------------------------------------------------

    def save(self, *args: Any, **kwargs: Any) -> None:
        """As in Keras; one process of many may save by itself."""
        with devices.alone():
            super().save(*args, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """Everything needed to build the model again."""
        serialize = keras.saving.serialize_keras_object
        config = super(keras.Model, self).get_config()
        config["sparsity"] = serialize(self.penalty.regularizer) if self.penalty else None
        config["rho_horizon"] = self.penalty.rho_horizon if self.penalty else None
        config["adapted"] = self._adapted
        if self._arguments is None:
            # Keras marks an object as shared from the second time it sees it: so it finds again
            # the layers that tie one half to the other.
            serialize(self.encoder)
            return {
                **config,
                "encoder": serialize(self.encoder),
                "decoder": serialize(self.decoder),
            }
        return {**config, **{name: serialize(value) for name, value in self._arguments.items()}}

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> "SparseAutoencoder":
        """A model from its config."""
        config = {
            name: keras.saving.deserialize_keras_object(value, custom_objects=custom_objects)
            if isinstance(value, dict)
            else value
            for name, value in config.items()
        }
        adapted = config.pop("adapted", False)
        if "encoder" in config:
            model = cls.from_models(config.pop("encoder"), config.pop("decoder"), **config)
        else:
            model = cls(**config)
        model._adapted = adapted
        return model


def _outputs(model: keras.Model, x: Any, name: str, batch_size: int) -> np.ndarray:
    shape = model.input_shape[1:]
    if shards.on_disk(x) and len(x.shape) > len(shape):
        data.require_shape(x, shape, name=name)
        return outputs(model, shards.source(x), batch_size)
    array = data.numeric(x, name)
    single = array.ndim == len(shape)
    rows = data.as_rows(array[np.newaxis] if single else array, shape, name=name)
    found = outputs(model, rows, batch_size)
    return found[0] if single else found


def _require_size(name: str, size: Any) -> None:
    if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 1:
        raise ValueError(
            f"Invalid value for argument `{name}`. Expected a positive integer. "
            f"Received: {name}={size!r}"
        )
