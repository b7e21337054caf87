"""Open a file of a bundle, or a bare file, and hold it to its description."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from keras_sparse_export.bundle import reading
from keras_sparse_export.bundle.entries import admits_gaps, get_windows
from keras_sparse_export.bundle.format import ENCODERS, LITERT, TFLITE
from keras_sparse_export.errors import BundleError
from keras_sparse_export.litert_file.sessions import LiteRTSession
from keras_sparse_export.onnx_file.sessions import OrtSession
from keras_sparse_export.runtime import verification
from keras_sparse_export.runtime.onnx_model import OnnxModel, Session

CUT = "encoder.windows.cut(samples), or encoder.stream for chunks of them"
"""What makes rows of samples, for a bundle of windows."""
RUNTIMES = ("onnxruntime", LITERT)


@dataclass(frozen=True)
class Options:
    """How files are opened, with the arguments of `Encoder`.

    Raises:
        ValueError: If one is out of range.
    """

    variant: str
    runtime: str
    threads: int
    spin: bool
    check: bool
    allow: tuple[str, ...]

    def __post_init__(self) -> None:
        if isinstance(self.threads, bool) or not isinstance(self.threads, int) or self.threads < 1:
            raise ValueError(
                "Invalid value for argument `threads`. Expected a positive integer. "
                f"Received: threads={self.threads!r}"
            )
        for name, choices in (("variant", tuple(ENCODERS)), ("runtime", RUNTIMES)):
            if (value := getattr(self, name)) not in choices:
                raise ValueError(
                    f"Invalid value for argument `{name}`. Expected one of {choices}. "
                    f"Received: {name}={value!r}"
                )
        if self.runtime == LITERT and (self.variant != "float32" or self.spin):
            raise ValueError(
                "Invalid value for argument `runtime`. Expected 'onnxruntime' for another variant "
                f"than float32, and for threads that spin. Received: runtime={self.runtime!r}, "
                f"variant={self.variant!r}, spin={self.spin!r}"
            )

    @property
    def encoder(self) -> str:
        """Name of the encoder's file in a bundle."""
        return TFLITE if self.runtime == LITERT else ENCODERS[self.variant]

    def open_in_onnxruntime(self, data: bytes, file: Path) -> Session:
        """Open a file in onnxruntime."""
        return OrtSession(data, file, threads=self.threads, spin=self.spin)


def open_file(
    path: Path, manifest: dict[str, Any] | None, name: str, options: Options
) -> OnnxModel:
    """Load a file and, in a bundle, compare it with its description in the manifest.

    Args:
        path: Folder of the bundle, or path of a bare file.
        manifest: Manifest of the bundle; `None` of a bare file.
        name: Name of the file in the bundle.
        options: How it is opened.

    Raises:
        BundleError: If there is no such file, or it cannot be used.
        VerificationError: If it differs from its description.
    """
    if manifest is None:
        return _open_bare_file(path, options)
    _require_listed(path, manifest, name, options)
    read = partial(reading.read_content, path, manifest, check=options.check)
    # A .tflite file does not describe itself: its limits are those of the ONNX file.
    onnx_name = ENCODERS["float32"] if name == TFLITE else name

    def open_session(data: bytes, file: Path) -> Session:
        if name == TFLITE:
            return LiteRTSession(read(TFLITE), path / TFLITE, threads=options.threads)
        return options.open_in_onnxruntime(data, file)

    decodes = name == "decoder.onnx"
    model = OnnxModel(
        partial(read, onnx_name),
        path / onnx_name,
        "h" if decodes else "x",
        open_session,
        options.allow,
        gaps=admits_gaps(manifest) and not decodes,
        inputs=verification.list_inputs(manifest, onnx_name),
        remedy="" if decodes or get_windows(manifest) is None else CUT,
    )
    verification.require_described(manifest, name, model)
    if options.check:
        verification.compare_with_golden(path, manifest, name, model)
    return model


def _open_bare_file(path: Path, options: Options) -> OnnxModel:
    if options.encoder != ENCODERS["float32"]:
        raise BundleError(
            "Expected a bundle, which may have variants and a file for LiteRT. Received: "
            f"the file {path}, variant={options.variant!r}, runtime={options.runtime!r}"
        )
    read = partial(_read_bare_file, path)
    return OnnxModel(read, path, "x", options.open_in_onnxruntime, options.allow)


def _read_bare_file(path: Path) -> bytes:
    try:
        return reading.read_file(path)
    except OSError as error:
        raise BundleError(f"Expected an .onnx file. Received: {error}") from error


def _require_listed(path: Path, manifest: dict[str, Any], name: str, options: Options) -> None:
    if name in manifest["files"]:
        return
    if name == TFLITE:
        raise BundleError(
            f"Expected a bundle with `{TFLITE}`. Received: {path}. Remedy: "
            "export_encoder(..., litert=True)"
        )
    raise BundleError(
        f"Invalid value for argument `variant`. Expected a variant of the bundle. "
        f"Received: variant={options.variant!r}, for {path}. Remedy: keras-sparse-export "
        f"quantize BUNDLE --calibration DATA --mode {options.variant}"
    )
