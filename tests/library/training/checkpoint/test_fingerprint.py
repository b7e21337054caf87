import os
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from keras_sparse import Shards, SparseAutoencoder
from keras_sparse.training.batching.array_batches import Shuffled
from keras_sparse.training.batching.batches import Rows
from keras_sparse.training.batching.shuffle_buffer import ShuffleBuffer
from keras_sparse.training.checkpoint.fingerprint import fingerprint_model, fingerprint_rows

X = np.random.default_rng(0).random((5000, 3)).astype(np.float32)


class OfTheUser(keras.losses.Loss):
    def __init__(self, config: Any) -> None:
        super().__init__()
        self.config = config

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return keras.ops.mean(keras.ops.square(y_true - y_pred), axis=-1)

    def get_config(self) -> dict[str, Any]:
        if isinstance(self.config, Exception):
            raise self.config
        return {"config": self.config}


def compile_facts(config: Any) -> dict[str, Any]:
    model = SparseAutoencoder(12, 4, sparsity=None, normalization=None)
    model.compile(loss=OfTheUser(config))
    model.optimizer.build(model.trainable_variables)
    facts = fingerprint_model(model)
    return {name: value for name, value in facts.items() if name.startswith("compile")}


def test_the_configuration_is_compared() -> None:
    assert compile_facts(3)["compile.loss.config.config"] == 3


@pytest.mark.parametrize("config", [NotImplementedError(), TypeError(), ValueError(), object()])
def test_a_part_without_a_configuration_is_not_compared(config: Any) -> None:
    assert compile_facts(config) == {"compile": None}


def test_a_fault_in_a_configuration_is_raised() -> None:
    with pytest.raises(AttributeError, match="a fault"):
        compile_facts(AttributeError("a fault"))


@pytest.mark.one_backend
@pytest.mark.parametrize(("part", "name"), [(0, "x"), (1, "x.y"), (2, "x.sample_weight")])
def test_one_changed_value_in_memory_is_another_data_set(part: int, name: str) -> None:
    arrays = [X, X + 1, X[:, 0]]
    before = fingerprint_rows("x", Shuffled(Rows(*arrays)))
    assert fingerprint_rows("x", Shuffled(Rows(*(array.copy() for array in arrays)))) == before
    for row in (1, 2503, 4998):
        changed = [array.copy() for array in arrays]
        changed[part][row] = np.nextafter(changed[part][row], 2)
        after = fingerprint_rows("x", Shuffled(Rows(*changed)))
        assert [key for key in before if after[key] != before[key]] == [name]


@pytest.mark.one_backend
@pytest.mark.parametrize("mapped", [False, True])
def test_one_changed_value_on_disk_is_another_data_set(mapped: bool, tmp_path: Path) -> None:
    file = tmp_path / "rows.npy"
    np.save(file, X)
    times = file.stat()

    def look() -> dict[str, Any]:
        x = np.load(file, mmap_mode="r") if mapped else Shards(file)
        return fingerprint_rows("x", ShuffleBuffer(x, 0))

    before = look()
    changed = X.copy()
    changed[2503, 1] += 1
    np.save(file, changed)
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))  # nothing but the values tells
    assert [key for key in before if look()[key] != before[key]] == ["x"]
    assert look()["x"] == fingerprint_rows("x", Shuffled(Rows(changed)))["x"]
