import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import pytest

import jumping_bundles as jumping
from bundles import manifest, replaced, rewritten
from keras_sparse import L1, SparseAutoencoder
from keras_sparse_export import BundleError, Encoder, VerificationError, export_encoder
from keras_sparse_export.cli import main
from keras_sparse_export.errors import ParityError
from keras_sparse_export.variants import decision, float16, rules

pytestmark = [pytest.mark.one_backend, pytest.mark.usefixtures("no_staging")]

FILE, GOLDEN = decision.FILES["float16"]


@pytest.fixture(scope="module")
def data() -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.normal(size=(300, 64)) * np.geomspace(1e-3, 1e3, 64)


@pytest.fixture(scope="module")
def both(data: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with int8 and float16."""
    keras.utils.set_random_seed(0)
    model = SparseAutoencoder(64, 128, sparsity=L1(), normalization="standard")
    model.adapt(data)
    path = tmp_path_factory.mktemp("exported") / "bundle"
    forms: Any = ("int8", "float16")
    return export_encoder(model, path, sample=data, decoder=True, quantize=forms)


@pytest.fixture
def bundle(both: Path, tmp_path: Path) -> Path:
    return shutil.copytree(both, tmp_path / "bundle")


def contents(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in path.iterdir()}


def test_the_report_is_that_of_held_out_rows(both: Path, data: np.ndarray) -> None:
    found = manifest(both)
    assert found["requires"] == ["variants"]
    assert found["int8"]["kept"]
    entry = found["variants"]["float16"]
    report, encoder = entry["report"], Encoder(both, variant="float16")
    codes, rounded = Encoder(both).encode(data[1::2]), encoder.encode(data[1::2])
    assert 1e-5 < np.abs(codes - rounded).max() < 1e-2
    active, active_rounded = codes > 0, rounded > 0
    jaccard = (active & active_rounded).sum() / (active | active_rounded).sum()
    assert report["jaccard"] == pytest.approx(jaccard, abs=1e-9)
    assert 0.999 < entry["parity"]["jaccard"] <= 1
    assert report["l0_variant"] == pytest.approx(active_rounded.sum() / 150)
    assert report["mse_variant"] == pytest.approx(report["mse_float32"], rel=1e-3)
    sizes = [(both / name).stat().st_size for name in (FILE, "encoder.onnx")]
    assert sizes == [report["file_bytes_variant"], report["file_bytes_float32"]]
    assert sizes[0] < 0.55 * sizes[1]
    assert "of the file size; it computes in float32" in (both / "README.md").read_text()
    verification = encoder.verify()
    assert verification.float16_parity is not None
    assert verification.float16_parity.batch_sizes == (1, 2, 32)


def test_a_form_that_is_added_again_leaves_the_other_as_it_is(
    bundle: Path, data: np.ndarray
) -> None:
    before = contents(bundle)
    for mode in ("float16", "int8"):
        decision.quantize_bundle(bundle, data, mode=mode)
        assert contents(bundle) == before
    both: Any = ("auto", "float16")
    with pytest.raises(ValueError, match=r"`mode`\. Expected one form at a time\. Received: mode="):
        decision.quantize_bundle(bundle, data, mode=both)


def test_the_command_prints_the_comparison(
    bundle: Path, data: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "x.npy", data)
    arguments = ["quantize", str(bundle), "--calibration", str(tmp_path / "x.npy")]
    assert main.main([*arguments, "--mode", "float16"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["float32", "float16"]
    assert any(line.startswith("support Jaccard, pooled") for line in lines)
    assert main.main(["verify", str(bundle)]) == 0
    assert "float16: 32 golden rows" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda found: found.update(requires=[]), "a key of the feature `variants`"),
        (lambda found: found["variants"].clear(), "as in `files`"),
    ],
)
def test_the_manifest_lists_the_form_that_lies_in_the_bundle(
    bundle: Path, change: Any, expected: str
) -> None:
    rewritten(bundle, change)
    with pytest.raises(BundleError, match=f"Expected {expected}"):
        Encoder(bundle)


def test_codes_that_change_too_much_leave_the_bundle_as_it_is(
    bundle: Path, data: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "MIN_JACCARD_FLOAT16", 1.1)
    before = contents(bundle)
    message = r"Expected a float16 encoder with a support Jaccard of 1.1 .* No float16 file"
    with pytest.raises(ParityError, match=message):
        decision.quantize_bundle(bundle, data, mode="float16")
    assert contents(bundle) == before


def test_other_weights_are_found_by_the_golden_codes(bundle: Path) -> None:
    golden = np.frombuffer((bundle / GOLDEN).read_bytes(), "<f4").copy()
    golden[golden > 0] *= 1.001
    replaced(bundle, GOLDEN, golden.tobytes())
    with pytest.raises(VerificationError, match=f"Expected `{FILE}` to give the golden outputs"):
        Encoder(bundle, variant="float16")


@pytest.mark.parametrize("kind", jumping.KINDS)
def test_codes_that_jump_keep_their_thresholds(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(float16, "MIN_NUMBERS", 1)
    path = jumping.write(tmp_path / "bundle", kind)
    decision.quantize_bundle(path, jumping.rows(400), mode="float16")
    assert manifest(path)["requires"] == ["thresholds", "variants"]
    encoder = Encoder(path, variant="float16")
    assert encoder.verify().float16_parity is not None
    l0 = manifest(path)["calibration"]["l0"][2]
    codes = Encoder(path, variant="float16", l0=l0).encode(jumping.rows())
    assert (codes != 0).sum(axis=1).mean() == pytest.approx(l0, abs=0.01)
    model = onnx.load_from_string((path / FILE).read_bytes())
    jumping.scale_thresholds(model, 1.01)
    replaced(path, FILE, model.SerializeToString())
    with pytest.raises(VerificationError, match=r"`encoder\.float16\.onnx` with the gates of"):
        Encoder(path, variant="float16")


@pytest.mark.parametrize("modes", ["int4", (), ("int8", "int8"), ("auto", "int8"), 8])
def test_modes_that_mean_nothing_are_refused(modes: Any) -> None:
    with pytest.raises(ValueError, match=r" or 'int8'.* and 'float16'.* Received: quantize="):
        decision.require_modes(modes, "quantize")


def test_bundles_of_format_1_are_refused(data: np.ndarray) -> None:
    old = Path(__file__).parents[1] / "bundle" / "format_1"
    with pytest.raises(BundleError, match="bundle of format 2 for weights in float16"):
        decision.quantize_bundle(old, data, mode="float16")


@pytest.mark.slow
def test_convolutions_in_int8_are_kept_where_they_agree(tmp_path: Path) -> None:
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.DepthwiseConv2D(3, strides=2, activation="relu"),
            layers.Conv2D(64, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(32, activation="relu", name="code"),
        ]
    )
    x = np.random.default_rng(0).random((200, 8, 8, 3)).astype(np.float32)
    path = export_encoder(model, tmp_path / "b", layer="code", sample=x, quantize="int8")
    entry = manifest(path)["int8"]
    report = entry["report"]["static"]
    assert (entry["method"], entry["kept"]) == ("static", True)
    assert report["weight_bytes_float32"] == 4 * (3 * 32 * 9 + 32 * 9 + 32 * 64 * 9 + 64 * 32)
    sizes = [(path / name).stat().st_size for name in ("encoder.int8.onnx", "encoder.onnx")]
    assert sizes[0] < 0.4 * sizes[1]
    encoder = Encoder(path, variant="int8")
    assert encoder.verify().int8_parity is not None
    codes, exact = encoder.encode(x), Encoder(path).encode(x)
    assert 1e-4 < np.abs(codes - exact).max() < 0.05 * exact.max()
