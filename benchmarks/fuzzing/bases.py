"""The bundles that are mutated: small, one of every kind, with the answers of each as it was."""

import json
import math
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

ROWS = 16
"""Rows that are asked of every encoder beside the golden ones; enough for drift."""
BOMB_BYTES = 5 << 28
"""More than a case may take."""


@dataclass(frozen=True)
class Base:
    """A bundle as it was exported."""

    folder: Path
    """Holds `bundle` and `answers.npz`."""

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def bundle(self) -> Path:
        return self.folder / "bundle"

    @property
    def bomb(self) -> Path:
        """An archive of two arrays that are 200 times as large when they are unpacked."""
        return self.folder.parent / "bomb.npz"

    @cached_property
    def manifest(self) -> dict[str, Any]:
        return json.loads((self.bundle / "manifest.json").read_text("utf-8"))

    @cached_property
    def answers(self) -> dict[str, np.ndarray]:
        """Rows `x` and what plain onnxruntime gives for them, by name of the output.

        Also `int8`, row by row, and `drift`, the score of all rows.
        """
        with np.load(self.folder / "answers.npz") as found:
            return dict(found)


def load(folder: Path) -> list[Base]:
    """What `build` made."""
    return [Base(each.parent) for each in sorted(folder.glob("*/answers.npz"))]


def build(folder: Path, bomb_bytes: int = BOMB_BYTES) -> list[Base]:
    """Export one bundle of every kind, and write the archive that is far larger when unpacked."""
    import keras

    from keras_sparse_export import export_encoder

    for name, (model, arguments) in _models().items():
        keras.utils.set_random_seed(0)
        x = np.random.default_rng(0).normal(size=(256 + ROWS, *arguments.pop("shape")))
        x = (3 * x + 1).astype(np.float32)
        if arguments.pop("real"):
            arguments["sample"] = x[ROWS:]
        encoder = model()
        if hasattr(encoder, "adapt"):
            encoder.adapt(x)
        base = Base(folder / name)
        export_encoder(encoder, base.bundle, **arguments)
        answers: dict[str, Any] = _answers(base, x[:ROWS])
        np.savez(base.folder / "answers.npz", **answers)
    _write_bomb(folder / "bomb.npz", bomb_bytes)
    return load(folder)


def _models() -> dict[str, tuple[Callable[[], Any], dict[str, Any]]]:
    from keras import Input, Sequential, layers

    from keras_sparse import KL, L1, SparseAutoencoder

    def positions() -> Any:
        return Sequential([Input((4, 5)), layers.Dense(7, activation="relu", name="code")])

    def convolution() -> Any:
        return Sequential(
            [
                Input((8, 8, 1)),
                layers.Conv2D(3, 3, strides=2, activation="relu"),
                layers.MaxPooling2D(2),
                layers.Flatten(),
                layers.Dense(6, activation="sigmoid", name="code"),
            ]
        )

    return {
        "whole": (
            lambda: SparseAutoencoder(12, 6, sparsity=L1(), normalization="standard"),
            {"shape": (12,), "real": True, "decoder": True, "top_k": 3, "quantize": "int8"},
        ),
        "builder": (
            lambda: SparseAutoencoder(
                8, 10, hidden_units=(9,), sparsity=KL(), normalization="minmax"
            ),
            {"shape": (8,), "real": False, "decoder": True, "converter": "builder", "opset": 13},
        ),
        "without_golden": (
            lambda: SparseAutoencoder(5, 4, sparsity=L1(), normalization="standard"),
            {"shape": (5,), "real": True, "golden": "none", "converter": "builder"},
        ),
        "positions": (
            positions,
            {"shape": (4, 5), "real": True, "layer": "code", "top_k": 2, "converter": "builder"},
        ),
        "convolution": (
            convolution,
            {"shape": (8, 8, 1), "real": True, "layer": "code", "golden": "synthetic"},
        ),
    }


def run(file: Path, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Every output of an ONNX file, by plain onnxruntime."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_outputs()]
    return dict(zip(names, session.run(None, {session.get_inputs()[0].name: rows}), strict=True))


def _answers(base: Base, x: np.ndarray) -> dict[str, np.ndarray]:
    from keras_sparse_export import Encoder

    found = {"x": x, **run(base.bundle / "encoder.onnx", x)}
    if "decoder.onnx" in base.manifest["files"]:
        found |= run(base.bundle / "decoder.onnx", found["code"])
    if "encoder.int8.onnx" in base.manifest["files"]:
        parts = [run(base.bundle / "encoder.int8.onnx", row[np.newaxis])["code"] for row in x]
        found["int8"] = np.concatenate(parts)
    if base.manifest["statistics"] is not None:
        found["drift"] = np.array(Encoder(base.bundle).drift(x).score)
    return found


def _write_bomb(file: Path, size: int) -> None:
    """Arrays that are 200 times as large unpacked: zeros, of `x` the first number is NaN."""
    zeros, block = np.zeros(1 << 20, np.float32).tobytes(), 1 << 22
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, shape in (
            ("flat", (size // 4,)),
            ("x", (size // (4 * 12), 12)),
        ):
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array_header_1_0(
                    member, {"descr": "<f4", "fortran_order": False, "shape": shape}
                )
                left = 4 * math.prod(shape)
                if name == "x":
                    left -= member.write(np.float32(np.nan).tobytes())
                for start in range(0, left, block):
                    member.write(zeros[: min(block, left - start)])
