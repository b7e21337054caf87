"""Choose how a probe is measured: few rows are cross-validated, of many some are held out."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from keras_sparse.data.labels import as_labels
from keras_sparse.data.tables import Table
from keras_sparse.evaluation.probe_result import Probe
from keras_sparse.evaluation.probe_rows import count_independent
from keras_sparse.evaluation.probes import probe

FEW_ROWS = 2000
"""Rows below which a probe is cross-validated: a tenth of them would give too rough a number."""
FOLDS = 5
"""Folds at most; a class with rows of fewer groups has as many."""

Pair = tuple[np.ndarray, np.ndarray]
"""The same of training rows and of held-out rows."""


@dataclass(frozen=True)
class ProbeDesign:
    """The labels of training and held-out rows, and how a probe of them is measured."""

    labels: Pair
    groups: Pair | None = None
    folds: int | None = None
    """Folds of a cross-validation over all rows; `None` fits on the training rows and measures on
    the held-out ones."""

    @classmethod
    def choose(cls, labels: Pair, groups: Pair | None = None) -> "ProbeDesign":
        """Cross-validate fewer than 2,000 rows, unless there is a class that cannot be split.

        Labels take no part in the training of an encoder, so that its training rows may serve a
        classifier as others do.

        Example:
            >>> ProbeDesign.choose((np.arange(90) % 3, np.arange(10) % 3)).folds
            5
        """
        both = None if groups is None else np.concatenate(groups)
        _, counts = count_independent(np.concatenate(labels), both)
        folds = min(FOLDS, int(counts.min()))
        cross_validated = sum(map(len, labels)) < FEW_ROWS and folds >= 2
        return cls(labels, groups, folds if cross_validated else None)

    @classmethod
    def of(cls, table: Table, train: np.ndarray, test: np.ndarray) -> "ProbeDesign | None":
        """Choose for rows of a table by their indices; `None` without labels to probe.

        Labels that tell faults are none: no fault is trained on, which a classifier could learn.
        """
        if table.labels is None or table.anomalous is not None:
            return None
        labels = as_labels(table.labels)
        groups = None if table.groups is None else as_labels(table.groups, "groups")
        return cls.choose(
            (labels[train], labels[test]),
            groups if groups is None else (groups[train], groups[test]),
        )

    def of_first(self, rows: int) -> "ProbeDesign":
        """The same with the first training rows only."""
        (labels, others), groups = self.labels, self.groups
        return replace(
            self,
            labels=(labels[:rows], others),
            groups=None if groups is None else (groups[0][:rows], groups[1]),
        )

    def measure(
        self,
        codes: Pair,
        *,
        raw: Pair | None = None,
        untrained: Pair | None = None,
        k: tuple[int, ...] = (),
    ) -> Probe:
        """Measure a probe; `raw`, `untrained` and `k` as in `probe`."""
        pairs = {
            "codes": codes,
            "labels": self.labels,
            "raw": raw,
            "untrained": untrained,
            "groups": self.groups,
        }
        given = {name: pair for name, pair in pairs.items() if pair is not None}
        if self.folds is None:
            train: dict[str, Any] = {name: pair[0] for name, pair in given.items()}
            return probe(**train, held_out=[pair[1] for pair in given.values()], k=k)
        from threadpoolctl import threadpool_limits  # scikit-learn requires it

        rows: dict[str, Any] = {name: np.concatenate(pair) for name, pair in given.items()}
        with threadpool_limits(1):  # products so small wait for threads, up to 100 times as long
            return probe(**rows, folds=self.folds, k=k)
