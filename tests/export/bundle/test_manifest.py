"""What a stranger may put into `manifest.json`."""

import json
import os
import subprocess
import sys
import textwrap
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jumping_bundles as jumping
from bundles import manifest, refused, removed_at, rewritten, set_at
from keras_sparse import L1, SparseAutoencoder
from keras_sparse_export import BundleError, Encoder, export_encoder
from keras_sparse_export.bundle import manifest as reader
from keras_sparse_export.bundle import writing as bundles
from keras_sparse_export.bundle.entries import list_golden_shapes
from keras_sparse_export.bundle.format import MAX_MANIFEST_BYTES, NAME
from keras_sparse_export.bundle.manifest import read_manifest

pytestmark = pytest.mark.one_backend


def test_what_was_written_is_read(complete: Path) -> None:
    found = read_manifest(complete)
    assert found == manifest(complete)
    sizes = {name: 4 * int(np.prod(shape)) for name, shape in list_golden_shapes(found).items()}
    assert len(sizes) == 6
    assert sizes == {each.name: each.stat().st_size for each in complete.glob("golden_*")}


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


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (removed_at("golden"), "the key `golden` .* at the top"),
        (set_at("surplus", to=1), "no keys but .* Received: 'surplus'"),
        (removed_at("requires"), "the key `requires` .* at the top"),
        (set_at("requires", to=None), "a list .* at `requires`"),
        (set_at("requires", to=[1]), r"a text .* at `requires\[0\]`"),
        (set_at("threshold", to=-0.1), "at least 0 .* at `threshold`"),
        (set_at("threshold", to="x"), "a number .* at `threshold`. Received: 'x'"),
        (set_at("input", "shape", to=[True]), r"a whole number .* at `input.shape\[0\]`"),
        (set_at("input", "shape", to=[1 << 25]), r"at most 16777216 .* at `input.shape\[0\]`"),
        (set_at("input", "shape", to=[1] * 9), "at most 8 entries"),
        (set_at("golden", "rows", to=1025), "at most 1024"),
        (set_at("golden", "rows", to=0), "at least 1"),
        (removed_at("files", "encoder.onnx"), "the key `encoder.onnx` .* at `files`"),
        (set_at("files", "encoder.onnx", "size", to=2**31), "at most 2147483647"),
        (set_at("files", "encoder.onnx", "size", to=1.5), "a whole number"),
        (set_at("files", "encoder.onnx", "sha256", to="0" * 64 + "\n"), "a text as"),
        (set_at("files", "../x", to={"sha256": "0" * 64, "size": 1}), r"Received: '\.\./x'"),
        (set_at("files", "..", to={"sha256": "0" * 64, "size": 1}), r"Received: '\.\.'"),
        (set_at("files", "C:x", to={"sha256": "0" * 64, "size": 1}), "Received: 'C:x'"),
        (set_at("files", "a\\b", to={"sha256": "0" * 64, "size": 1}), "Received: "),
        (set_at("files", "\ud800", to={"sha256": "0" * 64, "size": 1}), "Received: "),
        (set_at("files", "x" * 129, to={"sha256": "0" * 64, "size": 1}), "Received: "),
        (set_at("statistics", "mean_activation", 0, to=1e300), "at most 3.5e"),
        (set_at("scale", to=[0.0] * 12), r"more than 0 .* at `scale\[0\]`"),
        (set_at("statistics", "drift", "false_alarm_rate", to=1), "at most 0.5"),
        (set_at("int8", "method", to="none"), "one of "),
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


def changed(bundle: Path, **keys: Any) -> Path:
    rewritten(bundle, lambda found: found.update(keys))
    (bundle / "encoder.onnx").unlink()  # nothing is to be loaded
    return bundle


@pytest.mark.parametrize("oldest", ["newest", "", "1.x", None, 1.12])
def test_a_version_that_is_none_is_refused(oldest: Any, bundle: Path) -> None:
    with pytest.raises(BundleError, match="at `min_onnxruntime`"):
        Encoder(changed(bundle, min_onnxruntime=oldest))


@pytest.mark.parametrize("newer", [3, 99, 2.0, "1", "2", None])
def test_a_bundle_of_a_newer_format_is_refused(newer: Any, bundle: Path) -> None:
    message = r"of format 1 or 2. Received: format .*Remedy: a version of"
    with pytest.raises(BundleError, match=message):
        Encoder(changed(bundle, format=newer))


def test_as_many_names_as_there_may_be_are_read(named: Path) -> None:
    def widen(found: dict[str, Any]) -> None:
        found["columns"] = [f"column {number}" for number in range(65_536)]
        found["input"]["shape"] = [65_536]
        found["golden"] = {"kind": "none", "rows": 0}

    rewritten(named, widen)
    assert len(read_manifest(named)["columns"]) == 65_536


# Features that a reader does not know ------------------------------------------------------------


def test_an_older_reader_refuses_the_feature_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = jumping.write(tmp_path / "bundle", "refined")
    monkeypatch.setattr(reader, "FEATURES", frozenset({"other"}))
    with pytest.raises(BundleError, match=r"\(other\)\. Received: 'thresholds' .*Remedy: a n"):
        Encoder(bundle)


def test_a_reader_that_does_not_know_features_refuses_them(
    listening: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "FEATURES", frozenset({"score"}))
    refused(listening, r"Received: 'features' .*Remedy: a newer")
