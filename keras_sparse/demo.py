"""The whole way on embedded real data: 1,797 handwritten digits of 8×8 pixels."""

from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from keras_sparse import extras
from keras_sparse.evaluation import comparison_table
from keras_sparse.run import Run, Settings, fit, write_run
from keras_sparse.tables import Table

SETTINGS = {
    "L1": Settings(sparsity="l1", strength=3e-3, warm_up=20, revive=5),
    "KL": Settings(sparsity="kl", strength=1e-2, rho=0.05),
}
COMMON = {
    "code_dim": 128,
    "normalization": "minmax",
    "epochs": 60,
    "batch_size": 64,
    "learning_rate": 3e-3,
    "hold_out": 0.25,
}


def demo(out: Path, *, epochs: int | None = None, overwrite: bool = False) -> None:
    """Train with L1 and with KL, compare, export the better one, run it with onnxruntime.

    Args:
        out: Folder of the bundle.
        epochs: Epochs of each training; 60 by default.
        overwrite: Whether to replace a bundle at `out`.
    """
    from keras_sparse_export import Encoder, bundle, export_encoder
    from keras_sparse_export.fidelity import max_abs_error, tolerance

    bundle.require_target(out, overwrite=overwrite)
    table = digits()
    runs = {}
    common = COMMON | ({"epochs": epochs} if epochs else {})
    for name, settings in SETTINGS.items():
        runs[name] = fit(name, table, Settings(**{**vars(settings), **common}))
    print(f"\nOn {len(next(iter(runs.values())).held_out)} held-out digits:\n")
    print(_table(runs))

    best = max(runs, key=lambda name: runs[name].probes["codes"])
    run = runs[best]
    path = export_encoder(run.model, out, sample=run.held_out, decoder=True, overwrite=overwrite)
    encoder = Encoder(path)
    expected = run.model.encode(run.held_out)
    error = max_abs_error(expected, encoder.encode(run.held_out))
    encoder.verify()
    page = _write_report(run, Settings(**{**vars(SETTINGS[best]), **common}), out)
    print(
        f"\nExported {best}, the better probe, to {path}\n"
        f"onnxruntime against Keras on {len(expected)} digits: max |Δ| {error:.2g} "
        f"(allowed {tolerance(expected):.2g}); golden rows verified\n"
        f"{page}\n"
        f"\nNext: keras-sparse-export info {path}"
    )


def _write_report(run: Run, settings: Settings, out: Path) -> str:
    """The page about the run, beside the bundle, and a line that says where."""
    if find_spec("matplotlib") is None:
        return 'No report: it needs matplotlib. Remedy: pip install "keras-sparse[insight]"'
    from keras_sparse.report import write_report

    with TemporaryDirectory() as folder:
        write_run(Path(folder), run, settings, data="Handwritten digits", rows=True)
        page = write_report(folder, out.with_name(f"{out.name}-report.html"))
    return f"What it has learnt: {page}"


def digits() -> Table:
    """scikit-learn's digits, pixels 0 to 16, with their labels.

    Raises:
        ModuleNotFoundError: Without the extra `[insight]`.
    """
    extras.require("scikit-learn", ", which holds the digits", "insight", module="sklearn")
    from sklearn.datasets import load_digits

    data = load_digits()
    return Table(data.data, data.target, (8, 8))


def _table(runs: dict[str, Run]) -> str:
    of_pixels = next(iter(runs.values())).probes
    probes = {"raw pixels": of_pixels["raw"], "their PCA": of_pixels["pca"]}
    probes |= {name: run.probes["codes"] for name, run in runs.items()}
    return comparison_table({name: run.evaluation for name, run in runs.items()}, probes)
