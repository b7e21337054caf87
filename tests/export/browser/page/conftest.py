"""Bundles of every kind, with what Python says of their rows, and Node, which runs the page."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from sklearn.datasets import load_digits

import browser
import jumping_bundles
import listeners
from keras_sparse import L1, SparseAutoencoder
from keras_sparse_export import Encoder, Windows, export_encoder
from keras_sparse_export.bundle.entries import find_target, list_golden_shapes
from keras_sparse_export.bundle.manifest import read_manifest
from keras_sparse_export.io.inputs import cut_rows
from keras_sparse_export.runtime import parity
from keras_sparse_export.runtime.reconstruction import require_scale, score_tolerance

NODE = shutil.which("node")
PACKAGES = Path(__file__).parents[4] / "export" / "web"
FORMAT_1 = Path(__file__).parents[2] / "bundle" / "format_1"

# Node and Chromium -----------------------------------------------------------------------------


def node_version() -> tuple[int, ...]:
    if NODE is None:
        return ()
    found = subprocess.run([NODE, "--version"], capture_output=True, text=True, check=True)
    return tuple(map(int, re.findall(r"\d+", found.stdout)[:3]))


@pytest.fixture(scope="session")
def node() -> Callable[..., None]:
    """Runs tests in Node: options, then files of tests by what they are about."""
    if node_version() < (20, 19):
        pytest.skip("needs Node 20.19 or newer")
    if not (PACKAGES / "node_modules").is_dir():
        pytest.skip("needs `npm ci` in export/web/")
    return run_node


def run_node(*arguments: str, **variables: Path | str) -> None:
    assert NODE is not None
    named = [each if each.startswith("-") else f"tests/{each}.test.mjs" for each in arguments]
    result = subprocess.run(
        [NODE, "--test", "--test-concurrency=2", *named],
        cwd=PACKAGES,
        env=os.environ | {name: str(value) for name, value in variables.items()},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.fixture(scope="session")
def chromium(node: Callable[..., None]) -> str:
    """Path of the browser that the tests in Node start."""
    if browser.CHROMIUM is None:
        pytest.skip("needs Chromium")
    return browser.CHROMIUM


# Bundles ---------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def bundles(node: Callable[..., None], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of bundles, with what Python says of their codes in `expected.json`."""
    folder = tmp_path_factory.mktemp("bundles")
    keras.utils.set_random_seed(0)
    expected = {name: answers(bundle, rows) for name, bundle, rows in exported(folder)}
    (folder / "expected.json").write_text(json.dumps(expected))
    return folder


def exported(folder: Path) -> Iterator[tuple[str, Path, np.ndarray]]:
    """Names of bundles, their folders, and some rows."""
    for name, export in BUNDLES.items():
        yield name, *export(folder / name)


def draw_rows() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(500, 12)).astype(np.float32)


def export_digits(path: Path) -> tuple[Path, np.ndarray]:
    x = load_digits().data.astype(np.float32)
    model = SparseAutoencoder(64, 32, sparsity=L1(), normalization="standard")
    model.adapt(x)
    model.compile(keras.optimizers.Adam(0.01))
    model.fit(x, epochs=2, verbose=0)
    return export_encoder(model, path, sample=x[:500], decoder=True, top_k=5), x[-7:]


def export_names(path: Path) -> tuple[Path, np.ndarray]:
    rows = draw_rows()
    model = SparseAutoencoder(12, 40, sparsity=L1(), normalization=None)
    names = [f"column {number}" for number in range(12)]
    return export_encoder(model, path, quantize="int8", sample=rows, columns=names), rows[:5]


def export_positions(path: Path) -> tuple[Path, np.ndarray]:
    model = keras.Sequential([keras.Input((8, 8)), keras.layers.Dense(6, "relu", name="code")])
    rows = load_digits().data[:4].reshape(-1, 8, 8).astype(np.float32)
    return export_encoder(model, path, layer="code"), rows  # golden rows are synthetic


def export_signed(path: Path) -> tuple[Path, np.ndarray]:
    rows = draw_rows() / 4
    model = keras.Sequential([keras.Input((12,)), keras.layers.Dense(20, "tanh", name="code")])
    return export_encoder(model, path, layer="code", sample=rows, top_k=3), rows[:5]


def export_gates(path: Path) -> tuple[Path, np.ndarray]:
    return jumping_bundles.write(path, path.name, k=3), jumping_bundles.rows(20)


