import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

from bundles import manifest, replaced, rewritten, set_at
from keras_sparse import L1, SparseAutoencoder
from keras_sparse_export import BundleError, Encoder, VerificationError, export_encoder
from keras_sparse_export.errors import ParityError
from keras_sparse_export.variants import scores
from keras_sparse_export.variants.decision import quantize_bundle

pytestmark = [pytest.mark.one_backend, pytest.mark.usefixtures("no_staging")]

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(900, 64)) * np.geomspace(1e-3, 1e3, 64)
SAMPLE, CALIBRATION, TEST = ROWS[:300], ROWS[300:600], ROWS[600:]


def make_model() -> keras.Model:
    keras.utils.set_random_seed(0)
    model = SparseAutoencoder(64, 32, sparsity=L1(), normalization="standard")
    model.adapt(SAMPLE)
    return model


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exported") / "bundle"
    return export_encoder(
        make_model(),
        path,
        sample=SAMPLE,
        score=True,
        calibration=CALIBRATION,
        false_alarm_rate=0.05,
        quantize="int8",
    )


@pytest.fixture
def bundle(exported: Path, tmp_path: Path) -> Path:
    return shutil.copytree(exported, tmp_path / "bundle")


def test_scores_in_int8_have_their_own_threshold_report_and_golden_scores(exported: Path) -> None:
    float32, int8 = Encoder(exported), Encoder(exported, variant="int8")
    before, after = float32.score(TEST), int8.score(TEST)
    assert 0 < np.median(np.abs(after - before) / before) < 0.02
    found = manifest(exported)["int8"]
    own = np.sort(int8.score(CALIBRATION))[int(np.ceil(301 * 0.95)) - 1]
    verdict = int8.verdict(TEST)
    assert verdict.threshold == pytest.approx(own)
    assert verdict.threshold != float32.verdict(TEST).threshold
    assert verdict.alarm.mean() < 0.12
    held_out = SAMPLE[1::2]
    changes = np.abs(int8.score(held_out) / float32.score(held_out).astype(float) - 1)
    report = found["score"]["report"]
    assert report[found["method"]]["median_change"] == pytest.approx(np.median(changes), rel=1e-3)
    assert report[found["method"]]["largest_change"] == pytest.approx(changes.max(), rel=1e-3)
    medians = {name: entry["median_change"] for name, entry in report.items()}
    assert found["method"] == min(medians, key=lambda name: medians[name])
    size = (exported / "score.int8.onnx").stat().st_size
    assert size < 0.4 * (exported / "score.onnx").stat().st_size
    assert size == report[found["method"]]["file_bytes_int8"]
    verification = int8.verify()
    assert verification.int8_score_parity is not None


def test_a_changed_golden_score_or_tolerance_is_found(bundle: Path) -> None:
    scored = np.frombuffer((bundle / "golden_score.int8.f32").read_bytes(), "<f4")
    replaced(bundle, "golden_score.int8.f32", (1.01 * scored).astype("<f4").tobytes())
    encoder = Encoder(bundle, variant="int8")
    with pytest.raises(VerificationError, match=r"`score.int8.onnx` to give the golden outputs"):
        encoder.score(TEST)
    rewritten(bundle, set_at("int8", "score", "golden_tolerance", to=1e3))
    with pytest.raises(VerificationError, match="would accept any score"):
        Encoder(bundle, variant="int8").score(TEST)
    rewritten(bundle, lambda found: found["int8"].pop("score"))
    with pytest.raises(BundleError, match=r"score.int8.onnx"):
        Encoder(bundle)


def test_a_later_quantization_adds_the_scores_without_a_threshold(bundle: Path) -> None:
    entry = quantize_bundle(bundle, SAMPLE, mode="int8")
    assert entry["score"]["alarm"] is None
    encoder = Encoder(bundle, variant="int8")
    assert encoder.score(TEST).shape == (300,)
    with pytest.raises(BundleError, match="a threshold of the score"):
        encoder.verdict(TEST)
    quantize_bundle(bundle, SAMPLE)  # not worth it: the weights are small
    assert not list(bundle.glob("*int8*"))
    with pytest.raises(BundleError, match="Expected a variant of the bundle"):
        Encoder(bundle, variant="int8")


def test_scores_that_change_too_much_are_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(scores, "MAX_CHANGE", 1e-9)
    with pytest.raises(ParityError, match="scores of held-out rows that differ by"):
        export_encoder(make_model(), tmp_path / "b", sample=SAMPLE, score=True, quantize="int8")
    assert list(tmp_path.iterdir()) == []


def test_a_score_of_zero_that_stays_has_not_changed() -> None:
    changes = scores.relative_changes(np.array([4.0, 0.0]), np.array([3.0, 0.0]))
    np.testing.assert_allclose(changes, [0.25, 0])
