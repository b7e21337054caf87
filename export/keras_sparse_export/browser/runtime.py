"""Locate the two onnxruntime-web files the page needs, or explain how to install them."""

import argparse
import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

VERSION = "1.30.0"
"""Tested version of onnxruntime-web, the same as in `export/web/package.json`."""
MODULE, BINARY = "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"
FILES = {
    MODULE: "11e64bd8ffe11bd1a2a2f0d6275fdfbbba7262f0b76b99b53d228a8a22ef3d90",
    BINARY: "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
}
"""Files of that version that the page loads, and their SHA-256."""
PLACE = Path("node_modules", "onnxruntime-web", "dist")
SOURCE = Path(__file__).parents[2] / "web"
"""`export/web` in a source checkout."""
MAX_BYTES, MAX_PACKAGE_BYTES = 64 << 20, 1 << 20
REMEDY = (
    f"npm ci in export/web of the source, or npm install onnxruntime-web@{VERSION} anywhere and "
    f"--runtime {PLACE.as_posix()}"
)


@dataclass(frozen=True)
class Runtime:
    """The two files of onnxruntime-web."""

    folder: Path
    files: dict[str, bytes]
    version: str | None
    """Version of onnxruntime-web: known from the files' hashes, or stated by their package."""
    tested: bool
    """Whether the files are, byte for byte, those that the page is tested with."""

    def __str__(self) -> str:
        version = self.version or "of an unknown version"
        return f"onnxruntime-web {version}" + ("" if self.tested else f" (tested: {VERSION})")


def add_argument(parser: argparse.ArgumentParser) -> None:
    """Declare the option of a command that names the runtime's folder."""
    parser.add_argument(
        "--runtime",
        type=Path,
        metavar="DIR",
        help="folder with the files of onnxruntime-web (default: where npm installs them)",
    )


def find(folder: Path | None = None) -> Runtime:
    """Read the runtime.

    Args:
        folder: Folder with its files. By default they are searched where npm installs them, below
            `export/web` of the source and below the current folder, and accepted only if they are
            the tested files, because nobody chose to run other code in the browser.

    Raises:
        FileNotFoundError: If there is no runtime; the message says how to install it.
        ValueError: If `folder` is not given and the files are not the tested ones.
    """
    if folder is not None:
        if not _has_files(folder):
            raise FileNotFoundError(
                f"Invalid value for argument `--runtime`. Expected a folder with "
                f"{' and '.join(FILES)}. Received: {folder}. Remedy: {REMEDY}"
            )
        return _read(folder)
    candidates = [root / PLACE for root in (SOURCE, Path.cwd())]
    installed = next(filter(_has_files, candidates), None)
    if installed is None:
        raise FileNotFoundError(
            f"Expected onnxruntime-web {VERSION}, which runs the encoder in a browser. Received: "
            f"none in {' or '.join(map(str, candidates))}. Remedy: {REMEDY}"
        )
    runtime = _read(installed)
    if not runtime.tested:
        raise ValueError(
            f"Expected onnxruntime-web {VERSION}, the tested version. Received: {runtime} in "
            f"{installed}. Remedy: {REMEDY}; or --runtime {installed} to use these files"
        )
    return runtime


def _has_files(folder: Path) -> bool:
    return all((folder / name).is_file() for name in FILES)


def _read(folder: Path) -> Runtime:
    files = {name: _read_limited(folder / name, MAX_BYTES) for name in FILES}
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    tested = hashes == FILES
    return Runtime(folder, files, VERSION if tested else _read_version(folder), tested)


def _read_limited(file: Path, most: int) -> bytes:
    with file.open("rb") as stream:
        content = stream.read(most + 1)
    if len(content) > most:
        raise ValueError(f"Expected a file of at most {most >> 20} MiB. Received: {file}")
    return content


def _read_version(folder: Path) -> str | None:
    """Return the version in package.json; it is printed, so it must look like a version."""
    try:
        package = json.loads(_read_limited(folder.parent / "package.json", MAX_PACKAGE_BYTES))
        version = package["version"] if package["name"] == "onnxruntime-web" else None
    except (OSError, ValueError, RecursionError, LookupError, TypeError):
        return None
    known = isinstance(version, str) and re.fullmatch(r"[0-9A-Za-z.+-]{1,64}", version)
    return version if known else None
