"""Encoders whose codes jump at thresholds: what `verify` finds, and a lower L0 on the device."""

import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

import jumping_bundles as jumping
from bundles import manifest, replaced, rewritten, set_at
from keras_sparse_export import BundleError, Encoder, VerificationError
from keras_sparse_export.cli.main import main
from keras_sparse_export.drift.calibration import describe_sample
from keras_sparse_export.errors import RangeError
from keras_sparse_export.runtime import thresholds

pytestmark = pytest.mark.one_backend


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A bundle of each kind."""
    folder = tmp_path_factory.mktemp("jumping")
    return {kind: jumping.write(folder / kind, kind, k=3) for kind in jumping.KINDS}


@pytest.fixture(params=jumping.KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture
def bundle(kind: str, written: dict[str, Path], tmp_path: Path) -> Path:
    """A copy that may be changed."""
    return Path(shutil.copytree(written[kind], tmp_path / "bundle"))


# What verify finds -----------------------------------------------------------------------------


def test_a_bundle_with_thresholds_verifies(bundle: Path, kind: str) -> None:
    found = Encoder(bundle).verify()
    assert found.parity is not None
    assert found.parity.rows == 32
    x = jumping.rows(200, seed=3)
    codes = Encoder(bundle).encode(x)
    wanted = jumping.encode(kind, x)
    assert ((codes != 0) == (wanted != 0)).all()
    np.testing.assert_allclose(codes, wanted, atol=1e-5)


def changed_file(bundle: Path, change: Callable[[onnx.ModelProto], None]) -> None:
    """The encoder's file changed, and the manifest made to agree with its hash."""
    model = onnx.load_from_string((bundle / "encoder.onnx").read_bytes())
    change(model)
    replaced(bundle, "encoder.onnx", model.SerializeToString())


@pytest.mark.parametrize("factor", [1.01, 0.99, 1 + 2**-23])
def test_a_threshold_that_is_not_that_of_the_manifest_to_the_bit_is_found(
    factor: float, bundle: Path
) -> None:
    changed_file(bundle, lambda model: jumping.scale_thresholds(model, factor))
    with pytest.raises(VerificationError, match=r"`encoder\.onnx` with the gates of the manifest"):
        Encoder(bundle)
    with pytest.raises(VerificationError, match="with the gates of the manifest"):
        Encoder(bundle, check=False)


@pytest.mark.parametrize("unit", range(jumping.UNITS))
def test_weights_of_one_unit_that_are_wrong_are_found(unit: int, bundle: Path) -> None:
    changed_file(bundle, lambda model: jumping.scale_unit(model, unit))
    with pytest.raises(VerificationError, match=r"`encoder\.onnx` to (give|activate)"):
        Encoder(bundle)


def test_golden_rows_demand_the_same_units(bundle: Path) -> None:
    """A code below the tolerance is active nevertheless."""
    codes = np.fromfile(bundle / "golden_code.f32", "<f4")
    place = int(np.flatnonzero(codes == 0)[5])
    codes[place] = 1e-9
    replaced(bundle, "golden_code.f32", codes.tobytes())
    row, unit = divmod(place, jumping.UNITS)
    with pytest.raises(VerificationError, match=f"unit {unit} in golden row {row}"):
        Encoder(bundle)


def test_another_gate_and_what_follows_the_last_are_found(bundle: Path) -> None:
    original = (bundle / "encoder.onnx").read_bytes()
    changed_file(bundle, lambda model: jumping.follow_code(model, "Relu"))
    with pytest.raises(VerificationError, match="its code from the last gate"):
        Encoder(bundle)
    replaced(bundle, "encoder.onnx", original)
    changed_file(bundle, lambda model: jumping.follow_code(model, "ThresholdedRelu", alpha=0.0))
    with pytest.raises(VerificationError, match=r"Received: .* and ThresholdedRelu above 0\.0$"):
        Encoder(bundle)
    replaced(bundle, "encoder.onnx", original)
    changed_file(bundle, lambda model: jumping.follow_code(model, "Identity"))  # changes no number
    Encoder(bundle).verify()


def test_a_gate_that_is_missing_is_found(written: dict[str, Path], tmp_path: Path) -> None:
    bundle = Path(shutil.copytree(written["one"], tmp_path / "bundle"))

    def change(model: onnx.ModelProto) -> None:
        (node,) = (each for each in model.graph.node if each.op_type == "ThresholdedRelu")
        node.op_type = "Relu"
        del node.attribute[:]

    changed_file(bundle, change)
    with pytest.raises(VerificationError, match=r"ThresholdedRelu above 0\.3\. Received: none$"):
        Encoder(bundle)


def test_the_thresholds_of_the_manifest_are_those_of_the_file(bundle: Path) -> None:
    first = manifest(bundle)["thresholds"][0]["values"][0]
    higher = float(np.nextafter(np.float32(first), np.float32(1)))
    rewritten(bundle, set_at("calibration", to=None))
    rewritten(bundle, set_at("thresholds", 0, "values", 0, to=higher))
    with pytest.raises(VerificationError, match="with the gates of the manifest"):
        Encoder(bundle)


