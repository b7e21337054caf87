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
MAX_MANIFEST_BYTES = 64 << 20
KINDS: dict[str, type | tuple[type, ...]] = {
    "input": dict, "output": dict, "threshold": (int, float), "opset": int, "ir_version": int,
    "min_onnxruntime": str, "converter": str, "versions": dict, "parity": dict, "golden": dict,
    "top_k": (dict, type(None)), "statistics": (dict, type(None)), "int8": (dict, type(None)),
    "files": dict,
}  # fmt: skip
"""What a manifest has beside `format`. The JSON Schema says more; a device has no validator."""
INNER = {
    "input": ("name", "shape"),
    "output": ("name", "shape"),
    "parity": ("encoder",),
    "golden": ("kind", "rows"),
    "top_k": ("k",),
    "statistics": ("rows", "l0", "dead_units", "mean_activation", "active_share", "drift"),
    "int8": ("kept", "reasons", "report"),
}


class BundleError(ValueError):
    """A bundle or an ONNX file that cannot be used, with the file at fault."""


class VerificationError(BundleError):
    """A bundle whose files or answers are not what its manifest says."""


# Writing ---------------------------------------------------------------------------------------


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
    }
    text = json.dumps({"format": FORMAT, **manifest, "files": files}, indent=2, allow_nan=False)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


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


# Reading ---------------------------------------------------------------------------------------


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a bundle.

    Raises:
        BundleError: If there is none, it is not readable, or of a format not known.
    """
    file = folder / MANIFEST
    try:
        if file.stat().st_size > MAX_MANIFEST_BYTES:
            raise BundleError(f"Expected a manifest below 64 MiB. Received: {file}")
        manifest = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BundleError(
            f"Expected a bundle, a folder with a {MANIFEST}. Received: {folder}"
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, BundleError):
            raise
        raise BundleError(f"Expected a JSON manifest. Received: {file} ({error})") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        found = (
            repr(manifest.get("format")) if isinstance(manifest, dict) else type(manifest).__name__
        )
        raise BundleError(
            f"Expected a bundle of format {FORMAT}. Received: format {found} in {file}. Remedy: a "
            "version of keras-sparse-export that knows it"
        )
    _require_keys(manifest, file)
    files = manifest["files"]
    if "encoder.onnx" not in files:
        raise BundleError(f"Expected `encoder.onnx` among the files of {file}. Received: {files}")
    for name in files:
        if name in ("", ".", "..") or any(character in name for character in "/\\:\0"):
            raise BundleError(f"Expected plain file names in {file}. Received: {name!r}")
    return manifest


def _require_keys(manifest: dict[str, Any], file: Path) -> None:
    for key, kind in KINDS.items():
        if key not in manifest:
            raise BundleError(f"Expected {', '.join(KINDS)} in {file}. Received: no {key}")
        value: Any = manifest[key]
        if not isinstance(value, kind) or isinstance(value, bool):
            raise BundleError(
                f"Expected `{key}` in {file} as format {FORMAT} has it. Received: {value!r:.80}"
            )
        inner = INNER.get(key, ()) if isinstance(value, dict) else ()
        missing = [name for name in inner if name not in manifest[key]]
        if missing:
            raise BundleError(
                f"Expected {', '.join(inner)} in `{key}` of {file}. Received: no {missing[0]}"
            )


def require_onnxruntime(manifest: dict[str, Any], installed: str) -> None:
    """Refuse a bundle whose files need a newer onnxruntime, before one of them is loaded.

    Args:
        manifest: Of the bundle.
        installed: `onnxruntime.__version__`.

    Raises:
        BundleError: If it is too old.
    """
    oldest = manifest["min_onnxruntime"]
    if not isinstance(oldest, str) or not re.fullmatch(r"\d+(\.\d+)*", oldest):
        raise BundleError(f"Expected a version as `min_onnxruntime`. Received: {oldest!r}")
    if _release(installed) < _release(oldest):
        raise BundleError(
            f"Expected onnxruntime {oldest} or newer for this bundle. Received: onnxruntime "
            f'{installed}. Remedy: pip install "onnxruntime>={oldest}", or an export with a lower '
            "`opset`"
        )


def _release(version: str) -> tuple[int, ...]:
    """The numbers that a version starts with: (1, 20, 0) of 1.20.0.dev3, (1, 20) of 1.20."""
    found = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in found.group().split(".")) if found else ()


def check_files(folder: Path, manifest: dict[str, Any], names: list[str] | None = None) -> None:
    """Compare files with the sizes and hashes of the manifest.

    Args:
        folder: The bundle.
        manifest: Its manifest.
        names: Files to look at, all of them by default.

    Raises:
        VerificationError: If one is missing or differs; it is named.
    """
    for name in manifest["files"] if names is None else names:
        wanted = manifest["files"][name]
        file = folder / name
        if not file.is_file():
            raise VerificationError(f"Expected `{name}` in {folder}. Received: no such file")
        if not isinstance(wanted, dict) or file.stat().st_size != wanted.get("size"):
            raise VerificationError(
                f"Expected `{name}` of the size in the manifest. Received: "
                f"{file.stat().st_size} bytes; it is cut short or changed"
            )
        if sha256(file) != wanted.get("sha256"):
            raise VerificationError(
                f"Expected `{name}` with the hash in the manifest. Received: another; the file was "
                "changed after the export"
            )
