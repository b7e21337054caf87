"""Splits: the rows of a table divided into parts, reproducibly by a seed."""

from keras_sparse.data.splits.blocks import bound_dense, sample, split_blocks
from keras_sparse.data.splits.calibration import (
    Calibration,
    count_calibrated,
    draw_calibration,
)
from keras_sparse.data.splits.hold_out import halve_held_out, split_rows
from keras_sparse.data.splits.parts import (
    Split,
    choose_probe_rows,
    count_duplicates,
    split_table,
    take_calibration,
    take_rows,
)

__all__ = [
    "Calibration",
    "Split",
    "bound_dense",
    "choose_probe_rows",
    "count_calibrated",
    "count_duplicates",
    "draw_calibration",
    "halve_held_out",
    "sample",
    "split_blocks",
    "split_rows",
    "split_table",
    "take_calibration",
    "take_rows",
]
