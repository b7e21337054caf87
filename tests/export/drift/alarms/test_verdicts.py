"""Scores and verdicts of a bundle on a device, and what it says of them."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array

from bundles import manifest, replaced, rewritten, set_at
from keras_sparse import L1, SparseAutoencoder
from keras_sparse_export import BundleError, Encoder, Verdict, export_encoder
from keras_sparse_export.cli.main import main
from keras_sparse_export.drift.alarms.verdicts import describe_score, require_score, suggest
from keras_sparse_export.errors import RangeError, VerificationError

pytestmark = pytest.mark.one_backend

SCALES = np.geomspace(1e-3, 1e5, 12)


def draw(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(3, 1, (count, 12)) * SCALES


@pytest.fixture(scope="module")
def model() -> SparseAutoencoder:
    model = SparseAutoencoder(12, 6, sparsity=L1(), normalization="standard")
    model.adapt(draw(100))
    model.columns = tuple("abcdefghijkl")
    return model


@pytest.fixture(scope="module")
def bundle(model: SparseAutoencoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scored") / "bundle"
    return export_encoder(model, path, sample=draw(200), score=True, calibration=draw(150, seed=1))


def test_scores_are_those_of_keras(bundle: Path, model: SparseAutoencoder) -> None:
    encoder, rows = Encoder(bundle), draw(2000, seed=2)
    scores = encoder.score(rows)
    assert scores.shape == (2000,)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, model.score(rows), rtol=1e-4)
    assert encoder.score(rows[3]) == pytest.approx(scores[3], rel=1e-5)
    np.testing.assert_allclose(encoder.score(csr_array(rows[:9])), scores[:9], rtol=1e-5)
    by_name = {name: rows[:9, place] for place, name in reversed([*enumerate("abcdefghijkl")])}
    np.testing.assert_allclose(encoder.score(by_name), scores[:9], rtol=1e-5)
    assert encoder.score(rows[:0]).shape == (0,)


def test_a_verdict_tells_score_threshold_and_alarm(bundle: Path) -> None:
    encoder, rows = Encoder(bundle), draw(2000, seed=2)
    verdict = encoder.verdict(rows)
    assert isinstance(verdict, Verdict)
    threshold = manifest(bundle)["score"]["alarm"]["threshold"]
    assert verdict.threshold == threshold
    assert threshold in encoder.score(draw(150, seed=1))
    np.testing.assert_array_equal(verdict.alarm, verdict.score > threshold)
    assert 0 < verdict.alarm.mean() < 0.03
    assert not encoder.verdict(rows[0]).alarm
    assert encoder.verdict(rows[0] + 9 * SCALES).alarm


def test_rows_that_cannot_be_scored_are_named(bundle: Path) -> None:
    rows = draw(5)
    with pytest.raises(ValueError, match=r"Expected finite numbers.*rows 2"):
        Encoder(bundle).score(np.where(np.arange(5)[:, None] == 2, np.nan, rows))
    rows[4] = 1e30
    with pytest.raises(RangeError, match=r"score.onnx.*rows 4"):
        Encoder(bundle).score(rows)


def test_a_bundle_without_a_score_or_a_threshold_names_the_remedy(
    bundle: Path, model: SparseAutoencoder, tmp_path: Path
) -> None:
    rows = draw(3)
    plain = export_encoder(model, tmp_path / "plain", decoder=True)
    remedy = r"with scores\. Received: .* Remedy: export_encoder\(\.\.\., score=True\)"
    for path in (plain, bundle / "encoder.onnx"):
        with pytest.raises(BundleError, match=remedy):
            Encoder(path).score(rows)
        with pytest.raises(BundleError, match="calibration=rows"):
            Encoder(path).verdict(rows)
    scored = export_encoder(model, tmp_path / "scored", sample=draw(100), score=True)
    assert Encoder(scored).score(rows).shape == (3,)
    with pytest.raises(BundleError, match=r"Remedy: .*score=True, calibration=rows\)"):
        Encoder(scored).verdict(rows)
    with pytest.raises(BundleError, match=r"float32, or int8 .*variant='float16'"):
        require_score(manifest(scored), scored, "float16")
    assert "without a threshold" in describe_score(manifest(scored)["score"])


def test_a_remedy_is_none_that_the_export_refuses(bundle: Path) -> None:
    of_lengths = {**manifest(bundle), "lengths": {"least": [3]}}
    found = suggest(of_lengths, "decoder=True")
    assert "no decoder. Remedy: export_encoder(..., decoder=True, free_length=False)" in found
    for other in (None, manifest(bundle)):
        found = suggest(other, "score=True")
        assert found == (". Remedy: export_encoder(..., score=True), of a model with a decoder")


def test_info_and_the_card_say_what_the_rate_rests_on(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["info", str(bundle)]) == 0
    assert "false alarms at a rate of 0.01, by 150 rows" in capsys.readouterr().out
    card = (bundle / "README.md").read_text("utf-8")
    assert "`score.onnx` maps raw rows" in card
    assert manifest(bundle)["score"]["alarm"]["assumes"] in card
    assert main(["verify", str(bundle)]) == 0
    assert "score: 32 golden rows (real), max |Δ|" in capsys.readouterr().out


def test_golden_scores_prove_the_file(bundle: Path, tmp_path: Path) -> None:
    path = Path(shutil.copytree(bundle, tmp_path / "bundle"))
    golden = np.fromfile(path / "golden_score.f32", "<f4")
    assert golden.shape == (32,)
    golden[7] *= 1.001
    replaced(path, "golden_score.f32", golden.tobytes())
    with pytest.raises(VerificationError, match=r"`score.onnx` to give the golden outputs"):
        Encoder(path).verify()
    with pytest.raises(VerificationError, match=r"score.onnx"):
        Encoder(path).score(draw(2))
    assert Encoder(path, check=False).score(draw(2)).shape == (2,)
    replaced(path, "score.onnx", (path / "encoder.onnx").read_bytes())
    with pytest.raises(BundleError, match=r"`score` of `score.onnx` .*\(\)\. Received: None"):
        Encoder(path, check=False).score(draw(2))


def test_an_estimate_is_called_one(bundle: Path) -> None:
    found = manifest(bundle)["score"]["alarm"]
    estimate = {"needed": 999, "thresholds": [1, 2], "rates": [0, 1], "mean_rate": 0.1}
    text = describe_score({"alarm": {**found, "estimate": estimate, "false_alarm_rate": 0.001}})
    assert "an estimate, since a rate of 0.001 needs 999 rows and there are 150" in text
    assert "without one of them 1 to 2, and alarms at a rate of 0.1 in it" in text


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("score",), None, "an object"),
        (("score", "alarm", "threshold"), -1, "at least 0"),
        (("score", "alarm", "unit"), "window", "one of"),
        (("score", "alarm", "false_alarm_rate"), 1, "less than 1"),
        (("score", "alarm", "units"), 149, "as many as `rows`"),
        (("score", "alarm", "false_alarm_rate"), 0.001, "null if there are `1/α − 1` units"),
        (("requires",), ["columns"], "a key of the feature `score`"),
        (("score", "more"), 1, "no keys but alarm"),
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused(
    place: tuple[str, ...], value: object, message: str, bundle: Path, tmp_path: Path
) -> None:
    (tmp_path / "manifest.json").write_bytes((bundle / "manifest.json").read_bytes())
    rewritten(tmp_path, set_at(*place, to=value))
    with pytest.raises(BundleError, match=message):
        Encoder(tmp_path)
