import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from keras_sparse import KL, SparseAutoencoder
from keras_sparse.data.arrays import DataError
from keras_sparse.data.column_statistics import require_resolved
from keras_sparse.data.shards import Shards
from keras_sparse.models.scaling import (
    Scaling,
    choose_normalization,
    learn_scaling,
)


def model_of(sparsity: Any = None, **arguments: Any) -> SparseAutoencoder:
    arguments = {"normalization": None, **arguments}
    model = SparseAutoencoder(12, 6, sparsity=sparsity or KL(0.2, 0.01), **arguments)
    model.compile()
    return model


def test_scaling_and_back_in_float32_under_half_precision(rng: np.random.Generator) -> None:
    x = (rng.random((6, 3)) * 1e6).astype(np.float32)
    offset, scale = x.mean(0), x.std(0)
    keras.config.set_dtype_policy("mixed_float16")
    try:
        there, back = Scaling(), Scaling(invert=True)
        for layer in (there, back):
            layer.build((None, 3))
            layer.assign(offset, scale)
        scaled = there(x)
    finally:
        keras.config.set_dtype_policy("float32")
    np.testing.assert_allclose(ops.convert_to_numpy(scaled), (x - offset) / scale, rtol=1e-6)
    np.testing.assert_allclose(ops.convert_to_numpy(back(scaled)), x, atol=0.1)


