"""A table: rows of numbers, with what is known of them."""

import hashlib
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from keras_sparse.data import arrays
from keras_sparse.data.arrays import DataError, as_numbers, require_unmasked
from keras_sparse.data.labels import as_labels
from keras_sparse.data.named_rows import find_names, order_by_name
from keras_sparse.data.sparse_rows import SparseRows, take
from keras_sparse.data.window_rows import WindowRows

if TYPE_CHECKING:
    from keras_sparse_export.signals.windows import Windows


class Table(NamedTuple):
    """Rows of numbers, and labels and groups if the file has them."""

    rows: Any
    """`(rows, features)`: an array in the dtype of the file, `SparseRows`, `WindowRows` of
    recordings, or `Shards` on disk. Images are flattened, and so are windows of channels."""
    labels: np.ndarray | None
    """`(rows,)`."""
    row_shape: tuple[int, ...] | None = None
    """Shape of a row before it was flattened, such as `(28, 28)`."""
    columns: tuple[str, ...] | None = None
    """Names of the features, if the file has them."""
    groups: np.ndarray | None = None
    """`(rows,)`: the subject of each row, or another cause of rows that are alike."""
    categories: Mapping[str, tuple[str, ...]] | None = None
    """Of each column that was read as 0 and 1, its name in the file and its categories."""
    options: Mapping[str, Any] | None = None
    """How it was read: all options of `keras_sparse.data.TableOptions`."""
    anomalous: np.ndarray | None = None
    """`(rows,)`, truth values: rows with a fault, which serve the evaluation of detection alone."""
    windows: "Windows | None" = None
    """How recordings were cut into the rows; `None` of any other table."""
    channels: tuple[str, ...] | None = None
    """Names of the channels of recordings, if the files have them."""
    recordings: int | None = None
    """Number of recordings that the rows are windows of."""

    @property
    def sampling_rate(self) -> float | None:
        """Samples per second, in hertz; `None` if it is not known."""
        if self.windows is not None:
            return self.windows.sampling_rate
        return (self.options or {}).get("sampling_rate")

    @property
    def outline(self) -> Any:
        """Rows by whose shape a training is planned: those without a fault, without their values.

        Example:
            >>> faulty = np.array([False, True, False])
            >>> Table(np.ones((3, 5)), None, anomalous=faulty).outline.shape
            (2, 5)
        """
        if self.anomalous is None:
            return self.rows
        if isinstance(self.rows, WindowRows):  # which are planned for in another way
            return take(self.rows, np.flatnonzero(~self.anomalous))
        shape = (int((~self.anomalous).sum()), *self.rows.shape[1:])
        return np.broadcast_to(np.float32(0), shape)

    def find_starts(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
        """Return the recording of each of some windows, and its first sample in that recording.

        The windows of a recording are consecutive rows, which start `hop` samples apart. `None` if
        rows are no windows, or the groups are not the recordings, as parts of a single one.

        Args:
            rows: Indices of rows.

        Example:
            >>> from keras_sparse_export import Windows
            >>> groups = np.array(["a.wav"] * 3 + ["b.wav"] * 2)
            >>> table = Table(
            ...     np.ones((5, 8)), None, groups=groups, windows=Windows(8, 4), recordings=2
            ... )
            >>> [found.tolist() for found in table.find_starts(np.array([2, 4]))]
            [['a.wav', 'b.wav'], [8, 4]]
        """
        if self.windows is None or self.groups is None:
            return None
        names, first, numbers = np.unique(
            as_labels(self.groups, "groups"), return_index=True, return_inverse=True
        )
        if len(names) != self.recordings:
            return None
        chosen = numbers.reshape(-1)[rows]
        return names[chosen].astype(str), self.windows.hop * (rows - first[chosen])

    def without_faults(self) -> "Table":
        """Return the rows without a fault alone."""
        if self.anomalous is None:
            return self
        kept = np.flatnonzero(~self.anomalous)
        labels, groups = (
            None if values is None else values[kept] for values in (self.labels, self.groups)
        )
        return self._replace(
            rows=take(self.rows, kept), labels=labels, groups=groups, anomalous=None
        )


def as_table(x: Any, labels: Any = None, groups: Any = None) -> Table:
    """Convert rows, labels and groups to a table.

    Raises:
        DataError: If `x` is not an array of rows of numbers, or there is not one label, or one
            group, per row.
    """
    given = {"labels": labels, "groups": groups}
    for name, values in given.items():
        require_unmasked(values, name)
    if isinstance(x, Table):
        table = x
    else:
        columns = find_names(x)
        rows = as_numbers(order_by_name(x, columns), "x")
        if rows.ndim < 2:
            raise DataError(
                "Invalid shape of argument `x`. Expected (rows, features) or (rows, ...). "
                f"Received: {rows.shape}"
            )
        shape = rows.shape[1:]
        table = Table(flatten(rows), None, shape, columns)
    given = {
        name: getattr(table, name) if values is None else np.asarray(values)
        for name, values in given.items()
    }
    for name, values in given.items():
        if values is not None and values.shape != table.rows.shape[:1]:
            raise DataError(
                f"Invalid shape of argument `{name}`. Expected one for each of {len(table.rows)} "
                f"rows. Received: {values.shape}"
            )
    return table._replace(**given)


def shorten(rows: Any, count: int) -> Any:
    """Return rows of the same shape and kind, but so many, whatever their values are."""
    if isinstance(rows, WindowRows):
        return rows.part(slice(count))
    return np.broadcast_to(np.float32(0), (count, *rows.shape[1:]))


def flatten(rows: Any) -> Any:
    """Flatten each of some rows to one axis, which sparse ones have already."""
    if isinstance(rows, SparseRows):
        return rows
    return rows.reshape(len(rows), math.prod(rows.shape[1:]))


def fingerprint(table: Table) -> str:
    """Hash the rows, the labels, the groups and which rows have a fault."""
    digest = hashlib.sha256(f"{table.rows.dtype.str} {table.rows.shape}".encode())
    if table.windows is not None:
        digest.update(repr(table.windows).encode())
    for part in arrays.contiguous_parts(table.rows):
        digest.update(part.data)
    for name in ("labels", "groups", "anomalous"):
        if (values := getattr(table, name)) is not None:
            digest.update("\n".join([name, *map(str, values.tolist())]).encode())
    return digest.hexdigest()
