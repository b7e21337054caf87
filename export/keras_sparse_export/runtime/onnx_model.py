"""Validate one ONNX file, open it in onnxruntime and run it on checked rows."""

import hashlib
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from keras_sparse_export.bundle.format import MAX_ROW_VALUES
from keras_sparse_export.errors import BundleError, RangeError, VerificationError
from keras_sparse_export.io.inputs import NUMBERS, Input, Inputs
from keras_sparse_export.onnx_file import gates, operators, reader
from keras_sparse_export.onnx_file.memory import Sizes
from keras_sparse_export.onnx_file.model import FLOAT, INT32, Model, Value
from keras_sparse_export.onnx_file.overflow import SAFE_MAGNITUDE, OverflowChecker
from keras_sparse_export.onnx_file.sessions import OrtSession
from keras_sparse_export.runtime.rows import as_float32, as_rows, require_finite

CHUNK_ROWS, CHUNK_VALUES = 1024, 1 << 18
"""Rows of a chunk; more if rows and results are short."""
SAFE_SQUARE = SAFE_MAGNITUDE**2
ALIGNMENT = 16
"""Floats in 64 bytes, a line of the cache."""
MAX_FORMS = 1 << 10
"""Shapes of rows of which the sizes are kept."""
BAD_INDEX = "indices element out of data bounds"
"""What onnxruntime says of an index beyond a table."""
DTYPES: dict[int, type[np.generic]] = {FLOAT: np.float32, INT32: np.int32}


Outputs = dict[str, tuple[tuple[int, ...], type[np.generic]]]
"""Shape for one row, and type, of each output."""


class Form(NamedTuple):
    """What depends on the shape of a row."""

    outputs: Outputs
    sizes: Sizes
    chunk_rows: int


