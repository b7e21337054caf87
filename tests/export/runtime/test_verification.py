import pickle
import shutil
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import pytest

import listeners
from bundles import manifest, replaced, rewritten, set_at
from keras_sparse import L1, SparseAutoencoder
from keras_sparse_export import BundleError, Encoder, VerificationError, export_encoder
from keras_sparse_export.bundle.manifest import read_manifest
from keras_sparse_export.runtime import parity, verification

pytestmark = pytest.mark.one_backend

FORMAT_1 = Path(__file__).parents[1] / "bundle" / "format_1"


def test_verify_looks_at_every_file_and_answer(bundle: Path) -> None:
    found = Encoder(bundle).verify()
    assert found.files == 6
    assert found.golden == "real"
    assert found.parity is not None
    assert found.decoder_parity is not None
    assert found.parity.rows == 32
    assert found.parity.passed
    assert pickle.loads(pickle.dumps(found)) == found


@pytest.mark.parametrize(
    "name", ["encoder.onnx", "decoder.onnx", "golden_x.f32", "golden_code.f32", "README.md"]
)
@pytest.mark.parametrize("change", ["flip", "cut", "remove"])
def test_a_changed_file_is_found(name: str, change: str, bundle: Path) -> None:
    file = bundle / name
    content = bytearray(file.read_bytes())
    if change == "flip":
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    elif change == "cut":
        file.write_bytes(content[: len(content) // 2])
    else:
        file.unlink()
    with pytest.raises(VerificationError, match=f"`{name}`"):
        Encoder(bundle).verify()


def test_the_hash_is_checked_on_open_unless_told_not_to(bundle: Path) -> None:
    rewritten(bundle, set_at("files", "encoder.onnx", "sha256", to="0" * 64))
    with pytest.raises(VerificationError, match=r"`encoder.onnx` with the hash"):
        Encoder(bundle)
    Encoder(bundle, check=False).encode(np.ones(12))


def changed_weight(bundle: Path, name: str) -> None:
    """One weight of a file changed, and the manifest made to agree."""
    model = onnx.load_from_string((bundle / name).read_bytes())
    constant = max(model.graph.initializer, key=lambda each: len(each.raw_data))
    values = onnx.numpy_helper.to_array(constant).copy()
    values.flat[5] += np.asarray(values.max() / 2).astype(values.dtype)
    constant.raw_data = values.tobytes()
    replaced(bundle, name, model.SerializeToString())


def test_wrong_answers_are_found_on_open_though_all_hashes_agree(bundle: Path) -> None:
    changed_weight(bundle, "encoder.onnx")
    with pytest.raises(VerificationError, match=r"`encoder.onnx` to give the golden outputs"):
        Encoder(bundle)
    Encoder(bundle, check=False).encode(np.ones(12))


def test_a_decoder_is_held_to_its_golden_answers_when_it_is_opened(bundle: Path) -> None:
    changed_weight(bundle, "decoder.onnx")
    encoder = Encoder(bundle)
    code = encoder.encode(np.ones(12))
    with pytest.raises(VerificationError, match=r"`decoder.onnx` to give the golden outputs"):
        encoder.decode(code)
    with pytest.raises(VerificationError, match=r"`decoder.onnx` to give the golden outputs"):
        encoder.verify()
    Encoder(bundle, check=False).decode(code)


def test_changed_golden_answers_are_found_on_open(bundle: Path) -> None:
    codes = np.fromfile(bundle / "golden_code.f32", "<f4")
    codes[7] += 1e-3
    replaced(bundle, "golden_code.f32", codes.tobytes())
    with pytest.raises(VerificationError, match=r"`encoder.onnx` to give the golden outputs"):
        Encoder(bundle)
    for name in ("golden_code.f32", "golden_x.f32"):
        values = np.fromfile(bundle / name, "<f4")
        values[5] = np.nan
        replaced(bundle, name, values.tobytes())
        with pytest.raises(VerificationError, match=f"finite numbers in `{name}`"):
            Encoder(bundle)


@pytest.mark.parametrize("part", ["top_k", "int8"])
def test_other_golden_answers_are_held_too(part: str, tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(100, 12))
    model = SparseAutoencoder(12, 6, sparsity=L1(), normalization=None)
    path = export_encoder(model, tmp_path / "b", sample=x, top_k=2, quantize="int8")
    variant = "int8" if part == "int8" else "float32"
    Encoder(path, variant=variant)
    if part == "int8":
        changed_weight(path, "encoder.int8.onnx")
    else:
        places = np.fromfile(path / "golden_indices.i32", "<i4")
        replaced(path, "golden_indices.i32", places[::-1].tobytes())
    with pytest.raises(VerificationError, match="to give the golden"):
        Encoder(path, variant=variant)
    Encoder(path, variant=variant, check=False)


def test_a_tolerance_under_which_any_answer_passes_is_refused(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(100, 12))
    model = SparseAutoencoder(12, 6, sparsity=L1(), normalization=None)
    path = export_encoder(model, tmp_path / "b", sample=x, quantize="int8")
    rewritten(path, set_at("int8", "golden_tolerance", to=1e6))
    with pytest.raises(VerificationError, match=r"`int8.golden_tolerance` of at most"):
        Encoder(path, variant="int8")


@pytest.mark.parametrize("size", [1, 2, 32])
@pytest.mark.parametrize("name", ["encoder.onnx", "decoder.onnx"])
def test_a_model_that_is_wrong_at_one_batch_size_is_found(
    name: str, size: int, exported: tuple[Path, Any]
) -> None:
    encoder = Encoder(exported[0])

    def open_model(file: str) -> Any:
        model = encoder.encode if file == "encoder.onnx" else encoder.decode

        def run(rows: np.ndarray) -> np.ndarray:
            wrong = 1.0 if file == name and len(rows) == size else 0.0
            return model(rows) + np.float32(wrong)

        return run

    with pytest.raises(VerificationError, match=f"`{name}` to give the golden outputs"):
        verification.verify(exported[0], manifest(exported[0]), open_model)


def test_int8_codes_are_held_to_the_tolerance_of_the_bundle_and_that_to_a_bound(
    tmp_path: Path,
) -> None:
    x = np.random.default_rng(0).normal(size=(100, 12))
    model = SparseAutoencoder(12, 6, sparsity=L1(), normalization=None)
    path = export_encoder(model, tmp_path / "b", sample=x, quantize="int8")
    codes = np.fromfile(path / "golden_code.int8.f32", "<f4")
    tolerance = manifest(path)["int8"]["golden_tolerance"]
    for factor, passes in ((0.9, True), (1.1, False)):
        moved = codes + np.float32(factor * tolerance) * (np.arange(len(codes)) == 5)
        replaced(path, "golden_code.int8.f32", moved.astype("<f4").tobytes())
        with nullcontext() if passes else pytest.raises(VerificationError, match=r"`encoder.int8"):
            Encoder(path, variant="int8").verify()
    replaced(path, "golden_code.int8.f32", codes.tobytes())
    largest = np.abs(codes).max()
    half_ranges = np.ptp(codes.reshape(-1, 6), axis=0) / 2
    bound = max(1e-5 * half_ranges.max(), 2.0**-19 * max(1, largest)) + 0.1 * largest
    for factor, passes in ((0.999, True), (1.001, False)):
        rewritten(path, set_at("int8", "golden_tolerance", to=float(factor * bound)))
        with nullcontext() if passes else pytest.raises(VerificationError, match="of at most"):
            Encoder(path, variant="int8")


def test_int8_of_format_1_may_state_1e_5_for_small_codes(tmp_path: Path) -> None:
    codes = np.float32(1e-6) * np.arange(12, dtype=np.float32).reshape(4, 3)
    old, new = (verification.largest_int8_tolerance(codes, version) for version in (1, 2))
    assert old == pytest.approx(1e-5 + 0.1 * 11e-6)
    assert new == pytest.approx(0.01 * 11e-6 + 0.1 * 11e-6)
    path = Path(shutil.copytree(FORMAT_1, tmp_path / "bundle"))
    codes = np.fromfile(path / "golden_code.int8.f32", "<f4").reshape(-1, 6)
    old, new = (verification.largest_int8_tolerance(codes, version) for version in (1, 2))
    rewritten(path, set_at("int8", "golden_tolerance", to=(old + new) / 2))
    assert Encoder(path, variant="int8").code_shape == (6,)


def with_weights(bundle: Path, name: str, change: Callable[[np.ndarray], np.ndarray]) -> None:
    """Every weight of a file changed, and the manifest made to agree."""
    model = onnx.load_from_string((bundle / name).read_bytes())
    for constant in model.graph.initializer:
        values = onnx.numpy_helper.to_array(constant)
        if values.dtype == np.float32:
            constant.raw_data = change(values.copy()).tobytes()
    replaced(bundle, name, model.SerializeToString())


@pytest.mark.parametrize("scale", [1e-7, 1e-3, 1.0, 1e7])
def test_a_file_without_weights_is_found_at_any_scale(scale: float, tmp_path: Path) -> None:
    x = scale * np.random.default_rng(0).normal(size=(40, 12)).astype(np.float32)
    layers = [keras.Input((12,)), keras.layers.Dense(6, "relu", name="code")]
    path = export_encoder(keras.Sequential(layers), tmp_path / "b", layer="code", sample=x)
    Encoder(path).verify()
    with_weights(path, "encoder.onnx", np.zeros_like)
    with pytest.raises(VerificationError, match=r"`encoder.onnx` to give the golden outputs"):
        Encoder(path)


@pytest.mark.parametrize("column", range(4))
def test_a_column_without_weights_is_found_beside_larger_ones(column: int, tmp_path: Path) -> None:
    scales = np.array([1e-6, 1.0, 1e5, 1e2])
    offsets = np.array([0.0, 0.0, 0.0, 1e6])  # the last is a pressure: 1e6 ± 100
    x = np.random.default_rng(0).normal(size=(200, 4)) * scales + offsets
    model = SparseAutoencoder(4, 8, sparsity=L1(), normalization="standard")
    model.adapt(x)
    path = export_encoder(model, tmp_path / "b", sample=x, decoder=True)
    Encoder(path).verify()

    def clear(values: np.ndarray) -> np.ndarray:
        if values.ndim == 2:  # the kernel of the decoder, (units, columns)
            values[:, column] = 0
        return values

    with_weights(path, "decoder.onnx", clear)
    with pytest.raises(VerificationError, match=r"`decoder.onnx` to give the golden outputs"):
        Encoder(path).verify()


def test_golden_codes_that_are_all_zero_are_refused(bundle: Path) -> None:
    replaced(bundle, "golden_code.f32", bytes((bundle / "golden_code.f32").stat().st_size))
    manifest = read_manifest(bundle) | {"format": 2}
    model = Encoder(bundle, check=False)._require_open()
    with pytest.raises(VerificationError, match="golden codes that are not all zero"):
        verification.compare_with_golden(bundle, manifest, "encoder.onnx", model)


@pytest.mark.parametrize("check", [True, False])
def test_a_file_for_litert_is_held_to_its_hash_and_the_golden_codes(
    check: bool, litert_bundle: Path, tmp_path: Path
) -> None:
    bundle = Path(shutil.copytree(litert_bundle, tmp_path / "bundle"))
    content = (bundle / "encoder.tflite").read_bytes()
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
    model = schema.Model.GetRootAs(content, 0)
    buffers = [model.Buffers(index) for index in range(model.BuffersLength())]
    (kernel,) = (each.DataAsNumpy() for each in buffers if each.DataLength() == 12 * 8 * 4)
    wrong = content.replace(kernel.tobytes(), np.roll(kernel, 4).tobytes())
    (bundle / "encoder.tflite").write_bytes(wrong)
    for runtime in ("litert", "onnxruntime"):  # a device without LiteRT compares the hash, too
        with pytest.raises(VerificationError, match=r"`encoder\.tflite` with the hash in the man"):
            Encoder(bundle, runtime=runtime).verify()
    replaced(bundle, "encoder.tflite", wrong)
    Encoder(bundle).verify()
    with pytest.raises(VerificationError, match=r"Expected `encoder\.tflite` to (give|activate)"):
        Encoder(bundle, runtime="litert", check=check).verify()


# Features of a front end ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def listening(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return listeners.write_listener(tmp_path_factory.mktemp("listening") / "bundle")


def turn_features(model: onnx.ModelProto) -> None:
    """Let the output `features` be those of another scale."""
    (last,) = [each for each in model.graph.node if each.output[0] == "features"]
    last.op_type = "Neg"


def call_features_others(model: onnx.ModelProto) -> None:
    del model.graph.output[2]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (turn_features, VerificationError, "`score.onnx` to give the golden outputs"),
        (call_features_others, BundleError, r"`features` of `score.onnx` .*\(48,\). Received: N"),
    ],
)
def test_a_file_of_scores_with_other_features_is_refused(
    change: Callable[[onnx.ModelProto], None],
    error: type[Exception],
    message: str,
    listening: Path,
    tmp_path: Path,
) -> None:
    bundle = shutil.copytree(listening, tmp_path / "bundle")
    model = onnx.load(bundle / "score.onnx")
    change(model)
    replaced(bundle, "score.onnx", model.SerializeToString())
    encoder = Encoder(bundle)
    for call in (encoder.score, encoder.errors):
        with pytest.raises(error, match=message):
            call(listeners.draw_windows(3))
    with pytest.raises(error, match=message):
        encoder.verify()


