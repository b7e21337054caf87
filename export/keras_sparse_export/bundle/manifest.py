"""Read and validate an untrusted manifest: bounded, strict JSON that follows its schema."""

import json
import math
import reprlib
from pathlib import Path
from typing import Any, NoReturn

from keras_sparse_export.bundle import manifest_validator, reading
from keras_sparse_export.bundle.consistency import require_consistent
from keras_sparse_export.bundle.format import FEATURES, FORMATS, MANIFEST, MAX_MANIFEST_BYTES
from keras_sparse_export.errors import BundleError, SchemaError

MAX_CONTAINERS = 1 << 12
"""Objects and lists, which take the most memory per byte; a manifest has fewer than 100."""
MAX_QUOTES = 1 << 18
"""Two per string; a manifest has a few hundred strings and up to 65,536 names of columns."""
MAX_DIGITS = 16
"""Digits of an integer: below 2**53, JavaScript and a double represent it exactly."""


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read and validate the manifest of a bundle.

    Raises:
        BundleError: If there is no manifest, it is of an unknown format or requires an unknown
            feature, or it does not follow its format; the message names the place.
    """
    file = folder / MANIFEST
    try:
        manifest = parse_manifest(
            reading.read_file(reading.resolve_inside(folder, MANIFEST), MAX_MANIFEST_BYTES)
        )
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BundleError(
            f"Expected a bundle, a folder with a {MANIFEST}. Received: {folder}"
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, BundleError):
            raise
        raise BundleError(f"Expected a JSON manifest. Received: {file} ({error})") from error
    _require_format(manifest, file)
    _require_features(manifest, file)
    try:
        manifest_validator.validate(manifest)
        require_consistent(manifest)
    except SchemaError as fault:
        place = f"`{fault.place}`" if fault.place else "the top"
        raise BundleError(
            f"Expected {fault.expected} in {file} at {place}. Received: {fault.received}"
        ) from fault
    return manifest


def _require_format(manifest: Any, file: Path) -> None:
    """Check the format first, because nothing is known about other formats."""
    version = manifest.get("format") if isinstance(manifest, dict) else manifest
    if not isinstance(manifest, dict) or type(version) is not int or version not in FORMATS:
        shown = f"format {version!r:.80}" if isinstance(manifest, dict) else type(version).__name__
        raise BundleError(
            f"Expected a bundle of format {' or '.join(map(str, FORMATS))}. Received: {shown} in "
            f"{file}. Remedy: a version of keras-sparse-export that knows it"
        )


def _require_features(manifest: dict[str, Any], file: Path) -> None:
    """Check the features before the schema, which knows no keys of a feature that is unknown."""
    required = manifest.get("requires")
    names = [name for name in required if isinstance(name, str)] if type(required) is list else []
    unknown = [name for name in names if name not in FEATURES]
    if unknown:
        raise BundleError(
            "Expected a bundle whose `requires` lists features that this version knows ("
            f"{', '.join(sorted(FEATURES))}). Received: {reprlib.repr(unknown[0])}"
            f" in {file}. Remedy: a newer keras-sparse-export"
        )


# Strict JSON -----------------------------------------------------------------------------------


def parse_manifest(data: bytes) -> Any:
    """Parse strict JSON, in memory of a few times the size of the bytes.

    Raises:
        ValueError: If the bytes are not JSON, or are ambiguous.
    """
    if data.count(b"{") + data.count(b"[") > MAX_CONTAINERS or data.count(b'"') > MAX_QUOTES:
        raise ValueError(f"more than {MAX_CONTAINERS} objects and lists or {MAX_QUOTES // 2} texts")
    return json.loads(
        data.decode("utf-8"),
        object_pairs_hook=_parse_object,
        parse_int=_parse_integer,
        parse_float=_parse_float,
        parse_constant=_reject_constant,
    )


def _parse_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) != len(pairs):
        raise ValueError("a duplicate key")
    return entries


def _parse_integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError(f"a whole number of more than {MAX_DIGITS} digits")
    return int(text)


def _parse_float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError("a number that is too large for float64")
    return value


def _reject_constant(text: str) -> NoReturn:
    raise ValueError(f"{text}, which is not JSON")
