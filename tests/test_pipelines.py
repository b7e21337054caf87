from typing import Any

import keras
import numpy as np
import pytest

from keras_sparse import array_batches
from keras_sparse.array_batches import ArrayBatches, Shuffled
from keras_sparse.batches import Rows
from keras_sparse.pipelines import looped, piped

X = np.arange(20, dtype=np.float32).reshape(10, 2)


@pytest.mark.parametrize("weights", [None, np.arange(10, dtype=np.float32)])
@pytest.mark.parametrize("target", [None, X + 1])
@pytest.mark.parametrize("size", [1, 3, 5])
def test_a_pipeline_gives_the_batches(weights: Any, target: Any, size: int) -> None:
    pytest.importorskip("tensorflow")
    found = ArrayBatches(Shuffled(Rows(X, target, weights), 3), size)
    pipeline = piped(found)
    for epoch in range(2):
        found.begin(epoch)
        given = list(pipeline.as_numpy_iterator())
        assert len(given) == len(pipeline) == len(found)
        for index, batch in enumerate(given):
            ours = found[index]
            for one, other in zip(keras.tree.flatten(batch), keras.tree.flatten(ours), strict=True):
                np.testing.assert_array_equal(one, other)
            keras.tree.assert_same_structure(batch, ours)


def test_stacks_of_one_length_say_how_many_batches_count(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tensorflow")
    monkeypatch.setattr(array_batches, "STACKED", 2)
    found = ArrayBatches(Shuffled(Rows(X, X + 1), 3), 4)
    stacks = list(looped(found).as_numpy_iterator())
    assert [int(count) for count, _ in stacks] == [2, 1]
    for number, (count, ((x, *_), y)) in enumerate(stacks):
        assert x.shape == (2, 4, 2)
        np.testing.assert_array_equal(y[:count], x[:count] + 1)
        for place in range(count):
            np.testing.assert_array_equal(x[place], found[2 * number + place][0][0])
