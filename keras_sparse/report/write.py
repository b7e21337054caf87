"""Write the report of a run or a sweep: one page that a browser opens without anything else."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from keras_sparse.experiments.run_folder import RUN_FILES
from keras_sparse.experiments.sweeps import sweep_folder
from keras_sparse.experiments.sweeps.sweep_folder import SWEEP_FILES
from keras_sparse.models.sparse_autoencoder import SparseAutoencoder
from keras_sparse.report import summary
from keras_sparse.report.model_run import make_run
from keras_sparse.report.page import is_report
from keras_sparse.report.plots.frontier import frontier
from keras_sparse.report.run_page import render, render_run
from keras_sparse.report.sweep_page import render_sweep
from keras_sparse.utils.files import replace_file

PACKAGES = ("matplotlib", "jinja2")


def write_report(
    source: str | Path | SparseAutoencoder,
    out: str | Path | None = None,
    *,
    x: Any = None,
    rows: bool = True,
    row_shape: Sequence[int] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write one self-contained page about a run, a sweep, or a model.

    Files that a run lacks, because it was cut short, are named on the page, and the rest is shown.

    Args:
        source: The folder of a run or a sweep, or a trained model.
        out: The page; by default `report.html` in the folder. An older report is replaced.
        x: Rows of a model, on which it is measured; best those that it was not trained on. A folder
            has rows of its own.
        rows: Whether to show rows of the data.
        row_shape: Shape of one row, to show rows as images: `(28, 28)`. By default the folder
            names it.
        overwrite: Whether to replace a file that is no report.

    Returns:
        The path of the page.

    Raises:
        FileNotFoundError: If there is no folder at `source`.
        FileExistsError: If there is something at `out` that may not be replaced.
        ValueError: If `source` is neither a run nor a sweep, or `row_shape` does not fit its rows,
            or `x` is given with a folder, or not with a model, or does not fit it.
        ModuleNotFoundError: Without the extra `[insight]`.

    Example:
        >>> import numpy as np, tempfile, keras_sparse
        >>> from keras_sparse.report.write import write_report
        >>> x = np.random.default_rng(0).random((256, 20))
        >>> model = keras_sparse.SparseAutoencoder(20, 32, target_l0=4)
        >>> model.compile()
        >>> history = model.fit(x[:200], epochs=2, verbose=0)
        >>> write_report(model, tempfile.mkdtemp() + "/report.html", x=x[200:]).name
        'report.html'
    """
    is_model = isinstance(source, SparseAutoencoder)
    if is_model != (x is not None):
        raise ValueError(
            "Invalid value for argument `x`. Expected rows with a model, and None with a folder. "
            f"Received: {'None' if x is None else type(x).__name__} with {source}"
        )
    if isinstance(source, SparseAutoencoder):
        if out is None:
            raise ValueError(
                "Invalid value for argument `out`. Expected a file to write, as there is no folder "
                "of a run. Received: out=None"
            )
        _require_target(Path(out), overwrite)
        return _write(Path(out), render(make_run(source, x), source.name, rows, row_shape))
    source = Path(source)
    out = source / "report.html" if out is None else Path(out)
    render_folder = render_sweep if _find_kind(source) == "sweep" else render_run
    _require_target(out, overwrite)
    return _write(out, render_folder(source, rows, row_shape))


def _write(out: Path, page: str) -> Path:
    with replace_file(out) as staging:
        staging.write_text(page, encoding="utf-8")
    return out


def write_frontier(source: str | Path) -> Path:
    """Draw the Pareto front of a sweep, its recommended point marked, as its `frontier.svg`.

    Args:
        source: The folder of the sweep.

    Returns:
        The path of the figure.

    Raises:
        FileNotFoundError: If there is no folder at `source`.
        ModuleNotFoundError: Without the extra `[insight]`.
    """
    sweep = sweep_folder.read_sweep(Path(source))
    chosen, _ = summary.recommendation(sweep.record)
    out = sweep.path / "frontier.svg"
    drawing = frontier(sweep.points, chosen=chosen)
    with replace_file(out) as staging:
        drawing.savefig(staging)
    return out


def missing_package() -> str | None:
    """The first package that a report needs and this environment lacks; `None` if it has all."""
    return next((name for name in PACKAGES if find_spec(name) is None), None)


def _require_target(out: Path, overwrite: bool) -> None:
    if out.is_dir() or (out.exists() and not overwrite and not is_report(out)):
        kind = "a folder" if out.is_dir() else "no report. Remedy: overwrite=True (--overwrite)"
        raise FileExistsError(
            "Invalid value for argument `out`. Expected a new file, or a report to replace. "
            f"Received: {out}, which is {kind}"
        )


def _find_kind(path: Path) -> str:
    """`"run"` or `"sweep"`."""
    if not path.is_dir():
        raise FileNotFoundError(
            f"Invalid value for argument `source`. Expected the folder of a run or of a sweep. "
            f"Received: {path}, which {'is a file' if path.exists() else 'does not exist'}"
        )
    for kind, files in (("sweep", SWEEP_FILES), ("run", RUN_FILES)):
        if any((path / name).is_file() for name in files):
            return kind
    raise ValueError(
        "Invalid value for argument `source`. Expected the folder of a run or of a sweep, with "
        f"{', '.join(RUN_FILES)} or {' or '.join(SWEEP_FILES)}. Received: {path}, which has none "
        "of these"
    )
