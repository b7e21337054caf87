"""Whether a bundle is whole, and whether its encoder answers here as it did when it was written."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from keras_sparse_export import bundle, fidelity, top_k
from keras_sparse_export.bundle import VerificationError
from keras_sparse_export.session import Half

Open = Callable[[str], Half]
"""Opens a file of the bundle, by its name."""


@dataclass(frozen=True)
class Verification:
    """What `Encoder.verify` looked at."""

    files: int
    """Files whose size and hash agree with the manifest."""
    golden: str
    """`"real"`, `"synthetic"` or `"none"`: where the golden rows come from."""
    parity: fidelity.Parity | None
    """How far the codes of the golden rows are from those in the bundle."""
    decoder_parity: fidelity.Parity | None
    """The same for the reconstructions, where there is a decoder."""
    int8_parity: fidelity.Parity | None
    """The same for the codes in int8, where the bundle has them."""


def verify(folder: Path, manifest: dict[str, Any], opened: Open) -> Verification:
    """Compare every file with its hash, and the answers on the golden rows with theirs.

    Raises:
        VerificationError: If anything differs; it is named.
    """
    bundle.check_files(folder, manifest)
    files, kind = manifest["files"], manifest["golden"]["kind"]
    if kind == "none":
        return Verification(len(files), kind, None, None, None)
    golden = _Golden(folder, manifest)
    return Verification(
        len(files),
        kind,
        _encoder(golden, opened("encoder.onnx")),
        _decoder(golden, opened("decoder.onnx")) if "decoder.onnx" in files else None,
        _int8(golden, opened("encoder.int8.onnx")) if "encoder.int8.onnx" in files else None,
    )


class _Golden:
    """The golden rows and answers of a bundle."""

    def __init__(self, folder: Path, manifest: dict[str, Any]) -> None:
        self.manifest = manifest
        self._folder = folder
        self.x = self.read("golden_x.f32", manifest["input"]["shape"])
        self.code = self.read("golden_code.f32", manifest["output"]["shape"])

    def read(self, file: str, shape: list[int]) -> np.ndarray:
        values = np.fromfile(self._folder / file, "<i4" if file.endswith("i32") else "<f4")
        rows = self.manifest["golden"]["rows"]
        try:
            return values.reshape(rows, *shape).astype(values.dtype.newbyteorder("="))
        except (TypeError, ValueError) as error:
            raise VerificationError(
                f"Expected {rows} rows of shape {tuple(shape)} in `{file}`. Received: "
                f"{values.size} numbers"
            ) from error


def _encoder(golden: _Golden, encoder: Half) -> fidelity.Parity:
    found = _agreement("encoder.onnx", encoder, golden.x, golden.code)
    if (entry := golden.manifest["top_k"]) is not None:
        shape = [*golden.manifest["output"]["shape"][:-1], entry["k"]]
        wanted = (
            golden.read("golden_values.f32", shape),
            golden.read("golden_indices.i32", shape),
        )
        given = encoder.all(golden.x, list(top_k.OUTPUTS))
        if not top_k.agree(golden.code, wanted, given, fidelity.tolerance(golden.code)):
            raise VerificationError(
                f"Expected `encoder.onnx` to give the golden values and indices of its "
                f"{entry['k']} largest codes. Received: others"
            )
    return found


def _decoder(golden: _Golden, decoder: Half) -> fidelity.Parity:
    x_hat = golden.read("golden_x_hat.f32", golden.manifest["input"]["shape"])
    return _agreement("decoder.onnx", decoder, golden.code, x_hat)


def _int8(golden: _Golden, encoder: Half) -> fidelity.Parity:
    """One row at a time, as the golden codes were computed: a batch may share a scale."""
    expected = golden.read("golden_code.int8.f32", golden.manifest["output"]["shape"])
    codes = np.stack([encoder(row) for row in golden.x])
    tolerance = golden.manifest["int8"]["golden_tolerance"]
    error = fidelity.max_abs_error(expected, codes)
    return _required("encoder.int8.onnx", fidelity.Parity(error, tolerance, len(codes), (1,)))


def _agreement(name: str, half: Half, rows: np.ndarray, expected: np.ndarray) -> fidelity.Parity:
    return _required(name, fidelity.parity(lambda batch: expected[: len(batch)], half, rows))


def _required(name: str, found: fidelity.Parity) -> fidelity.Parity:
    if not found.passed:
        raise VerificationError(
            f"Expected `{name}` to give the golden answers within {found.tolerance:.3g}. Received: "
            f"a difference of {found.max_abs_error:.3g}"
        )
    return found
