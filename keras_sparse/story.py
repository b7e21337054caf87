"""What a run has to tell, in the order in which a person asks: verdict, numbers, figures."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from keras_sparse import pages, plots, remarks, row_plots, unit_plots
from keras_sparse.canvas import percent
from keras_sparse.data import first_line
from keras_sparse.evaluation import evaluate
from keras_sparse.folders import RunFolder, number, section
from keras_sparse.views import View

SHOWS_ROWS = "This page shows rows of the data. Hand it on as you would hand on the data itself."
LEFT_OUT = (
    "Rows of the data were left out: no inputs, no reconstructions, nothing that excites a unit."
)
NONE_KEPT = "No rows of the data were kept: no inputs, no reconstructions are shown."
OF_THE_DATA = "These are rows of the data."
WITHOUT = {
    "run.json": "settings, measures and versions are",
    "history.csv": "the losses over epochs are",
    "units.npz": "the mean activation over epochs is",
    "model.keras": "what the units have learnt is",
    "held_out.npy": "inputs, reconstructions and what excites the units are",
    "sweep.json": "the settings and the recommendation are",
    "frontier.csv": "the points and their frontier are",
}
SCALES = {"standard": "standard deviations", "minmax": "shares of the range"}
EXCITED = {"image": 8, "series": 8, "table": 6}


def without(missing: dict[str, str]) -> str:
    """What a folder lacks, and what the page lacks for it."""
    return pages.notes(
        f"{file} {reason}: {WITHOUT[file]} not shown." for file, reason in missing.items()
    )


@dataclass
class Evidence:
    """What the model of a run answers to the rows that were kept."""

    x: np.ndarray
    x_hat: np.ndarray
    codes: np.ndarray
    """`(rows, units)`; of codes with positions, the largest."""
    density: np.ndarray


class Story:
    """A run, put into parts of a page.

    Args:
        run: The run.
        rows: Whether to show rows of the data.
        row_shape: Shape of one row, where the user gives it.
    """

    def __init__(self, run: RunFolder, rows: bool, row_shape: Sequence[int] | None) -> None:
        self.run, self.rows = run, rows
        self.settings = section(run.record, "settings")
        self.measures = section(run.record, "evaluation")
        probes = {name: number(value) for name, value in section(run.record, "probes").items()}
        self.probes = {
            name: probes[name]
            for name in ("chance", "raw", "pca", "codes")
            if math.isfinite(probes.get(name, math.nan))
        }
        self.view = self._view(row_shape)
        self.evidence = self._evidence()
        density = run.units.get("density")
        if density is not None:
            self.density: np.ndarray | None = np.nan_to_num(np.asarray(density[-1], np.float64))
        else:
            self.density = None if self.evidence is None else self.evidence.density

    def _view(self, row_shape: Sequence[int] | None) -> View | None:
        model, held_out, record = self.run.model, self.run.held_out, self.run.record
        if model is not None:
            features = math.prod(size or 0 for size in model.row_shape)
        elif held_out is not None:
            features = held_out.shape[1]
        else:
            return None
        if row_shape and math.prod(row_shape) != features:
            raise ValueError(
                "Invalid value for argument `row_shape`. Expected sizes whose product is "
                f"{features}, the numbers of a row. Received: row_shape={tuple(row_shape)}"
            )
        own = () if model is None else model.row_shape
        shapes = (row_shape, record.get("row_shape"), own)
        shape = next((shape for shape in shapes if _is_shape(shape)), ())
        columns = record.get("columns")
        return View.of(features, shape, columns if isinstance(columns, list) else None)

    def _evidence(self) -> Evidence | None:
        model, kept = self.run.model, self.run.held_out
        if model is None or kept is None:
            return None
        try:
            x = kept.reshape(len(kept), *model.row_shape)
            codes = model.encode(x)
            x_hat = model.decode(codes).reshape(kept.shape)
            if not self.measures:
                self.measures = asdict(evaluate(model, x))
        except (ValueError, TypeError) as error:  # DataError names rows that are not finite
            self.run.missing["held_out.npy"] = f"does not suit the model ({first_line(error)})"
            return None
        units = codes.shape[-1]
        return Evidence(
            kept,
            x_hat,
            codes.reshape(len(codes), -1, units).max(axis=1),
            (codes.reshape(-1, units) > model.threshold).mean(axis=0),
        )

    def trained_as(self) -> str:
        """What was trained, in a line."""
        units = number(self.settings.get("code_dim"))
        rows = number(section(self.run.record, "rows").get("train"))
        epochs = len(self.run.history.get("loss", ()))
        words = [
            f"{units:.0f} units" if math.isfinite(units) else "",
            remarks.penalty(self.settings),
            f"{epochs} epoch{'s' if epochs > 1 else ''}" if epochs else "",
            f"{rows:,.0f} rows to train on" if math.isfinite(rows) else "",
        ]
        return " · ".join(word for word in words if word) or "A run of keras-sparse"

    def opening(self) -> list[str]:
        """The verdict, the key numbers, and what is wrong."""
        missing = dict(self.run.missing)
        if self.run.record and missing.get("held_out.npy") == "is not there":
            del missing["held_out.npy"]  # a whole run that was to keep none
        notes = remarks.notes(
            self.measures, self.settings, self.probes, self.run.history, self.density
        )
        threshold = self.run.model.threshold if self.run.model else 0.0
        rows = (SHOWS_ROWS if self.evidence else NONE_KEPT) if self.rows else LEFT_OUT
        return [
            pages.paragraph(remarks.verdict(self.measures), "verdict"),
            pages.facts(remarks.facts(self.measures, self.settings, self.probes, threshold)),
            without(missing),
            pages.notes(notes, remarks.FINE if self.measures else ""),
            pages.paragraph(rows, "rows"),
        ]

    def sections(self, of: str = "") -> list[str]:
        """The figures, each with how to read it."""
        units = [self._units(), self._exciting(), self._histogram(), self._activation()]
        return [
            pages.section(f"Reconstruction{of}", [pages.beside([self._pairs(), self._losses()])]),
            pages.section(f"Units{of}", [pages.beside(units)]),
            pages.section(f"Downstream{of}", [pages.beside([self._probes()])]),
        ]

    # Reconstruction --------------------------------------------------------------------------

    def _pairs(self) -> str:
        if not self.rows or self.evidence is None or self.view is None:
            return ""
        x, x_hat = self.evidence.x, self.evidence.x_hat
        if self.view.kind == "table":  # columns of different units become comparable
            x, x_hat = self._scaled(x), self._scaled(x_hat)
        hidden = len(self.view.columns) - row_plots.COLUMNS_SHOWN
        more = f" {hidden} columns with smaller errors are not shown." if hidden > 0 else ""
        how = {
            "image": "Each input with its reconstruction below it, from the best to the worst.",
            "series": "The output over the input, from the best row to the worst.",
            "table": f"A short line between input and output is good.{more}",
        }
        return pages.figure(
            "pairs",
            "Held-out rows beside their reconstructions",
            row_plots.reconstructions(x, x_hat, self.view, unit=self._unit()),
            f"Held-out rows beside their reconstructions, shown as {self.view.kind}.",
            f"{how[self.view.kind]} {OF_THE_DATA}",
        )

    def _scaled(self, rows: np.ndarray) -> np.ndarray:
        model = self.run.model
        scaled: np.ndarray = model.scale(rows.reshape(len(rows), *model.row_shape))
        return scaled.reshape(rows.shape)

    def _unit(self) -> str:
        return SCALES.get(self.run.model.normalization, "raw units")

    def _losses(self) -> str:
        history = self.run.history
        if "loss" not in history:
            return ""
        ends = [
            f"{name} {remarks.short(history[key][-1])}"
            for key, name in (("loss", "in training"), ("val_loss", "held out"))
            if key in history
        ]
        return pages.figure(
            "losses",
            "The loss and its parts",
            plots.losses(history),
            f"Losses over {len(history['loss'])} epochs; the last: {', '.join(ends)}.",
            "Lower is better. A held-out line that turns up says too long; one that still falls, "
            "too short.",
        )

    # Units -----------------------------------------------------------------------------------

    def _units(self) -> str:
        model, view = self.run.model, self.view
        if model is None or view is None:
            return ""
        count = int(model.decoder.input_shape[-1])
        density = self.density
        if density is None or len(density) != count:
            density = np.full(count, np.nan)
        shown = unit_plots.by_use(density)[: unit_plots.MOST[view.kind]]
        try:
            effects = unit_plots.responses(model, shown.tolist(), scaled=view.kind == "table")
        except (ValueError, TypeError) as error:
            self.run.missing["model.keras"] = f"gives no pictures ({first_line(error)})"
            return ""
        how = {
            "image": "What a unit adds to the picture: blue more, orange less.",
            "series": "What a unit adds to the series.",
            "table": f"The columns that a unit moves most, blue up, orange down (in "
            f"{self._unit()}).",
        }
        hidden = count - len(shown)
        rest = f"The {len(shown)} most used of {count}; {hidden} are not shown. " if hidden else ""
        return pages.figure(
            "units",
            "What each unit has learnt",
            unit_plots.units(effects, shown.tolist(), density[shown], view),
            f"What {len(shown)} of {count} units add to a reconstruction, the most used first.",
            f"{how[view.kind]} {rest}Above each its number and the share of rows it is active "
            "for; each has its own scale.",
        )

    def _exciting(self) -> str:
        if not self.rows or self.evidence is None or self.view is None:
            return ""
        density = self.evidence.density if self.density is None else self.density
        alive = (self.evidence.density > 0) & (len(density) == len(self.evidence.density))
        most = EXCITED[self.view.kind]
        numbers = [unit for unit in unit_plots.by_use(density).tolist() if alive[unit]][:most]
        if not numbers:
            return ""
        how = {
            "image": "The rows with the largest code of each unit, the largest first.",
            "series": "The rows with the largest code of each unit in gray, their mean in blue.",
            "table": "Where the rows with the largest code of a unit stand apart from the others.",
        }
        return pages.figure(
            "exciting",
            "What excites the most used units",
            row_plots.exciting(
                self.evidence.x,
                self.evidence.codes,
                numbers,
                self.view,
                threshold=self.run.model.threshold,
            ),
            f"The held-out rows that excite {len(numbers)} units most.",
            f"{how[self.view.kind]} {OF_THE_DATA}",
        )

    def _histogram(self) -> str:
        if self.density is None:
            return ""
        dead, always = int((self.density <= 0).sum()), int((self.density >= plots.ALWAYS).sum())
        typical = percent(float(np.median(self.density)))
        return pages.figure(
            "density",
            "How often units are active",
            plots.density(self.density),
            f"Histogram over {len(self.density)} units: {dead} dead, {always} always on; half of "
            f"them are active for up to {typical} of the rows.",
            f"{dead} dead, {always} always on; half of the units are active for up to {typical} "
            "of the held-out rows. One hill away from both ends is good.",
        )

    def _activation(self) -> str:
        units = self.run.units
        if "mean_activation" not in units:
            return ""
        rho = number(self.settings.get("rho")) if self.settings.get("sparsity") == "kl" else None
        rho = rho if rho is not None and math.isfinite(rho) else None
        last = remarks.short(float(np.mean(units["mean_activation"][-1])))
        return pages.figure(
            "activation",
            "Mean activation over epochs",
            plots.activation(units["epoch"], units["mean_activation"], rho),
            f"Mean activation of units over epochs, {last} at the end"
            + (f"; ρ is {rho:g}." if rho is not None else "."),
            "The line is the mean over units; half of the units lie in the dark band, nine of ten "
            "in the light one." + (" It should come to the dashed ρ." if rho is not None else ""),
        )

    def _probes(self) -> str:
        if not self.probes:
            return ""
        words = ", ".join(f"{name} {value:.3f}" for name, value in self.probes.items())
        return pages.figure(
            "probes",
            "What a linear probe reads from the codes",
            plots.probes(self.probes),
            f"Accuracy of a linear probe: {words}.",
            "Further right is better. Codes as good as raw rows keep what the labels need.",
        )


def _is_shape(found: Any) -> bool:
    return (
        isinstance(found, (list, tuple))
        and len(found) > 0
        and all(isinstance(size, int) and size > 0 for size in found)
    )
