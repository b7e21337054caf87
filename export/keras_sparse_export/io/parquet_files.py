"""Read rows of Parquet files, part by part in constant memory, with pyarrow."""

from collections.abc import Iterator, Sequence

import numpy as np

from keras_sparse_export.io import categories
from keras_sparse_export.io import columns as named

BUFFER = 1 << 16
"""Bytes of a column read at once: a row group is never in memory as a whole."""


def read_parts(
    source: str,
    columns: Sequence[str] | None,
    drop: Sequence[str],
    shape: tuple[int, ...],
    rows: int,
) -> Iterator[tuple[np.ndarray, float]]:
    """Yield parts of `(rows, *shape)`, each with the fraction of rows read so far.

    A missing value becomes NaN, a truth value 1 or 0.

    Args:
        source: Path of the file.
        columns: Names of the columns of the encoder; `None` takes the file's own, in their order.
        drop: Names of columns to ignore.
        shape: Shape of one row.
        rows: Maximum number of rows in a part.

    Raises:
        ModuleNotFoundError: Without pyarrow.
        ValueError: If it is not a Parquet file, or its columns do not fit.
    """
    try:
        import pyarrow
        from pyarrow import parquet, types
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "Expected the package `pyarrow` to read .parquet. Received: an environment without it. "
            'Remedy: pip install "keras-sparse-export[parquet]"',
            name="pyarrow",
        ) from error
    try:
        with parquet.ParquetFile(source, buffer_size=BUFFER, pre_buffer=False) as file:
            schema = file.schema_arrow
            text = categories.find_text([n for n in schema.names if n not in drop], columns)
            names = categories.expand_names(schema.names, text)
            wanted = [names[place] for place in named.find_places(names, columns, drop, shape)]
            kinds = {
                name: kind
                for name, kind in zip(schema.names, schema.types, strict=True)
                if name in {*wanted, *text}
            }
            wrong = [
                name
                for name, kind in kinds.items()
                if not (
                    name in text
                    or types.is_integer(kind)
                    or types.is_floating(kind)
                    or types.is_boolean(kind)
                )
            ]
            if wrong:
                raise ValueError(f"{kinds[wrong[0]]} in {named.list_names(wrong, 'column')}")
            done, count = 0, file.metadata.num_rows
            for batch in file.iter_batches(rows, columns=[*kinds], use_threads=False):
                values: dict[str, np.ndarray] = {}
                for name in kinds:
                    column = batch.column(name)
                    if name in text:
                        values |= categories.expand_column(column, name, text[name])
                        continue
                    if types.is_boolean(column.type):  # with missing ones, numpy would hold objects
                        column = column.cast(pyarrow.uint8())
                    values[name] = column.to_numpy(zero_copy_only=False)
                part = np.empty((len(batch), len(wanted)))
                for index, name in enumerate(wanted):
                    part[:, index] = values[name]
                done += len(part)
                yield part.reshape(-1, *shape), done / max(count, 1)
    except (pyarrow.ArrowException, OSError) as error:
        message = str(error).strip() or type(error).__name__
        raise ValueError(f"a file that pyarrow cannot read ({message.splitlines()[0]})") from error
