"""Cases: a mutation and a call, determined by seed and number alone."""

import hashlib
import json
import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from shutil import copytree
from typing import Any, NamedTuple

from fuzzing import interfaces
from fuzzing.bases import Base
from fuzzing.cases import (
    arrays,
    files,
    json_texts,
    kernels,
    manifests,
    operators,
    sizes,
    tables,
    tensors,
    wires,
)
from fuzzing.judges import bundle
from fuzzing.judges import data as judge_data
from fuzzing.judges import rows as judge_rows
from fuzzing.judges.outcomes import Steps

ENDINGS = ("npy", "npz", "csv", "jsonl")
MOST_BYTES = 64 << 20
SEALED = 0.75
"""Fraction of bundles with changed files whose sizes and hashes are made consistent."""


class Kind(NamedTuple):
    """A kind of cases."""

    weight: int
    mutations: tuple[files.Mutation, ...]
    sealed: float


BUNDLES = {
    "bytes": Kind(11, files.BYTES, SEALED),
    "files": Kind(7, files.FILES, SEALED),
    "links": Kind(7, files.LINKS, SEALED),
    "manifest": Kind(18, manifests.MANIFESTS, 0),
    "manifest text": Kind(6, json_texts.JSON_TEXTS, 0),
    "wire": Kind(7, wires.WIRES, 0.9),
    "operators": Kind(10, operators.OPERATORS, 0.9),
    "kernels": Kind(9, kernels.KERNELS, 0.95),
    "sizes": Kind(4, sizes.SIZES, 0.9),
    "interfaces": Kind(5, interfaces.INTERFACES, 0.9),
    "weights": Kind(9, tensors.WEIGHTS, 0.9),
    "golden": Kind(8, tensors.GOLDEN, 0.9),
}
SHARES = {**{name: kind.weight for name, kind in BUNDLES.items()}, "rows": 9, "data": 9}


class Case(NamedTuple):
    """A case that is ready to be judged."""

    kind: str
    what: str
    """The bundle, the mutation, and the call."""
    holds: bool | None
    """Whether the manifest's sizes and hashes hold; `None` if no bundle is changed."""
    judge: Callable[[], Steps]


def prepare(seed: int, number: int, bases: list[Base], folder: Path) -> Case:
    """Write a case into an empty folder.

    Args:
        seed: Seed of the run.
        number: Number of the case.
        bases: The bundles to mutate.
        folder: An empty folder.
    """
    rng = Random(f"{seed}/{number}")
    kind = rng.choices(list(SHARES), list(SHARES.values()))[0]
    base = rng.choice(bases)
    if kind == "rows":
        return _prepare_rows(rng, base)
    if kind == "data":
        return _prepare_data(rng, base, folder)
    return _prepare_bundle(rng, base, kind, folder / "bundle")


def _prepare_bundle(rng: Random, base: Base, kind: str, folder: Path) -> Case:
    copytree(base.bundle, folder)
    mutation, way = rng.choice(BUNDLES[kind].mutations), rng.choice(bundle.WAYS)
    sealed = rng.random() < BUNDLES[kind].sealed
    what = mutation(rng, folder)
    if sealed:
        seal(folder)
    description = f"{base.name}, {way}: {mutation.__name__}: {what}"
    return Case(kind, description, hashes_hold(folder), partial(bundle.judge, base, folder, way))


def _prepare_rows(rng: Random, base: Base) -> Case:
    name, change = judge_rows.choose_call(rng, base), rng.choice(arrays.CHANGES)
    original = base.answers["code" if name == "decode" else "x"].copy()
    rows = change(rng, original)
    description = f"{base.name}, {name}: {change.__name__}: {type(rows).__name__}"
    if hasattr(rows, "dtype"):
        description += f" {rows.dtype} {rows.shape}"
    return Case("rows", description, None, partial(judge_rows.judge, base, name, rows))


def _prepare_data(rng: Random, base: Base, folder: Path) -> Case:
    kind = rng.choices(list(tables.KINDS), tables.SHARES)[0]
    ending, write = tables.KINDS[kind]
    file, to = folder / f"rows.{ending}", rng.choice(ENDINGS)
    what = write(rng, base, file)
    options, overwrite = judge_data.choose_options(rng, kind), rng.random() < 0.5
    description = f"{base.name}, encode to .{to} {' '.join(options)}: {what}"
    return Case(
        "data", description, None, partial(judge_data.judge, base, file, to, options, overwrite)
    )


# Hashes ----------------------------------------------------------------------------------------


def _read_manifest(folder: Path) -> Any:
    """Read the manifest, if it is an ordinary file with a JSON object that has `files`."""
    try:
        if not _is_ordinary(folder / "manifest.json"):
            return None
        manifest = json.loads((folder / "manifest.json").read_bytes())
        return manifest if isinstance(manifest["files"], dict) else None
    except (ValueError, RecursionError, KeyError, TypeError):
        return None


def _is_ordinary(file: Path) -> bool:
    """Tell whether it is a file, or a link to one, small enough to be hashed in time."""
    try:
        status = file.stat()
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(status.st_mode) and status.st_size <= MOST_BYTES


def _describe_file(file: Path) -> dict[str, Any]:
    data = file.read_bytes()
    return {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}


def seal(folder: Path) -> None:
    """Make sizes and hashes consistent again, as an attacker would."""
    if (manifest := _read_manifest(folder)) is None:
        return
    for name in list(manifest["files"]):
        if _is_ordinary(folder / name):
            manifest["files"][name] = _describe_file(folder / name)
        elif not (folder / name).is_symlink() and not (folder / name).exists():
            del manifest["files"][name]
    manifests.write(folder, manifest)


def hashes_hold(folder: Path) -> bool:
    """Tell whether every size and hash is correct."""
    manifest = _read_manifest(folder)
    return manifest is not None and all(
        _is_ordinary(folder / name) and _describe_file(folder / name) == entry
        for name, entry in manifest["files"].items()
    )
