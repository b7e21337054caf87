"""The runtime: an encoder on a device, with numpy and onnxruntime alone."""

import math
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import onnxruntime as ort

from keras_sparse_export import contents, drift, operators, top_k, verification
from keras_sparse_export.bundle import BundleError
from keras_sparse_export.drift import Drift
from keras_sparse_export.manifest import read_manifest, require_onnxruntime
from keras_sparse_export.rows import as_rows
from keras_sparse_export.session import Half
from keras_sparse_export.sparse import SparseCodes, TopK
from keras_sparse_export.verification import Verification

FILES = {"float32": "encoder.onnx", "int8": "encoder.int8.onnx"}


class Encoder:
    """Runs the encoder of a bundle, or a bare `.onnx` file.

    Several threads may use one encoder. It can be pickled: the copy opens the same path. As a
    context manager it closes at the end of the block.

    Args:
        path: The bundle's folder, or an ONNX file with one float input, whose first output is the
            code.
        variant: `"float32"`, or `"int8"` for the smaller file that a bundle may have.
        threads: Threads of onnxruntime for one call.
        spin: Whether its idle threads spin, which answers sooner and takes cores from all others.
        check: Whether to compare the hash of a file with the manifest before it is loaded, and its
            answers on the golden rows with theirs before it is used.
        allow: Names of ONNX operators to let pass beside those that an encoder needs, in a file
            that you trust: what they take is not bounded.

    Raises:
        BundleError: If there is no usable bundle or file at `path`, or no such variant.
        VerificationError: If the file is not the one that the manifest describes.

    Example:
        ```python
        encoder = keras_sparse_export.Encoder("encoder")
        codes = encoder.encode(rows)    # (rows, units), float32
        code = encoder.encode(row)      # one row in, one row out
        data, indices, indptr = encoder.encode_sparse(rows)  # the active units alone
        for codes in encoder.stream(chunks):  # in constant memory
            ...
        encoder.verify()
        ```
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        variant: str = "float32",
        threads: int = 1,
        spin: bool = False,
        check: bool = True,
        allow: Iterable[str] = (),
    ) -> None:
        if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
            raise ValueError(
                "Invalid value for argument `threads`. Expected a positive integer. "
                f"Received: threads={threads!r}"
            )
        if variant not in FILES:
            raise ValueError(
                f"Invalid value for argument `variant`. Expected one of {tuple(FILES)}. "
                f"Received: variant={variant!r}"
            )
        self.path = Path(path).absolute()
        self.variant = variant
        self.threads = threads
        self.spin = spin
        self._check, self._allow = check, operators.require_allow(allow)
        self.manifest: dict[str, Any] | None = None
        if self.path.is_dir():
            self.manifest = read_manifest(self.path)
            require_onnxruntime(self.manifest, ort.__version__)
        elif not self.path.exists():
            raise BundleError(
                f"Invalid value for argument `path`. Expected a bundle or an .onnx file. Received: "
                f"{self.path}, which does not exist"
            )
        self._encoder: Half | None = self._open(FILES[variant])
        self._decoder: Half | None = None
        self.input_shape = self._encoder.input_shape
        self.code_shape = self._encoder.output_shape

    @property
    def has_decoder(self) -> bool:
        """Whether the bundle has a decoder."""
        return self.manifest is not None and "decoder.onnx" in self.manifest["files"]

    @property
    def threshold(self) -> float | None:
        """τ: a unit is active when its code exceeds it. `None` for a bare file."""
        return None if self.manifest is None else float(self.manifest["threshold"])

    @property
    def chunk_rows(self) -> int:
        """Rows that are run in one go; more go in several."""
        return self._opened().chunk_rows

    # Rows in, codes out -------------------------------------------------------------------------

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
        encoder = self._encoder
        return self._opened()(x) if encoder is None else encoder(x)

    def encode_sparse(self, x: Any, *, threshold: float | None = None) -> SparseCodes:
        """The active units of raw rows, as `(data, indices, indptr)`; `.to_scipy()` makes a matrix.

        Dense codes are made and dropped in chunks. Of codes with positions, units count through
        all of them, in C order.

        Args:
            x: As in `encode`; one row gives one sparse row.
            threshold: A unit is active above it; by default the bundle's τ, for a bare file 0.

        Raises:
            ValueError: As in `encode`.
        """
        rows, _ = as_rows(x, self.input_shape, "x")
        units = math.prod(self.code_shape)
        step = self.chunk_rows
        chunks = (rows[start : start + step] for start in range(0, len(rows), step))
        if threshold is None:
            threshold = self.threshold or 0.0
        codes = (each.reshape(-1, units) for each in self.stream(chunks))
        return SparseCodes.of(codes, units, threshold)

    def encode_top_k(self, x: Any) -> TopK:
        """The k largest codes of raw rows and their units, `(values, indices)`.

        Raises:
            BundleError: If the bundle was written without `top_k`.
            ValueError: As in `encode`.
        """
        encoder = self._opened()
        if not set(top_k.OUTPUTS) <= set(encoder.outputs):
            raise BundleError(
                f"Expected a bundle with the outputs `values` and `indices`. Received: {self.path}"
                ". Remedy: export_encoder(..., top_k=k)"
            )
        return TopK(*encoder.all(x, list(top_k.OUTPUTS)))

    def stream(self, chunks: Iterable[Any]) -> Iterator[np.ndarray]:
        """Codes of each chunk of raw rows, as it comes; nothing is kept.

        Args:
            chunks: What `encode` takes, again and again.

        Raises:
            ValueError: As in `encode`, with the row counted from the start of the first chunk.
        """
        encoder, first = self._opened(), 0
        for chunk in chunks:
            codes = encoder(chunk, first)
            yield codes
            first += 1 if codes.shape == self.code_shape else len(codes)

    def decode(self, h: Any) -> np.ndarray:
        """Raw rows from codes; as `encode`, the other way.

        Raises:
            BundleError: If the bundle has no decoder.
            ValueError: As in `encode`.
        """
        self._opened()
        if self._decoder is None:
            if not self.has_decoder:
                raise BundleError(
                    f"Expected a bundle with a decoder. Received: {self.path}. Remedy: "
                    "export_encoder(..., decoder=True)"
                )
            self._decoder = self._open("decoder.onnx")
        return self._decoder(h)

    def drift(self, x: Any) -> Drift:
        """Compare a batch with the sample that the bundle was exported with.

        Rows must be independent draws, not neighbours in a series; and so must batches be, for
        their alarms to come at the stated rate.

        Args:
            x: Raw rows, as in `encode`, 16 or more.

        Raises:
            BundleError: If the bundle holds no statistics, or of too small a sample, or the
                variant is another than float32.
            ValueError: If there are too few rows, and as in `encode`.
        """
        if self.manifest is None:
            raise BundleError(
                "Expected a bundle, which carries what to compare with. Received: the file "
                f"{self.path}"
            )
        if self.variant != "float32":
            raise BundleError(
                "Expected the variant float32, whose codes the statistics are of. Received: "
                f"variant={self.variant!r}"
            )
        codes = self.encode(x)
        if codes.ndim == len(self.code_shape):
            codes = codes[np.newaxis]  # one row, which is refused by how many it is
        return drift.drift(codes, self.manifest["statistics"], float(self.manifest["threshold"]))

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
        here = {FILES[self.variant]: self._opened(), "decoder.onnx": self._decoder}

        def opened(name: str) -> Half:
            return here.get(name) or self._open(name)

        return verification.verify(self.path, self.manifest, opened)

    # Open and closed ----------------------------------------------------------------------------

    def close(self) -> None:
        """Give the memory back; the encoder cannot be used again."""
        self._encoder = self._decoder = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopen, (
            self.path, self.variant, self.threads, self.spin, self._check, self._allow,
        )  # fmt: skip

    def _opened(self) -> Half:
        if self._encoder is None:
            raise ValueError(f"Expected an open encoder. Received: a closed one, of {self.path}")
        return self._encoder

    def _open(self, name: str) -> Half:
        """A file, looked at, loaded and, in a bundle, held to what the manifest says of it."""
        if self.manifest is None:
            if self.variant != "float32":
                raise BundleError(
                    f"Expected a bundle, which may have variants. Received: the file {self.path}, "
                    f"variant={self.variant!r}"
                )
            return self._half(self._bare(), self.path, "x")
        if name not in self.manifest["files"]:
            raise BundleError(
                f"Invalid value for argument `variant`. Expected one that the bundle has. "
                f"Received: variant={self.variant!r}, for {self.path}. Remedy: keras-sparse-export "
                "quantize BUNDLE --calibration DATA"
            )
        data = contents.content(self.path, self.manifest, name, check=self._check)
        half = self._half(data, self.path / name, "h" if name == "decoder.onnx" else "x")
        _require_as_described(self.manifest, name, half)
        if self._check:
            verification.answers(self.path, self.manifest, name, half)
        return half

    def _half(self, data: bytes, file: Path, argument: str) -> Half:
        return Half(data, file, argument, self.threads, self.spin, self._allow)

    def _bare(self) -> bytes:
        try:
            return contents.bare(self.path)
        except OSError as error:
            raise BundleError(f"Expected an .onnx file. Received: {error}") from error


def _require_as_described(manifest: dict[str, Any], name: str, half: Half) -> None:
    """Hold names and shapes of a file to those of the manifest."""
    x, code = manifest["input"], manifest["output"]
    described: dict[str, Any] = {"top_k": None}
    if name == "decoder.onnx":
        x, code = code, {"name": "x_hat", "shape": x["shape"]}
    elif manifest["top_k"] is not None:
        described["top_k"] = manifest["top_k"]["k"]
    described |= {"input": f"{x['name']} {x['shape']}", "output": f"{code['name']} {code['shape']}"}
    values = half.outputs.get(top_k.VALUES)
    found = {
        "input": f"{half.input} {list(half.input_shape)}",
        "output": f"{half.output} {list(half.output_shape)}",
        "top_k": values[0][-1] if values is not None and values[0] else None,
    }
    for part, value in found.items():
        if value != described[part]:
            raise BundleError(
                f"Expected `{part}` of `{name}` as in its manifest, {described[part]}. "
                f"Received: {value}"
            )


def _reopen(
    path: Path, variant: str, threads: int, spin: bool, check: bool, allow: tuple[str, ...]
) -> Encoder:
    return Encoder(path, variant=variant, threads=threads, spin=spin, check=check, allow=allow)
