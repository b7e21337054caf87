"""Compare scores with the threshold of a bundle."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from keras_sparse_export.errors import BundleError


class Verdict(NamedTuple):
    """Scores of rows, the threshold of the bundle, and which rows raise an alarm."""

    score: np.ndarray
    """`(rows,)`, float32; one number for one row."""
    threshold: float
    """A row raises an alarm if its score is above."""
    alarm: np.ndarray
    """`(rows,)`, truth values; one for one row."""


def suggest(manifest: dict[str, Any] | None, options: str) -> str:
    """Return the remedy for a bundle that lacks reconstructions or what is computed of them.

    Args:
        manifest: Its manifest; `None` for a bare file.
        options: Arguments of the export that would add it.
    """
    if manifest is not None and "lengths" in manifest:
        return (
            ", which takes rows of several lengths and so has no decoder. Remedy: "
            f"export_encoder(..., {options}, free_length=False), for rows of one length"
        )
    return f". Remedy: export_encoder(..., {options}), of a model with a decoder"


def require_score(manifest: dict[str, Any] | None, path: Path, variant: str = "float32") -> None:
    """Raise if a bundle cannot score rows.

    Raises:
        BundleError: If it has no `score.onnx`, or no scores of that variant.
    """
    if manifest is None or "score.onnx" not in manifest["files"]:
        raise BundleError(
            f"Expected a bundle with scores. Received: {path}{suggest(manifest, 'score=True')}"
        )
    if variant != "float32" and f"score.{variant}.onnx" not in manifest["files"]:
        raise BundleError(
            "Expected a variant that scores rows: float32, or int8 where the export made it with "
            f"the scores. Received: variant={variant!r}, for {path}"
        )


def find_alarm(manifest: dict[str, Any], variant: str = "float32") -> dict[str, Any] | None:
    """Return the threshold of the scores of a variant that a bundle has, if it has one."""
    score = manifest["score"] if variant == "float32" else manifest["int8"]["score"]
    alarm: dict[str, Any] | None = score["alarm"]
    return alarm


def require_alarm(
    manifest: dict[str, Any] | None, path: Path, variant: str = "float32"
) -> dict[str, Any]:
    """Return the threshold of the score of a variant, as in the manifest.

    Raises:
        BundleError: If the bundle has none.
    """
    alarm = None
    if manifest is not None and "score" in manifest:
        require_score(manifest, path, variant)
        alarm = find_alarm(manifest, variant)
    if alarm is None:
        raise BundleError(
            f"Expected a bundle with a threshold of the score. Received: {path}"
            f"{suggest(manifest, 'score=True, calibration=rows')}"
        )
    return alarm


def judge(score: np.ndarray, alarm: dict[str, Any]) -> Verdict:
    """Compare scores with a threshold, a manifest's `alarm`."""
    threshold = float(alarm["threshold"])
    return Verdict(score, threshold, score > threshold)


def describe_score(score: dict[str, Any]) -> str:
    """Say in a few words what a bundle tells of a row, from a manifest's `score`."""
    alarm = score["alarm"]
    return "of each row, without a threshold" if alarm is None else describe_alarm(alarm)


def describe_alarm(alarm: dict[str, Any]) -> str:
    """Say in a few words what a threshold and its rate rest on, from a manifest's `alarm`."""
    units = f"{alarm['units']} {alarm['unit']}s"
    text = f"alarm above {alarm['threshold']:.4g}: "
    if (estimate := alarm["estimate"]) is None:
        return f"{text}false alarms at a rate of {alarm['false_alarm_rate']:g}, by {units}"
    low, high = estimate["thresholds"]
    return (
        f"{text}an estimate, since a rate of {alarm['false_alarm_rate']:g} needs "
        f"{estimate['needed']} {alarm['unit']}s and there are {alarm['units']}; without one of "
        f"them {low:.4g} to {high:.4g}, and alarms at a rate of {estimate['mean_rate']:.2g} in it"
    )
