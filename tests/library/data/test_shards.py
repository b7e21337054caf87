import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest

from keras_sparse import L1, SparseAutoencoder
from keras_sparse.data.arrays import DataError
from keras_sparse.data.shards import Shards, on_disk, source
from keras_sparse.data.tables import open_table


def folder_of(path: Path, parts: list[np.ndarray]) -> Path:
    path.mkdir()
    for index, part in enumerate(parts):
        np.save(path / f"part-{index}.npy", part)
    return path


def parquet_of(path: Path, parts: list[np.ndarray], **options: Any) -> Path:
    pa = pytest.importorskip("pyarrow", reason="writes Parquet")
    parquet = pytest.importorskip("pyarrow.parquet", reason="writes Parquet")
    path.mkdir()
    for index, part in enumerate(parts):
        columns = {f"c{column}": part[:, column] for column in range(part.shape[1])}
        parquet.write_table(pa.table(columns), path / f"part-{index}.parquet", **options)
    return path


@pytest.fixture
def shards(tmp_path: Path, rows: np.ndarray) -> Path:
    folder = folder_of(tmp_path / "x", np.split(rows, [150, 151]))
    (folder / ".part-9.npy").write_bytes(b"half-written")
    (folder / "_SUCCESS").touch()
    (folder / "README.txt").touch()
    return folder


def test_rows_of_a_folder_are_those_of_its_files_in_their_order(
    shards: Path, rows: np.ndarray
) -> None:
    found = Shards(shards)
    assert (found.shape, len(found)) == ((400, 12), 400)
    assert found.dtype == np.float32
    assert [file.name for file in found.files] == ["part-0.npy", "part-1.npy", "part-2.npy"]
    for start, stop in [(0, 400), (149, 152), (150, 151), (7, 7), (-3, None), (399, 1000)]:
        part = found[start:stop]
        assert part.dtype == np.float32
        np.testing.assert_array_equal(part, rows[start:stop])
    part[:] = 0  # a copy
    np.testing.assert_array_equal(found[399:], rows[399:])


def test_one_file_is_a_folder_of_one(tmp_path: Path, rows: np.ndarray) -> None:
    np.save(tmp_path / "x.npy", rows)
    np.testing.assert_array_equal(Shards(tmp_path / "x.npy")[3:9], rows[3:9])


@pytest.mark.parametrize("dtype", ["float64", "float16", ">f4", "int16", "uint8", "bool"])
def test_other_dtypes_become_float32(dtype: str, tmp_path: Path, rng: np.random.Generator) -> None:
    x = (100 * rng.random((40, 3))).astype(dtype)
    found = Shards(folder_of(tmp_path / "x", [x[:30], x[30:]]))
    assert found[:].dtype == np.float32
    np.testing.assert_array_equal(found[25:35], x[25:35].astype(np.float32))


def test_rows_of_images_keep_their_shape_until_they_are_flattened(tmp_path: Path) -> None:
    images = np.arange(60, dtype=np.uint8).reshape(5, 3, 4)
    found = Shards(folder_of(tmp_path / "x", [images]))
    assert found.shape == (5, 3, 4)
    np.testing.assert_array_equal(found[1:3], images[1:3])
    assert found.flat().shape == (5, 12)
    np.testing.assert_array_equal(found.flat()[1:3], images[1:3].reshape(2, 12))


def test_parts_are_rows_in_their_own_right(shards: Path, rows: np.ndarray) -> None:
    some = Shards(shards).parts([(0, 2), (140, 160), (399, 400)])
    wanted = rows[[0, 1, *range(140, 160), 399]]
    assert some.shape == (23, 12)
    np.testing.assert_array_equal(some[:], wanted)
    np.testing.assert_array_equal(some[1:14], wanted[1:14])
    np.testing.assert_array_equal(some.part(slice(1, 3))[:], wanted[1:3])
    np.testing.assert_array_equal(some.part(slice(20, None))[:], wanted[20:])


def test_only_slices_of_consecutive_rows_are_read(shards: Path) -> None:
    found: Any = Shards(shards)
    for index in (3, slice(0, 9, 2), [1, 2]):
        with pytest.raises(TypeError, match="Expected a slice of step 1"):
            found[index]


# Parquet ---------------------------------------------------------------------------------------


