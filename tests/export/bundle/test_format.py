"""Bundles of format 1, one of which is kept in `format_1/`, and features that a bundle requires."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from sklearn.metrics import jaccard_score

from bundles import manifest, rewritten
from keras_sparse_export import BundleError, Encoder
from keras_sparse_export.bundle import manifest as reader
from keras_sparse_export.cli.main import main
from keras_sparse_export.runtime import top_k
from keras_sparse_export.variants import decision

pytestmark = pytest.mark.one_backend

FORMAT_1 = Path(__file__).with_name("format_1")
"""Exported in format 1: codes of a tanh, τ = 0.1, with everything that a bundle may have."""


@pytest.fixture
def rows() -> np.ndarray:
    return np.fromfile(FORMAT_1 / "golden_x.f32", "<f4").reshape(32, 5)


@pytest.fixture(params=[1, 2])
def bundle(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The same bundle in either format."""
    path = Path(shutil.copytree(FORMAT_1, tmp_path / "bundle"))
    if request.param == 2:
        rewritten(path, lambda found: found.update(format=2, requires=[]))
    return path


def select_active(codes: np.ndarray, path: Path) -> np.ndarray:
    """Which codes are active, counted by hand."""
    size = codes if manifest(path)["format"] == 1 else np.maximum(codes, -codes)
    return np.asarray(size > np.float32(0.1))


def test_format_1_is_what_it_was() -> None:
    encoder = Encoder(FORMAT_1)
    found = encoder.verify()
    assert found.files == 10
    assert found.int8_parity is not None
    assert encoder.manifest == manifest(FORMAT_1)
    assert encoder.manifest["format"] == 1
    values, indices = encoder.encode_top_k(np.fromfile(FORMAT_1 / "golden_x.f32", "<f4")[:5])
    code = np.fromfile(FORMAT_1 / "golden_code.f32", "<f4")[:6]
    assert indices.tolist() == np.argsort(-code)[:2].tolist()  # the largest, whatever the sign
    np.testing.assert_allclose(values, code[indices], atol=1e-5)


def test_codes_below_zero_are_active_since_format_2(bundle: Path, rows: np.ndarray) -> None:
    encoder = Encoder(bundle)
    codes = encoder.encode(rows)
    active = select_active(codes, bundle)
    assert (codes < -0.1).any()
    np.testing.assert_array_equal(encoder.is_active(codes), active)
    found = encoder.encode_sparse(rows).to_scipy().toarray()
    np.testing.assert_array_equal(found, np.where(active, codes, 0))
    higher = np.where(active & (np.abs(codes) > 0.5), codes, 0)
    found = encoder.encode_sparse(rows, threshold=0.5).to_scipy().toarray()
    np.testing.assert_array_equal(found, higher)


def test_files_hold_what_encode_sparse_gives(
    bundle: Path, rows: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    codes = Encoder(bundle).encode(rows)
    active = select_active(codes, bundle)
    np.save(tmp_path / "x.npy", rows)
    command = ["encode", str(bundle), str(tmp_path / "x.npy"), "-o"]
    assert main([*command, str(tmp_path / "codes.npz")]) == 0
    found = scipy.sparse.load_npz(tmp_path / "codes.npz").toarray()
    np.testing.assert_array_equal(found, np.where(active, codes, 0))
    capsys.readouterr()
    assert main([*command, "-"]) == 0
    lines = [json.loads(line)["indices"] for line in capsys.readouterr().out.splitlines()]
    assert lines == [np.flatnonzero(row).tolist() for row in active]
    assert main(["info", str(bundle)]) == 0
    size = "code" if manifest(bundle)["format"] == 1 else r"|code|"
    assert f"{size} > 0.1" in capsys.readouterr().out


def test_statistics_and_drift_go_by_the_rule_of_their_format(
    bundle: Path, rows: np.ndarray
) -> None:
    encoder = Encoder(bundle)
    statistics = manifest(bundle)["statistics"]
    share = select_active(encoder.encode(rows), bundle).mean(axis=0)
    # The rows are of the sample, whose statistics were computed in format 1.
    written = manifest(bundle)["format"] == 1
    assert (np.abs(share - statistics["active_share"]).max() < 0.3) == written
    assert encoder.drift(rows).drifted is not written


def test_golden_values_go_by_the_rule_of_their_format(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agree, seen = top_k.agree, []

    def record(*arguments: Any, signed: bool) -> bool:
        seen.append(signed)
        return agree(*arguments, signed=signed)

    monkeypatch.setattr(top_k, "agree", record)
    Encoder(bundle).verify()
    assert set(seen) == {manifest(bundle)["format"] == 2}


def test_int8_is_judged_by_the_rule_of_its_format(bundle: Path, rng: np.random.Generator) -> None:
    sample = rng.normal(size=(200, 5)).astype(np.float32)
    before = {name: value for name, value in manifest(bundle).items() if name != "int8"}
    report = decision.quantize_bundle(bundle, sample, mode="int8")["report"]["static"]
    after = {name: value for name, value in manifest(bundle).items() if name != "int8"}
    assert {**after, "files": None} == {**before, "files": None}
    codes, int8 = (
        Encoder(bundle, variant=each).encode(sample[1::2]) for each in ("float32", "int8")
    )
    active, active_int8 = select_active(codes, bundle), select_active(int8, bundle)
    assert report["l0_float32"] == pytest.approx(active.sum() / 100)
    assert report["jaccard"] == pytest.approx(jaccard_score(active.ravel(), active_int8.ravel()))
    card = (bundle / "README.md").read_text()
    assert ("the magnitude of its code exceeds 0.1" in card) is (before["format"] == 2)


# Features ----------------------------------------------------------------------------------------


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    path = Path(shutil.copytree(FORMAT_1, tmp_path / "newer"))
    # As a later version may write it: with a key that the schema does not know.
    more = {"format": 2, "requires": ["sealed-box", "other"], "box": {}}
    rewritten(path, lambda found: found.update(more))
    return path


def test_a_feature_that_is_not_known_is_refused_by_name(newer: Path) -> None:
    names = "categories, columns, inputs, lengths, litert, missing, score, thresholds, variants, "
    names += "windows"
    features = rf"\({names}\)\."
    message = rf"whose `requires` .* {features} Received: 'sealed-box' .* Remedy: a newer ker"
    with pytest.raises(BundleError, match=message):
        Encoder(newer, check=False)


def test_a_feature_that_is_known_passes(newer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "FEATURES", frozenset({"sealed-box"}))
    with pytest.raises(BundleError, match=r"\(sealed-box\)\. Received: 'other'"):
        Encoder(newer)
    rewritten(newer, lambda found: found["requires"].pop())
    rewritten(newer, lambda found: found.pop("box"))
    Encoder(newer).verify()


@pytest.mark.parametrize("name", ["", "A", "x" * 100_000, "\x1b[2J"])
def test_odd_names_of_features_are_shortened(name: str, newer: Path) -> None:
    rewritten(newer, lambda found: found.update(requires=[name]))
    with pytest.raises(BundleError, match="whose `requires`") as caught:
        Encoder(newer)
    text = str(caught.value)
    assert len(text) < 500 + len(str(newer))
    assert text.isprintable()


def test_only_format_1_may_have_a_negative_threshold(bundle: Path) -> None:
    rewritten(bundle, lambda found: found.update(threshold=-0.5))
    if manifest(bundle)["format"] == 2:
        with pytest.raises(BundleError, match=r"at least 0 .* at `threshold`"):
            Encoder(bundle)
        return
    active = Encoder(bundle).is_active([-0.9, -0.2, 0.2])
    assert active.tolist() == [False, True, True]
