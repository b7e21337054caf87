"""The `keras-sparse` command. Nothing heavy is imported before the arguments are understood."""

import argparse
import os
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import asdict
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from keras_sparse.arguments import BACKENDS, parser

WRONG_CALL, FAILED, INTERRUPTED = 2, 1, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit status is 0, 1 for a failed job, 2 for a wrong call or bad input."""
    actions = {
        "demo": _demo,
        "train": _train,
        "sweep": _sweep,
        "export": _export,
        "report": _report,
    }
    options = parser(actions, __doc__.split("\n")[0]).parse_args(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow greets on standard error
    try:
        _select_backend(options.backend)
        options.run(options)
    except KeyboardInterrupt as error:
        said = str(error) or f"interrupted; {options.interrupted}"
        print(f"keras-sparse: {said}", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        if options.debug:
            raise
        print(f"keras-sparse: {_one_line(error)}", file=sys.stderr)
        return _status(error)
    return 0


def _status(error: Exception) -> int:
    failures = {"ParityError", "ConversionError", "VerificationError", "TrainingError"}
    failures |= {"RecommendationError"}
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
    import numpy as np

    from keras_sparse import remarks
    from keras_sparse.evaluation import comparison_table
    from keras_sparse.run import train

    for name in ("rho", "rho_horizon"):
        if getattr(options, name) is not None and options.sparsity != "kl":
            raise ValueError(
                f"Invalid value for argument `--{name.replace('_', '-')}`. Expected it with "
                f"--sparsity kl alone. Received: --sparsity {options.sparsity}"
            )
    settings = _settings(options)
    run = train(
        options.data,
        options.output,
        settings,
        key=options.key,
        label=options.label,
        golden=options.golden,
        overwrite=options.overwrite,
        resume=options.resume,
    )
    rows, features = len(run.held_out) + run.trained_rows, run.held_out.shape[1]
    print(f"\n{rows} rows of {features} columns in {options.data.name}")
    names = {"raw": "raw rows", "pca": "their PCA", "codes": "codes"}
    probes = {names[name]: run.probes[name] for name in names if run.probes}
    print(f"On {run.evaluation.rows} held-out rows:\n")
    print(comparison_table({"codes": run.evaluation}, probes))
    notes = remarks.notes(
        asdict(run.evaluation),
        asdict(settings),
        run.probes,
        {name: np.array(values) for name, values in run.history.items()},
        run.curves["density"][-1],
    )
    for note in notes:
        print(f"\nNote: {note}")
    print(f"\nWrote {options.output}: the model, its history, and {options.output / 'encoder'}")
    _write_pages(options.output, rows=options.golden in ("auto", "real"))


def _write_pages(folder: Path, *, rows: bool, frontier: bool = False) -> None:
    if find_spec("matplotlib") is None:
        print('No report: it needs matplotlib. Remedy: pip install "keras-sparse[insight]"')
        return
    from keras_sparse.report import write_frontier, write_report

    if frontier:
        write_frontier(folder)
    print(f"Wrote {write_report(folder, rows=rows)}")


def _sweep(options: argparse.Namespace) -> None:
    _require_export()
    from keras_sparse.frontier import RecommendationError
    from keras_sparse.sweep_folder import write_results
    from keras_sparse.tables import read_table

    table = read_table(options.data, key=options.key, label=options.label)
    wanted = {
        name: getattr(options, name) for name in ("max_l0", "min_explained_variance", "min_probe")
    }
    if wanted["min_probe"] is not None and table.labels is None:
        raise ValueError(
            "Invalid value for argument `--min-probe`. Expected it with labels alone. Received: "
            f"--min-probe {options.min_probe}. Remedy: --label COLUMN"
        )
    frontier = _swept(options, table)
    print(f"\nOn held-out rows of {options.data.name}:\n\n{frontier.table()}")
    print(f"\nWrote {options.output}: frontier.csv and {options.output / 'points'}")
    try:
        recommendation = frontier.recommend(**wanted)
    except RecommendationError:
        write_results(frontier, None)
        _write_pages(options.output, rows=not options.no_rows, frontier=True)
        raise
    if any(limit is not None for limit in wanted.values()):  # else it is what was written
        write_results(frontier, recommendation)
    _write_pages(options.output, rows=not options.no_rows, frontier=True)
    print(f"\nRecommended: {recommendation.point.name}, {recommendation.reason}")


def _swept(options: argparse.Namespace, table: Any) -> Any:
    from keras_sparse.search import search
    from keras_sparse.sweep import sweep

    grid = {name: getattr(options, name) for name in ("l1", "beta", "rho")}
    grid = {name: values for name, values in grid.items() if values is not None}
    shared = {
        "settings": _settings(options, but=("sparsity", "strength", "rho")),
        "out": options.output,
        "overwrite": options.overwrite,
        "keep_rows": not options.no_rows,
        "data": options.data.name,
    }
    if options.trials is None:
        _refuse(options, "with --trials alone", "storage", "study")
        return sweep(table, grid or None, warm=options.warm, processes=options.processes, **shared)
    _refuse(options, "without --trials", "warm", "processes")
    space = {name: (min(values), max(values)) for name, values in grid.items()}
    return search(
        table,
        space or None,
        trials=options.trials,
        storage=options.storage,
        study=options.study or "keras-sparse",
        max_l0=options.max_l0,
        **shared,
    )


def _refuse(options: argparse.Namespace, why: str, *names: str) -> None:
    for name in names:
        if value := getattr(options, name):
            raise ValueError(
                f"Invalid value for argument `--{name}`. Expected it {why}. Received: {value}"
            )


def _settings(options: argparse.Namespace, but: tuple[str, ...] = ()) -> Any:
    from keras_sparse.run import Settings

    names = [name for name in Settings.__dataclass_fields__ if name not in but]
    given = {name: getattr(options, name) for name in names}
    return Settings(**{name: value for name, value in given.items() if value is not None})


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
        top_k=options.top_k,
        quantize=options.quantize,
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
    if manifest["int8"] is not None:
        from keras_sparse_export.quantize import table

        print(table(manifest["int8"]))


def _report(options: argparse.Namespace) -> None:
    from keras_sparse.report import write_report

    path = write_report(
        options.source,
        options.output,
        rows=not options.no_rows,
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
        if not zipfile.is_zipfile(path):  # Keras would read HDF5 too, in which code may lie
            raise ValueError("no .keras archive")
        return keras.saving.load_model(path, compile=False, safe_mode=True)
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


if __name__ == "__main__":
    sys.exit(main())
