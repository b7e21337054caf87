"""The bundles to mutate: small, one of each kind, with their outputs before any change."""

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

from keras_sparse_export.io.inputs import Input, Inputs, read_inputs

ROWS = 16
"""Rows to encode besides the golden ones; enough for drift."""
BOMB_BYTES = 5 << 28
"""More than a case may use."""


@dataclass(frozen=True)
class Base:
    """A bundle as exported."""

    folder: Path
    """Folder with `bundle` and `answers.npz`."""

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def bundle(self) -> Path:
        return self.folder / "bundle"

    @property
    def bomb(self) -> Path:
        """An archive of two arrays that grow by a factor of 200 when unpacked."""
        return self.folder.parent / "bomb.npz"

    @cached_property
    def manifest(self) -> dict[str, Any]:
        return json.loads((self.bundle / "manifest.json").read_text("utf-8"))

    @cached_property
    def answers(self) -> dict[str, np.ndarray]:
        """Rows `x` and the outputs of plain onnxruntime for them, by name.

        Also `int8`, computed row by row, and `drift`, the score of all rows.
        """
        with np.load(self.folder / "answers.npz") as arrays:
            return dict(arrays)


def load(folder: Path) -> list[Base]:
    """Load the bundles that `build` wrote."""
    return [Base(file.parent) for file in sorted(folder.glob("*/answers.npz"))]


def build(folder: Path, bomb_bytes: int = BOMB_BYTES) -> list[Base]:
    """Export one bundle of each kind, and write an archive that is far larger when unpacked."""
    import keras

    from keras_sparse_export import export_encoder

    for name, (model, arguments) in _build_models().items():
        keras.utils.set_random_seed(0)
        x = np.random.default_rng(0).normal(size=(256 + ROWS, *arguments.pop("shape")))
        x = (3 * x + 1).astype(np.float32)
        whole = arguments.pop("whole", 0)  # leading numbers that are whole
        x[:, :whole] = np.clip(np.rint(20 * x[:, :whole]), 0, 255)
        if arguments.pop("real"):
            arguments["sample"] = x[ROWS:]
        encoder = model()
        if hasattr(encoder, "adapt"):
            encoder.adapt(x)
        base = Base(folder / name)
        export_encoder(encoder, base.bundle, **arguments)
        answers: dict[str, Any] = _compute_answers(base, x[:ROWS])
        np.savez(base.folder / "answers.npz", **answers)
    _write_bomb(folder / "bomb.npz", bomb_bytes)
    return load(folder)


def _build_models() -> dict[str, tuple[Callable[[], Any], dict[str, Any]]]:
    from keras import Input, Model, Sequential, layers

    from keras_sparse import KL, L1, BatchTopK, SparseAutoencoder

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

    def two_inputs() -> Any:
        x, y = Input((3,), dtype="uint8", name="pixels"), Input((2, 2), name="numbers")
        h = layers.Concatenate()([layers.Rescaling(1 / 255)(x), layers.Flatten()(y)])
        return Model([x, y], layers.Dense(5, activation="relu", name="code")(h))

    def jumping() -> Any:
        model = Sequential([Input((6,)), layers.Dense(9), BatchTopK(3, name="code")])
        model.layers[-1].calibrate(np.random.default_rng(1).normal(size=(64, 9)).astype("float32"))
        return model

    def lengths() -> Any:
        x = Input((None, 3))
        h = layers.GlobalMaxPooling1D()(layers.Conv1D(7, 2, activation="tanh")(x))
        return Model(x, layers.Dense(5, activation="relu", name="code")(h))

    return {
        "lengths": (
            lengths,
            {"shape": (6, 3), "real": True, "layer": "code", "free_length": True, "top_k": 2},
        ),
        "two_inputs": (
            two_inputs,
            {"shape": (7,), "whole": 3, "real": True, "layer": "code", "converter": "builder"},
        ),
        "jumping": (
            jumping,
            {"shape": (6,), "real": True, "layer": "code", "top_k": 2, "converter": "builder"},
        ),
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
    """Compute all outputs of an ONNX file with plain onnxruntime, from packed rows."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    inputs = Inputs(Input(x.name, _list_sizes(x.shape[1:])) for x in session.get_inputs())
    return dict(zip(names, session.run(None, inputs.split(rows)), strict=True))


def _list_sizes(dims: list[int | str]) -> tuple[int | None, ...]:
    return tuple(size if isinstance(size, int) else None for size in dims)


def split_rows(base: Base, array: np.ndarray) -> np.ndarray:
    """Return the rows of an array as the encoder takes them, perhaps shorter than its longest."""
    inputs = read_inputs(base.manifest)
    for shape in (array.shape, array.shape[1:]):
        if inputs.least is not None and inputs[0].admits(shape):
            return array.reshape(-1, *shape)
    return array.reshape(-1, *inputs.row_shape)


def _compute_answers(base: Base, x: np.ndarray) -> dict[str, np.ndarray]:
    from keras_sparse_export import Encoder

    answers = {"x": x, **run(base.bundle / "encoder.onnx", x)}
    if "decoder.onnx" in base.manifest["files"]:
        answers |= run(base.bundle / "decoder.onnx", answers["code"])
    if "encoder.int8.onnx" in base.manifest["files"]:
        parts = [run(base.bundle / "encoder.int8.onnx", row[np.newaxis])["code"] for row in x]
        answers["int8"] = np.concatenate(parts)
    if base.manifest["statistics"] is not None:
        answers["drift"] = np.array(Encoder(base.bundle).drift(x).score)
    return answers


def _write_bomb(file: Path, size: int) -> None:
    """Write arrays of zeros that grow by a factor of 200; the first number of `x` is NaN."""
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
