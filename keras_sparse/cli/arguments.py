"""The arguments of the `keras-sparse` command. This module loads without Keras."""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import Field, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

from keras_sparse.data.tables.options import TableOptions, declared
from keras_sparse.models.settings import Settings
from keras_sparse.sparsity import families
from keras_sparse.sparsity.family import Parameter
from keras_sparse.utils.parse import numbers, positive, sizes

FILES = ".npy, .npz, .csv, .csv.gz or .parquet"
BACKENDS = ("tensorflow", "jax", "torch")

Action = Callable[[argparse.Namespace], None]


def build_parser(actions: Mapping[str, Action], summary: str) -> argparse.ArgumentParser:
    """Return the parser of all commands; it stores the action of the command as `run`."""
    parser = argparse.ArgumentParser(prog="keras-sparse", description=summary)
    parser.add_argument("--version", action="version", version=version("keras-sparse"))
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add in (_demo, _train, _sweep, _export, _report):
        add(commands, actions[add.__name__[1:]])
    return parser


def settings_of(options: argparse.Namespace, but: tuple[str, ...] = ()) -> Settings:
    """Return the settings that the options name; all others have their defaults."""
    names = {field.name for field in option_fields()}.difference(but)
    values = {name: value for name, value in vars(options).items() if name in names}
    parameters = [name for name in _further_parameters() if name not in but]
    chosen = {name: getattr(options, name) for name in parameters if hasattr(options, name)}
    return Settings(**values, parameters=chosen)


def table_options(options: argparse.Namespace) -> TableOptions:
    """Return the options of reading a table that are set."""
    given: Any = {name: getattr(options, name) for name in declared() if hasattr(options, name)}
    return given


def option_fields() -> list[Field[Any]]:
    """Return the fields of `Settings` that have an option."""
    return [field for field in fields(Settings) if field.metadata]


def grid_settings() -> tuple[str, ...]:
    """Return the settings that the grid of a sweep replaces."""
    return ("sparsity", "l0", "strength", *families.parameters())


def _further_parameters() -> dict[str, Parameter]:
    """Return the parameters of the families that have no field in `Settings`."""
    names = {field.name for field in option_fields()}
    return {name: row for name, row in families.parameters().items() if name not in names}


def flag(name: str) -> str:
    """Return the option of a setting."""
    return f"--{name.replace('_', '-')}"


# The commands ----------------------------------------------------------------------------------


def _demo(commands: Any, run: Action) -> None:
    demo = _command(commands, "demo", run, "train, compare and export on embedded digits")
    _add_output(demo, "DIR", default=Path("runs/demo"))
    demo.add_argument(
        "--epochs",
        type=positive,
        default=40,
        metavar="N",
        help="epochs of each training (default: %(default)s)",
    )


def _train(commands: Any, run: Action) -> None:
    train = _command(commands, "train", run, "train on a table of your own and export")
    train.add_argument(
        "data",
        type=Path,
        metavar="DATA",
        help=f"{FILES}, or a folder of .npy or .parquet shards; a folder, and .npy or .parquet of "
        "more than 256 MB, stay on disk. With --window a .wav or such a file of samples, or a "
        "folder of recordings",
    )
    _add_output(train, "RUN")
    train.add_argument(
        "--resume", action="store_true", help="continue an interrupted run from RUN.checkpoint"
    )
    _add_settings(train)
    _add_table_options(train)
    _add_baselines(train)
    _add_golden(train)


