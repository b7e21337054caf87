"""Measure a trained sparse autoencoder on held-out rows."""

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from keras_sparse.data import arrays
from keras_sparse.data.missing import of_encoding
from keras_sparse.data.named_rows import order_by_name
from keras_sparse.metrics import functional
from keras_sparse.models.sparse_autoencoder import SparseAutoencoder
from keras_sparse.sparsity.step_weights import step_axes
from keras_sparse.training.inference import encode_and_reconstruct, outputs, select_live
from keras_sparse.utils.text import align

BATCH_SIZE = 1024


@dataclass(frozen=True)
class Evaluation:
    """Measures of one model on the same rows."""

    rows: int
    """Number of rows."""
    units: int
    """Number of units of the code."""
    reconstruction_mse: float
    """Mean over rows and features of `((x − x̂) / scale)²`."""
    explained_variance: float
    """`1 − E‖e‖² / (E‖x‖² − ‖E x‖²)`, in the scaled space."""
    l0: float
    """Active units per row."""
    dead_units: int
    """Units active for none of these rows, nor of others that were looked at."""
    mean_activation: float
    """Mean code over rows and units."""
    explained_by_active: float
    """`explained_variance` with the codes of inactive units set to zero, so that only units
    that L0 counts contribute. The same number where inactive codes are exactly 0, less for a
    sigmoid."""
    explained_by_varying: float = math.nan
    """`explained_variance` with each unit that is active for every row fixed at its mean: what
    the others explain. The same number where there are no such units."""
    offset: float = math.nan
    """Distance of the mean row from zero, in deviations: the root of `‖E x‖² / (E‖x‖² − ‖E x‖²)`,
    in the scaled space."""


def describe_explained(evaluation: Evaluation) -> str:
    """Say what active units explain, and what all explain where that is another number."""
    active, total = evaluation.explained_by_active, evaluation.explained_variance
    more = f" by active units ({total:.3f} by all)" if f"{active:.3f}" != f"{total:.3f}" else ""
    return f"explained variance {active:.3f}{more}"


def evaluate(model: SparseAutoencoder, x: np.ndarray, others: Any = None) -> Evaluation:
    """Measure a model on held-out rows, in float64; masked steps and gaps are left out.

    Args:
        model: The model.
        x: The rows.
        others: More rows, as those trained on. A unit that is active for one of them is not dead;
            a few held-out rows activate few of many units.

    Raises:
        keras_sparse.data.DataError: If `x` is of the wrong shape or not finite.
    """
    x = order_by_name(x, model.columns)
    x = arrays.as_rows(x, model.row_shape, missing=of_encoding(model.missing))
    scaled = model.scale(model.features(x))  # raises if the model is not ready
    codes, reconstructions, live_codes, live_rows, code_mask = encode_and_reconstruct(
        model, model.encoder, x, BATCH_SIZE
    )
    live = partial(select_live, live=live_rows, step_axes=step_axes(model.feature_shape))
    scaled, reconstructed = live(scaled), live(model.scale(reconstructions))

    def explain(changed: np.ndarray) -> float:
        decoded = outputs(model.decoder, changed, BATCH_SIZE, code_mask)
        return functional.explained_variance(scaled, live(model.scale(decoded)), model.missing)

    live_code = select_live(codes, live_codes)
    density = functional.activation_density(live_code, model.threshold)
    means = functional.mean_activation(live_code).astype(np.float32)
    explained = functional.explained_variance(scaled, reconstructed, model.missing)
    always = density == 1
    active = np.where(functional.is_active(codes, model.threshold), codes, np.float32(0))
    dead = density == 0
    if others is not None and dead.any():
        dead &= functional.activation_density(model.encode(others), model.threshold) == 0
    return Evaluation(
        rows=len(x),
        units=len(density),
        reconstruction_mse=functional.reconstruction_mse(scaled, reconstructed, model.missing),
        explained_variance=explained,
        l0=float(density.sum()),
        dead_units=int(dead.sum()),
        mean_activation=float(functional.mean_activation(live_code).mean()),
        explained_by_active=explain(active),
        explained_by_varying=explain(np.where(always, means, codes)) if always.any() else explained,
        offset=functional.offset(scaled, model.missing),
    )


def comparison_table(
    evaluations: dict[str, Evaluation], probes: dict[str, float] | None = None
) -> str:
    """Format a table of models, a line each; `probes` may have more names, as raw pixels."""
    probes = probes or {}
    header = ["", "MSE", "expl. var.", "by active", "L0", "dead", "mean act."]
    header += ["probe"] * bool(probes)
    lines = [header]
    for name in [*[name for name in probes if name not in evaluations], *evaluations]:
        if (evaluation := evaluations.get(name)) is None:
            cells = ["–"] * 6
        else:
            cells = [
                f"{evaluation.reconstruction_mse:.5f}",
                f"{evaluation.explained_variance:.3f}",
                f"{evaluation.explained_by_active:.3f}",
                f"{evaluation.l0:.1f} of {evaluation.units}",
                f"{evaluation.dead_units}",
                f"{evaluation.mean_activation:.3f}",
            ]
        probe = [f"{probes[name]:.3f}" if name in probes else "–"] * bool(probes)
        lines.append([name, *cells, *probe])
    return align(lines)