def test_rows_that_are_not_finite_are_named_when_they_are_adapted_to(
    rows: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows[[205, 207], 3] = np.nan
    monkeypatch.setattr("keras_sparse.data.arrays.CHUNK", 12 * 100)
    with pytest.raises(DataError, match=r"`x`.*NaN or infinity in rows 205, 207"):
        model_of(normalization="standard").adapt(rows)


def test_adapting_to_a_stream_is_adapting_to_its_rows(rows: np.ndarray) -> None:
    array, stream = (model_of(normalization="standard") for _ in range(2))
    array.adapt(rows)
    stream.adapt(batch for batch in np.split(rows, 4))
    np.testing.assert_allclose(stream.scale(rows), array.scale(rows), atol=1e-6)


def test_a_stream_is_adapted_to_in_its_own_dtype() -> None:
    x = 1e9 + 1.2e4 * np.random.default_rng(0).normal(size=(400, 12))
    array, stream = (model_of(normalization="standard") for _ in range(2))
    for model, source in ((array, x), (stream, iter(np.split(x, 4)))):
        model.adapt(source)
    for model in (array, stream):
        scale = ops.convert_to_numpy(model.encoder.get_layer("scaling").scale)
        np.testing.assert_allclose(scale, x.std(0), rtol=1e-5)


@pytest.mark.slow
def test_a_constant_column_keeps_its_unit(rows: np.ndarray) -> None:
    rows[:, 4] = 7
    for normalization in ("standard", "minmax"):
        model = model_of(normalization=normalization)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            model.adapt(rows)
        np.testing.assert_array_equal(model.scale(rows)[:, 4], 0)
        model.fit(rows, verbose=0)
        assert np.isfinite(model.encode(rows)).all()


@pytest.mark.parametrize("value", [0.1, 1e6 / 3, -1e-30 / 7])
@pytest.mark.parametrize("normalization", ["standard", "minmax"])
def test_a_constant_without_an_exact_binary_form_is_constant_over_chunks(
    normalization: str, value: float, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = np.column_stack([np.full(1000, value), rng.normal(size=1000)])
    chunks = (value * np.ones(length) for length in (3, 7, 11, 333))
    assert len({chunk.mean() for chunk in chunks}) > 1  # chunks differ in their last bits
    monkeypatch.setattr("keras_sparse.data.column_statistics.CHUNK", 2 * 11)
    for rows in (x, iter(np.split(x, [3, 10, 500]))):
        offset, scale, _ = learn_scaling(rows, (2,), normalization)
        assert offset[0] == pytest.approx(value, rel=1e-12)
        assert scale[0] == 1
        assert scale[1] == pytest.approx(
            np.ptp(x[:, 1]) if normalization == "minmax" else x[:, 1].std()
        )


@pytest.mark.parametrize(
    "column",
    [1.7e15 + np.arange(400.0), 0.3 + 1e-12 * np.arange(400), 1e-42 * np.arange(400)],
    ids=["time", "offset", "tiny"],
)
def test_a_column_that_float32_cannot_resolve_is_refused(
    column: np.ndarray, rows: np.ndarray
) -> None:
    stamps = rows.astype(np.float64)
    stamps[:, 3] = column
    rest = np.unique(column.astype(np.float32) - np.float32(column.mean()))
    assert len(rest) < 400 or np.abs(rest).max() < np.finfo(np.float32).tiny
    model = model_of(normalization="standard")
    with pytest.raises(DataError, match=r"float32 can resolve.*Received: column 3, the first with"):
        model.adapt(stamps)
    assert not model.adapted
    names = [f"c{index}" for index in range(11)]
    with pytest.raises(DataError, match=r"Received: column time.* Remedy: subtract"):
        require_resolved(stamps, [*names[:3], "time", *names[3:]])
    stamps[:, 3] = 1.7e15  # a constant
    model.adapt(stamps)


def test_before_adapting_there_is_no_scaled_space(rows: np.ndarray) -> None:
    for use in ("encode", "scale", "evaluate"):
        with pytest.raises(ValueError, match=r"call `adapt\(x\)` first"):
            getattr(model_of(normalization="minmax"), use)(rows)
    with pytest.raises(ValueError, match="normalization=None"):
        model_of().adapt(rows)
    with pytest.raises(DataError, match="at least 2 rows"):
        model_of(normalization="minmax").adapt(iter([rows[:1]]))


# One scale for all columns ------------------------------------------------------------------------


def test_centered_rows_have_a_mean_square_of_one(rows: np.ndarray) -> None:
    offset, scale, _ = learn_scaling(rows, (12,), "center")
    x = rows.astype(np.float64)
    np.testing.assert_allclose(offset, x.mean(0), rtol=1e-9)
    np.testing.assert_array_equal(scale, scale[0])
    assert np.square((x - offset) / scale).mean() == pytest.approx(1, rel=1e-9)
    assert scale.shape == (12,)
    model = model_of(normalization="center")
    model.adapt(rows)
    scaled = (x - x.mean(0)) / scale
    np.testing.assert_allclose(model.scale(rows), scaled, atol=1e-5)
    of_encoder = model.encoder.get_layer("scaling")(rows)
    np.testing.assert_allclose(ops.convert_to_numpy(of_encoder), scaled, atol=1e-5)


@pytest.mark.parametrize("value", [0.0, 1e38])
def test_centring_of_the_smallest_and_largest_rows(value: float) -> None:
    x = np.array([[value, 0.0], [0.0, 0.0], [0.0, value]])
    offset, scale, _ = learn_scaling(x, (2,), "center")
    assert scale[0] == pytest.approx(value * np.sqrt(2) / 3 if value else 1)
    np.testing.assert_array_equal(offset, x.mean(0))


@pytest.mark.parametrize(
    ("deviations", "normalization"),
    [
        ([1.0] * 12, "center"),
        (np.linspace(0, 1, 64), "center"),  # pixels, some of them at the border
        (np.geomspace(0.01, 10, 12), "standard"),  # columns of several units
        ([1.0, 1.0, 300.0, 2.0], "standard"),
        ([3.0, 4.0, 1.0], "center"),
        ([1.0, 1e6], "standard"),
        ([5.0], "center"),
        ([0.0, 2.0, 0.0], "center"),
        ([0.0, 0.0], "center"),
    ],
)
def test_few_columns_with_all_of_the_variance_are_scaled_one_by_one(
    deviations: Any, normalization: str, rng: np.random.Generator
) -> None:
    signs = rng.choice([-1.0, 1.0], (1000, len(deviations)))
    x = 7 + (signs - signs.mean(0)) * deviations
    for found, expected in zip(
        learn_scaling(x, x.shape[1:], "auto"),
        learn_scaling(x, x.shape[1:], normalization),
        strict=True,
    ):
        np.testing.assert_array_equal(found, expected)


def test_an_output_activation_has_the_range_of_raw_rows() -> None:
    model = SparseAutoencoder(12, 6, output_activation="sigmoid")
    assert model.normalization is None
    assert model.adapted
    assert SparseAutoencoder(12, 6).normalization == "auto"


# Adapting in `fit` --------------------------------------------------------------------------------


class Batches(keras.utils.PyDataset):
    def __init__(self, x: np.ndarray, endless: bool = False) -> None:
        super().__init__()
        self.x, self.endless = x, endless

    @property
    def num_batches(self) -> int | None:
        return None if self.endless else 4

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        part = self.x[index % 4 :: 4]
        return part, part


def offset_of(model: SparseAutoencoder) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(model.encoder.get_layer("scaling").offset))


def test_fit_adapts_to_its_training_rows(rows: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", rows)
    weights = np.repeat([1.0, 0.0], 200)
    for x, trained, options in (
        (rows, rows[:300], {"validation_split": 0.25}),
        (rows, rows[:200], {"sample_weight": weights}),
        (Shards(tmp_path), rows[:300], {"validation_split": 0.25}),
        (Batches(rows), rows, {}),
        (Batches(rows, endless=True), rows[0::4], {"steps_per_epoch": 1}),
    ):
        model = model_of(normalization="auto")
        model.fit(x, verbose=0, **options)
        np.testing.assert_allclose(offset_of(model), trained.mean(0), rtol=1e-5)


def test_fit_adapts_in_the_dtype_of_the_rows() -> None:
    x = 1e9 + 1.2e4 * np.random.default_rng(0).normal(size=(40, 12))
    model = model_of(normalization="standard")
    model.fit(x, verbose=0)
    scale = ops.convert_to_numpy(model.encoder.get_layer("scaling").scale)
    np.testing.assert_allclose(scale, x.std(0), rtol=1e-5)


def test_what_was_adapted_stays_so(rows: np.ndarray, tmp_path: Path) -> None:
    model = model_of(normalization="center")
    model.adapt(rows[:100])
    before = offset_of(model)
    model.fit(rows, verbose=0)
    np.testing.assert_array_equal(offset_of(model), before)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    loaded.fit(rows, verbose=0)
    np.testing.assert_array_equal(offset_of(loaded), before)
    np.testing.assert_array_equal(
        ops.convert_to_numpy(loaded.decoder.get_layer("unscaling").offset), before
    )


def test_fit_does_not_adapt_to_what_it_cannot_read_twice(rows: np.ndarray) -> None:
    model = model_of(normalization="center")
    cases: tuple[tuple[Any, dict[str, Any]], ...] = (
        (iter([rows]), {}),
        (Batches(rows, endless=True), {}),
        ((rows for _ in range(9)), {"steps_per_epoch": 3}),
    )
    for stream, options in cases:
        with pytest.raises(ValueError, match=r"not adapted. Remedy: call `adapt\(x\)` first"):
            model.fit(stream, verbose=0, **options)
    assert not model.adapted


@pytest.mark.parametrize(
    ("deviation", "expected"),
    [
        (np.ones(10), "center"),
        (np.r_[np.zeros(5), np.ones(5)], "center"),  # pixels of a border that never vary
        (np.r_[1000.0, np.ones(9)], "standard"),  # one column of another unit
        (np.r_[np.full(4, 100.0), np.ones(8)], "standard"),  # several: half are below a tenth
        (np.r_[np.full(7, 100.0), np.ones(5)], "center"),
        (np.zeros(3), "center"),
        (np.ones(1), "center"),
    ],
)
def test_columns_of_other_units_are_standardized(deviation: np.ndarray, expected: str) -> None:
    assert choose_normalization(deviation) == expected