def _sweep(commands: Any, run: Action) -> None:
    sweep = _command(commands, "sweep", run, "train over strengths or L0s and compare")
    sweep.set_defaults(interrupted="the same command continues")
    sweep.add_argument(
        "data",
        type=Path,
        metavar="DATA",
        help=f"{FILES}; with --window a recording, or a folder of recordings",
    )
    _add_output(sweep, "DIR")
    _add_grid(sweep)
    choice = sweep.add_argument_group("recommendation", "by default the knee of the Pareto front")
    choice.add_argument(
        "--max-l0",
        type=float,
        metavar="N",
        help="maximum L0; points are added if all of the grid are denser, or all are sparser",
    )
    choice.add_argument(
        "--min-explained-variance",
        type=float,
        metavar="FRACTION",
        help="minimum explained variance",
    )
    choice.add_argument(
        "--min-probe", type=float, metavar="ACCURACY", help="minimum probe accuracy; needs labels"
    )
    sweep.add_argument(
        "--processes",
        type=positive,
        metavar="N",
        help="points to train at once (default: as cores and memory allow)",
    )
    sweep.add_argument(
        "--minutes",
        type=float,
        metavar="N",
        help="begin no point, after a first one, that would not end within N minutes; the same "
        "command trains the rest (default: 30 without numbers in the grid, with them no limit, "
        "which is inf)",
    )
    sweep.add_argument("--no-rows", action="store_true", help="keep no held-out rows")
    search = sweep.add_argument_group("search", "with Optuna, between the ends of the grid")
    search.add_argument("--trials", type=positive, metavar="N", help="trials of the whole study")
    search.add_argument(
        "--storage", metavar="URL", help="storage that processes share (default: DIR/study.db)"
    )
    search.add_argument("--study", metavar="NAME", help="name of the study in the storage")
    _add_settings(sweep, but=grid_settings())
    _add_table_options(sweep)
    _add_baselines(sweep)


def _export(commands: Any, run: Action) -> None:
    export = _command(commands, "export", run, "write the encoder of a .keras file")
    export.add_argument("model", type=Path, metavar="MODEL.keras")
    _add_output(export, "DIR")
    export.add_argument("--layer", metavar="NAME", help="the layer whose output is the code")
    export.add_argument("--decoder", action="store_true", help="add the decoder")
    export.add_argument(
        "--score",
        action="store_true",
        help="add the score of a row, high where it is unlike others",
    )
    export.add_argument(
        "--calibration",
        type=Path,
        metavar="DATA",
        help="rows without a fault, which served nothing else, for a threshold of the score; read "
        "as those of --sample, and with --groups each recording in that column counts once",
    )
    export.add_argument(
        "--false-alarm-rate",
        type=float,
        metavar="RATE",
        help="false alarms at that threshold (default: 0.01)",
    )
    export.add_argument(
        "--top-k",
        type=positive,
        metavar="K",
        help="output values and indices of the K codes of largest magnitude",
    )
    export.add_argument(
        "--sample",
        type=Path,
        metavar="DATA",
        help="real rows (default: held_out.npy of the run or the sweep, if it exists)",
    )
    _add_table_options(export)
    export.add_argument(
        "--quantize",
        choices=("auto", "int8", "float16"),
        help="add an int8 encoder: auto keeps it if it passes the comparison, int8 requires it; "
        "float16: add the encoder with its weights in float16",
    )
    export.add_argument(
        "--litert",
        action="store_true",
        help="add the encoder for LiteRT, encoder.tflite; on TensorFlow",
    )
    _add_golden(export)


def _report(commands: Any, run: Action) -> None:
    report = _command(commands, "report", run, "write a page about a run or a sweep")
    report.add_argument("source", type=Path, metavar="RUN_OR_SWEEP")
    report.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="(default: RUN_OR_SWEEP/report.html)"
    )
    report.add_argument("--no-rows", action="store_true", help="show no rows of the data")
    report.add_argument(
        "--row-shape", type=sizes, metavar="N,N", help="show rows as images, such as 28,28"
    )


# Options of several commands -------------------------------------------------------------------


def _command(commands: Any, name: str, run: Action, summary: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=summary, description=summary)
    command.set_defaults(command=name, run=run, parser=command, interrupted="nothing was written")
    command.add_argument(
        "--backend", choices=BACKENDS, help="backend of Keras (default: as KERAS_BACKEND says)"
    )
    command.add_argument("--overwrite", action="store_true", help="replace existing output")
    command.add_argument("--debug", action="store_true", help="show tracebacks")
    return command


