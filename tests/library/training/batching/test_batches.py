from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import pytest

from keras_sparse.data.arrays import DataError
from keras_sparse.training.batching import streams
from keras_sparse.training.batching.batches import Rows
from keras_sparse.training.batching.streams import StreamBatches, stream_batches

X = np.arange(20, dtype=np.float32).reshape(10, 2)
SHAPE = (2,)


class Dataset(keras.utils.PyDataset):
    def __init__(self, parts: list[Any]) -> None:
        super().__init__()
        self.parts = parts
        self.ended = 0

    def __len__(self) -> int:
        return len(self.parts)

    def __getitem__(self, index: int) -> Any:
        return self.parts[index]

    def on_epoch_end(self) -> None:
        self.ended += 1


def counted(batch: tuple[Any, ...]) -> tuple[np.ndarray, np.ndarray]:
    x, weights, _ = batch[0]
    return np.asarray(x), np.asarray(weights)


def test_a_split_leaves_rows_on_both_sides() -> None:
    assert [len(part.x) for part in Rows(X).split(0.25)] == [7, 3]
    for share in (0.99, 1.0, -0.5):
        with pytest.raises(DataError, match=r"`validation_split`.*leaves rows on both sides"):
            Rows(X).split(share)


# Streams -----------------------------------------------------------------------------------------


def source(kind: str, parts: list[Any]) -> Any:
    if kind == "PyDataset":
        return Dataset(parts)
    if kind == "generator":
        return (part for part in parts)
    if kind == "loader":
        data = pytest.importorskip("torch.utils.data")
        rows = np.concatenate([part[0] if isinstance(part, tuple) else part for part in parts])
        return data.DataLoader(rows, batch_size=4)
    tf = pytest.importorskip("tensorflow")
    signature = tf.nest.map_structure(
        lambda part: tf.TensorSpec([None, *part.shape[1:]], part.dtype), parts[0]
    )
    return tf.data.Dataset.from_generator(lambda: iter(parts), output_signature=signature)


def gone_through(stream: Any) -> Iterator[Any]:
    if isinstance(stream, keras.utils.PyDataset):
        return (stream[index] for index in range(stream.num_batches or 0))
    return iter(stream)


@pytest.mark.parametrize("kind", ["PyDataset", "generator", "tf.data", "loader"])
@pytest.mark.parametrize("multiple", [1, 3])
def test_batches_of_a_stream_have_one_size(kind: str, multiple: int) -> None:
    parts = [X[:4], X[4:8], X[8:]]
    found = [
        counted(batch)
        for batch in gone_through(stream_batches(source(kind, parts), SHAPE, multiple))
    ]
    size = {1: 4, 3: 6}[multiple]
    assert {len(x) for x, _ in found} == {size}
    for part, (x, weights) in zip(parts, found, strict=True):
        assert (weights > 0).sum() == len(part)
        np.testing.assert_allclose((x * weights[:, np.newaxis]).mean(0), part.mean(0), rtol=1e-6)


@pytest.mark.parametrize("kind", ["PyDataset", "generator", "tf.data"])
def test_targets_and_weights_of_a_stream(kind: str) -> None:
    weights = np.arange(10, dtype=np.float32)
    parts = [(X[part], X[part] + 1, weights[part]) for part in (slice(6), slice(6, 10))]
    for part, batch in zip(
        parts, gone_through(stream_batches(source(kind, parts), SHAPE)), strict=True
    ):
        x, given = counted(batch)
        assert len(x) == 6
        np.testing.assert_array_equal(np.asarray(batch[1]), x + 1)
        expected = np.average(part[0], axis=0, weights=part[2])
        np.testing.assert_allclose((x * given[:, np.newaxis]).mean(0), expected, rtol=1e-6)


@pytest.mark.parametrize("kind", ["PyDataset", "generator", "tf.data"])
@pytest.mark.parametrize("last", [(), (1,)])
def test_weights_of_the_steps_of_a_stream(kind: str, last: tuple[int, ...]) -> None:
    x, weights = X.reshape(5, 2, 2), np.arange(10, dtype=np.float32).reshape(5, 2)
    pairs = [(x[part], x[part], weights[part]) for part in (slice(3), slice(3, 5))]
    parts = [(rows, y, steps.reshape(-1, 2, *last)) for rows, y, steps in pairs]
    found = gone_through(stream_batches(source(kind, parts), (2, 2)))
    for (rows, _, steps), batch in zip(pairs, found, strict=True):
        filled, relative, given = (np.asarray(part) for part in batch[0])
        np.testing.assert_array_equal(given, [*steps, *[[0, 0]] * (3 - len(steps))])
        expected = np.average(rows, axis=(0, 1), weights=steps)
        np.testing.assert_allclose((filled * relative[..., None]).mean((0, 1)), expected, 1e-6)


@pytest.mark.parametrize("kind", ["PyDataset", "tf.data"])
@pytest.mark.parametrize("shape", [(5, 3), (5, 2, 3), (5, 1, 2)])
def test_weights_of_no_step_are_refused(kind: str, shape: tuple[int, ...]) -> None:
    x = X.reshape(5, 2, 2)
    stream = source(kind, [(x, x, np.ones(shape, np.float32))])
    with pytest.raises(DataError, match=r"`sample_weight`. Expected one per row.* or per step"):
        stream_batches(stream, (2, 2))


