"""What the codes are worth to a classifier: linear probes, and probes of a few units."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

from keras_sparse import extras
from keras_sparse.data import DataError, as_labels, listed, numeric, require_rows

ITERATIONS = 10_000  # of L-BFGS, which needed 180 on 20,000 raw digits; more would warn
ROUNDING = 1e-6  # of the largest singular value: components below are noise of float32


@dataclass(frozen=True)
class SparseProbe:
    """A probe that sees k units alone."""

    k: int
    """Units that it sees."""
    accuracy: float
    """Mean over the folds, each with the units that its own training rows choose."""
    units: tuple[int | str, ...]
    """The units chosen by all rows that are not held out, the best first."""


@dataclass(frozen=True)
class Probe:
    """Accuracies of logistic regressions on rows that they were not fitted on."""

    codes: float
    """On the whole code."""
    raw: float | None
    """On the raw rows."""
    pca: float | None
    """On as many principal components of the raw rows as the code has units."""
    chance: float
    """Of always answering the most frequent class of the training rows."""
    sparse: tuple[SparseProbe, ...]
    """On the best k units, for each k that the code has units for."""
    units: int
    """Width of the code."""
    components: int | None
    """Width of the PCA: less than `units` where the raw rows have no more components."""
    classes: int
    """Classes of the labels."""
    rows: int
    """Rows that the accuracies were measured on, over all folds."""
    folds: int | None
    """Folds of the cross-validation; `None` on rows held out."""

    def as_dict(self) -> dict[str, Any]:
        """All of it for JSON; what was not measured is left out."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def table(self) -> str:
        """The accuracies, a line each, with the rows that they rest on."""
        lines = [("chance", self.chance, "the most frequent class")]
        if self.raw is not None and self.pca is not None:
            lines.append(("raw rows", self.raw, ""))
            lines.append((f"PCA, {self.components}", self.pca, ""))
        lines.append((f"codes, {self.units}", self.codes, ""))
        for found in self.sparse:
            lines.append((f"best {found.k}", found.accuracy, listed("unit", [*found.units])))
        width = max(len(name) for name, _, _ in lines)
        measured = f"{self.folds} folds" if self.folds else "held out"
        # The standard error of a share is largest at one half.
        error = 0.5 / self.rows**0.5
        return "\n".join(
            [
                *(f"{name:{width}}  {value:.3f}  {note}".rstrip() for name, value, note in lines),
                f"accuracy on {self.rows} rows, {measured}; standard error at most {error:.3f}",
            ]
        )


class _Rows(NamedTuple):
    """Rows to fit on, or to measure on."""

    codes: np.ndarray
    labels: np.ndarray
    raw: np.ndarray | None

    def part(self, index: np.ndarray) -> "_Rows":
        raw = None if self.raw is None else self.raw[index]
        return _Rows(self.codes[index], self.labels[index], raw)