def test_parquet_is_decoded_once(tmp_path: Path, rows: np.ndarray) -> None:
    folder = parquet_of(tmp_path / "x", np.split(rows, [150, 151]), row_group_size=37)
    (tmp_path / "cache").mkdir()
    found = Shards(folder, cache=tmp_path / "cache")
    assert found.columns == tuple(f"c{column}" for column in range(12))
    np.testing.assert_array_equal(found[140:160], rows[140:160])
    shutil.rmtree(folder)
    np.testing.assert_array_equal(found.parts([(390, 400)])[:], rows[390:])
    assert list((tmp_path / "cache").iterdir()) == []  # the file has no name


def test_parquet_of_other_columns_is_refused(tmp_path: Path, rows: np.ndarray) -> None:
    folder = parquet_of(tmp_path / "x", [rows, rows[:, :11]])
    message = r"the 12 columns of part-0.parquet.*11 in part-1.parquet.*column 'c11'"
    with pytest.raises(DataError, match=message):
        Shards(folder)


def test_parquet_of_words_is_refused(tmp_path: Path) -> None:
    words = np.array([["a"], ["b"]])
    with pytest.raises(DataError, match=r"columns of numbers in part-0.parquet.*string in column"):
        Shards(parquet_of(tmp_path / "x", [words]))


def test_what_parquet_lacks_is_named(tmp_path: Path, rows: np.ndarray) -> None:
    rows[200, 3] = np.nan
    message = r"no value, NaN or infinity in row 49 of part-2.parquet. Remedy: --missing mask"
    with pytest.raises(DataError, match=message):
        Shards(parquet_of(tmp_path / "x", np.split(rows, [150, 151])))


@pytest.mark.parametrize("write", [folder_of, parquet_of])
def test_gaps_on_disk_are_those_of_the_array(
    write: Callable[..., Path], tmp_path: Path, rows: np.ndarray
) -> None:
    gappy = np.where(np.random.default_rng(0).random(rows.shape) < 0.1, np.nan, rows)
    gappy = gappy.astype(np.float32)
    folder = write(tmp_path / "x", np.split(gappy, [150, 151]))
    shards = open_table(folder, missing="mean").rows
    np.testing.assert_array_equal(shards[140:160], gappy[140:160])
    model = SparseAutoencoder(12, 4, sparsity=None, missing="mean")
    model.adapt(shards)
    codes = model.encode(shards)
    model.adapt(gappy)
    np.testing.assert_allclose(codes, model.encode(gappy), rtol=1e-5, atol=1e-6)
    with pytest.raises(DataError, match="NaN or infinity"):
        SparseAutoencoder(12, 4, sparsity=None).adapt(Shards(folder))
    with pytest.raises(ValueError, match="for rows on disk, which are all read"):
        Shards(folder, missing="skip")


def test_a_row_of_gaps_alone_is_named(tmp_path: Path, rows: np.ndarray) -> None:
    rows[200] = np.nan
    with pytest.raises(DataError, match=r"an entry in each row. Received: .* row 200 of part-0"):
        Shards(parquet_of(tmp_path / "x", [rows]), missing="mask")


def test_a_damaged_parquet_is_named(tmp_path: Path, rows: np.ndarray) -> None:
    folder = parquet_of(tmp_path / "x", [rows])
    (folder / "part-1.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(DataError, match=r"Expected a table in part-1.parquet"):
        Shards(folder)


def test_room_for_parquet_is_asked_for_first(
    tmp_path: Path, rows: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = parquet_of(tmp_path / "x", [rows])
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(OSError, match=r"Expected 0.0 GB of free space in .*Remedy: set `cache`"):
        Shards(folder, cache=tmp_path)


# Files that are not what they should be --------------------------------------------------------


@pytest.mark.parametrize(
    ("odd", "message"),
    [
        (np.ones((3, 5), np.float32), r"rows of shape \(12,\) in every file, as in part-0.npy.*"
         r"rows of shape \(5,\) in part-3.npy"),
        (np.ones((3, 12)), r"float32 in every file, as in part-0.npy. Received: float64 in part-3"),
        (np.ones((0, 12), np.float32), r"at least 1 row in part-3.npy.*Remedy: remove the file"),
        (np.ones((3, 12), "c8"), r"array of numbers, \(rows, features\), in part-3.npy.*complex64"),
        (np.ones(3, np.float32), r"\(rows, features\), in part-3.npy"),
        (np.asfortranarray(np.ones((3, 12), np.float32)), "Fortran order. Remedy: numpy.save"),
        (np.array([{}]), "numpy cannot read"),
    ],
)  # fmt: skip
def test_an_odd_shard_is_named(odd: np.ndarray, message: str, shards: Path) -> None:
    np.save(shards / "part-3.npy", odd, allow_pickle=True)
    with pytest.raises(DataError, match=message):
        Shards(shards)


def test_a_shard_cut_before_it_is_opened_is_named(shards: Path) -> None:
    whole = (shards / "part-2.npy").read_bytes()
    for content in (whole[:-1], whole[:50], b""):
        (shards / "part-2.npy").write_bytes(content)
        with pytest.raises(DataError, match=r"part-2.npy. Received: a file that numpy cannot read"):
            Shards(shards)


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda file: file.unlink(), "No such file"),
        (lambda file: file.write_bytes(file.read_bytes()[: 128 + 48 * 100]), "ends in row 100"),
        (lambda file: file.write_bytes(b""), "ends in row "),
    ],
)
def test_a_shard_that_changes_while_it_is_read_is_named(
    harm: Callable[[Path], Any], message: str, shards: Path
) -> None:
    found = Shards(shards)
    harm(shards / "part-2.npy")
    assert len(found[:151]) == 151
    with pytest.raises(DataError, match=f"part-2.npy to be unchanged.*{message}"):
        found[100:300]


