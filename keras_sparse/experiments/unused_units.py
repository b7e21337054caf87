"""Leave out the units of a code that no row uses: on a device they would cost bytes and time."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sparse.data import arrays
from keras_sparse.models.sparse_autoencoder import SparseAutoencoder
from keras_sparse.sparsity.by_count.refined_code import RefinedCode
from keras_sparse.training.inference import outputs

BATCH_SIZE = 1024
TOLERANCE = 0.01
"""Relative change of error or L0 above which units of the first pass are needed."""


def leave_out_unused(model: SparseAutoencoder, x: Any) -> tuple[SparseAutoencoder, np.ndarray]:
    """Leave out the units that are active in no code.

    Units that are active in the first pass of refined codes, and in no code, correct others there.
    They stay if without them the error or L0 of the rows changes by more than 1 %. Otherwise
    codes and reconstructions of the rows are the same.

    Args:
        model: A model that the constructor of `SparseAutoencoder` has built.
        x: All rows that are known, of which a unit might stand for a single one.

    Returns:
        The model, or a smaller one, which is not compiled; and a boolean array of the units kept.
    """
    everything = np.ones(model.encoder.output_shape[-1], bool)
    if model.threshold != 0:
        return model, everything
    active, used = find_used(model, x)
    for kept in (active, used):
        if kept.all() or kept.sum() < getattr(model.count_activation, "k", 1):
            continue
        smaller = keep_units(model, kept)
        if kept is used or np.allclose(_measure(smaller, x), _measure(model, x), rtol=TOLERANCE):
            return smaller, kept
    return model, everything


def _measure(model: SparseAutoencoder, x: Any) -> tuple[float, float]:
    """Mean squared error in the space of the loss, and L0, of rows."""
    error = active = 0.0
    for _, part in arrays.chunks(x):
        error += float(np.nansum(model.errors(part)))
        active += float(np.count_nonzero(outputs(model.encoder, part, BATCH_SIZE)))
    return error / len(x), active / len(x)


def find_used(model: SparseAutoencoder, x: Any) -> tuple[np.ndarray, np.ndarray]:
    """Find the units that are active in codes, and those that are in either pass of refined codes.

    Args:
        model: A model whose codes can be exactly zero.
        x: Rows.

    Returns:
        Two boolean arrays, `(units,)`.
    """
    encoder = model.encoder
    refined = next((layer for layer in encoder.layers if isinstance(layer, RefinedCode)), None)
    passes = [encoder] if refined is None else [encoder, _first_pass(encoder, refined)]
    found = np.zeros((len(passes), encoder.output_shape[-1]), bool)
    for _, part in arrays.chunks(x):
        for active, half in zip(found, passes, strict=True):
            codes = outputs(half, part, BATCH_SIZE)
            active |= (codes != 0).reshape(-1, codes.shape[-1]).any(axis=0)
    return found[0], np.any(found, axis=0, keepdims=True)[0]


def _first_pass(encoder: keras.Model, refined: RefinedCode) -> keras.Model:
    """From rows to the codes of the first pass."""
    first = keras.layers.Lambda(
        lambda x: refined.first(refined.compute_first(x), training=False),
        output_shape=encoder.output_shape[1:],
    )
    return keras.Model(encoder.input, first(refined.input))


def keep_units(model: SparseAutoencoder, kept: np.ndarray) -> SparseAutoencoder:
    """Build a model of some of the units of another; it is not compiled.

    Codes of rows that use no other unit are the same, and so are their reconstructions.

    Args:
        model: A model that the constructor of `SparseAutoencoder` has built, without prefixes.
        kept: A boolean array, `(units,)`.

    Example:
        >>> import numpy as np, keras_sparse
        >>> model = keras_sparse.SparseAutoencoder(8, 16)
        >>> keep_units(model, np.arange(16) < 12).encoder.output_shape
        (None, 12)
    """
    config = {**model.get_config(), "code_dim": int(kept.sum())}
    smaller: SparseAutoencoder = SparseAutoencoder.from_config(config)
    for variable, value in zip(smaller.variables, model.variables, strict=True):
        variable.assign(_take_units(value, variable.shape, kept))
    return smaller


def _take_units(variable: keras.Variable, shape: Any, kept: np.ndarray) -> np.ndarray:
    """The value of a variable, along the axis of its units, if it has one, only those kept."""
    value: np.ndarray = ops.convert_to_numpy(variable)
    for axis, size in enumerate(shape):
        if value.shape[axis] != size:
            value = np.compress(kept, value, axis=axis)
    return value
