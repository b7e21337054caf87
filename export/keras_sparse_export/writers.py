"""Codes into files and onto standard output, chunk by chunk in constant memory.

A file is written aside and takes its name when it is complete.
"""

import json
import math
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TextIO

import numpy as np
from numpy.lib import format as npy

KINDS = ("npy", "npz", "csv", "jsonl")
COPY_BYTES = 1 << 20


class Writer(Protocol):
    """Takes codes chunk by chunk."""

    def write(self, numbers: Sequence[int], codes: np.ndarray, faults: Mapping[int, str]) -> None:
        """Write codes.

        Args:
            numbers: Of every code, the number of its row in the input.
            codes: `(rows, *code_shape)`, float32.
            faults: Why a code is NaN, by its place in `codes`.
        """

    def finish(self) -> None:
        """Write what is known at the end alone."""


@contextmanager
def opened(
    target: str,
    code_shape: tuple[int, ...],
    *,
    kind: str | None = None,
    threshold: float | None = None,
    dense: bool = False,
    overwrite: bool = False,
) -> Iterator[Writer]:
    """A writer of codes; what it wrote takes its name when the block ends without an error.

    Args:
        target: A file, or `-` for standard output, which is flushed with every chunk.
        code_shape: Shape of one code.
        kind: `"npy"` and `"csv"` (dense), `"npz"` (CSR, as SciPy's `load_npz` reads it; codes of
            several axes are flattened) or `"jsonl"`; by default the file's ending, and `"jsonl"`
            on standard output.
        threshold: Units whose code exceeds it are active; CSR and JSON lines hold these alone.
        dense: Whether JSON lines hold whole codes instead.
        overwrite: Whether an existing file may be replaced.

    Raises:
        FileExistsError: If there is a file and it may not be replaced.
        ValueError: If there is no such kind, or `threshold` is missing where it is needed.
    """
    kind = kind_of(target, kind)
    if threshold is None and (kind == "npz" or (kind == "jsonl" and not dense)):
        raise ValueError(
            "Invalid value for argument `--threshold`. Expected a number above which a unit is "
            "active, which a bare .onnx file does not tell. Received: none. Remedy: --threshold 0"
        )
    if target == "-":
        yield _text_writer(sys.stdout, kind, threshold, dense, flush=True)
        return
    path = Path(target)
    require_target(path, overwrite=overwrite)
    path.parent.mkdir(parents=True, exist_ok=True)
    staging = path.with_name(f".{path.name}.keras-sparse-new")
    try:
        with ExitStack() as stack:
            writer: Writer
            if kind in ("csv", "jsonl"):
                text = stack.enter_context(staging.open("w", encoding="utf-8", newline="\n"))
                writer = _text_writer(text, kind, threshold, dense, flush=False)
            elif kind == "npz":
                assert threshold is not None
                stream = stack.enter_context(staging.open("wb"))
                writer = _Csr(stream, code_shape, threshold, path.parent, stack)
            else:
                writer = _Npy(stack.enter_context(staging.open("wb")), code_shape)
            yield writer
            writer.finish()
        staging.replace(path)
    finally:
        staging.unlink(missing_ok=True)


