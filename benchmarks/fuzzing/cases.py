"""Cases: what is mutated and what is asked of it, a function of seed and number alone."""

import hashlib
import json
import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from shutil import copytree
from typing import Any, NamedTuple

from fuzzing import (
    arrays,
    files,
    interfaces,
    json_texts,
    judge_bundle,
    judge_data,
    judge_rows,
    kernels,
    manifests,
    operators,
    sizes,
    tables,
    tensors,
    wires,
)
from fuzzing.bases import Base
from fuzzing.outcomes import Steps

ENDINGS = ("npy", "npz", "csv", "jsonl")
MOST_BYTES = 64 << 20
SEALED = 0.75
"""Of bundles whose files are changed: with sizes and hashes made true again."""


class Kind(NamedTuple):
    """Cases of one sort."""

    share: int
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
SHARES = {**{name: kind.share for name, kind in BUNDLES.items()}, "rows": 9, "data": 9}


class Case(NamedTuple):
    """What is ready to be judged."""

    kind: str
    what: str
    """The bundle, the mutation, and what is asked."""
    holds: bool | None
    """Whether the manifest's sizes and hashes are true; `None` where no bundle is changed."""
    judge: Callable[[], Steps]


def prepare(seed: int, number: int, bases: list[Base], folder: Path) -> Case:
    """Write a case into an empty folder.

    Args:
        seed: Of the run.
        number: Of the case.
        bases: What is mutated.
        folder: An empty one.
    """
    rng = Random(f"{seed}/{number}")
    kind = rng.choices(list(SHARES), list(SHARES.values()))[0]
    base = rng.choice(bases)
    if kind == "rows":
        return _rows(rng, base)
    if kind == "data":
        return _data(rng, base, folder)
    return _bundle(rng, base, kind, folder / "bundle")


def _bundle(rng: Random, base: Base, kind: str, folder: Path) -> Case:
    copytree(base.bundle, folder)
    mutation, way = rng.choice(BUNDLES[kind].mutations), rng.choice(judge_bundle.WAYS)
    sealed = rng.random() < BUNDLES[kind].sealed
    what = mutation(rng, folder)
    if sealed:
        seal(folder)
    told = f"{base.name}, {way}: {mutation.__name__}: {what}"
    return Case(kind, told, holds(folder), partial(judge_bundle.judge, base, folder, way))


def _rows(rng: Random, base: Base) -> Case:
    name, change = judge_rows.call_of(rng, base), rng.choice(arrays.CHANGES)
    given = base.answers["code" if name == "decode" else "x"].copy()
    rows = change(rng, given)
    told = f"{base.name}, {name}: {change.__name__}: {type(rows).__name__}"
    if hasattr(rows, "dtype"):
        told += f" {rows.dtype} {rows.shape}"
    return Case("rows", told, None, partial(judge_rows.judge, base, name, rows))


def _data(rng: Random, base: Base, folder: Path) -> Case:
    kind = rng.choices(list(tables.KINDS), tables.SHARES)[0]
    ending, write = tables.KINDS[kind]
    file, to = folder / f"rows.{ending}", rng.choice(ENDINGS)
    what = write(rng, base, file)
    options, overwrite = judge_data.options_of(rng, kind), rng.random() < 0.5
    told = f"{base.name}, encode to .{to} {' '.join(options)}: {what}"
    return Case("data", told, None, partial(judge_data.judge, base, file, to, options, overwrite))


# Hashes ----------------------------------------------------------------------------------------


def _manifest(folder: Path) -> Any:
    """The manifest, if it is an ordinary file with a JSON object that has files."""
    try:
        if not _ordinary(folder / "manifest.json"):
            return None
        manifest = json.loads((folder / "manifest.json").read_bytes())
        return manifest if isinstance(manifest["files"], dict) else None
    except (ValueError, RecursionError, KeyError, TypeError):
        return None


def _ordinary(file: Path) -> bool:
    """Whether it is a file, by way of links or not, of a size that can be hashed in time."""
    try:
        found = file.stat()
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(found.st_mode) and found.st_size <= MOST_BYTES


def _entry(file: Path) -> dict[str, Any]:
    data = file.read_bytes()
    return {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}


def seal(folder: Path) -> None:
    """Make sizes and hashes true again, as would whoever changes a bundle with a purpose."""
    if (manifest := _manifest(folder)) is None:
        return
    for name in list(manifest["files"]):
        if _ordinary(folder / name):
            manifest["files"][name] = _entry(folder / name)
        elif not (folder / name).is_symlink() and not (folder / name).exists():
            del manifest["files"][name]
    manifests.write(folder, manifest)


def holds(folder: Path) -> bool:
    """Whether every size and hash is true."""
    manifest = _manifest(folder)
    return manifest is not None and all(
        _ordinary(folder / name) and _entry(folder / name) == entry
        for name, entry in manifest["files"].items()
    )
