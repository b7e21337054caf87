"""Measure how much codes tell a linear classifier: probes of all units, and of a few."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from keras_sparse.data.arrays import DataError
from keras_sparse.data.labels import require_labels
from keras_sparse.evaluation.probe_rows import (
    ProbeRows,
    require_held_out,
    require_probe_rows,
    split_folds,
)
from keras_sparse.utils.text import list_some

ITERATIONS = 10_000  # of L-BFGS at most, which needed 180 on 20,000 raw digits; beyond, it warns
ROUNDING = 1e-6  # relative to the largest singular value; smaller components are noise of float32


@dataclass(frozen=True)
class SparseProbe:
    """A probe of k units."""

    k: int
    """Number of units."""
    accuracy: float
    """Mean over the folds; each fold chooses its units on its own training rows."""
    units: tuple[int | str, ...]
    """The units chosen on all rows that are not held out, the best first."""


@dataclass(frozen=True)
class Probe:
    """Accuracies of logistic regressions on rows they were not fitted on."""

    codes: float
    """Accuracy on the whole code."""
    raw: float | None
    """Accuracy on the raw rows."""
    pca: float | None
    """Accuracy on as many principal components of the raw rows as the code has units."""
    chance: float
    """Accuracy of always predicting the most frequent class of the training rows."""
    sparse: tuple[SparseProbe, ...]
    """Probes of the best k units, for each k up to the number of units."""
    units: int
    """Width of the code."""
    components: int | None
    """Width of the PCA; less than `units` if the raw rows have fewer components."""
    classes: int
    """Number of classes."""
    rows: int
    """Number of rows that the accuracies were measured on, over all folds."""
    folds: int | None
    """Folds of the cross-validation; `None` if measured on held-out rows."""

    def as_dict(self) -> dict[str, Any]:
        """Return all fields for JSON, without those that were not measured."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def table(self) -> str:
        """Format the accuracies, a line each, with the number of rows and the standard error."""
        lines = [("chance", self.chance, "the most frequent class")]
        if self.raw is not None and self.pca is not None:
            lines.append(("raw rows", self.raw, ""))
            lines.append((f"PCA, {self.components}", self.pca, ""))
        lines.append((f"codes, {self.units}", self.codes, ""))
        for best in self.sparse:
            lines.append((f"best {best.k}", best.accuracy, list_some("unit", [*best.units])))
        width = max(len(name) for name, _, _ in lines)
        measured = f"{self.folds} folds" if self.folds else "held out"
        # The standard error of a fraction is largest at one half.
        error = 0.5 / self.rows**0.5
        return "\n".join(
            [
                *(f"{name:{width}}  {value:.3f}  {note}".rstrip() for name, value, note in lines),
                f"accuracy on {self.rows} rows, {measured}; standard error at most {error:.3f}",
            ]
        )


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
        codes: `(rows, ..., units)`. Each unit is averaged over the axes between, as steps or
            pixels; `codes.reshape(len(codes), -1)` keeps them apart.
        labels: A class for each row: integers, strings or booleans.
        raw: The encoded rows, for comparison with them and with their PCA. Scale columns of
            different units first: PCA takes them as they are.
        held_out: `(codes, labels)`, or `(codes, labels, raw)`, to measure on. By default the rows
            are cross-validated, stratified by class.
        folds: Number of folds of the cross-validation.
        names: Names of the units; by default their indices.
        k: Sizes of the sparse probes.
        seed: Seed of the folds.

    Raises:
        DataError: If arrays do not fit each other or hold NaN, the labels are fractions or of one
            class, or a class has fewer rows than there are folds.
        ValueError: If `folds` or `k` is out of range.
        ModuleNotFoundError: Without the extra `[insight]`.

    Example:
        >>> import numpy as np
        >>> from keras_sparse.evaluation import probe
        >>> labels = np.arange(100) % 2
        >>> codes = np.column_stack([np.zeros(100), labels + 0.1 * np.sin(np.arange(100))])
        >>> result = probe(codes, labels, names=["silent", "useful"], k=[1])
        >>> result.codes, result.chance, result.sparse[0].units
        (1.0, 0.5, ('useful',))

    Source: W. Gurnee et al., "Finding Neurons in a Haystack: Case Studies with Sparse Probing",
    2023, for k-sparse probes; F is one of the rankings compared there.
    """
    if folds < 2 or any(size < 1 for size in k):
        raise ValueError(
            "Invalid value for arguments `folds` and `k`. Expected at least 2 folds, and units "
            f"from 1. Received: folds={folds}, k={tuple(k)}"
        )
    rows = require_probe_rows(codes, require_labels(labels), raw)
    units = rows.codes.shape[1]
    if names is not None and len(names) != units:
        raise DataError(
            f"Invalid value for argument `names`. Expected one for each of {units} units. "
            f"Received: {len(names)}"
        )
    if held_out is None:
        splits = list(split_folds(rows, folds, seed))
    else:
        splits = [(rows, require_held_out(held_out, rows))]
    sizes = [size for size in sorted(set(k)) if size <= units]
    values: dict[Any, list[float]] = defaultdict(list)
    for train, test in splits:
        for name, value in _measures(train, test, sizes, seed):
            values[name].append(value)
    means = {name: float(np.mean(over_folds)) for name, over_folds in values.items()}
    ranked = [int(unit) for unit in np.argsort(-separation(rows.codes, rows.labels), kind="stable")]
    best = [unit if names is None else names[unit] for unit in ranked]
    return Probe(
        codes=means["codes"],
        raw=means.get("raw"),
        pca=means.get("pca"),
        chance=means["chance"],
        sparse=tuple(SparseProbe(size, means[size], tuple(best[:size])) for size in sizes),
        units=units,
        components=int(min(values["components"])) if raw is not None else None,
        classes=len(set(rows.labels.tolist())),
        rows=sum(len(test.codes) for _, test in splits),
        folds=folds if held_out is None else None,
    )


def separation(codes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Compute the fraction of each unit's variance that lies between the classes, η².

    It is 0 for a constant unit, and orders units as the F statistic of an analysis of variance.
    """
    standardized, _ = _standardize(codes, codes)
    parts = (standardized[labels == label] for label in np.unique(labels))
    between = sum(len(part) * part.mean(axis=0) ** 2 for part in parts)
    return np.asarray(between / len(codes))