def export_gaps(path: Path) -> tuple[Path, np.ndarray]:
    rows = load_digits().data.astype(np.float32)
    rows[np.random.default_rng(0).random(rows.shape) < 0.3] = np.nan
    model = SparseAutoencoder(64, 40, target_l0=8, missing="mask")
    model.compile(run_eagerly=True)
    model.fit(rows[:500], batch_size=100, epochs=2, verbose=0)
    return export_encoder(model, path, sample=rows[:500], decoder=True, top_k=3), rows[-7:]


def export_table(path: Path) -> tuple[Path, np.ndarray]:
    rows = draw_rows() * np.geomspace(1e-3, 1e5, 12, dtype=np.float32)
    model = SparseAutoencoder(12, 20, sparsity=L1(), normalization="standard")
    model.adapt(rows)
    names = [f"column {number}" for number in range(12)]
    options: dict[str, Any] = {"score": True, "calibration": rows[:200] + 1, "columns": names}
    return export_encoder(model, path, decoder=True, sample=rows, **options), rows[:5]


def export_scored(path: Path) -> tuple[Path, np.ndarray]:
    """Rows of which some are unlike those of the training, and a threshold between."""
    rows = draw_rows()
    model = SparseAutoencoder(12, 20, sparsity=L1(), normalization="standard")
    model.adapt(rows)
    options: dict[str, Any] = {"score": True, "calibration": rows[200:400]}
    export_encoder(model, path, sample=rows[:200], false_alarm_rate=0.05, **options)
    odd = rows[400:440].copy()
    odd[[7, 8, 30]] *= [[4], [60], [3]]
    return path, odd


def export_scored_gaps(path: Path) -> tuple[Path, np.ndarray]:
    """Codes that jump, of rows with gaps, scores without a threshold."""
    rows = draw_rows()
    rows[np.random.default_rng(1).random(rows.shape) < 0.3] = np.nan
    model = SparseAutoencoder(12, 20, target_l0=4, missing="mask")
    model.compile(run_eagerly=True)
    model.fit(rows, batch_size=100, epochs=1, verbose=0)
    return export_encoder(model, path, sample=rows, score=True), rows[-20:]


def export_windows(path: Path) -> tuple[Path, np.ndarray]:
    """Windows of a sound, scored; the rows are those of a recording with a burst of noise."""
    windows = Windows(64, 32, 8000)
    model = SparseAutoencoder(64, 24, sparsity=L1(), normalization="standard")
    model.windows = windows.as_dict()
    rows = windows.cut(draw_sound(400 * 32, seed=0))
    model.adapt(rows)
    options: dict[str, Any] = {"score": True, "calibration": rows[200:], "false_alarm_rate": 0.05}
    export_encoder(model, path, sample=rows[:200], **options)
    return path, windows.cut(draw_recording())


def draw_sound(frames: int, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 0.01, frames)
    tone = 0.2 * np.sin(2 * np.pi * 440 * np.arange(frames) / 8000)
    return (tone + noise).astype(np.float32)


def draw_recording() -> np.ndarray:
    """Two seconds and a tail, in 16 bits, as a wav file holds them."""
    sound = draw_sound(16_013, seed=1)
    sound[8000:8400] += np.random.default_rng(2).normal(0, 0.2, 400).astype(np.float32)
    return np.round(sound * 2**15).clip(-(2**15), 2**15 - 1).astype("<i2") / np.float32(2**15)


def export_two_inputs(path: Path) -> tuple[Path, np.ndarray]:
    kind, numbers = (
        keras.Input((2,), dtype="int32", name="kind"),
        keras.Input((12,), name="numbers"),
    )
    words = keras.layers.Flatten()(keras.layers.Embedding(7, 3)(kind))
    h = keras.layers.Concatenate()([words, numbers])
    model = keras.Model([kind, numbers], keras.layers.Dense(6, "relu", name="code")(h))
    kinds, rows = np.random.default_rng(0).integers(0, 7, (500, 2)), draw_rows()
    path = export_encoder(model, path, layer="code", sample={"kind": kinds, "numbers": rows})
    return path, np.hstack([kinds, rows])[:5].astype(np.float32)


def export_lengths(path: Path) -> tuple[Path, np.ndarray]:
    x = keras.Input((None, 4))
    h = keras.layers.Conv1D(5, 3)(x)
    model = keras.Model(x, keras.layers.Dense(6, "relu", name="code")(h))
    rows = draw_rows()[:480].reshape(40, 12, 12)[..., :4]
    return export_encoder(model, path, layer="code", sample=rows, free_length=True), rows[:5]


