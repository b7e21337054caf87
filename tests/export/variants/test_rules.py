from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

import jumping_bundles as jumping
from bundles import manifest, replaced
from keras_sparse_export import Encoder, VerificationError
from keras_sparse_export.errors import ParityError
from keras_sparse_export.variants import decision, rules
from keras_sparse_export.variants.comparison import Comparison, Gate
from keras_sparse_export.variants.rules import Candidate

pytestmark = pytest.mark.one_backend


def candidate(jumps: bool = True, **measured: Any) -> Candidate:
    """One that agrees, but for what is given."""
    values: dict[str, Any] = {field.name: 1 for field in fields(Comparison)}
    values |= {"jaccard": 0.99, "jaccard_per_row": 0.99, "file_bytes_variant": 0.25}
    values |= {"weight_bytes_float32": 2_000_000, "mse_float32": 0.1, "mse_variant": 0.1}
    return Candidate(
        "static", b"", Comparison(**values | measured), Gate(1, 0, 9, [1]), 2.0 if jumps else None
    )


def test_codes_that_jump_are_judged_by_the_mean_of_rows_and_by_explained_variance() -> None:
    assert candidate(jaccard=0.9).agrees
    assert not candidate(jaccard_per_row=0.97).agrees
    loss = candidate(mse_variant=0.105)
    assert loss.variance_loss == pytest.approx(0.0025)
    assert not loss.agrees
    assert candidate(mse_variant=0.103).agrees
    assert candidate(mse_float32=None, mse_variant=None).agrees


def test_other_codes_are_judged_by_the_pooled_index() -> None:
    assert not candidate(jumps=False, jaccard=0.97).agrees
    assert candidate(jumps=False, jaccard_per_row=0.9, mse_variant=9).agrees


def test_the_reasons_and_the_error_name_the_loss() -> None:
    loss = candidate(mse_variant=0.2)
    (reason,) = rules.list_reasons(loss)
    assert reason == "The explained variance of held-out rows is 0.0500 lower, more than 0.002."
    with pytest.raises(ParityError, match=r"at most 0\.002 less of.*Received: 0\.0500 less \(stat"):
        rules.require_agreement(loss)


def test_the_dynamic_encoder_is_chosen_if_it_alone_agrees() -> None:
    right, wrong = candidate(), candidate(mse_variant=0.2)
    assert rules.choose(right, wrong) is right
    assert rules.choose(wrong, right) is right
    assert rules.choose(wrong, wrong) is wrong


def test_a_bundle_that_jumps_is_judged_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = jumping.write(tmp_path / "bundle", "one")
    monkeypatch.setattr(rules, "MIN_WEIGHT_BYTES", 0)
    monkeypatch.setattr(rules, "MAX_SIZE_RATIO", 99)
    monkeypatch.setattr(rules, "MIN_JACCARD", 1.1)
    found = decision.quantize_bundle(path, jumping.rows(400))
    report = found["report"][found["method"]]
    worst = min(report["jaccard_per_row"], found["parity"]["jaccard"])
    assert found["reasons"] == [
        f"The support Jaccard on held-out rows is {worst:.4f}, less than 1.1."
    ]
    assert manifest(path)["int8"]["kept"] is False
    assert np.isfinite(worst)


@pytest.fixture(params=jumping.KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


def test_int8_has_the_same_thresholds_and_can_lower_the_l0(kind: str, tmp_path: Path) -> None:
    path = jumping.write(tmp_path / "bundle", kind)
    decision.quantize_bundle(path, jumping.rows(400), mode="int8")
    Encoder(path, variant="int8").verify()
    l0 = manifest(path)["calibration"]["l0"][2]
    codes = Encoder(path, variant="int8", l0=l0).encode(jumping.rows())
    assert (codes != 0).sum(axis=1).mean() == pytest.approx(l0, abs=0.1)
    model = onnx.load_from_string((path / "encoder.int8.onnx").read_bytes())
    jumping.scale_thresholds(model, 1.01)
    replaced(path, "encoder.int8.onnx", model.SerializeToString())
    with pytest.raises(VerificationError, match=r"`encoder\.int8\.onnx` with the gates of"):
        Encoder(path, variant="int8")


def test_a_unit_may_jump_within_the_tolerance_of_int8(tmp_path: Path) -> None:
    path = jumping.write(tmp_path / "bundle", "one")
    decision.quantize_bundle(path, jumping.rows(400), mode="int8")
    tolerance = manifest(path)["int8"]["golden_tolerance"]
    original = np.fromfile(path / "golden_code.int8.f32", "<f4")
    place = np.flatnonzero(original == 0)[3]
    for distance, passes in ((0.5, True), (2.0, False)):
        codes = original.copy()
        codes[place] = jumping.THRESHOLD + distance * tolerance
        replaced(path, "golden_code.int8.f32", codes.tobytes())
        if passes:
            Encoder(path, variant="int8").verify()
            continue
        with pytest.raises(VerificationError, match=r"`encoder\.int8\.onnx` to give the golden"):
            Encoder(path, variant="int8")


def test_codes_that_a_tie_moves_too_far_are_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "MIN_WEIGHT_BYTES", 0)
    monkeypatch.setattr(rules, "MAX_SIZE_RATIO", 99)
    monkeypatch.setattr(decision, "choose_error", lambda _: lambda *_: 3.0)
    path = jumping.write(tmp_path / "bundle", "one")
    found = decision.quantize_bundle(path, jumping.rows(400))
    assert not found["kept"]
    assert found["golden_tolerance"] is None
    assert found["reasons"] == [found["reasons"][0]]
    assert found["reasons"][0].startswith("A tie that is rounded the other way moves a golden code")
    Encoder(path).verify()
    with pytest.raises(ParityError, match=r"Expected stable int8 codes.*by up to 6\.?\d*, more"):
        decision.quantize_bundle(path, jumping.rows(400), mode="int8")
