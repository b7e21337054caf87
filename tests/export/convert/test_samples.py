from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from bundles import as_table, manifest
from keras_sparse import L1, BatchTopK, SparseAutoencoder
from keras_sparse_export import Encoder, export_encoder
from keras_sparse_export.convert import samples
from keras_sparse_export.convert.source import cut
from keras_sparse_export.errors import ConversionError
from keras_sparse_export.io.inputs import Input, Inputs
from keras_sparse_export.variants.decision import quantize_bundle
from models import gated_model, plain_model

make = keras.layers


def golden_rows(path: Path, columns: int) -> np.ndarray:
    return np.fromfile(path / "golden_x.f32", "<f4").reshape(-1, columns)


def scaled(mean: float, std: float) -> list[keras.layers.Layer]:
    return [make.Normalization(mean=[mean] * 12, variance=[std**2] * 12)]


@pytest.mark.parametrize(
    ("first", "mean", "std"),
    [
        (lambda: scaled(1.3e7, 1.0), 1.3e7, 1.0),
        (lambda: scaled(-3e-6, 1e-7), -3e-6, 1e-7),
        (lambda: scaled(1e20, 1e19), 1e20, 1e19),
        (lambda: [make.Rescaling(1 / 50, offset=-4)], 200, 50),
        (lambda: [keras.Sequential([keras.Input((12,)), *scaled(300, 20)])], 300, 20),
        (lambda: [make.Dense(12), *scaled(300, 20)], 0, 1),
    ],
    ids=["large", "small", "huge", "rescaled", "nested", "behind another layer"],
)
def test_synthetic_rows_lie_where_the_layer_that_takes_them_expects_them(
    first: Callable[[], list[keras.layers.Layer]], mean: float, std: float, tmp_path: Path
) -> None:
    layers = [keras.Input((12,)), *first(), make.Dense(6, "relu", name="code")]
    path = export_encoder(keras.Sequential(layers), tmp_path / "b", layer="code")
    rows = golden_rows(path, 12).astype(np.float64)
    assert (np.abs(rows.mean(axis=0) - mean) < 0.8 * std).all()
    np.testing.assert_allclose(rows.std(axis=0), std, rtol=0.5)
    Encoder(path).verify()


def test_scaling_within_a_branch_or_another_shape_does_not_matter(tmp_path: Path) -> None:
    x = keras.Input((6,))
    scaled = make.Normalization(mean=5e6, variance=4.0)(x)
    model = keras.Model(x, make.Dense(4, name="code")(make.Concatenate()([scaled, x])))
    rows = golden_rows(export_encoder(model, tmp_path / "a", layer="code"), 6)
    np.testing.assert_allclose(rows.mean(axis=0), 5e6, atol=2)
    autoencoder = SparseAutoencoder(8, 16, sparsity=L1(), normalization="standard")
    autoencoder.adapt(np.random.default_rng(0).normal(size=(50, 8)))
    model = keras.Model(x, autoencoder.encoder(make.Dense(8)(x)))
    path = export_encoder(model, tmp_path / "b", layer=autoencoder.encoder.name)
    assert np.abs(golden_rows(path, 6)).max() < 5


@pytest.mark.parametrize(("mean", "std"), [(1e7, 200.0), (1e15, 1e12), (0.0, 1e-12)])
def test_columns_of_any_size_are_exported_without_a_sample(
    mean: float, std: float, tmp_path: Path
) -> None:
    x = np.random.default_rng(0).normal(size=(300, 6))
    x[:, 2:4] = mean + std * x[:, 2:4]
    model = SparseAutoencoder(6, 8, sparsity=L1(), normalization="standard")
    model.adapt(x)
    path = export_encoder(model, tmp_path / "b", golden="synthetic", decoder=True)
    found = Encoder(path).verify()
    assert found.golden == "synthetic"
    rows = golden_rows(path, 6).astype(np.float64)
    assert (np.abs(rows.mean(axis=0) - x.mean(axis=0)) < 0.8 * x.std(axis=0)).all()
    for parity in manifest(path)["parity"].values():
        assert parity["max_abs_error"] <= parity["tolerance"] < 1e-4 * np.abs(x).max()


