import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bundles import replaced
from keras_sparse import KL, SparseAutoencoder
from keras_sparse_export import BundleError, Encoder, VerificationError, export_encoder
from keras_sparse_export.browser import site as website
from keras_sparse_export.browser.runtime import Runtime
from keras_sparse_export.browser.site import build_site

pytestmark = pytest.mark.one_backend

RUNTIME = Runtime(Path("dist"), {"ort.mjs": b"ort", "ort.wasm": b"\0asm"}, "1.0.0", False)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = SparseAutoencoder(4, 3, sparsity=KL(), normalization=None)
    return export_encoder(model, tmp_path_factory.mktemp("exported") / "bundle", decoder=True)


@pytest.fixture
def bundle(exported: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(exported, tmp_path / "bundle"))


def test_a_site_is_the_page_the_bundle_and_the_runtime_and_nothing_else(bundle: Path) -> None:
    (bundle / "model.sig").write_text("nobody asked for it")
    found = build_site(bundle, RUNTIME).files
    listed = ["manifest.json", *json.loads(found["bundle/manifest.json"])["files"]]
    assert "decoder.onnx" in listed
    assert set(found) == {
        *website.read_page(),
        *(f"bundle/{name}" for name in listed),
        "runtime/ort.mjs",
        "runtime/ort.wasm",
        "site.json",
    }
    assert all(found[f"bundle/{name}"] == (bundle / name).read_bytes() for name in listed)
    assert found["runtime/ort.mjs"] == b"ort"


def test_the_page_comes_with_the_package() -> None:
    page = website.read_page()
    assert page["index.html"].lower().startswith(b"<!doctype html>")
    assert "package.json" not in page


def test_the_inventory_tells_hash_and_size_of_every_other_file(bundle: Path) -> None:
    found = build_site(bundle, RUNTIME).files
    inventory = json.loads(found.pop("site.json"))
    assert inventory["onnxruntime-web"] == {"version": "1.0.0", "tested": False}
    assert inventory["files"] == {
        path: {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
        for path, content in found.items()
    }


def test_a_bundle_that_fails_verification_makes_no_site(bundle: Path) -> None:
    codes = np.fromfile(bundle / "golden_code.f32", "<f4") + 1
    replaced(bundle, "golden_code.f32", codes.tobytes())
    with pytest.raises(VerificationError, match=r"golden"):
        build_site(bundle, RUNTIME)


def test_a_bare_file_makes_no_site(bundle: Path) -> None:
    with pytest.raises(BundleError, match="Expected a bundle"):
        build_site(bundle / "encoder.onnx", RUNTIME)


@pytest.mark.parametrize("name", ["evil.html", "evil.js", "evil.svg", "x.ONNX", "a b.f32", "site"])
def test_a_bundle_brings_nothing_that_a_browser_would_run(name: str, bundle: Path) -> None:
    replaced(bundle, name, b"<script>alert(1)</script>")
    with pytest.raises(BundleError, match=name):
        build_site(bundle, RUNTIME)


@pytest.mark.parametrize("name", ["encoder.onnx", "manifest.json", "golden_x.f32"])
def test_what_changes_between_verification_and_reading_is_not_taken(
    name: str, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verify = Encoder.verify

    def and_then_changed(self: Encoder) -> Any:
        found = verify(self)
        changed = (bundle / name).read_bytes().replace(b"0", b"1", 1)
        (bundle / name).write_bytes(changed if name == "manifest.json" else changed[::-1])
        return found

    monkeypatch.setattr(Encoder, "verify", and_then_changed)
    with pytest.raises(VerificationError, match=name.split(".")[0]):
        build_site(bundle, RUNTIME)


def test_a_file_for_litert_comes_along(litert_bundle: Path) -> None:
    site = build_site(litert_bundle, RUNTIME)
    assert site.files["bundle/encoder.tflite"] == (litert_bundle / "encoder.tflite").read_bytes()
