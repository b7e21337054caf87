"""Bundles as somebody may have changed them, rows as tests read them, tables, recordings."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_sparse_export.io import readers


def manifest(path: Path) -> dict[str, Any]:
    """What `manifest.json` holds."""
    found: dict[str, Any] = json.loads((path / "manifest.json").read_text("utf-8"))
    return found


def rewritten(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """The manifest changed in place."""
    found = manifest(path)
    change(found)
    (path / "manifest.json").write_text(json.dumps(found), "utf-8")


def replaced(path: Path, name: str, data: bytes) -> None:
    """One file with other bytes, and the manifest made to agree with them."""
    (path / name).write_bytes(data)
    entry = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
    rewritten(path, lambda found: found["files"].update({name: entry}))


def set_at(*path: str | int, to: Any) -> Callable[[dict[str, Any]], None]:
    """A change of one place in a manifest."""

    def change(found: Any) -> None:
        *parents, last = path
        for name in parents:
            found = found[name]
        found[last] = to

    return change


def removed_at(*path: str | int) -> Callable[[dict[str, Any]], None]:
    """A change that leaves one place out."""

    def change(found: Any) -> None:
        *parents, last = path
        for name in parents:
            found = found[name]
        del found[last]

    return change


ROWS = np.arange(40.0).reshape(10, 4) / 7


def read(
    source: Path | str, shape: tuple[int, ...] = (4,), **options: Any
) -> tuple[np.ndarray, dict[int, str]]:
    """All rows and, by number, all faults; chunks must follow each other."""
    parts: list[np.ndarray] = [np.zeros((0, *shape))]
    faults: dict[int, str] = {}
    for chunk in readers.read(str(source), shape, **options):
        assert chunk.first == sum(map(len, parts))
        faults |= {chunk.first + place: reason for place, reason in chunk.faults.items()}
        parts.append(chunk.rows)
    return np.concatenate(parts), faults


FORMS = ("pandas", "polars", "pyarrow", "mapping", "lists")


def as_table(form: str, rows: np.ndarray, names: tuple[str, ...]) -> Any:
    """Rows as a table or a mapping whose columns have names; skip where a package is missing."""
    columns = {name: rows[:, place] for place, name in enumerate(names)}
    makers: dict[str, Callable[[], Any]] = {
        "pandas": lambda: pytest.importorskip("pandas").DataFrame(columns),
        "polars": lambda: pytest.importorskip("polars").DataFrame(columns),
        "pyarrow": lambda: pytest.importorskip("pyarrow").table(columns),
        "mapping": lambda: columns,
        "lists": lambda: {name: column.tolist() for name, column in columns.items()},
    }
    return makers[form]()


# Recordings: noise whose loudness and colour change ----------------------------------------------

RATE = 16_000


def make_noise(seed: int, samples: int, channels: int = 1) -> np.ndarray:
    """Noise of `(samples, channels)` in [-1, 1], whose loudness drifts: windows differ."""
    random = np.random.default_rng(seed)
    knots = np.arange(0, samples + 400, 400)
    parts = []
    for _ in range(channels):
        loudness = np.exp(
            np.interp(np.arange(samples), knots, 0.7 * random.normal(size=len(knots)))
        )
        colour = np.convolve(random.normal(size=samples), [1.0, 0.5, 0.2][: 1 + seed % 3], "same")
        parts.append(np.clip(0.03 * loudness * colour, -0.99, 0.99))
    return np.stack(parts, axis=1).astype(np.float32)


def write_wav(path: Path, values: np.ndarray, rate: int = RATE) -> None:
    """Write samples in [-1, 1] as PCM of 16 bits."""
    from scipy.io import wavfile

    path.parent.mkdir(parents=True, exist_ok=True)
    wavfile.write(path, rate, np.round(np.asarray(values) * 32767).astype(np.int16))


def write_folder(folder: Path, count: int = 8, samples: int = 8000) -> Path:
    """Write recordings, the last quarter of which in a sub-folder of their own."""
    for number in range(count):
        kind = "bad" if number >= 3 * count // 4 else "good"
        write_wav(folder / kind / f"{number}.wav", make_noise(number, samples))
    return folder
