"""Manifests that follow their schema, and whose parts contradict each other."""

import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jumping_bundles as jumping
from bundles import manifest, refused, removed_at, rewritten, set_at
from keras_sparse_export import BundleError, Encoder
from keras_sparse_export.bundle.manifest import read_manifest

pytestmark = pytest.mark.one_backend


def scaled_by(offset: list[float] | None, scale: list[float] | None) -> Any:
    """A change of the scaling."""
    return lambda found: found.update(offset=offset, scale=scale)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (set_at("format", to=1), "no such key in format 1 .* at `requires`"),
        (set_at("output", "shape", to=[5000, 5000]), "16777216 at most .* at `output.shape`"),
        (set_at("golden", "rows", to=33), r"1584 bytes .* `files.golden_x.f32`. Received: 1536"),
        (removed_at("files", "golden_code.f32"), "192|768 bytes .* Received: 'no such file'"),
        (removed_at("files", "golden_indices.i32"), "Received: 'no such file'"),
        (removed_at("files", "golden_x_hat.f32"), "Received: 'no such file'"),
        (removed_at("files", "golden_code.int8.f32"), "Received: 'no such file'"),
        (removed_at("files", "decoder.onnx"), "at `parity`"),
        (removed_at("parity", "decoder"), "at `parity`"),
        (set_at("top_k", "k", to=7), r"896 bytes .* `files.golden_values.f32`. Received: 256"),
        (set_at("statistics", "active_share", to=[0.5] * 5), "6 numbers, one per unit"),
        (set_at("statistics", "columns", "std", to=[0.5] * 5), "one number for each of a row"),
        (scaled_by([0.0] * 12, [1.0] * 5), "12 numbers, one per column .* at `scale`. Received: 5"),
        (scaled_by([0.0] * 5, [1.0] * 12), "12 numbers, one per column .* at `offset`"),
        (scaled_by([0.0] * 12, None), "as `offset` .* at `scale`"),
        (removed_at("scale"), "as `offset` .* at `scale`"),
        (set_at("statistics", "drift", "thresholds", to=[1.0]), "2 numbers, one per batch size"),
        (set_at("statistics", "drift", "batch_sizes", to=[16, 16]), "growing to half the rows"),
        (set_at("statistics", "drift", "batch_sizes", to=[16, 256]), "growing to half"),
        (set_at("int8", "kept", to=False), "as in `files` .* at `int8`"),
        (removed_at("int8", "method"), "a method in the report"),
        (set_at("int8", "report", to={}), "a method in the report"),
        (set_at("int8", "golden_tolerance", to=None), "a number .* at `int8.golden_tolerance`"),
    ],
)
def test_parts_that_contradict_each_other_are_refused_with_the_place(
    change: Callable[[dict[str, Any]], Any], message: str, bundle: Path
) -> None:
    rewritten(bundle, change)
    refused(bundle, message)
    with pytest.raises(BundleError, match=message):
        Encoder(bundle, check=False)


def test_files_together_have_a_limit(bundle: Path) -> None:
    for name in ("a", "b", "c"):
        entry = {"sha256": "0" * 64, "size": 2**31 - 1}
        rewritten(bundle, set_at("files", name, to=entry))
    refused(bundle, r"4294967296 bytes at most .* at `files`")


