"""The inputs of an encoder, and how a row of several inputs becomes one array.

A row of several inputs is *packed*: the numbers of all inputs, one input after another, each in C
order. So everything that handles rows handles one array; names and shapes matter where rows come
in, and where onnxruntime takes them.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, overload

import numpy as np

from keras_sparse_export.errors import list_rows

NUMBERS = "biuf"
"""Kinds of numeric dtypes: bool, integers, floats."""
UNNAMED = "x"
"""Name of the only input of a model that has no name for it; it may also be that of a column."""
MAX_WHOLE = (1 << 24) - 1
"""Float32 holds every whole number up to this one, and rounds none beyond it to one of these."""


@dataclass(frozen=True)
class Input:
    """An input of an encoder."""

    name: str
    shape: tuple[int | None, ...]
    """Shape of one row; `None` stands for an axis of any length, which no bundle has."""
    whole: tuple[int, int] | None = None
    """Least and greatest of the whole numbers that it takes; `None` for any numbers."""
    least: tuple[int, ...] | None = None
    """Shape of the shortest row, if rows may be shorter than `shape` along some axes."""

    @property
    def dims(self) -> list[int | str]:
        """Dimensions of a row in an ONNX file: names of axes along which rows may be shorter."""
        least = self.least or self.sizes
        pairs = enumerate(zip(least, self.sizes, strict=True), 1)
        return [most if low == most else f"length_{axis}" for axis, (low, most) in pairs]

    def admits(self, shape: tuple[int, ...]) -> bool:
        """Whether a row may have a shape."""
        if len(shape) != len(self.shape):
            return False
        least = [size or 1 for size in self.least or self.shape]
        trios = zip(least, shape, self.shape, strict=True)
        return all(low <= size and (high is None or size <= high) for low, size, high in trios)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Shape of one row, of which every axis has a fixed length."""
        sizes = tuple(size for size in self.shape if size is not None)
        assert len(sizes) == len(self.shape), self
        return sizes

    def describe(self) -> dict[str, Any]:
        """Return the entry of a manifest."""
        whole = None if self.whole is None else [*self.whole]
        return {"name": self.name, "shape": [*self.shape], "whole": whole}