def _add_output(
    command: argparse.ArgumentParser, metavar: str, default: Path | None = None
) -> None:
    command.add_argument(
        "-o",
        "--output",
        type=Path,
        default=default,
        required=default is None,
        metavar=metavar,
        help="folder to write" + ("" if default is None else " (default: %(default)s)"),
    )


def _add_settings(command: argparse.ArgumentParser, but: tuple[str, ...] = ()) -> None:
    """Add the options of `Settings`; the namespace holds only those in use."""
    group = command.add_argument_group("training")
    for field in option_fields():
        if field.name not in (*but, *declared()):  # `--missing` is an option of the table, too
            group.add_argument(flag(field.name), default=argparse.SUPPRESS, **field.metadata)
    for name, parameter in _further_parameters().items():
        if name not in but:
            group.add_argument(
                flag(name),
                type=float,
                default=argparse.SUPPRESS,
                metavar=parameter.symbol,
                help=f"{_owners(name)} (default: {parameter.default:g})",
            )


def _owners(name: str) -> str:
    rows = [row for row in families.families() if name in row.axes]
    return f"parameter of {' and '.join(row.title for row in rows)}"


def _add_grid(sweep: argparse.ArgumentParser) -> None:
    """Add an option for each axis of a grid."""
    rows = families.families()
    penalties = [row for row in rows if not row.by_count]
    axes = ", ".join(f"{row.title} over {' × '.join(row.symbols)}" for row in penalties)
    default = ", ".join(row.title for row in rows if row.in_default_sweep)
    usual = ",".join(row.name for row in rows if row.in_l0_sweep)
    warm = " and ".join(row.title for row in rows if row.warm_path)
    grid = sweep.add_argument_group(
        "grid",
        f"families at equal L0, or {axes}; by default {default}, for L0s from 2 to 50 percent of "
        "the units or of the columns, with up to four points more for each family that misses the "
        "first or the last of these L0s",
    )
    grid.add_argument("--l0", type=sizes, metavar="K,K", help="L0s to train for, such as 8,16,32")
    grid.add_argument(
        "--sparsity",
        type=lambda text: tuple(text.split(",")),
        metavar="NAME,NAME",
        help=f"families, of {', '.join(families.names())} (default with --l0: {usual})",
    )
    for row in penalties:
        grid.add_argument(
            flag(row.axis),
            type=numbers,
            metavar=f"{row.symbol},{row.symbol}",
            help=f"strengths of {row.title}, such as {row.strength:g},{10 * row.strength:g}",
        )
    for parameter in families.parameters().values():
        examples = parameter.grid or (parameter.default,)
        grid.add_argument(
            flag(parameter.name),
            type=numbers,
            metavar=f"{parameter.symbol},{parameter.symbol}",
            help="such as " + ",".join(f"{value:g}" for value in examples),
        )
    grid.add_argument(
        "--warm",
        action="store_true",
        help=f"train {warm} as one path from weak to strong, for less than three trainings",
    )


def _add_table_options(command: argparse.ArgumentParser) -> None:
    """Add the options of reading a table; the namespace holds only those in use."""
    group = command.add_argument_group("table")
    for name, option in declared().items():
        group.add_argument(
            flag(name),
            default=argparse.SUPPRESS,
            type=option.parse,
            metavar=option.metavar,
            choices=option.choices,
            help=option.summary,
        )


def _add_baselines(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--baselines",
        choices=("none", "usual", "full"),
        default="usual",
        help="what to compare codes with at their L0: a PCA and a dictionary; full adds the "
        "dictionary learning of scikit-learn, which may take minutes (default: %(default)s)",
    )


def _add_golden(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--golden",
        choices=("auto", "real", "synthetic", "none"),
        default="auto",
        help="golden rows to store in the bundle (default: %(default)s)",
    )
