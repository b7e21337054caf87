import builtins
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from bundles import replaced
from keras_sparse import L1, SparseAutoencoder
from keras_sparse_export import BundleError, Encoder, VerificationError, export_encoder
from keras_sparse_export.bundle.writing import finish
from keras_sparse_export.cli import main
from keras_sparse_export.errors import ParityError, RangeError
from keras_sparse_export.runtime import parity as fidelity
from keras_sparse_export.variants import decision, rules
from models import plain_model

pytestmark = [
    pytest.mark.one_backend,
    pytest.mark.usefixtures("no_staging"),
]


@pytest.fixture(autouse=True)
def _small_weights_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MIN_WEIGHT_BYTES", 20_000)


@pytest.fixture(scope="module")
def data() -> np.ndarray:
    """600 rows of 128 features on scales a million apart, with 5 causes."""
    rng = np.random.default_rng(0)
    causes = rng.random((600, 5)) @ rng.normal(size=(5, 128))
    return (causes + 0.3 * rng.normal(size=(600, 128))) * np.geomspace(1e-3, 1e3, 128)


def encoder_of(data: np.ndarray, units: int = 256, sparsity: Any = None) -> SparseAutoencoder:
    model = SparseAutoencoder(128, units, sparsity=sparsity or L1(), normalization="standard")
    model.adapt(data)
    return model


