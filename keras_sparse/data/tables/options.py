"""The options of reading a table: the arguments of `read_table`, and options of the commands.

An option is declared once, here. The module loads without numpy, so that the command can parse its
arguments first.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypedDict, get_type_hints

from keras_sparse.utils.parse import MISSING, delimiter, names, positive, positive_number, yes_or_no

COLUMNS = (".csv", ".parquet")
NAMED = (".npz", *COLUMNS)
FILES = (".npy", *NAMED)
RECORDED = (".wav", ".npy", *COLUMNS)
"""Files that hold a recording."""


@dataclass(frozen=True)
class Option:
    """An option of reading, as `--help` shows it.

    Args:
        summary: What it means.
        kinds: Suffixes of the files that have it.
        parse: Converts the text of the option.
        metavar: Stands for the value in `--help`.
        choices: The only values.
        default: The value unless it is set.
    """

    summary: str
    kinds: tuple[str, ...]
    parse: Callable[[str], Any] = str
    metavar: str | None = None
    choices: tuple[str, ...] | None = None
    default: Any = None


class TableOptions(TypedDict, total=False):
    """How to read a table; none of the options needs to be set."""

    key: Annotated[
        str | None, Option("array of an .npz that holds the rows", (".npz",), metavar="NAME")
    ]
    """Name of the array of an `.npz` that holds the rows; by default `x`, `x_train` or the only
    array."""
    columns: Annotated[
        Sequence[str] | None, Option("columns to read (default: all)", COLUMNS, names, "NAME,NAME")
    ]
    """Names of the columns that are features, in this order; by default all of the file."""
    drop: Annotated[
        Sequence[str] | None, Option("columns to leave out", COLUMNS, names, "NAME,NAME")
    ]
    """Names of columns to leave out, such as time stamps."""
    one_hot: Annotated[
        Sequence[str] | None,
        Option("columns of categories, of which each becomes a column of 0 and 1", COLUMNS, names,
               "NAME,NAME"),
    ]  # fmt: skip
    """Names of columns of categories: `pump` becomes `pump=A`, `pump=B` and so on, of 0 and 1."""
    label: Annotated[
        str | None, Option("column of labels, for a linear probe", NAMED, metavar="COLUMN")
    ]
    """Name of the column, or of the array of an `.npz`, that holds the labels; by default `y` or
    `y_train` of an `.npz` if they exist, otherwise none."""
    normal: Annotated[
        Sequence[str] | None,
        Option("labels of rows, or sub-folders of recordings, without a fault: all others are not "
               "trained on, and measure how "
               "well faults are detected", (*NAMED, ".wav", ".npy"), names, "VALUE,VALUE"),
    ]  # fmt: skip
    """Labels of the rows without a fault, or sub-folders of the recordings without one. Rows with
    another one serve the evaluation of the score alone: they are neither trained on nor held out,
    and choose no threshold."""
    groups: Annotated[
        str | None,
        Option("column of subjects: the rows of one are never both trained on and held out", NAMED,
               metavar="COLUMN"),
    ]  # fmt: skip
    """Name of the column, or of the array of an `.npz`, that holds the groups."""
    missing: Annotated[
        str,
        Option("cells without a value: an error, leave their rows out, take the column's mean, or "
               "train with a mask (default: error)", FILES, choices=MISSING, default="error"),
    ]  # fmt: skip
    """What becomes of missing cells: `"error"`; `"skip"` leaves out rows that have one, with a
    warning that says how many; with `"mean"` and `"mask"` they are NaN in the rows."""
    header: Annotated[
        bool | None,
        Option("whether a CSV has a header (default: inferred)", (".csv",), yes_or_no, "{yes,no}"),
    ]
    """Whether a CSV begins with a header. By default it does if its first line holds no number, or
    a name that another option names, or a scale such as wavelengths: at least 8 numbers that only
    rise or only fall, as those of no other line. A scale causes a warning."""
    delimiter: Annotated[
        str | None,
        Option("what separates cells of a CSV, such as ';' or tab (default: inferred)", (".csv",),
               delimiter, "CHARACTER"),
    ]  # fmt: skip
    """What separates the cells of a CSV; by default tab, semicolon or comma, the first with which
    the first 100 lines have the same number of cells, of at least two."""
    decimal: Annotated[
        str | None,
        Option(
            "decimal mark of a CSV, . or , (default: inferred)",
            (".csv",),
            metavar="MARK",
            choices=(".", ","),
        ),
    ]
    """The decimal mark of a CSV. By default `"."`, or `","`, with a warning, if commas do not
    separate cells and the first 100 lines hold numbers such as `3,14`, but none such as `3.14`."""
    window: Annotated[
        int | None,
        Option("samples of a window, into which recordings are cut: .wav, or samples in rows and "
               "channels in columns", RECORDED, positive, "N"),
    ]  # fmt: skip
    """Samples of a window. The file, or each file of a folder, is then a recording: a `.wav`, or
    samples in rows and channels in columns; `groups` names the recordings in a single table. Rows
    are windows, as `keras_sparse.data.tables.recordings` reads them."""
    hop: Annotated[
        int | None,
        Option("samples from one window to the next (default: half a window)", RECORDED, positive,
               "N"),
    ]  # fmt: skip
    """Samples from the start of a window to that of the next; by default half a window."""
    sampling_rate: Annotated[
        float | None,
        Option("samples per second of a signal, in hertz (default: that of a .wav)",
               (".wav", *FILES), positive_number, "HERTZ"),
    ]  # fmt: skip
    """Samples per second, which `front_end="mel"` needs; by default that in the header of a
    `.wav`."""


def declared() -> dict[str, Option]:
    """Return the options by name."""
    hints = get_type_hints(TableOptions, include_extras=True)
    return {name: hint.__metadata__[0] for name, hint in hints.items()}


def fill(options: TableOptions) -> TableOptions:
    """Return all options, those that are not set with their defaults; names become tuples.

    Raises:
        TypeError: If there is no such option.
        ValueError: If a value is none of the choices, or names contradict each other.
    """
    rows = declared()
    if unknown := sorted(set(options).difference(rows)):
        raise TypeError(
            f"Invalid argument. Expected one of {', '.join(rows)}. Received: {unknown[0]}"
        )
    filled: Any = {}
    for name, option in rows.items():
        value: Any = options.get(name)
        if option.parse is names and value is not None:
            value = (value,) if isinstance(value, str) else tuple(map(str, value))
        filled[name] = option.default if value is None else value
        if option.choices and filled[name] not in (*option.choices, option.default):
            raise ValueError(
                f"Invalid value for argument `{name}`. Expected one of "
                f"{', '.join(map(repr, option.choices))}. Received: {name}={value!r}"
            )
    return filled


def mentioned(options: TableOptions) -> dict[str, list[str]]:
    """Return the columns that options name, by option."""
    values: dict[str, Any] = {**fill(options)}
    lists = {name: values[name] for name in ("columns", "drop", "one_hot") if values[name]}
    single = {name: [values[name]] for name in ("label", "groups") if values[name]}
    return {name: [*columns] for name, columns in {**lists, **single}.items()}


def require_suitable(path: Path, options: TableOptions) -> None:
    """Raise for an option that the kind of a file does not have.

    Raises:
        DataError: The message names the option.
    """
    from keras_sparse.data.arrays import DataError  # with numpy, unlike this module

    for name, option in declared().items():
        value = dict(options)[name]
        if value != option.default and kind(path) not in option.kinds:
            raise DataError(
                f"Invalid value for argument `{name}`. Expected it only with "
                f"{' or '.join(option.kinds)}. Received: {name}={value!r} for {path.name}"
            )


def kind(path: Path) -> str:
    """Return the suffix that says how to read a file: `.csv` also for `.csv.gz`."""
    return ".csv" if path.name.lower().endswith(".csv.gz") else path.suffix.lower()
