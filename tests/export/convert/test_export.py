import json
import random
import re
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import pytest

from keras_sparse import KL, L1, BatchTopK, Shards, SparseAutoencoder, TopK
from keras_sparse_export import Encoder, export_encoder
from keras_sparse_export.errors import ParityError, RangeError
from keras_sparse_export.runtime import parity
from models import CONVERTERS, plain_model, trained


def manifest(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((path / "manifest.json").read_text())
    return found


@pytest.mark.slow
@pytest.mark.parametrize("converter", CONVERTERS)
@pytest.mark.parametrize("normalization", [None, "standard", "minmax"])
@pytest.mark.parametrize("sparsity", [L1(1e-3), KL(0.2)], ids=["L1", "KL"])
def test_codes_and_rows_agree_with_keras(
    converter: str, normalization: str | None, sparsity: Any, rows: np.ndarray, tmp_path: Path
) -> None:
    model = trained(rows, sparsity, normalization=normalization, hidden_units=(8,))
    path = export_encoder(
        model, tmp_path / "bundle", sample=rows, decoder=True, converter=converter
    )
    encoder = Encoder(path)
    codes = model.encode(rows)
    np.testing.assert_allclose(encoder.encode(rows), codes, atol=1e-5)
    np.testing.assert_allclose(encoder.decode(codes), model.decode(codes), rtol=1e-5, atol=1e-4)
    assert encoder.threshold == model.threshold
    assert manifest(path)["converter"] == converter
    encoder.verify()


@pytest.mark.parametrize("converter", CONVERTERS)
def test_convolutional_halves(converter: str, tmp_path: Path) -> None:
    encoder = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(4, 3, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(6, activation="sigmoid"),
        ]
    )
    decoder = keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(64), keras.layers.Reshape((8, 8, 1))]
    )
    model = SparseAutoencoder.from_models(encoder, decoder, sparsity=KL(0.1))
    path = export_encoder(model, tmp_path / "bundle", decoder=True, converter=converter)
    x = np.random.default_rng(0).random((9, 8, 8, 1))
    np.testing.assert_allclose(Encoder(path).encode(x), model.encode(x), atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_exports_in_float32(policy: str, rows: np.ndarray, tmp_path: Path) -> None:
    keras.config.set_dtype_policy(policy)
    try:
        model = trained(rows, normalization="standard")
        path = export_encoder(model, tmp_path / "bundle", sample=rows)
    finally:
        keras.config.set_dtype_policy("float32")
    graph = onnx.load(str(path / "encoder.onnx")).graph
    assert {weight.data_type for weight in graph.initializer} == {onnx.TensorProto.FLOAT}
    np.testing.assert_allclose(Encoder(path).encode(rows), model.encode(rows), atol=2e-2)


def test_statistics_of_real_rows_and_none_of_synthetic_ones(
    rows: np.ndarray, tmp_path: Path
) -> None:
    model = trained(rows, L1(1e-3))
    real = manifest(export_encoder(model, tmp_path / "real", sample=rows))
    codes = model.encode(rows)
    assert real["golden"] == {"kind": "real", "rows": 32}
    assert real["statistics"]["rows"] == 400
    assert real["statistics"]["l0"] == pytest.approx((codes > 0).sum() / 400)
    np.testing.assert_allclose(real["statistics"]["mean_activation"], codes.mean(0), rtol=1e-4)
    np.testing.assert_allclose(real["statistics"]["active_share"], (codes > 0).mean(0), rtol=1e-4)
    x = np.fromfile(tmp_path / "real" / "golden_x.f32", "<f4").reshape(32, 12)
    np.testing.assert_array_equal(x, rows[:32])
    synthetic = manifest(export_encoder(model, tmp_path / "synthetic"))
    assert synthetic["golden"]["kind"] == "synthetic"
    assert synthetic["statistics"] is None


@pytest.mark.parametrize("quantize", [None, "auto"])
def test_rows_of_the_sample_that_overflow_are_named(quantize: str | None, tmp_path: Path) -> None:
    rows = np.ones((9000, 12), np.float32)
    model = plain_model()
    rows[[5100, 8997]] = 3e38 * np.sign(model.get_layer("code").get_weights()[0][:, 0])
    with pytest.raises(RangeError, match="`sample`") as caught:
        export_encoder(model, tmp_path / "b", layer="code", sample=rows, quantize=quantize)
    assert caught.value.rows == [5100, 8997]  # of every third row, too
    assert not (tmp_path / "b").exists()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["synthetic", "none"])