@pytest.fixture(scope="module")
def exported(data: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    keras.utils.set_random_seed(0)
    path = tmp_path_factory.mktemp("exported") / "bundle"
    return export_encoder(encoder_of(data), path, sample=data, decoder=True)


@pytest.fixture
def bundle(exported: Path, tmp_path: Path) -> Path:
    return shutil.copytree(exported, tmp_path / "bundle")


def manifest(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((path / "manifest.json").read_text())
    return found


def contents(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in path.iterdir()}


def run(*arguments: Any) -> int:
    return main.main([str(argument) for argument in arguments])


# The variant -----------------------------------------------------------------------------------


@pytest.mark.slow
def test_export_keeps_what_changes_little(data: np.ndarray, tmp_path: Path) -> None:
    model = encoder_of(data)
    path = export_encoder(model, tmp_path / "b", sample=data, decoder=True, quantize="auto")
    verdict = manifest(path)["int8"]
    assert (verdict["kept"], verdict["reasons"], verdict["method"]) == (True, [], "static")
    assert (verdict["calibration_rows"], verdict["held_out_rows"]) == (300, 300)
    report = verdict["report"]["static"]
    held_out, shrunk = data[1::2], Encoder(path, variant="int8")
    codes, int8 = model.encode(held_out), shrunk.encode(held_out)
    assert 0 < np.abs(codes - int8).max() < 0.05 * codes.max()
    active, active_int8 = codes > 0, int8 > 0
    jaccard = (active & active_int8).sum() / (active | active_int8).sum()
    assert report["jaccard"] == pytest.approx(jaccard, abs=1e-3)
    assert verdict["parity"]["jaccard"] <= report["jaccard"] < 1
    assert report["l0_int8"] == pytest.approx(active_int8.sum() / 300)
    for name, found in (("mse_float32", codes), ("mse_int8", int8)):
        error = np.square((model.decode(found) - held_out) / data.std(axis=0)).mean()
        assert report[name] == pytest.approx(error, rel=1e-4)
    size = (path / "encoder.int8.onnx").stat().st_size
    assert report["file_bytes_int8"] == size
    assert size <= 0.3 * (path / "encoder.onnx").stat().st_size
    assert "of the file size" in (path / "README.md").read_text()
    parity = Encoder(path).verify().int8_parity
    assert parity is not None
    assert parity.tolerance == verdict["golden_tolerance"]
    assert shrunk.verify().parity is not None


@pytest.mark.slow
def test_a_row_has_one_code_whatever_lies_beside_it(bundle: Path, data: np.ndarray) -> None:
    decision.quantize_bundle(bundle, data, mode="int8")
    encoder = Encoder(bundle, variant="int8")
    alone = np.stack([encoder.encode(row) for row in data[:20]])
    np.testing.assert_allclose(alone, encoder.encode(data)[:20], atol=1e-5)


@pytest.mark.slow
def test_adding_it_later_gives_the_same(data: np.ndarray, tmp_path: Path) -> None:
    model = encoder_of(data)
    arguments: dict[str, Any] = {"sample": data, "decoder": True}
    at_once = export_encoder(model, tmp_path / "a", quantize="int8", **arguments)
    later = export_encoder(model, tmp_path / "b", **arguments)
    assert manifest(later)["int8"] is None
    verdict = decision.quantize_bundle(later, data, mode="int8")
    assert verdict["kept"]
    assert contents(later) == contents(at_once)
    decision.quantize_bundle(later, data, mode="int8")
    assert contents(later) == contents(at_once)


def test_the_probe_is_scikit_learns(bundle: Path, data: np.ndarray) -> None:
    labels = (data[:, 3] / data[:, 3].std() + data[:, 7] / data[:, 7].std() > 0).astype(int)
    report = decision.quantize_bundle(bundle, data, labels=labels)["report"]["static"]
    codes = Encoder(bundle).encode(data)
    scaler = StandardScaler().fit(codes[::2])
    probe = LogisticRegression(max_iter=1000).fit(scaler.transform(codes[::2]), labels[::2])
    for name, variant in (("probe_float32", "float32"), ("probe_int8", "int8")):
        found = Encoder(bundle, variant=variant).encode(data[1::2])
        score = probe.score(scaler.transform(found), labels[1::2])
        assert report[name] == pytest.approx(score, abs=1 / 300)


@pytest.mark.slow
def test_dynamic_is_kept_where_calibration_saw_too_little(data: np.ndarray, tmp_path: Path) -> None:
    calm, mean = data.copy(), data.mean(axis=0)
    calm[::2] = mean + 0.1 * (calm[::2] - mean)  # every other row calibrates
    path = export_encoder(encoder_of(data), tmp_path / "b", sample=calm, quantize="auto")
    verdict = manifest(path)["int8"]
    assert (verdict["kept"], verdict["method"]) == (True, "dynamic")
    assert verdict["report"]["static"]["jaccard"] < 0.98 <= verdict["report"]["dynamic"]["jaccard"]
    assert "the other rows of its batch" in verdict["portability"]
    Encoder(path).verify()


# The verdict -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "value", "reason"),
    [
        ("MIN_WEIGHT_BYTES", 1_000_000, "The weights that int8 shrinks, of "),
        ("MAX_SIZE_RATIO", 0.2, "The file is 0.2"),
        ("MIN_JACCARD", 0.9999, "The support Jaccard on held-out rows is 0.9"),
    ],
)
def test_auto_says_why_not_and_leaves_the_rest(
    limit: str,
    value: float,
    reason: str,
    bundle: Path,
    data: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = contents(bundle)
    monkeypatch.setattr(rules, limit, value)
    verdict = decision.quantize_bundle(bundle, data)
    assert not verdict["kept"]
    (sentence,) = verdict["reasons"]
    assert sentence.startswith(reason)
    if limit == "MIN_WEIGHT_BYTES":
        assert "convolutions, take 131072 bytes in float32; below 1000000 int8" in sentence
    assert "jaccard" in verdict["report"]["static"]
    after = contents(bundle)
    assert manifest(bundle)["int8"] == verdict
    assert {**after, "manifest.json": b""} == {**before, "manifest.json": b""}
    Encoder(bundle).verify()
    with pytest.raises(BundleError, match=r"variant='int8'.*Remedy: keras-sparse-export quantize"):
        Encoder(bundle, variant="int8")


def test_a_later_verdict_replaces_the_earlier(
    bundle: Path, data: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    decision.quantize_bundle(bundle, data)
    assert (bundle / "encoder.int8.onnx").exists()
    monkeypatch.setattr(rules, "MIN_JACCARD", 1.1)
    decision.quantize_bundle(bundle, data)
    assert not (bundle / "encoder.int8.onnx").exists()
    assert not (bundle / "golden_code.int8.f32").exists()


def test_what_is_demanded_ignores_sizes_but_not_the_codes(
    bundle: Path, data: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "MIN_WEIGHT_BYTES", 1_000_000)
    verdict = decision.quantize_bundle(bundle, data, mode="int8")
    assert verdict["kept"]
    assert len(verdict["reasons"]) == 1
    before = contents(bundle)
    monkeypatch.setattr(rules, "MIN_JACCARD", 0.9999)
    with pytest.raises(ParityError, match=r"Jaccard of 0\.9999 or more.*Received: 0\.9"):
        decision.quantize_bundle(bundle, data, mode="int8")
    assert contents(bundle) == before
    with pytest.raises(ParityError):
        export_encoder(encoder_of(data), tmp_path / "b", sample=data, quantize="int8")
    assert not (tmp_path / "b").exists()


def test_an_encoder_that_batches_change_is_judged_by_its_worst(
    bundle: Path, data: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = fidelity.load_first_output

    def worse_in_pairs(onnx_bytes: bytes, level: Any) -> Any:
        inner = run(onnx_bytes, level)
        return lambda batch: inner(batch) * (0 if len(batch) == 2 else 1)

    monkeypatch.setattr(fidelity, "load_first_output", worse_in_pairs)
    verdict = decision.quantize_bundle(bundle, data)
    assert verdict["parity"]["jaccard"] == 0
    assert not verdict["kept"]


@pytest.mark.slow
def test_without_golden_rows_there_are_no_golden_codes(data: np.ndarray, tmp_path: Path) -> None:
    path = export_encoder(
        encoder_of(data), tmp_path / "b", sample=data, golden="none", quantize="int8"
    )
    assert manifest(path)["int8"]["golden_tolerance"] is None
    assert not (path / "golden_code.int8.f32").exists()
    assert Encoder(path).verify().int8_parity is None


def test_verify_finds_another_answer(bundle: Path, data: np.ndarray) -> None:
    decision.quantize_bundle(bundle, data)
    golden = bundle / "golden_code.int8.f32"
    codes = np.fromfile(golden, "<f4")
    codes[5] += 2 * manifest(bundle)["int8"]["golden_tolerance"]
    golden.write_bytes(codes.tobytes())
    (bundle / "manifest.json").rename(bundle.parent / "manifest.json")
    kept = json.loads((bundle.parent / "manifest.json").read_text())
    finish(bundle, {key: kept[key] for key in kept if key not in ("format", "files")})
    with pytest.raises(VerificationError, match=r"encoder\.int8\.onnx.*golden outputs"):
        Encoder(bundle).verify()


@pytest.mark.slow
def test_sigmoid_codes_of_several_places(tmp_path: Path, rng: np.random.Generator) -> None:
    """Codes of each of several places, sigmoid, with a τ that was chosen."""
    images = keras.Sequential(
        [
            keras.Input((6, 16)),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dense(192, activation="sigmoid", name="code"),
        ]
    )
    x = rng.normal(size=(200, 6, 16))
    path = export_encoder(
        images, tmp_path / "b", layer="code", sample=x, quantize="auto", threshold=0.5
    )
    verdict = manifest(path)["int8"]
    assert verdict["kept"], verdict["reasons"]
    codes, int8 = Encoder(path).encode(x[1::2]), Encoder(path, variant="int8").encode(x[1::2])
    assert codes.shape == int8.shape == (100, 6, 192)
    active, active_int8 = codes > 0.5, int8 > 0.5
    jaccard = (active & active_int8).sum() / (active | active_int8).sum()
    assert verdict["report"]["static"]["jaccard"] == pytest.approx(jaccard)
    assert verdict["report"]["static"]["top_k"] == round(active.sum() / 600)


# Refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"quantize": "int4"}, "argument `quantize`. Expected 'auto' or 'int8'"),
        ({"sample": None}, "argument `sample`. Expected 64 rows"),
        ({"sample": np.ones((63, 12))}, "Received: 63 rows"),
        ({"labels": [1, 2]}, "argument `labels`. Expected a label for each"),
    ],
)
def test_export_refuses(arguments: dict[str, Any], message: str, tmp_path: Path) -> None:
    usual: dict[str, Any] = {"sample": np.ones((80, 12)), "layer": "code", "quantize": "auto"}
    with pytest.raises(ValueError, match=message):
        export_encoder(plain_model(), tmp_path / "b", **usual | arguments)
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.ones((80, 3)), r"Expected rows of numbers, \(rows, 128\)"),
        (np.full((80, 128), "a"), "Expected rows of numbers"),
        (np.full((80, 128), np.nan), "Expected finite numbers"),
        (np.ma.masked_array(np.ones((80, 128)), np.eye(80, 128, dtype=bool)), "masked values"),
        (np.ones((10, 128)), "argument `rows`. Expected 64 rows"),
    ],
)
def test_rows_that_do_not_fit_are_refused(rows: np.ndarray, message: str, bundle: Path) -> None:
    before = contents(bundle)
    with pytest.raises(ValueError, match=message):
        decision.quantize_bundle(bundle, rows)
    assert contents(bundle) == before


