"""What a stranger may put into `manifest.json`."""

import json
import math
import os
import shutil
import subprocess
import sys
import textwrap
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest

import jumping_bundles as jumping
from bundles import manifest, removed_at, rewritten, set_at
from keras_sparse import L1, SparseAutoencoder
from keras_sparse_export import BundleError, Encoder, Windows, export_encoder
from keras_sparse_export.bundle import manifest as reader
from keras_sparse_export.bundle import writing as bundles
from keras_sparse_export.bundle.format import MAX_MANIFEST_BYTES, NAME
from keras_sparse_export.bundle.manifest import (
    get_columns,
    get_windows,
    list_golden_shapes,
    read_manifest,
    require_onnxruntime,
)

pytestmark = pytest.mark.one_backend


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with all that a bundle may hold."""
    x = np.random.default_rng(0).normal(size=(500, 12))
    path = tmp_path_factory.mktemp("exported") / "bundle"
    model = SparseAutoencoder(12, 6, sparsity=L1(), normalization=None)
    return export_encoder(model, path, sample=x, decoder=True, top_k=2, quantize="int8")


@pytest.fixture
def bundle(exported: Path, tmp_path: Path) -> Path:
    return shutil.copytree(exported, tmp_path / "bundle")


def refused(bundle: Path, message: str) -> None:
    with pytest.raises(BundleError, match=message):
        read_manifest(bundle)


def test_what_was_written_is_read(exported: Path) -> None:
    found = read_manifest(exported)
    assert found == manifest(exported)
    sizes = {name: 4 * int(np.prod(shape)) for name, shape in list_golden_shapes(found).items()}
    assert len(sizes) == 6
    assert sizes == {each.name: each.stat().st_size for each in exported.glob("golden_*")}


# The file ----------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_keeps_nobody_waiting(bundle: Path) -> None:
    (bundle / "manifest.json").unlink()
    os.mkfifo(bundle / "manifest.json")
    refused(bundle, "Expected a regular file")


def test_a_folder_a_link_and_nothing(bundle: Path, tmp_path: Path) -> None:
    file = bundle / "manifest.json"
    file.rename(tmp_path / "elsewhere.json")
    refused(bundle, r"Expected a bundle, a folder with a manifest\.json")
    file.symlink_to(tmp_path / "elsewhere.json")
    refused(bundle, r"a link that leads out of it\. Remedy: copy the files, cp -rL")
    file.unlink()
    file.symlink_to(file)
    refused(bundle, r"Expected .*manifest\.json")
    file.unlink()
    file.mkdir()
    refused(bundle, r"Expected a regular file")


def test_a_file_beyond_the_limit_is_not_read(bundle: Path) -> None:
    with (bundle / "manifest.json").open("r+b") as file:
        file.truncate(MAX_MANIFEST_BYTES + 1)
    tracemalloc.start()
    refused(bundle, r"at most 16777216 bytes.* Received: .*16777217 bytes")
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "Expecting value"),
        (b"{", "Expecting property name"),
        (b"{} {}", "Extra data"),
        (b'{"format": NaN}', "NaN, which is not JSON"),
        (b'{"format": -Infinity}', "-Infinity, which is not JSON"),
        (b'{"format": 1e999}', "too large for float64"),
        (b'{"format": 12345678901234567}', "more than 16 digits"),
        (b'{"format": 1, "format": 1}', "a duplicate key"),
        (b'{"format": "\xff"}', "invalid start byte"),
        (b'\xef\xbb\xbf{"format": 1}', "BOM"),
        ('{"format": 1}'.encode("utf-16"), "decode"),
        (b"[" * 4000, "recursion"),
        (b"[" + b"{}," * 5000 + b"{}]", "more than 4096 objects and lists"),
        (b"[" + b'"a",' * 140_000 + b'"a"]', "or 131072 texts"),
        (b"[]", "list in"),
        (b'{"format": true}', "format True"),
        (b'{"format": {"a": 1}}', "format {'a': 1}"),
    ],
)
def test_what_is_no_strict_json_is_refused(data: bytes, message: str, bundle: Path) -> None:
    (bundle / "manifest.json").write_bytes(data)
    refused(bundle, rf"Expected a (JSON manifest|bundle of format 1 or 2)\. Received: .*{message}")


@pytest.mark.process
@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of memory as Linux tells it")
def test_the_largest_that_is_parsed_takes_little(bundle: Path) -> None:
    numbers = b"0.5," * ((MAX_MANIFEST_BYTES - 2) // 4 - 1)
    (bundle / "manifest.json").write_bytes(b"[" + numbers + b"0.5]")
    code = f"""
        import resource
        from pathlib import Path
        from keras_sparse_export.bundle.manifest import read_manifest

        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        try:
            read_manifest(Path({str(bundle)!r}))
        except ValueError as error:
            assert "list in" in str(error)
            print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before >> 10)
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert int(done.stdout) < 256, done.stderr


