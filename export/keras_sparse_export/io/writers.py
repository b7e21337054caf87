"""Write codes to files and standard output, chunk by chunk in constant memory.

A file appears under its name only when it is complete.
"""

import json
import math
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TextIO

import numpy as np
from numpy.lib import format as npy

from keras_sparse_export.io.activity import is_active
from keras_sparse_export.io.files import make_exists_error, replace_file

KINDS = ("npy", "npz", "csv", "jsonl")
COPY_BYTES = 1 << 20

FindActive = Callable[[np.ndarray], np.ndarray]
Label = Callable[[int], dict[str, Any]]


class Writer(Protocol):
    """Writes codes chunk by chunk."""

    def write(self, numbers: Sequence[int], codes: np.ndarray, faults: Mapping[int, str]) -> None:
        """Write a chunk of codes.

        Args:
            numbers: Input row number of every code.
            codes: `(rows, *code_shape)`, float32.
            faults: Why a code is NaN, by its index in `codes`.
        """

    def finish(self) -> None:
        """Write what depends on all chunks."""


@contextmanager
def open_writer(
    target: str,
    code_shape: tuple[int, ...],
    *,
    kind: str | None = None,
    threshold: float | None = None,
    signed: bool = True,
    dense: bool = False,
    label: Label = lambda number: {"row": number},
    overwrite: bool = False,
) -> Iterator[Writer]:
    """Open a writer of codes; the file appears when the block ends without an error.

    Args:
        target: Path of a file, or `-` for standard output, which is flushed after every chunk.
        code_shape: Shape of one code.
        kind: `"npy"` or `"csv"` (dense), `"npz"` (CSR for SciPy's `load_npz`; codes with several
            axes are flattened) or `"jsonl"`; by default inferred from the file's suffix, `"jsonl"`
            on standard output.
        threshold: τ; CSR and JSON lines hold only the codes of active units.
        signed: As in `keras_sparse_export.io.activity.is_active`.
        dense: Whether JSON lines hold whole codes instead.
        label: What JSON lines tell of a row by its number.
        overwrite: Whether an existing file may be replaced.

    Raises:
        FileExistsError: If the file exists and may not be replaced.
        ValueError: If the kind is unknown, or `threshold` is missing where it is needed.
    """
    kind = infer_kind(target, kind)
    if threshold is None and (kind == "npz" or (kind == "jsonl" and not dense)):
        raise ValueError(
            "Invalid value for argument `--threshold`. Expected a number that the magnitude "
            "of an active code exceeds, because a bare .onnx file has none. Received: none. "
            "Remedy: --threshold 0"
        )
    find_active = None
    if threshold is not None:
        find_active = partial(is_active, threshold=threshold, signed=signed)
    if target == "-":
        yield _make_text_writer(sys.stdout, kind, find_active, dense, label, flush=True)
        return
    path = Path(target)
    require_target(path, overwrite=overwrite)
    with replace_file(path, overwrite=overwrite) as staging, ExitStack() as stack:
        writer: Writer
        if kind in ("csv", "jsonl"):
            text = stack.enter_context(staging.open("w", encoding="utf-8", newline="\n"))
            writer = _make_text_writer(text, kind, find_active, dense, label, flush=False)
        elif kind == "npz":
            assert find_active is not None
            stream = stack.enter_context(staging.open("wb"))
            writer = _Csr(stream, code_shape, find_active, path.parent, stack)
        else:
            writer = _Npy(stack.enter_context(staging.open("wb")), code_shape)
        yield writer
        writer.finish()


def infer_kind(target: str, kind: str | None) -> str:
    """Return the kind of file to write to a target.

    Raises:
        ValueError: If the kind is unknown, or cannot be written to standard output.
    """
    if target == "-":
        kind = kind or "jsonl"
        if kind not in ("csv", "jsonl"):
            raise ValueError(
                "Invalid value for argument `--to`. Expected csv or jsonl, on standard output. "
                f"Received: {kind}"
            )
    kind = kind or Path(target).suffix.lower().removeprefix(".")
    if kind not in KINDS:
        raise ValueError(
            "Invalid value for argument `--output`. Expected a file ending in .npy, .npz, .csv or "
            f".jsonl, or - for standard output. Received: {target}"
        )
    return kind


def require_target(path: Path, *, overwrite: bool) -> None:
    """Raise if a file exists and may not be replaced.

    Raises:
        FileExistsError: If so.
    """
    if path.exists() and not overwrite:
        raise make_exists_error(path)


class _Npy:
    def __init__(self, stream: BinaryIO, code_shape: tuple[int, ...]) -> None:
        self._stream, self._code_shape, self._rows = stream, code_shape, 0
        self._write_header()

    def write(self, numbers: Sequence[int], codes: np.ndarray, faults: Mapping[int, str]) -> None:
        self._stream.write(np.ascontiguousarray(codes, "<f4").data)
        self._rows += len(codes)

    def finish(self) -> None:
        self._stream.seek(0)
        self._write_header()

    def _write_header(self) -> None:
        # NumPy reserves space for any number of rows, so the header keeps its length.
        _write_header(self._stream, "<f4", (self._rows, *self._code_shape))


def _write_header(stream: Any, dtype: str, shape: tuple[int, ...]) -> None:
    npy.write_array_header_1_0(stream, {"descr": dtype, "fortran_order": False, "shape": shape})


