"""Resample dead units while a model trains."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sparse.callbacks import code_units
from keras_sparse.callbacks.code_units import Writer, draw_inputs
from keras_sparse.callbacks.optimizer_slots import reset_slots
from keras_sparse.callbacks.unit_biases import choose_biases
from keras_sparse.data import arrays
from keras_sparse.data.missing import fill_with_row_means, find_incomplete
from keras_sparse.data.named_rows import order_by_name
from keras_sparse.data.sparse_rows import SparseRows, keep_sparse, take
from keras_sparse.data.splits import bound_dense, sample
from keras_sparse.metrics import functional
from keras_sparse.training.inference import encode_and_reconstruct, outputs, select_live

BATCH_SIZE = 1024


class ReviveDeadUnits(keras.callbacks.Callback):
    """Resample dead units: point them at rows that are reconstructed badly.

    After every `every` epochs up to epoch `until`, at most `rows` of the rows `x` are drawn. A unit
    that is active for none of them takes the direction `d = (x_i − mean x) / ‖x_i − mean x‖` of a
    row, drawn with a probability proportional to the square of its loss. Its decoder row becomes
    `d`, and its encoder weights become `d` at a fifth of the mean norm of the units that are alive.
    Where each step of a row has a code, steps take the place of rows; masked ones are left out.
    The optimizer's slots of these weights become those of a new optimizer: moments are zero. Behind
    hidden layers `d` is a direction of the code layer's input, and the decoder row is initialized
    anew.

    The code may be computed by a `Dense` layer or a convolution with a bias, also behind pooling,
    cropping, concatenation and the like, as long as each of its units is a unit of such a layer.
    For a convolution, a row is the patch of the image at a position drawn at random. A unit of a
    layer from which several units of the code come, as with `Flatten`, is resampled if all are
    dead.

    The bias departs from the source, which sets it to zero: here a resampled unit is active for a
    fraction `density` of the rows. A unit that starts active for half of the rows costs more than
    it contributes, dies again at once, and takes others with it (`benchmarks/README.md`).

    Args:
        x: Training rows; of `Shards` about 65,536 rows or 64 MB are held in memory.
        every: Number of epochs between two resamplings.
        until: Last epoch after which units are resampled, so that they settle in the remaining
            epochs. By default two thirds of the epochs.
        density: Fraction of the rows for which a resampled unit is active, in (0, 1).
        rows: Maximum number of rows to encode.
        seed: Seed of the draws.

    Raises:
        ValueError: When training starts, if the model has no `encoder`, `decoder`, `threshold` and
            `scale` as `SparseAutoencoder` has, its codes are never exactly zero (KL brings dead
            units back by itself), or a unit of the code is not that of a `Dense` layer or a
            convolution with a bias, or is not taken by one, or a layer behind it has weights that
            shift values, as `BatchNormalization` has.
        RuntimeError: When units are resampled, if no new optimizer can be made from the config of
            the optimizer, or its slots are of another shape.

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
        _require_exact_zeros(model)
        missing = getattr(model, "missing", "error")
        rows = keep_sparse(order_by_name(self.x, getattr(model, "columns", None)))
        rows = rows if isinstance(rows, SparseRows) else sample(rows)
        rows = arrays.as_batchable(rows, model.encoder.input_shape[1:], missing=missing)
        self._rows = take(rows, ~find_incomplete(rows)) if missing == "skip" else rows
        row = np.ones_like(self._rows[:1])
        self._writers = code_units.find_writers(model.encoder, row)
        self._reader = code_units.find_reader(model.decoder, outputs(model.encoder, row, 1))

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Resample dead units in the epochs where it is due."""
        until = self.until or max(1, 2 * self.params["epochs"] // 3)
        due = (epoch + 1) % self.every == 0 and epoch + 1 <= until
        resampled = self._resample() if due else 0
        if logs is not None:
            logs["revived_units"] = resampled

    def _resample(self) -> int:
        model = self.model
        chosen = self._random.permutation(len(self._rows))[: self.rows]
        x = self._rows[bound_dense(self._rows, chosen)]
        codes, reconstructions, live_codes, live_rows, _ = encode_and_reconstruct(
            model, model.encoder, x, BATCH_SIZE
        )
        dead = np.flatnonzero(functional.activation_density(select_live(codes, live_codes)) == 0)
        if not len(dead):
            return 0
        features = x if getattr(model, "front_end", None) is None else model.features(x)
        error = np.square(model.scale(features) - model.scale(reconstructions), dtype=np.float64)
        error = fill_with_row_means(error)  # a gap costs nothing
        if live_rows is not None:
            error[~live_rows] = 0
        resampled = 0
        for writer in self._writers:
            units = writer.find_whole(dead)
            if len(units):
                features, loss = self._gather(writer, x, error, codes.shape[:-1], live_codes)
                weights = loss**2 if loss.any() else np.ones(len(loss))
                repeats = bool(len(units) > np.count_nonzero(weights))
                chances = weights / weights.sum()
                drawn = self._random.choice(len(loss), len(units), replace=repeats, p=chances)
                self._point_at_rows(writer, units, features, drawn)
                resampled += len(units)
        return resampled

    def _gather(
        self,
        writer: Writer,
        x: np.ndarray,
        error: np.ndarray,
        shape: tuple[int, ...],
        live: np.ndarray | None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return inputs of a unit, `(samples, inputs)`, and the loss of each sample.

        Samples are the live steps where each step of a row has a code, and otherwise rows, each at
        a random position.
        """
        by_step, parts = False, []
        for start in range(0, len(x), BATCH_SIZE):  # images take more memory than their patches
            part = outputs(writer.inputs, x[start : start + BATCH_SIZE], BATCH_SIZE)
            by_step = writer.is_dense and part.shape[1:-1] == shape[1:]
            parts.append(part if by_step else draw_inputs(writer.layer, part, self._random))
        features = np.concatenate(parts).astype(np.float64)
        if not by_step:
            return features, error.reshape(len(error), -1).sum(axis=1)
        loss = select_live(_sum_to_codes(error, shape), live).ravel()
        return select_live(features, live).reshape(len(loss), -1), loss

    def _point_at_rows(
        self, writer: Writer, units: np.ndarray, features: np.ndarray, drawn: np.ndarray
    ) -> None:
        """Give units of a layer new weights, towards the drawn rows of the layer's input."""
        away = features[drawn] - features.mean(axis=0)
        width = away.shape[1] // 2 if writer.reads_observed else away.shape[1]
        away[:, width:] = 0
        directions = away / np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-12)
        layer, reader = writer.layer, self._reader
        kernel, decoder_kernel = (
            np.array(ops.convert_to_numpy(weight)) for weight in (layer.kernel, reader.layer.kernel)
        )
        columns = kernel.reshape(-1, kernel.shape[-1])
        living_norms = np.delete(np.linalg.norm(columns, axis=0), units)
        fresh = 0.2 * (living_norms.mean() if len(living_norms) else 1.0) * directions
        columns[:, units] = fresh.T
        biases = choose_biases(writer, features, fresh.T, units, self.density)
        taken = np.flatnonzero(np.isin(writer.units[reader.units], units))
        decoder_rows = np.moveaxis(decoder_kernel, reader.axis, 0)
        directions = directions[:, :width]
        direct = writer.is_dense and decoder_rows.shape[1:] == directions.shape[1:]
        if direct and len(taken) == len(units):
            of_taken = writer.units[reader.units[taken]]
            decoder_rows[taken] = directions[np.searchsorted(units, of_taken)]
        else:
            initial = ops.convert_to_numpy(reader.layer.kernel_initializer(decoder_kernel.shape))
            decoder_rows[taken] = np.moveaxis(initial, reader.axis, 0)[taken]
        variables = self.model.trainable_variables
        for weight, value, changed, axis in (
            (layer.kernel, kernel, units, kernel.ndim - 1),
            *((bias, value, units, 0) for bias, value in biases),
            (reader.layer.kernel, decoder_kernel, taken, reader.axis),
        ):
            weight.assign(value)
            reset_slots(self.model.optimizer, variables, weight, changed, axis)


def _sum_to_codes(error: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Add up errors for each code: of its step where rows have the steps of the codes."""
    if error.ndim <= len(shape) or error.shape[: len(shape)] != shape:
        error = error.reshape(len(error), *(1,) * (len(shape) - 1), -1)
    total = error.sum(axis=tuple(range(len(shape), error.ndim)))
    return np.broadcast_to(total, shape)


def _require_exact_zeros(model: Any) -> None:
    needed = ("encoder", "decoder", "threshold", "scale")
    missing = [name for name in needed if not hasattr(model, name)]
    if missing:
        raise ValueError(
            "Expected a model with `encoder`, `decoder`, `threshold` and `scale`, as "
            f"SparseAutoencoder has them. Received: {type(model).__name__} without "
            f"{', '.join(missing)}"
        )
    if model.threshold > 0:
        raise ValueError(
            "Expected an activation that gives exact zeros, such as ReLU with L1. Received: "
            "another activation. Remedy: omit the callback; KL brings dead units back by itself"
        )
