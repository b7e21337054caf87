"""What a trained sparse autoencoder is worth, on rows that it was not trained on."""

from dataclasses import dataclass

import numpy as np

from keras_sparse import measures
from keras_sparse.autoencoder import SparseAutoencoder


@dataclass(frozen=True)
class Evaluation:
    """Measures of one model on the same rows."""

    rows: int
    """Rows measured."""
    units: int
    """Units of the code."""
    reconstruction_mse: float
    """Mean over rows and features of `((x − x̂) / scale)²`."""
    explained_variance: float
    """`1 − E‖e‖² / (E‖x‖² − ‖E x‖²)`, in the scaled space."""
    l0: float
    """Active units per row."""
    dead_units: int
    """Units active for none of these rows."""
    mean_activation: float
    """Mean code over rows and units."""
    explained_by_active: float
    """`explained_variance` with the codes of inactive units set to zero: what the units that L0
    counts keep by themselves. The same number where codes are exact zeros, less for a sigmoid."""


def evaluate(model: SparseAutoencoder, x: np.ndarray) -> Evaluation:
    """Measure a model on held-out rows, in float64.

    Raises:
        keras_sparse.data.DataError: If `x` is of the wrong shape or not finite.
    """
    codes = model.encode(x)
    active = np.where(codes > model.threshold, codes, np.float32(0))
    scaled, reconstructed, by_active = map(
        model.scale, (x, model.decode(codes), model.decode(active))
    )
    density = measures.activation_density(codes, model.threshold)
    return Evaluation(
        rows=len(codes),
        units=codes.shape[-1],
        reconstruction_mse=measures.reconstruction_mse(scaled, reconstructed),
        explained_variance=measures.explained_variance(scaled, reconstructed),
        l0=float(density.sum()),
        dead_units=int((density == 0).sum()),
        mean_activation=float(measures.mean_activation(codes).mean()),
        explained_by_active=measures.explained_variance(scaled, by_active),
    )


def comparison_table(
    evaluations: dict[str, Evaluation], probes: dict[str, float] | None = None
) -> str:
    """A table of models, a line each; `probes` may name more than the models (raw pixels)."""
    probes = probes or {}
    header = ["", "MSE", "expl. var.", "by active", "L0", "dead", "mean act."]
    header += ["probe"] * bool(probes)
    lines = [header]
    for name in [*[name for name in probes if name not in evaluations], *evaluations]:
        if (found := evaluations.get(name)) is None:
            cells = ["–"] * 6
        else:
            cells = [
                f"{found.reconstruction_mse:.5f}",
                f"{found.explained_variance:.3f}",
                f"{found.explained_by_active:.3f}",
                f"{found.l0:.1f} of {found.units}",
                f"{found.dead_units}",
                f"{found.mean_activation:.3f}",
            ]
        probe = [f"{probes[name]:.3f}" if name in probes else "–"] * bool(probes)
        lines.append([name, *cells, *probe])
    return aligned(lines)


def aligned(lines: list[list[str]]) -> str:
    """Lines of cells as a text table: the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]).rstrip()
        for line in lines
    )