def kind_of(target: str, kind: str | None) -> str:
    """What is to be written to a target.

    Raises:
        ValueError: If it is not known, or cannot be written there.
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
    """Refuse a file that may not be replaced.

    Raises:
        FileExistsError: If there is one.
    """
    if path.exists() and not overwrite:
        raise FileExistsError(
            f"Invalid value for argument `--output`. Expected a new file. Received: {path}, which "
            "exists. Remedy: --overwrite"
        )


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
        # numpy leaves room in it for any number of rows: it keeps its length.
        _write_header(self._stream, "<f4", (self._rows, *self._code_shape))


def _write_header(stream: Any, dtype: str, shape: tuple[int, ...]) -> None:
    npy.write_array_header_1_0(stream, {"descr": dtype, "fortran_order": False, "shape": shape})


class _Csr:
    """The arrays of `scipy.sparse.save_npz`, each in a nameless file until all is known."""

    def __init__(
        self,
        stream: BinaryIO,
        code_shape: tuple[int, ...],
        threshold: float,
        folder: Path,
        stack: ExitStack,
    ) -> None:
        self._stream, self._units, self._threshold = stream, math.prod(code_shape), threshold
        self._rows, self._stored = 0, 0
        self._spools: dict[str, tuple[str, Any]] = {
            name: (dtype, stack.enter_context(tempfile.TemporaryFile(dir=folder)))  # noqa: SIM115  (the stack closes it)
            for name, dtype in (("data", "<f4"), ("indices", "<i4"), ("indptr", "<i8"))
        }
        self._append("indptr", np.zeros(1))

    def write(self, numbers: Sequence[int], codes: np.ndarray, faults: Mapping[int, str]) -> None:
        codes = _flat(codes)
        rows, units = np.nonzero(codes > self._threshold)
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


def _text_writer(
    stream: TextIO, kind: str, threshold: float | None, dense: bool, *, flush: bool
) -> Writer:
    return _Csv(stream, flush) if kind == "csv" else _Jsonl(stream, flush, threshold, dense)


class _Csv:
    """Whole codes without a header, in nine digits, which tell every float32."""

    def __init__(self, stream: TextIO, flush: bool) -> None:
        self._stream, self._flush = stream, flush

    def write(self, numbers: Sequence[int], codes: np.ndarray, faults: Mapping[int, str]) -> None:
        codes = _flat(codes)
        line = ",".join(["%.9g"] * codes.shape[1]) + "\n"
        self._stream.write(line * len(codes) % tuple(codes.ravel().tolist()))
        if self._flush:
            self._stream.flush()

    def finish(self) -> None:
        pass


class _Jsonl:
    def __init__(self, stream: TextIO, flush: bool, threshold: float | None, dense: bool) -> None:
        self._stream, self._flush = stream, flush
        self._threshold = None if dense else threshold

    def write(self, numbers: Sequence[int], codes: np.ndarray, faults: Mapping[int, str]) -> None:
        bodies = self._whole(codes) if self._threshold is None else self._active(codes)
        # JSON knows neither NaN nor infinity: a code with one is told as a fault, too.
        broken = np.flatnonzero(~np.isfinite(_flat(codes)).all(axis=1))
        for place in broken.tolist():
            reason = faults.get(place, "NaN or infinity in the code")
            bodies[place] = f'"error": {json.dumps(reason)}'
        lines = zip(numbers, bodies, strict=True)
        self._stream.write("".join(f'{{"row": {number}, {body}}}\n' for number, body in lines))
        if self._flush:
            self._stream.flush()

    def finish(self) -> None:
        pass

    def _active(self, codes: np.ndarray) -> list[str]:
        codes = _flat(codes)
        rows, units = np.nonzero(codes > self._threshold)
        indices, values = list(map(str, units.tolist())), _texts(codes[rows, units])
        ends = np.cumsum(np.bincount(rows, minlength=len(codes))).tolist()
        return [
            f'"indices": [{", ".join(indices[start:end])}], '
            f'"values": [{", ".join(values[start:end])}]'
            for start, end in pairwise([0, *ends])
        ]

    def _whole(self, codes: np.ndarray) -> list[str]:
        if codes.ndim > 2:
            return [f'"code": {json.dumps(code)}' for code in codes.tolist()]
        return [f'"code": [{", ".join(_texts(code))}]' for code in codes]


def _flat(codes: np.ndarray) -> np.ndarray:
    return codes.reshape(len(codes), math.prod(codes.shape[1:]))


def _texts(values: np.ndarray) -> list[str]:
    return ["%.9g" % value for value in values.tolist()]  # noqa: UP031  (twice as fast)
