"""Mutate manifests: values, names, shapes and sizes in the same object."""

import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from fuzzing.cases.files import Mutation

Place = tuple[Any, Any]
"""A dict or list, and the key or index of a value in it."""
NUMBERS = (
    *(0, -1, 1, 2, 3, 7, 1000, 2**31 - 1, 2**31, 2**32, 2**53 + 1, 2**63 - 1, 2**63, 2**64),
    *(-(2**31), -(2**63), 10**30, 10**400, 0.5, 1.0, -0.0, 12.0, 5e-324, 1e308, -1e308),
    *(float("nan"), float("inf"), float("-inf")),
)
TEXTS = (
    *("", "x", "../x", "../../etc/passwd", "/etc/passwd", "a\\b", "C:x", ".", "..", "\0", "x\0y"),
    *("x" * 300, "x" * 200_000, "\ud800", "\x1b[2J\x1b[31m", "é", "\u202etxt", "a\nb", "%s{0}"),
    *("0", "1", "1.", ".1", "1..2", "1.12\n", "９", "9" * 400, "9" * 5000, "1." * 50_000 + "1"),
    *("none", "real", "synthetic", "float64", "values", "golden_x.f32", "encoder.onnx", "CON"),
)
OTHERS: tuple[Any, ...] = (
    None,
    True,
    False,
    [],
    {},
    [[]],
    [None],
    {"a": 1},
    {"": []},
    [1, "x"],
    "x",
    1,
    1.5,
)


def read(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "manifest.json").read_bytes())


def write(folder: Path, manifest: Any) -> None:
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2), encoding="utf-8")


def find_places(value: Any) -> list[Place]:
    """Find all values at any depth; of a list only the first and the last."""
    inner: list[Place] = []
    if isinstance(value, dict):
        inner = [(value, key) for key in value]
    elif isinstance(value, list):
        inner = [(value, at) for at in sorted({0, len(value) - 1}) if value]
    return inner + [place for holder, key in inner for place in find_places(holder[key])]


def find_places_of(manifest: Any, *kinds: type) -> list[Place]:
    """Find the places of values of exactly one of these types."""
    return [(holder, key) for holder, key in find_places(manifest) if type(holder[key]) in kinds]


def shorten(value: Any) -> str:
    return f"{value!r:.60}"


# Values ----------------------------------------------------------------------------------------


def edit_manifest(change: Callable[[Random, dict[str, Any]], str]) -> Mutation:
    """Turn a change of the parsed manifest into a mutation of the file."""

    def mutation(rng: Random, folder: Path) -> str:
        manifest = read(folder)
        what = change(rng, manifest)
        write(folder, manifest)
        return what

    mutation.__name__ = change.__name__
    return mutation


def remove_key(rng: Random, manifest: dict[str, Any]) -> str:
    holder, key = rng.choice(find_places(manifest))
    del holder[key]
    return f"no {key!r}"


def change_type(rng: Random, manifest: dict[str, Any]) -> str:
    holder, key = rng.choice(find_places(manifest))
    holder[key] = rng.choice((*OTHERS, [holder[key]], str(holder[key])))
    return f"{key!r}: {shorten(holder[key])}"


def change_number(rng: Random, manifest: dict[str, Any]) -> str:
    holder, key = rng.choice(find_places_of(manifest, int, float))
    holder[key] = rng.choice((*NUMBERS, holder[key] + 1, -holder[key], float(holder[key])))
    return f"{key!r}: {shorten(holder[key])}"


def change_text(rng: Random, manifest: dict[str, Any]) -> str:
    holder, key = rng.choice(find_places_of(manifest, str))
    holder[key] = rng.choice(TEXTS)
    return f"{key!r}: {shorten(holder[key])}"


def change_list(rng: Random, manifest: dict[str, Any]) -> str:
    holder, key = rng.choice(find_places_of(manifest, list))
    value = holder[key]
    holder[key] = rng.choice(
        (
            [],
            value[:-1],
            value * 2,
            value[::-1],
            [value],
            [*value, rng.choice(NUMBERS)],
            [*value, rng.choice(OTHERS)],
            value * 10_000,
        )
    )
    return f"{key!r}: {len(value)} became {len(holder[key])}"


