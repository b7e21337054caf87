"""The actions of the commands. They import Keras only when they run."""

import argparse
import zipfile
from importlib import import_module
from pathlib import Path
from typing import Any

from keras_sparse.cli.arguments import Action, flag, grid_settings, settings_of, table_options
from keras_sparse.sparsity import families
from keras_sparse.utils.text import first_reason, one_line


def _demo(options: argparse.Namespace) -> None:
    _require_export()
    from keras_sparse.cli.demo import demo

    demo(options.output, epochs=options.epochs, overwrite=options.overwrite)


def _train(options: argparse.Namespace) -> None:
    _require_export()
    from keras_sparse.cli.show_run import show_run
    from keras_sparse.experiments import run

    settings = settings_of(options)
    _require_family_of_options(options, settings.family.name)
    call = (options.data, options.output, settings)
    names = {
        **table_options(options),
        "golden": options.golden,
        "baselines": options.baselines,
        "table": options.table,
    }
    # A run that is to be replaced may have a checkpoint beside it, to continue from.
    resumes = options.resume and not options.overwrite
    if resumes and run.is_complete(*call, **names):
        print(f"{options.output} is complete: nothing is trained")
    else:
        run.train(*call, **names, overwrite=options.overwrite, resume=options.resume)
    show_run(options.output)
    _write_pages(options.output, rows=options.golden in ("auto", "real"))


def _require_family_of_options(options: argparse.Namespace, sparsity: str) -> None:
    """Raise for an option that the chosen sparsity family does not have."""
    owners = {
        name: [family for family in families.families() if name in family.axes]
        for name in families.parameters()
    }
    owners["rho_horizon"] = [
        family for family in families.families() if family.has_batch_statistic()
    ]
    for name, with_option in owners.items():
        names = [family.name for family in with_option]
        if hasattr(options, name) and sparsity not in names:
            raise ValueError(
                f"Invalid value for argument `{flag(name)}`. Expected it only with --sparsity "
                f"{' or '.join(names)}. Received: --sparsity {sparsity}"
            )


def _write_pages(folder: Path, *, rows: bool, frontier: bool = False) -> None:
    """Write the report, and the figure of the Pareto front, if their packages are installed."""
    from keras_sparse.report.write import missing_package, write_frontier, write_report

    if package := missing_package():
        print(f'No report: it needs {package}. Remedy: pip install "keras-sparse[insight]"')
        return
    try:
        if frontier:
            write_frontier(folder)
        page = write_report(folder, rows=rows)
    except Exception as error:  # from the disk, or from what draws
        raise RuntimeError(
            f"Expected to write the report. Received: {one_line(error)}. All else is complete in "
            f"{folder}. Remedy: keras-sparse report {folder}"
        ) from error
    print(f"Wrote {page}")


def _sweep(options: argparse.Namespace) -> None:
    _require_export()
    from keras_sparse.experiments.run_folder import MODEL
    from keras_sparse.experiments.sweeps.frontier import RecommendationError
    from keras_sparse.experiments.sweeps.sweep_folder import (
        POINTS,
        TABLE,
        point_folder,
        write_results,
    )

    table = options.table
    limits = {
        name: getattr(options, name) for name in ("max_l0", "min_explained_variance", "min_probe")
    }
    probed = table.labels is not None and table.anomalous is None
    if limits["min_probe"] is not None and not probed:
        remedy = "--label COLUMN" if table.labels is None else "no --normal"
        raise ValueError(
            "Invalid value for argument `--min-probe`. Expected it only with labels that a probe "
            f"is fitted to. Received: --min-probe {options.min_probe}. Remedy: {remedy}"
        )
    frontier = _run_sweep(options, table)
    print(f"\nOn held-out rows of {options.data.name}:\n\n{frontier.table()}")
    for note in frontier.notes:
        print(f"\nNote: {note}")
    print(f"\nWrote {options.output}: {TABLE} and {options.output / POINTS}")
    try:
        recommendation = frontier.recommend(**limits)
    except RecommendationError:
        write_results(frontier, None)
        _write_pages(options.output, rows=not options.no_rows, frontier=True)
        raise
    if any(limit is not None for limit in limits.values()):  # otherwise it is written already
        write_results(frontier, recommendation)
    _write_pages(options.output, rows=not options.no_rows, frontier=True)
    print(f"\nRecommended: {recommendation.point.name}, {recommendation.reason}")
    model = point_folder(options.output, recommendation.point.name) / MODEL
    print(f"To export it: keras-sparse export {model} -o DIR")


def _run_sweep(options: argparse.Namespace, table: Any) -> Any:
    """Train the grid, or search with Optuna."""
    from keras_sparse.experiments.sweeps.grid import FAMILIES, L0
    from keras_sparse.experiments.sweeps.grid_sweep import sweep
    from keras_sparse.experiments.sweeps.optuna_search import search

    grid = {name: getattr(options, name) for name in (*families.axes(), L0, FAMILIES)}
    grid = {name: values for name, values in grid.items() if values is not None}
    shared = {
        "settings": settings_of(options, but=grid_settings()),
        "out": options.output,
        "overwrite": options.overwrite,
        "keep_rows": not options.no_rows,
        "baselines": options.baselines,
        "data": options.data.name,
    }
    if options.trials is None:
        _require_unset(options, "only with --trials", "storage", "study")
        names = ("warm", "processes", "max_l0", "minutes")
        return sweep(
            table, grid or None, **{name: getattr(options, name) for name in names}, **shared
        )
    _require_unset(options, "only without --trials", "warm", "processes", "minutes")
    space = {
        name: values if name == FAMILIES else (min(values), max(values))
        for name, values in grid.items()
    }
    return search(
        table,
        space or None,
        trials=options.trials,
        storage=options.storage,
        max_l0=options.max_l0,
        **({} if options.study is None else {"study": options.study}),
        **shared,
    )