@pytest.mark.parametrize(
    ("dtype", "value"), [("float32", np.nan), ("float32", -np.inf), ("float64", 1e300)]
)
def test_a_row_that_is_not_finite_is_named_with_its_shard(
    dtype: str, value: float, tmp_path: Path, rows: np.ndarray
) -> None:
    x = rows.astype(dtype)
    x[160, 3] = value
    found = Shards(folder_of(tmp_path / "x", np.split(x, [150, 151])))
    found[:160]
    for part in (found, found.parts([(155, 170)])):
        with pytest.raises(DataError, match=r"NaN or infinity in row 9 of part-2.npy"):
            part[:]


def test_what_holds_no_shards_is_refused(tmp_path: Path, rows: np.ndarray) -> None:
    with pytest.raises(FileNotFoundError, match="does not exist"):
        Shards(tmp_path / "none")
    with pytest.raises(DataError, match=r"all of one kind, in .*Received: no file"):
        Shards(tmp_path)
    (tmp_path / "x.txt").touch()
    with pytest.raises(DataError, match=r"Received: x.txt"):
        Shards(tmp_path)
    np.save(tmp_path / "x.npy", rows)
    (tmp_path / "x.parquet").touch()
    with pytest.raises(DataError, match=r"Received: .npy and .parquet"):
        Shards(tmp_path)


# In the place of an array ----------------------------------------------------------------------


def test_memory_maps_are_read_by_slices(tmp_path: Path, rows: np.ndarray) -> None:
    np.save(tmp_path / "x.npy", rows.astype(np.float64))
    array = np.load(tmp_path / "x.npy", mmap_mode="r+")
    assert on_disk(array)
    assert not on_disk(rows)
    found = source(array)
    assert found.shape == (400, 12)
    assert type(found[:5]) is np.ndarray
    np.testing.assert_array_equal(found[5:9], rows[5:9])
    array[7, 0] = np.nan
    for part, row in ((found, 5), (found.part(slice(4, None)), 1)):
        with pytest.raises(DataError, match="NaN or infinity in row 7"):
            part[row : row + 4]


def test_adapting_and_encoding_are_those_of_the_array(
    shards: Path, tmp_path: Path, rows: np.ndarray
) -> None:
    np.save(tmp_path / "x.npy", rows)
    array, *others = (
        SparseAutoencoder(12, 6, sparsity=L1(), normalization="standard") for _ in range(3)
    )
    array.adapt(rows)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    for model, x in zip(others, (Shards(shards), mapped), strict=True):
        model.adapt(x)
        model.set_weights(array.get_weights())
        np.testing.assert_allclose(model.encode(x), array.encode(rows), atol=1e-5)
        np.testing.assert_allclose(model.scale(rows), array.scale(rows), atol=1e-5)
    assert others[1].encode(mapped[0]).shape == (6,)