@pytest.mark.parametrize("kind", ["PyDataset", "generator", "tf.data"])
@pytest.mark.parametrize("missing", ["error", "mean", "skip"])
def test_weights_of_entries_and_gaps_of_a_stream(kind: str, missing: str) -> None:
    x, weights = X[:6].copy(), np.arange(12, dtype=np.float32).reshape(6, 2)
    if missing != "error":
        x[[1, 4], [0, 1]] = np.nan
    parts = [(x[part], x[part], weights[part]) for part in (slice(4), slice(4, 6))]
    found = gone_through(stream_batches(source(kind, parts), SHAPE, missing=missing))
    for (rows, _, given), batch in zip(parts, found, strict=True):
        gaps: Any = np.isnan(rows)
        gaps = gaps.any(axis=1, keepdims=True) if missing == "skip" else gaps
        expected = np.concatenate([np.where(gaps, 0, given), np.zeros((4 - len(rows), 2))])
        filled, relative, own = (np.asarray(part) for part in batch[0])
        np.testing.assert_array_equal(own, expected)
        assert np.isnan(filled).any() == (missing == "mean")
        live = np.maximum((relative > 0).sum(axis=1), 1)
        assert (relative.sum(axis=1) / live).mean() == pytest.approx(1, abs=1e-6)
        np.testing.assert_allclose(relative * own.max(), own * relative.max(), rtol=1e-6)


@pytest.mark.parametrize("kind", ["PyDataset", "tf.data"])
@pytest.mark.parametrize(
    ("missing", "bad", "message"),
    [
        ("error", np.nan, "Expected finite numbers. Received: NaN or infinity"),
        ("mask", np.inf, "Received: infinity, or gaps alone"),
        ("mask", [np.nan, np.nan], "an entry in each row"),
        ("skip", np.inf, "Received: infinity in row"),
    ],
)
def test_what_is_no_gap_is_refused(kind: str, missing: str, bad: Any, message: str) -> None:
    x = X.copy()
    x[3] = bad
    with pytest.raises(Exception, match=message):  # in a graph TensorFlow's own
        list(gone_through(stream_batches(source(kind, [x]), SHAPE, missing=missing)))


def test_a_short_batch_may_be_asked_for_first() -> None:
    assert len(counted(StreamBatches(Dataset([X[:8], X[8:]]), SHAPE)[1])[0]) == 8


def test_epochs_are_told_to_a_dataset() -> None:
    dataset = Dataset([X])
    stream = StreamBatches(dataset, SHAPE)
    stream.on_epoch_begin()
    stream.on_epoch_end()
    assert dataset.ended == 1


class Loader:
    """As torch's: of a known length, gone through anew each time."""

    def __len__(self) -> int:
        return 3

    def __iter__(self) -> Iterator[Any]:
        return iter([X[:4], X[4:8], X[8:]])


def test_a_loader_is_gone_through_again() -> None:
    stream = StreamBatches(Loader(), SHAPE)
    for _ in range(2):
        stream.on_epoch_begin()
        found = [set(map(tuple, counted(stream[index])[0])) for index in range(3)]
        assert found == [set(map(tuple, part)) for part in Loader()]
        stream.on_epoch_end()


def test_an_epoch_that_ends_early_goes_on_with_the_next_batches() -> None:
    stream = StreamBatches(Loader(), SHAPE)
    seen: list[Any] = []
    for indices in ((0, 1), (2, 0), (1, 2)):  # as Keras asks with steps_per_epoch=2
        stream.on_epoch_begin()
        seen.extend(counted(stream[index])[0][0, 0] for index in indices)
        stream.on_epoch_end()
    assert seen == [0, 8, 16] * 2


def test_one_pass_notes_which_rows_were_there() -> None:
    real: list[np.ndarray] = []
    found = list(streams.iterate_batches(Dataset([X[:4], X[4:8], X[8:]]), SHAPE, 3, real))
    assert [len(counted(batch)[0]) for batch in found] == [6, 6, 6]
    assert [mask.sum() for mask in real] == [4, 4, 2]


@pytest.mark.parametrize("kind", ["PyDataset", "generator", "loader of one"])
@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ((X, X, X[:, 0], X), "Received: batches of 4 parts"),
        (X[:, :1], r"argument `x`. Expected \(rows, 2\). Received: \(10, 1\)"),
        (X[:0], r"argument `x`. Expected at least 1 row"),
        (X * np.nan, "argument `x`. Expected finite numbers"),
        ((X, X[:, 0]), "argument `y`.*takes no labels"),
        ((X, X[:4]), "argument `y`. Expected as many rows as in `x`, 10. Received: 4"),
        ((X, None, X[:4, 0]), "argument `sample_weight`. Expected as many rows as in `x`, 10"),
        ((X, None, -X[:, 0]), "argument `sample_weight`. Expected values of at least 0"),
    ],
)
def test_a_bad_first_batch_is_refused_before_keras_starts(
    kind: str, batch: Any, message: str
) -> None:
    class One(Loader):
        def __len__(self) -> int:
            return 1

        def __iter__(self) -> Iterator[Any]:
            return iter([batch])

    stream = One() if kind == "loader of one" else source(kind, [batch])
    with pytest.raises(DataError, match=message):
        stream_batches(stream, SHAPE)


def test_a_tf_data_of_other_rows_is_refused() -> None:
    with pytest.raises(DataError, match=r"`x`. Expected batches of rows of shape \(3,\)"):
        stream_batches(source("tf.data", [X]), (3,))


def test_a_batch_of_a_stream_is_a_copy() -> None:
    (x, *_), y = next(stream_batches(iter([(X, X)]), SHAPE))
    assert not np.shares_memory(x, X)
    assert not np.shares_memory(y, X)
