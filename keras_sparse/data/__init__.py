"""Rows at rest: arrays, tables, Parquet, shards, splits."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keras_sparse.data.arrays import DataError
    from keras_sparse.data.shards import Shards
    from keras_sparse.data.tables import Table, TableOptions, read_table

__all__ = ["DataError", "Shards", "Table", "TableOptions", "read_table"]


def __getattr__(name: str) -> Any:
    # The command parses its arguments, which are those of `read_table`, without numpy.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from keras_sparse.data import arrays, shards, tables

    owner = next(module for module in (arrays, shards, tables) if hasattr(module, name))
    return getattr(owner, name)
