"""The figures of a run and how to read them. Each function returns `None` where data is missing."""

import numpy as np

from keras_sparse.experiments.run_folder import MODEL
from keras_sparse.metrics import diagnosis
from keras_sparse.report.detection import draw_detection
from keras_sparse.report.page import Figure, Section
from keras_sparse.report.plots import curves, probes, top_activating
from keras_sparse.report.plots import rows as row_plots
from keras_sparse.report.plots import units as unit_plots
from keras_sparse.report.run_data import RunData
from keras_sparse.sparsity import families
from keras_sparse.utils.text import first_line, number, percent, section, short, with_error

TOP_UNITS = {"image": 8, "series": 8, "table": 6}
"""Units whose top-activating rows are shown."""
KINDS = {"image": "an image", "series": "a series", "table": "named columns"}
OF_THE_DATA = "These are rows of the data."


def draw_sections(data: RunData, of: str = "") -> list[Section]:
    """Draw all figures of a run; sections without any are left out.

    Args:
        data: The run.
        of: Added to each title: ` of l1-0.001`.
    """
    sections = {
        "Reconstruction": [draw_reconstructions(data), draw_losses(data)],
        "Units": [
            draw_units(data),
            draw_top_activating(data),
            draw_density(data),
            draw_activation(data),
        ],
        "Downstream": [draw_probes(data)],
    }
    drawn = {title: [f for f in figures if f is not None] for title, figures in sections.items()}
    found = [Section(title + of, figures) for title, figures in drawn.items() if figures]
    detection = draw_detection(data, of)
    return found if detection is None else [*found, detection]


def draw_reconstructions(data: RunData) -> Figure | None:
    """Rows beside their reconstructions."""
    if not data.show_rows or data.encoded is None or data.view is None:
        return None
    x, x_hat = data.encoded.x, data.encoded.x_hat
    kind = data.view.kind
    if kind == "table":  # so that columns of different units can be compared
        x, x_hat = data.scale(x), data.scale(x_hat)
    hidden = len(data.view.columns) - row_plots.COLUMNS_SHOWN
    more = f" {hidden} columns with smaller errors are not shown." if hidden > 0 else ""
    how = {
        "image": "Each input with its reconstruction below it, from the smallest error to the "
        "largest.",
        "series": "Each input with its reconstruction over it, from the smallest error to the "
        "largest.",
        "table": f"A short line between input and output means a small error.{more}",
    }
    return Figure.of(
        row_plots.reconstructions(x, x_hat, data.encoded.errors, data.view, unit=data.unit),
        name="pairs",
        title="Held-out rows and their reconstructions",
        caption=f"{how[kind]} {OF_THE_DATA}",
        description=f"Held-out rows and their reconstructions, each as {KINDS[kind]}.",
    )


def draw_losses(data: RunData) -> Figure | None:
    """The loss and its parts over epochs."""
    history = data.run.history
    if "loss" not in history:
        return None
    last = [
        f"{name} {short(history[key][-1])}"
        for key, name in (("loss", "training"), ("val_loss", "held out"))
        if key in history
    ]
    return Figure.of(
        curves.losses(history),
        name="losses",
        title="The loss and its parts",
        caption=f"Lower is better. {_explain_parts(data)}{_explain_losses(data)}",
        description=f"Losses over {len(history['loss'])} epochs; the last: {', '.join(last)}.",
    )


def _explain_parts(data: RunData) -> str:
    """What the lines are of, where that does not follow from their names."""
    texts = []
    others = number(section(data.run.record, "rows").get("validation"))
    if others > 0:
        texts.append(f"The held-out line is of {others:.0f} other rows than those measured above. ")
    family = families.find(data.settings.get("sparsity"))
    if family is not None and family.by_count:
        texts.append("Codes by count have no penalty: that part of the loss keeps units in use. ")
    return "".join(texts)


def _explain_losses(data: RunData) -> str:
    """How to read the end of the curves, where the learning rate may fall to zero."""
    rises = "If the held-out loss rises, training ran too long."
    if "learning_rate" in (data.run.record.get("chosen") or ()):
        return (
            f"{rises} The learning rate falls to 0 at the end, which lowers the loss after a "
            "training of any length; a note above says if a longer one would come further."
        )
    return f"{rises} If it still falls, train longer; a note above says how much."


