"""One ONNX file, opened in onnxruntime and run on checked rows."""

import math
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from keras_sparse_export.bundle import BundleError
from keras_sparse_export.rows import NUMBERS, as_float32, as_rows, require_finite

CHUNK_ROWS, CHUNK_VALUES = 1024, 1 << 18
"""A chunk has so many rows, or more if they and their results are short."""
DTYPES: dict[str, type[np.generic]] = {"tensor(float)": np.float32, "tensor(int32)": np.int32}


class Half:
    """An encoder or a decoder: rows in, the first output out, or others by name.

    One row goes through buffers that each thread binds to the session once, which costs less than
    `InferenceSession.run`; more rows go in chunks.

    Args:
        file: An ONNX file with one float input.
        argument: Name of the argument that brings its rows, for errors.
        threads: Threads of onnxruntime.
        spin: Whether idle threads spin while they wait.

    Raises:
        BundleError: If onnxruntime does not load the file, or its inputs or outputs are others.
    """

    def __init__(self, file: Path, argument: str, threads: int, spin: bool) -> None:
        self.argument = argument
        self.session = _open(file, threads, spin)
        inputs = self.session.get_inputs()
        if len(inputs) != 1 or inputs[0].type != "tensor(float)":
            found = ", ".join(f"{each.name} {each.type}" for each in inputs)
            raise BundleError(f"Expected one float input in {file}. Received: {found or 'none'}")
        self.input = inputs[0].name
        self.input_shape = _row_shape(inputs[0], file)
        outputs = self.session.get_outputs()
        self.outputs = {each.name: (_row_shape(each, file), _dtype(each, file)) for each in outputs}
        self.output = outputs[0].name
        self.output_shape = self.outputs[self.output][0]
        longer = max(math.prod(self.input_shape), math.prod(self.output_shape))
        self.chunk_rows = max(CHUNK_ROWS, CHUNK_VALUES // longer)
        self._bound = _Bound(self)

    def __call__(self, x: Any, first: int = 0) -> np.ndarray:
        """The first output for checked rows; one row in, one row out.

        Args:
            x: Rows, or one row.
            first: Number of the first row, for errors.

        Raises:
            ValueError: If these are not finite numbers of the right shape; the rows are named.
        """
        if type(x) is np.ndarray and x.dtype.kind in NUMBERS:
            if x.shape == self.input_shape:
                if (result := self._bound.run(x)) is not None:
                    return result[0]
            elif x.shape == self._bound.shape and (result := self._bound.run(x)) is not None:
                return result
        return self.all(x, [self.output], first)[0]

    def all(self, x: Any, names: list[str], first: int = 0) -> list[np.ndarray]:
        """Outputs by name; otherwise as a call."""
        rows, single = as_rows(x, self.input_shape, self.argument)
        if len(rows) <= self.chunk_rows:
            results = self._run(rows, names, first)
        else:
            results = [
                np.empty((len(rows), *shape), dtype)
                for shape, dtype in (self.outputs[name] for name in names)
            ]
            for start in range(0, len(rows), self.chunk_rows):
                chunk = slice(start, start + self.chunk_rows)
                parts = self._run(rows[chunk], names, first + start)
                for result, part in zip(results, parts, strict=True):
                    result[chunk] = part
        return [result[0] for result in results] if single else results

    def _run(self, rows: np.ndarray, names: list[str], first: int) -> list[np.ndarray]:
        chunk = as_float32(rows)
        results: list[np.ndarray] = self.session.run(names, {self.input: chunk})
        require_finite(chunk, self.argument, first)  # now that they lie in the caches
        return results


class _Bound(threading.local):
    """The calling thread's own buffers for one row, bound to the session."""

    def __init__(self, half: Half) -> None:
        self._session = half.session
        self.shape = (1, *half.input_shape)
        self._x = np.zeros(self.shape, np.float32)
        self._result = np.zeros((1, *half.output_shape), np.float32)
        self._flat = self._x.reshape(-1)
        self._tiny = np.full_like(self._flat, 2**-64)
        self._binding = self._session.io_binding()
        for bind, name, array in (
            (self._binding.bind_input, half.input, self._x),
            (self._binding.bind_output, half.output, self._result),
        ):
            bind(name, "cpu", 0, np.float32, array.shape, array.ctypes.data)

    def run(self, row: np.ndarray) -> np.ndarray | None:
        """The result for one row, or `None` if it is not finite."""
        if row.dtype == np.float32:
            np.copyto(self._x, row)
        else:
            with np.errstate(over="ignore"):  # costs more than all else here
                np.copyto(self._x, row, casting="unsafe")
        # One pass of fast code: the sum of x·2⁻⁶⁴ is finite when all of x is, and never else.
        try:
            if not math.isfinite(self._flat.dot(self._tiny)):
                return None
        except RuntimeWarning:  # of ∞ − ∞, where warnings are errors
            return None
        self._session.run_with_iobinding(self._binding)
        return self._result.copy()


def _open(file: Path, threads: int, spin: bool) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(spin)))
    try:
        return ort.InferenceSession(os.fspath(file), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own exceptions share no public base
        reason = str(error).strip().splitlines()[0]
        raise BundleError(
            f"Expected an ONNX model that onnxruntime {ort.__version__} loads. Received: {file} "
            f"({reason})"
        ) from error


def _row_shape(value: Any, file: Path) -> tuple[int, ...]:
    shape = tuple(value.shape[1:])
    if not value.shape or not all(isinstance(size, int) for size in shape):
        raise BundleError(
            f"Expected `{value.name}` of a fixed shape behind the batch in {file}. Received: "
            f"{value.shape}"
        )
    return shape


def _dtype(value: Any, file: Path) -> type[np.generic]:
    if value.type not in DTYPES:
        raise BundleError(
            f"Expected float or int32 outputs in {file}. Received: {value.name} {value.type}"
        )
    return DTYPES[value.type]