class Inputs(Sequence[Input]):
    """The inputs of an encoder, in the order of a packed row."""

    def __init__(self, inputs: Iterable[Input]) -> None:
        self._inputs = tuple(inputs)
        self.lengths = sum(size is None for each in self for size in each.shape)
        """Number of axes of any length."""
        self.has_whole = any(each.whole is not None for each in self)
        if not self.lengths:
            self._sizes = [math.prod(each.sizes) for each in self]

    @overload
    def __getitem__(self, index: int) -> Input: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Input]: ...

    def __getitem__(self, index: int | slice) -> Input | Sequence[Input]:
        return self._inputs[index]

    def __len__(self) -> int:
        return len(self._inputs)

    def __iter__(self) -> Iterator[Input]:
        return iter(self._inputs)

    def __repr__(self) -> str:
        return f"Inputs([{', '.join(map(repr, self))}])"

    @property
    def names(self) -> list[str]:
        """Names of the inputs."""
        return [each.name for each in self]

    @property
    def least(self) -> tuple[int, ...] | None:
        """Shape of the shortest row, if the rows of the only input may be shorter than others."""
        return self[0].least if len(self) == 1 else None

    @property
    def wanted(self) -> str:
        """Shape of a row in words, for error messages: `3 to 12, 4` if rows may be shorter."""
        return describe_shape(self.least or self.row_shape, self.row_shape)

    @property
    def row_shape(self) -> tuple[int, ...]:
        """Shape of one row: of the only input, or `(numbers,)` of a packed one."""
        if len(self) == 1:
            return self[0].sizes
        return (sum(self._sizes),)

    def resolve(self, lengths: Sequence[int]) -> "Inputs":
        """Return the same inputs with a length for each axis of any length, in their order."""
        waiting = iter(lengths)
        return Inputs(
            replace(each, shape=tuple(next(waiting) if s is None else s for s in each.shape))
            for each in self
        )

    def list_shorter(self) -> list[tuple[int, ...]]:
        """Return two shapes of shorter rows, if there may be some: half the way, and the least."""
        if self.least is None:
            return []
        half = tuple((a + b) // 2 for a, b in zip(self.least, self.row_shape, strict=True))
        return list(dict.fromkeys((half, self.least)))

    def shorten(self, row_shape: tuple[int, ...]) -> "Inputs":
        """Return the only input for rows of one shape that it admits, perhaps a shorter one."""
        return Inputs([replace(self[0], shape=row_shape, least=None)])

    # Rows ----------------------------------------------------------------------------------------

    def split(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Return the rows of each input by its name, from packed rows."""
        if len(self) == 1:
            return {self[0].name: rows}
        return {
            each.name: np.ascontiguousarray(part).reshape(len(rows), *each.sizes)
            for each, part in zip(self, self._part(rows), strict=True)
        }

    def pack(self, x: Any, argument: str) -> tuple[Any, "Inputs"]:
        """Pack rows by the names of their inputs, and find their lengths.

        Args:
            x: A mapping of all names to arrays, or, of several inputs, a list or tuple of arrays in
                their order. An array, or anything else, is returned as it is: one of a single
                input, or packed.
            argument: Name of the caller's argument, for error messages.

        Returns:
            Rows or one row, and the inputs with the lengths that these rows have.

        Raises:
            ValueError: If an input is missing, unknown, or of another shape; the message names it.
        """
        arrays = self._name_arrays(x, argument)
        if arrays is None:
            if not self.lengths:
                return x, self
            if len(self) > 1:
                raise ValueError(
                    f"Invalid value for argument `{argument}`. Expected a mapping of the inputs "
                    f"{self.names} to arrays, because their lengths differ from row to row. "
                    f"Received: {type(x).__name__}"
                )
            arrays = [_as_numbers(x, argument, None)]
        found: list[int] = []
        pairs = list(zip(self, arrays, strict=True))
        singles = {self._find_lengths(each, array, argument, found) for each, array in pairs}
        fixed = self.resolve(found) if self.lengths else self
        if len(self) == 1:
            return arrays[0], fixed
        counts = {len(array) for array in arrays}
        if len(singles) > 1 or (singles == {False} and len(counts) > 1):
            shapes = ", ".join(f"`{each.name}` {array.shape}" for each, array in pairs)
            raise ValueError(
                f"Invalid value for argument `{argument}`. Expected as many rows in each input. "
                f"Received: {shapes}"
            )
        rows = 1 if singles == {True} else counts.pop()
        packed = _join(arrays, rows)
        return (packed[0] if singles == {True} else packed), fixed

    def find_faults(self, rows: np.ndarray) -> Iterator[tuple[Input, dict[int, float]]]:
        """Yield the inputs with numbers that are not whole, or out of range.

        Args:
            rows: Packed rows, float32.

        Yields:
            An input, and of each row that has such a number there the first one, by its index.
        """
        for each, part in zip(self, self._part(rows), strict=True):
            if each.whole is not None:
                least, most = each.whole
                bad = ~((part >= least) & (part <= most) & (part == np.rint(part)))
                if bad.any():
                    bad, numbers = bad.reshape(len(rows), -1), part.reshape(len(rows), -1)
                    places, first = np.flatnonzero(bad.any(axis=1)), bad.argmax(axis=1)
                    yield each, {int(row): float(numbers[row, first[row]]) for row in places}

    def require_whole(self, rows: np.ndarray, argument: str, first: int) -> None:
        """Raise if numbers are not whole, or out of range.

        Args:
            rows: Packed rows, float32.
            argument: Name of the argument, for error messages.
            first: Number of the first row, for error messages.

        Raises:
            ValueError: If so; the message names the input and the rows.
        """
        for each, found in self.find_faults(rows):
            example = next(iter(found.values()))
            raise ValueError(
                f"Invalid value for argument `{argument}`. Expected {self.describe_whole(each)}. "
                f"Received: others, such as {example:g}, in rows "
                f"{list_rows([first + row for row in found])}"
            )

    def draw(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Draw packed rows: numbers from 0 to 1, and whole numbers in their range."""
        parts = [
            rng.random((count, *each.sizes), np.float32)
            if each.whole is None
            else rng.integers(*each.whole, (count, *each.sizes), endpoint=True)
            for each in self
        ]
        return _join(parts, count).reshape(count, *self.row_shape)

    def describe_whole(self, each: Input) -> str:
        """Describe the numbers that an input takes."""
        assert each.whole is not None
        place = f" in the input `{each.name}`" if len(self) > 1 else ""
        return f"whole numbers from {each.whole[0]} to {each.whole[1]}{place}"

    def _part(self, rows: np.ndarray) -> Iterator[np.ndarray]:
        """Yield the numbers of each input, `(rows, numbers)`; of a single input the rows."""
        if len(self) == 1:
            yield rows
            return
        start = 0
        for size in self._sizes:
            yield rows[:, start : start + size]
            start += size

    def _name_arrays(self, x: Any, argument: str) -> list[np.ndarray] | None:
        """Return an array for each input, `None` if the rows are not given by input."""
        if isinstance(x, Mapping) and (len(self) > 1 or (self.names == [*x] != [UNNAMED])):
            for what, names in (
                ("every", [name for name in self.names if name not in x]),
                ("no other", [name for name in x if name not in self.names]),
            ):
                if names:
                    raise ValueError(
                        f"Invalid value for argument `{argument}`. Expected {what} input of "
                        f"{self.names}. Received: {'none' if what == 'every' else 'one'} called "
                        f"{', '.join(map(repr, names[:5]))}"
                    )
            return [_as_numbers(x[name], argument, name) for name in self.names]
        if len(self) > 1 and isinstance(x, (list, tuple)) and any(map(_has_axes, x)):
            if len(x) != len(self):
                raise ValueError(
                    f"Invalid value for argument `{argument}`. Expected an array for each of the "
                    f"inputs {self.names}, or a mapping. Received: {len(x)} of them"
                )
            return [_as_numbers(v, argument, n) for v, n in zip(x, self.names, strict=True)]
        return None

    def _find_lengths(
        self, each: Input, array: np.ndarray, argument: str, found: list[int]
    ) -> bool:
        """Add the lengths of an input's axes to `found`; return whether it holds one row."""
        for single, shape in ((True, array.shape), (False, array.shape[1:])):
            if each.admits(shape):
                pairs = zip(shape, each.shape, strict=True)
                found += [size for size, wanted in pairs if wanted is None]
                return single
        wanted = ", ".join("any" if size is None else str(size) for size in each.shape)
        row = f"({wanted},)" if len(each.shape) == 1 else f"({wanted})"
        place = f" of the input `{each.name}`" if len(self) > 1 else ""
        raise ValueError(
            f"Invalid shape of argument `{argument}`. Expected (rows, {wanted}) or {row}"
            f"{place}. Received: {array.shape}"
        )


def read_inputs(manifest: Mapping[str, Any]) -> Inputs:
    """Return the inputs of a bundle's encoder."""
    least = tuple(manifest["lengths"]["least"]) if "lengths" in manifest else None
    if "inputs" not in manifest:
        shape = tuple(manifest["input"]["shape"])
        return Inputs([Input(manifest["input"]["name"], shape, least=least)])
    return Inputs(
        Input(
            entry["name"],
            tuple(entry["shape"]),
            None if entry["whole"] is None else tuple(entry["whole"]),
            least,
        )
        for entry in manifest["inputs"]
    )


def cut_rows(rows: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """Return the starts of rows, in a shape."""
    part = (slice(None), *map(slice, shape))
    return np.ascontiguousarray(rows[part])


def describe_shape(least: tuple[int, ...], most: tuple[int, ...]) -> str:
    """Describe the shapes of rows between two."""
    pairs = zip(least, most, strict=True)
    return ", ".join(str(b) if a == b else f"{a} to {b}" for a, b in pairs)


def _join(parts: Sequence[np.ndarray], rows: int) -> np.ndarray:
    """Return the numbers of some parts of rows, one part after another, as float32."""
    with np.errstate(over="ignore"):
        flat = [part.reshape(rows, -1).astype(np.float32, copy=False) for part in parts]
    return np.concatenate(flat, axis=1)


def _has_axes(value: Any) -> bool:
    return isinstance(value, (list, tuple)) or bool(getattr(value, "ndim", 0))


def _as_numbers(values: Any, argument: str, name: str | None) -> np.ndarray:
    place = "" if name is None else f" for the input `{name}`"
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise ValueError(
            f"Invalid value for argument `{argument}`. Expected rows of one length{place}. "
            f"Received: ragged rows ({error})"
        ) from error
    if array.dtype.kind not in NUMBERS or np.ma.is_masked(values):
        received = "masked values" if np.ma.is_masked(values) else array.dtype
        raise ValueError(
            f"Invalid value for argument `{argument}`. Expected numbers{place}. Received: "
            f"{received}"
        )
    return array
