"""The bundle: a folder with an encoder, a manifest that vouches for it, and golden rows.

It is written whole or not at all, and replacing one never leaves less than one complete copy.
"""

import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

if sys.platform != "win32":
    import fcntl

FORMAT = 1
MANIFEST = "manifest.json"
MAX_MESSAGE = 2000
"""Characters of an error."""
MAX_MANIFEST_BYTES = 16 << 20
"""Six statistics of each of 65,536 units take 9 MB; a reader takes some hundred MB to parse 16."""
NAME = r"[A-Za-z0-9_][A-Za-z0-9 ._-]{0,127}"
"""A name that means the same file on every system, and nothing but a file of the folder."""


class BundleError(ValueError):
    """A bundle or an ONNX file that cannot be used, with the file at fault.

    What it quotes may be a stranger's: it is cut, and has nothing in it that a terminal obeys.
    """

    def __init__(self, message: str) -> None:
        if len(message) > MAX_MESSAGE:
            message = f"{message[:MAX_MESSAGE]}…"
        super().__init__("".join(each if each.isprintable() else "\ufffd" for each in message))


class VerificationError(BundleError):
    """A bundle whose files or answers are not what its manifest says."""


def require_target(path: Path, *, overwrite: bool, marker: str = MANIFEST) -> None:
    """Refuse a target that something else occupies; mend one that a kill left halfway.

    Raises:
        FileExistsError: If there is something at `path` that may not be replaced.
    """
    path = path.resolve()
    _repair(path, marker)
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        return
    if not (path / marker).is_file():
        raise FileExistsError(
            f"Invalid value for argument `path`. Expected a new folder, or one with a {marker} to "
            f"replace. Received: {path}, which holds something else"
        )
    if not overwrite:
        raise FileExistsError(
            f"Invalid value for argument `path`. Expected a new folder. Received: {path}, which "
            "exists. Remedy: overwrite=True (--overwrite)"
        )


