"""Sum up a run or a sweep: a verdict, key numbers, a recommendation."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from keras_sparse.evaluation.baselines import TITLES
from keras_sparse.evaluation.faults import describe_faults
from keras_sparse.metrics.diagnosis import target_rho
from keras_sparse.metrics.run_diagnosis import find_pca
from keras_sparse.report.page import Fact
from keras_sparse.sparsity import families
from keras_sparse.utils.text import fraction, number, percent, section, short, with_error

PROBES = {
    "raw": "raw rows",
    "untrained": "untrained encoder",
    "chance": "chance",
    "balanced": "balanced over classes",
}
"""Names of the accuracies beside that on codes, by the name in records."""


def praise(measures: Mapping[str, Any], probes: Mapping[str, Any], baselines: Iterable[Any]) -> str:
    """Say what codes without problems are better at than what costs nothing, if at anything."""
    explained, l0 = find_pca(baselines)
    codes = number(measures.get("explained_by_active"))
    probed, raw, untrained = (number(probes.get(name)) for name in ("codes", "raw", "untrained"))
    other, name = (untrained, "an untrained encoder") if untrained > raw else (raw, "raw rows")
    compared = (
        ("explain", codes, explained, f"the {l0:g} largest scores of a PCA"),
        ("tell a linear classifier", probed, other, name),
    )
    more, no_more = [], []  # of what was measured
    for verb, own, others, what in compared:
        numbers = f"{what} ({fraction(own)} against {fraction(others)})"
        if own > others:
            more.append(f"{verb} more than {numbers}")
        elif own <= others:
            no_more.append(f"{verb} no more than {numbers}")
    told = " and ".join(more or no_more)
    return f"No problems found. The codes {told}." if told else "No problems found."


def verdict(measures: Mapping[str, Any]) -> str:
    """Judge a run in one sentence, by its sparsity and its reconstruction."""
    explained, l0 = number(measures.get("explained_variance")), number(measures.get("l0"))
    rows, units = number(measures.get("rows")), number(measures.get("units"))
    if not math.isfinite(l0):
        return "This run has no measures on held-out rows."
    code = f"With {short(l0)} of {units:.0f} units active per row, the code"
    if not math.isfinite(explained):
        return f"{code} has no explained variance: the {rows:.0f} held-out rows do not vary."
    if explained <= 0:
        return (
            f"{code} reconstructs {rows:.0f} held-out rows no better than their mean does "
            f"(explained variance {fraction(explained)})."
        )
    return f"{code} explains {percent(explained)} of the variance of {rows:.0f} held-out rows."


def facts(
    measures: Mapping[str, Any],
    settings: Mapping[str, Any],
    probes: Mapping[str, Any],
    threshold: float = 0.0,
    baselines: Iterable[Any] = (),
    validated: Any = None,
    faults: Mapping[str, Any] | None = None,
) -> list[Fact]:
    """List the key numbers of a run; none where it was not measured.

    Args:
        measures: Of the held-out rows.
        settings: Of the run.
        probes: Accuracies of linear probes, as in the record.
        threshold: τ of the model.
        baselines: Records of what the codes are compared with at their L0.
        validated: Number of other rows that set the thresholds; 0 if the measured rows did.
        faults: How often errors name the column of a fault, as in the record.
    """
    names = ("l0", "units", "rows", "explained_variance", "dead_units", "mean_activation")
    values = {name: number(measures.get(name)) for name in names}
    if not math.isfinite(values["l0"]):
        return []
    units, rho = values["units"], target_rho(settings)
    active = f"; active means |code| > {threshold:g}" if threshold else ""
    target = number(settings.get("l0"))
    asked = f"; asked for {target:g}{_describe_aim(settings, number(validated))}"
    asked = asked if math.isfinite(target) else ""
    facts = [
        Fact(
            "Explained variance",
            fraction(values["explained_variance"]),
            f"on {values['rows']:.0f} held-out rows; 1 is perfect{_compare(baselines)}",
        ),
        Fact("Active per row (L0)", short(values["l0"]), f"of {units:.0f} units{active}{asked}"),
        Fact(
            "Dead units",
            short(values["dead_units"]),
            f"of {units:.0f}: active for no row, held out or trained on",
        ),
        Fact(
            "Mean activation ρ̂",
            short(values["mean_activation"], 2),
            f"target ρ = {rho:g}" if math.isfinite(rho) else "over rows and units",
        ),
    ]
    if math.isfinite(codes := number(probes.get("codes"))):
        error = section(probes, "standard_errors").get("codes")
        facts.append(Fact("Linear probe on codes", with_error(codes, error), _list_others(probes)))
    if faults:
        named = percent(number(faults.get("named")))
        facts.append(Fact("Faults named by errors", named, describe_faults(faults)))
    return facts


def _describe_aim(settings: Mapping[str, Any], validated: float) -> str:
    """Say on which rows codes were brought to the L0 asked for; empty if that is not known."""
    if math.isnan(validated):
        return ""
    family = families.find(settings.get("sparsity"))
    what = "the threshold" if family is not None and family.by_count else "the strength"
    where = f"{validated:.0f} other held-out rows" if validated else "these rows themselves"
    return f"; {what} was set on {where}"


def _list_others(probes: Mapping[str, Any]) -> str:
    """Name what the accuracy on codes is compared with."""
    others = {name: number(probes.get(key)) for key, name in PROBES.items()}
    named = [f"{name}: {fraction(value)}" for name, value in others.items() if math.isfinite(value)]
    return "; ".join(named) or "accuracy"


def _compare(baselines: Iterable[Any]) -> str:
    """Name the explained variance of each baseline."""
    found = []
    for entry in baselines:
        if isinstance(entry, Mapping) and entry.get("kind") in TITLES:
            explained = number(section(entry, "evaluation").get("explained_variance"))
            seconds = number(entry.get("seconds"))
            took = f" in {seconds:.0f} s" if entry["kind"] == "learned" and seconds >= 1 else ""
            l0 = short(number(entry.get("l0")))
            found.append(f"; {TITLES[entry['kind']]} {l0}: {fraction(explained)}{took}")
    return "".join(found)


def recommendation(record: Mapping[str, Any]) -> tuple[str | None, str]:
    """Read the recommended point of a sweep, and the reason as a sentence."""
    entry = section(record, "recommendation")
    name, reason = entry.get("point"), str(entry.get("reason") or "").strip()
    reason = reason[:1].upper() + reason[1:]
    if reason and not reason.endswith((".", "!", "?")):
        reason += "."
    return (str(name) if name else None), reason