class Session(Protocol):
    """A file in a runtime: `OrtSession`, or `LiteRTSession`."""

    file: Path
    """Path of the file that computes, for error messages."""

    def run(self, names: Sequence[str], inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        """Return the named results of rows; may be called by several threads at once."""

    def bind(
        self, inputs: dict[str, np.ndarray], outputs: dict[str, np.ndarray]
    ) -> Callable[[], None]:
        """Return a function that computes from some arrays into others; one call at a time."""


class OnnxModel:
    """An encoder or a decoder, as its ONNX file describes it.

    A single row goes through buffers that are bound to the session once, which costs less than
    `InferenceSession.run`; more rows are run in chunks.

    Args:
        read: Returns the bytes of an ONNX file with float inputs. It is called again if rows have
            to be examined for overflow, because the weights are not kept in memory twice.
        file: Path of the file, for error messages.
        argument: Name of the caller's argument that holds the rows, for error messages.
        open_session: Opens what computes the results, from the bytes of the file and its path: by
            default the file in onnxruntime, on one thread.
        allow: Additional ONNX operators to accept.
        gaps: Whether rows may have gaps, which are NaN.
        inputs: The inputs of the file, with the numbers that they take; by default as the file
            declares them, for any numbers. Rows of several inputs are packed.
        remedy: What helps against rows of another shape, for error messages.

    Raises:
        BundleError: If the file is not a valid ONNX file, contains something that an encoder does
            not need, needs too much memory, cannot be loaded by onnxruntime, or has other inputs
            or outputs than an encoder.
    """

    def __init__(
        self,
        read: Callable[[], bytes],
        file: Path,
        argument: str,
        open_session: Callable[[bytes, Path], Session] = OrtSession,
        allow: Sequence[str] = (),
        gaps: bool = False,
        inputs: Inputs | None = None,
        remedy: str = "",
    ) -> None:
        self.argument, self._file, self._read = argument, file, read
        self.remedy = remedy
        self._gaps = gaps
        data = read()
        model = reader.read(data, file)
        operators.require_allowed(model, file, allow)
        self.inputs, outputs = _require_inputs(model, file, inputs), model.graph.outputs
        self.input_shape, self._least = self.inputs.row_shape, self.inputs.least
        self.gates = gates.find_gates(model.graph)
        self.output = outputs[0].name
        self._declared, self._forms = outputs, dict[tuple[int, ...], Form]()
        self._sizes = Sizes(model, file, len(data), vouched=bool(allow))
        self.outputs, _, self.chunk_rows = self.find_form(self.input_shape)
        self.output_shape, dtype = self.outputs[self.output]
        if dtype is not np.float32:
            raise BundleError(
                f"Expected a first output of floats in {file}. Received: {self.output!r}, of "
                f"{dtype.__name__}"
            )
        self.session = open_session(data, file)
        self._digest = hashlib.sha256(data).digest()
        self._checker: OverflowChecker | None = None
        self._row_shapes = (self.input_shape, (1, *self.input_shape))
        self._free: dict[str, list[_Buffers]] = {}

    def __call__(self, x: Any, first: int = 0, name: str | None = None) -> np.ndarray:
        """Return the first output, or another one of floats; one row in, one row out.

        Args:
            x: Rows, or one row.
            first: Number of the first row, for error messages.
            name: Name of the output; the first is computed and checked, too.

        Raises:
            ValueError: If `x` does not hold finite numbers of the right shape, or gaps where there
                may be none; the message names the rows.
            RangeError: If a row overflows float32; the message names the rows.
        """
        name = name or self.output
        if type(x) is np.ndarray and x.dtype.kind in NUMBERS and x.shape in self._row_shapes:
            # Taken out for the call: another thread, or a signal handler that interrupts this
            # call, takes others.
            try:
                buffers = self._free[name].pop()
            except (IndexError, KeyError):
                buffers = _Buffers(self, name)
            result = buffers.run(x)
            self._free.setdefault(name, []).append(buffers)
            if result is not None:
                return result[0] if x.shape == self.input_shape else result
        return self.run(x, [name], first)[0]

    def run(self, x: Any, names: list[str], first: int = 0) -> list[np.ndarray]:
        """Return the named outputs; arguments and errors are those of a call.

        The first output is computed and checked, too, if it is not among them.
        """
        rows, single = as_rows(x, self.input_shape, self.argument, self._least, self.remedy)
        form = self.find_form(rows.shape[1:])
        count = rows.shape[0]  # a sparse matrix has no length
        if count <= form.chunk_rows:
            results = self._run_chunk(rows, names, first, form)
        else:
            results = [
                np.empty((count, *shape), dtype)
                for shape, dtype in (form.outputs[name] for name in names)
            ]
            for start in range(0, count, form.chunk_rows):
                chunk = slice(start, start + form.chunk_rows)
                parts = self._run_chunk(rows[chunk], names, first + start, form)
                for result, part in zip(results, parts, strict=True):
                    result[chunk] = part
        return [result[0] for result in results] if single else results

    def find_form(self, row_shape: tuple[int, ...]) -> Form:
        """Find the outputs and the largest chunk for rows of a shape that the file takes.

        Raises:
            ValueError: If the shape is within the bounds, but the graph does not take it.
        """
        form = self._forms.get(row_shape)
        if form is None:
            try:
                form = self._measure(row_shape)
            except BundleError as error:
                if row_shape == self.input_shape:
                    raise
                raise ValueError(
                    f"Invalid shape of argument `{self.argument}`. Expected rows of a length that "
                    f"{self._file} takes. Received: rows of shape {row_shape} ({error})"
                ) from error
            if len(self._forms) >= MAX_FORMS:
                self._forms.clear()
            self._forms[row_shape] = form
        return form

    def _measure(self, row_shape: tuple[int, ...]) -> Form:
        sizes, file, declared = self._sizes, self._file, self._declared
        shapes = {}
        if self._least is None:
            shapes = {output.name: _require_row_shape(output, file) for output in declared}
        else:
            sizes = sizes.fix_lengths(row_shape)
            shapes = {output.name: sizes.find_row_shape(output.name) for output in declared}
        outputs = {x.name: (shapes[x.name], _require_dtype(x, file)) for x in declared}
        longer = max(math.prod(row_shape), math.prod(shapes[self.output]))
        return Form(outputs, sizes, sizes.fit(max(CHUNK_ROWS, CHUNK_VALUES // longer)))

    def _run_chunk(self, rows: Any, names: list[str], first: int, form: Form) -> list[np.ndarray]:
        chunk = as_float32(rows)
        form.sizes.require(len(chunk))
        checked = list(dict.fromkeys((*names, self.output)))
        if self.inputs.has_whole:  # before the run, because an index out of range ends it
            require_finite(chunk, self.argument, first, gaps=self._gaps)
            self.inputs.require_whole(chunk, self.argument, first)
        try:
            results = self.session.run(checked, self.inputs.split(chunk))
        except BundleError as error:
            require_finite(chunk, self.argument, first, gaps=self._gaps)
            if BAD_INDEX in str(error):
                self._blame_rows(chunk, first)
            raise
        for name, result in zip(checked, results, strict=True):
            shape, dtype = form.outputs[name]
            if result.shape != (len(chunk), *shape) or result.dtype != dtype:
                raise BundleError(
                    f"Expected `{name}` of {self.session.file} as the file declares it, {shape} "
                    f"per row. Received: {result.dtype} of shape {result.shape} for {len(chunk)} "
                    "rows"
                )
        # After the run, when the rows are in the caches.
        if not (all(map(_are_small, (chunk, *results))) or _are_safe(chunk, *results)):
            require_finite(chunk, self.argument, first, gaps=self._gaps)
            self._require_range(chunk, results, first)
        return results[: len(names)]

    def _blame_rows(self, rows: np.ndarray, first: int) -> None:
        """Raise for rows that hold an index out of range, each of which ends the run."""
        bad = []
        for place in range(len(rows)):
            try:
                self.session.run([self.output], self.inputs.split(rows[place : place + 1]))
            except BundleError:
                bad.append(first + place)
        if bad:
            raise RangeError(
                f"Invalid value for argument `{self.argument}`. Expected rows of whose numbers "
                f"{self._file} makes indices within its tables. Received: others in rows",
                bad,
                "an index out of range",
            )

    def _require_range(self, rows: np.ndarray, results: list[np.ndarray], first: int) -> None:
        """Raise if rows overflow, in their results or on the way to them."""
        bad = {
            index
            for result in results
            for index in np.flatnonzero(~np.isfinite(result.reshape(len(rows), -1)).all(axis=1))
        }
        large = np.flatnonzero((np.abs(rows.reshape(len(rows), -1)) > SAFE_MAGNITUDE).any(axis=1))
        if len(large):
            if self._checker is None:
                self._checker = self._open_checker()
            bad.update(large[self._checker.find_overflows(rows[large])])
        if bad:
            numbers = [first + int(index) for index in sorted(bad)]
            raise RangeError(
                f"Invalid value for argument `{self.argument}`. Expected rows that {self._file} "
                "computes without overflow in float32. Received: NaN or infinity in the results "
                "of rows",
                numbers,
            )

    def _open_checker(self) -> OverflowChecker:
        """Read the file again; only the bytes that were checked may be run."""
        try:
            data = self._read()
        except BundleError as error:
            raise VerificationError(
                f"Expected {self._file} as it was opened, to examine large rows. {error}"
            ) from error
        if hashlib.sha256(data).digest() != self._digest:
            raise VerificationError(
                f"Expected {self._file} as it was opened, to examine large rows. Received: another "
                "file; it was changed since it was opened"
            )
        return OverflowChecker(data, reader.read(data, self._file), self._file, self.inputs)


class _Buffers:
    """One row, its first output and the one that is returned, bound to the session."""

    def __init__(self, model: OnnxModel, name: str) -> None:
        names = list(dict.fromkeys((model.output, name)))
        shapes = [model.input_shape, *(model.outputs[each][0] for each in names)]
        starts = [0]
        for shape in shapes:
            starts.append(starts[-1] + -(-math.prod(shape) // ALIGNMENT) * ALIGNMENT)
        # One array, so that one pass checks all.
        self._values = np.zeros(starts[-1], np.float32)
        self._x, *results = (
            self._values[start : start + math.prod(shape)].reshape(1, *shape)
            for start, shape in zip(starts, shapes, strict=False)
        )
        outputs = dict(zip(names, results, strict=True))
        self._result, self._results = outputs[name], results
        self._inputs = model.inputs
        self._compute = model.session.bind(model.inputs.split(self._x), outputs)

    def run(self, row: np.ndarray) -> np.ndarray | None:
        """Return the result for one row, or `None` if it needs a closer look."""
        if row.dtype == np.float32:
            np.copyto(self._x, row)
        else:
            with np.errstate(over="ignore"):  # slow, so only where needed
                np.copyto(self._x, row, casting="unsafe")
        if self._inputs.has_whole and any(self._inputs.find_faults(self._x)):
            return None
        try:
            self._compute()
        except Exception:  # `OnnxModel.run` fails again, and explains it
            return None
        safe = _are_small(self._values) or _are_safe(self._x, *self._results)
        return self._result.copy() if safe else None


def _are_small(values: np.ndarray) -> bool:
    """Whether values are numbers so small that nothing overflowed; one fast pass.

    False for NaN, too. Unlike `dot`, `vdot` does not warn of overflow.
    """
    return bool(np.vdot(values, values) <= SAFE_SQUARE)


def _are_safe(rows: np.ndarray, *results: np.ndarray) -> bool:
    """Whether rows are not too large to overflow unseen, and results finite; slower, but exact."""
    return bool(np.abs(rows).max() <= SAFE_MAGNITUDE) and all(
        np.isfinite(result).all() for result in results
    )


def _require_inputs(model: Model, file: Path, described: Inputs | None) -> Inputs:
    constants = {tensor.name for tensor in model.graph.initializers}
    values = [value for value in model.graph.inputs if value.name not in constants]
    if not values or any(value.dtype != FLOAT for value in values) or not model.graph.outputs:
        listing = ", ".join(f"{value.name} of type {value.dtype}" for value in values)
        raise BundleError(
            f"Expected float inputs and an output in {file}. Received: {listing or 'none'}"
        )
    if described is not None and described.least is not None:
        found = [(value.name, [*(value.shape or ())][1:]) for value in values]
        if found != [(each.name, each.dims) for each in described]:
            raise BundleError(
                f"Expected `input` of `{file.name}` as in its manifest, {_list_inputs(described)}. "
                f"Received: {found}"
            )
        return described
    own = Inputs(Input(value.name, _require_row_shape(value, file)) for value in values)
    if math.prod(own.row_shape) > MAX_ROW_VALUES:
        raise BundleError(
            f"Expected rows of at most {MAX_ROW_VALUES} numbers in {file}. Received: "
            f"{math.prod(own.row_shape)}"
        )
    if described is None:
        return own
    if [(each.name, each.shape) for each in own] != [(each.name, each.shape) for each in described]:
        raise BundleError(
            f"Expected `input` of `{file.name}` as in its manifest, {_list_inputs(described)}. "
            f"Received: {_list_inputs(own)}"
        )
    return described


def _list_inputs(inputs: Inputs) -> str:
    return ", ".join(f"{each.name} {each.dims}" for each in inputs)


def _require_row_shape(value: Value, file: Path) -> tuple[int, ...]:
    shape = value.shape or ()
    sizes = tuple(size for size in shape[1:] if isinstance(size, int) and size > 0)
    if not shape or len(sizes) < len(shape) - 1 or math.prod(sizes) > MAX_ROW_VALUES:
        raise BundleError(
            f"Expected `{value.name}` of a fixed shape after the batch axis in {file}, of at most "
            f"{MAX_ROW_VALUES} numbers. Received: {list(shape)}"
        )
    return sizes


def _require_dtype(value: Value, file: Path) -> type[np.generic]:
    if value.dtype not in DTYPES:
        raise BundleError(
            f"Expected float or int32 outputs in {file}. Received: {value.name} of type "
            f"{value.dtype}"
        )
    return DTYPES[value.dtype]
