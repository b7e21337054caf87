from typing import Any

import keras
import numpy as np
import pytest

from keras_sparse import SparseAutoencoder
from keras_sparse.data.arrays import DataError
from keras_sparse.training.batching import array_batches
from keras_sparse.training.batching.array_batches import ArrayBatches, Shuffled
from keras_sparse.training.batching.batches import Rows
from keras_sparse.training.batching.streams import stream_batches
from keras_sparse.training.batching.tf_data import (
    make_dataset,
    make_stacked_dataset,
    unwrap_errors,
)

X = np.arange(20, dtype=np.float32).reshape(10, 2)


@pytest.mark.parametrize("weights", [None, np.arange(10, dtype=np.float32)])
@pytest.mark.parametrize("target", [None, X + 1])
@pytest.mark.parametrize("size", [1, 3, 5])
def test_a_pipeline_gives_the_batches(weights: Any, target: Any, size: int) -> None:
    pytest.importorskip("tensorflow")
    found = ArrayBatches(Shuffled(Rows(X, target, weights), 3), size)
    pipeline = make_dataset(found)
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
    monkeypatch.setattr(array_batches, "STACK_BATCHES", 2)
    found = ArrayBatches(Shuffled(Rows(X, X + 1), 3), 4)
    stacks = list(make_stacked_dataset(found).as_numpy_iterator())
    assert [int(count) for count, _ in stacks] == [2, 1]
    for number, (count, ((x, *_), y)) in enumerate(stacks):
        assert x.shape == (2, 4, 2)
        np.testing.assert_array_equal(y[:count], x[:count] + 1)
        for place in range(count):
            np.testing.assert_array_equal(x[place], found[2 * number + place][0][0])


def of_batches(parts: list[Any], known: bool) -> Any:
    """A `tf.data.Dataset` of these batches, with or without their shapes."""
    tf = pytest.importorskip("tensorflow")
    signature = keras.tree.map_structure(
        lambda part: tf.TensorSpec((None, *part.shape[1:]) if known else None, part.dtype), parts[0]
    )
    dataset = tf.data.Dataset.from_generator(lambda: iter(parts), output_signature=signature)
    return dataset.apply(tf.data.experimental.assert_cardinality(len(parts)))


def spoilt(value: float) -> np.ndarray:
    x = X.copy()
    x[3, 1] = value
    return x


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ((spoilt(np.nan), X, X[:, 1]), r"`x`.*NaN or infinity in rows \[3\]"),
        ((X, spoilt(np.inf), X[:, 1]), r"`y`.*NaN or infinity in rows \[3\]"),
        ((X, X, spoilt(np.nan)[:, 1]), r"`sample_weight`.*NaN or infinity in rows \[3\]"),
        ((X, X, spoilt(-1)[:, 1]), r"`sample_weight`.*at least 0.*rows \[3\]"),
        ((X, X[:4], X[:, 1]), "`y`. Expected as many rows as in `x`. Received: 4"),
        ((X[:0], X[:0], X[:0, 1]), "`x`. Expected at least 1 row. Received: 0"),
    ],
)
def test_a_bad_batch_of_tf_data_is_named(bad: Any, message: str, known: bool) -> None:
    checked = stream_batches(of_batches([(X, X, X[:, 1]), bad], known), (2,))
    with (
        pytest.raises(DataError, match=rf"Batch 1 of the stream: .*argument {message}"),
        unwrap_errors(),
    ):
        list(checked)


@pytest.mark.parametrize("use", ["fit", "validation", "evaluate"])
def test_nan_in_tf_data_is_an_error_wherever_it_is_read(use: str) -> None:
    data = of_batches([X, spoilt(np.nan)], True)
    model = SparseAutoencoder(2, 3, sparsity=None, normalization=None)
    model.compile()
    uses = {
        "fit": lambda: model.fit(data, verbose=0),
        "validation": lambda: model.fit(X, validation_data=data, verbose=0),
        "evaluate": lambda: model.evaluate(data, verbose=0),
    }
    with pytest.raises(DataError, match=r"Batch 1 of the stream: .*`x`.*NaN or infinity"):
        uses[use]()
    assert np.isfinite(model.encode(X)).all()


@pytest.mark.slow
def test_tf_data_of_unknown_shape_trains_as_rows_do() -> None:
    steps = np.arange(60, dtype=np.float32).reshape(5, 4, 3) / 60
    losses = []
    for data in (steps, of_batches([(steps, steps)], False)):
        keras.utils.set_random_seed(0)
        encoder = keras.Sequential(
            [keras.Input((4, 3)), keras.layers.Flatten(), keras.layers.Dense(2)]
        )
        decoder = keras.Sequential(
            [keras.Input((2,)), keras.layers.Dense(12), keras.layers.Reshape((4, 3))]
        )
        model = SparseAutoencoder.from_models(encoder, decoder)
        model.compile()
        losses.append(model.fit(data, batch_size=None, verbose=0).history["loss"])
    np.testing.assert_allclose(losses, [losses[0]] * 2, rtol=1e-6)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([X[:, :1]], r"Batch 0.*`x`. Expected \(rows, 2\). Received: \[10 1\]"),
        ([X[:, 0]], r"Batch 0.*`x`. Expected \(rows, 2\). Received: \[10\]"),
        ([(X, X[:, 0])], r"Batch 0.*`y`. Expected \(rows, 2\). Received: \[10\]"),
        ([X.astype(str)], "`x`. Expected a tf.data.Dataset of dense numbers. Received: .*string"),
    ],
)
def test_tf_data_of_other_shapes_is_refused(parts: list[Any], message: str) -> None:
    with pytest.raises(DataError, match=message), unwrap_errors():
        list(stream_batches(of_batches(parts, False), (2,)))