def test_no_real_row_is_kept_where_none_is_wanted(
    kind: str, rows: np.ndarray, tmp_path: Path
) -> None:
    model = trained(rows, normalization="standard")
    path = export_encoder(model, tmp_path / "b", sample=rows, golden=kind)
    found = Encoder(path).verify()
    assert found.golden == kind
    files = {file.name for file in path.iterdir()}
    assert ("golden_x.f32" in files) == (kind == "synthetic")
    kept = b"".join(file.read_bytes() for file in path.iterdir())
    assert not any(row.tobytes() in kept for row in rows)


@pytest.mark.slow
def test_synthetic_rows_lie_where_the_scaling_expects_them(
    rows: np.ndarray, tmp_path: Path
) -> None:
    path = export_encoder(trained(rows, normalization="standard"), tmp_path / "b")
    x = np.fromfile(path / "golden_x.f32", "<f4").reshape(32, 12)
    assert (np.abs(x.mean(0) - rows.mean(0)) < rows.std(0)).all()


def test_codes_of_either_sign_are_active_everywhere(rows: np.ndarray, tmp_path: Path) -> None:
    model = SparseAutoencoder(12, 6, sparsity=L1(), activation="tanh", normalization="standard")
    model.adapt(rows)
    model.compile()
    path = export_encoder(model, tmp_path / "b", sample=rows, top_k=6, decoder=True)
    encoder, codes = Encoder(path), model.encode(rows)
    active = np.abs(codes) > model.threshold
    below = (codes < -model.threshold).sum()
    assert 0.3 * active.sum() < below < active.sum()
    assert manifest(path)["requires"] == []
    assert manifest(path)["statistics"]["l0"] == pytest.approx(active.sum() / 400)
    logged = model.evaluate(rows, verbose=0, return_dict=True)["l0"]
    assert logged == pytest.approx(active.sum() / 400)
    sparse = encoder.encode_sparse(rows).to_scipy().toarray()
    np.testing.assert_allclose(sparse, np.where(active, codes, 0), atol=1e-5)
    values, units = encoder.encode_top_k(rows)
    # What the device sends of the active units is what `encode_sparse` gives.
    sent = np.zeros_like(codes)
    np.put_along_axis(sent, units, np.where(encoder.is_active(values), values, 0), axis=1)
    np.testing.assert_allclose(sent, sparse, atol=1e-5)
    assert "the magnitude of its code exceeds 0.1" in (path / "README.md").read_text()
    with pytest.raises(ValueError, match=r"`threshold`. Expected a finite number of 0 or more"):
        export_encoder(model, tmp_path / "c", threshold=-0.5)


@pytest.mark.slow
def test_the_threshold_is_settable(rows: np.ndarray, tmp_path: Path) -> None:
    model = trained(rows, KL(0.2))
    path = export_encoder(model, tmp_path / "b", sample=rows, threshold=0.3)
    codes = model.encode(rows)
    assert Encoder(path).threshold == 0.3
    assert manifest(path)["statistics"]["l0"] == pytest.approx((codes > 0.3).sum() / 400)
    assert (
        manifest(export_encoder(plain_model("relu"), tmp_path / "r", layer="code"))["threshold"]
        == 0
    )
    assert (
        manifest(export_encoder(plain_model("tanh"), tmp_path / "t", layer="code"))["threshold"]
        == 0.1
    )


