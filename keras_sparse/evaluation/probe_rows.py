"""The rows of a linear probe: validated, and split into rows to fit on and rows to measure on."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from keras_sparse.data.arrays import DataError, numeric, require_rows
from keras_sparse.data.labels import as_labels
from keras_sparse.utils.text import list_some


class ProbeRows(NamedTuple):
    """Codes with their labels, and the raw rows where they are compared."""

    codes: np.ndarray
    labels: np.ndarray
    raw: np.ndarray | None

    def take(self, index: np.ndarray) -> "ProbeRows":
        """The rows at some indices."""
        raw = None if self.raw is None else self.raw[index]
        return ProbeRows(self.codes[index], self.labels[index], raw)


def require_probe_rows(codes: Any, labels: np.ndarray, raw: Any, where: str = "") -> ProbeRows:
    """Validate rows and average codes over their positions.

    Raises:
        DataError: If an array has no rows of finite numbers, or not one for each label.
    """
    h = _require_numbers(codes, labels, "codes", where)
    h = h.mean(axis=tuple(range(1, h.ndim - 1)))
    if raw is None:
        return ProbeRows(h, labels, None)
    return ProbeRows(h, labels, _require_numbers(raw, labels, "raw", where).reshape(len(h), -1))


def _require_numbers(x: Any, labels: np.ndarray, name: str, where: str) -> np.ndarray:
    array = numeric(x, name)
    if array.ndim < 2:
        raise DataError(
            f"Invalid shape of argument `{name}`. Expected (rows, ..., features). Received: "
            f"{array.shape}"
        )
    require_rows(array, array.shape[1:], name=name)
    if len(array) != len(labels):
        raise DataError(
            f"Invalid value for argument `labels`. Expected one for each of {len(array)} {where}"
            f"rows of `{name}`. Received: {len(labels)}"
        )
    return np.asarray(array, np.float64)


def require_held_out(held_out: Sequence[Any], rows: ProbeRows) -> ProbeRows:
    """Validate rows to measure on, which must have the columns of those to fit on.

    Raises:
        DataError: If they differ in columns or in the kind of their labels.
    """
    if len(held_out) != (2 if rows.raw is None else 3):
        raise DataError(
            "Invalid value for argument `held_out`. Expected (codes, labels), and raw rows with "
            f"`raw` alone. Received: {len(held_out)} arrays"
        )
    raw = held_out[2] if len(held_out) == 3 else None
    test = require_probe_rows(held_out[0], as_labels(held_out[1]), raw, where="held-out ")
    expected, received = (
        [
            part.codes.shape[1],
            0 if part.raw is None else part.raw.shape[1],
            "strings" if part.labels.dtype.kind == "U" else "numbers",
        ]
        for part in (rows, test)
    )
    if expected != received:
        raise DataError(
            "Invalid value for argument `held_out`. Expected columns of codes, columns of raw "
            f"rows and labels as of the other rows, {expected}. Received: {received}"
        )
    return test


def split_folds(rows: ProbeRows, folds: int, seed: int) -> Iterator[tuple[ProbeRows, ProbeRows]]:
    """Split rows for a cross-validation stratified by class.

    Raises:
        DataError: If a class has fewer rows than there are folds.
    """
    from sklearn.model_selection import StratifiedKFold

    classes, counts = np.unique(rows.labels, return_counts=True)
    counted = zip(classes.tolist(), counts.tolist(), strict=True)
    few = [f"{label!r} ({count})" for label, count in counted if count < folds]
    if few:
        raise DataError(
            f"Expected at least {folds} rows of each class for {folds} folds. Received: fewer in "
            f"{list_some('label', few)}. Remedy: fewer `folds`, or `held_out`"
        )
    splits = StratifiedKFold(folds, shuffle=True, random_state=seed)
    for train, test in splits.split(rows.codes, rows.labels):
        yield rows.take(train), rows.take(test)
