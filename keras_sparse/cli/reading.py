"""Read the table that a command names, and find its mistakes, before Keras is loaded.

Keras and its backend take seconds to load. Nothing that this module imports loads either.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from keras_sparse.cli.arguments import flag, settings_of, table_options
from keras_sparse.models.settings import Settings

RUN, SWEEP = "run.json", "sweep.json"
CUT = ("window", "hop")
"""Options that say how recordings are cut."""
CHOOSE_COLUMNS = ("columns", "drop", "one_hot", "label", "normal", "groups")
"""Options that say which columns of a file are features, and what labels mean."""


def read_data(options: argparse.Namespace) -> Any:
    """Return the table of `train` and `sweep`, and that of `export --sample`; otherwise `None`.

    Raises:
        DataError: If it cannot be read, or not be trained on.
        ValueError: If there are options of a table, but no table.
    """
    if options.command == "export":
        return _read_rows(options, options.sample)
    if options.command not in ("train", "sweep"):
        return None
    from keras_sparse.data.tables import open_table, read_table

    read = open_table if options.command == "train" else read_table
    table = read(options.data, **table_options(options))
    _require_trainable(table, settings_of(options))
    return table


def read_calibration(options: argparse.Namespace) -> Any:
    """Return the table of `export --calibration`, read as that of `--sample`; otherwise `None`.

    Raises:
        DataError: If it cannot be read.
    """
    return _read_rows(options, options.calibration) if options.command == "export" else None


def _require_trainable(table: Any, settings: Settings) -> None:
    """Raise for a table that no training would take, which finds the same later."""
    from keras_sparse.data.column_statistics import require_digits, require_resolved
    from keras_sparse.data.labels import require_labels
    from keras_sparse.data.shards import Shards
    from keras_sparse.data.splits import split_table

    if table.labels is not None and table.anomalous is None:
        require_labels(table.labels)
    settings.count_features(table)
    split_table(
        table,
        settings.hold_out,
        settings.seed,
        settings.missing,
        false_alarm_rate=settings.choose_rate(table),
    )
    if settings.normalization == "none":
        return
    statistics = getattr(table.rows, "statistics", None)
    if statistics is not None:
        require_digits(statistics, table.columns)
    elif not isinstance(table.rows, Shards):
        require_resolved(table.rows, table.columns)


def _read_rows(options: argparse.Namespace, file: Path | None) -> Any:
    given = table_options(options)
    if options.sample is None and options.calibration is None:
        for name, value in given.items():
            raise ValueError(
                f"Invalid value for argument `{flag(name)}`. Expected it only with --sample or "
                f"--calibration. Received: {value}"
            )
    if file is None:
        return None
    from keras_sparse.data.tables import read_table
    from keras_sparse.data.tables.options import declared, kind

    record, suffix = _read_record(options.model), kind(file)
    categories = record.get("categories") or {}
    of_run: dict[str, Any] = {
        name: value
        for name, value in (record.get("options") or {}).items()
        if name in declared() and suffix in declared()[name].kinds and name not in CHOOSE_COLUMNS
    }
    if file.is_dir() or suffix == ".wav":
        read = record.get("options") or {}
        of_run |= {name: read[name] for name in CUT if read.get(name) is not None}
    columns = declared()["columns"].kinds
    if suffix in columns and record.get("columns") and not {*CHOOSE_COLUMNS} & {*given}:
        of_run["columns"] = _name_columns(record["columns"], categories)
    table = read_table(file, categories=categories or None, **{**of_run, **given})
    return table.without_faults()


def _name_columns(columns: Sequence[str], categories: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the columns of the file of a run: that of categories in place of those of 0 and 1."""
    owners = {f"{name}={word}": name for name, words in categories.items() for word in words}
    return list(dict.fromkeys(owners.get(name, name) for name in columns))


def _read_record(model: Path) -> dict[str, Any]:
    """Return the record of the run or the sweep that a model lies in; empty if in none."""
    sweep = next(iter(model.resolve().parents[2:3]), model.parent)
    for file in (model.with_name(RUN), sweep / SWEEP):
        try:
            record = json.loads(file.read_text("utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(record, dict) and "categories" in record:
            return record
    return {}