# Measures --------------------------------------------------------------------------------------


def _measures(
    train: ProbeRows, test: ProbeRows, sizes: list[int], seed: int
) -> Iterator[tuple[str | int, float]]:
    """Yield accuracies on `test` by name, or by k, and the number of PCA components."""

    def accuracy(x: np.ndarray, x_test: np.ndarray) -> float:
        return _accuracy(x, train.labels, x_test, test.labels)

    classes, counts = np.unique(train.labels, return_counts=True)
    yield "chance", float(np.mean(test.labels == classes[counts.argmax()]))
    x, x_test = _standardize(train.codes, test.codes)
    yield "codes", accuracy(x, x_test)
    best = np.argsort(-separation(train.codes, train.labels), kind="stable")
    for size in sizes:
        yield size, accuracy(x[:, best[:size]], x_test[:, best[:size]])
    if train.raw is not None and test.raw is not None:
        yield "raw", accuracy(*_standardize(train.raw, test.raw))
        x, x_test = _components(train.raw, test.raw, train.codes.shape[1], seed)
        yield "components", x.shape[1]
        yield "pca", accuracy(*_standardize(x, x_test))


def _accuracy(
    x: np.ndarray, labels: np.ndarray, x_test: np.ndarray, test_labels: np.ndarray
) -> float:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(max_iter=ITERATIONS).fit(x, labels)
    return float(np.mean(model.predict(x_test) == test_labels))


def _standardize(x: np.ndarray, x_test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(x)
    return scaler.transform(x), scaler.transform(x_test)


def _components(
    x: np.ndarray, x_test: np.ndarray, width: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Compute principal components, without rounding errors, which a scaler would blow up."""
    from sklearn.decomposition import PCA

    with np.errstate(invalid="ignore"):  # fractions of a variance of zero
        pca = PCA(min(width, *x.shape), random_state=seed).fit(x)
    kept = pca.singular_values_ >= ROUNDING * pca.singular_values_.max()
    return pca.transform(x)[:, kept], pca.transform(x_test)[:, kept]
