"""Train on a file, and write the model and what was measured to one folder."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Unpack

from keras_sparse.data import tables
from keras_sparse.data.tables import Table, TableOptions
from keras_sparse.data.tables.options import fill
from keras_sparse.evaluation.baselines import USUAL, require_kinds
from keras_sparse.experiments import resumable_run, run_folder
from keras_sparse.experiments.fitting import fit, require_revivable
from keras_sparse.experiments.run_folder import (
    BUNDLE,
    MARKER,
    MAX_HELD_OUT,
    Run,
    describe_windows,
    write_run,
)
from keras_sparse.models.settings import Settings


def train(
    data: str | Path,
    out: str | Path,
    settings: Settings,
    *,
    table: Table | None = None,
    golden: str = "auto",
    baselines: str = USUAL,
    overwrite: bool = False,
    resume: bool = False,
    **options: Unpack[TableOptions],
) -> Run:
    """Train on a file and write the run: `model.keras`, `history.csv`, `run.json`, `encoder/`.

    Up to 512 of the held-out rows are kept in `held_out.npy`, for later exports and pictures. The
    folder is written whole or not at all; until then the training is checkpointed beside it, in
    `RUN.checkpoint`. The last checkpoint stays in the run, in `checkpoint/`, for more epochs.

    Args:
        data: A file, or a folder of shards, as in `open_table`.
        out: Folder of the run.
        settings: How to train.
        table: What `open_table` returned of the file and the options, if it was called before.
        golden: As in `export_encoder`.
        baselines: As in `fit`.
        overwrite: Whether to replace a run at `out`.
        resume: Whether to continue from `RUN.checkpoint` if it exists. A run at `out` is then
            replaced by its continuation.
        **options: How to read the file, as in `open_table`.

    Raises:
        FileExistsError: If `out` holds something else, or a run and `overwrite` is false.
        DataError: As in `open_table` and `fit`.
        TrainingError: As in `fit`.
        ValueError: As `require_revivable`.
        CheckpointError, Interrupted: As in `resumable_run.keep_checkpoint`.
    """
    from keras_sparse_export import export_encoder
    from keras_sparse_export.bundle import transaction

    require_revivable(settings, [settings.family])
    require_kinds(baselines)
    data, out, options = Path(data), Path(out), fill(options)
    asked = {**options, "baselines": baselines}
    replaces = overwrite or (resume and resumable_run.checkpoint_folder(out).is_dir())
    transaction.require_target(out, overwrite=replaces, marker=MARKER)
    call = {"data": data.name, "options": asked, "settings": asdict(settings)}
    with resumable_run.keep_checkpoint(out, call, resume=resume, overwrite=overwrite) as checkpoint:
        if table is None:
            table = tables.open_table(data, **options)
        _require_scorable(table, settings)
        run = fit("train", table, settings, baselines=baselines, callbacks=[checkpoint])
        with transaction.replace_folder(out, marker=MARKER, overwrite=replaces) as folder:
            keep_rows = golden in ("auto", "real")
            write_run(
                folder,
                run,
                data=data.name,
                rows=keep_rows,
                options=asked,
                categories=table.categories,
                **describe_windows(table),
                golden=golden,
                fingerprint=tables.fingerprint(table),
            )
            export_encoder(
                run.model,
                folder / BUNDLE,
                sample=run.held_out[:MAX_HELD_OUT],
                decoder=True,
                golden=golden,
                **_score_options(run),
            )
            resumable_run.keep_final(out, folder)
    return run


def _require_scorable(table: Table, settings: Settings) -> None:
    """Raise, before a training, if there is to be a threshold of rows that have no score."""
    from keras_sparse_export.bundle.format import MAX_COLUMNS

    columns = settings.count_features(table)
    if settings.choose_rate(table) is not None and columns > MAX_COLUMNS:
        raise ValueError(
            f"Invalid value for argument `false_alarm_rate`. Expected none for rows of more than "
            f"{MAX_COLUMNS} columns, which have no score in a bundle. Received: {columns} columns. "
            "Remedy: fewer columns"
        )


def _score_options(run: Run) -> dict[str, Any]:
    """Options of the export for a score with a threshold, where the run keeps rows for it."""
    from keras_sparse_export.bundle.format import MAX_COLUMNS

    if run.calibration is None:
        is_scored = (
            run.model.windows is not None and run.model.decoder.output_shape[-1] <= MAX_COLUMNS
        )
        return {"score": is_scored}
    rows, groups, rate = run.calibration
    return {"score": True, "calibration": rows, "groups": groups, "false_alarm_rate": rate}


def is_complete(
    data: str | Path,
    out: str | Path,
    settings: Settings,
    *,
    table: Table | None = None,
    golden: str = "auto",
    baselines: str = USUAL,
    **options: Unpack[TableOptions],
) -> bool:
    """Whether `out` holds the run that `train` writes of the same rows, options and settings.

    Such a run has nothing to continue. A checkpoint that a killed process left beside it is
    removed. Where the call asks for more epochs alone, the run's last checkpoint is put beside it,
    from which `train` with `resume` goes on.

    Raises:
        FileExistsError: If `out` holds a run of another call; the message names the differences.
        ValueError: If `out` holds a run whose record cannot be read.
    """
    data, out, options = Path(data), Path(out), fill(options)
    if not run_folder.is_run(out):
        return False
    if table is None:
        table = tables.open_table(data, **options)
    entries = {
        "data": data.name,
        **options,
        "baselines": baselines,
        "golden": golden,
        "fingerprint": tables.fingerprint(table),
        "false_alarm_rate": settings.choose_rate(table),
    }

    def compare(settings: Settings) -> list[str]:
        plan = settings.plan(settings.outline(table))
        resolved = settings.for_rows(settings.outline(table), settings.count_features(table))
        return run_folder.find_differences(out, settings, resolved, **entries, **plan._asdict())

    differences = compare(settings)
    if not differences:
        resumable_run.remove_checkpoint(out)
        return True
    epochs = run_folder.read_epochs(out)
    is_longer = epochs is not None and settings.epochs is not None and epochs < settings.epochs
    if is_longer and not compare(replace(settings, epochs=epochs)) and resumable_run.reopen(out):
        return False
    raise FileExistsError(
        f"Expected the call of the complete run in {out}, or one with more epochs alone. Received: "
        f"another one, with {'; '.join(differences)}. Remedy: another folder, or --overwrite to "
        "train again from the start (overwrite=True)"
    )
