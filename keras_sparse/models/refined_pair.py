"""Choose whether a code is refined, and build encoder and decoder that share its weights."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_sparse.models.front_ends.attach import begin
from keras_sparse.models.scaling import Scaling, prepare_rows
from keras_sparse.sparsity.by_count.activation import CountActivation
from keras_sparse.sparsity.by_count.refined_code import RefinedCode
from keras_sparse.sparsity.by_count.tied_decoder import TiedDecoder


def choose_passes(
    refine: Any,
    *,
    by_default: bool,
    activation: Any,
    hidden_units: Sequence[int],
    output_activation: Any,
    widths: Sequence[int],
) -> int:
    """Choose how many passes correct a code, 0 or 1.

    Args:
        refine: The argument of `SparseAutoencoder`.
        by_default: Whether `"auto"` is 1 where a correction is possible.
        activation: Activation of the code.
        hidden_units: As in `SparseAutoencoder`.
        output_activation: Activation of the reconstruction.
        widths: Units of the prefixes that are trained, the whole code among them; none without
            `Matryoshka`.

    Raises:
        ValueError: If `refine` is not 0, 1 or `"auto"`, or 1 where no correction is possible.
    """
    is_number = isinstance(refine, (int, np.integer)) and not isinstance(refine, bool)
    if not (refine == "auto" if isinstance(refine, str) else is_number and refine in (0, 1)):
        raise ValueError(
            "Invalid value for argument `refine`. Expected 0, 1 or 'auto'. Received: "
            f"refine={refine!r}"
        )
    obstacle = _find_obstacle(activation, hidden_units, output_activation, widths)
    if refine == "auto":
        return int(by_default and obstacle is None)
    if refine == 1 and obstacle is not None:
        expected, received, remedy = obstacle
        raise ValueError(
            f"Invalid value for argument `refine`. Expected 0 {expected}. Received: refine=1 with "
            f"{received}. Remedy: {remedy}"
        )
    return int(refine)


def _find_obstacle(
    activation: Any, hidden_units: Sequence[int], output_activation: Any, widths: Sequence[int]
) -> tuple[str, str, str] | None:
    """Find what keeps a code from being corrected: when, what was received, and the remedy."""
    if not isinstance(activation, CountActivation):
        name = getattr(activation, "__name__", type(activation).__name__)
        when = "without an activation by count"
        return when, f"activation={name}", "refine=0, or sparsity=BatchTopK(16)"
    if len(hidden_units):
        when = "with hidden layers: the residual must be that of a linear decoder"
        return when, f"hidden_units={tuple(hidden_units)}", "refine=0, or hidden_units=()"
    if output_activation is not keras.activations.linear:
        name = getattr(output_activation, "__name__", type(output_activation).__name__)
        when = "with an activation of the output"
        return when, f"output_activation={name}", "refine=0, or output_activation='linear'"
    if widths:
        when = "with Matryoshka: a corrected unit depends on all others, and no cut is exact"
        return when, f"Matryoshka(widths={tuple(widths)})", "refine=0"
    return None


def build_refined(
    *,
    input_dim: int,
    code_dim: int,
    activation: CountActivation,
    normalization: str | None,
    kernel_regularizer: Any,
    decoder_constraint: Any,
    dtype: Any,
    names: tuple[str, str],
    missing: str = "error",
    front_end: keras.Model | None = None,
) -> tuple[keras.Model, keras.Model]:
    """Build an encoder that corrects its code once, and the decoder that is tied to it.

    The arguments are those of `encoder_decoder.build`; `names` are those of the two models.
    """
    x, features = begin(input_dim, front_end)
    refined = RefinedCode(
        code_dim,
        activation,
        constraint=decoder_constraint,
        kernel_regularizer=kernel_regularizer,
        reads_observed=missing == "mask",
        dtype=dtype,
        name="code",
    )
    encoder = keras.Model(x, refined(prepare_rows(features, normalization, missing)), name=names[0])

    h = keras.Input((code_dim,), name="code")
    y = TiedDecoder(refined, dtype=dtype, name="reconstruction")(h)
    if normalization:
        y = Scaling(invert=True, name="unscaling")(y)
    return encoder, keras.Model(h, y, name=names[1])