class _Csr:
    """The arrays of `scipy.sparse.save_npz`, each in a temporary file until `finish`."""

    def __init__(
        self,
        stream: BinaryIO,
        code_shape: tuple[int, ...],
        find_active: FindActive,
        folder: Path,
        stack: ExitStack,
    ) -> None:
        self._stream, self._units, self._find_active = stream, math.prod(code_shape), find_active
        self._rows, self._stored = 0, 0
        self._spools: dict[str, tuple[str, Any]] = {
            name: (dtype, stack.enter_context(tempfile.TemporaryFile(dir=folder)))  # noqa: SIM115  (the stack closes it)
            for name, dtype in (("data", "<f4"), ("indices", "<i4"), ("indptr", "<i8"))
        }
        self._append("indptr", np.zeros(1))

    def write(self, numbers: Sequence[int], codes: np.ndarray, faults: Mapping[int, str]) -> None:
        codes = _flatten(codes)
        rows, units = np.nonzero(self._find_active(codes))
        ends = self._stored + np.cumsum(np.bincount(rows, minlength=len(codes)))
        self._append("data", codes[rows, units])
        self._append("indices", units)
        self._append("indptr", ends)
        self._rows += len(codes)
        self._stored += len(units)

    def finish(self) -> None:
        counts = {"data": self._stored, "indices": self._stored, "indptr": self._rows + 1}
        narrow = self._stored <= np.iinfo(np.int32).max  # SciPy makes indices as wide as indptr
        with zipfile.ZipFile(self._stream, "w") as archive:
            for name, (dtype, spool) in self._spools.items():
                written = "<i4" if dtype == "<i8" and narrow else dtype
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    _write_header(member, written, (counts[name],))
                    spool.seek(0)
                    while block := spool.read(COPY_BYTES):
                        member.write(np.frombuffer(block, dtype).astype(written).tobytes())
            for name, value in (
                ("shape", np.array([self._rows, self._units])),
                ("format", np.array(b"csr")),
                ("_is_array", np.array(True)),
            ):
                with archive.open(f"{name}.npy", "w") as member:
                    npy.write_array(member, value, allow_pickle=False)

    def _append(self, name: str, values: np.ndarray) -> None:
        dtype, spool = self._spools[name]
        spool.write(values.astype(dtype).tobytes())


def _make_text_writer(
    stream: TextIO,
    kind: str,
    find_active: FindActive | None,
    dense: bool,
    label: Label,
    *,
    flush: bool,
) -> Writer:
    if kind == "csv":
        return _Csv(stream, flush)
    return _Jsonl(stream, flush, None if dense else find_active, label)


class _Csv:
    """Dense codes without a header, in nine digits, which identify every float32."""

    def __init__(self, stream: TextIO, flush: bool) -> None:
        self._stream, self._flush = stream, flush

    def write(self, numbers: Sequence[int], codes: np.ndarray, faults: Mapping[int, str]) -> None:
        codes = _flatten(codes)
        line = ",".join(["%.9g"] * codes.shape[1]) + "\n"
        self._stream.write(line * len(codes) % tuple(codes.ravel().tolist()))
        if self._flush:
            self._stream.flush()

    def finish(self) -> None:
        pass


class _Jsonl:
    def __init__(
        self, stream: TextIO, flush: bool, find_active: FindActive | None, label: Label
    ) -> None:
        self._stream, self._flush, self._find_active = stream, flush, find_active
        self._label = label

    def write(self, numbers: Sequence[int], codes: np.ndarray, faults: Mapping[int, str]) -> None:
        find_active = self._find_active
        if find_active is None:
            bodies = self._format_dense(codes)
        else:
            bodies = self._format_active(_flatten(codes), find_active)
        # JSON has neither NaN nor infinity: such a code is reported as a fault, too.
        broken = np.flatnonzero(~np.isfinite(_flatten(codes)).all(axis=1))
        for place in broken.tolist():
            reason = faults.get(place, "NaN or infinity in the code")
            bodies[place] = f'"error": {json.dumps(reason)}'
        labels = (json.dumps(self._label(number))[:-1] for number in numbers)
        lines = zip(labels, bodies, strict=True)
        self._stream.write("".join(f"{label}, {body}}}\n" for label, body in lines))
        if self._flush:
            self._stream.flush()

    def finish(self) -> None:
        pass

    def _format_active(self, codes: np.ndarray, find_active: FindActive) -> list[str]:
        rows, units = np.nonzero(find_active(codes))
        indices, values = list(map(str, units.tolist())), _format_numbers(codes[rows, units])
        ends = np.cumsum(np.bincount(rows, minlength=len(codes))).tolist()
        return [
            f'"indices": [{", ".join(indices[start:end])}], '
            f'"values": [{", ".join(values[start:end])}]'
            for start, end in pairwise([0, *ends])
        ]

    def _format_dense(self, codes: np.ndarray) -> list[str]:
        if codes.ndim > 2:
            return [f'"code": {json.dumps(code)}' for code in codes.tolist()]
        return [f'"code": [{", ".join(_format_numbers(code))}]' for code in codes]


def _flatten(codes: np.ndarray) -> np.ndarray:
    return codes.reshape(len(codes), math.prod(codes.shape[1:]))


def _format_numbers(values: np.ndarray) -> list[str]:
    return ["%.9g" % value for value in values.tolist()]  # noqa: UP031  (twice as fast)
