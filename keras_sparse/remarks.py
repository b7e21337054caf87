"""What numbers mean, in words: a verdict, and what is wrong with its remedy."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_sparse.canvas import percent
from keras_sparse.folders import number, section

DEAD_SHARE, ALWAYS_SHARE, DENSE_SHARE = 0.05, 0.05, 0.5
PROBE_LOSS, RISE = 0.02, 1.1
LITTLE, GAP = 0.1, 2.0
STRENGTH = {"l1": "λ", "l2": "λ", "kl": "β"}
FINE = (
    "Nothing looks wrong: units are in use, none is always on, and the reconstruction is better "
    "than the mean of the rows."
)


def short(value: float, digits: int = 3) -> str:
    """A number as a person writes it; a dash where there is none."""
    return f"{value:.{digits}g}" if math.isfinite(value) else "–"


def share(value: float) -> str:
    """A number around 0 to 1 with three decimals."""
    return f"{value:.3f}" if math.isfinite(value) and abs(value) < 10 else short(value)


def penalty(settings: Mapping[str, Any]) -> str:
    """`L1, λ = 0.0001`."""
    family = settings.get("sparsity")
    if family == "none":
        return "no penalty"
    if family not in STRENGTH:
        return ""
    words = [str(family).upper()]
    if math.isfinite(strength := number(settings.get("strength"))):
        words.append(f"{STRENGTH[family]} = {strength:g}")
    if family == "kl" and math.isfinite(rho := number(settings.get("rho"))):
        words.append(f"ρ = {rho:g}")
    return ", ".join(words)


def verdict(measures: Mapping[str, Any]) -> str:
    """One sentence with the numbers that say whether it is any good."""
    explained, l0 = number(measures.get("explained_variance")), number(measures.get("l0"))
    rows, units = number(measures.get("rows")), number(measures.get("units"))
    if not math.isfinite(l0):
        return "This run holds no measures on held-out rows."
    code = f"With {short(l0)} of {units:.0f} units active per row, the code"
    if not math.isfinite(explained):
        return (
            f"{code} leaves no share of variance to name: the {rows:.0f} held-out rows have none."
        )
    if explained <= 0:
        return (
            f"{code} reconstructs {rows:.0f} held-out rows no better than their mean does "
            f"(explained variance {share(explained)})."
        )
    return f"{code} explains {percent(explained)} of the variance of {rows:.0f} held-out rows."


def facts(
    measures: Mapping[str, Any],
    settings: Mapping[str, Any],
    probes: Mapping[str, Any],
    threshold: float = 0.0,
) -> list[tuple[str, str, str]]:
    """Key numbers: name, number, what it is of."""
    if not math.isfinite(number(measures.get("l0"))):
        return []
    found = {name: number(value) for name, value in measures.items()}
    units, rows = found.get("units", math.nan), found.get("rows", math.nan)
    rho = number(settings.get("rho")) if settings.get("sparsity") == "kl" else math.nan
    mean = found.get("mean_activation", math.nan)
    facts = [
        ("Explained variance", share(found.get("explained_variance", math.nan)),
         f"on {rows:.0f} held-out rows; 1 is perfect"),
        ("Active per row (L0)", short(found["l0"]),
         f"of {units:.0f} units" + (f"; active is above {threshold:g}" if threshold else "")),
        ("Dead units", short(found.get("dead_units", math.nan)), f"of {units:.0f}"),
        ("Mean activation ρ̂", short(mean, 2),
         f"ρ = {rho:g} was asked for" if math.isfinite(rho) else "over rows and units"),
    ]  # fmt: skip
    raw, codes = number(probes.get("raw")), number(probes.get("codes"))
    if math.isfinite(codes):
        beside = f"raw rows: {share(raw)}" if math.isfinite(raw) else "accuracy"
        facts.append(("Linear probe on codes", share(codes), beside))
    return facts


def notes(
    measures: Mapping[str, Any],
    settings: Mapping[str, Any],
    probes: Mapping[str, Any],
    history: Mapping[str, np.ndarray],
    density: np.ndarray | None,
) -> list[str]:
    """What is wrong, each with the remedy."""
    strength = STRENGTH.get(str(settings.get("sparsity")), "strength")
    return [
        note
        for note in (
            _diverged(history),
            _worse_than_the_mean(measures, strength),
            _dead(measures, strength),
            _away_from_rho(measures, settings),
            _saturated(density),
            _dense(measures, strength),
            _overfitted(history),
            _unlike(history),
            _lost_labels(probes, strength),
            _few_rows(measures),
        )
        if note
    ]


def _diverged(history: Mapping[str, np.ndarray]) -> str:
    losses = history.get("loss", np.zeros(0))
    bad = np.flatnonzero(~np.isfinite(losses))
    return (
        f"The loss stopped being finite in epoch {bad[0] + 1}. Remedy: a smaller learning rate or "
        "strength."
        if len(bad)
        else ""
    )


def _worse_than_the_mean(measures: Mapping[str, Any], strength: str) -> str:
    explained = number(measures.get("explained_variance"))
    if not explained < LITTLE:
        return ""
    better = "no better" if explained <= 0 else "hardly better"
    return (
        f"The reconstruction is {better} than the mean of the rows: it explains {share(explained)} "
        f"of their variance. Remedy: more epochs, a smaller {strength}, another learning rate, or "
        "another normalization."
    )


def _dead(measures: Mapping[str, Any], strength: str) -> str:
    dead, units = number(measures.get("dead_units")), number(measures.get("units"))
    return (
        f"{dead:.0f} of {units:.0f} units are dead: active for none of the held-out rows. Remedy: "
        f"--revive (the callback ReviveDeadUnits), --warm-up (PenaltySchedule), a smaller "
        f"{strength}, or fewer units."
        if dead > DEAD_SHARE * units
        else ""
    )


def _away_from_rho(measures: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    if settings.get("sparsity") != "kl":
        return ""
    rho, mean = number(settings.get("rho")), number(measures.get("mean_activation"))
    if mean > 2 * rho:
        return (
            f"Units are active more than was asked for: ρ̂ is {short(mean, 2)}, ρ is {rho:g}. "
            "Remedy: a larger β, or more epochs."
        )
    if mean < rho / 2:
        return (
            f"Units are active less than was asked for: ρ̂ is {short(mean, 2)}, ρ is {rho:g}. "
            "Remedy: a larger β, or a smaller learning rate."
        )
    return ""


def _saturated(density: np.ndarray | None) -> str:
    if density is None or not len(density):
        return ""
    always = int((density >= 1).sum())
    return (
        f"{always} of {len(density)} units are active for every row: they say nothing about any. "
        "Remedy: a larger strength, or a normalization of the rows."
        if always > ALWAYS_SHARE * len(density)
        else ""
    )


def _dense(measures: Mapping[str, Any], strength: str) -> str:
    l0, units = number(measures.get("l0")), number(measures.get("units"))
    return (
        f"The codes are hardly sparse: {percent(l0 / units)} of the units are active per row. "
        f"Remedy: a larger {strength}."
        if l0 > DENSE_SHARE * units > 0
        else ""
    )


def _overfitted(history: Mapping[str, np.ndarray]) -> str:
    losses = history.get("val_reconstruction_loss", np.zeros(0))
    if not np.isfinite(losses).any():
        return ""
    best = int(np.nanargmin(losses))
    return (
        f"The held-out reconstruction was best in epoch {best + 1} and has become worse since. "
        "Remedy: fewer epochs, fewer units, or more rows."
        if losses[-1] > RISE * losses[best]
        else ""
    )


def _unlike(history: Mapping[str, np.ndarray]) -> str:
    """Held-out rows that are scaled by what they do not have in common with the others."""
    losses = [history.get(f"{name}reconstruction_loss", np.zeros(0)) for name in ("", "val_")]
    if not all(len(each) and math.isfinite(each[-1]) for each in losses):
        return ""
    trained, held_out = (float(each[-1]) for each in losses)
    return (
        f"Held-out rows come back {held_out / trained:.1f} times worse than those trained on. "
        "Remedy: more rows or fewer units; where some columns hardly ever move, --normalization "
        "minmax."
        if held_out > GAP * trained > 0
        else ""
    )


def _lost_labels(probes: Mapping[str, Any], strength: str) -> str:
    raw, codes = number(probes.get("raw")), number(probes.get("codes"))
    return (
        f"A linear probe reads labels worse from codes ({share(codes)}) than from raw rows "
        f"({share(raw)}). Remedy: more units, or a smaller {strength}."
        if codes < raw - PROBE_LOSS
        else ""
    )


def _few_rows(measures: Mapping[str, Any]) -> str:
    rows, units = number(measures.get("rows")), number(measures.get("units"))
    return (
        f"There are fewer held-out rows ({rows:.0f}) than units ({units:.0f}): these numbers, the "
        "dead units first, are rough. Remedy: more rows, or a larger share held out."
        if rows < units
        else ""
    )


def recommendation(record: Mapping[str, Any]) -> tuple[str | None, str]:
    """The point that a sweep recommends, and why."""
    found = section(dict(record), "recommendation")
    name, reason = found.get("point"), str(found.get("reason") or "").strip()
    reason = reason[:1].upper() + reason[1:]
    if reason and not reason.endswith((".", "!", "?")):
        reason += "."
    return (str(name) if name else None), reason