def draw_units(data: RunData) -> Figure | None:
    """The contribution of each unit to a reconstruction."""
    model, view = data.run.model, data.view
    if model is None or view is None:
        return None
    count = int(model.decoder.input_shape[-1])
    density = data.density
    if density is None or len(density) != count:
        density = np.full(count, np.nan)
    shown = unit_plots.order_by_use(density)[: unit_plots.MOST[view.kind]]
    try:
        effects = unit_plots.responses(model, shown.tolist(), scaled=view.kind == "table")
    except (ValueError, TypeError) as error:
        data.run.missing[MODEL] = f"cannot be drawn ({first_line(error)})"
        return None
    how = {
        "image": "The picture that each unit adds to a reconstruction: blue more, orange less.",
        "series": "The series that each unit adds to a reconstruction.",
        "table": f"The columns that each unit changes most: blue up, orange down (in {data.unit}).",
    }
    hidden = count - len(shown)
    rest = f" The {len(shown)} most active of {count} units are shown." if hidden else ""
    return Figure.of(
        unit_plots.units(effects, shown.tolist(), density[shown], view),
        name="units",
        title="Contribution of each unit",
        caption=f"{how[view.kind]}{rest} Above each unit are its number and the fraction of rows "
        "for which it is active. Each unit has its own scale.",
        description=f"Contributions of {len(shown)} of {count} units to a reconstruction, the "
        "most active first.",
    )


def draw_top_activating(data: RunData) -> Figure | None:
    """The rows with the codes of largest magnitude of the units that are active most often."""
    if not data.show_rows or data.encoded is None or data.view is None:
        return None
    encoded = data.encoded
    density = encoded.density if data.density is None else data.density
    alive = (encoded.density > 0) & (len(density) == len(encoded.density))
    ordered = [unit for unit in unit_plots.order_by_use(density).tolist() if alive[unit]]
    units = ordered[: TOP_UNITS[data.view.kind]]
    if not units:
        return None
    how = {
        "image": "The rows with the largest |code| of each unit, the largest first.",
        "series": "The rows with the largest |code| of each unit in gray, their mean in blue.",
        "table": "The columns in which the rows with the largest |code| of a unit differ most from "
        "the mean row.",
    }
    return Figure.of(
        top_activating.top_activating(
            encoded.x, encoded.codes, units, data.view, threshold=data.run.model.threshold
        ),
        name="top-activating",
        title="Top-activating rows of the most frequently active units",
        caption=f"{how[data.view.kind]} {OF_THE_DATA}",
        description=f"The top-activating held-out rows of {len(units)} units.",
    )


def draw_density(data: RunData) -> Figure | None:
    """A histogram of the fractions of rows for which units are active."""
    if data.density is None:
        return None
    dead = int((data.density <= 0).sum())
    always = int((data.density >= diagnosis.ALWAYS_ACTIVE).sum())
    counts = f"{dead} active for none of the held-out rows, {always} for all of them"
    in_training = dead - number(data.measures.get("dead_units"))
    if in_training > 0:
        counts = f"{counts}; {in_training:.0f} of the {dead} are active for training rows"
    typical = f"the median unit is active for {percent(float(np.median(data.density)))} of the rows"
    return Figure.of(
        unit_plots.density(data.density),
        name="density",
        title="How often units are active",
        caption=f"{counts}; {typical}. A single peak away from both ends is good.",
        description=f"Histogram over {len(data.density)} units: {counts}; {typical}.",
    )


def draw_activation(data: RunData) -> Figure | None:
    """The mean activation of units over epochs."""
    units = data.run.units
    if "mean_activation" not in units:
        return None
    target = diagnosis.target_rho(data.settings)
    rho = target if np.isfinite(target) else None
    last = short(float(np.mean(units["mean_activation"][-1])))
    return Figure.of(
        curves.activation(units["epoch"], units["mean_activation"], rho),
        name="activation",
        title="Mean activation over epochs",
        caption="The line is the mean over units; the dark band holds half of the units, the "
        "light one nine in ten." + ("" if rho is None else " The line should reach the dashed ρ."),
        description=f"Mean activation of units over epochs, {last} at the end"
        + ("." if rho is None else f"; the target is ρ = {rho:g}."),
    )


def draw_probes(data: RunData) -> Figure | None:
    """The accuracies of linear probes."""
    if not data.probes:
        return None
    errors = data.probe_errors
    accuracies = ", ".join(
        f"{name} {with_error(value, errors[name])}" for name, value in data.probes.items()
    )
    return Figure.of(
        probes.probes(data.probes, errors),
        name="probes",
        title="Accuracy of a linear probe",
        caption="Further right is better; a line is two standard errors long to each side. Codes "
        "that score as well as raw rows keep the information that the labels need. What an "
        "untrained encoder scores took no learning.",
        description=f"Accuracy of a linear probe: {accuracies}.",
    )