def probe(
    codes: Any,
    labels: Any,
    *,
    raw: Any = None,
    held_out: Sequence[Any] | None = None,
    folds: int = 5,
    names: Sequence[str] | None = None,
    k: Sequence[int] = (1, 2, 5),
    seed: int = 0,
) -> Probe:
    """Measure how well a linear classifier reads labels off the codes.

    The classifier is scikit-learn's `LogisticRegression` behind a `StandardScaler`. A k-sparse
    probe sees the k units that separate the classes best, each judged alone by its ANOVA F.
    Scaler, components and units are chosen on the rows that the classifier is fitted on.

    Args:
        codes: `(rows, ..., units)`. Over axes between, steps or pixels, a unit is averaged;
            `codes.reshape(len(codes), -1)` keeps them apart.
        labels: A class for each row: integers, strings or booleans.
        raw: The rows that were encoded, for comparison with them and with their PCA. Where
            columns are of different units, give them scaled: PCA takes them as they are.
        held_out: `(codes, labels)`, or `(codes, labels, raw)`, to measure on. By default the rows
            are cross-validated, stratified by class.
        folds: Of the cross-validation.
        names: Of the units; by default their indices.
        k: Sizes of the sparse probes.
        seed: Of the folds.

    Raises:
        DataError: If arrays do not fit each other or hold NaN, the labels are fractions or of one
            class, or a class has fewer rows than there are folds.
        ValueError: If `folds` or `k` is out of range.
        ModuleNotFoundError: Without the extra `[insight]`.

    Example:
        >>> import numpy as np
        >>> from keras_sparse.probes import probe
        >>> labels = np.arange(100) % 2
        >>> codes = np.column_stack([np.zeros(100), labels + 0.1 * np.sin(np.arange(100))])
        >>> found = probe(codes, labels, names=["silent", "told"], k=[1])
        >>> found.codes, found.chance, found.sparse[0].units
        (1.0, 0.5, ('told',))

    Source: W. Gurnee et al., "Finding Neurons in a Haystack: Case Studies with Sparse Probing",
    2023, for k-sparse probes; F is one of the rankings compared there.
    """
    if folds < 2 or any(size < 1 for size in k):
        raise ValueError(
            "Invalid value for arguments `folds` and `k`. Expected at least 2 folds, and units "
            f"from 1. Received: folds={folds}, k={tuple(k)}"
        )
    rows = _checked(codes, require_labels(labels), raw)
    units = rows.codes.shape[1]
    if names is not None and len(names) != units:
        raise DataError(
            f"Invalid value for argument `names`. Expected one for each of {units} units. "
            f"Received: {len(names)}"
        )
    if held_out is None:
        splits = list(_folds(rows, folds, seed))
    else:
        splits = [(rows, _held_out(held_out, rows))]
    sizes = [size for size in sorted(set(k)) if size <= units]
    found: dict[Any, list[float]] = defaultdict(list)
    for train, test in splits:
        for name, value in _measures(train, test, sizes, seed):
            found[name].append(value)
    means = {name: float(np.mean(values)) for name, values in found.items()}
    ranked = [int(unit) for unit in np.argsort(-separation(rows.codes, rows.labels), kind="stable")]
    best = [unit if names is None else names[unit] for unit in ranked]
    return Probe(
        codes=means["codes"],
        raw=means.get("raw"),
        pca=means.get("pca"),
        chance=means["chance"],
        sparse=tuple(SparseProbe(size, means[size], tuple(best[:size])) for size in sizes),
        units=units,
        components=int(min(found["components"])) if raw is not None else None,
        classes=len(set(rows.labels.tolist())),
        rows=sum(len(test.codes) for _, test in splits),
        folds=folds if held_out is None else None,
    )


def require_labels(labels: Any) -> np.ndarray:
    """Labels as an array, once it is sure that `probe` can serve them.

    Before a training is spent on them.

    Raises:
        DataError: If some are missing, or they are no classes.
        ModuleNotFoundError: Without the extra `[insight]`.
    """
    extras.require("scikit-learn", " for the linear probe", "insight", module="sklearn")
    array = as_labels(labels)
    fractions = array.dtype.kind == "f" and (array != np.round(array)).any()
    classes = len(set(array.tolist()))
    if fractions or classes < 2 or classes > len(array) / 2:
        found = f"{classes} class{'es' * (classes != 1)} in {len(array)} rows"
        raise DataError(
            "Expected labels of at least two classes for the linear probe, with two rows for each "
            f"on average. Received: {'fractions' if fractions else found}. Remedy: train without "
            "labels, or name another column"
        )
    return array