def export_features(path: Path) -> tuple[Path, np.ndarray]:
    return listeners.write_listener(path), listeners.draw_windows(5, 1)


def copy_format_1(path: Path) -> tuple[Path, np.ndarray]:
    shutil.copytree(FORMAT_1, path)
    return path, np.fromfile(path / "golden_x.f32", "<f4").reshape(-1, 5)[:7]


BUNDLES: dict[str, Callable[[Path], tuple[Path, np.ndarray]]] = {
    "digits": export_digits,
    "plain": export_names,
    "positions": export_positions,
    "signed": export_signed,
    "one": export_gates,
    "refined": export_gates,
    "gaps": export_gaps,
    "table": export_table,
    "scored": export_scored,
    "scored gaps": export_scored_gaps,
    "windows": export_windows,
    "two inputs": export_two_inputs,
    "lengths": export_lengths,
    "features": export_features,
    "format_1": copy_format_1,
}


def answers(bundle: Path, rows: np.ndarray) -> dict[str, Any]:
    """Rows as they are pasted, and what Python makes of them."""
    with Encoder(bundle) as encoder:
        known = encoder.manifest or {}
        codes, decodes = encoder.encode(rows), encoder.has_decoder and "features" not in known
        return {
            "rows": flat(rows),
            "codes": flat(codes),
            "back": flat(encoder.decode(codes)) if decodes else None,
            "errors": flat(encoder.errors(rows)) if "scale" in known and decodes else None,
            "scores": encoder.score(rows).tolist() if "score" in known else None,
            "alarms": alarms(encoder, rows),
            "threshold": encoder.threshold,
            "active": encoder.is_active(codes).reshape(len(codes), -1).tolist(),
            "format": json.loads((bundle / "manifest.json").read_text("utf-8"))["format"],
            "tolerances": tolerances(bundle),
            "lowered": lowered(bundle, rows),
            "shorter": shorter(encoder, rows),
        }


def alarms(encoder: Encoder, rows: np.ndarray) -> list[int] | None:
    """The rows that raise an alarm, of a bundle with a threshold of the score."""
    if (encoder.manifest or {}).get("score", {"alarm": None})["alarm"] is None:
        return None
    return np.flatnonzero(encoder.verdict(rows).alarm).tolist()


def shorter(encoder: Encoder, rows: np.ndarray) -> list[dict[str, Any]]:
    """Starts of the rows and their codes, of an encoder of rows of several lengths."""
    found = [cut_rows(rows, shape) for shape in encoder.inputs.list_shorter()]
    return [{"rows": flat(part), "codes": flat(encoder.encode(part))} for part in found]


def lowered(bundle: Path, rows: np.ndarray) -> list[dict[str, Any]]:
    """The codes at lower L0s, from the bundle's own to the lowest."""
    if (curve := read_manifest(bundle).get("calibration")) is None:
        return []
    levels = np.linspace(curve["l0"][0], curve["l0"][-1], 7).tolist()
    return [
        {"l0": l0, "codes": flat(encoder.encode(rows)), "threshold": encoder.threshold}
        for l0 in levels
        for encoder in [Encoder(bundle, l0=l0)]
    ]


def tolerances(bundle: Path) -> dict[str, list[float]]:
    """The tolerance of each unit and column, from the golden files."""
    manifest = read_manifest(bundle)
    golden = {
        name: np.frombuffer((bundle / name).read_bytes(), "<f4").reshape(shape)
        for name, shape in list_golden_shapes(manifest).items()
        if name.endswith("f32")
    }
    found = {"encoder": parity.tolerance(golden["golden_code.f32"]).tolist()}
    if "decoder.onnx" in manifest["files"]:
        x_hat = golden["golden_x_hat.f32"]
        found["decoder"] = parity.tolerance(x_hat, golden[find_target(manifest)[0]]).tolist()
    if "score.onnx" in manifest["files"]:
        scores = golden["golden_score.f32"].astype(np.float64)
        scale = require_scale(manifest, bundle)
        allowed = score_tolerance(scores, golden[find_target(manifest)[0]], scale)
        found["score"] = np.maximum(allowed, parity.SMALLEST).tolist()
    return found


def flat(rows: np.ndarray) -> list[list[float | None]]:
    """Rows in JSON, which has no NaN: null for a gap."""
    found = rows.reshape(len(rows), -1).astype(float)
    return [[None if np.isnan(number) else number for number in row] for row in found.tolist()]
