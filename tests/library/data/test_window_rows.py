"""Windows are those of the materialized array, in all that a training does with them."""

import tracemalloc
from typing import Any

import keras
import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from keras_sparse import SparseAutoencoder
from keras_sparse.data import arrays, splits
from keras_sparse.data.arrays import DataError
from keras_sparse.data.column_statistics import column_statistics, require_resolved
from keras_sparse.data.missing import find_incomplete
from keras_sparse.data.sparse_rows import take
from keras_sparse.data.window_rows import WindowRows
from keras_sparse.training.batching.array_batches import ArrayBatches, Shuffled
from keras_sparse.training.batching.batches import Rows, check_rows

SAMPLES = np.random.default_rng(0).normal(size=(500, 2)).astype(np.float32)
STARTS = np.array([0, 3, 6, 100, 470])


def make_pair(channels: int = 2, window: int = 30) -> tuple[WindowRows, np.ndarray]:
    samples = SAMPLES[:, :channels]
    whole = np.stack([samples[start : start + window] for start in STARTS])
    return WindowRows(samples, STARTS, window), whole[..., 0] if channels == 1 else whole


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(
    "part", [slice(None), slice(1, 4), np.array([4, 0, 0]), STARTS > 5, slice(2, 2), 3]
)
def test_parts_are_those_of_the_array(channels: int, part: Any) -> None:
    rows, whole = make_pair(channels)
    assert rows.shape == whole.shape
    assert rows[part].dtype == np.float32
    np.testing.assert_array_equal(rows[part], whole[part])
    if not isinstance(part, int):
        np.testing.assert_array_equal(take(rows, part)[:], whole[part])


def test_rows_are_reshaped_as_those_of_an_array() -> None:
    rows, whole = make_pair()
    flat = rows.reshape(5, 60)
    np.testing.assert_array_equal(flat[:], whole.reshape(5, 60))
    np.testing.assert_array_equal(flat.part(slice(2)).reshape(2, 30, 2)[:], whole[:2])
    with pytest.raises(ValueError, match="in another form"):
        rows.reshape(5, 61)


def test_what_is_read_is_a_copy() -> None:
    rows, whole = make_pair(1)
    rows[np.array([0])][:] = 0
    rows[:2][:] = 0
    np.testing.assert_array_equal(rows[:], whole)


@pytest.mark.parametrize("starts", [[-1], [471], [0, 499]])
def test_windows_beyond_the_samples_are_refused(starts: list[int]) -> None:
    with pytest.raises(ValueError, match="windows of 30 within 500 samples"):
        WindowRows(SAMPLES, np.array(starts), 30)


def test_they_never_become_an_array_unasked() -> None:
    with pytest.raises(TypeError, match=r"x\[:8\]"):
        np.asarray(make_pair()[0])
    monstrous = WindowRows(np.zeros((1 << 16, 1)), np.zeros(1 << 16, int), 1 << 15)
    with pytest.raises(DataError, match="Expected windows of at most 4 GiB"):
        arrays.as_dense(monstrous, "x")


def test_they_pass_for_rows_everywhere() -> None:
    rows, whole = make_pair(1)
    assert arrays.as_numbers(rows, "x") is rows
    assert check_rows(rows, None, None, (30,)).x is rows
    assert not find_incomplete(rows).any()
    np.testing.assert_array_equal(arrays.as_rows(rows, (30,)), whole)
    np.testing.assert_array_equal(splits.sample(rows), whole)
    repeated = WindowRows(SAMPLES, np.array([0, 7, 0]), 30)
    assert splits.count_duplicates(repeated, np.array([0, 1]), np.array([2])) == 1
    with pytest.raises(DataError, match=r"\(rows, 31\)"):
        arrays.as_rows(rows, (31,))


def test_statistics_are_those_of_all_windows() -> None:
    rows, whole = make_pair(1)
    reference = StandardScaler().fit(whole.astype(np.float64))
    found = column_statistics([rows])
    np.testing.assert_allclose(found.mean, reference.mean_)
    np.testing.assert_allclose(found.std, reference.scale_)


def test_an_offset_that_float32_cannot_resolve_is_named() -> None:
    samples = 1e6 + np.random.default_rng(0).normal(size=(500, 1))
    with pytest.raises(DataError, match="float32 can resolve"):
        require_resolved(WindowRows(samples, STARTS, 30))


def test_checksums_see_samples_and_places() -> None:
    rows, _ = make_pair()
    changed = SAMPLES.copy()
    changed[50] += 1
    others = [WindowRows(changed, STARTS, 30), WindowRows(SAMPLES, STARTS // 2, 30)]
    assert arrays.checksum(rows) == arrays.checksum(make_pair()[0])
    assert len({arrays.checksum(each) for each in (rows, *others)}) == 3


@pytest.mark.parametrize("seed", [None, 7])
def test_batches_equal_those_of_the_array(seed: int | None) -> None:
    rows, whole = make_pair(1)
    batches, expected = (ArrayBatches(Shuffled(Rows(x), seed), 2, steps=4) for x in (rows, whole))
    for epoch in range(2):
        batches.begin(epoch)
        expected.begin(epoch)
        for index in range(4):
            pairs = zip(
                keras.tree.flatten(batches[index]), keras.tree.flatten(expected[index]), strict=True
            )
            for found, wanted in pairs:
                np.testing.assert_array_equal(found, wanted)


@pytest.mark.slow
def test_a_training_equals_one_on_the_array() -> None:
    rows = WindowRows(SAMPLES[:, :1], np.arange(0, 460, 2), 16)
    results = []
    for x in (rows, rows[:]):
        keras.utils.set_random_seed(0)
        model = SparseAutoencoder(16, 8, target_l0=2)
        model.compile("adam")
        model.fit(x, validation_data=x, epochs=2, batch_size=32, verbose=0)
        results.append((model.encode(x), model.evaluate(x, verbose=0, return_dict=True)["loss"]))
    np.testing.assert_array_equal(results[0][0], results[1][0])
    assert results[0][1] == results[1][1]


@pytest.mark.slow
def test_overlapping_windows_take_the_memory_of_their_samples() -> None:
    samples = np.random.default_rng(0).normal(size=(200_000, 1)).astype(np.float32)
    rows = WindowRows(samples, np.arange(0, 199_000, 4), 1000)  # 199 MB, of 0.8 MB
    model = SparseAutoencoder(1000, 8, sparsity="l1")
    model.compile("adam")
    model.fit(rows.part(slice(64)), epochs=1, verbose=0)  # what is loaded once
    tracemalloc.start()
    model.fit(rows, epochs=1, steps_per_epoch=20, batch_size=64, verbose=0)
    model.encode(rows.part(slice(2000)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 4 * np.prod(rows.shape) > 198e6
    assert peak < 1e8