@pytest.mark.parametrize("kind", ["int64", "float64", "parquet"])
def test_lost_digits_are_judged_before_the_cast(kind: str, tmp_path: Path) -> None:
    seconds = 1_700_000_000 + np.arange(400) // 10  # all the same in float32
    rows = np.stack([seconds, np.arange(400) % 7], axis=1)
    if kind == "parquet":
        pa = pytest.importorskip("pyarrow", reason="writes Parquet")
        parquet = pytest.importorskip("pyarrow.parquet", reason="writes Parquet")
        parquet.write_table(pa.table({"t": seconds, "b": rows[:, 1]}), tmp_path / "0.parquet")
    else:
        np.save(tmp_path / "0.npy", rows.astype(kind))
    model = SparseAutoencoder(2, 2, sparsity=L1())
    name = "t" if kind == "parquet" else "0"
    with pytest.raises(DataError, match=rf"column {name}, the first with mean 1.7e\+09 and dev"):
        model.adapt(Shards(tmp_path).part(slice(0, 300)))


def test_rows_as_stored_have_the_dtype_of_the_file(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.full((4, 2), 16_777_217))
    stored = Shards(tmp_path / "x.npy").as_stored()
    assert stored[1:3].tolist() == [[16_777_217] * 2] * 2
    assert Shards(tmp_path / "x.npy")[:1].dtype == np.float32


def test_rows_of_another_width_are_refused_before_they_are_read(shards: Path) -> None:
    model = SparseAutoencoder(11, 6, sparsity=L1(), normalization="standard")
    with pytest.raises(DataError, match=r"Expected \(rows, 11\). Received: \(400, 12\)"):
        model.adapt(Shards(shards))
    with pytest.raises(DataError, match=r"Expected \(rows, 11\). Received: \(400, 12\)"):
        SparseAutoencoder(11, 6, sparsity=L1(), normalization=None).encode(Shards(shards))


@pytest.mark.slow
def test_training_and_measuring_are_those_of_the_array(shards: Path, rows: np.ndarray) -> None:
    found: dict[str, list[float]] = {}
    for name, x in (("array", rows), ("shards", Shards(shards))):
        keras.utils.set_random_seed(1)
        model = SparseAutoencoder(12, 6, sparsity=L1(), normalization=None)
        model.compile()
        options = {"batch_size": 64, "epochs": 2, "verbose": 0}
        history = model.fit(x, shuffle=False, validation_data=x, **options).history
        split = model.fit(x, shuffle=False, validation_split=0.25, **options).history
        found[name] = [*history["loss"], *history["val_loss"], *split["loss"], *split["val_loss"]]
        found[name] += model.evaluate(x, verbose=0)
        np.testing.assert_allclose(model.predict(x, verbose=0), model.predict(rows, verbose=0))
    np.testing.assert_allclose(found["shards"], found["array"], rtol=1e-5)


def test_a_memory_map_is_shuffled_and_trained_on(tmp_path: Path, rows: np.ndarray) -> None:
    np.save(tmp_path / "x.npy", rows.astype(np.float64))
    x = np.load(tmp_path / "x.npy", mmap_mode="r")
    model = SparseAutoencoder(12, 6, sparsity=L1(), normalization=None)
    model.compile()
    losses = [model.fit(x, batch_size=50, epochs=3, verbose=0).history["loss"] for _ in range(2)]
    assert losses[0][0] > losses[0][-1] > losses[1][-1]
    weighted = model.fit(x, rows, sample_weight=rows[:, 0] + 1, batch_size=50, verbose=0)
    assert np.isfinite(weighted.history["loss"]).all()


def test_shards_come_alone(shards: Path, rows: np.ndarray) -> None:
    model = SparseAutoencoder(12, 6, sparsity=L1(), normalization=None)
    model.compile()
    x = Shards(shards)
    with pytest.raises(DataError, match=r"`y`. Expected None with rows on disk"):
        model.fit(x, rows)
    with pytest.raises(DataError, match=r"`sample_weight`. Expected None with rows on disk"):
        model.fit(x, sample_weight=rows[:, 0])


def test_a_shard_that_disappears_while_training_is_told(
    shards: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Removing(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            (shards / "part-2.npy").unlink(missing_ok=True)

    monkeypatch.setattr("keras_sparse.training.batching.shuffle_buffer.BUFFER_BYTES", 50 * 48)
    monkeypatch.setattr("keras_sparse.training.batching.shuffle_buffer.BUFFER_ROWS", 1)
    monkeypatch.setattr("keras_sparse.training.batching.shuffle_buffer.BLOCK_BYTES", 10 * 48)
    model = SparseAutoencoder(12, 6, sparsity=L1(), normalization=None)
    model.compile()
    with pytest.raises(DataError, match=r"Expected part-2.npy to be unchanged"):
        model.fit(Shards(shards), batch_size=16, epochs=3, verbose=0, callbacks=[Removing()])
