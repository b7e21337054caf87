from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from keras_sparse import (
    L1,
    BatchTopK,
    JumpReLU,
    Matryoshka,
    RefinedCode,
    Shards,
    SparseAutoencoder,
    TopK,
)
from keras_sparse.metrics.functional import explained_variance
from keras_sparse.models.data_start import (
    count_rows,
    find_directions,
    find_gain,
    whiten,
)

UNITS = 20


def fitted(x: Any, **arguments: Any) -> SparseAutoencoder:
    """A model after a `fit` whose steps change nothing."""
    keras.utils.set_random_seed(0)
    arguments = {"sparsity": BatchTopK(3), "normalization": "center", **arguments}
    model = SparseAutoencoder(12, UNITS, **arguments)
    model.compile(keras.optimizers.SGD(0.0), monitor=False)
    model.fit(x, batch_size=200, verbose=0)
    return model


def kernels(model: SparseAutoencoder) -> tuple[np.ndarray, np.ndarray]:
    code = model.encoder.get_layer("code")
    if isinstance(code, RefinedCode):
        both = code.kernel, code.decoder_kernel
    else:
        both = model.encoder.get_layer("pre_activation").kernel, model.decoder.layers[1].kernel
    writer, reader = map(ops.convert_to_numpy, both)
    return writer, reader


def whitened_rows(x: np.ndarray) -> np.ndarray:
    """By a singular value decomposition; variances below a thousandth of the largest stay small."""
    left, scales, axes = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
    whitened: np.ndarray = left * scales / np.maximum(scales, scales[0] * 1e-3**0.5) @ axes
    return whitened


def best_gain(x: np.ndarray, directions: np.ndarray, k: int) -> float:
    codes = np.maximum(x @ directions.T, 0)
    codes[codes < np.sort(codes, axis=None)[-k * len(x)]] = 0
    gain, *_ = np.linalg.lstsq((codes @ directions).reshape(-1, 1), x.ravel())
    return float(gain[0])


@pytest.mark.parametrize("refine", [0, 1])
@pytest.mark.parametrize("sparsity", [BatchTopK(3), TopK(3)], ids=["BatchTopK", "TopK"])
def test_units_start_as_whitened_rows(sparsity: Any, refine: int, shared_rows: np.ndarray) -> None:
    x = shared_rows[:UNITS]  # all are drawn, in some order
    model = fitted(x, sparsity=sparsity, refine=refine)
    writer, reader = kernels(model)
    scaled = model.scale(x).astype(np.float64)
    expected = whitened_rows(scaled)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    matches = (np.abs(reader[:, np.newaxis] - expected) < 1e-5).all(-1)
    assert matches.sum(0).tolist() == matches.sum(1).tolist() == [1] * UNITS
    np.testing.assert_allclose(writer, best_gain(scaled, reader, 3) * reader.T, rtol=1e-5)


@pytest.mark.parametrize("shape", [(40, 8), (8, 40)])
def test_rows_are_whitened_in_few_and_in_many_columns(
    shape: tuple[int, int], rng: np.random.Generator
) -> None:
    x = rng.normal(size=shape) * np.geomspace(1, 100, shape[1])
    x -= x.mean(axis=0)
    chosen = np.array([5, 2])
    np.testing.assert_allclose(whiten(x, chosen), whitened_rows(x)[chosen], atol=1e-12)


def test_large_matrices_cost_neither_minutes_nor_much_memory() -> None:
    rows = np.broadcast_to(np.arange(4097.0), (4097, 4097))
    np.testing.assert_array_equal(whiten(rows, np.array([3])), rows[3:4])  # not whitened
    assert [count_rows(64, d) for d in (64, 2048, 150_000)] == [4096, 2048, 1024]
    assert count_rows(16_384, 768) == 16_384


@pytest.mark.parametrize("refine", [0, 1])
def test_many_units_of_similar_rows_explain_no_row_many_times(
    refine: int, rng: np.random.Generator
) -> None:
    x = rng.normal(size=(200, 1)) * rng.normal(size=12) + 0.3 * rng.normal(size=(200, 12))
    model = fitted(x, sparsity=BatchTopK(6), refine=refine)
    assert explained_variance(x, model.predict(x, verbose=0)) > 0.3


def test_equal_rows_give_no_direction() -> None:
    assert find_gain(np.zeros((30, 12)), np.eye(4, 12), 3) == 1
    rows = np.full((30, 12), 2.5, np.float32)
    writer, reader = kernels(fitted(rows, normalization=None))
    assert np.isfinite(writer).all()
    keras.utils.set_random_seed(0)
    start = kernels(SparseAutoencoder(12, UNITS, sparsity=BatchTopK(3)))[1]
    np.testing.assert_allclose(reader, start, atol=1e-6)


