"""Run an encoder on a device, with numpy and onnxruntime alone, or in LiteRT."""

import math
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import onnxruntime as ort

from keras_sparse_export.bundle import reading
from keras_sparse_export.bundle.entries import (
    admits_gaps,
    counts_signed_codes,
    find_target,
    get_columns,
    get_windows,
    require_onnxruntime,
)
from keras_sparse_export.bundle.format import FRONT_END, LITERT, SCORES
from keras_sparse_export.bundle.manifest import read_manifest
from keras_sparse_export.drift import score
from keras_sparse_export.drift.alarms import verdicts
from keras_sparse_export.drift.alarms.verdicts import Verdict
from keras_sparse_export.drift.columns import score_columns
from keras_sparse_export.drift.score import Drift
from keras_sparse_export.errors import BundleError
from keras_sparse_export.io import activity
from keras_sparse_export.io.columns import order_by_name
from keras_sparse_export.io.inputs import Inputs
from keras_sparse_export.onnx_file import operators
from keras_sparse_export.runtime import thresholds, top_k, verification
from keras_sparse_export.runtime.onnx_model import OnnxModel
from keras_sparse_export.runtime.opening import Options, open_file
from keras_sparse_export.runtime.reconstruction import require_scale, squared_errors
from keras_sparse_export.runtime.rows import as_float32, as_rows
from keras_sparse_export.runtime.sparse_codes import SparseCodes, TopK
from keras_sparse_export.runtime.verification import Verification
from keras_sparse_export.signals.windows import Windows, WindowStream, choose_windows

STREAMED = ("code", "score", "verdict")
"""What `Encoder.stream` yields."""