def test_rows_that_overflow_are_refused(data: np.ndarray, bundle: Path) -> None:
    before, rows = contents(bundle), np.where(np.arange(600)[:, None] == 77, 3e38, data)
    with pytest.raises(RangeError, match=r"`rows`.* without overflow in float32.* of rows 77$"):
        decision.quantize_bundle(bundle, rows)
    assert contents(bundle) == before


def test_what_a_link_leads_to_elsewhere_is_not_copied_into_the_bundle(
    bundle: Path, data: np.ndarray, tmp_path: Path
) -> None:
    (tmp_path / "private").write_text("private")
    (bundle / "notes").symlink_to(tmp_path / "private")
    with pytest.raises(BundleError, match=r"`notes` to lie in .*a link that leads out of it"):
        decision.quantize_bundle(bundle, data)
    assert (bundle / "notes").is_symlink()


def test_a_bundle_of_a_stranger_is_looked_at_before_it_is_quantized(
    bundle: Path, data: np.ndarray
) -> None:
    codes = np.fromfile(bundle / "golden_code.f32", "<f4")
    replaced(bundle, "golden_code.f32", (codes + 1).astype("<f4").tobytes())
    before = contents(bundle)
    with pytest.raises(VerificationError, match=r"`encoder.onnx` to give the golden outputs"):
        decision.quantize_bundle(bundle, data)
    assert contents(bundle) == before


