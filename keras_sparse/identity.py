"""What makes two trainings the same one: the model, how it is trained, and on what."""

import json
import warnings
from typing import Any

import keras
import numpy as np

from keras_sparse import plain
from keras_sparse.array_batches import Order
from keras_sparse.batches import Rows

SAMPLE = 1000
"""Rows, evenly spaced, by which a data set is known again."""
NOT_COMPARED = {
    # Keras numbers its names through a process: the same cell, run twice, gives others.
    "name", "inbound_nodes", "input_layers", "output_layers", "shared_object_id", "build_config",
    # What only says where a class is, and what stands beside its name.
    "module", "registered_name",
    # State, which the checkpoint brings, or how a step is run, which changes no result of it.
    "adapted", "seed", "kernel_initializer", "bias_initializer",
    "jit_compile", "run_eagerly", "steps_per_execution",
}  # fmt: skip
RATE = "compile.optimizer.config.learning_rate"


def of_model(model: keras.Model) -> dict[str, Any]:
    """Backend, configuration and variables, in values of JSON, flat, under names to be read."""
    config = _serialized(lambda: keras.saving.serialize_keras_object(model)["config"])
    training = _serialized(model.get_compile_config)
    return {
        "backend": keras.backend.backend(),
        **_flat("model", config),
        **_flat("compile", training),
        "model variables": _described(model.variables),
        "optimizer variables": _described(model.optimizer.variables),
    }


def of_rows(name: str, order: Order) -> dict[str, Any]:
    """Shape of the rows and whether they are shuffled, and a checksum of what they hold."""
    parts = ("", ".y", ".sample_weight")
    arrays = zip(parts, sampled(order), strict=True)
    return {
        f"{name}.rows": len(order),
        f"{name}.shuffled": order.seed is not None,
        **{
            f"{name}{part}": [list(array.shape[1:]), plain.checksum(array)]
            for part, array in arrays
            if array is not None
        },
    }


def sampled(order: Order) -> Rows:
    """About a thousand rows, evenly spaced, the last one among them."""
    chosen = np.unique(np.linspace(0, len(order) - 1, SAMPLE).astype(np.int64))
    # A row at a time, as rows on disk are read.
    parts = [order.rows.part(slice(index, index + 1)) for index in chosen.tolist()]
    x, y, weights = (
        None if each[0] is None else np.concatenate(each) for each in zip(*parts, strict=True)
    )
    assert x is not None
    return Rows(x, y, weights)


def differences(there: dict[str, Any], here: dict[str, Any]) -> list[str]:
    """What two trainings differ in, each as `batch_size: 64 there, 128 here`."""
    keys = [*there, *(key for key in here if key not in there)]
    return [
        f"{key}: {_shown(there, key)} there, {_shown(here, key)} here"
        for key in keys
        if there.get(key) != here.get(key)
    ]


def _shown(facts: dict[str, Any], key: str) -> str:
    text = json.dumps(facts[key]) if key in facts else "nothing"
    return text if len(text) <= 200 else f"{text[:200]}..."


def _serialized(serialize: Any) -> Any:
    try:
        with warnings.catch_warnings(action="ignore"):
            return json.loads(json.dumps(serialize()))
    except Exception:  # of a loss or layer of the user's own; then its variables must do
        return None


def _flat(prefix: str, config: Any) -> dict[str, Any]:
    if isinstance(config, dict):
        parts = [(key, each) for key, each in config.items() if key not in NOT_COMPARED]
    elif isinstance(config, list) and any(isinstance(each, (dict, list)) for each in config):
        parts = list(enumerate(config))
    else:
        return {prefix: config}
    return {
        name: value for key, each in parts for name, value in _flat(f"{prefix}.{key}", each).items()
    }


def _described(variables: Any) -> list[list[Any]]:
    return [[list(each.shape), keras.backend.standardize_dtype(each.dtype)] for each in variables]