@pytest.mark.parametrize("name", ["golden_features.f32", "golden_x_hat.f32", "golden_score.f32"])
def test_golden_features_and_what_is_made_of_them_are_held_to(
    name: str, listening: Path, tmp_path: Path
) -> None:
    bundle = shutil.copytree(listening, tmp_path / "bundle")
    assert Encoder(bundle).verify().decoder_parity is not None
    values = np.fromfile(bundle / name, "<f4")
    values[5] += 1
    replaced(bundle, name, values.tobytes())
    file = "decoder" if name == "golden_x_hat.f32" else "score"
    with pytest.raises(VerificationError, match=f"`{file}.onnx` to give the golden outputs"):
        Encoder(bundle).verify()


def cancelling() -> tuple[keras.Model, np.ndarray]:
    """An autoencoder of rows far from zero, whose level its first layer takes away."""
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    level = rng.uniform(500, 1000, 50)
    first = keras.layers.BatchNormalization()
    model = keras.Sequential(
        [keras.Input((50,)), first, keras.layers.Dense(4, name="code"), keras.layers.Dense(50)]
    )
    first.set_weights([rng.uniform(1, 2, 50), np.zeros(50), level, rng.uniform(1, 2, 50)])
    return model, (level + rng.normal(size=(128, 50))).astype(np.float32)