# Names of columns, and categories ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (removed_at("columns"), "a key of the feature `columns`"),
        (set_at("requires", to=[]), "a key of the feature `columns`"),
        (set_at("columns", to=["a", "b"]), r"row of shape \[3\] .* at `columns`. Received: 2"),
        (set_at("columns", to=["a", "b", "a"]), "different names .* at `columns`"),
        (set_at("columns", 0, to=1), r"a text .* at `columns\[0\]`"),
        (set_at("columns", to=None), "a list .* at `columns`"),
        (set_at("columns", to=["a"] * 65_537), "at most 65536 entries"),
    ],
)
def test_names_that_do_not_fit_are_refused(
    change: Callable[[dict[str, Any]], Any], message: str, named: Path
) -> None:
    rewritten(named, change)
    refused(named, message)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (removed_at("categories"), "a key of the feature `categories`"),
        (set_at("requires", to=["columns"]), "a key of the feature `categories`"),
        (set_at("categories", "pump", to=["A", "C"]), "columns of 0 and 1 .* at `categories`"),
        (set_at("categories", "pump", to=["A", "A"]), "columns of 0 and 1 .* at `categories`"),
        (set_at("columns", 0, to="pump"), "none called 'pump' .* at `categories`"),
        (set_at("categories", "pump", to=[]), r"1 entries or more .* at `categories.pump`"),
        (set_at("categories", "pump", to=["A"] * 257), r"at most 256 entries"),
        (set_at("categories", "pump", 0, to=1), r"a text .* at `categories.pump\[0\]`"),
        (set_at("categories", to=[]), r"an object .* at `categories`"),
    ],
)
def test_categories_that_do_not_fit_are_refused(
    change: Callable[[dict[str, Any]], Any], message: str, of_pumps: Path
) -> None:
    rewritten(of_pumps, change)
    refused(of_pumps, message)


# Thresholds --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return jumping.write(tmp_path_factory.mktemp("thresholds") / "bundle", "refined")


@pytest.fixture
def jumping_bundle(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "bundle"))


def append(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda found: found["thresholds"][0][name].append(value)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (removed_at("thresholds"), "thresholds"),
        (removed_at("calibration"), "calibration"),
        (set_at("requires", to=[]), "thresholds"),
        (set_at("thresholds", to=[]), "thresholds"),
        (set_at("thresholds", to=[{}] * 3), "thresholds"),
        (set_at("thresholds", to=None), "calibration"),
        (set_at("thresholds", 0, "pass", to=2), "thresholds[0].pass"),
        (set_at("thresholds", 1, "pass", to=1), "thresholds[1].pass"),
        (set_at("thresholds", 0, "operator", to="Less"), "thresholds[0].operator"),
        (set_at("thresholds", 0, "values", 0, to=-1e-9), "thresholds[0].values[0]"),
        (set_at("thresholds", 0, "values", 0, to=3.45e38), "thresholds[0].values"),
        (set_at("thresholds", 0, "values", 0, to=0.1), "thresholds[0].values"),
        (append("values", 0.5), "thresholds[0].values"),
        (set_at("thresholds", 1, "values", to=[0.5] * 7), "thresholds[1].values"),
        (set_at("thresholds", 1, "values", to=[]), "thresholds[1].values"),
        (set_at("thresholds", 1, "surplus", to=1), "thresholds[1]"),
        (set_at("calibration", "l0", 0, to=9), "calibration.l0"),
        (set_at("calibration", "l0", 1, to=0), "calibration.l0"),
        (set_at("calibration", "l0", to=[1.0]), "calibration.threshold"),
        (set_at("calibration", "threshold", 0, to=0.01), "calibration.threshold"),
        (set_at("calibration", "threshold", 1, to=9.0), "calibration.threshold"),
        (set_at("calibration", "threshold", 1, to="1"), "calibration.threshold[1]"),
        (set_at("calibration", to={}), "calibration"),
    ],
)
def test_what_the_keys_must_not_hold_is_refused_with_the_place(
    change: Callable[[dict[str, Any]], None], place: str, jumping_bundle: Path
) -> None:
    rewritten(jumping_bundle, change)
    with pytest.raises(BundleError) as caught:
        Encoder(jumping_bundle)
    assert f"manifest.json at `{place}`." in str(caught.value)


def test_one_threshold_for_all_units_takes_either_operator(
    jumping_bundle: Path,
) -> None:
    rewritten(jumping_bundle, set_at("thresholds", 1, "values", to=[math.ldexp(1, -4)]))
    assert read_manifest(jumping_bundle)["thresholds"][1]["values"] == [0.0625]


