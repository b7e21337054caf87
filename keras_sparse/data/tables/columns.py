"""Read the columns of a CSV or Parquet file: features, labels, groups."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_sparse.data.arrays import DataError
from keras_sparse.data.files import (
    as_numpy,
    is_numeric,
    require_names,
    require_pyarrow,
    require_unique,
)
from keras_sparse.data.tables.categories import as_words, encode
from keras_sparse.data.tables.csv_faults import describe_failure, require_cells
from keras_sparse.data.tables.csv_form import Form, find_form
from keras_sparse.data.tables.options import TableOptions, kind, mentioned
from keras_sparse.data.tables.table import Table
from keras_sparse.data.tables.text_columns import text_error
from keras_sparse.utils.text import first_line
from keras_sparse.utils.words import SPELLINGS


def read_columns(
    path: Path, options: TableOptions, known: Mapping[str, Sequence[str]] | None = None
) -> Table:
    """Read a `.csv`, `.csv.gz` or `.parquet` file.

    Args:
        path: The file.
        options: All options.
        known: Known categories by column, as in `read_table`.

    Raises:
        DataError: As `read_table`.
        ModuleNotFoundError: Without pyarrow.
    """
    require_pyarrow(kind(path))
    import pyarrow

    if known:
        options = {**options, "one_hot": (*known, *(options["one_hot"] or ()))}
    try:
        table, form = _read(path, options)
        if not len(table):
            raise DataError(
                f"Expected at least 1 row in {path.name}. Received: 0. Remedy: rows below "
                "its header"
            )
        names = table.column_names
        features = _choose_features(path, names, options)
        _require_numbers(path, table, form, features, options)
        labels, groups = (
            None if name is None else _as_values(table[name])
            for name in (options["label"], options["groups"])
        )
        columns: dict[str, np.ndarray] = {}
        categories = {}
        for name in features:
            if name in (options["one_hot"] or ()):
                encoded = encode(table[name], name, (known or {}).get(name), path.name)
                categories[name] = tuple(encoded)
                columns |= {f"{name}={category}": part for category, part in encoded.items()}
            else:
                columns[name] = as_numpy(table[name])
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(
            f"Expected a table in {path.name}. Received: {first_line(error)}"
        ) from error
    rows = np.column_stack([*columns.values()])
    named = tuple(columns) if form.named else None
    return Table(rows, labels, None, named, groups, categories or None)


def _read(path: Path, options: TableOptions) -> tuple[Any, Form]:
    import pyarrow
    from pyarrow import csv, parquet

    if kind(path) == ".parquet":
        require_unique(parquet.read_schema(path).names, path)
        return parquet.read_table(path), Form(",", ".", named=True)
    asked = {name for columns in mentioned(options).values() for name in columns}
    form = find_form(path, options, asked)
    try:
        table = csv.read_csv(
            path,
            read_options=csv.ReadOptions(autogenerate_column_names=not form.named),
            parse_options=csv.ParseOptions(delimiter=form.delimiter),
            convert_options=csv.ConvertOptions(
                decimal_point=form.decimal, null_values=[*SPELLINGS, *(f" {x}" for x in SPELLINGS)]
            ),
        )
    except pyarrow.ArrowInvalid as error:
        raise describe_failure(path, form, error) from error
    if table.num_columns == 1:
        require_cells(path, form)
    names = [name.strip() for name in table.column_names]
    require_unique(names, path)
    return table.rename_columns(names), form


def _choose_features(path: Path, names: Sequence[str], options: TableOptions) -> list[str]:
    for option, columns in mentioned(options).items():
        require_names(columns, names, path, f"--{option.replace('_', '-')}")
    apart = {options["label"], options["groups"], *(options["drop"] or ())}
    features = [name for name in options["columns"] or names if name not in apart]
    if not features:
        taken = [f"--{option.replace('_', '-')}" for option in mentioned(options)]
        raise DataError(
            f"Expected columns of numbers in {path.name}. Received: none beside those of "
            f"{' and '.join(taken)}. Remedy: a file with more columns"
        )
    if left := [name for name in options["one_hot"] or () if name not in features]:
        raise DataError(
            "Invalid value for argument `one_hot`. Expected some of the columns that are read. "
            f"Received: {left[0]!r}. Remedy: name it in --columns too"
        )
    return features


def _require_numbers(
    path: Path, table: Any, form: Form, features: Sequence[str], options: TableOptions
) -> None:
    wrong = [
        name
        for name in features
        if name not in (options["one_hot"] or ()) and not is_numeric(table.schema.field(name).type)
    ]
    if wrong:
        raise text_error(path, {name: table[name] for name in wrong}, form)


def _as_values(column: Any) -> np.ndarray:
    """Convert labels or groups: numbers stay, all others become words."""
    from pyarrow import types

    is_number = is_numeric(column.type) and not types.is_decimal(column.type)
    values: np.ndarray = (column if is_number else as_words(column)).to_numpy()
    return values
