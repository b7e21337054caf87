"""Measure how much codes tell a linear classifier: probes of all units, and of a few."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from keras_sparse.data.arrays import DataError
from keras_sparse.data.labels import require_labels
from keras_sparse.evaluation.probe_result import Probe, SparseProbe
from keras_sparse.evaluation.probe_rows import (
    ProbeRows,
    require_held_out,
    require_probe_rows,
    split_folds,
)

ITERATIONS = 10_000  # of L-BFGS at most, which needed 180 on 20,000 raw digits; beyond, it warns
IMBALANCE = 1.5  # ratio of the largest class to its even share, above which classes are imbalanced
ROUNDING = 1e-6  # relative to the largest singular value; smaller components are noise of float32


def probe(
    codes: Any,
    labels: Any,
    *,
    raw: Any = None,
    untrained: Any = None,
    groups: Any = None,
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
        untrained: Codes of an encoder that was not trained, for comparison: as wide, and with the
            same L0. `RandomEncoder` is one.
        groups: The group of each row, as a subject: its rows are either fitted on or measured on,
            and standard errors are those of independent groups.
        held_out: `(codes, labels)` to measure on, and after them `raw`, `untrained` and `groups`,
            each if it is given for the other rows. By default the rows are cross-validated,
            stratified by class.
        folds: Number of folds of the cross-validation.
        names: Names of the units; by default their indices.
        k: Sizes of the sparse probes.
        seed: Seed of the folds.

    Raises:
        DataError: If arrays do not fit each other or hold NaN, the labels are fractions or of one
            class, a class has fewer rows (or groups) than there are folds, or a group has rows on
            both sides.
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
    rows = require_probe_rows(codes, require_labels(labels), raw, untrained, groups)
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
    found: dict[Any, list[np.ndarray]] = defaultdict(list)
    for train, test in splits:
        for name, hits in _measure(train, test, sizes, seed):
            found[name].append(hits)
    values = {name: np.concatenate(over_folds) for name, over_folds in found.items()}
    components = values.pop("components", None)
    tested = [test.given for _, test in splits]
    test_labels = np.concatenate([test["labels"] for test in tested])
    test_groups = None if groups is None else np.concatenate([test["groups"] for test in tested])
    means = {name: float(hits.mean()) for name, hits in values.items()}
    if raw is not None:
        values["difference"] = values["codes"] - values["raw"]
    errors = {
        name: error
        for name, hits in values.items()
        if (error := standard_error(hits, test_groups)) is not None
    }
    ranked = [int(unit) for unit in np.argsort(-separation(rows.codes, rows.labels), kind="stable")]
    best = [unit if names is None else names[unit] for unit in ranked]
    return Probe(
        codes=means["codes"],
        chance=means["chance"],
        units=units,
        classes=len(set(rows.labels.tolist())),
        rows=len(test_labels),
        raw=means.get("raw"),
        pca=means.get("pca"),
        untrained=means.get("untrained"),
        balanced=_balanced(values["codes"], test_labels),
        components=None if components is None else int(components.min()),
        sparse=tuple(
            SparseProbe(size, means[size], tuple(best[:size]), errors.get(size)) for size in sizes
        ),
        folds=folds if held_out is None else None,
        groups=None if test_groups is None else len(np.unique(test_groups)),
        standard_errors={
            name: errors[name]
            for name in ("codes", "raw", "pca", "untrained", "difference")
            if name in errors
        },
    )


def separation(codes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Compute the fraction of each unit's variance that lies between the classes, η².

    It is 0 for a constant unit, and orders units as the F statistic of an analysis of variance.
    """
    standardized, _ = _standardize(codes, codes)
    parts = (standardized[labels == label] for label in np.unique(labels))
    between = sum(len(part) * part.mean(axis=0) ** 2 for part in parts)
    return np.asarray(between / len(codes))


def standard_error(values: np.ndarray, groups: np.ndarray | None = None) -> float | None:
    """Compute the standard error of a mean over rows; `None` if fewer than two are independent.

    Rows of a group are not independent of each other. Where groups are equally large, it is the
    standard error of the mean of the group means.

    Args:
        values: One for each row, `(rows,)`, such as whether a classifier was right.
        groups: The group of each row; by default each row is one of its own.

    Example:
        >>> round(standard_error(np.array([1, 0, 1, 0, 1])), 4)
        0.2449

    Source: W. G. Cochran, "Sampling Techniques", 1977, on proportions in cluster sampling.
    """
    deviations = values - values.mean()
    if groups is not None:
        deviations = np.bincount(np.unique(groups, return_inverse=True)[1], deviations)
    count = len(deviations)
    if count < 2:
        return None
    return float((count / (count - 1) * np.square(deviations).sum()) ** 0.5 / len(values))


# Measures --------------------------------------------------------------------------------------


def _measure(
    train: ProbeRows, test: ProbeRows, sizes: list[int], seed: int
) -> Iterator[tuple[str | int, np.ndarray]]:
    """Yield for each row of `test` whether it was classified right, by name, or by k.

    With raw rows, the number of PCA components is yielded too.
    """

    def hits(x: np.ndarray, x_test: np.ndarray) -> np.ndarray:
        return np.asarray(_predict(x, train.labels, x_test) == test.labels, np.float64)

    classes, counts = np.unique(train.labels, return_counts=True)
    yield "chance", np.asarray(test.labels == classes[counts.argmax()], np.float64)
    x, x_test = _standardize(train.codes, test.codes)
    yield "codes", hits(x, x_test)
    best = np.argsort(-separation(train.codes, train.labels), kind="stable")
    for size in sizes:
        yield size, hits(x[:, best[:size]], x_test[:, best[:size]])
    if train.untrained is not None and test.untrained is not None:
        yield "untrained", hits(*_standardize(train.untrained, test.untrained))
    if train.raw is not None and test.raw is not None:
        yield "raw", hits(*_standardize(train.raw, test.raw))
        x, x_test = _components(train.raw, test.raw, train.codes.shape[1], seed)
        yield "components", np.array([x.shape[1]])
        yield "pca", hits(*_standardize(x, x_test))


def _predict(x: np.ndarray, labels: np.ndarray, x_test: np.ndarray) -> np.ndarray:
    from sklearn.linear_model import LogisticRegression

    if (labels == labels[0]).all():  # where few groups hold a class, a fold may lack it
        return np.full(len(x_test), labels[0])
    model = LogisticRegression(max_iter=ITERATIONS).fit(x, labels)
    return np.asarray(model.predict(x_test))


def _balanced(hits: np.ndarray, labels: np.ndarray) -> float | None:
    """Mean recall over classes; `None` unless they are imbalanced."""
    classes, counts = np.unique(labels, return_counts=True)
    if counts.max() <= IMBALANCE * counts.mean():
        return None
    return float(np.mean([hits[labels == label].mean() for label in classes]))


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
