"""The `keras-sparse` command. Nothing heavy is imported before the arguments are understood."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

BACKENDS = ("tensorflow", "jax", "torch")
WRONG_CALL, FAILED, INTERRUPTED = 2, 1, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit status is 0, 1 for a failed job, 2 for a wrong call or bad input."""
    options = _parser().parse_args(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow greets on standard error
    try:
        _select_backend(options.backend)
        options.run(options)
    except KeyboardInterrupt:
        print("keras-sparse: interrupted; nothing was written", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        if options.debug:
            raise
        print(f"keras-sparse: {_one_line(error)}", file=sys.stderr)
        return _status(error)
    return 0


def _status(error: Exception) -> int:
    failures = {"ParityError", "ConversionError", "VerificationError", "TrainingError"}
    if type(error).__name__ in failures:
        return FAILED
    bad_input = (ValueError, TypeError, FileExistsError, FileNotFoundError, ModuleNotFoundError)
    return WRONG_CALL if isinstance(error, bad_input) else FAILED


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _demo(options: argparse.Namespace) -> None:
    _require_export()
    from keras_sparse.demo import demo

    demo(options.output, epochs=options.epochs, overwrite=options.overwrite)


def _train(options: argparse.Namespace) -> None:
    _require_export()
    from keras_sparse.evaluation import comparison_table
    from keras_sparse.run import Settings, train

    for name in ("rho", "rho_horizon"):
        if getattr(options, name) is not None and options.sparsity != "kl":
            raise ValueError(
                f"Invalid value for argument `--{name.replace('_', '-')}`. Expected it with "
                f"--sparsity kl alone. Received: --sparsity {options.sparsity}"
            )
    given = {name: getattr(options, name) for name in Settings.__dataclass_fields__}
    settings = Settings(**{name: value for name, value in given.items() if value is not None})
    run = train(
        options.data,
        options.output,
        settings,
        key=options.key,
        label=options.label,
        golden=options.golden,
        overwrite=options.overwrite,
    )
    rows, features = len(run.held_out) + run.trained_rows, run.held_out.shape[1]
    print(f"\n{rows} rows of {features} columns in {options.data.name}")
    probes = {"raw rows": run.probes["raw"], "codes": run.probes["codes"]} if run.probes else {}
    print(f"On {run.evaluation.rows} held-out rows:\n")
    print(comparison_table({"codes": run.evaluation}, probes))
    print(f"\nWrote {options.output}: the model, its history, and {options.output / 'encoder'}")


def _export(options: argparse.Namespace) -> None:
    _require_export()
    import numpy as np

    from keras_sparse.tables import read_table
    from keras_sparse_export import Encoder, export_encoder

    model = _load_model(options.model)
    kept = options.model.parent / "held_out.npy"
    sample_file = options.sample or (kept if kept.is_file() else None)
    sample = None
    if sample_file is not None:
        shape = (model.encoder if hasattr(model, "encoder") else model).input_shape[1:]
        rows = read_table(sample_file, key=options.key, label=options.label).rows
        if rows.shape[1] != int(np.prod(shape)):
            raise ValueError(
                f"Invalid value for argument `--sample`. Expected rows of {int(np.prod(shape))} "
                f"numbers. Received: {rows.shape[1]} in {sample_file.name}"
            )
        sample = rows.reshape(len(rows), *shape)
    path = export_encoder(
        model,
        options.output,
        sample=sample,
        layer=options.layer,
        decoder=options.decoder,
        golden=options.golden,
        overwrite=options.overwrite,
    )
    manifest = Encoder(path).manifest
    assert manifest is not None
    parity = manifest["parity"]["encoder"]
    print(
        f"Wrote {path}: {manifest['input']['shape']} to {manifest['output']['shape']}, max |Δ| "
        f"{parity['max_abs_error']:.2g} on {parity['rows']} rows (allowed "
        f"{parity['tolerance']:.2g})"
    )


def _report(options: argparse.Namespace) -> None:
    from keras_sparse.report import write_report

    path = write_report(
        options.source,
        options.output,
        rows=options.rows,
        row_shape=options.row_shape,
        overwrite=options.overwrite,
    )
    print(f"Wrote {path}")


def _select_backend(asked: str | None) -> None:
    """Set the backend before Keras is imported: as asked, else the only one that is installed."""
    installed = [name for name in BACKENDS if find_spec(name)]
    only = installed[0] if len(installed) == 1 else None
    selected = asked or os.environ.get("KERAS_BACKEND") or only
    if not installed or (selected in BACKENDS and selected not in installed):
        missing = selected or BACKENDS[0]
        raise ModuleNotFoundError(
            f"Expected the package `{missing}`, the backend of Keras to use. Received: an "
            f'environment without it. Remedy: pip install "keras-sparse[{missing}]"',
            name=missing,
        )
    if selected is not None:
        os.environ["KERAS_BACKEND"] = selected


def _load_model(path: Path) -> Any:
    if not path.is_file():
        raise FileNotFoundError(f"Expected a .keras file. Received: {path}, which does not exist")
    import keras

    import_module("keras_sparse.autoencoder")  # registers the classes that the file may hold
    try:
        return keras.saving.load_model(path, compile=False)
    except Exception as error:  # zip, JSON, HDF5 and Keras each raise their own
        raise ValueError(
            f"Expected a .keras file that loads in safe mode, with Keras' and keras_sparse's "
            f"classes alone. Received: {path} ({_one_line(error)[:300]})"
        ) from error


def _require_export() -> None:
    try:
        import_module("keras_sparse_export.convert")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"Expected the package `{error.name}`, which writes bundles. Received: an environment "
            'without it. Remedy: pip install "keras-sparse[export]"',
            name=error.name,
        ) from error


# Arguments -------------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="keras-sparse", description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    demo = _command(commands, "demo", _demo, "train, compare and export on embedded digits")
    demo.add_argument("-o", "--output", type=Path, default=Path("runs/demo"), metavar="DIR")
    demo.add_argument("--epochs", type=_positive, default=None, help="of each training (60)")

    train = _command(commands, "train", _train, "train on a table of your own and export")
    train.add_argument("data", type=Path, metavar="DATA", help=".npy, .npz, .csv or .parquet")
    train.add_argument("-o", "--output", type=Path, required=True, metavar="RUN")
    train.add_argument("--sparsity", choices=("l1", "kl", "l2", "none"), default="l1")
    train.add_argument("--strength", type=float, help="λ (1e-4) or β (1e-3)")
    train.add_argument("--rho", type=float, help="of KL (0.05)")
    train.add_argument(
        "--rho-horizon", type=float, metavar="N", help="samples that KL averages over (its batch)"
    )
    train.add_argument("--code-dim", type=_positive, default=64, help="units of the code (64)")
    train.add_argument(
        "--hidden-units", type=_sizes, default=(), metavar="N,N", help="hidden layers, as 128,64"
    )
    train.add_argument(
        "--normalization", choices=("standard", "minmax", "none"), default="standard"
    )
    train.add_argument("--epochs", type=_positive, default=30)
    train.add_argument("--batch-size", type=_positive, default=256)
    train.add_argument("--learning-rate", type=float, default=1e-3)
    train.add_argument("--hold-out", type=float, default=0.1, help="share of rows (0.1)")
    train.add_argument("--seed", type=int, default=0)
    train.add_argument(
        "--precision", choices=("float32", "mixed_bfloat16", "mixed_float16"), default="float32"
    )
    train.add_argument(
        "--devices", type=_positive, metavar="N", help="devices of this host that share a batch"
    )
    _add_table_options(train)

    export = _command(commands, "export", _export, "write the encoder of a .keras file")
    export.add_argument("model", type=Path, metavar="MODEL.keras")
    export.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    export.add_argument("--layer", metavar="NAME", help="the layer that gives the codes")
    export.add_argument("--decoder", action="store_true", help="add the decoder")
    export.add_argument(
        "--sample", type=Path, metavar="DATA", help="real rows (RUN/held_out.npy beside a run)"
    )
    _add_table_options(export)

    report = _command(commands, "report", _report, "write a page about a run or a sweep")
    report.add_argument("source", type=Path, metavar="RUN_OR_SWEEP")
    report.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="(RUN_OR_SWEEP/report.html)"
    )
    report.add_argument(
        "--no-rows", dest="rows", action="store_false", help="show no rows of the data"
    )
    report.add_argument(
        "--row-shape", type=_sizes, metavar="N,N", help="show rows as images, as 28,28"
    )
    return parser


def _command(
    commands: Any, name: str, run: Callable[[argparse.Namespace], None], summary: str
) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=summary, description=summary)
    command.set_defaults(run=run)
    command.add_argument("--backend", choices=BACKENDS, help="of Keras (as KERAS_BACKEND says)")
    command.add_argument("--overwrite", action="store_true", help="replace what is there")
    command.add_argument("--debug", action="store_true", help="show tracebacks")
    return command


def _add_table_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--key", metavar="NAME", help="array of an .npz that holds the rows")
    command.add_argument("--label", metavar="COLUMN", help="column of labels, for a linear probe")
    command.add_argument(
        "--golden",
        choices=("auto", "real", "synthetic", "none"),
        default="auto",
        help="rows to put into the bundle",
    )


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a positive integer, received {text!r}")
    return int(text)


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(_positive(part) for part in text.split(",") if part)


if __name__ == "__main__":
    sys.exit(main())
