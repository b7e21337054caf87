"""Tables: files of rows, with named columns, labels, groups, categories and missing cells."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keras_sparse.data.tables.options import TableOptions
    from keras_sparse.data.tables.reading import open_table, read_table
    from keras_sparse.data.tables.table import Table, as_table, fingerprint

__all__ = ["Table", "TableOptions", "as_table", "fingerprint", "open_table", "read_table"]


def __getattr__(name: str) -> Any:
    # As in `keras_sparse.data`.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from keras_sparse.data.tables import options, reading, table

    owner = next(module for module in (options, table, reading) if hasattr(module, name))
    return getattr(owner, name)
