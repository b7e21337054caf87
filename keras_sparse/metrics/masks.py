"""Find the masks of steps that Keras passes from layer to layer."""

import functools

import keras
from keras import ops

from keras_sparse.sparsity import step_weights
from keras_sparse.utils.types import Tensor


class _MaskReader(keras.layers.Layer):
    """Returns the mask of its input, which Keras passes to the `call` of layers alone."""

    def __init__(self) -> None:
        super().__init__(name="mask_reader", autocast=False)
        self.supports_masking = self.built = True

    def call(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor | None:
        return mask

    def compute_mask(self, inputs: Tensor, previous_mask: Tensor | None = None) -> None:
        return None  # a mask has no mask


@functools.cache
def _reader() -> _MaskReader:
    return _MaskReader()


def of(tensor: Tensor) -> Tensor | None:
    """The mask of a tensor, over its leading axes; `None` if it has none."""
    return _reader()(tensor) if ops.is_tensor(tensor) else None


def of_rows(model: keras.Model, rows: Tensor) -> Tensor | None:
    """The mask that the first layer of a model makes of its rows; `None` if it makes none.

    Unlike the mask of a later tensor it tells which steps of the rows are live even where later
    layers drop it, as an LSTM that returns one vector.
    """
    computing = (x for x in model.layers if not isinstance(x, keras.layers.InputLayer))
    first = next(computing, None)  # only this layer is known to take the rows
    if first is None or isinstance(first, keras.Model):
        return None if first is None else of_rows(first, rows)
    if not _overrides_masks(first):
        return None
    of_outputs = keras.tree.flatten(first.compute_mask(rows, None))  # one for each output
    of_steps = (
        mask
        for mask in of_outputs
        if mask is not None and step_weights.has_steps_of(rows.shape, mask.shape)
    )
    return next(of_steps, None)


def either(*masks: Tensor | None) -> Tensor | None:
    """The steps that no mask leaves out; `None` if there is no mask."""
    live = functools.reduce(step_weights.combine, masks, None)
    return None if live is None else ops.cast(live, "bool")


def can_occur(*models: keras.Model) -> bool:
    """Whether a layer of the models may make a mask, so that it pays to look for them."""
    return any(
        can_occur(layer) if isinstance(layer, keras.Model) else _overrides_masks(layer)
        for model in models
        for layer in model.layers
    )


def _overrides_masks(layer: keras.layers.Layer) -> bool:
    kind = type(layer)
    known = kind.__module__.split(".")[0] in ("keras", "keras_sparse")
    return not known or kind.compute_mask is not keras.layers.Layer.compute_mask
