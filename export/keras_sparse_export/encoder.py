"""The runtime: an encoder on a device, with numpy and onnxruntime alone."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from keras_sparse_export import bundle, fidelity
from keras_sparse_export.bundle import BundleError, VerificationError

CHUNK_ROWS = 1024
FILES = {"float32": "encoder.onnx", "int8": "encoder.int8.onnx"}


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
    int8_parity: fidelity.Parity | None = None
    """The same for the encoder in int8, where there is one, row by row."""


class Encoder:
    """Runs the encoder of a bundle, or a bare `.onnx` file.

    Args:
        path: The bundle's folder, or an ONNX file with one input and one output.
        variant: `"float32"`, or `"int8"` where the bundle has it.
        threads: Threads of onnxruntime. Idle threads do not spin.
        check: Whether to compare the hash of the file with the manifest before it is loaded.

    Raises:
        BundleError: If there is no usable bundle or file at `path`.
        VerificationError: If the file is not the one that the manifest describes.

    Example:
        ```python
        encoder = keras_sparse_export.Encoder("encoder")
        codes = encoder.encode(rows)   # (rows, units), float32
        code = encoder.encode(row)     # one row in, one row out
        encoder.verify()
        ```
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        variant: str = "float32",
        threads: int = 1,
        check: bool = True,
    ) -> None:
        if variant not in FILES:
            raise ValueError(
                f"Invalid value for argument `variant`. Expected one of {tuple(FILES)}. Received: "
                f"variant={variant!r}"
            )
        if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
            raise ValueError(
                "Invalid value for argument `threads`. Expected a positive integer. "
                f"Received: threads={threads!r}"
            )
        self.path = Path(path)
        self.variant = variant
        self.threads = threads
        self._check = check
        self._decoder: ort.InferenceSession | None = None
        self.manifest: dict[str, Any] | None = None
        if self.path.is_dir():
            self.manifest = bundle.read_manifest(self.path)
            self._session = self._open(self._file(variant))
        elif self.path.is_file():
            self._session = _session(self.path, threads)
        else:
            raise BundleError(
                f"Invalid value for argument `path`. Expected a bundle or an .onnx file. Received: "
                f"{self.path}, which does not exist"
            )
        self.input_shape = _row_shape(self._session.get_inputs(), "input", self.path)
        self.code_shape = _row_shape(self._session.get_outputs(), "output", self.path)

    @property
    def has_decoder(self) -> bool:
        """Whether the bundle has a decoder."""
        return self.manifest is not None and "decoder.onnx" in self.manifest["files"]

    @property
    def threshold(self) -> float | None:
        """τ: a unit is active when its code exceeds it. `None` for a bare file."""
        return None if self.manifest is None else float(self.manifest["threshold"])

    def encode(self, x: Any) -> np.ndarray:
        """Codes of raw rows, float32.

        Args:
            x: Numbers of any dtype, `(rows, *input_shape)`, or one row, `input_shape`.

        Returns:
            `(rows, *code_shape)`, or `code_shape` for one row.

        Raises:
            ValueError: If the shape is wrong, or values are not numbers or not finite; the rows
                are named.
        """
        return _run(self._session, x, self.input_shape, "x")

    def decode(self, h: Any) -> np.ndarray:
        """Raw rows from codes; as `encode`, the other way.

        Raises:
            BundleError: If the bundle has no decoder.
            ValueError: As in `encode`.
        """
        if self._decoder is None:
            if not self.has_decoder:
                raise BundleError(
                    f"Expected a bundle with a decoder. Received: {self.path}. Remedy: "
                    "export_encoder(..., decoder=True)"
                )
            self._decoder = self._open("decoder.onnx")
        return _run(self._decoder, h, self.code_shape, "h")

    def verify(self) -> Verification:
        """Compare every file with its hash, and the answers on the golden rows with theirs.

        Raises:
            VerificationError: If anything differs; it is named.
            BundleError: For a bare file, which has nothing to be compared with.
        """
        if self.manifest is None:
            raise BundleError(
                f"Expected a bundle, which carries what to verify. Received: the file {self.path}"
            )
        bundle.check_files(self.path, self.manifest)
        golden = self.manifest["golden"]
        if golden["kind"] == "none":
            return Verification(len(self.manifest["files"]), "none", None, None)
        x = self._golden("x", self.input_shape)
        code = self._golden("code", self.code_shape)
        found = _agreement("encoder.onnx", x, code, self._run_of("float32"))
        decoded = (
            _agreement("decoder.onnx", code, self._golden("x_hat", self.input_shape), self.decode)
            if self.has_decoder
            else None
        )
        int8 = self._int8_agreement(x) if FILES["int8"] in self.manifest["files"] else None
        return Verification(len(self.manifest["files"]), golden["kind"], found, decoded, int8)

    def _int8_agreement(self, x: np.ndarray) -> fidelity.Parity:
        """One row at a time, as the golden codes were computed: a batch may share a scale."""
        assert self.manifest is not None
        run = self._run_of("int8")
        codes = np.concatenate([run(x[place : place + 1]) for place in range(len(x))])
        error = fidelity.max_abs_error(self._golden("code.int8", self.code_shape), codes)
        tolerance = self.manifest["int8"]["golden_tolerance"]
        found = fidelity.Parity(error, tolerance, len(x), (1,))
        return _require_agreement(FILES["int8"], found)

    def _run_of(self, variant: str) -> fidelity.Run:
        if variant == self.variant:
            return self.encode
        session = self._open(self._file(variant))
        return lambda rows: _run(session, rows, self.input_shape, "x")

    def _file(self, variant: str) -> str:
        """The file of a variant, if the bundle has it."""
        assert self.manifest is not None
        if FILES[variant] not in self.manifest["files"]:
            raise BundleError(
                f"Invalid value for argument `variant`. Expected one that the bundle has. "
                f"Received: variant={variant!r} of {self.path}. Remedy: keras-sparse-export "
                f"quantize {self.path} --calibration DATA"
            )
        return FILES[variant]

    def _golden(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        assert self.manifest is not None
        values = np.fromfile(self.path / f"golden_{name}.f32", "<f4")
        rows = self.manifest["golden"]["rows"]
        try:
            return values.reshape(rows, *shape).astype(np.float32)
        except (TypeError, ValueError) as error:
            raise VerificationError(
                f"Expected {rows} rows of shape {shape} in `golden_{name}.f32`. Received: "
                f"{values.size} numbers"
            ) from error

    def _open(self, name: str) -> ort.InferenceSession:
        assert self.manifest is not None
        if self._check:
            bundle.check_files(self.path, self.manifest, [name])
        return _session(self.path / name, self.threads)


def _session(file: Path, threads: int) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # A thread that waits for the next row by spinning takes a core from everything else.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return ort.InferenceSession(os.fspath(file), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own exceptions share no public base
        reason = str(error).strip().splitlines()[0]
        raise BundleError(
            f"Expected an ONNX model that onnxruntime {ort.__version__} loads. Received: {file} "
            f"({reason})"
        ) from error


def _row_shape(values: list[Any], what: str, path: Path) -> tuple[int, ...]:
    if len(values) != 1 or values[0].type != "tensor(float)":
        found = ", ".join(f"{value.name} {value.type}" for value in values)
        raise BundleError(f"Expected one float {what} in {path}. Received: {found or 'none'}")
    shape = tuple(values[0].shape[1:])
    if not all(isinstance(size, int) for size in shape):
        raise BundleError(
            f"Expected an {what} of a fixed shape behind the batch in {path}. Received: "
            f"{values[0].shape}"
        )
    return shape


def _run(
    session: ort.InferenceSession, x: Any, shape: tuple[int, ...], argument: str
) -> np.ndarray:
    rows, single = _rows(x, shape, argument)
    (input_,), (output,) = session.get_inputs(), session.get_outputs()
    parts = [
        session.run([output.name], {input_.name: rows[start : start + CHUNK_ROWS]})[0]
        for start in range(0, max(len(rows), 1), CHUNK_ROWS)
    ]
    result: np.ndarray = parts[0] if len(parts) == 1 else np.concatenate(parts)
    return result[0] if single else result


def _rows(x: Any, shape: tuple[int, ...], argument: str) -> tuple[np.ndarray, bool]:
    try:
        rows = np.asarray(x)
    except ValueError as error:
        raise ValueError(
            f"Invalid value for argument `{argument}`. Expected rows of one length. Received: "
            f"ragged rows ({error})"
        ) from error
    if rows.dtype.kind not in "biuf":
        raise ValueError(
            f"Invalid dtype of argument `{argument}`. Expected numbers. Received: {rows.dtype}"
        )
    single = rows.shape == shape
    if single:
        rows = rows[np.newaxis]
    if rows.shape[1:] != shape:
        wanted = ", ".join(str(size) for size in shape)
        raise ValueError(
            f"Invalid shape of argument `{argument}`. Expected (rows, {wanted}) or ({wanted},). "
            f"Received: {rows.shape}"
        )
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinity, and is reported
        rows = np.ascontiguousarray(rows, np.float32)
    if not np.isfinite(rows).all():
        bad = np.flatnonzero(~np.isfinite(rows).reshape(len(rows), -1).all(axis=1)).tolist()
        more = f" and {len(bad) - 5} more" if len(bad) > 5 else ""
        raise ValueError(
            f"Invalid value for argument `{argument}`. Expected finite numbers. Received: NaN or "
            f"infinity in rows {', '.join(map(str, bad[:5]))}{more}"
        )
    return rows, single


def _agreement(
    name: str, rows: np.ndarray, expected: np.ndarray, run: fidelity.Run
) -> fidelity.Parity:
    def reference(batch: np.ndarray) -> np.ndarray:
        return expected[: len(batch)]

    return _require_agreement(name, fidelity.parity(reference, run, rows))


def _require_agreement(name: str, found: fidelity.Parity) -> fidelity.Parity:
    if not found.passed:
        raise VerificationError(
            f"Expected `{name}` to give the golden answers within {found.tolerance:.3g}. Received: "
            f"a difference of {found.max_abs_error:.3g}"
        )
    return found
