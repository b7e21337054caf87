"""One ONNX file, looked at, opened in onnxruntime and run on checked rows."""

import math
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from keras_sparse_export import onnx_reader, operators
from keras_sparse_export.bundle import BundleError
from keras_sparse_export.manifest import MAX_ROW_VALUES
from keras_sparse_export.onnx_reader import FLOAT, INT32, Value
from keras_sparse_export.opening import open_session, reason
from keras_sparse_export.rows import NUMBERS, as_float32, as_rows, require_finite
from keras_sparse_export.sizes import Sizes

CHUNK_ROWS, CHUNK_VALUES = 1024, 1 << 18
"""A chunk has so many rows, or more if they and their results are short."""
DTYPES: dict[int, type[np.generic]] = {FLOAT: np.float32, INT32: np.int32}


class Half:
    """An encoder or a decoder: rows in, the first output out, or others by name.

    One row goes through buffers that each thread binds to the session once, which costs less than
    `InferenceSession.run`; more rows go in chunks.

    Args:
        data: An ONNX file with one float input.
        file: Where it is from, for errors.
        argument: Name of the argument that brings its rows, for errors.
        threads: Threads of onnxruntime.
        spin: Whether idle threads spin while they wait.
        allow: Operators to let pass beside those of an encoder.

    Raises:
        BundleError: If the file is none, holds what it should not, needs too much memory, is not
            loaded by onnxruntime, or its inputs or outputs are others.
    """

    def __init__(
        self,
        data: bytes,
        file: Path,
        argument: str,
        threads: int = 1,
        spin: bool = False,
        allow: Sequence[str] = (),
    ) -> None:
        self.argument, self._file = argument, file
        model = onnx_reader.read(data, file)
        operators.require_allowed(model, file, allow)
        x, outputs = _only_input(model, file), model.graph.outputs
        self.input, self.input_shape = x.name, _row_shape(x, file)
        self.outputs = {each.name: (_row_shape(each, file), _dtype(each, file)) for each in outputs}
        self.output = outputs[0].name
        self.output_shape, dtype = self.outputs[self.output]
        if dtype is not np.float32:
            raise BundleError(
                f"Expected a first output of floats in {file}. Received: {self.output!r}, of "
                f"{dtype.__name__}"
            )
        longer = max(math.prod(self.input_shape), math.prod(self.output_shape))
        self._sizes = Sizes(model, file, len(data), vouched=bool(allow))
        self.chunk_rows = self._sizes.fitting(max(CHUNK_ROWS, CHUNK_VALUES // longer))
        self.session = open_session(data, file, threads=threads, spin=spin)
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
        self._sizes.require(len(chunk))
        try:
            results: list[np.ndarray] = self.session.run(names, {self.input: chunk})
        except Exception as error:
            require_finite(chunk, self.argument, first)
            raise self.failed(error) from error
        require_finite(chunk, self.argument, first)  # now that they lie in the caches
        for name, result in zip(names, results, strict=True):
            shape, dtype = self.outputs[name]
            if result.shape != (len(chunk), *shape) or result.dtype != dtype:
                raise BundleError(
                    f"Expected `{name}` of {self._file} as the file states it, {shape} for a row. "
                    f"Received: {result.dtype} of shape {result.shape} for {len(chunk)} rows"
                )
        return results

    def failed(self, error: Exception) -> BundleError:
        """What to raise where onnxruntime cannot run the file."""
        return BundleError(
            f"Expected {self._file} to give codes of rows in onnxruntime {ort.__version__}. "
            f"Received: {reason(error)}"
        )


class _Bound(threading.local):
    """The calling thread's own buffers for one row, bound to the session."""

    def __init__(self, half: Half) -> None:
        self._half, self._session = half, half.session
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
        try:
            self._session.run_with_iobinding(self._binding)
        except Exception as error:
            raise self._half.failed(error) from error
        return self._result.copy()


def _only_input(model: onnx_reader.Model, file: Path) -> Value:
    constants = {each.name for each in model.graph.initializers}
    inputs = [each for each in model.graph.inputs if each.name not in constants]
    if len(inputs) != 1 or inputs[0].dtype != FLOAT or not model.graph.outputs:
        found = ", ".join(f"{each.name} of type {each.dtype}" for each in inputs)
        raise BundleError(
            f"Expected one float input and an output in {file}. Received: {found or 'none'}"
        )
    return inputs[0]


def _row_shape(value: Value, file: Path) -> tuple[int, ...]:
    shape = value.shape or ()
    sizes = tuple(size for size in shape[1:] if isinstance(size, int) and size > 0)
    if not shape or len(sizes) < len(shape) - 1 or math.prod(sizes) > MAX_ROW_VALUES:
        raise BundleError(
            f"Expected `{value.name}` of a fixed shape behind the batch in {file}, of at most "
            f"{MAX_ROW_VALUES} numbers. Received: {list(shape)}"
        )
    return sizes


def _dtype(value: Value, file: Path) -> type[np.generic]:
    if value.dtype not in DTYPES:
        raise BundleError(
            f"Expected float or int32 outputs in {file}. Received: {value.name} of type "
            f"{value.dtype}"
        )
    return DTYPES[value.dtype]