def test_a_bundle_without_the_feature_has_none_of_its_keys(bundle: Path) -> None:
    found = manifest(bundle)
    assert found["requires"] == []
    assert "thresholds" not in found
    assert "calibration" not in found


def test_the_largest_threshold_of_float32_is_one(jumping_bundle: Path) -> None:
    largest = float(np.finfo(np.float32).max)
    rewritten(jumping_bundle, set_at("thresholds", 0, "values", to=[largest]))
    assert read_manifest(jumping_bundle)["thresholds"][0]["values"] == [largest]


# Other forms, windows, and features of a front end -----------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (removed_at("variants", "litert"), "`variants`"),
        (lambda found: found["requires"].remove("litert"), "feature `litert`.*`variants.litert`"),
        (lambda found: found["requires"].remove("variants"), "feature `variants`"),
        (removed_at("files", "encoder.tflite"), "as in `files`"),
        (removed_at("variants", "litert", "parity", "rows"), "`variants.litert.parity`"),
        (set_at("variants", "litert", "operators", to=["\x1b[31m"]), "operators"),
    ],
)
def test_the_form_for_litert_is_as_the_manifest_says(
    change: Callable[[dict[str, Any]], Any], message: str, litert_bundle: Path, tmp_path: Path
) -> None:
    bundle = Path(shutil.copytree(litert_bundle, tmp_path / "bundle"))
    assert {"litert", "variants"} <= set(manifest(bundle)["requires"])
    read_manifest(bundle)
    rewritten(bundle, change)
    refused(bundle, message)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (removed_at("windows"), "a key of the feature `windows`"),
        (set_at("requires", to=[]), "a key of the feature `windows`"),
        (set_at("windows", to=None), "at `windows`"),
        (set_at("windows", "window", to=9), r"\[9\] .* at `input.shape`"),
        (set_at("windows", "channels", to=2), r"\[8, 2\] .* at `input.shape`"),
        (set_at("windows", "hop", to=0), "at `windows.hop`"),
        (set_at("windows", "hop", to=4.0), "at `windows.hop`"),
        (set_at("windows", "sampling_rate", to=0), "at `windows.sampling_rate`"),
        (removed_at("windows", "sampling_rate"), "at `windows`"),
        (set_at("windows", "step", to=4), "at `windows`"),
    ],
)
def test_windows_that_contradict_the_rest_are_refused(
    change: Callable[[dict[str, Any]], None], message: str, windowed: Path
) -> None:
    rewritten(windowed, change)
    refused(windowed, message)


def give_gaps(found: dict[str, Any]) -> None:
    found.update(requires=["features", "missing", "score"], missing="mean")


def leave_files(found: dict[str, Any]) -> None:
    for name in ("decoder.onnx", "score.onnx", "golden_x_hat.f32", "golden_score.f32"):
        del found["files"][name]
    del found["score"], found["parity"]["score"], found["parity"]["decoder"]
    found["requires"] = ["features"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (removed_at("features"), "`files.golden_x_hat.f32`"),
        (
            set_at("requires", to=["score"]),
            "feature `features`, present with it alone .*`features`",
        ),
        (set_at("features", "shape", 0, to=47), "`files.golden_features.f32`"),
        (set_at("features", "shape", to=[1 << 13, 1 << 12]), "`files.golden_features.f32`"),
        (set_at("features", "shape", to=[]), "`features.shape`"),
        (set_at("features", "name", to="x"), "`features.name`"),
        (set_at("scale", to=[1.0] * 320), "48 numbers, one per column .*`scale`"),
        (removed_at("files", "golden_features.f32"), "`files.golden_features.f32`"),
        (give_gaps, "no feature `missing` with the feature `features`"),
        (leave_files, "`decoder.onnx` or `score.onnx` with the feature `features`"),
    ],
)
def test_features_that_do_not_fit_are_refused(
    change: Callable[[dict[str, Any]], None], message: str, listening: Path, tmp_path: Path
) -> None:
    bundle = shutil.copytree(listening, tmp_path / "bundle")
    rewritten(bundle, change)
    refused(bundle, message)