def change_shape(rng: Random, manifest: dict[str, Any]) -> str:
    side = rng.choice(("input", "output"))
    manifest[side]["shape"] = rng.choice(
        (
            [],
            [0],
            [2**31, 2**31],
            [2**62, 4],
            [1] * 64,
            [1] * 100_000,
            [*manifest[side]["shape"], 0],
            [*manifest[side]["shape"], 1],
            [-1],
            [True],
            [rng.choice(NUMBERS)],
        )
    )
    return f"{side} of shape {manifest[side]['shape']!r:.60}"


def change_golden(rng: Random, manifest: dict[str, Any]) -> str:
    """Change entries that could keep a reader from comparing golden rows."""
    golden, files = manifest["golden"], manifest["files"]
    how = rng.choice(("kind", "none", "rows", "file", "tolerance"))
    if how == "kind":
        golden["kind"] = rng.choice(("real", "synthetic", "none", "NONE", "", None))
    elif how == "none":
        golden |= {"kind": "none", "rows": 0}
    elif how == "rows":
        golden["rows"] = rng.choice((*NUMBERS, golden["rows"] // 2, golden["rows"] - 1))
    elif how == "file":
        for name in [name for name in files if name.startswith("golden_") and rng.random() < 0.5]:
            del files[name]
    elif manifest["int8"] is not None:
        manifest["int8"]["golden_tolerance"] = rng.choice((*NUMBERS, 1e30, None))
    return f"golden: another {how}"


def change_name(rng: Random, manifest: dict[str, Any]) -> str:
    files, name = manifest["files"], rng.choice(TEXTS)
    old = rng.choice(sorted(files))
    entry = files[old] if rng.random() < 0.5 else files.pop(old)
    files[name] = entry
    return f"file {old} also or only as {shorten(name)}"


def change_entry(rng: Random, manifest: dict[str, Any]) -> str:
    name = rng.choice(sorted(manifest["files"]))
    entry = manifest["files"][name]
    digest, size = entry["sha256"], entry["size"]
    entry |= rng.choice(
        (
            {"sha256": digest.upper()},
            {"sha256": digest[:-1]},
            {"sha256": "0" * 64},
            {"sha256": [digest]},
            {"sha256": digest + "\n"},
            {"size": size + rng.choice((-1, 1, 10**9, 2**63))},
            {"size": float(size)},
            {"size": str(size)},
            {"size": -size},
            {"size": True},
        )
    )
    return f"{name}: {entry!r:.120}"


def add_key(rng: Random, manifest: dict[str, Any]) -> str:
    holder, _ = rng.choice([place for place in find_places(manifest) if isinstance(place[0], dict)])
    key = rng.choice(("__proto__", "__class__", "constructor", "$ref", "x", "", "Format"))
    holder[key] = rng.choice(OTHERS)
    return f"{key!r} added"


def swap_values(rng: Random, manifest: dict[str, Any]) -> str:
    (a, i), (b, j) = (rng.choice([p for p in find_places(manifest) if p[0] is not manifest])
                      for _ in range(2))  # fmt: skip
    a[i], b[j] = json.loads(json.dumps(b[j])), json.loads(json.dumps(a[i]))
    return f"{i!r} and {j!r} swapped"


# Wrong sizes -----------------------------------------------------------------------------------


def enlarge_file(rng: Random, folder: Path) -> str:
    """Enlarge a file to gigabytes without content, and the size in the manifest with it."""
    manifest, size = read(folder), 1 << rng.choice((31, 33, 36))
    name = rng.choice(sorted(manifest["files"]))
    with (folder / name).open("r+b") as file:
        file.truncate(size)
    manifest["files"][name]["size"] = size
    write(folder, manifest)
    return f"{name} of {size >> 30} GiB, as the manifest says"


def enlarge_manifest(rng: Random, folder: Path) -> str:
    with (folder / "manifest.json").open("r+b") as file:
        file.truncate(1 << 33)
    return "a manifest of 8 GiB"


MANIFESTS: tuple[Mutation, ...] = (
    *map(
        edit_manifest,
        (remove_key, remove_key, change_type, change_type, change_number, change_number),
    ),
    *map(
        edit_manifest,
        (change_text, change_text, change_list, change_list, change_shape, change_golden),
    ),
    *map(
        edit_manifest, (change_golden, change_name, change_name, change_entry, add_key, swap_values)
    ),
    enlarge_file,
    enlarge_manifest,
)
