"""The arguments of the `keras-sparse` command. They load nothing heavy."""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

BACKENDS = ("tensorflow", "jax", "torch")

Action = Callable[[argparse.Namespace], None]


def parser(actions: Mapping[str, Action], summary: str) -> argparse.ArgumentParser:
    """The parser of every command; a namespace that it gives holds the action as `run`."""
    parser = argparse.ArgumentParser(prog="keras-sparse", description=summary)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add in (_demo, _train, _sweep, _export, _report):
        add(commands, actions[add.__name__[1:]])
    return parser


def _demo(commands: Any, run: Action) -> None:
    demo = _command(commands, "demo", run, "train, compare and export on embedded digits")
    demo.add_argument("-o", "--output", type=Path, default=Path("runs/demo"), metavar="DIR")
    demo.add_argument("--epochs", type=positive, default=None, help="of each training (60)")


def _train(commands: Any, run: Action) -> None:
    train = _command(commands, "train", run, "train on a table of your own and export")
    train.add_argument(
        "data",
        type=Path,
        metavar="DATA",
        help=".npy, .npz, .csv or .parquet, or a folder of .npy or .parquet shards; a folder, and "
        ".npy or .parquet of more than 256 MB, stay on disk",
    )
    train.add_argument("-o", "--output", type=Path, required=True, metavar="RUN")
    train.add_argument("--sparsity", choices=("l1", "kl", "l2", "none"), default="l1")
    train.add_argument("--strength", type=float, help="λ (1e-4) or β (1e-3)")
    train.add_argument("--rho", type=float, help="of KL (0.05)")
    train.add_argument(
        "--resume", action="store_true", help="go on from RUN.checkpoint, if a run was cut off"
    )
    _add_training_options(train)
    _add_table_options(train)
    _add_golden(train)


def _sweep(commands: Any, run: Action) -> None:
    sweep = _command(commands, "sweep", run, "train over strengths of the penalty and compare")
    sweep.set_defaults(interrupted="the same command goes on")
    sweep.add_argument("data", type=Path, metavar="DATA", help=".npy, .npz, .csv or .parquet")
    sweep.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    grid = sweep.add_argument_group(
        "the grid", "L1 over λ, KL over β × ρ; by default both, around strengths that suit the data"
    )
    grid.add_argument("--l1", type=numbers, metavar="λ,λ", help="as 1e-5,1e-4,1e-3")
    grid.add_argument("--beta", type=numbers, metavar="β,β", help="as 1e-3,1e-2")
    grid.add_argument("--rho", type=numbers, metavar="ρ,ρ", help="as 0.02,0.05 (0.05)")
    grid.add_argument(
        "--warm", action="store_true", help="L1 as one path from weak to strong, a third the cost"
    )
    choice = sweep.add_argument_group("the choice", "by default the knee of the frontier")
    choice.add_argument("--max-l0", type=float, metavar="N", help="most active units per row")
    choice.add_argument("--min-explained-variance", type=float, metavar="SHARE")
    choice.add_argument("--min-probe", type=float, metavar="ACCURACY", help="with labels")
    sweep.add_argument(
        "--processes", type=positive, metavar="N", help="points at once (by cores and memory)"
    )
    sweep.add_argument("--no-rows", action="store_true", help="keep no held-out rows")
    search = sweep.add_argument_group("search", "by Optuna, between the ends of the grid")
    search.add_argument("--trials", type=positive, metavar="N", help="of the whole study")
    search.add_argument("--storage", metavar="URL", help="shared by processes (DIR/study.db)")
    search.add_argument("--study", metavar="NAME", help="in that storage (keras-sparse)")
    _add_training_options(sweep)
    _add_table_options(sweep)


def _export(commands: Any, run: Action) -> None:
    export = _command(commands, "export", run, "write the encoder of a .keras file")
    export.add_argument("model", type=Path, metavar="MODEL.keras")
    export.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    export.add_argument("--layer", metavar="NAME", help="the layer that gives the codes")
    export.add_argument("--decoder", action="store_true", help="add the decoder")
    export.add_argument(
        "--top-k", type=positive, metavar="K", help="give values and indices of the K largest codes"
    )
    export.add_argument(
        "--sample", type=Path, metavar="DATA", help="real rows (RUN/held_out.npy beside a run)"
    )
    _add_table_options(export)
    export.add_argument(
        "--quantize",
        choices=("auto", "int8"),
        help="add the encoder in int8: where it pays, or in any case",
    )
    _add_golden(export)


def _report(commands: Any, run: Action) -> None:
    report = _command(commands, "report", run, "write a page about a run or a sweep")
    report.add_argument("source", type=Path, metavar="RUN_OR_SWEEP")
    report.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="(RUN_OR_SWEEP/report.html)"
    )
    report.add_argument("--no-rows", action="store_true", help="show no rows of the data")
    report.add_argument(
        "--row-shape", type=sizes, metavar="N,N", help="show rows as images, as 28,28"
    )


def _command(commands: Any, name: str, run: Action, summary: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=summary, description=summary)
    command.set_defaults(run=run, interrupted="nothing was written")
    command.add_argument("--backend", choices=BACKENDS, help="of Keras (as KERAS_BACKEND says)")
    command.add_argument("--overwrite", action="store_true", help="replace what is there")
    command.add_argument("--debug", action="store_true", help="show tracebacks")
    return command


# Shared by commands ----------------------------------------------------------------------------


def _add_training_options(command: argparse.ArgumentParser) -> None:
    """How to train, but for the penalty; names as in `run.Settings`."""
    command.add_argument(
        "--rho-horizon", type=float, metavar="N", help="samples that KL averages over (its batch)"
    )
    command.add_argument("--code-dim", type=positive, default=64, help="units of the code (64)")
    command.add_argument(
        "--hidden-units", type=sizes, default=(), metavar="N,N", help="hidden layers, as 128,64"
    )
    command.add_argument(
        "--normalization", choices=("standard", "minmax", "none"), default="standard"
    )
    command.add_argument("--epochs", type=positive, default=30)
    command.add_argument("--batch-size", type=positive, default=256)
    command.add_argument("--learning-rate", type=float, default=1e-3)
    command.add_argument(
        "--warm-up", type=positive, metavar="N", help="epochs in which the penalty grows (none)"
    )
    command.add_argument(
        "--revive",
        type=positive,
        metavar="N",
        help="every N epochs give dead ReLU units a new start",
    )
    command.add_argument(
        "--hold-out",
        type=float,
        default=0.1,
        help="share of rows (0.1; of those that stay on disk, 65,536 or 64 MB at most)",
    )
    command.add_argument("--seed", type=int, default=0)
    command.add_argument(
        "--precision", choices=("float32", "mixed_bfloat16", "mixed_float16"), default="float32"
    )
    command.add_argument(
        "--devices", type=positive, metavar="N", help="devices of this host that share a batch"
    )


def _add_table_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--key", metavar="NAME", help="array of an .npz that holds the rows")
    command.add_argument("--label", metavar="COLUMN", help="column of labels, for a linear probe")


def _add_golden(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--golden",
        choices=("auto", "real", "synthetic", "none"),
        default="auto",
        help="rows to put into the bundle",
    )


def positive(text: str) -> int:
    """A positive integer."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a positive integer, received {text!r}")
    return int(text)


def sizes(text: str) -> tuple[int, ...]:
    """Positive integers, with commas between them."""
    return tuple(positive(part) for part in text.split(",") if part)


def numbers(text: str) -> list[float]:
    """Numbers, with commas between them."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"expected numbers with commas between them, received {text!r}"
        ) from error