class Encoder:
    """Runs the encoder of a bundle, or a bare `.onnx` file.

    Several threads may share one encoder. It can be pickled: the copy opens the same path. As a
    context manager it closes at the end of the block.

    Args:
        path: Folder of the bundle, or path of an ONNX file with float inputs whose first output is
            the code.
        variant: `"float32"`, or `"int8"` or `"float16"` for a smaller file that a bundle may have.
        runtime: `"onnxruntime"`, or `"litert"` for a bundle with `encoder.tflite`, float32 alone.
            Limits, gates and rows that may overflow are still examined with `encoder.onnx`, and a
            decoder runs in onnxruntime.
        l0: A lower mean number of active units per row than that of the bundle, which then needs
            thresholds and their calibration. The last threshold is raised to the one that had this
            L0 on the sample of the export; on other rows, and in int8, the L0 may differ.
        threads: Threads of the runtime for one call.
        spin: Whether idle threads of onnxruntime spin, which lowers latency but keeps cores busy.
        check: Whether to compare the hash of a file with the manifest before it is loaded, and its
            outputs on the golden rows with the golden outputs before it is used.
        allow: Additional ONNX operators to accept, in a file that you trust: their memory and time
            are not bounded.

    Raises:
        BundleError: If there is no usable bundle or file at `path`, no such variant, or no
            calibration for `l0`.
        ModuleNotFoundError: If the runtime is not installed.
        ValueError: If an argument is out of range, such as an `l0` above the bundle's own.
        VerificationError: If the file differs from its description in the manifest.

    Example:
        ```python
        encoder = keras_sparse_export.Encoder("encoder")
        codes = encoder.encode(rows)    # (rows, units), float32
        code = encoder.encode(row)      # one row in, one row out
        code = encoder.encode({"temperature": 21.5, "humidity": 0.4})  # columns in any order
        codes = encoder.encode({"tokens": tokens, "mask": mask})  # of an encoder with two inputs
        data, indices, indptr = encoder.encode_sparse(rows)  # only the active units
        for codes in encoder.stream(chunks):  # in constant memory
            ...
        for codes in encoder.stream(chunks, window=64, hop=32):  # windows of a signal
            ...
        errors = encoder.errors(rows)   # of each column, in the space of the loss
        score, threshold, alarm = encoder.verdict(rows)  # with a stated rate of false alarms
        encoder.verify()
        ```
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        variant: str = "float32",
        runtime: str = "onnxruntime",
        l0: float | None = None,
        threads: int = 1,
        spin: bool = False,
        check: bool = True,
        allow: Iterable[str] = (),
    ) -> None:
        self._options = Options(
            variant, runtime, threads, spin, check, operators.require_allow(allow)
        )
        self.path = reading.require_path(path)
        self.variant, self.runtime = variant, runtime
        self.threads, self.spin = threads, spin
        self.manifest: dict[str, Any] | None = None
        if self.path.is_dir():
            self.manifest = read_manifest(self.path)
            require_onnxruntime(self.manifest, ort.__version__)
        self.l0 = l0
        self._raised: float | None = None
        if l0 is not None:
            self._raised = thresholds.find_threshold(self.manifest, self.path, l0)
        self._encoder: OnnxModel | None = self._open(self._options.encoder)
        self._decoder: OnnxModel | None = None
        self._scorers: dict[str, OnnxModel] = {}
        self.input_shape = self._encoder.input_shape
        self.code_shape = self._encoder.output_shape

    @property
    def inputs(self) -> Inputs:
        """Name, shape and numbers of each input.

        Rows of several inputs are given by name, or *packed*: the numbers of all inputs, one input
        after another. `input_shape` is the shape of a packed row.
        """
        return self._require_open().inputs

    @property
    def columns(self) -> tuple[str, ...] | None:
        """Names of the columns of a row, in their order; `None` if the bundle has none.

        With them, rows with names may have their columns in any order. Rows without names are taken
        by position.
        """
        return None if self.manifest is None else get_columns(self.manifest)

    @property
    def categories(self) -> dict[str, tuple[str, ...]]:
        """Of each column that stands for several of `columns`, its categories.

        Rows with names may hold it as text: `pump` for the columns `pump=A` and `pump=B`. A
        category that the encoder does not know is an error that names it.
        """
        return dict(getattr(self.columns, "categories", {}))

    @property
    def windows(self) -> Windows | None:
        """How a signal is cut into rows; `None` if the bundle does not say that it is."""
        return get_windows(self.manifest)

    @property
    def has_decoder(self) -> bool:
        """Whether the bundle has a decoder."""
        return self.manifest is not None and "decoder.onnx" in self.manifest["files"]

    @property
    def feature_shape(self) -> tuple[int, ...]:
        """Shape of what is reconstructed of a row: its own, or that of the front end's features."""
        return self.input_shape if self.manifest is None else find_target(self.manifest)[1]

    @property
    def threshold(self) -> float | None:
        """τ: a unit is active when `|code| > τ`. `None` for a bare file.

        With `l0` it is at least the raised threshold.
        """
        if self.manifest is None:
            return None
        own = float(self.manifest["threshold"])
        return own if self._raised is None else max(own, self._raised)

    @property
    def signed(self) -> bool:
        """Whether negative codes can be active; in a bundle of format 1, active is `code > τ`."""
        return self.manifest is None or counts_signed_codes(self.manifest)

    @property
    def admits_gaps(self) -> bool:
        """Whether rows may have gaps, which are NaN."""
        return admits_gaps(self.manifest)

    @property
    def chunk_rows(self) -> int:
        """Maximum number of rows in one run; more rows are run in chunks."""
        return self._require_open().chunk_rows

    def find_code_shape(self, row_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of the code of a row; of shorter rows it may have fewer positions.

        Args:
            row_shape: `input_shape`, or with `lengths` in the manifest one down to its `least`.

        Raises:
            ValueError: If the encoder takes no rows of this shape.
        """
        encoder = self._require_open()
        return encoder.find_form(row_shape).outputs[encoder.output][0]

    # Rows in, codes out -------------------------------------------------------------------------

    def encode(self, x: Any) -> np.ndarray:
        """Return the codes of raw rows, float32.

        Args:
            x: Numbers of any dtype, `(rows, *input_shape)`, or one row, `input_shape`. A matrix of
                SciPy is made dense `chunk_rows` rows at a time. The columns of a table (pandas,
                polars, Arrow) or a mapping are ordered by name. NaN is a gap if the manifest has
                `missing`; a row needs an entry. With `lengths` in the manifest the rows of a call
                have one shape, from its `least` to `input_shape`. Of several `inputs` a mapping of
                their names to arrays, or a list of arrays in their order.

        Returns:
            `(rows, *code_shape)`, or `code_shape` for one row; of shorter rows fewer positions.

        Raises:
            ValueError: If the shape is wrong, values are not finite numbers, nor gaps where there
                may be some, or not the whole numbers that an input takes, or columns or inputs have
                other names; the message names the rows, the columns or the inputs.
            RangeError: If rows overflow float32; the message names them.
        """
        if type(x) is not np.ndarray:
            x = self._order(x)
        encoder = self._encoder
        codes = self._require_open()(x) if encoder is None else encoder(x)
        return codes if self._raised is None else thresholds.cut(codes, self._raised)

    def is_active(self, h: Any) -> np.ndarray:
        """Return whether units are active, `|h| > τ`, for codes of any shape.

        τ is that of the bundle, 0 for a bare file. In a bundle of format 1, active is `h > τ`.
        """
        codes = np.asarray(h, np.float32)
        return activity.is_active(codes, self.threshold or 0.0, signed=self.signed)

    def encode_sparse(self, x: Any, *, threshold: float | None = None) -> SparseCodes:
        """Return the active units of raw rows, `(data, indices, indptr)`; see `.to_scipy()`.

        Dense codes are computed and dropped in chunks. Codes with positions are flattened in C
        order.

        Args:
            x: As in `encode`; one row gives one sparse row.
            threshold: τ, 0 or more; by default the bundle's, 0 for a bare file.

        Raises:
            ValueError: As in `encode`, or if the threshold is not a finite number of 0 or more.
        """
        if threshold is not None:
            threshold = activity.require_threshold(threshold)
        encoder = self._require_open()
        rows, _ = self._as_rows(x, encoder.inputs.least)
        units = math.prod(self.find_code_shape(rows.shape[1:]))
        step = encoder.find_form(rows.shape[1:]).chunk_rows
        chunks = (rows[start : start + step] for start in range(0, rows.shape[0], step))
        if threshold is None:
            threshold = self.threshold or 0.0
        codes = (chunk.reshape(-1, units) for chunk in self._stream(chunks, self._encode))
        return SparseCodes.from_dense(codes, units, threshold, signed=self.signed)

    def encode_top_k(self, x: Any) -> TopK:
        """Return the k codes of largest magnitude of raw rows and their units, `(values, indices)`.

        A bundle of format 1 has the k largest codes.

        Raises:
            BundleError: If the bundle was written without `top_k`.
            ValueError: As in `encode`.
        """
        encoder, x = self._require_open(), self._order(x)
        if not set(top_k.OUTPUTS) <= set(encoder.outputs):
            raise BundleError(
                f"Expected a bundle with the outputs `values` and `indices`. Received: {self.path}"
                ". Remedy: export_encoder(..., top_k=k)"
            )
        if self._raised is not None:  # the file selects from the codes before the cut
            k = encoder.outputs[top_k.VALUES][0][-1]
            return TopK(*top_k.select_largest(self.encode(x), k))
        return TopK(*encoder.run(x, list(top_k.OUTPUTS)))

    def stream(
        self,
        chunks: Iterable[Any],
        *,
        window: int | None = None,
        hop: int | None = None,
        of: str = "code",
    ) -> Iterator[Any]:
        """Yield the codes of each chunk of raw rows, or of windows of a signal, in constant memory.

        Chunks are **samples** if the bundle has `windows`, or if `hop` is given here; otherwise
        they are rows. Samples come in chunks of any size, `(n,)` or `(n, channels)`, and the codes
        of a window as soon as its last sample is there: those of `windows.cut` of all samples,
        whatever the chunks are. Samples at the end that fill no window give nothing.

        Args:
            chunks: Inputs of `encode`, one after another, or samples.
            window: Samples of a window; the length of the encoder's rows.
            hop: Samples from the start of a window to that of the next one. For a bundle with
                `windows` both may only repeat what the manifest says, so that a device cannot use
                others by mistake.
            of: `"code"`; `"score"` or `"verdict"` yields what these methods return.

        Raises:
            BundleError: As `score` and `verdict`.
            ValueError: As in `encode`, with rows or windows counted from the start of the first
                chunk; if `window` or `hop` differ from the manifest's; or if samples have another
                number of channels.
        """
        if of not in STREAMED:
            raise ValueError(
                f"Invalid value for argument `of`. Expected one of {STREAMED}. Received: of={of!r}"
            )
        self._require_open()
        windows = choose_windows(self.windows, self.input_shape, window, hop)
        if windows is not None:
            stream = WindowStream(windows)
            chunks = (rows for chunk in chunks if len(rows := stream.push(chunk).rows))
        if of == "code":
            return self._stream(chunks, self._encode)
        scores = self._stream(chunks, self._score)
        if of == "score":
            return scores
        alarm = verdicts.require_alarm(self.manifest, self.path, self.variant)
        return map(partial(verdicts.judge, alarm=alarm), scores)

    def _stream(
        self, chunks: Iterable[Any], compute: Callable[[Any, int], np.ndarray]
    ) -> Iterator[np.ndarray]:
        """Yield what becomes of each chunk of rows; errors count them from the first chunk."""
        first = 0
        for chunk in chunks:
            rows = self._order(chunk)
            yield compute(rows, first)
            first += 1 if np.ndim(rows) == len(self.input_shape) else np.shape(rows)[0]

    def _encode(self, rows: Any, first: int) -> np.ndarray:
        codes = self._require_open()(rows, first)
        return codes if self._raised is None else thresholds.cut(codes, self._raised)

    def decode(self, h: Any) -> np.ndarray:
        """Return the reconstructions of codes, in the space of raw rows.

        If the manifest has `features`, those of the features that a front end makes of raw rows.

        Raises:
            BundleError: If the bundle has no decoder.
            ValueError: As in `encode`.
        """
        self._require_open()
        if self._decoder is None:
            self._require_decoder()
            self._decoder = self._open("decoder.onnx")
        return self._decoder(h)

    def errors(self, x: Any) -> np.ndarray:
        """Return the squared errors of the reconstructions, `((x − x̂) / scale)²`, float64.

        The scale is that of the model's loss, one for each column, 1 without scaling: a column
        counts alike whatever its unit. The mean over the columns is the error of a row. If the
        manifest has `features`, they are the errors of these, which `score.onnx` computes.

        Args:
            x: Raw rows, as in `encode`.

        Returns:
            An array of the shape of the rows, or `(rows, *feature_shape)`.

        Raises:
            BundleError: If the bundle has no decoder, not the scale of its columns, or a front end
                and no scores.
            ValueError: As in `encode`.
        """
        self._require_decoder()
        scale = require_scale(self.manifest, self.path)
        rows, single = self._as_rows(x)
        codes, targets = self._compute_targets(rows)
        errors = squared_errors(targets, self.decode(codes), scale)
        return errors[0] if single else errors

    def score(self, x: Any) -> np.ndarray:
        """Return the score of each row, float32: high where it is unlike the training rows.

        The mean of `errors` over the entries of a row, of one run of encoder and decoder, at the
        bundle's own thresholds whatever `l0` is.

        Args:
            x: Raw rows, as in `encode`.

        Returns:
            `(rows,)`, or one number for one row.

        Raises:
            BundleError: If the bundle has no scores, or none of the variant.
            ValueError: As in `encode`.
            RangeError: As in `encode`; such a row is no less unlike the others.
        """
        return self._score(x if type(x) is np.ndarray else self._order(x), 0)

    def _score(self, rows: Any, first: int) -> np.ndarray:
        verdicts.require_score(self.manifest, self.path, self.variant)
        return self._open_scorer(self.variant)(rows, first, name="score")

    def verdict(self, x: Any) -> Verdict:
        """Return the score of each row, the threshold, and whether it is an alarm: `score > t`.

        In int8 both are its own, as is the `alarm` in `manifest["int8"]["score"]`.
        `manifest["score"]["alarm"]` has the rate of false alarms, and what it rests on. Where its
        `estimate` is not `None`, the calibration had too few rows or recordings to show the rate:
        the threshold is then an estimate.

        Raises:
            BundleError: If the bundle has no threshold of the score, and as in `score`.
            ValueError: As in `encode`.
        """
        alarm = verdicts.require_alarm(self.manifest, self.path, self.variant)
        return verdicts.judge(self.score(x), alarm)

    def drift(self, x: Any) -> Drift:
        """Compare a batch with the sample that the bundle was exported with.

        Rows must be independent draws, not neighbours in a series. Batches must be independent,
        too, for false alarms to occur at the stated rate. The codes compared are those at the
        bundle's own thresholds, which its statistics describe, whatever `l0` is.

        Args:
            x: Raw rows, as in `encode`, 16 or more.

        Raises:
            BundleError: If the bundle has no statistics, or their sample was too small, or the
                variant is not float32.
            ValueError: If there are too few rows, and as in `encode`.
        """
        if self.manifest is None:
            raise BundleError(
                "Expected a bundle, which has statistics to compare with. Received: the file "
                f"{self.path}"
            )
        if self.variant != "float32":
            raise BundleError(
                "Expected the variant float32, which the statistics describe. Received: "
                f"variant={self.variant!r}"
            )
        rows, _ = self._as_rows(x)
        codes = self._require_open()(rows)
        statistics, threshold = self.manifest["statistics"], float(self.manifest["threshold"])
        drift = score.measure_drift(codes, statistics, threshold, signed=self.signed)
        columns = score_columns(as_float32(rows), statistics)
        return replace(drift, columns=columns, names=self.columns)

    def verify(self) -> Verification:
        """Compare every file with its hash, and outputs on the golden rows with golden outputs.

        Raises:
            VerificationError: If anything differs; the message names the file.
            BundleError: If this is a bare file, which has nothing to compare with.
        """
        if self.manifest is None:
            raise BundleError(
                f"Expected a bundle, which has hashes to verify. Received: the file {self.path}"
            )
        opened = {
            self._options.encoder: self._require_open(),
            "decoder.onnx": self._decoder,
            **{SCORES[name]: model for name, model in self._scorers.items()},
        }

        def open_model(name: str) -> OnnxModel:
            return opened.get(name) or self._open(name)

        litert = self.runtime == LITERT
        return verification.verify(self.path, self.manifest, open_model, litert=litert)

    # Open and closed ----------------------------------------------------------------------------

    def close(self) -> None:
        """Release the memory; the encoder cannot be used afterwards."""
        self._encoder = self._decoder = None
        self._scorers = {}

    def __enter__(self) -> "Encoder":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopen, (self.path, {**asdict(self._options), "l0": self.l0})

    def _order(self, x: Any) -> Any:
        """Pack rows by inputs, and order columns with names; other rows stay as they are."""
        packed, _ = self._require_open().inputs.pack(x, "x")
        return order_by_name(x, self.columns, "x") if packed is x else packed

    def _as_rows(self, x: Any, least: tuple[int, ...] | None = None) -> tuple[Any, bool]:
        """Return rows in order, and whether they are one row; see `as_rows`."""
        remedy = self._require_open().remedy
        return as_rows(self._order(x), self.input_shape, "x", least, remedy)

    def _compute_targets(self, rows: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return the codes of rows, and what their reconstructions stand for."""
        if self.manifest is None or FRONT_END not in self.manifest:
            return self.encode(rows), as_float32(rows)
        verdicts.require_score(self.manifest, self.path)
        codes, features = self._open_scorer("float32").run(rows, ["code", FRONT_END])
        if self.variant != "float32":
            return self.encode(rows), features
        return codes if self._raised is None else thresholds.cut(codes, self._raised), features

    def _open_scorer(self, variant: str) -> OnnxModel:
        if variant not in self._scorers:
            self._scorers[variant] = self._open(SCORES[variant])
        return self._scorers[variant]

    def _require_open(self) -> OnnxModel:
        if self._encoder is None:
            raise ValueError(f"Expected an open encoder. Received: a closed encoder of {self.path}")
        return self._encoder

    def _require_decoder(self) -> None:
        if not self.has_decoder:
            raise BundleError(
                f"Expected a bundle with a decoder. Received: {self.path}"
                f"{verdicts.suggest(self.manifest, 'decoder=True')}"
            )

    def _open(self, name: str) -> OnnxModel:
        return open_file(self.path, self.manifest, name, self._options)


def _reopen(path: Path, options: dict[str, Any]) -> Encoder:
    return Encoder(path, **options)
