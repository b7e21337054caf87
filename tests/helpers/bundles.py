"""Bundles as somebody may have changed them, rows as tests read them, tables, and recordings."""

import hashlib
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_sparse import L1, SparseAutoencoder
from keras_sparse_export import BundleError, Windows, export_encoder
from keras_sparse_export.bundle.manifest import read_manifest
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


def refused(path: Path, message: str) -> None:
    """Require that the manifest is refused, with a message."""
    with pytest.raises(BundleError, match=message):
        read_manifest(path)


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


# Recordings ------------------------------------------------------------------------------------

RATE = 1000
WINDOWS = Windows(16, 8, RATE)


def make_wav(samples: np.ndarray, rate: int = RATE) -> bytes:
    """A wav file of floats."""
    values = np.asarray(samples, "<f4")
    values = values.reshape(len(values), -1)
    size = 4 * values.shape[1]
    form = struct.pack("<HHIIHH", 3, values.shape[1], rate, rate * size, size, 32)
    body = b"WAVEfmt " + struct.pack("<I", 16) + form + b"data"
    body += struct.pack("<I", values.nbytes) + values.tobytes()
    return b"RIFF" + struct.pack("<I", len(body)) + body


def write_wav(path: Path, samples: np.ndarray, rate: int = RATE) -> Path:
    """The same, in a file."""
    path.write_bytes(make_wav(samples, rate))
    return path


def make_signal(frames: int, seed: int = 0, channels: int = 1) -> np.ndarray:
    """Samples of a noisy tone, float32."""
    noise = np.random.default_rng(seed).normal(0, 0.05, (frames, channels))
    tone = 0.5 * np.sin(np.arange(frames) * 0.7)[:, None]
    samples = (tone + noise).astype(np.float32)
    return samples[:, 0] if channels == 1 else samples


def export_windows(path: Path, windows: Windows | None = WINDOWS, **options: Any) -> Path:
    """A bundle with scores of windows of 16 samples, of one channel."""
    rows = WINDOWS.cut(make_signal(3000, seed=9))
    model = SparseAutoencoder(16, 4, sparsity=L1(), normalization="standard")
    model.adapt(rows)
    defaults: dict[str, Any] = {"score": True, "calibration": rows[:200], "false_alarm_rate": 0.1}
    return export_encoder(model, path, windows=windows, **(defaults | options))
