"""Convert variables of Keras to named arrays of a checkpoint, and back."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from keras import ops

from keras_sparse.training.checkpoint.storage import Arrays


def read_values(variables: Iterable[Any]) -> list[np.ndarray]:
    """Copies of the values of variables."""
    return [np.array(ops.convert_to_numpy(variable)) for variable in variables]


def name_values(prefix: str, variables: Iterable[Any]) -> Arrays:
    """The values of variables under the names `prefix/0`, `prefix/1`, ..."""
    return {f"{prefix}/{index}": value for index, value in enumerate(read_values(variables))}


def select_values(prefix: str, arrays: Arrays) -> list[np.ndarray]:
    """The values that `name_values` named, in the order of the variables."""
    count = sum(name.startswith(f"{prefix}/") for name in arrays)
    return [arrays[f"{prefix}/{index}"] for index in range(count)]


def assign_values(variables: Iterable[Any], values: Iterable[np.ndarray]) -> None:
    """Set every variable to its value."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def read_learning_rate(model: Any) -> float:
    """The current learning rate of a model's optimizer."""
    return float(ops.convert_to_numpy(model.optimizer.learning_rate))
