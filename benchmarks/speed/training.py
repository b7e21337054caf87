"""Compare the speed of training with others and with the limit; measure start-up and memory.

    python -m speed.training speed --digits mnist.npz
    python -m speed.training {start,memory,rows,units,card}

`speed`: a turn is one `fit` of some epochs, including its set-up. Turns are in random order, after
a `fit` of a thousand steps that does not count. Every row of the table trains on all 60,000 digits
in each epoch, including the short last batch, and for the same number of epochs before its loss is
measured on the 10,000 test digits. On a busy machine the threads of torch and numpy wait long for
each other (torch: 2 thousand samples/s instead of 50 on an idle one): set OMP_WAIT_POLICY=passive
there, which costs torch a quarter on an idle machine, and do not trust the limit by numpy.

`start`: a `fit` of 16 steps and one of a thousand, each in a new process. `memory`: memory of such
a process in a thousand steps. `rows`, `units`: growth of the seconds per epoch, with 64-64-64 and
784-units-784. `card`: see `training_card.py`.
"""

import argparse
import os
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from speed import training_rows as rows
from speed.training_rows import Case, Workers

EPOCHS = {256: 3, 1024: 1}  # epochs of a turn by units, so that a turn takes a few seconds
KERAS, LOOP = "Keras, TensorFlow", "torch, a loop by hand"
TRAINED = [name for name in rows.ROWS if not name.startswith("matrix")]
OURS = [name for name in TRAINED if name.startswith("`Sparse")]


def time_in_turn(
    workers: Workers, cases: Sequence[Case], epochs: Sequence[int], turns: int
) -> np.ndarray:
    """Measure seconds per epoch, `(cases, turns, 2)`: wall-clock and CPU."""
    for case in cases:
        workers.run(rows.prepare, case)
    seconds = np.zeros((len(cases), turns, 2))
    for number in range(turns):
        for place in random.sample(range(len(cases)), len(cases)):
            seconds[place, number] = workers.run(rows.time_epochs, cases[place], epochs[place])
    return seconds


def measure_speed(options: argparse.Namespace) -> None:
    with Workers() as workers:
        for units in options.units:
            cases = [Case(name, units, digits=options.digits) for name in rows.ROWS]
            epochs = options.epochs or EPOCHS.get(units, 1)
            seconds = time_in_turn(workers, cases, [epochs] * len(cases), options.turns)
            losses = [workers.run(rows.measure_test_loss, case) for case in cases]
            print_speed(
                units, rows.count_first_epochs(60_000) + epochs * options.turns, seconds, losses
            )


def print_speed(
    units: int, epochs: int, seconds: np.ndarray, losses: list[tuple[float, float]]
) -> None:
    per_second = 60_000 / seconds[..., 0]
    by_name = dict(zip(rows.ROWS, per_second, strict=True))
    limit = max(set(rows.ROWS) - set(TRAINED), key=lambda name: np.median(by_name[name]))
    header = f"| 784-{units}-784, {epochs} epochs | samples/s | quartiles | CPU s per epoch |"
    print(f"\n{header} × Keras | × torch | of the limit | held-out MSE + λ·L1 | MSE |")
    print("| --- " * 9 + "|")
    for name, cpu, (error, loss) in zip(rows.ROWS, seconds[..., 1], losses, strict=True):
        low, middle, high = np.percentile(by_name[name], (25, 50, 75))
        ratios = [np.median(by_name[name] / by_name[base]) for base in (KERAS, LOOP, limit)]
        print(
            f"| {name} | {middle:,.0f} | {low:,.0f} to {high:,.0f} | {np.median(cpu):.2f} | "
            + " | ".join(f"{ratio:.2f}" for ratio in ratios)
            + (f" | {loss:.5f} | {error:.5f} |" if name in TRAINED else " | – | – |")
        )
    print("\n| | over | median of the ratios per turn | quartiles | ratio of the medians |")
    print("| --- | --- | --- | --- | --- |")
    for name in OURS:
        for base in (KERAS, LOOP, limit):
            low, middle, high = np.percentile(by_name[name] / by_name[base], (25, 50, 75))
            medians = np.median(by_name[name]) / np.median(by_name[base])
            print(
                f"| {name} | {base} | {middle:.2f} | {low:.2f} to {high:.2f} | {medians:.2f} |",
                flush=True,
            )


