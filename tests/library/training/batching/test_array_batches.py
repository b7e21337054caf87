from typing import Any

import numpy as np
import pytest

from keras_sparse.training.batching.array_batches import ArrayBatches, Shuffled
from keras_sparse.training.batching.batches import Rows

X = np.arange(20, dtype=np.float32).reshape(10, 2)


def counted(batch: tuple[Any, ...]) -> tuple[np.ndarray, np.ndarray]:
    x, weights, _ = batch[0]
    return np.asarray(x), np.asarray(weights)


def test_whole_batches_of_plain_rows_carry_no_weights() -> None:
    found = ArrayBatches(Shuffled(Rows(X)), 5)
    assert len(found) == 2
    np.testing.assert_array_equal(np.concatenate([found[0][0], found[1][0]]), X)


def test_a_short_batch_is_filled_up_and_its_mean_is_that_of_its_rows() -> None:
    found = [ArrayBatches(Shuffled(Rows(X)), 4)[index] for index in range(3)]
    assert {np.shape(x) for (x, *_), *_ in found} == {(4, 2)}
    x, weights = counted(found[2])
    np.testing.assert_array_equal(weights, [2, 2, 0, 0])
    np.testing.assert_allclose((x * weights[:, np.newaxis]).mean(0), X[8:].mean(0))
    assert set(map(tuple, x)) == set(map(tuple, X[8:]))


def test_weights_are_relative_within_a_batch() -> None:
    weights = np.arange(10, dtype=np.float32)
    found = ArrayBatches(Shuffled(Rows(X, X + 1, weights)), 4)
    for index in range(3):
        x, given = counted(found[index])
        assert given.mean() == pytest.approx(1)
        part = slice(4 * index, 4 * index + 4)
        expected = np.average(X[part], axis=0, weights=weights[part])
        np.testing.assert_allclose((x * given[:, np.newaxis]).mean(0), expected, rtol=1e-6)
        np.testing.assert_array_equal(found[index][1], x + 1)
        assert found[index][0][2].tolist() == [*weights[part], *[0] * (4 - len(weights[part]))]
    np.testing.assert_array_equal(
        counted(ArrayBatches(Shuffled(Rows(X, None, weights * 0)), 4)[0])[1], 0
    )


def test_weights_of_steps_are_relative_within_a_batch() -> None:
    weights = np.arange(30, dtype=np.float32).reshape(10, 3)
    sequences = np.arange(60, dtype=np.float32).reshape(10, 3, 2)
    found = ArrayBatches(Shuffled(Rows(sequences, None, weights)), 4)
    for index in range(3):
        ((x, relative, given),) = found[index]
        part = weights[4 * index : 4 * index + 4]
        np.testing.assert_array_equal(given, [*part, *[[0, 0, 0]] * (4 - len(part))])
        expected = np.average(sequences[4 * index : 4 * index + 4], axis=(0, 1), weights=part)
        np.testing.assert_allclose((x * relative[..., None]).mean((0, 1)), expected, rtol=1e-6)


def test_every_pass_has_another_order_and_every_row_once() -> None:
    found = ArrayBatches(Shuffled(Rows(X), 3), 5)
    passes = []
    for epoch in range(3):
        found.begin(epoch)
        np.testing.assert_array_equal(found[0][0], found[0][0])
        passes.append(np.concatenate([found[0][0], found[1][0]]))
    assert len({rows.tobytes() for rows in passes}) == 3
    for rows in passes:
        np.testing.assert_array_equal(np.sort(rows, axis=0), X)
    again = ArrayBatches(Shuffled(Rows(X), 3), 5)
    again.begin(2)  # whatever came before
    np.testing.assert_array_equal(again[0][0], passes[2][:5])


@pytest.mark.parametrize("seed", [None, 3])
def test_what_is_taken_is_a_copy(seed: int | None) -> None:
    taken = Shuffled(Rows(X, X, X[:, 0]), seed).take(0, 2, 7)
    assert not any(np.shares_memory(part, X) for part in taken)


def test_a_pass_goes_on_within_an_epoch() -> None:
    whole, rest = (ArrayBatches(Shuffled(Rows(X), 3), 4) for _ in range(2))
    whole.begin(2)
    rest.begin(2, 1)
    assert (len(whole), len(rest)) == (3, 2)
    for index in range(2):
        np.testing.assert_array_equal(counted(rest[index])[0], counted(whole[index + 1])[0])


@pytest.mark.parametrize("steps", [1, 2, 4, 7])  # a pass has 3
def test_passes_go_on_from_one_epoch_to_the_next(steps: int) -> None:
    found = ArrayBatches(Shuffled(Rows(X), 3), 4, steps=steps)
    rows = []
    for epoch in range(9):
        found.begin(epoch)
        assert len(found) == steps
        batches = [counted(found[index]) for index in range(steps)]
        stacked = counted(found.stack(0, steps))
        for one, several in zip(zip(*batches, strict=True), stacked, strict=True):
            np.testing.assert_array_equal(one, several)
        rows += [row for x, weights in batches for row in x[weights > 0].tolist()]
    passes = [rows[start : start + 10] for start in range(0, len(rows) // 10 * 10, 10)]
    for number, order in enumerate(passes):
        assert sorted(order) == X.tolist()
        assert order == np.random.default_rng([3, number]).permutation(X).tolist()


def test_processes_take_the_parts_of_one_batch() -> None:
    whole = ArrayBatches(Shuffled(Rows(X), 3), 4)
    parts = [ArrayBatches(Shuffled(Rows(X), 3), 4, process=(index, 2)) for index in range(2)]
    for index in range(3):
        for which in range(2):
            together = np.concatenate([counted(part[index])[which] for part in parts])
            np.testing.assert_array_equal(together, counted(whole[index])[which])
