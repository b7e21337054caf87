"""Train, compare and export on embedded real data: 1,797 handwritten digits of 8×8 pixels."""

import math
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from keras_sparse.data.tables import Table
from keras_sparse.evaluation.held_out import comparison_table
from keras_sparse.experiments.fitting import fit
from keras_sparse.experiments.run_folder import Run, write_run
from keras_sparse.models.settings import Settings
from keras_sparse.utils import optional

L0 = 8
SETTINGS = {
    settings.family.title: settings
    for settings in (
        Settings(l0=L0),
        Settings(sparsity="l1", l0=L0),
        Settings(sparsity="kl", strength=0.3, rho=0.033, learning_rate=1e-2),
    )
}
"""The builder's choice, and two penalties. KL has a ρ and no L0: its row says at which it ends."""
COMMON: dict[str, Any] = {
    "code_dim": 128,
    "normalization": "center",
    "batch_size": 64,
    "hold_out": 0.25,
}


def demo(out: Path, *, epochs: int, overwrite: bool = False) -> None:
    """Train three families, compare them at one L0, export the best and run it with onnxruntime.

    Args:
        out: Folder of the bundle.
        epochs: Epochs of each training.
        overwrite: Whether to replace a bundle at `out`.
    """
    from keras_sparse_export import Encoder, export_encoder
    from keras_sparse_export.bundle import transaction
    from keras_sparse_export.runtime.parity import max_abs_error, tolerance

    transaction.require_target(out, overwrite=overwrite)
    table = digits()
    settings = {name: replace(own, **COMMON, epochs=epochs) for name, own in SETTINGS.items()}
    runs = {name: fit(name, table, settings[name]) for name in settings}
    print(f"\nOn {len(next(iter(runs.values())).held_out)} held-out digits, L0 {L0} asked for:\n")
    print(_table(runs))

    best = max(runs, key=lambda name: _explained_at_l0(runs[name]))
    run = runs[best]
    path = export_encoder(run.model, out, sample=run.held_out, decoder=True, overwrite=overwrite)
    encoder = Encoder(path)
    expected = run.model.encode(run.held_out)
    error = max_abs_error(expected, encoder.encode(run.held_out))
    encoder.verify()
    report = _write_report(run, out)
    print(
        f"\nExported {best}, which explains the most at this L0, to {path}\n"
        f"onnxruntime against Keras on {len(expected)} digits: max |Δ| {error:.2g} "
        f"(allowed {tolerance(expected).max():.2g}); golden rows verified\n"
        f"{report}\n"
        f"\nNext: keras-sparse-export info {path}"
    )


def _write_report(run: Run, out: Path) -> str:
    """Write the report beside the bundle and return a line that says where it is."""
    from keras_sparse.report.write import missing_package, write_report

    if package := missing_package():
        return f'No report: it needs {package}. Remedy: pip install "keras-sparse[insight]"'
    with TemporaryDirectory() as folder:
        write_run(Path(folder), run, data="Handwritten digits", rows=True)
        page = write_report(folder, out.with_name(f"{out.name}-report.html"))
    return f"Report: {page}"


def digits() -> Table:
    """Load scikit-learn's digits, with pixels from 0 to 16 and their labels.

    Raises:
        ModuleNotFoundError: Without the extra `[insight]`.
    """
    optional.require("scikit-learn", ", which holds the digits", "insight", module="sklearn")
    from sklearn.datasets import load_digits

    data = load_digits()
    return Table(data.data, data.target, (8, 8))


def _explained_at_l0(run: Run) -> float:
    """Explained variance by active units; minus infinity with an L0 half a unit above."""
    evaluation = run.evaluation
    return evaluation.explained_by_active if evaluation.l0 <= L0 + 0.5 else -math.inf


def _table(runs: dict[str, Run]) -> str:
    run = next(iter(runs.values()))
    first = run.probes
    probes = {"raw pixels": first["raw"], "untrained encoder": first["untrained"]}
    probes |= {name: run.probes["codes"] for name, run in runs.items()}
    evaluations = {name: run.evaluation for name, run in runs.items()}
    baselines = {baseline.title: baseline.evaluation for baseline in run.baselines}
    error = max(max(run.probes["standard_errors"].values()) for run in runs.values())
    return (
        f"{comparison_table({**baselines, **evaluations}, probes)}\n\n"
        f"Probe: accuracy of a linear classifier, {first['folds']} folds over {first['rows']} "
        f"digits; standard error at most {error:.3f}, chance {first['chance']:.3f}"
    )
