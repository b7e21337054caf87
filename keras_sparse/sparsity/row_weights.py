"""Pass the weights of a batch to the penalties of layers inside of a model.

Keras calls an activity regularizer with the output of its layer alone, and a layer inside of a
functional graph with its inputs. So a model announces the weights of its rows while it calls its
parts, and the penalties ask for them: rows of weight 0 then count in none of them.
"""

import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import keras
from keras import ops

from keras_sparse.sparsity import step_weights
from keras_sparse.sparsity.placement import nested_layers
from keras_sparse.utils.types import Tensor

SUMS_OVER_ROWS = (keras.regularizers.L1, keras.regularizers.L2, keras.regularizers.L1L2)


class _Announced(threading.local):  # a replica of MirroredStrategy runs in a thread of its own
    weights: Tensor | None = None
    entries: Tensor | None = None


_announced = _Announced()  # torch.compile follows no ContextVar
_swapping = threading.Lock()


def row_weights(h: Tensor) -> tuple[Tensor | None, Tensor | float]:
    """Weights of codes, from those of the rows they were computed from, and the share of the batch.

    Args:
        h: Codes, `(batch, ..., units)`.

    Returns:
        The weights over leading axes of the codes, or `None` if all rows count; and the mean weight
        of the rows, the factor on a penalty of this batch among those of other devices.

    Raises:
        ValueError: If the first axis of the codes does not hold the rows.
    """
    weights = _announced.weights
    if weights is None:
        return None, 1.0
    if h.shape[0] != weights.shape[0] and None not in (h.shape[0], weights.shape[0]):
        raise ValueError(
            "Invalid shape of argument `h`. Expected codes with the rows of the batch on their "
            f"first axis, since rows have weights: {weights.shape[0]}. Received: {tuple(h.shape)}. "
            "Remedy: a penalty on codes of shape (batch, ..., units)"
        )
    return step_weights.of_codes(weights, h), ops.mean(weights)


def entry_weights() -> Tensor | None:
    """Weights of the entries of the rows, of their shape; `None` if all entries of a row count."""
    return _announced.entries


class RowWeighting:
    """Announces the weights of a batch to the penalties inside of some models.

    Regularizers and `ActivityPenalty` of this package use them, and so do Keras' `L1`, `L2` and
    `L1L2`, in whose sum over rows each row is weighted. Other regularizers do not know of weights,
    nor do losses that a layer adds itself.

    Args:
        models: The models whose layers are looked at.

    Warns:
        UserWarning: If a layer has another activity regularizer.
    """

    def __init__(self, *models: keras.Model) -> None:
        layers = {id(layer): layer for model in models for layer in nested_layers(model)}
        self._of_keras = []
        self._calls = 0  # of all threads, in which the regularizers of Keras are replaced
        self._replaced: list[Any] = []
        for layer in layers.values():
            regularizer = layer.activity_regularizer
            if type(regularizer) in SUMS_OVER_ROWS:
                self._of_keras.append(layer)
            elif regularizer is not None and not hasattr(regularizer, "at_unit_strength"):
                warnings.warn(
                    f"The activity regularizer of layer `{layer.name}` counts rows of weight 0, "
                    "also those that fill up a short batch: it takes no weights. Remedy: derive it "
                    "from keras_sparse.ActivityRegularizer",
                    stacklevel=2,
                )

    @contextmanager
    def __call__(self, weights: Tensor | None, entries: Tensor | None = None) -> Iterator[None]:
        """Announce the relative weights of the rows or their steps, or that all rows count.

        Args:
            weights: The weights.
            entries: Weights of the entries of the rows, for what compares rows.
        """
        _announced.entries = entries
        if weights is not None:
            _announced.weights = weights
            self._count_calls(1)
        try:
            yield
        finally:
            if weights is not None:
                self._count_calls(-1)
            _announced.weights = _announced.entries = None

    def _count_calls(self, change: int) -> None:
        """Replace the regularizers of Keras in the first of the calls that run, until the last."""
        if not self._of_keras:
            return
        with _swapping:
            if self._calls == 0:
                self._replaced = [layer.activity_regularizer for layer in self._of_keras]
                self._assign([partial(_weighted_sum, each) for each in self._replaced])
            self._calls += change
            if self._calls == 0:
                self._assign(self._replaced)

    def _assign(self, regularizers: list[Callable[[Tensor], Tensor]]) -> None:
        for layer, regularizer in zip(self._of_keras, regularizers, strict=True):
            layer.activity_regularizer = regularizer


def _weighted_sum(regularizer: Any, h: Tensor) -> Tensor:
    """Keras' `L1`, `L2` or `L1L2`, with a weight on the part of each row."""
    h = ops.cast(h, "float32")
    weights, share = row_weights(h)
    if weights is None:  # in another thread than the one that announced weights
        return regularizer(h)
    weights = step_weights.expand(weights, len(h.shape))
    weights = weights * ops.divide_no_nan(share, ops.mean(weights))
    l1, l2 = (getattr(regularizer, name, 0.0) for name in ("l1", "l2"))
    return l1 * ops.sum(weights * ops.abs(h)) + l2 * ops.sum(weights * ops.square(h))