def test_a_model_without_weights_has_nothing_to_shrink(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((4,)), keras.layers.ReLU(name="code")])
    x = np.random.default_rng(0).normal(size=(80, 4))
    path = export_encoder(model, tmp_path / "b", layer="code", sample=x, quantize="auto")
    assert manifest(path)["int8"]["reasons"][0].startswith("There is no matrix product")
    assert run("info", path) == 0
    with pytest.raises(ValueError, match="Expected 'auto' for an encoder without dense"):
        decision.quantize_bundle(path, x, mode="int8")


# The command -----------------------------------------------------------------------------------


def test_the_command_adds_it(
    bundle: Path, data: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = (data[:, 3] > data[:, 3].mean()).astype(int)
    np.savez(tmp_path / "x.npz", rows=data, y=labels)
    arguments = ["quantize", bundle, "--calibration", tmp_path / "x.npz", "--key", "rows"]
    assert run(*arguments, "--labels", tmp_path / "x.npz", "--label-key", "y") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["float32", "static", "dynamic"]
    assert lines[-1] == "int8 is kept (static)."
    for measure in (
        "support Jaccard, pooled",
        "L0",
        "reconstruction MSE, scaled",
        "probe accuracy",
    ):
        assert any(line.startswith(measure) for line in lines)
    assert run(*arguments, "--mode", "int8", "--json") == 0
    assert json.loads(capsys.readouterr().out) == manifest(bundle)["int8"]
    assert run("verify", bundle) == 0
    assert "int8: 32 golden rows" in capsys.readouterr().out
    assert run("info", bundle) == 0
    assert "int8 is kept (static)." in capsys.readouterr().out


def test_the_command_fails_only_where_int8_was_demanded(
    bundle: Path,
    data: np.ndarray,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(rules, "MIN_JACCARD", 0.9999)
    np.savetxt(tmp_path / "x.csv", data, delimiter=",")
    arguments = ["quantize", bundle, "--calibration", tmp_path / "x.csv"]
    assert run(*arguments) == 0
    assert "int8 is not kept. The support Jaccard" in capsys.readouterr().out
    assert run(*arguments, "--mode", "int8") == 1
    assert "Expected an int8 encoder with a support Jaccard" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("missing", "labels", "remedy"),
    [
        ("onnx", None, 'pip install "keras-sparse-export[convert]"'),
        ("sklearn", [0, 1] * 300, 'pip install "keras-sparse-export[probe]"'),
    ],
)
def test_a_missing_package_is_named_with_its_extra(
    missing: str,
    labels: Any,
    remedy: str,
    bundle: Path,
    data: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = builtins.__import__

    def without(name: str, *arguments: Any, **options: Any) -> Any:
        if name.split(".")[0] == missing:
            raise ModuleNotFoundError(f"No module named '{missing}'", name=missing)
        return found(name, *arguments, **options)

    monkeypatch.delitem(sys.modules, "keras_sparse_export.variants.int8", raising=False)
    monkeypatch.delattr("keras_sparse_export.variants.int8", raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ModuleNotFoundError, match="Expected the package") as error:
        decision.quantize_bundle(bundle, data, labels=labels)
    assert remedy in str(error.value)