def _require_unset(options: argparse.Namespace, condition: str, *names: str) -> None:
    for name in names:
        if value := getattr(options, name):
            raise ValueError(
                f"Invalid value for argument `{flag(name)}`. Expected it {condition}. Received: "
                f"{value}"
            )


def _export(options: argparse.Namespace) -> None:
    _require_export()
    from keras_sparse.data.files import load_numpy
    from keras_sparse_export import Encoder, export_encoder

    model = _load_model(options.model)
    sample_file = options.sample or _find_held_out(options.model)
    sample = names = calibration = groups = None
    if sample_file is not None:
        table = options.table
        rows = load_numpy(sample_file) if table is None else table.rows
        found = None if table is None else table.columns
        sample, names = _shape_rows(model, rows, found, sample_file, "--sample")
    if (table := options.calibration_table) is not None:
        groups = table.groups
        calibration, own = _shape_rows(
            model, table.rows, table.columns, options.calibration, "--calibration"
        )
        names = own if names is None else names
    path = export_encoder(
        model,
        options.output,
        sample=sample,
        columns=names,
        layer=options.layer,
        decoder=options.decoder,
        score=options.score,
        calibration=calibration,
        false_alarm_rate=options.false_alarm_rate,
        groups=groups,
        top_k=options.top_k,
        quantize=options.quantize,
        litert=options.litert,
        golden=options.golden,
        overwrite=options.overwrite,
    )
    manifest = Encoder(path).manifest
    assert manifest is not None
    parity = manifest["parity"]["encoder"]
    mixed = "" if options.golden == "synthetic" else "real "
    kind = "synthetic " if sample is None else mixed
    print(
        f"Wrote {path}: {manifest['input']['shape']} to {manifest['output']['shape']}, max |Δ| "
        f"{parity['max_abs_error']:.2g} on {parity['rows']} "
        f"{kind}rows (allowed {parity['tolerance']:.2g})"
    )
    if manifest["int8"] is not None:
        from keras_sparse_export.variants.report import format_table

        print(format_table(manifest["int8"]))


def _shape_rows(model: Any, rows: Any, found: Any, file: Path, option: str) -> tuple[Any, Any]:
    """Return the rows of a file in the form that a model takes, and the names of their columns."""
    import numpy as np

    from keras_sparse.data.arrays import as_dense
    from keras_sparse.data.named_rows import order_table
    from keras_sparse.data.sparse_rows import SparseRows

    shape = (model.encoder if hasattr(model, "encoder") else model).input_shape[1:]
    columns = getattr(model, "columns", None)
    rows = order_table(rows, found, columns, option)
    names = found if columns is None and len(shape) == 1 else columns
    if rows.shape[1] != int(np.prod(shape)):
        raise ValueError(
            f"Invalid value for argument `{option}`. Expected rows of {int(np.prod(shape))} "
            f"numbers. Received: {rows.shape[1]} in {file.name}"
        )
    is_sparse = isinstance(rows, SparseRows) and len(shape) == 1
    return rows.csr if is_sparse else as_dense(rows, option).reshape(len(rows), *shape), names


def _report(options: argparse.Namespace) -> None:
    from keras_sparse.report.write import write_report

    path = write_report(
        options.source,
        options.output,
        rows=not options.no_rows,
        row_shape=options.row_shape,
        overwrite=options.overwrite,
    )
    print(f"Wrote {path}")


def _find_held_out(model: Path) -> Path | None:
    """Find the rows of a run, beside its model, or of a sweep, beside the folder of its points."""
    from keras_sparse.experiments.run_folder import HELD_OUT
    from keras_sparse.experiments.sweeps import sweep_folder

    folders = [model.parent]
    *_, sweep = model.resolve().parents[:3]
    if (sweep / sweep_folder.MARKER).is_file() and (
        sweep_folder.point_folder(sweep, model.resolve().parent.name) == model.resolve().parent
    ):
        folders.append(sweep)
    files = [folder / HELD_OUT for folder in folders]
    return next((file for file in files if file.is_file()), None)


def _load_model(path: Path) -> Any:
    from keras_sparse.experiments.run_folder import MODEL

    if path.is_dir():
        raise ValueError(
            f"Expected a .keras file. Received: {path}, a folder. Remedy: {path / MODEL}"
        )
    if not path.is_file():
        raise FileNotFoundError(f"Expected a .keras file. Received: {path}, which does not exist")
    import keras

    try:
        if not zipfile.is_zipfile(path):  # Keras would read HDF5 too, which may contain code
            raise ValueError("no .keras archive")
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # zip, JSON, HDF5 and Keras each raise their own
        raise ValueError(
            f"Expected a .keras file that loads in safe mode, with classes of Keras and "
            f"keras_sparse only. Received: {path} ({first_reason(error)})"
        ) from error


def _require_export() -> None:
    try:
        import_module("keras_sparse_export.convert.export")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"Expected the package `{error.name}`, which writes bundles. Received: an environment "
            'without it. Remedy: pip install "keras-sparse[export]"',
            name=error.name,
        ) from error


ACTIONS: dict[str, Action] = {
    "demo": _demo,
    "train": _train,
    "sweep": _sweep,
    "export": _export,
    "report": _report,
}
