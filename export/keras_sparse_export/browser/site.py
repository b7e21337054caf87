"""Assemble a site from the page, a verified bundle and the runtime."""

import hashlib
import json
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from keras_sparse_export.browser.runtime import Runtime
from keras_sparse_export.bundle import reading
from keras_sparse_export.bundle.format import MANIFEST, MAX_MANIFEST_BYTES
from keras_sparse_export.bundle.manifest import parse_manifest
from keras_sparse_export.errors import BundleError, VerificationError
from keras_sparse_export.runtime.encoder import Encoder
from keras_sparse_export.runtime.verification import Verification

if sys.version_info >= (3, 11):
    from importlib.resources.abc import Traversable
else:
    from importlib.abc import Traversable

INDEX = "index.html"
INVENTORY = "site.json"
"""Lists hash and size of every other file; a folder with it may be replaced by another site."""
SHOWN = re.compile(r"[a-z0-9_.]+\.(onnx|tflite|f32|i32)|README\.md")
"""Allowed names of bundle files in a site: none that a browser or a host would run or render."""


@dataclass(frozen=True)
class Site:
    """Files by path, relative to the address of the site."""

    files: dict[str, bytes]
    verification: Verification
    runtime: Runtime

    def __str__(self) -> str:
        golden = "no golden rows: outputs were not compared"
        if (parity := self.verification.parity) is not None:
            golden = f"{parity.rows} golden rows ({self.verification.golden})"
        return f"{self.verification.files} files match the manifest, {golden}; {self.runtime}"


def build_site(folder: Path, runtime: Runtime, allow: Iterable[str] = ()) -> Site:
    """Verify a bundle and build a site with exactly the bytes that were verified.

    Args:
        folder: The bundle.
        runtime: The files that run its encoder in the browser.
        allow: Additional ONNX operators to accept.

    Raises:
        BundleError: If there is no usable bundle, or it has files that a site may not have.
        VerificationError: If its files or outputs differ from its manifest.
    """
    encoder = Encoder(folder, allow=allow)
    verification = encoder.verify()
    assert encoder.manifest is not None  # `verify` raises for a bare file
    bundle = _read_verified(folder, encoder.manifest)
    files = {
        **read_page(),
        **{f"bundle/{name}": data for name, data in bundle.items()},
        **{f"runtime/{name}": data for name, data in runtime.files.items()},
    }
    files[INVENTORY] = _format_inventory(files, runtime)
    return Site(files, verification, runtime)


def read_page() -> dict[str, bytes]:
    """Read the files of the page from the package."""
    return dict(_walk(resources.files("keras_sparse_export.browser").joinpath("page")))


def list_files(folder: Path) -> set[str]:
    """Return the files that an existing site lists in its inventory."""
    try:
        data = reading.read_file(folder / INVENTORY, MAX_MANIFEST_BYTES)
        return {INVENTORY, *parse_manifest(data)["files"]}
    except (OSError, ValueError, RecursionError, LookupError, TypeError):
        return set()


def _walk(folder: Traversable, above: str = "") -> Iterator[tuple[str, bytes]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _walk(entry, f"{above}{entry.name}/")
        else:
            yield above + entry.name, entry.read_bytes()


def _read_verified(folder: Path, manifest: dict[str, Any]) -> dict[str, bytes]:
    """Read the bundle's files, each compared with the manifest that was verified."""
    others = [name for name in manifest["files"] if not SHOWN.fullmatch(name)]
    if others:
        raise BundleError(
            f"Expected a bundle of .onnx, .tflite, .f32, .i32 and README.md, for a site. Received: "
            f"{others[0]!r} in {folder}"
        )
    files = {
        MANIFEST: reading.read_file(reading.resolve_inside(folder, MANIFEST), MAX_MANIFEST_BYTES)
    }
    try:
        same = parse_manifest(files[MANIFEST]) == manifest
    except (ValueError, RecursionError):
        same = False
    if not same:
        raise VerificationError(
            f"Expected a bundle that stays unchanged while it is read. Received: {folder}, whose "
            "manifest has changed"
        )
    return files | {
        name: reading.read_content(folder, manifest, name) for name in manifest["files"]
    }


def _format_inventory(files: dict[str, bytes], runtime: Runtime) -> bytes:
    about = {
        "onnxruntime-web": {"version": runtime.version, "tested": runtime.tested},
        "files": {
            path: {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
            for path, data in sorted(files.items())
        },
    }
    return (json.dumps(about, indent=2) + "\n").encode()
