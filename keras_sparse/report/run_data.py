"""The data behind the page of a run: its record, and how its model encodes the rows it kept."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from keras_sparse.evaluation.held_out import evaluate
from keras_sparse.experiments.run_folder import HELD_OUT, RunFolder
from keras_sparse.metrics import functional
from keras_sparse.report.plots.row_view import View
from keras_sparse.utils.text import first_line, number, section

SCALES = {
    "center": "deviations of an average column",
    "standard": "standard deviations",
    "minmax": "fractions of the range",
}
PROBES = ("chance", "untrained", "raw", "pca", "codes")


@dataclass(frozen=True)
class EncodedRows:
    """The held-out rows of a run, encoded and decoded by its model."""

    x: np.ndarray
    """`(rows, features)`; with a front end these are its features."""
    x_hat: np.ndarray
    errors: np.ndarray
    """`((x − x̂) / scale)²`, `(rows, features)`."""
    codes: np.ndarray
    """`(rows, units)`; where codes have positions, the one of largest magnitude."""
    density: np.ndarray


class RunData:
    """A run, and everything that its page computes from it.

    Args:
        run: The run. Files that prove unusable are added to its `missing`.
        show_rows: Whether the page may show rows of the data.
        row_shape: Shape of one row, where the user names it.
    """

    def __init__(
        self, run: RunFolder, show_rows: bool, row_shape: Sequence[int] | None = None
    ) -> None:
        self.run, self.show_rows = run, show_rows
        self.settings = section(run.record, "settings")
        self.measures = section(run.record, "evaluation")
        probes = section(run.record, "probes")
        accuracies = {name: number(probes.get(name)) for name in PROBES}
        self.probes = {name: value for name, value in accuracies.items() if math.isfinite(value)}
        errors = section(probes, "standard_errors")
        self.probe_errors = {name: number(errors.get(name)) for name in self.probes}
        baselines = run.record.get("baselines")
        self.baselines = baselines if isinstance(baselines, list) else []
        self.view = self._choose_view(row_shape)
        self.encoded = self._encode_rows()
        self.density = self._read_density()

    @property
    def mean_activation(self) -> np.ndarray | None:
        """ρ̂ of each unit after the last epoch."""
        activation = self.run.units.get("mean_activation")
        return None if activation is None else activation[-1]

    @property
    def unit(self) -> str:
        """What numbers are in after `scale`."""
        normalization = self.run.model.chosen_normalization
        return SCALES.get(normalization, "scaled units" if normalization else "raw units")

    def scale(self, rows: np.ndarray) -> np.ndarray:
        """Rows `(rows, features)` in the space of the loss."""
        model = self.run.model
        scaled: np.ndarray = model.scale(rows.reshape(len(rows), *model.feature_shape))
        return scaled.reshape(rows.shape)

    def _choose_view(self, row_shape: Sequence[int] | None) -> View | None:
        model, held_out, record = self.run.model, self.run.held_out, self.run.record
        if model is not None:
            features = math.prod(size or 0 for size in model.feature_shape)
        elif held_out is not None:
            features = held_out.shape[1]
        else:
            return None
        if row_shape and math.prod(row_shape) != features:
            raise ValueError(
                "Invalid value for argument `row_shape`. Expected sizes whose product is "
                f"{features}, the numbers of a row. Received: row_shape={tuple(row_shape)}"
            )
        own = () if model is None else model.feature_shape
        recorded = record.get("row_shape")
        if record.get("windows"):  # channels are no picture: curves, one after another
            recorded = None
        shapes = (row_shape, recorded, own)
        shape = next((shape for shape in shapes if _is_shape(shape)), ())
        columns = record.get("columns")
        return View.of(features, shape, columns if isinstance(columns, list) else None)

    def _encode_rows(self) -> EncodedRows | None:
        model, held_out = self.run.model, self.run.held_out
        if model is None or held_out is None:
            return None
        try:
            x = held_out.reshape(len(held_out), *model.row_shape)
            codes = model.encode(x)
            shown = model.features(x).reshape(len(x), -1)
            x_hat = model.decode(codes).reshape(shown.shape)
            errors = model.errors(x).reshape(shown.shape)
            if not self.measures:
                self.measures = asdict(evaluate(model, x))
        except (ValueError, TypeError) as error:  # DataError names rows that are not finite
            self.run.missing[HELD_OUT] = f"does not fit the model ({first_line(error)})"
            return None
        units = codes.shape[-1]
        return EncodedRows(
            shown,
            x_hat,
            errors,
            _largest_over_positions(codes),
            functional.is_active(codes.reshape(-1, units), model.threshold).mean(axis=0),
        )

    def _read_density(self) -> np.ndarray | None:
        """Density of each unit after the last epoch or, failing that, on the rows kept."""
        density = self.run.units.get("density")
        if density is not None:
            return np.nan_to_num(np.asarray(density[-1], np.float64))
        return None if self.encoded is None else self.encoded.density


def _largest_over_positions(codes: np.ndarray) -> np.ndarray:
    """The code of largest magnitude of each row and unit, `(rows, units)`."""
    flat = codes.reshape(len(codes), -1, codes.shape[-1])
    largest = np.abs(flat).argmax(axis=1, keepdims=True)
    return np.take_along_axis(flat, largest, axis=1)[:, 0]


def _is_shape(shape: Any) -> bool:
    return (
        isinstance(shape, (list, tuple))
        and len(shape) > 0
        and all(isinstance(size, int) and size > 0 for size in shape)
    )