def measure_start(options: argparse.Namespace) -> None:
    print("| 784-256-784, steps | s since `fit` was called | s since Python was started |")
    print("| --- | --- | --- |")
    for count, epochs in ((16 * rows.BATCH, 1), (60_000, rows.count_first_epochs(60_000))):

        def measure(case: Case, epochs: int = epochs) -> tuple[float, float]:
            return rows.run_in_new_process(rows.time_start, case, epochs, time.time())

        steps = epochs * -(-count // rows.BATCH)
        cases = [Case(name, 256, count) for name in TRAINED]
        for case, (began, called) in measure_in_turn(measure, cases, options.turns):
            print(f"| {case.row}, {steps:,} | {called:.1f} | {began:.1f} |", flush=True)


def measure_memory(options: argparse.Namespace) -> None:
    data = 60_000 * 784 * 4 / 2**20
    print(f"| MB resident; the rows are {data:.0f} of them | before | peak | more |")
    print("| --- | --- | --- | --- |")
    cases = [Case(name, units) for units in options.units for name in TRAINED]
    for case, (before, peak) in measure_in_turn(
        lambda case: rows.run_in_new_process(rows.measure_memory, case), cases, 1
    ):
        print(f"| {case.row}, {case.units} | {before:.0f} | {peak:.0f} | {peak - before:.0f} |")


def measure_in_turn(
    measure: Callable[[Case], tuple[float, float]], cases: Sequence[Case], turns: int
) -> list[tuple[Case, Sequence[float]]]:
    """Measure all cases in random order, and return their medians."""
    values: dict[Case, list[tuple[float, float]]] = {case: [] for case in cases}
    for _ in range(turns):
        for case in random.sample(cases, len(cases)):
            values[case].append(measure(case))
    return [(case, np.median(rows, axis=0).tolist()) for case, rows in values.items()]


def measure_growth(options: argparse.Namespace) -> None:
    name = OURS[0] if options.backend is None else f"`SparseAutoencoder`, {options.backend}"
    if options.what == "rows":
        sizes = [10_000, 100_000, 1_000_000]
        cases, epochs = [Case(name, 64, size, 64) for size in sizes], [20, 2, 1]
    else:
        sizes = [64, 128, 256, 512, 1024, 2048, 4096]
        cases, epochs = [Case(name, size, 60 * rows.BATCH) for size in sizes], [4, 4, 2, 2, 1, 1, 1]
    with Workers() as workers:
        seconds = np.median(time_in_turn(workers, cases, epochs, options.turns)[..., 0], axis=1)
    print(f"| {name}: {options.what} | s per epoch | samples/s | exponent since the line before |")
    print("| --- | --- | --- | --- |")
    steps = np.diff(np.log(seconds)) / np.diff(np.log(sizes))
    exponents = ["–", *(f"{step:.2f}" for step in steps)]
    for case, size, epoch, exponent in zip(cases, sizes, seconds, exponents, strict=True):
        print(f"| {size:,} | {epoch:.3f} | {case.rows / epoch:,.0f} | {exponent} |")
    slope = np.polyfit(np.log(sizes), np.log(seconds), 1)[0]
    print(f"\nOver all sizes, s per epoch ~ {options.what}^{slope:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("speed", "start", "memory", "rows", "units", "card"))
    parser.add_argument("--digits", type=Path, help="MNIST in the layout of `keras.datasets.mnist`")
    parser.add_argument("--units", type=int, nargs="+", default=[256, 1024])
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument(
        "--epochs", type=int, help="epochs of a turn of `speed` (default: by units)"
    )
    parser.add_argument(
        "--backend",
        choices=("TensorFlow", "JAX", "torch"),
        help="backend of `rows` and `units` (default: TensorFlow)",
    )
    parser.add_argument("--trace", type=Path, help="folder for a profile of the card")
    options = parser.parse_args()
    if options.what == "speed" and options.digits is None:
        parser.error("`speed` needs --digits")
    for variable in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        os.environ.pop(variable, None)  # either slows the products of numpy, and so the limit
    if options.what == "card":
        from speed import training_card

        training_card.main(options.trace)
    else:
        {"speed": measure_speed, "start": measure_start, "memory": measure_memory}.get(
            options.what, measure_growth
        )(options)


if __name__ == "__main__":
    main()