def _repair(path: Path, marker: str) -> None:
    """Finish or undo a replacement that was killed; without one, do nothing."""
    previous, staging = _beside(path, "old"), _beside(path, "new")
    if staging.exists():
        with locked(staging):  # a process that was killed holds no lock
            shutil.rmtree(staging)
    if (previous / marker).is_file():
        if path.exists():
            shutil.rmtree(previous)
        else:
            previous.rename(path)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes from writing to a folder; the lock dies with the process.

    Raises:
        FileExistsError: If another process holds it.
    """
    if sys.platform == "win32":  # two writers of one target are the user's to keep apart
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise FileExistsError(
            f"Invalid value for argument `path`. Expected a target that nobody else writes. "
            f"Received: one that another process is writing now, in {folder}"
        ) from error
    try:
        yield
    finally:
        os.close(descriptor)


@contextmanager
def replaced_folder(path: Path, *, marker: str, overwrite: bool) -> Iterator[Path]:
    """A folder to write into, which becomes `path` when all went well.

    It lies beside `path` until then. An old folder at `path` is moved aside, the new one in, and
    then the old one removed: a kill at any moment leaves one complete copy.

    Args:
        path: The folder to make or replace.
        marker: A file by which a folder is known to be of the kind that may be replaced.
        overwrite: Whether one may be replaced.

    Raises:
        FileExistsError: If there is something at `path` that may not be replaced.
    """
    path = path.resolve()
    require_target(path, overwrite=overwrite, marker=marker)
    path.parent.mkdir(parents=True, exist_ok=True)
    staging, previous = _beside(path, "new"), _beside(path, "old")
    staging.mkdir()
    with locked(staging):
        replaces = path.exists()
        try:
            yield staging
            _sync(staging)
            if replaces:
                path.rename(previous)
            staging.rename(path)
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            if replaces and not path.exists():
                previous.rename(path)
            raise
        if replaces:
            shutil.rmtree(previous)


def _beside(path: Path, role: str) -> Path:
    return path.parent / f".{path.name}.keras-sparse-{role}"


def _sync(folder: Path) -> None:
    """Have the disk hold every file before the folder takes its name."""
    for file in (*folder.rglob("*"), folder):
        descriptor = os.open(file, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def finish(folder: Path, manifest: dict[str, Any]) -> None:
    """Write the card, and the manifest with the hash and size of every other file."""
    (folder / "README.md").write_text(card(manifest), encoding="utf-8")
    files = {
        file.name: {"sha256": sha256(file), "size": file.stat().st_size}
        for file in sorted(folder.iterdir())
        if not file.name.startswith(".")  # not ours: what systems and tools leave behind
    }
    odd = [name for name in files if not re.fullmatch(NAME, name)]
    if odd:
        raise BundleError(
            "Expected file names of ASCII letters, digits, spaces, `.`, `_` and `-` in a bundle. "
            f"Received: {odd[0]!r}. Remedy: keep it outside the folder"
        )
    text = json.dumps({"format": FORMAT, **manifest, "files": files}, indent=2, allow_nan=False)
    data = f"{text}\n".encode()
    if len(data) > MAX_MANIFEST_BYTES:
        raise BundleError(
            f"Expected a manifest of at most {MAX_MANIFEST_BYTES} bytes. Received: {len(data)} "
            f"bytes, for {manifest['output']['shape'][-1]} units. Remedy: without a sample there "
            "are no statistics, which take the most"
        )
    (folder / MANIFEST).write_bytes(data)


def sha256(file: Path) -> str:
    """Hex digest of a file."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def card(manifest: dict[str, Any]) -> str:
    """The text that tells a person what lies in the folder and how to run it."""
    shape, units = manifest["input"]["shape"], manifest["output"]["shape"]
    parity = manifest["parity"]["encoder"]
    lines = [
        "# A sparse encoder",
        "",
        f"`encoder.onnx` takes raw rows `x` `[batch, {_dims(shape)}]` (float32; any scaling is "
        f"inside) and gives `code` `[batch, {_dims(units)}]`. A unit is active when its code "
        f"exceeds {manifest['threshold']:g}.",
        "",
        f"It runs on onnxruntime {manifest['min_onnxruntime']} and newer, in any language:",
        "",
        "```python",
        "import onnxruntime",
        "",
        'session = onnxruntime.InferenceSession("encoder.onnx")',
        '(code,) = session.run(["code"], {"x": rows})',
        "```",
        "",
        "or, with checks, `keras_sparse_export.Encoder(folder).encode(rows)`.",
        "",
        f"Parity with Keras: max |Δ| {parity['max_abs_error']:.2g} on {parity['rows']} rows "
        f"(allowed {parity['tolerance']:.2g}).",
    ]
    if (statistics := manifest["statistics"]) is not None:
        lines += [
            "",
            f"On {statistics['rows']} rows of real data {statistics['l0']:.1f} of "
            f"{units[-1]} units are active per row, {statistics['dead_units']} never.",
        ]
    if "decoder" in manifest["parity"]:
        lines += ["", "`decoder.onnx` takes `code` and gives raw rows, `x_hat`."]
    if manifest["int8"] is not None and manifest["int8"]["kept"]:
        report = manifest["int8"]["report"][manifest["int8"]["method"]]
        lines += [
            "",
            "`encoder.int8.onnx` is the same in "
            f"{report['file_bytes_int8'] / report['file_bytes_float32']:.0%} of the bytes. Of the "
            f"units that either finds active on held-out rows both find {report['jaccard']:.1%}.",
        ]
    lines += [
        "",
        {
            "real": "The golden rows are real rows of the data the encoder was shown at export.",
            "synthetic": "The golden rows are synthetic: random numbers, nobody's data.",
            "none": "There are no golden rows.",
        }[manifest["golden"]["kind"]]
        + " `manifest.json` tells the rest. Its hashes prove that the files are whole, not who"
        " made them.",
    ]
    return "\n".join(lines) + "\n"


def _dims(shape: list[int]) -> str:
    return ", ".join(str(size) for size in shape)