# Refusals ----------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_file_that_answers_otherwise_is_never_left(
    overwrite: bool, rows: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = trained(rows)
    if overwrite:
        export_encoder(model, tmp_path / "b")
    before = {file.name: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    run = parity.load_first_output

    def off_by_a_little(onnx_bytes: bytes, level: Any) -> parity.Run:
        inner = run(onnx_bytes, level)
        return lambda batch: inner(batch) + np.float32(2e-5)

    monkeypatch.setattr(parity, "load_first_output", off_by_a_little)
    with pytest.raises(ParityError, match=r"Keras within \S+\. Received: a difference") as failure:
        export_encoder(model, tmp_path / "b", sample=rows, overwrite=overwrite)
    allowed, received = map(float, re.findall(r"\d\.\d+e-\d+", str(failure.value))[:2])
    assert allowed < 5e-6  # the error that was added, and the rounding of the processor
    assert received == pytest.approx(2e-5, abs=allowed)
    after = {file.name: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    assert after == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"converter": "x"},
            r"`converter`. Expected one of \('auto', 'builder', 'tf2onnx', 'jax2onnx'",
        ),
        ({"opset": 12}, r"`opset`. Expected one of \(13, 14, 15, 16, 17, 18\)"),
        ({"golden": "real"}, "`golden`. Expected a `sample` for real golden rows"),
        ({"golden": "some"}, "`golden`. Expected one of"),
        (
            {"layer": "none"},
            r"`layer`. Expected one of \['code', 'dense\w*'\]. Received",
        ),
        (
            {"layer": None},
            r"`layer`. Expected the name of the layer that computes the codes, one of",
        ),
        ({"sample": np.ones((3, 5))}, r"`sample`. Expected rows of numbers, \(rows, 12\)"),
        ({"sample": np.full((3, 12), np.nan)}, "`sample`. Expected finite numbers"),
        (
            {"sample": np.ma.masked_equal(np.eye(3, 12), 1)},
            "masked values",
        ),
        ({"sample": np.ones((0, 12))}, "`sample`. Expected rows of numbers"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        export_encoder(plain_model(), tmp_path / "b", **{"layer": "code", **arguments})
    assert list(tmp_path.iterdir()) == []


def test_a_sample_that_stays_on_disk_is_refused(rows: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", rows)
    with pytest.raises(TypeError, match=r"`sample`. Expected an array of rows. Received: Shards"):
        export_encoder(plain_model(), tmp_path / "b", layer="code", sample=Shards(tmp_path))
    assert not (tmp_path / "b").exists()


def test_an_export_draws_nothing_from_the_callers_random_numbers(tmp_path: Path) -> None:
    model = plain_model()
    keras.utils.set_random_seed(7)
    expected = random.random()
    keras.utils.set_random_seed(7)
    export_encoder(model, tmp_path / "bundle", layer="code")
    assert random.random() == expected


# Gaps ----------------------------------------------------------------------------------------


def gappy(rows: np.ndarray, seed: int = 0) -> np.ndarray:
    hidden = np.random.default_rng(seed).random(rows.shape) < 0.2
    hidden[:, 0] = False
    return np.where(hidden, np.float32(np.nan), rows)


def with_gaps(rows: np.ndarray, missing: str, **arguments: Any) -> SparseAutoencoder:
    model = SparseAutoencoder(12, 16, missing=missing, **arguments)
    model.compile(run_eagerly=True)
    model.fit(gappy(rows), batch_size=100, epochs=1, verbose=0)
    return model


@pytest.mark.slow
@pytest.mark.parametrize("missing", ["mean", "mask"])
@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"sparsity": BatchTopK(4), "normalization": "minmax"},
        {"sparsity": TopK(4), "normalization": None},
        {"sparsity": L1(1e-3), "hidden_units": (8,)},
        {"sparsity": KL(0.2, 1e-3), "normalization": None},
    ],
    ids=["refined", "BatchTopK", "TopK", "L1", "KL"],
)
def test_rows_with_gaps_are_encoded_as_in_keras(
    missing: str, arguments: dict[str, Any], rows: np.ndarray, tmp_path: Path
) -> None:
    model = with_gaps(rows, missing, **arguments)
    x = gappy(rows, 1)
    for converter in ("auto", "builder"):
        folder = tmp_path / converter
        path = export_encoder(model, folder, sample=x, decoder=True, converter=converter)
        found = manifest(path)
        assert found["missing"] == missing
        assert "missing" in found["requires"]
        encoder = Encoder(path)
        codes, expected = encoder.encode(x), model.encode(x)
        np.testing.assert_allclose(codes, expected, rtol=1e-4, atol=1e-5)
        assert np.isfinite(codes).all()
        np.testing.assert_allclose(encoder.encode(x[3]), codes[3], rtol=1e-5, atol=1e-6)
        golden = np.fromfile(path / "golden_x.f32", "<f4").reshape(-1, 12)
        share = np.isnan(golden).any(axis=1).mean()
        assert share > 0.3
        assert not np.isnan(golden).all(axis=1).any()
        kinds = [node.op_type for node in onnx.load(path / "encoder.onnx").graph.node]
        assert {"IsNaN", "Where"} <= set(kinds)


