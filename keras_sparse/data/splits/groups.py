"""Hold rows out with even classes, or in whole groups."""

import numpy as np

from keras_sparse.data.arrays import DataError
from keras_sparse.data.labels import as_labels
from keras_sparse.utils import optional

DRAWS = 100  # of whole groups to hold out, of which the one closest in classes is taken


def number_values(values: np.ndarray, name: str) -> np.ndarray:
    """Number distinct values in their order."""
    return np.unique(as_labels(values, name), return_inverse=True)[1]


def split_classes(classes: np.ndarray, held_out: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Hold rows out in which the classes have the same proportions."""
    optional.require("scikit-learn", ", which splits by class", "insight", module="sklearn")
    from sklearn.model_selection import StratifiedShuffleSplit

    splitter = StratifiedShuffleSplit(1, test_size=held_out, random_state=seed)
    ((train, test),) = splitter.split(classes, classes)
    return np.sort(train), np.sort(test)


def split_groups(
    groups: np.ndarray, classes: np.ndarray, held_out: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Hold out whole groups: of some random draws, that with the most even classes."""
    rows = np.zeros((groups.max() + 1, classes.max() + 1))  # of each class in each group
    np.add.at(rows, (groups, classes), 1)
    if len(rows) < 2:
        raise DataError(
            "Invalid value for argument `groups`. Expected at least 2 groups, of which one is held "
            "out. Received: 1 group"
        )
    expected = rows.sum(axis=0) * held_out / len(groups)
    generator = np.random.default_rng(seed)

    def draw() -> np.ndarray:
        order = generator.permutation(len(rows))
        totals = rows[order].sum(axis=1).cumsum()[:-1]  # a group is left to train on
        return order[: 1 + np.abs(totals - held_out).argmin()]

    def distance(chosen: np.ndarray) -> float:
        return float((np.square(rows[chosen].sum(axis=0) - expected) / expected).sum())

    is_held_out = np.isin(groups, min((draw() for _ in range(DRAWS)), key=distance))
    return np.flatnonzero(~is_held_out), np.flatnonzero(is_held_out)
