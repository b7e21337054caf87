"""What a site consists of: the page, a bundle that was verified, and the runtime."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from keras_sparse_export import contents
from keras_sparse_export.bundle import (
    MANIFEST,
    MAX_MANIFEST_BYTES,
    BundleError,
    VerificationError,
)
from keras_sparse_export.encoder import Encoder
from keras_sparse_export.manifest import parsed
from keras_sparse_export.verification import Verification
from keras_sparse_export.web_runtime import Runtime

INDEX = "index.html"
INVENTORY = "site.json"
"""Hash and size of every other file of a site. A folder with one may be replaced by another."""
SCHEMA = "manifest.schema.json"
SHOWN = re.compile(r"[a-z0-9_.]+\.(onnx|f32|i32)|README\.md")
"""Names that a bundle may bring to a site: none that a browser or a host would run or render."""


@dataclass(frozen=True)
class Site:
    """Files by their path, relative to the address of the site."""

    files: dict[str, bytes]
    verification: Verification
    runtime: Runtime

    def __str__(self) -> str:
        golden = "no golden rows: the answers were not checked"
        if (parity := self.verification.parity) is not None:
            golden = f"{parity.rows} golden rows ({self.verification.golden})"
        return f"{self.verification.files} files as in the manifest, {golden}; {self.runtime}"


def site(folder: Path, runtime: Runtime, allow: Iterable[str] = ()) -> Site:
    """Verify a bundle and take it into a site, byte for byte as it was verified.

    Args:
        folder: The bundle.
        runtime: What runs its encoder in the browser.
        allow: Operators to let pass, as `Encoder` does.

    Raises:
        BundleError: If there is no usable bundle, or one with files that no site may have.
        VerificationError: If its files or answers are not what the manifest says.
    """
    encoder = Encoder(folder, allow=allow)
    verification = encoder.verify()
    assert encoder.manifest is not None  # `verify` refuses a bare file
    files = {
        **page_files(),
        SCHEMA: resources.files("keras_sparse_export").joinpath(SCHEMA).read_bytes(),
        **{f"bundle/{name}": data for name, data in _snapshot(folder, encoder.manifest).items()},
        **{f"runtime/{name}": data for name, data in runtime.files.items()},
    }
    files[INVENTORY] = _inventory(files, runtime)
    return Site(files, verification, runtime)


def page_files() -> dict[str, bytes]:
    """The page itself, from the package."""
    return dict(_walk(resources.files("keras_sparse_export").joinpath("web")))


def paths(folder: Path) -> set[str]:
    """The files of a site that was written earlier, as it lists them."""
    try:
        data = contents.bare(folder / INVENTORY, MAX_MANIFEST_BYTES)
        return {INVENTORY, *parsed(data)["files"]}
    except (OSError, ValueError, RecursionError, LookupError, TypeError):
        return set()


def _walk(folder: Traversable, above: str = "") -> Iterator[tuple[str, bytes]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _walk(entry, f"{above}{entry.name}/")
        else:
            yield above + entry.name, entry.read_bytes()


def _snapshot(folder: Path, manifest: dict[str, Any]) -> dict[str, bytes]:
    """The bundle's files, each held to the very manifest that was verified."""
    strange = [name for name in manifest["files"] if not SHOWN.fullmatch(name)]
    if strange:
        raise BundleError(
            f"Expected a bundle of .onnx, .f32, .i32 and README.md, for a site. Received: "
            f"{strange[0]!r} in {folder}"
        )
    files = {MANIFEST: contents.bare(contents.inside(folder, MANIFEST), MAX_MANIFEST_BYTES)}
    try:
        same = parsed(files[MANIFEST]) == manifest
    except (ValueError, RecursionError):
        same = False
    if not same:
        raise VerificationError(
            f"Expected a bundle that stays as it is while it is read. Received: {folder}, whose "
            "manifest has changed"
        )
    return files | {name: contents.content(folder, manifest, name) for name in manifest["files"]}


def _inventory(files: dict[str, bytes], runtime: Runtime) -> bytes:
    about = {
        "onnxruntime-web": {"version": runtime.version, "tested": runtime.tested},
        "files": {
            path: {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
            for path, data in sorted(files.items())
        },
    }
    return (json.dumps(about, indent=2) + "\n").encode()
