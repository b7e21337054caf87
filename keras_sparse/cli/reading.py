"""Read the table that a command names, and find its mistakes, before Keras is loaded.

Keras and its backend take seconds to load. Nothing that this module imports loads either.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from keras_sparse.cli.arguments import flag, settings_of, table_options
from keras_sparse.models.settings import Settings

RECORD = "run.json"


def read_data(options: argparse.Namespace) -> Any:
    """Return the table of `train` and `sweep`, and that of `export --sample`; otherwise `None`.

    Raises:
        DataError: If it cannot be read, or not be trained on.
        ValueError: If there are options of a table, but no table.
    """
    if options.command == "export":
        return _read_sample(options)
    if options.command not in ("train", "sweep"):
        return None
    from keras_sparse.data.tables import open_table, read_table

    read = open_table if options.command == "train" else read_table
    table = read(options.data, **table_options(options))
    _require_trainable(table, settings_of(options))
    return table


def _require_trainable(table: Any, settings: Settings) -> None:
    """Raise for a table that no training would take, which finds the same later."""
    from keras_sparse.data.column_statistics import require_digits, require_resolved
    from keras_sparse.data.labels import require_labels
    from keras_sparse.data.shards import Shards
    from keras_sparse.data.splits import split_rows

    if table.labels is not None:
        require_labels(table.labels)
    split_rows(table, settings.hold_out, settings.seed, settings.missing)
    if settings.normalization == "none":
        return
    statistics = getattr(table.rows, "statistics", None)
    if statistics is not None:
        require_digits(statistics, table.columns)
    elif not isinstance(table.rows, Shards):
        require_resolved(table.rows, table.columns)


def _read_sample(options: argparse.Namespace) -> Any:
    given = table_options(options)
    if options.sample is None:
        for name, value in given.items():
            raise ValueError(
                f"Invalid value for argument `{flag(name)}`. Expected it only with --sample. "
                f"Received: {value}"
            )
        return None
    from keras_sparse.data.tables import read_table

    return read_table(options.sample, categories=_read_categories(options.model), **given)


def _read_categories(model: Path) -> Any:
    """Return the categories of the run that a model lies in; `None` if it lies in none."""
    try:
        return json.loads(model.with_name(RECORD).read_text("utf-8"))["categories"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
