"""Declare and read the rows of a command, from a file or standard input."""

import argparse
import csv
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from keras_sparse_export.bundle.entries import admits_gaps, get_columns, get_windows
from keras_sparse_export.bundle.manifest import read_manifest
from keras_sparse_export.io import readers
from keras_sparse_export.io.inputs import Inputs, read_inputs
from keras_sparse_export.runtime.encoder import Encoder
from keras_sparse_export.signals.recordings import WAV, Recordings
from keras_sparse_export.signals.windows import Windows, choose_windows


class Form(NamedTuple):
    """The form of the rows that an encoder takes."""

    inputs: Inputs
    columns: tuple[str, ...] | None
    gaps: bool = False
    """Whether rows may have gaps."""
    recordings: Recordings | None = None
    """Where the rows come from, if they are windows of a signal."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one row."""
        return self.inputs.row_shape

    @property
    def label_names(self) -> tuple[str, ...]:
        """Names of what `label` tells."""
        return ("row",) if self.recordings is None else self.recordings.label_names

    def label(self, number: int) -> dict[str, Any]:
        """Return what an entry of the output tells of a row by its number."""
        return {"row": number} if self.recordings is None else self.recordings.label(number)


class Batch(NamedTuple):
    """Good rows of a source, and their numbers there."""

    rows: np.ndarray
    numbers: np.ndarray


def add_arguments(parser: argparse.ArgumentParser, name: str = "data") -> None:
    """Declare the argument `name`, the source of the rows, and how to read it."""
    add = parser.add_argument
    required: dict[str, Any] = {} if name == "data" else {"required": True}
    kinds = ".npy, .npz, .csv, .csv.gz, .jsonl, .parquet, or - for standard input"
    add(name, metavar="DATA", help=kinds, **required)
    add("--format", choices=readers.TEXT, help="format of DATA, if its suffix is another")
    add("--key", metavar="NAME", help="array of an .npz, or field of JSON lines, with the rows")
    add(
        "--drop",
        metavar="NAME,NAME",
        type=_parse_names,
        action="extend",
        default=[],
        help="columns to ignore, such as labels; repeatable",
    )
    add(
        "--header",
        choices=("yes", "no"),
        help="whether a CSV has a header (default: inferred)",
    )
    add(
        "--delimiter",
        type=_parse_delimiter,
        metavar="CHARACTER",
        help="what separates the cells of a CSV, such as ';' or tab (default: inferred)",
    )
    add("--decimal", choices=(".", ","), help="decimal mark of a CSV (default: inferred)")


def add_windows(parser: argparse.ArgumentParser) -> None:
    """Declare how a signal is cut into windows, and that `DATA` may be recordings."""
    add = parser.add_argument
    help_ = "samples of a window, for DATA of samples (default: the bundle's, if it has windows)"
    add("--window", type=int, metavar="W", help=help_)
    add("--hop", type=int, metavar="H", help="samples from a window to the next one")
    actions = {action.dest: action for action in parser._actions}
    actions["data"].help = (
        "rows, or samples of a signal: .npy, .npz, .csv, .csv.gz, .jsonl, .parquet, or - for "
        "standard input; recordings: .wav, or a folder of them"
    )
    actions["format"].choices = (*readers.TEXT, WAV)


def _parse_names(text: str) -> list[str]:
    """Parse names separated by commas; one with a comma in it stands in double quotes."""
    return next(csv.reader([text]), []) or [""]


def _parse_delimiter(text: str) -> str:
    r"""Parse one character, or `tab` or `\t` for a tabulator."""
    character = "\t" if text in ("tab", r"\t") else text
    if len(character) != 1:
        raise argparse.ArgumentTypeError(f"expected one character or tab, received {text!r}")
    return character


def read_form(options: argparse.Namespace) -> Form:
    """Return the form of the rows that a bundle's encoder takes."""
    manifest = read_manifest(options.bundle)
    form = Form(read_inputs(manifest), get_columns(manifest), admits_gaps(manifest))
    return _open_recordings(form, options, get_windows(manifest))


def get_form(encoder: Encoder, options: argparse.Namespace) -> Form:
    """Return the form of the rows that an opened encoder takes."""
    form = Form(encoder.inputs, encoder.columns, encoder.admits_gaps)
    return _open_recordings(form, options, encoder.windows)


def _open_recordings(form: Form, options: argparse.Namespace, own: Windows | None) -> Form:
    """Return a form of which the rows are windows, where the command and the bundle say so."""
    if not hasattr(options, "hop"):
        _require_rows(options, own)
        return form
    windows = choose_windows(own, form.shape, options.window, options.hop)
    if windows is None:
        if _holds_recordings(options.data):
            raise ValueError(
                "Invalid value for argument `data`. Expected rows, for a bundle that does not say "
                f"how a signal is cut. Received: {options.data}. Remedy: --window {form.shape[0]} "
                "--hop with the hop of the training"
            )
        return form
    return form._replace(
        recordings=Recordings(options.data, windows, _list_options(options), gaps=form.gaps)
    )