def test_no_two_units_start_alike(rng: np.random.Generator) -> None:
    rows = np.eye(4, 12, dtype=np.float32)[rng.integers(0, 4, 100)]
    reader = kernels(fitted(rows, normalization=None))[1]
    assert len(np.unique(reader.round(5), axis=0)) == UNITS


@pytest.mark.parametrize("count", [1, 2, 3])
def test_directions_of_few_units_are_those_of_some_rows(
    count: int, rng: np.random.Generator
) -> None:
    rows = rng.normal(size=(500, 4)) + 7
    directions = find_directions(rows, count, np.random.default_rng(1))
    whitened = whitened_rows(rows)
    cosines = directions @ (whitened / np.linalg.norm(whitened, axis=1, keepdims=True)).T
    np.testing.assert_allclose(cosines.max(axis=1), 1)
    assert np.linalg.matrix_rank(directions) == count


def test_units_for_which_there_are_no_rows_keep_their_direction(shared_rows: np.ndarray) -> None:
    x = np.concatenate([shared_rows[:5], np.repeat(shared_rows[:5].mean(0, keepdims=True), 2, 0)])
    writer, reader = kernels(fitted(x, normalization=None))
    keras.utils.set_random_seed(0)
    start = kernels(SparseAutoencoder(12, UNITS, sparsity=BatchTopK(3)))[1]
    same = np.isclose(reader, start, atol=1e-6).all(axis=1)
    assert same.tolist() == [False] * (UNITS - same.sum()) + [True] * same.sum()
    assert same.sum() == UNITS - 5  # the mean itself points nowhere
    np.testing.assert_allclose(np.linalg.norm(reader, axis=1), 1, rtol=1e-5)
    gains = writer.T / reader
    np.testing.assert_allclose(gains, gains[0, 0], rtol=1e-5)


def test_weights_that_were_set_or_trained_stay(shared_rows: np.ndarray) -> None:
    model = fitted(shared_rows)
    trained = kernels(model)
    model.fit(shared_rows[:50], verbose=0)
    other = SparseAutoencoder(12, UNITS, sparsity=BatchTopK(3))
    other.adapt(shared_rows)
    other.decoder.get_layer("reconstruction").kernel.assign(trained[1])
    before = kernels(other)
    other.compile(keras.optimizers.SGD(0.0), monitor=False)
    other.fit(shared_rows[:50], verbose=0)
    for found, expected in ((model, trained), (other, before)):
        for kernel, value in zip(kernels(found), expected, strict=True):
            np.testing.assert_allclose(kernel, value, atol=1e-6)


def test_rows_on_disk_give_the_start_of_rows_in_memory(
    shared_rows: np.ndarray, tmp_path: Path
) -> None:
    np.save(tmp_path / "rows.npy", shared_rows)
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    expected = kernels(fitted(shared_rows))[1]
    for x in (mapped, Shards(tmp_path / "rows.npy")):
        np.testing.assert_allclose(kernels(fitted(x))[1], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "arguments",
    [
        {"sparsity": L1()},
        {"sparsity": JumpReLU(3)},
        {"sparsity": Matryoshka(BatchTopK(3), [5, UNITS])},
        {"hidden_units": (8,)},
        {"output_activation": "relu"},
    ],
    ids=["L1", "JumpReLU", "Matryoshka", "hidden", "relu"],
)
def test_other_models_start_at_random(arguments: dict[str, Any], shared_rows: np.ndarray) -> None:
    model = fitted(np.abs(shared_rows), **arguments)
    assert model.silent_units is None
    keras.utils.set_random_seed(0)
    start = SparseAutoencoder(
        12, UNITS, **{"sparsity": BatchTopK(3), "normalization": "center", **arguments}
    )
    for found, expected in zip(model.trainable_variables, start.trainable_variables, strict=True):
        if len(found.shape) == 2:  # a constraint may have made the rows of a kernel longer
            cosines = (unit_rows(found) * unit_rows(expected)).sum(axis=1)
            np.testing.assert_allclose(cosines, 1, atol=1e-5)


def unit_rows(kernel: Any) -> np.ndarray:
    values = ops.convert_to_numpy(kernel).astype(np.float64)
    rows: np.ndarray = values / np.linalg.norm(values, axis=1, keepdims=True)
    return rows