def test_a_sparse_sample_is_its_rows(tmp_path: Path) -> None:
    sparse = pytest.importorskip("scipy.sparse")
    x = np.random.default_rng(0).poisson(0.3, (100, 12))
    sample = samples.check_sample(sparse.coo_array(x), Inputs([Input("x", (12,))]))
    for part in (slice(None), slice(3, 9), slice(None, None, 4)):
        np.testing.assert_array_equal(sample[part], x[part])
    model = SparseAutoencoder(12, 6, sparsity=L1(), normalization=None)
    manifests = []
    for name, kind in (("dense", np.asarray), ("sparse", sparse.csr_array)):
        path = export_encoder(model, tmp_path / name, sample=kind(x), quantize="auto")
        manifests.append(manifest(path))
        manifests[-1].pop("created", None)
    for key in ("statistics", "parity", "golden"):
        assert manifests[0][key] == manifests[1][key]
    with pytest.raises(ValueError, match=r"`sample`. Expected rows of numbers"):
        samples.check_sample(sparse.csr_array(x), Inputs([Input("x", (6,))]))


# Names of columns --------------------------------------------------------------------------------

NAMES = tuple("abcdefghijkl")


def test_names_come_from_the_model_or_the_sample(rows: np.ndarray, tmp_path: Path) -> None:
    table = as_table("mapping", rows, NAMES)
    reordered = as_table("mapping", rows[:, ::-1], NAMES[::-1])
    model = SparseAutoencoder(12, 6, sparsity=L1(), normalization="standard")
    model.adapt(table)
    expected = model.encode(rows)
    for number, (source, layer) in enumerate(((model, None), (model.encoder, "code"))):
        path = export_encoder(source, tmp_path / f"{number}", sample=reordered, layer=layer)
        assert Encoder(path).columns == NAMES
        np.testing.assert_allclose(Encoder(path).encode(reordered), expected, atol=1e-5)
        golden = golden_rows(path, 12)
        assert all(row.tolist() in rows[:512].tolist() for row in golden)
    plain = plain_model()
    path = export_encoder(plain, tmp_path / "plain", layer="code", sample=table)
    assert Encoder(path).columns == NAMES
    path = export_encoder(model, tmp_path / "none", sample=rows, overwrite=True)
    assert Encoder(path).columns == NAMES
    model.columns = None
    assert Encoder(export_encoder(model, tmp_path / "none", overwrite=True)).columns is None
    path = export_encoder(model, path, columns=NAMES[::-1], overwrite=True)
    assert Encoder(path).columns == NAMES[::-1]


def test_other_names_are_refused(rows: np.ndarray, tmp_path: Path) -> None:
    model = SparseAutoencoder(12, 6, sparsity=L1(), normalization=None)
    model.columns = NAMES
    bad: list[tuple[dict[str, Any], str]] = [
        ({"sample": {**as_table("mapping", rows, NAMES), "y": rows[:, 0]}}, "also column 'y'. Rem"),
        ({"sample": as_table("mapping", rows[:, :11], NAMES[:11])}, "no column 'l'"),
        ({"columns": NAMES[:11]}, r"a row of shape \(12,\). Received: 11 names"),
        ({"columns": ("a",) * 12}, "several of name 'a'"),
        ({"columns": range(12)}, "names of columns that are text"),
    ]
    for arguments, message in bad:
        with pytest.raises(ValueError, match=message):
            export_encoder(model, tmp_path / "bundle", **arguments)
    assert not (tmp_path / "bundle").exists()


def test_int8_is_calibrated_by_name(rows: np.ndarray, tmp_path: Path) -> None:
    model = SparseAutoencoder(12, 6, sparsity=L1(), normalization="standard")
    model.adapt(as_table("mapping", rows, NAMES))
    path = export_encoder(model, tmp_path / "bundle")
    by_position = quantize_bundle(path, rows, mode="int8")
    assert Encoder(path, variant="int8").columns == NAMES
    table = as_table("mapping", rows[:, ::-1], NAMES[::-1])
    assert quantize_bundle(path, table, mode="int8") == by_position


def test_rows_that_float32_cannot_hold_are_refused(tmp_path: Path) -> None:
    layers = [make.Rescaling(1e-30, offset=-1e12), make.Dense(6, "relu", name="code")]
    model = keras.Sequential([keras.Input((12,)), *layers])
    with pytest.raises(ValueError, match=r"finite rows in float32.* Remedy: a `sample`"):
        export_encoder(model, tmp_path / "b", layer="code")
    assert list(tmp_path.iterdir()) == []


def test_codes_that_are_not_finite_are_refused(rows: np.ndarray, tmp_path: Path) -> None:
    model = plain_model("exponential")
    with pytest.raises(ConversionError, match=r"finite outputs.*infinity for \d+ of 400 rows"):
        export_encoder(model, tmp_path / "b", layer="code", sample=1000 * rows)
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_the_model_names_the_rows_and_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = plain_model()
    call = cut.call_model

    def fail(model: keras.Model, x: Any) -> Any:
        if isinstance(x, np.ndarray):
            raise RuntimeError("negative\nvalue")
        return call(model, x)

    monkeypatch.setattr(cut, "call_model", fail)
    with pytest.raises(ConversionError, match=r"RuntimeError: negative value. Remedy: a `sample`"):
        export_encoder(model, tmp_path / "b", layer="code")
    assert list(tmp_path.iterdir()) == []


