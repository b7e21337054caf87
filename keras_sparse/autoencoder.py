"""The sparse autoencoder: two ordinary Keras models and a penalty on the codes between them."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sparse import data, halves
from keras_sparse.layers import ActivityPenalty
from keras_sparse.losses import ReconstructionError
from keras_sparse.penalties import Tensor
from keras_sparse.regularizers import KL, L1, ActivityRegularizer
from keras_sparse.scaling import Scaling, offset_and_scale


@keras.saving.register_keras_serializable(package="keras_sparse")
class SparseAutoencoder(keras.Model):
    """An autoencoder whose codes are penalized: `loss = MSE(x, x̂) + penalty(h)`.

    `encoder` (raw rows to codes) and `decoder` (codes to raw rows) are ordinary Keras models,
    `penalty` is the `ActivityPenalty` between them, or `None`. With a normalization the encoder
    scales its rows inside and the decoder scales back; the loss is then
    `mean(((x − x̂) / scale)²)`, the mean over features and over the batch.

    `fit(x)` needs no target. `fit(x, y)` is denoising: `y` is the clean version of `x`. Every
    epoch logs `loss = reconstruction_loss + sparsity_loss + weight_loss`, and their `val_` forms.

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
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        for name, size in (("input_dim", input_dim), ("code_dim", code_dim)):
            _require_size(name, size)
        for size in hidden_units:
            _require_size("hidden_units", size)
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
        self._assemble(encoder, decoder, sparsity)

    @classmethod
    def from_models(
        cls,
        encoder: keras.Model,
        decoder: keras.Model,
        *,
        sparsity: ActivityRegularizer | None = None,
        **kwargs: Any,
    ) -> "SparseAutoencoder":
        """A sparse autoencoder of a user's own halves: convolutional, tied, of any rank.

        Args:
            encoder: Rows to codes, a built Keras model with one input and one output.
            decoder: Codes to rows of the encoder's input shape.
            sparsity: As in the constructor. No constraint is put on the decoder: for L1, give the
                kernel that takes the code `keras.constraints.UnitNorm(axis=1)`.
            **kwargs: Passed to `keras.Model`.

        Raises:
            ValueError: If the halves do not fit each other, or KL is asked of an encoder whose
                last activation leaves [0, 1].
            TypeError: If a half is no Keras model.
        """
        halves.require_pair(encoder, decoder)
        model = cls.__new__(cls)
        keras.Model.__init__(model, **kwargs)
        model._arguments = None
        model._assemble(encoder, decoder, sparsity)
        return model

    def _assemble(
        self, encoder: keras.Model, decoder: keras.Model, sparsity: ActivityRegularizer | None
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
        self.penalty = (
            None
            if sparsity is None
            else ActivityPenalty(sparsity, name="penalty", dtype=self.dtype_policy)
        )
        self._adapted = False
        self._reconstruction_loss = keras.metrics.Mean(name="reconstruction_loss")
        self._sparsity_loss = keras.metrics.Mean(name="sparsity_loss")
        self._weight_loss = keras.metrics.Mean(name="weight_loss")
        self.build(encoder.input_shape)

    def build(self, input_shape: Any) -> None:
        """Create the strength of the penalty; the halves are built already."""
        if self.penalty is not None and not self.penalty.built:
            self.penalty.build(self.encoder.output_shape)
        self.built = True

    # Structure -----------------------------------------------------------------------------

    @property
    def normalization(self) -> str | None:
        """`"standard"`, `"minmax"` or `None`."""
        return self._arguments["normalization"] if self._arguments else None

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
        """Reconstruct rows; `inputs` are rows, or `(rows, sample weights)`."""
        x, weights = _rows_and_weights(inputs)
        h = self.encoder(x, training=training)
        if self.penalty is not None:
            h = self.penalty(h, weights=weights)
        return self.decoder(h, training=training)

    def encode(self, x: Any, batch_size: int = 1024) -> np.ndarray:
        """Codes of raw rows, `(rows, *code shape)`; one row in, one row out.

        Raises:
            keras_sparse.data.DataError: If `x` is of the wrong shape or not finite.
            ValueError: If a normalization was asked for and `adapt` was not called.
        """
        self._require_adapted()
        return _outputs(self.encoder, x, "x", batch_size)

    def decode(self, h: Any, batch_size: int = 1024) -> np.ndarray:
        """Raw rows from codes, as `encode`."""
        self._require_adapted()
        return _outputs(self.decoder, h, "h", batch_size)

    # Scaling -------------------------------------------------------------------------------

    def scale(self, x: Any) -> np.ndarray:
        """Raw rows in the space of the loss, `(x − offset) / scale`; as they are without one."""
        self._require_adapted()
        rows = data.as_rows(x, self.encoder.input_shape[1:])
        return ops.convert_to_numpy(self._scaled(rows))

    def adapt(self, x: Any) -> None:
        """Learn offset and scale of the columns from an array or a finite stream of batches.

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
        if data.is_stream(x):
            batches = (data.numeric(data.keras_batch(batch)[0], "x") for batch in x)
        else:
            rows = data.numeric(x, "x")
            data.require_rows(rows, self.encoder.input_shape[1:], at_least=2)
            batches = (part for _, part in data.chunks(rows))
        offset, scale = offset_and_scale(batches, self.normalization)
        for layer in self._scalings:
            layer.assign(offset, scale)
        self._adapted = True

    # Training ------------------------------------------------------------------------------

    def compile(self, optimizer: Any = "adam", loss: Any = None, **kwargs: Any) -> None:
        """As in Keras, with defaults: Adam, and MSE as the mean over features.

        A loss compares scaled rows; metrics compare raw ones.
        """
        if loss is None:
            loss = ReconstructionError()
        super().compile(optimizer=optimizer, loss=loss, **kwargs)

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile again, as Keras does after loading a saved model."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        *,
        sample_weight: Any = None,
        validation_data: Any = None,
        shuffle: bool | None = None,
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """Train, as in Keras, but `x` is its own target.

        Args:
            x: Rows: an array, `tf.data.Dataset`, `keras.utils.PyDataset` or generator, of bare
                `x`, of `(x, y)` or of `(x, y, sample_weight)`.
            y: Clean rows, for denoising.
            batch_size: Rows per step, of arrays.
            epochs: Passes over the data.
            sample_weight: How much each row counts, in the reconstruction and in the penalty.
            validation_data: Rows, `(x, y)` or `(x, y, sample_weight)`, or a stream as above.
            shuffle: Whether to shuffle each epoch; arrays and a finite `PyDataset` are by default.
            **kwargs: Passed to `keras.Model.fit`.

        Raises:
            keras_sparse.data.DataError: If an array is of the wrong shape, has fewer than two
                rows or values that are not finite.
            TypeError: If `x` is a tuple or a dictionary, or there is a `class_weight`.
            ValueError: If targets do not have the shape of the rows (labels, say), or a
                normalization was asked for and `adapt` was not called.
        """
        self._require_adapted()
        if isinstance(x, (tuple, dict)) or kwargs.get("class_weight") is not None:
            raise TypeError(
                "Expected rows as one array or stream, and no `class_weight`: an autoencoder has "
                f"one input and no classes. Received: x of type {type(x).__name__}, "
                f"class_weight={kwargs.get('class_weight')}"
            )
        if shuffle is None:
            shuffle = not data.is_stream(x) or getattr(x, "num_batches", None) is not None
        x, y, sample_weight = self._prepared(x, y, sample_weight, at_least=2)
        if validation_data is not None:
            given = validation_data if isinstance(validation_data, tuple) else (validation_data,)
            validation_data = self._prepared(*given, *(None,) * (3 - len(given)))
        return super().fit(
            x,
            y,
            batch_size=batch_size,
            epochs=epochs,
            sample_weight=sample_weight,
            validation_data=validation_data,
            shuffle=shuffle,
            **kwargs,
        )

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        *,
        sample_weight: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Losses and metrics on rows; arguments as in `fit` and in `keras.Model.evaluate`."""
        self._require_adapted()
        x, y, sample_weight = self._prepared(x, y, sample_weight)
        return super().evaluate(x, y, batch_size=batch_size, sample_weight=sample_weight, **kwargs)

    def _prepared(
        self, x: Any, y: Any, sample_weight: Any, at_least: int = 1
    ) -> tuple[Any, Any, Any]:
        """Rows, targets and weights as Keras takes them; what is prepared already stays."""
        if isinstance(x, tuple):
            return x, y, sample_weight
        if data.is_stream(x):
            return data.keras_stream(x), y, sample_weight
        shape = self.encoder.input_shape[1:]
        x = data.as_rows(x, shape, at_least=at_least)
        if y is not None:
            y = data.numeric(y, "y")
            _require_targets(x.shape, y.shape)
            y = data.as_rows(y, shape, name="y")
        if sample_weight is None:
            return x, y, None
        sample_weight = data.as_rows(sample_weight, (), name="sample_weight")
        return (x, sample_weight), x if y is None else y, sample_weight

    def compute_loss(
        self,
        x: Any = None,
        y: Tensor | None = None,
        y_pred: Tensor | None = None,
        sample_weight: Tensor | None = None,
        training: bool = True,
    ) -> Tensor:
        """The loss in the scaled space, its parts kept for the logs."""
        rows, _ = _rows_and_weights(x)
        y = rows if y is None else y
        _require_targets(rows.shape, y.shape)
        total = super().compute_loss(
            x, self._scaled(y), self._scaled(y_pred), sample_weight, training
        )
        penalties = ops.sum(ops.stack(self.losses)) if self.losses else ops.zeros(())
        weight_loss = self._weight_penalty()
        batch = ops.shape(rows)[0]
        self._reconstruction_loss.update_state(total - penalties, sample_weight=batch)
        self._sparsity_loss.update_state(penalties - weight_loss, sample_weight=batch)
        self._weight_loss.update_state(weight_loss, sample_weight=batch)
        return total

    def compute_metrics(
        self, x: Any, y: Tensor | None, y_pred: Tensor, sample_weight: Tensor | None = None
    ) -> dict[str, Any]:
        """Metrics on raw rows, which are their own targets."""
        rows, _ = _rows_and_weights(x)
        return super().compute_metrics(x, rows if y is None else y, y_pred, sample_weight)

    def _scaled(self, x: Tensor) -> Tensor:
        scaling = next((layer for layer in self._scalings if not layer.invert), None)
        x = ops.cast(x, "float32")
        return x if scaling is None else scaling(x)

    def _weight_penalty(self) -> Tensor:
        penalties = [
            variable.regularizer(variable)
            for variable in self.trainable_variables
            if variable.regularizer is not None
        ]
        return ops.sum(ops.stack(penalties)) if penalties else ops.zeros(())

    def _require_adapted(self) -> None:
        if not self.adapted:
            raise ValueError(
                f"Expected a model that knows its columns' offset and scale (normalization="
                f"{self.normalization!r}). Received: one that does not. Remedy: call `adapt(x)` "
                "first"
            )

    # Saving --------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Everything needed to build the model again."""
        serialize = keras.saving.serialize_keras_object
        config = super(keras.Model, self).get_config()
        config["sparsity"] = serialize(self.penalty.regularizer) if self.penalty else None
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
    array = data.numeric(x, name)
    single = array.ndim == len(shape)
    rows = data.as_rows(array[np.newaxis] if single else array, shape, name=name)
    # Called, not `predict`: that compiles anew for every model and warns of it in a sweep.
    outputs = [
        ops.convert_to_numpy(model(rows[start : start + batch_size], training=False))
        for start in range(0, len(rows), batch_size)
    ]
    return outputs[0][0] if single else np.concatenate(outputs)


def _rows_and_weights(inputs: Any) -> tuple[Tensor, Tensor | None]:
    if isinstance(inputs, (tuple, list)):
        rows, weights = inputs
        return rows, weights
    return inputs, None


def _require_size(name: str, size: Any) -> None:
    if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 1:
        raise ValueError(
            f"Invalid value for argument `{name}`. Expected a positive integer. "
            f"Received: {name}={size!r}"
        )


def _require_targets(rows: Sequence[int | None], targets: Sequence[int | None]) -> None:
    if not halves.compatible(tuple(targets)[1:], tuple(rows)[1:]):
        raise ValueError(
            f"Invalid shape of argument `y`. Expected the shape of `x`, {tuple(rows)}: `y` holds "
            f"the clean rows of denoising. Received: {tuple(targets)}. An autoencoder takes no "
            "labels; call `fit(x)`"
        )
