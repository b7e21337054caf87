"""Fingerprint of a training: model, compile settings and data."""

import json
import warnings
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_sparse.data.arrays import checksum
from keras_sparse.training.batching.array_batches import Order
from keras_sparse.training.batching.batches import Rows

SAMPLE = 1000
"""Number of evenly spaced rows that explain a divergence."""
NOT_COMPARED = {
    # Keras numbers names within a process: the same cell gives others when it is run again.
    "name", "inbound_nodes", "input_layers", "output_layers", "shared_object_id", "build_config",
    # Where a class is defined; its name is compared.
    "module", "registered_name",
    # State that the checkpoint restores, or the way to run a step, which changes no result.
    "adapted", "seed", "kernel_initializer", "bias_initializer",
    "jit_compile", "run_eagerly", "steps_per_execution",
}  # fmt: skip
RATE = "compile.optimizer.config.learning_rate"


def fingerprint_model(model: keras.Model) -> dict[str, Any]:
    """Backend, configuration and variables of a model, as a flat dictionary of JSON values."""
    config = _serialize(lambda: keras.saving.serialize_keras_object(model)["config"])
    training = _serialize(model.get_compile_config)
    return {
        "backend": keras.backend.backend(),
        **_flatten("model", config),
        **_flatten("compile", training),
        "model variables": _describe(model.variables),
        "optimizer variables": _describe(model.optimizer.variables),
    }


def fingerprint_rows(name: str, order: Order) -> dict[str, Any]:
    """Number and shape of the rows, whether they are shuffled, and a checksum of all values.

    This takes one pass over the rows, also over those on disk: neither the time nor the size of a
    file tells whether its values are the same.
    """
    arrays = zip(("", ".y", ".sample_weight"), order.rows, strict=True)
    return {
        f"{name}.rows": len(order),
        f"{name}.shuffled": order.seed is not None,
        **{
            f"{name}{part}": [list(array.shape[1:]), checksum(array)]
            for part, array in arrays
            if array is not None
        },
    }


def sample_rows(order: Order) -> Rows:
    """Select about a thousand evenly spaced rows, including the last one."""
    chosen = np.unique(np.linspace(0, len(order) - 1, SAMPLE).astype(np.int64))
    # One row at a time: rows on disk are read in slices.
    parts = [order.rows.part(slice(index, index + 1)) for index in chosen.tolist()]
    x, y, weights = (
        None if arrays[0] is None else np.concatenate(arrays) for arrays in zip(*parts, strict=True)
    )
    assert x is not None
    return Rows(x, y, weights)


def differences(there: dict[str, Any], here: dict[str, Any]) -> list[str]:
    """The differences between two fingerprints, each as `batch_size: 64 there, 128 here`."""
    keys = [*there, *(key for key in here if key not in there)]
    return [
        f"{key}: {_show(there, key)} there, {_show(here, key)} here"
        for key in keys
        if there.get(key) != here.get(key)
    ]


def _show(facts: dict[str, Any], key: str) -> str:
    text = json.dumps(facts[key]) if key in facts else "nothing"
    return text if len(text) <= 200 else f"{text[:200]}..."


def _serialize(serialize: Callable[[], Any]) -> Any:
    """The configuration in values of JSON; `None` where a part of the user's own has none.

    Such a part is a loss or layer whose `get_config` Keras cannot derive (`NotImplementedError`),
    or returns values that are not serializable (`TypeError`, `ValueError`). Then the shapes of the
    variables and the data alone identify a training.
    """
    try:
        with warnings.catch_warnings(action="ignore"):
            return json.loads(json.dumps(serialize()))
    except (NotImplementedError, TypeError, ValueError):
        return None


def _flatten(prefix: str, config: Any) -> dict[str, Any]:
    if isinstance(config, dict):
        parts = [(key, part) for key, part in config.items() if key not in NOT_COMPARED]
    elif isinstance(config, list) and any(isinstance(part, (dict, list)) for part in config):
        parts = list(enumerate(config))
    else:
        return {prefix: config}
    return {
        name: value
        for key, part in parts
        for name, value in _flatten(f"{prefix}.{key}", part).items()
    }


def _describe(variables: Any) -> list[list[Any]]:
    return [[list(v.shape), keras.backend.standardize_dtype(v.dtype)] for v in variables]