def _require_rows(options: argparse.Namespace, own: Windows | None) -> None:
    """Raise if a command that takes rows alone is given recordings."""
    argument = "data" if hasattr(options, "data") else "--calibration"
    source = options.data if argument == "data" else options.calibration
    if _holds_recordings(source):
        cut = "encoder.windows" if own is not None else "Windows(window, hop)"
        raise ValueError(
            f"Invalid value for argument `{argument}`. Expected rows in a file: of the commands, "
            f"encode and score alone cut recordings. Received: {source}. Remedy: a .npy of the "
            f"rows, which {cut}.cut(samples) makes in Python"
        )


def _holds_recordings(source: str) -> bool:
    path = Path(source)
    return path.is_dir() or path.suffix.lower() == f".{WAV}"


def _list_options(options: argparse.Namespace) -> dict[str, Any]:
    """Return how to read rows, as arguments of `readers.read`."""
    return {
        "kind": options.format,
        "key": options.key,
        "drop": options.drop,
        "header": None if options.header is None else options.header == "yes",
        "delimiter": options.delimiter,
        "decimal": options.decimal,
    }


def check_columns(options: argparse.Namespace, source: str) -> None:
    """Raise if the first row of a file does not fit a bundle, before its encoder is loaded.

    Args:
        options: Options declared by `add_arguments`.
        source: Path of a file, or `-`, of which nothing is read.

    Raises:
        ValueError: If the columns or the rows have another form.
    """
    suffix = Path(source).suffix.lower()
    if source == "-" or suffix in (".npy", ".npz") or not options.bundle.is_dir():
        return
    chunks = read_chunks(options, source, read_form(options), rows=1)
    next(chunks, None)
    chunks.close()


def read_chunks(
    options: argparse.Namespace, source: str, form: Form, rows: int
) -> Generator[readers.Chunk]:
    """Yield chunks of at most `rows` rows or windows as they arrive; see `readers.read`."""
    if form.recordings is not None:
        yield from form.recordings.read(rows)
        return
    yield from readers.read(
        source,
        form.shape,
        columns=form.columns,
        gaps=form.gaps,
        inputs=form.inputs,
        rows=rows,
        **_list_options(options),
    )


def read_batches(
    options: argparse.Namespace,
    source: str,
    form: Form,
    rows: int,
    *,
    skip: bool = False,
) -> Iterator[Batch]:
    """Yield batches of exactly `rows` good rows; the last one may be shorter.

    Args:
        options: Options declared by `add_arguments`.
        source: Path of a file, or `-`.
        form: Form of the encoder's rows.
        rows: Number of rows in a batch.
        skip: Whether to skip bad rows.

    Raises:
        ValueError: If a row cannot be parsed or is not finite, and `skip` is false.
    """
    pending: list[Batch] = []
    for chunk in read_chunks(options, source, form, rows):
        faults = find_faults(chunk, gaps=form.gaps, inputs=form.inputs)
        if faults and not skip:
            place, fault = min(faults.items())
            remedy = ". Remedy: --on-bad skip to leave such rows out"
            remedy *= hasattr(options, "on_bad")  # which `quantize` does not have
            raise ValueError(
                f"Expected rows of finite numbers in {readers.name_source(source)}. Received: "
                f"{fault} (row {chunk.first + place}){remedy}"
            )
        good = np.delete(np.arange(len(chunk.rows)), list(faults))
        pending.append(Batch(chunk.rows[good], chunk.first + good))
        while sum(len(batch.rows) for batch in pending) >= rows:
            joined = Batch(*map(np.concatenate, zip(*pending, strict=True)))
            yield Batch(joined.rows[:rows], joined.numbers[:rows])
            pending = [Batch(joined.rows[rows:], joined.numbers[rows:])]
    if any(len(batch.rows) for batch in pending):
        yield Batch(*map(np.concatenate, zip(*pending, strict=True)))


def find_faults(
    chunk: readers.Chunk, *, gaps: bool = False, inputs: Inputs | None = None
) -> dict[int, str]:
    """Return why rows could not be parsed or encoded, by their index in the chunk.

    With `gaps` NaN is a gap, of which a row may have some.
    """
    with np.errstate(over="ignore"):
        rows = chunk.rows.astype(np.float32, copy=False)
    values = rows.reshape(len(rows), -1)
    bad = np.isinf(values) if gaps else ~np.isfinite(values)
    places, first = np.flatnonzero(bad.any(axis=1)), bad.argmax(axis=1)
    found = "infinity" if gaps else "NaN or infinity"
    faults = {int(place): f"{found} at position {first[place]} of the row" for place in places}
    if gaps:
        empty = np.flatnonzero(np.isnan(values).all(axis=1)).tolist()
        faults |= dict.fromkeys(empty, "gaps alone")
    if inputs is not None:
        for each, numbers in inputs.find_faults(rows):
            whole = inputs.describe_whole(each)
            texts = {row: f"{number:g} in place of {whole}" for row, number in numbers.items()}
            faults = {**texts, **faults}
    return {**faults, **chunk.faults}
