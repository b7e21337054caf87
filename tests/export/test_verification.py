import pickle
from pathlib import Path

import numpy as np
import onnx
import pytest

from bundles import replaced, rewritten, set_at
from keras_sparse import L1, SparseAutoencoder
from keras_sparse_export import Encoder, VerificationError, export_encoder


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
    with pytest.raises(VerificationError, match=r"`encoder.onnx` to give the golden answers"):
        Encoder(bundle)
    Encoder(bundle, check=False).encode(np.ones(12))


def test_a_decoder_is_held_to_its_golden_answers_when_it_is_opened(bundle: Path) -> None:
    changed_weight(bundle, "decoder.onnx")
    encoder = Encoder(bundle)
    code = encoder.encode(np.ones(12))
    with pytest.raises(VerificationError, match=r"`decoder.onnx` to give the golden answers"):
        encoder.decode(code)
    with pytest.raises(VerificationError, match=r"`decoder.onnx` to give the golden answers"):
        encoder.verify()
    Encoder(bundle, check=False).decode(code)


def test_changed_golden_answers_are_found_on_open(bundle: Path) -> None:
    codes = np.fromfile(bundle / "golden_code.f32", "<f4")
    codes[7] += 1e-3
    replaced(bundle, "golden_code.f32", codes.tobytes())
    with pytest.raises(VerificationError, match=r"`encoder.onnx` to give the golden answers"):
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
    model = SparseAutoencoder(12, 6, sparsity=L1())
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
    model = SparseAutoencoder(12, 6, sparsity=L1())
    path = export_encoder(model, tmp_path / "b", sample=x, quantize="int8")
    rewritten(path, set_at("int8", "golden_tolerance", to=1e6))
    with pytest.raises(VerificationError, match=r"`int8.golden_tolerance` of at most"):
        Encoder(path, variant="int8")
