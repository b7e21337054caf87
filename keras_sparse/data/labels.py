"""Validate the labels of rows."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_sparse.data.arrays import DataError, require_unmasked
from keras_sparse.utils import optional
from keras_sparse.utils.text import list_some, number


def as_labels(labels: Any, name: str = "labels") -> np.ndarray:
    """Convert labels to an array of numbers or strings.

    Raises:
        DataError: If they have another shape or type, or some are missing.
    """
    require_unmasked(labels, name)
    array = np.asarray(labels)
    if array.ndim != 1:
        raise DataError(
            f"Invalid shape of argument `{name}`. Expected (rows,). Received: {array.shape}"
        )
    values = array.tolist()
    missing = [row for row, value in enumerate(values) if value is None or value != value]
    if missing:
        raise DataError(
            f"Invalid value for argument `{name}`. Expected one for each row. Received: none "
            f"in {list_some('row', missing)}"
        )
    if array.dtype.kind == "O":  # columns of strings from tables
        array = np.array(values)
    if array.dtype.kind not in "biufU":
        raise DataError(
            f"Invalid dtype of argument `{name}`. Expected numbers or strings. Received: "
            f"{array.dtype}"
        )
    return array


def mark_faults(labels: Any, normal: Sequence[str] | None, remedy: str) -> np.ndarray | None:
    """Return which rows have a fault by the labels of others; `None` if no label is named.

    Args:
        labels: Labels of all rows, `None` if there are none.
        normal: As in `find_anomalous`, or `None`.
        remedy: What gives rows a label.

    Raises:
        DataError: If there are no labels, and as `find_anomalous`.
    """
    if normal is None:
        return None
    if labels is None:
        raise DataError(
            "Invalid value for argument `normal`. Expected it only with labels. Received: "
            f"normal={tuple(normal)}. Remedy: {remedy}"
        )
    return find_anomalous(labels, normal)


def find_anomalous(labels: Any, normal: Sequence[str]) -> np.ndarray:
    """Find the rows whose label is none of those without a fault.

    Args:
        labels: Labels of rows.
        normal: Labels of rows without a fault, as text; of numbers in any notation.

    Returns:
        `(rows,)`, truth values.

    Raises:
        DataError: If labels are missing, no row has one of `normal`, or all rows have one.

    Example:
        >>> find_anomalous(np.array([0, 2, 1, 0]), ["0", "1.0"]).tolist()
        [False, True, False, False]
    """
    array = as_labels(labels)
    classes, numbers = np.unique(array, return_inverse=True)
    known = np.zeros(len(classes), bool)
    for value in normal:
        same = np.array([str(each) == value for each in classes.tolist()])
        if array.dtype.kind in "iuf":
            same |= classes == number(value)
        if not same.any():
            raise DataError(
                f"Invalid value for argument `normal`. Expected labels of rows. Received: "
                f"{value!r}, which no row has. Remedy: one or several of the "
                f"{list_some('label', classes.tolist())}"
            )
        known |= same
    if known.all():
        raise DataError(
            "Invalid value for argument `normal`. Expected some of the labels: rows with another "
            f"one measure how well faults are detected. Received: all of them, {', '.join(normal)}"
        )
    return ~known[numbers.reshape(-1)]


def require_labels(labels: Any) -> np.ndarray:
    """Convert labels to an array; raise, before a training, unless a linear probe can use them.

    Raises:
        DataError: If some are missing, or they are no classes.
        ModuleNotFoundError: Without the extra `[insight]`.
    """
    optional.require("scikit-learn", " for the linear probe", "insight", module="sklearn")
    array = as_labels(labels)
    fractions = array.dtype.kind == "f" and (array != np.round(array)).any()
    classes = len(set(array.tolist()))
    if fractions or classes < 2 or classes > len(array) / 2:
        received = f"{classes} class{'es' * (classes != 1)} in {len(array)} rows"
        raise DataError(
            "Expected labels of at least two classes for the linear probe, with two rows for each "
            f"on average. Received: {'fractions' if fractions else received}. Remedy: train "
            "without labels, or choose another column"
        )
    return array