def separation(codes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The share of each unit's variance that lies between the classes, η², 0 of a constant one.

    It orders units as the F statistic of an analysis of variance does.
    """
    standardized, _ = _standardized(codes, codes)
    parts = (standardized[labels == label] for label in np.unique(labels))
    between = sum(len(part) * part.mean(axis=0) ** 2 for part in parts)
    return np.asarray(between / len(codes))


# Checks ----------------------------------------------------------------------------------------


def _checked(codes: Any, labels: np.ndarray, raw: Any, where: str = "") -> _Rows:
    h = _numbers(codes, labels, "codes", where)
    h = h.mean(axis=tuple(range(1, h.ndim - 1)))
    if raw is None:
        return _Rows(h, labels, None)
    return _Rows(h, labels, _numbers(raw, labels, "raw", where).reshape(len(h), -1))


def _numbers(x: Any, labels: np.ndarray, name: str, where: str) -> np.ndarray:
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


def _held_out(given: Sequence[Any], rows: _Rows) -> _Rows:
    """Rows to measure on, as those to fit on."""
    if len(given) != (2 if rows.raw is None else 3):
        raise DataError(
            "Invalid value for argument `held_out`. Expected (codes, labels), and raw rows with "
            f"`raw` alone. Received: {len(given)} arrays"
        )
    raw = given[2] if len(given) == 3 else None
    test = _checked(given[0], as_labels(given[1]), raw, where="held-out ")
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


def _folds(rows: _Rows, folds: int, seed: int) -> Iterator[tuple[_Rows, _Rows]]:
    from sklearn.model_selection import StratifiedKFold

    classes, counts = np.unique(rows.labels, return_counts=True)
    counted = zip(classes.tolist(), counts.tolist(), strict=True)
    few = [f"{label!r} ({count})" for label, count in counted if count < folds]
    if few:
        raise DataError(
            f"Expected at least {folds} rows of each class for {folds} folds. Received: fewer in "
            f"{listed('label', few)}. Remedy: fewer `folds`, or `held_out`"
        )
    splits = StratifiedKFold(folds, shuffle=True, random_state=seed)
    for train, test in splits.split(rows.codes, rows.labels):
        yield rows.part(train), rows.part(test)


# Measures --------------------------------------------------------------------------------------


def _measures(
    train: _Rows, test: _Rows, sizes: list[int], seed: int
) -> Iterator[tuple[str | int, float]]:
    """Accuracies on `test` by name, of sparse probes by k; and how many components PCA has."""

    def accuracy(x: np.ndarray, x_test: np.ndarray) -> float:
        return _accuracy(x, train.labels, x_test, test.labels)

    classes, counts = np.unique(train.labels, return_counts=True)
    yield "chance", float(np.mean(test.labels == classes[counts.argmax()]))
    x, x_test = _standardized(train.codes, test.codes)
    yield "codes", accuracy(x, x_test)
    best = np.argsort(-separation(train.codes, train.labels), kind="stable")
    for size in sizes:
        yield size, accuracy(x[:, best[:size]], x_test[:, best[:size]])
    if train.raw is not None and test.raw is not None:
        yield "raw", accuracy(*_standardized(train.raw, test.raw))
        x, x_test = _components(train.raw, test.raw, train.codes.shape[1], seed)
        yield "components", x.shape[1]
        yield "pca", accuracy(*_standardized(x, x_test))


def _accuracy(
    x: np.ndarray, labels: np.ndarray, x_test: np.ndarray, test_labels: np.ndarray
) -> float:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(max_iter=ITERATIONS).fit(x, labels)
    return float(np.mean(model.predict(x_test) == test_labels))


def _standardized(x: np.ndarray, x_test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(x)
    return scaler.transform(x), scaler.transform(x_test)


def _components(
    x: np.ndarray, x_test: np.ndarray, width: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Principal components, without those that are rounding errors: a scaler would blow them up."""
    from sklearn.decomposition import PCA

    with np.errstate(invalid="ignore"):  # shares of no variance at all
        pca = PCA(min(width, *x.shape), random_state=seed).fit(x)
    kept = pca.singular_values_ >= ROUNDING * pca.singular_values_.max()
    return pca.transform(x)[:, kept], pca.transform(x_test)[:, kept]
