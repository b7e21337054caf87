"""What runs an encoder in a browser: two files of onnxruntime-web, or how to get them."""

import argparse
import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

VERSION = "1.30.0"
"""Of onnxruntime-web, the one that is tested; `export/web/package.json` pins the same."""
MODULE, BINARY = "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"
FILES = {
    MODULE: "11e64bd8ffe11bd1a2a2f0d6275fdfbbba7262f0b76b99b53d228a8a22ef3d90",
    BINARY: "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
}
"""The files of that version that a page loads, and their sha256."""
PLACE = Path("node_modules", "onnxruntime-web", "dist")
SOURCE = Path(__file__).parents[1] / "web"
"""`export/web`, in a checkout of the source."""
MAX_BYTES, MAX_PACKAGE_BYTES = 64 << 20, 1 << 20
REMEDY = (
    f"npm ci in export/web of the source; or npm install onnxruntime-web@{VERSION} anywhere, then "
    f"--runtime {PLACE.as_posix()}"
)


@dataclass(frozen=True)
class Runtime:
    """The two files, as they were read."""

    folder: Path
    files: dict[str, bytes]
    version: str | None
    """Of onnxruntime-web: by the content of the files, else as their package says."""
    tested: bool
    """Whether these are, byte for byte, the files that the page is tested with."""

    def __str__(self) -> str:
        version = self.version or "of an unknown version"
        return f"onnxruntime-web {version}" + ("" if self.tested else f", not the tested {VERSION}")


def add_argument(parser: argparse.ArgumentParser) -> None:
    """Declare where the runtime lies, for a command."""
    parser.add_argument(
        "--runtime",
        type=Path,
        metavar="DIR",
        help="folder with the files of onnxruntime-web (default: where npm puts them)",
    )


def find(folder: Path | None = None) -> Runtime:
    """Read the runtime.

    Args:
        folder: Where its files lie. By default they are looked for where npm puts them, under
            `export/web` of the source and under the current folder, and are then taken only if
            they are the tested ones: other code would run in the browser though nobody named it.

    Raises:
        FileNotFoundError: If there is none; the message says how to get it.
        ValueError: If the one that was found without being named is not the tested one.
    """
    if folder is not None:
        if not _has_files(folder):
            raise FileNotFoundError(
                f"Invalid value for argument `--runtime`. Expected a folder with "
                f"{' and '.join(FILES)}. Received: {folder}. Remedy: {REMEDY}"
            )
        return _read(folder)
    places = [root / PLACE for root in (SOURCE, Path.cwd())]
    found = next(filter(_has_files, places), None)
    if found is None:
        raise FileNotFoundError(
            f"Expected onnxruntime-web {VERSION}, which runs the encoder in a browser. Received: "
            f"none in {' or '.join(map(str, places))}. Remedy: {REMEDY}"
        )
    runtime = _read(found)
    if not runtime.tested:
        raise ValueError(
            f"Expected onnxruntime-web {VERSION}, the tested one. Received: {runtime}, in {found}. "
            f"Remedy: {REMEDY}; or --runtime {found} to use this one"
        )
    return runtime


def _has_files(folder: Path) -> bool:
    return all((folder / name).is_file() for name in FILES)


def _read(folder: Path) -> Runtime:
    files = {name: _content(folder / name, MAX_BYTES) for name in FILES}
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    tested = hashes == FILES
    return Runtime(folder, files, VERSION if tested else _named_version(folder), tested)


def _content(file: Path, most: int) -> bytes:
    with file.open("rb") as stream:
        content = stream.read(most + 1)
    if len(content) > most:
        raise ValueError(f"Expected a file of at most {most >> 20} MiB. Received: {file}")
    return content


def _named_version(folder: Path) -> str | None:
    """What the package says of itself; it is printed, so it must look like a version."""
    try:
        package = json.loads(_content(folder.parent / "package.json", MAX_PACKAGE_BYTES))
        version = package["version"] if package["name"] == "onnxruntime-web" else None
    except (OSError, ValueError, RecursionError, LookupError, TypeError):
        return None
    known = isinstance(version, str) and re.fullmatch(r"[0-9A-Za-z.+-]{1,64}", version)
    return version if known else None