def test_rounding_that_a_model_amplifies_is_stated_and_allowed(tmp_path: Path) -> None:
    model, rows = cancelling()
    path = export_encoder(model, tmp_path / "b", layer="code", sample=rows, score=True)
    found = manifest(path)
    assert "rounding" in found["requires"]
    gamma, _, mean, variance = map(np.float64, model.layers[0].get_weights())
    h = (rows - mean) / np.sqrt(variance + model.layers[0].epsilon) * gamma
    code = h @ model.layers[1].get_weights()[0].astype(np.float64)
    error = np.abs(Encoder(path).encode(rows) - code).max()
    assert parity.tolerance(code).max() < error < found["rounding"]["encoder"] < 1e-3 * code.max()
    golden = np.frombuffer((path / "golden_code.f32").read_bytes(), "<f4").copy()
    for factor, refused in ((0.3, False), (3, True)):
        moved = golden + np.float32(factor * found["rounding"]["encoder"])
        replaced(path, "golden_code.f32", moved.astype("<f4").tobytes())
        with pytest.raises(VerificationError) if refused else nullcontext():
            Encoder(path)
    rewritten(path, set_at("rounding", "encoder", to=1e3))  # which allows a thousandth alone
    replaced(path, "golden_code.f32", (golden * 1.1).astype("<f4").tobytes())
    with pytest.raises(VerificationError, match="within"):
        Encoder(path)
    rewritten(path, set_at("requires", to=["score"]))
    with pytest.raises(BundleError, match="the feature `rounding`, present with it alone"):
        Encoder(path)