@pytest.mark.parametrize("sample", ["complete", "gaps", "none"])
def test_golden_rows_have_gaps_whatever_the_sample(
    sample: str, rows: np.ndarray, tmp_path: Path
) -> None:
    model = with_gaps(rows, "mask", sparsity=L1(1e-3))
    given = {"complete": rows, "gaps": gappy(rows), "none": None}[sample]
    path = export_encoder(model, tmp_path / "bundle", sample=given)
    golden = np.fromfile(path / "golden_x.f32", "<f4").reshape(-1, 12)
    assert np.isnan(golden).any(axis=1).mean() > 0.3
    real = "synthetic" if given is None else "real"
    assert manifest(path)["golden"]["kind"] == real
    if given is None:  # in the range of the scaling behind the imputation
        np.testing.assert_allclose(np.nanstd(golden), rows.std(), rtol=0.4)


def test_gaps_that_an_encoder_does_not_take_are_refused(rows: np.ndarray, tmp_path: Path) -> None:
    taking = export_encoder(with_gaps(rows, "mean", sparsity=L1(1e-3)), tmp_path / "gaps")
    x = gappy(rows)[:9].copy()
    x[4], x[6, 2] = np.nan, np.inf
    encoder = Encoder(taking)
    assert encoder.admits_gaps
    message = "Expected finite numbers or gaps .*Received: infinity, or gaps alone, in rows 4, 6"
    with pytest.raises(ValueError, match=message):
        encoder.encode(x)
    for row in (x[4], x[6]):
        with pytest.raises(ValueError, match="gaps alone, in rows 0"):
            encoder.encode(row)
    model = trained(rows, L1(1e-3))
    path = export_encoder(model, tmp_path / "whole")
    assert "missing" not in manifest(path)
    assert "missing" not in manifest(path)["requires"]
    with pytest.raises(ValueError, match="NaN or infinity in rows"):
        Encoder(path).encode(x[:2])
    with pytest.raises(ValueError, match=r"`sample`.*NaN or infinity in rows"):
        export_encoder(model, tmp_path / "other", sample=gappy(rows))


@pytest.mark.slow
def test_int8_and_drift_of_rows_with_gaps(rows: np.ndarray, tmp_path: Path) -> None:
    model = with_gaps(rows, "mask", sparsity=L1(1e-3))
    x = gappy(rows)
    path = export_encoder(model, tmp_path / "bundle", sample=x, decoder=True, quantize="int8")
    codes = Encoder(path, variant="int8").encode(x)
    assert np.isfinite(codes).all()
    assert np.abs(codes - model.encode(x)).max() < 0.1 * np.abs(codes).max()
    report = manifest(path)["int8"]["report"]["static"]
    assert np.isfinite(report["mse_int8"])
    assert Encoder(path).drift(x[:64]).score < 10
