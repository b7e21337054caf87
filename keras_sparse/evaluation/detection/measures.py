"""Measures of how well a score tells rows with a fault from others. scikit-learn computes them."""

from typing import NamedTuple

import numpy as np

from keras_sparse.utils import optional

MAX_FPR = 0.1
"""Largest rate of false alarms that the partial AUC looks at."""


class Measures(NamedTuple):
    """What a score, and its alarms above a threshold, are worth."""

    auc: float
    """Probability that a row with a fault has a higher score than one without; 0.5 is chance."""
    partial_auc: float
    """The area up to a rate of false alarms of 0.1, standardised so that 0.5 is chance and 1
    perfect."""
    average_precision: float
    """The mean precision over recalls; chance is the fraction of rows with a fault."""
    f1: float
    """`2 TP / (2 TP + FP + FN)` of the alarms."""
    detected: float
    """Fraction of the rows with a fault that raise an alarm."""
    false_alarms: float
    """Fraction of the other rows that raise an alarm."""


def require_sklearn() -> None:
    """Raise unless scikit-learn is installed.

    Raises:
        ModuleNotFoundError: If it is not.
    """
    optional.require(
        "scikit-learn", ", which measures how well faults are detected", "insight", module="sklearn"
    )


def measure(scores: np.ndarray, faulty: np.ndarray, threshold: float) -> Measures:
    """Measure a score, and its alarms: the rows whose score is above the threshold.

    The partial AUC is standardised after D. K. McClish, "Analyzing a Portion of the ROC Curve",
    Medical Decision Making, 1989.

    Args:
        scores: Scores, `(rows,)`, high where a row is unlike those without a fault.
        faulty: Which rows have a fault, `(rows,)`, some but not all.
        threshold: Threshold of the score.

    Raises:
        ModuleNotFoundError: Without scikit-learn.

    Example:
        >>> found = measure(np.array([1.0, 2, 3, 4]), np.array([False, False, True, True]), 3.5)
        >>> found.auc, found.detected, found.false_alarms
        (1.0, 0.5, 0.0)
    """
    require_sklearn()
    from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

    alarms = scores > threshold
    return Measures(
        float(roc_auc_score(faulty, scores)),
        float(roc_auc_score(faulty, scores, max_fpr=MAX_FPR)),
        float(average_precision_score(faulty, scores)),
        float(f1_score(faulty, alarms, zero_division=0.0)),
        float(alarms[faulty].mean()),
        float(alarms[~faulty].mean()),
    )