@pytest.mark.slow
def test_a_bundle_of_65536_units_is_read_and_one_of_more_than_fit_not_written(
    bundle: Path, tmp_path: Path
) -> None:
    found, units = manifest(bundle), 65_536
    statistics = found["statistics"]
    for name, values in statistics.items():
        if isinstance(values, list):
            statistics[name] = [-0.000123456789 if name.endswith("ness") else 0.123456789] * units
    found["output"]["shape"] = [units]
    for name, shape in list_golden_shapes(found).items():
        found["files"][name]["size"] = 4 * int(np.prod(shape))
    (bundle / "manifest.json").write_text(json.dumps(found, indent=2))
    assert len(read_manifest(bundle)["statistics"]["active_share"]) == units
    for name, values in statistics.items():
        if isinstance(values, list):
            statistics[name] = values * 3
    (tmp_path / "new").mkdir()
    with pytest.raises(BundleError, match=r"at most 16777216 bytes\. Received: \d+ bytes"):
        bundles.finish(tmp_path / "new", {key: found[key] for key in found if key != "files"})


# What it says ------------------------------------------------------------------------------------


def scaled_by(offset: list[float] | None, scale: list[float] | None) -> Any:
    """A change of the scaling."""
    return lambda found: found.update(offset=offset, scale=scale)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (removed_at("golden"), "the key `golden` .* at the top"),
        (set_at("surplus", to=1), "no keys but .* Received: 'surplus'"),
        (removed_at("requires"), "the key `requires` .* at the top"),
        (set_at("requires", to=None), "a list .* at `requires`"),
        (set_at("requires", to=[1]), r"a text .* at `requires\[0\]`"),
        (set_at("format", to=1), "no such key in format 1 .* at `requires`"),
        (set_at("threshold", to=-0.1), "at least 0 .* at `threshold`"),
        (set_at("threshold", to="x"), "a number .* at `threshold`. Received: 'x'"),
        (set_at("input", "shape", to=[True]), r"a whole number .* at `input.shape\[0\]`"),
        (set_at("input", "shape", to=[1 << 25]), r"at most 16777216 .* at `input.shape\[0\]`"),
        (set_at("input", "shape", to=[1] * 9), "at most 8 entries"),
        (set_at("output", "shape", to=[5000, 5000]), "16777216 at most .* at `output.shape`"),
        (set_at("golden", "rows", to=1025), "at most 1024"),
        (set_at("golden", "rows", to=33), r"1584 bytes .* `files.golden_x.f32`. Received: 1536"),
        (set_at("golden", "rows", to=0), "at least 1"),
        (removed_at("files", "golden_code.f32"), "192|768 bytes .* Received: 'no such file'"),
        (removed_at("files", "golden_indices.i32"), "Received: 'no such file'"),
        (removed_at("files", "golden_x_hat.f32"), "Received: 'no such file'"),
        (removed_at("files", "golden_code.int8.f32"), "Received: 'no such file'"),
        (removed_at("files", "encoder.onnx"), "the key `encoder.onnx` .* at `files`"),
        (removed_at("files", "decoder.onnx"), "at `parity`"),
        (removed_at("parity", "decoder"), "at `parity`"),
        (set_at("files", "encoder.onnx", "size", to=2**31), "at most 2147483647"),
        (set_at("files", "encoder.onnx", "size", to=1.5), "a whole number"),
        (set_at("files", "encoder.onnx", "sha256", to="0" * 64 + "\n"), "a text as"),
        (set_at("files", "../x", to={"sha256": "0" * 64, "size": 1}), r"Received: '\.\./x'"),
        (set_at("files", "..", to={"sha256": "0" * 64, "size": 1}), r"Received: '\.\.'"),
        (set_at("files", "C:x", to={"sha256": "0" * 64, "size": 1}), "Received: 'C:x'"),
        (set_at("files", "a\\b", to={"sha256": "0" * 64, "size": 1}), "Received: "),
        (set_at("files", "\ud800", to={"sha256": "0" * 64, "size": 1}), "Received: "),
        (set_at("files", "x" * 129, to={"sha256": "0" * 64, "size": 1}), "Received: "),
        (set_at("top_k", "k", to=7), r"896 bytes .* `files.golden_values.f32`. Received: 256"),
        (set_at("statistics", "active_share", to=[0.5] * 5), "6 numbers, one per unit"),
        (set_at("statistics", "mean_activation", 0, to=1e300), "at most 3.5e"),
        (set_at("statistics", "columns", "std", to=[0.5] * 5), "one number for each of a row"),
        (scaled_by([0.0] * 12, [1.0] * 5), "12 numbers, one per column .* at `scale`. Received: 5"),
        (scaled_by([0.0] * 5, [1.0] * 12), "12 numbers, one per column .* at `offset`"),
        (scaled_by([0.0] * 12, [0.0] * 12), r"more than 0 .* at `scale\[0\]`"),
        (scaled_by([0.0] * 12, None), "as `offset` .* at `scale`"),
        (removed_at("scale"), "as `offset` .* at `scale`"),
        (set_at("statistics", "drift", "thresholds", to=[1.0]), "2 numbers, one per batch size"),
        (set_at("statistics", "drift", "batch_sizes", to=[16, 16]), "growing to half the rows"),
        (set_at("statistics", "drift", "batch_sizes", to=[16, 256]), "growing to half"),
        (set_at("statistics", "drift", "false_alarm_rate", to=1), "at most 0.5"),
        (set_at("int8", "kept", to=False), "as in `files` .* at `int8`"),
        (set_at("int8", "method", to="none"), "one of "),
        (removed_at("int8", "method"), "a method in the report"),
        (set_at("int8", "report", to={}), "a method in the report"),
        (set_at("int8", "golden_tolerance", to=None), "a number .* at `int8.golden_tolerance`"),
        (set_at("versions", "keras", to="\x1b[31m"), "a text as"),
        (set_at("int8", "reasons", to=["\x1b[2J"]), "a text as"),
        (set_at("min_onnxruntime", to="9" * 5000), "a text as"),
    ],
)
def test_a_manifest_that_cannot_be_is_refused_with_the_place(
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


def test_names_are_those_that_the_writer_lets_pass(tmp_path: Path) -> None:
    schema = json.loads(Path(bundles.__file__).with_name("manifest.schema.json").read_text())
    assert schema["properties"]["files"]["propertyNames"]["pattern"] == f"^{NAME}$"
    path = export_encoder(
        SparseAutoencoder(4, 3, sparsity=L1(), normalization=None), tmp_path / "bundle"
    )
    found = {key: value for key, value in manifest(path).items() if key != "files"}
    for name in (".DS_Store", "my notes.txt"):
        (path / name).touch()
    bundles.finish(path, found)
    names = read_manifest(path)["files"]
    assert "my notes.txt" in names
    assert ".DS_Store" not in names
    (path / "é.txt").touch()
    with pytest.raises(BundleError, match=r"Expected file names of ASCII .* Remedy: keep it"):
        bundles.finish(path, found)


# What is asked before a file is loaded -----------------------------------------------------------


def changed(bundle: Path, **keys: Any) -> Path:
    rewritten(bundle, lambda found: found.update(keys))
    (bundle / "encoder.onnx").unlink()  # nothing is to be loaded
    return bundle


@pytest.mark.parametrize("installed", ["1.7.0", "1.11", "1.11.9", "1.12.0.dev20260101", "0.99"])
def test_an_onnxruntime_too_old_is_named(
    installed: str, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = changed(bundle, min_onnxruntime="1.12.1")
    monkeypatch.setattr(ort, "__version__", installed)
    with pytest.raises(BundleError, match=r"onnxruntime 1.12.1 or newer.* Received: .*Remedy: pip"):
        Encoder(path)


@pytest.mark.parametrize("installed", ["1.12", "1.12.1", "1.17.3+cpu", "1.20.0rc1", "2.0"])
def test_versions_are_compared_number_by_number(installed: str) -> None:
    for oldest in ("1.7", "1.12", "1"):
        require_onnxruntime({"min_onnxruntime": oldest}, installed)


@pytest.mark.parametrize("oldest", ["newest", "", "1.x", None, 1.12])
def test_a_version_that_is_none_is_refused(oldest: Any, bundle: Path) -> None:
    with pytest.raises(BundleError, match="at `min_onnxruntime`"):
        Encoder(changed(bundle, min_onnxruntime=oldest))


@pytest.mark.parametrize("newer", [3, 99, 2.0, "1", "2", None])
def test_a_bundle_of_a_newer_format_is_refused(newer: Any, bundle: Path) -> None:
    message = r"of format 1 or 2. Received: format .*Remedy: a version of"
    with pytest.raises(BundleError, match=message):
        Encoder(changed(bundle, format=newer))


# Names of columns --------------------------------------------------------------------------------


@pytest.fixture
def named(tmp_path: Path) -> Path:
    model = SparseAutoencoder(3, 2, sparsity=L1(), normalization=None)
    return export_encoder(model, tmp_path / "named", columns=["a", "b", "ü\n"])


def test_names_are_written_and_read(named: Path) -> None:
    assert manifest(named)["requires"] == ["columns"]
    assert get_columns(read_manifest(named)) == ("a", "b", "ü\n")
    assert "in this order: a, b, ü&#10;." in (named / "README.md").read_text("utf-8")


def test_without_names_there_is_no_key(bundle: Path) -> None:
    assert "columns" not in manifest(bundle)
    assert get_columns(read_manifest(bundle)) is None


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


def test_as_many_names_as_there_may_be_are_read(named: Path) -> None:
    def widen(found: dict[str, Any]) -> None:
        found["columns"] = [f"column {number}" for number in range(65_536)]
        found["input"]["shape"] = [65_536]
        found["golden"] = {"kind": "none", "rows": 0}

    rewritten(named, widen)
    assert len(read_manifest(named)["columns"]) == 65_536


# Categories --------------------------------------------------------------------------------------


@pytest.fixture
def of_pumps(tmp_path: Path) -> Path:
    model = SparseAutoencoder(3, 2, sparsity=L1(), normalization=None)
    model.columns, model.categories = ["flow", "pump=A", "pump=B"], {"pump": ["A", "B"]}
    return export_encoder(model, tmp_path / "of_pumps")


def test_categories_are_written_and_read(of_pumps: Path) -> None:
    assert manifest(of_pumps)["requires"] == ["categories", "columns"]
    columns = get_columns(read_manifest(of_pumps))
    assert columns is not None
    assert columns.categories == {"pump": ("A", "B")}
    assert columns == ("flow", "pump=A", "pump=B")
    assert "columns of categories as text: pump." in (of_pumps / "README.md").read_text("utf-8")


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


def test_an_older_reader_refuses_the_feature_by_name(
    jumping_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "FEATURES", frozenset({"other"}))
    with pytest.raises(BundleError, match=r"\(other\)\. Received: 'thresholds' .*Remedy: a n"):
        Encoder(jumping_bundle)


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
    assert reader.read_manifest(jumping_bundle)["thresholds"][1]["values"] == [0.0625]


def test_a_bundle_without_the_feature_has_none_of_its_keys(bundle: Path) -> None:
    found = manifest(bundle)
    assert found["requires"] == []
    assert "thresholds" not in found
    assert "calibration" not in found


def test_the_largest_threshold_of_float32_is_one(jumping_bundle: Path) -> None:
    largest = float(np.finfo(np.float32).max)
    rewritten(jumping_bundle, set_at("thresholds", 0, "values", to=[largest]))
    assert reader.read_manifest(jumping_bundle)["thresholds"][0]["values"] == [largest]


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


# Windows -----------------------------------------------------------------------------------------


@pytest.fixture
def windowed(tmp_path: Path) -> Path:
    model = SparseAutoencoder(8, 2, sparsity=L1(), normalization=None)
    return export_encoder(model, tmp_path / "windowed", windows=Windows(8, 4, 16000))


def test_windows_are_written_and_read(windowed: Path, bundle: Path) -> None:
    assert manifest(windowed)["requires"] == ["windows"]
    entries = {"window": 8, "hop": 4, "sampling_rate": 16000.0, "channels": 1}
    assert manifest(windowed)["windows"] == entries
    assert get_windows(read_manifest(windowed)) == Windows(8, 4, 16000)
    assert get_windows(read_manifest(bundle)) is get_windows(None) is None


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