def test_a_code_by_rank_has_no_thresholds_to_compare(
    written: dict[str, Path], tmp_path: Path
) -> None:
    bundle = Path(shutil.copytree(written["one"], tmp_path / "bundle"))
    rewritten(bundle, set_at("calibration", to=None))
    rewritten(bundle, set_at("thresholds", to=None))
    Encoder(bundle).verify()
    codes = np.fromfile(bundle / "golden_code.f32", "<f4")
    codes[np.flatnonzero(codes == 0)[0]] = 1e-9
    replaced(bundle, "golden_code.f32", codes.tobytes())
    with pytest.raises(VerificationError, match="activate the units"):
        Encoder(bundle)


def test_rows_that_overflow_before_a_gate_are_refused(bundle: Path) -> None:
    """A gate turns NaN into 0."""
    rows = np.ones((3, jumping.FEATURES), np.float32)
    rows[1] = [3e38, -3e38, 3e38, -3e38, 3e38]
    with pytest.raises(RangeError, match=r"rows 1$"):
        Encoder(bundle).encode(rows)


def test_rows_that_overflow_in_the_second_pass_alone_are_refused(
    written: dict[str, Path], tmp_path: Path
) -> None:
    file = tmp_path / "encoder.onnx"
    shutil.copy(written["refined"] / "encoder.onnx", file)
    model = onnx.load(file)
    for tensor in model.graph.initializer:
        if tensor.name == "D":  # what the first pass gives is finite, and its reconstruction not
            values = 1e30 * np.sign(numpy_helper.to_array(tensor))
            tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float32), "D"))
    onnx.save(model, file)
    encoder = Encoder(file)
    with pytest.raises(RangeError, match=r"rows 1$"):
        encoder.encode(np.outer([1.0, 1e14], np.ones(jumping.FEATURES)))


# A lower L0 ------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [1.0, 0.7, 0.3, 0.0])
def test_a_lower_l0_is_a_higher_last_threshold(share: float, bundle: Path, kind: str) -> None:
    levels = manifest(bundle)["calibration"]["l0"]
    l0 = share * levels[0] + (1 - share) * levels[-1]
    encoder = Encoder(bundle, l0=l0)
    encoder.verify()
    x = jumping.rows()
    wanted, codes = jumping.encode(kind, x, l0), encoder.encode(x)
    np.testing.assert_array_equal(codes != 0, wanted != 0)
    np.testing.assert_allclose(codes, wanted, atol=1e-5)
    assert abs((codes != 0).sum(axis=1).mean() - l0) < 0.2
    if share in (0.0, 1.0):  # a point of the curve, which was measured on these rows
        assert (codes != 0).sum(axis=1).mean() == pytest.approx(l0, abs=0.02)
    # Whatever the way to the codes.
    np.testing.assert_array_equal(
        np.stack([encoder.encode(row) for row in x[:9]]) != 0, codes[:9] != 0
    )
    np.testing.assert_array_equal(encoder.is_active(Encoder(bundle).encode(x)), codes != 0)
    sparse = encoder.encode_sparse(x)
    np.testing.assert_array_equal(sparse.to_scipy().toarray(), codes)
    lower = encoder.encode_sparse(x, threshold=0.0)
    np.testing.assert_array_equal(lower.to_scipy().toarray(), codes)
    np.testing.assert_array_equal(np.concatenate([*encoder.stream([x[:7], x[7:]])]), codes)
    values, units = encoder.encode_top_k(x)
    np.testing.assert_array_equal(values, -np.sort(-codes, axis=1)[:, :3])
    np.testing.assert_array_equal(np.take_along_axis(codes, units, axis=1), values)
    again = pickle.loads(pickle.dumps(encoder))
    assert again.l0 == l0
    np.testing.assert_array_equal(again.encode(x), codes)


def test_the_units_of_a_lower_l0_are_among_those_of_a_higher_one(bundle: Path) -> None:
    levels, x = manifest(bundle)["calibration"]["l0"], jumping.rows(50)
    before = Encoder(bundle).encode(x)
    np.testing.assert_array_equal(Encoder(bundle, l0=levels[0]).encode(x), before)
    for l0 in np.linspace(levels[0], levels[-1], 5):
        codes = Encoder(bundle, l0=l0).encode(x)
        assert np.array_equal(codes, np.where(codes != 0, before, 0))
        before = codes


@pytest.mark.parametrize(
    ("l0", "message"),
    [
        (0, "Expected a positive number of active units per row. Received: l0=0"),
        (-1.0, "positive number"),
        (True, "positive number"),
        ("4", "positive number"),
        (float("nan"), "positive number"),
        (float("inf"), "positive number"),
        (7.9, r"Expected [\d.]+ active units .*, the bundle's own L0, or fewer.*Remedy: no `l0"),
        (0.001, r"Expected [\d.]+ active units per row or more, the lowest L0"),
    ],
)  # fmt: skip
def test_an_l0_that_the_curve_does_not_have_is_refused(
    l0: Any, message: str, written: dict[str, Path]
) -> None:
    with pytest.raises(ValueError, match=message):
        Encoder(written["one"], l0=l0)


