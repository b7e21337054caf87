"""The rows of a linear probe: validated, and split into rows to fit on and rows to measure on."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from keras_sparse.data.arrays import DataError, numeric, require_rows
from keras_sparse.data.labels import as_labels
from keras_sparse.utils.text import list_some


class ProbeRows(NamedTuple):
    """Codes and their labels, and what else is given: what to compare with, and groups."""

    codes: np.ndarray
    labels: np.ndarray
    raw: np.ndarray | None
    untrained: np.ndarray | None
    groups: np.ndarray | None

    def take(self, index: np.ndarray) -> "ProbeRows":
        """The rows at some indices."""
        return self._replace(**{name: part[index] for name, part in self.given.items()})

    @property
    def given(self) -> dict[str, np.ndarray]:
        """The arrays that there are, by name."""
        return {name: part for name, part in self._asdict().items() if part is not None}


def require_probe_rows(
    codes: Any,
    labels: np.ndarray,
    raw: Any = None,
    untrained: Any = None,
    groups: Any = None,
    where: str = "",
) -> ProbeRows:
    """Validate rows and average codes over their positions.

    Raises:
        DataError: If an array has no rows of finite numbers, or not one for each label.
    """
    h = _mean_over_positions(_require_numbers(codes, labels, "codes", where))
    if raw is not None:
        raw = _require_numbers(raw, labels, "raw", where).reshape(len(h), -1)
    if untrained is not None:
        untrained = _mean_over_positions(_require_numbers(untrained, labels, "untrained", where))
    if groups is not None:
        groups = as_labels(groups, "groups")
        if len(groups) != len(labels):
            raise DataError(
                f"Invalid value for argument `groups`. Expected one for each of {len(labels)} "
                f"{where}rows. Received: {len(groups)}"
            )
    return ProbeRows(h, labels, raw, untrained, groups)


def _mean_over_positions(codes: np.ndarray) -> np.ndarray:
    return np.asarray(codes.mean(axis=tuple(range(1, codes.ndim - 1))))


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
        DataError: If they differ in columns or in the kind of their labels, or share a group.
    """
    groups = rows.groups
    if len(held_out) != len(rows.given):
        raise DataError(
            f"Invalid value for argument `held_out`. Expected ({', '.join(rows.given)}), as of the "
            f"other rows. Received: {len(held_out)} arrays"
        )
    parts = dict(zip(rows.given, held_out, strict=True))
    parts["labels"] = as_labels(parts["labels"])
    test = require_probe_rows(**parts, where="held-out ")
    expected, received = (
        {name: _kind(part) for name, part in each.given.items()} for each in (rows, test)
    )
    if expected != received:
        raise DataError(
            "Invalid value for argument `held_out`. Expected columns of codes, labels and all else "
            f"as of the other rows, {expected}. Received: {received}"
        )
    shared = set() if groups is None else {*groups.tolist()} & {*test.given["groups"].tolist()}
    if shared:
        raise DataError(
            "Invalid value for argument `held_out`. Expected rows of other groups. Received: "
            f"{list_some('group', sorted(shared))} on both sides"
        )
    return test


def _kind(part: np.ndarray) -> int | str:
    """The number of columns, or the kind of labels and groups."""
    if part.ndim == 1:
        return "strings" if part.dtype.kind == "U" else "numbers"
    return int(part.shape[1])


def split_folds(rows: ProbeRows, folds: int, seed: int) -> Iterator[tuple[ProbeRows, ProbeRows]]:
    """Split rows for a cross-validation stratified by class; rows of a group stay together.

    Raises:
        DataError: If a class has fewer rows, or rows of fewer groups, than there are folds.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    classes, counts = count_independent(rows.labels, rows.groups)
    counted = zip(classes.tolist(), counts.tolist(), strict=True)
    few = [f"{label!r} ({count})" for label, count in counted if count < folds]
    if few:
        unit = "rows" if rows.groups is None else "groups with rows"
        raise DataError(
            f"Expected at least {folds} {unit} of each class for {folds} folds. Received: fewer in "
            f"{list_some('label', few)}. Remedy: fewer `folds`, or `held_out`"
        )
    kind = StratifiedKFold if rows.groups is None else StratifiedGroupKFold
    splits = kind(folds, shuffle=True, random_state=seed)
    for train, test in splits.split(rows.codes, rows.labels, rows.groups):
        yield rows.take(train), rows.take(test)


def count_independent(
    labels: np.ndarray, groups: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the classes, and of each the number of rows, or of groups that have rows of it.

    Example:
        >>> count_independent(np.array([0, 0, 0, 1, 1]), np.array(["a", "a", "b", "a", "c"]))
        (array([0, 1]), array([2, 2]))
    """
    classes, labels = np.unique(labels, return_inverse=True)
    if groups is None:
        return classes, np.bincount(labels)
    pairs = np.unique([labels, np.unique(groups, return_inverse=True)[1]], axis=1)
    return classes, np.bincount(pairs[0])
