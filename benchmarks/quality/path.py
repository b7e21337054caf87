"""Compare a warm path along λ with separate trainings: explained variance at equal L0, cost.

python -m quality.path --data MNIST.npz [-o DIR]
"""

import argparse
import json
from pathlib import Path

import numpy as np

from keras_sparse.experiments.sweeps.grid_sweep import sweep
from keras_sparse.models.settings import Settings

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--data", type=Path, required=True, metavar="MNIST.npz")
parser.add_argument("--epochs", type=int, default=15, help="epochs of a training from scratch")
parser.add_argument("--points", type=int, default=8)
parser.add_argument(
    "-o",
    "--output",
    type=Path,
    metavar="DIR",
    help="folder in which an interrupted sweep continues",
)
parser.add_argument("--processes", type=int, default=1, help="processes for the separate trainings")
options = parser.parse_args()

with np.load(options.data) as arrays:
    images = arrays["x_train"]
rows = (images.reshape(len(images), -1) / 255).astype(np.float32)
settings = Settings(code_dim=256, normalization="none", epochs=options.epochs)
grid = {"l1": np.geomspace(1e-5, 1e-3, options.points).tolist()}


def train(name: str, warm: bool) -> tuple[np.ndarray, int, list[float]]:
    """Return L0, explained variance and dead units per point; epochs; CPU seconds per point."""
    out = None if options.output is None else options.output / name
    processes = 1 if warm else options.processes
    frontier = sweep(rows, grid, settings=settings, warm=warm, out=out, processes=processes)
    curve, epochs, seconds = [], 0, []
    for point in frontier.points:
        assert point.evaluation is not None
        assert point.path is not None
        result = point.evaluation
        curve.append((result.l0, result.explained_variance, result.dead_units))
        record = json.loads((point.path / "run.json").read_text())
        epochs += record["settings"]["epochs"]
        seconds.append(record["cpu_seconds"])
    return np.array(curve), epochs, seconds


path, path_epochs, path_seconds = train("path", warm=True)
separate, epochs, seconds = train("separate", warm=False)
order = np.argsort(separate[:, 0])
log_l0, variance = np.log(separate[order, 0]), separate[order, 1]
equal = np.interp(np.log(path[:, 0]), log_l0, variance, left=np.nan, right=np.nan)

print("\n| λ | separate: expl. var. | L0 | dead | path: expl. var. | L0 | dead | at its L0 |")
print("| --- | --- | --- | --- | --- | --- | --- | --- |")
lines = zip(grid["l1"], separate, path, path[:, 1] - equal, strict=True)
for strength, there, here, difference in lines:
    cell = "–" if np.isnan(difference) else f"{difference:+.4f}"
    columns = " | ".join(f"{v:.4f} | {l0:.1f} | {dead:.0f}" for l0, v, dead in (there, here))
    print(f"| {strength:.1e} | {columns} | {cell} |")
times = path_epochs / options.epochs, sum(path_seconds) / float(np.mean(seconds))
print(
    f"\n{options.points} points as a path: {path_epochs} epochs, {sum(path_seconds):.0f} CPU s, "
    f"{times[0]:.2f}× and {times[1]:.2f}× one training from scratch; separately: {epochs} epochs, "
    f"{sum(seconds):.0f} CPU s"
)
