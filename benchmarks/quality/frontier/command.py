"""Compare all families with torch references, a PCA and OMP at the same L0.

    python -m quality.frontier --data mnist --file mnist.npz --l0 8,16,32,64 --seeds 0,1,2 --out DIR
    python -m quality.frontier --table --out DIR

All methods get the same rows, epochs and batch. A learning rate is chosen from one grid on
validation rows; it falls over the last 40 % of the steps, for L1 and KL over 20 %. `default`
chooses scaling and rate itself. The test rows are looked at once. Each point is a JSON in DIR:
a run that was stopped goes on where it was, and several processes may share a DIR.

L1 reaches its L0 by `target_l0`; for KL, ρ is L0/units, and a threshold that is found on the
validation rows leaves L0 codes active. The explained variance is that of codes in the form that is
exported, inactive ones set to zero; that of the codes as in training is the second column.

SAELens is among the methods where it is installed (`--methods saelens_topk,saelens_batch_topk`).
"""

import argparse
import math
import sys
import time
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

from keras_sparse.data.arrays import checksum
from quality.frontier import store, table
from quality.frontier.data import SETS, Data, load
from quality.frontier.measure import DECAY, Budget, Coder, Result, explain, measure, peak_rates

WITHOUT_RATES = ("pca", "omp", "default")
"""Methods that are trained once."""


def main(arguments: Sequence[str]) -> None:
    sys.path.append(str(Path(__file__).parents[3]))  # the patches are those of an example
    options = _parse(arguments)
    if options.table:
        print(table.format_tables(store.read(options.out)))
        return
    budget = Budget(options.epochs, options.batch)
    data = load(options.data, options.file, options.rows)
    settings = {
        **vars(budget),
        "units": data.units,
        "rows": len(data.x),
        "data": [checksum(data.x), checksum(data.x_test)],
        "rates": peak_rates(data.x.shape[1], data.units)[: options.rates],
        "decay": DECAY,
    }
    for seed, l0, method in product(options.seeds, options.l0, options.methods):
        job = store.Job(options.data, method, l0, seed)

        def compute(job: store.Job = job) -> dict[str, Any]:
            result = train(job, data, budget, options.rates)
            return {"result": result.to_record()}

        if store.run_once(job, options.out, settings, compute):
            print(*job, flush=True)


def train(job: store.Job, data: Data, budget: Budget, rates: int) -> Result:
    """Train a method at each learning rate, and measure the best on the test rows.

    Args:
        job: The point.
        data: The rows.
        budget: How long to train.
        rates: Number of learning rates: the middle one, the largest, the smallest.
    """
    best: tuple[float, Coder, dict[str, Any]] | None = None
    by_rate: dict[str, float] = {}
    grid = peak_rates(data.x.shape[1], data.units)[:rates]
    for rate in [0.0] if job.method in WITHOUT_RATES else grid:
        start = time.perf_counter()
        coder = fit(job, data, rate, budget)
        seconds = time.perf_counter() - start
        explained = explain(data.x_val, coder, coder.encode(data.x_val))
        explained = explained if math.isfinite(explained) else -math.inf
        by_rate[f"{rate:.2g}"] = explained
        if best is None or explained > best[0]:
            best = explained, coder, {"seconds": seconds, "rate": rate}
    assert best is not None
    _, coder, choice = best
    return measure(data.x_test, coder, explained_by_rate=by_rate, **choice)


def fit(job: store.Job, data: Data, rate: float, budget: Budget) -> Coder:
    """Train a method. What it needs is imported here: Keras, or torch."""
    if job.method == "pca":
        from keras_sparse.evaluation.baselines import LargestScores

        pca = LargestScores.fit(data.x)
        return Coder(lambda x: pca.encode(x, job.l0), pca.decode)
    if job.method == "omp":
        from keras_sparse.evaluation.baselines import Dictionary

        width = min(data.units, len(data.x))
        dictionary = Dictionary.fit(data.x, width, job.l0, job.seed)
        return Coder(lambda x: dictionary.encode(x, job.l0), dictionary.decode)
    if job.method.startswith("torch_"):
        from quality.frontier import references

        return references.fit(job.method, data, job.l0, job.seed, rate, budget)
    if job.method.startswith("saelens_"):
        from quality.frontier import saelens

        return saelens.fit(job.method, data, job.l0, job.seed, rate, budget)
    from quality.frontier import ours

    return ours.fit(job.method, data, job.l0, job.seed, rate, budget)


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m quality.frontier",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the results")
    parser.add_argument("--table", action="store_true", help="print the results in it")
    parser.add_argument("--data", choices=SETS, default="digits")
    parser.add_argument("--file", type=Path, help="mnist.npz, a folder, a .npy or a wheel")
    parser.add_argument("--l0", type=_numbers, default=[8, 16, 32, 64])
    parser.add_argument("--seeds", type=_numbers, default=[0, 1, 2])
    parser.add_argument("--methods", type=_names, default=[*table.DEFAULT])
    parser.add_argument("--epochs", type=int, default=Budget.epochs)
    parser.add_argument("--batch", type=int, default=Budget.batch)
    parser.add_argument("--rows", type=int, help="number of training rows (default: all)")
    parser.add_argument(
        "--rates", type=int, default=3, help="learning rates: the middle, the largest, the smallest"
    )
    return parser.parse_args(arguments)


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def _names(text: str) -> list[str]:
    names = text.split(",")
    if unknown := set(names) - set(table.TITLES):
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(sorted(unknown))}")
    return names
