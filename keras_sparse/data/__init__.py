"""Rows at rest: arrays, tables, Parquet, shards, splits."""

from keras_sparse.data.arrays import DataError
from keras_sparse.data.shards import Shards
from keras_sparse.data.tables import Table, read_table

__all__ = ["DataError", "Shards", "Table", "read_table"]
