"""Whether a bundle is whole, and whether its encoder answers here as it did when it was written."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from keras_sparse_export import contents, fidelity, top_k
from keras_sparse_export.bundle import VerificationError
from keras_sparse_export.fidelity import Parity
from keras_sparse_export.manifest import golden_shapes
from keras_sparse_export.session import Half

Open = Callable[[str], Half]
"""Opens a file of the bundle, by its name."""
INT8_SHARE = 0.1
"""Of the largest code: far more than a tie rounded the other way changes, far less than a code."""


@dataclass(frozen=True)
class Verification:
    """What `Encoder.verify` looked at."""

    files: int
    """Files whose size and hash agree with the manifest."""
    golden: str
    """`"real"`, `"synthetic"` or `"none"`: where the golden rows come from."""
    parity: Parity | None
    """How far the codes of the golden rows are from those in the bundle."""
    decoder_parity: Parity | None
    """The same for the reconstructions, where there is a decoder."""
    int8_parity: Parity | None
    """The same for the codes in int8, where the bundle has them."""


def verify(folder: Path, manifest: dict[str, Any], opened: Open) -> Verification:
    """Compare every file with its hash, and the answers on the golden rows with theirs.

    Raises:
        VerificationError: If anything differs; it is named.
    """
    contents.check_files(folder, manifest)
    files, kind = manifest["files"], manifest["golden"]["kind"]
    found = {
        name: answers(folder, manifest, name, opened(name), fidelity.GATE_BATCHES)
        for name in _ANSWERS
        if name in files and manifest["golden"]["rows"]
    }
    return Verification(len(files), kind, *(found.get(name) for name in _ANSWERS))


def answers(
    folder: Path, manifest: dict[str, Any], name: str, half: Half, batches: Sequence[int] = ()
) -> Parity | None:
    """Compare the answers of one file on the golden rows with theirs.

    Args:
        folder: The bundle.
        manifest: Its manifest.
        name: The file.
        half: The file, opened.
        batches: Sizes to try beside all golden rows at once; int8 goes row by row in any case.

    Returns:
        How far they are apart, nothing without golden rows.

    Raises:
        VerificationError: If they differ by more than is allowed, or golden files do.
    """
    golden = _Golden(folder, manifest)
    return _ANSWERS[name](golden, half, batches) if manifest["golden"]["rows"] else None


class _Golden:
    """The golden rows and answers of a bundle, as float32 and int32."""

    def __init__(self, folder: Path, manifest: dict[str, Any]) -> None:
        self.manifest = manifest
        self._folder, self._shapes = folder, golden_shapes(manifest)

    def __getitem__(self, file: str) -> np.ndarray:
        data = contents.content(self._folder, self.manifest, file)
        values = np.frombuffer(data, "<i4" if file.endswith("i32") else "<f4")
        if not np.isfinite(values).all():
            raise VerificationError(
                f"Expected finite numbers in `{file}`. Received: NaN or infinity"
            )
        return values.reshape(self._shapes[file]).astype(values.dtype.newbyteorder("="))


def _encoder(golden: _Golden, encoder: Half, batches: Sequence[int]) -> Parity:
    x, code = golden["golden_x.f32"], golden["golden_code.f32"]
    found = _agreement("encoder.onnx", encoder, x, code, batches)
    if (entry := golden.manifest["top_k"]) is not None:
        wanted = golden["golden_values.f32"], golden["golden_indices.i32"]
        given = encoder.all(x, list(top_k.OUTPUTS))
        if not top_k.agree(code, wanted, given, fidelity.tolerance(code)):
            raise VerificationError(
                f"Expected `encoder.onnx` to give the golden values and indices of its "
                f"{entry['k']} largest codes. Received: others"
            )
    return found


def _decoder(golden: _Golden, decoder: Half, batches: Sequence[int]) -> Parity:
    code, x_hat = golden["golden_code.f32"], golden["golden_x_hat.f32"]
    return _agreement("decoder.onnx", decoder, code, x_hat, batches)


def _int8(golden: _Golden, encoder: Half, batches: Sequence[int]) -> Parity:
    """One row at a time, as the golden codes were computed: a batch may share a scale."""
    x, expected = golden["golden_x.f32"], golden["golden_code.int8.f32"]
    tolerance = golden.manifest["int8"]["golden_tolerance"]
    if tolerance > (most := largest_int8_tolerance(expected)):
        raise VerificationError(
            f"Expected an `int8.golden_tolerance` of at most {most:.3g}, {INT8_SHARE} of the "
            f"largest golden code. Received: {tolerance:.3g}, with which any answer would pass"
        )
    codes = np.stack([encoder(row) for row in x])
    error = fidelity.max_abs_error(expected, codes)
    return _required("encoder.int8.onnx", Parity(error, tolerance, len(codes), (1,)))


def largest_int8_tolerance(codes: np.ndarray) -> float:
    """What golden codes of int8 may be allowed to differ by."""
    return fidelity.tolerance(codes) + INT8_SHARE * float(np.abs(codes).max(initial=0.0))


_ANSWERS = {"encoder.onnx": _encoder, "decoder.onnx": _decoder, "encoder.int8.onnx": _int8}


def _agreement(
    name: str, half: Half, rows: np.ndarray, expected: np.ndarray, batches: Sequence[int]
) -> Parity:
    found = fidelity.parity(lambda batch: expected[: len(batch)], half, rows, batches)
    return _required(name, found)


def _required(name: str, found: Parity) -> Parity:
    if not found.passed:
        raise VerificationError(
            f"Expected `{name}` to give the golden answers within {found.tolerance:.3g}. Received: "
            f"a difference of {found.max_abs_error:.3g}"
        )
    return found
