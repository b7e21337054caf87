"""Read of a model what is exported: its encoder and decoder, and what is known of its rows."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_sparse_export.convert import samples
from keras_sparse_export.convert.forms.score.gate import require_scorable
from keras_sparse_export.convert.graph.units import require_units
from keras_sparse_export.convert.source import cut, lengths, scaling
from keras_sparse_export.convert.source.inputs import describe_inputs
from keras_sparse_export.convert.source.windows import find_windows
from keras_sparse_export.io.categories import Columns
from keras_sparse_export.io.inputs import Inputs
from keras_sparse_export.runtime import top_k as top_k_outputs
from keras_sparse_export.runtime.reconstruction import find_scale
from keras_sparse_export.signals.windows import Windows


class Source(NamedTuple):
    """What is exported, before anything is converted."""

    encoder: keras.Model
    fixed: keras.Model
    """The encoder of rows of one length, that of the sample."""
    decoder: keras.Model | None
    inputs: Inputs
    columns: Columns | None
    scaled: dict[str, Any]
    """Offset and scale of the columns, as in the manifest."""
    missing: str | None
    """What the model does with gaps, if rows may have some."""
    code_shape: tuple[int, ...]
    windows: Windows | None
    """How a signal is cut into rows, if they are windows."""

    @property
    def scale(self) -> np.ndarray | None:
        """Scale of each column, or one for all, if it is known."""
        return find_scale(self.scaled)

    @property
    def gaps(self) -> bool:
        """Whether rows may have gaps."""
        return self.missing is not None


def read(
    model: keras.Model,
    sample: Any,
    *,
    layer: str | None,
    columns: Sequence[str] | None,
    units: int | None,
    top_k: int | None,
    decoder: bool,
    score: bool,
    free_length: bool,
    windows: Windows | None,
) -> Source:
    """Cut encoder and decoder out of a model. Arguments are those of `export_encoder`.

    Raises:
        ConversionError: As `export_encoder`.
        TypeError: As `export_encoder`.
        ValueError: As `export_encoder`.
    """
    encoder = cut.cut_encoder(model, layer, sample)
    inputs = describe_inputs(encoder)
    if sample is not None:
        _, inputs = inputs.pack(sample, "sample")
    fixed = cut.fix_lengths(encoder, inputs)
    if free_length:
        lengths.require_no_decoder(decoder=decoder, score=score)
        inputs = lengths.free(encoder, inputs, sample)
    else:
        encoder = fixed
    names = samples.choose_columns(model, sample, columns, inputs)
    if units is not None:
        require_units(units, fixed.output_shape[-1])
    code_shape = (*fixed.output_shape[1:-1], int(units or fixed.output_shape[-1]))
    if top_k is not None:
        top_k_outputs.require_k(top_k, code_shape[-1])
    scaled = scaling.describe(fixed)
    if score:
        require_scorable(fixed, inputs, find_scale(scaled))
    decodes = None
    if decoder or score:
        decodes = cut.cut_decoder(model, layer, encoder, "decoder" if decoder else "score")
    missing = cut.find_missing(model, layer)
    found = find_windows(model, windows, inputs.row_shape)
    return Source(encoder, fixed, decodes, inputs, names, scaled, missing, code_shape, found)