def test_a_subclassed_model_inside_takes_plain_rows() -> None:
    class Inner(keras.Model):
        def call(self, x: Any) -> Any:
            return 2 * x

    x = keras.Input((12,))
    model = keras.Model(x, Inner()(x))
    plain = Inputs([Input("x", (12,))])
    rows = samples.list_candidates(model, plain, None, "auto", 50)["synthetic"]
    assert np.abs(rows).max() < 5


# Golden rows -------------------------------------------------------------------------------------


def chosen(golden: str, rows: dict[str, Any], count: int = 3) -> tuple[str, list[float]]:
    """The kind and the first column of golden rows whose codes are the rows themselves."""
    arrays = {kind: np.array(values) for kind, values in rows.items()}
    kind, found = samples.choose_golden(golden, arrays, lambda rows: rows, count)
    return kind, found[:, -1].tolist()


def test_golden_rows_activate_every_unit_that_a_row_activates() -> None:
    quiet = [0.0, 0.0, 0.0]
    numbered = [
        [*code, place] for place, code in enumerate([quiet] * 5 + [[0, 2, 0], [0, 1, 3]], 1)
    ]
    assert chosen("auto", {"real": numbered}) == ("real", [1, 6, 7])
    assert chosen("auto", {"real": np.ones((5, 1)) * [[1], [2], [3], [4], [5]]})[1] == [1, 2, 3]


def test_golden_rows_of_a_decoder_have_a_number_in_every_column() -> None:
    rows = np.array([[1.0, 0, 0], [2, 0, 0], [3, 0, 0], [4, 0, 5], [5, 0, 6]])
    for target, expected in ((None, [1, 2]), (lambda rows: rows, [1, 4])):
        _, found = samples.choose_golden(
            "auto", {"real": rows}, lambda rows: rows[:, :1], 2, target=target
        )
        assert found[:, 0].tolist() == expected


def test_zeros_are_no_golden_codes() -> None:
    zeros, ones = np.zeros((4, 2)), np.ones((4, 2))
    assert chosen("auto", {"real": zeros, "synthetic": ones}) == ("synthetic", [1, 1, 1])
    assert chosen("auto", {"real": zeros, "synthetic": zeros}) == ("none", [])
    assert chosen("none", {"real": ones}) == ("none", [])
    for kind in ("real", "synthetic"):
        with pytest.raises(ValueError, match=rf"not zero. Received: golden='{kind}'"):
            chosen(kind, {"real": zeros, "synthetic": zeros})


def relu_of(bias: float) -> keras.Model:
    model = plain_model("relu")
    (kernel, _), layer = model.get_layer("code").get_weights(), model.get_layer("code")
    layer.set_weights([kernel, np.full(6, bias)])
    return model


def test_a_sample_that_activates_nothing_is_not_all_that_is_compared(
    rows: np.ndarray, tmp_path: Path
) -> None:
    path = export_encoder(relu_of(-30), tmp_path / "b", layer="code", sample=rows * 1e-3)
    found = Encoder(path).verify()
    assert found.golden == "synthetic"
    assert found.parity is not None
    assert (np.fromfile(path / "golden_code.f32", "<f4") > 0).any()
    path = export_encoder(relu_of(-1e9), tmp_path / "c", layer="code", sample=rows)
    assert Encoder(path).verify().golden == "none"
    with pytest.raises(ValueError, match=r"`golden`. Expected rows with a code that is not zero"):
        export_encoder(relu_of(-1e9), tmp_path / "d", layer="code", sample=rows, golden="real")
    assert not (tmp_path / "d").exists()


def test_rows_that_are_all_at_a_threshold_are_no_golden_rows(
    rows: np.ndarray, tmp_path: Path
) -> None:
    model = gated_model(BatchTopK(3), rows)
    z = model.layers[1](model.layers[0](rows[:1]))
    model.layers[2].calibrated_threshold.assign(keras.ops.max(z))
    same = np.repeat(rows[:1], 9, axis=0)
    same[:, -1] += 1e-5 * np.arange(9)  # or no unit would depend on the rows
    with pytest.raises(ValueError, match=r"no unit is near.*where each of 9 rows has one"):
        export_encoder(model, tmp_path / "b", layer="code", sample=same, golden="real")
    path = export_encoder(model, tmp_path / "b", layer="code", sample=same)
    assert Encoder(path).verify().golden == "none"