def test_without_a_curve_no_l0_can_be_asked_for(bundle: Path) -> None:
    rewritten(bundle, set_at("calibration", to=None))
    for path in (bundle, bundle / "encoder.onnx"):
        with pytest.raises(BundleError, match=r"calibration.*Remedy: export_encoder\(\.\.\., samp"):
            Encoder(path, l0=2)
    Encoder(bundle).verify()


def test_files_hold_the_codes_of_a_lower_l0(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    x = jumping.rows(30)
    np.save(tmp_path / "x.npy", x)
    l0 = manifest(bundle)["calibration"]["l0"][1]
    codes = Encoder(bundle, l0=l0).encode(x)
    command = ["encode", str(bundle), str(tmp_path / "x.npy"), "--l0", repr(l0), "-o"]
    assert main([*command, str(tmp_path / "codes.npy")]) == 0
    np.testing.assert_array_equal(np.load(tmp_path / "codes.npy"), codes)
    assert main([*command, str(tmp_path / "codes.npz")]) == 0
    held = np.load(tmp_path / "codes.npz")
    np.testing.assert_array_equal(held["data"], codes[codes != 0])
    assert main([*command[:-2], "99", "-o", str(tmp_path / "more.npy")]) == 2
    assert "the bundle's own L0, or fewer" in capsys.readouterr().err
    assert not (tmp_path / "more.npy").exists()


def test_info_tells_the_thresholds(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(bundle)]) == 0
    shown = capsys.readouterr().out
    assert "ThresholdedRelu" in shown or "Greater" in shown
    assert "lower L0" in shown


def test_a_point_of_the_curve_is_its_threshold() -> None:
    found = {"calibration": {"l0": [4.0, 2.0, 1.0], "threshold": [0.5, 0.75, 2.0]}}
    path = Path("bundle")
    levels = (4, 3, 2, 1.5, 1, np.float32(1.25))
    assert [thresholds.find_threshold(found, path, l0) for l0 in levels] == [
        0.5, 0.625, 0.75, 1.375, 2.0, 1.6875,
    ]  # fmt: skip


def test_the_raised_threshold_is_a_float32_that_codes_exceed() -> None:
    found = {"calibration": {"l0": [2.0, 1.0], "threshold": [0.1, 0.4]}}
    threshold = thresholds.find_threshold(found, Path("bundle"), 1.3)
    assert threshold == float(np.float32(0.31)) != 0.31
    codes = np.array([threshold, np.nextafter(np.float32(threshold), np.float32(1))], np.float32)
    assert thresholds.cut(codes.copy(), threshold).tolist() == [0, codes[1]]


def test_drift_is_that_at_the_thresholds_of_the_bundle(tmp_path: Path) -> None:
    x, plain = jumping.rows(), jumping.write(tmp_path / "plain", "one")
    statistics = describe_sample(Encoder(plain).encode, x, 0.0)
    bundle = jumping.write(tmp_path / "bundle", "one", statistics=statistics)
    found, lower = (Encoder(bundle, l0=l0).drift(x[:64]) for l0 in (None, 2.0))
    assert not found.drifted
    assert lower.score == found.score


# Codes of int8 ---------------------------------------------------------------------------------


def test_a_unit_that_jumps_differs_by_its_distance_from_the_threshold() -> None:
    measure = thresholds.choose_error({"thresholds": [{"values": [9.0]}, {"values": [0.5, 0.25]}]})
    expected = np.array([[0.0, 0.3], [2.0, 0.0]], np.float32)
    assert measure(expected, expected) == 0
    assert measure(expected, np.array([[0.0, 0.4], [2.0, 0.0]])) == pytest.approx(0.1)
    assert measure(expected, np.array([[0.5625, 0.3], [2.0, 0.0]])) == pytest.approx(0.0625)
    assert measure(expected, np.array([[0.0, 0.0], [2.0, 0.0]])) == pytest.approx(0.05)
    assert measure(expected, np.array([[0.0, 0.3], [0.0, 0.0]])) == pytest.approx(1.5)
    assert measure(expected, np.array([[0.0, 0.3], [np.nan, 0.0]])) == np.inf
    assert measure(expected, expected[:1]) == np.inf


def test_a_unit_of_another_rank_differs_by_its_distance_from_the_last_that_is_kept() -> None:
    measure = thresholds.choose_error({"thresholds": None})
    expected = np.array([[3.0, 1.0, 0.0], [0.0, 0.0, 0.0]], np.float32)
    assert measure(expected, np.array([[3.0, 0.0, 1.0625], [0, 0, 0]])) == pytest.approx(0.0625)
    assert measure(expected, np.array([[0.0, 1.0, 1.0], [0, 0, 0]])) == pytest.approx(2.0)
    assert measure(expected, np.array([[3.0, 1.0, 0.0], [0, 0.125, 0]])) == pytest.approx(0.125)
    assert thresholds.choose_error({})(expected, np.zeros((2, 3), np.float32)) == 3
