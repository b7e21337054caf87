"""Fuzz with mutated bundles, odd rows and hostile data files.

    python -m fuzzing --cases 10000 --seed 0 --workers 2
    python -m fuzzing --seed 0 --only 1234  # repeat one case

Each case must end in an answer or a named error. A case is a function of seed and number. Five
small bundles are exported once; a case changes a copy of one. After most changes the sizes and
hashes in the manifest are made consistent again, so that the case reaches later checks. Failures
are: *crash*: a signal. *hang*: a call that takes more than 5 s of CPU time, or a case that does not
end. *memory*: the process uses more than 1 GiB more than before. *unnamed*: an error that does not
say what was expected and what was received. *wrong*: no error, but codes, values, units or
reconstructions differ from the golden ones in the bundle, or from those of onnxruntime if no file
was changed. *leftover*: part of a file after a failed job. The exit status is 1 if there is any.
"""

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from fuzzing import harness
from fuzzing.harness import Result
from fuzzing.judges.outcomes import ANSWER, FAILURES, NAMED

SHOWN_LINES = 25
EVERY = 500


def main() -> int:
    options = _parse_options()
    numbers = [options.only] if options.only is not None else range(options.cases)
    with tempfile.TemporaryDirectory() as kept:
        folder = Path(options.keep or kept)
        results = run(numbers, options.seed, folder, options.workers)
    results.sort(key=lambda result: result.number)
    print(format_table(results))
    for result in results:
        if result.failed or options.only is not None:
            print(f"\n{format_result(result)}")
    return int(any(result.failed for result in results))


def run(numbers: Iterable[int], seed: int, folder: Path, workers: int) -> list[Result]:
    """Run cases and return their results in order of completion.

    Args:
        numbers: Numbers of the cases.
        seed: Seed of the run.
        folder: Folder for exported and mutated bundles.
        workers: Number of processes.
    """
    from fuzzing.bases import build

    build(folder / "bases")
    (folder / "cases").mkdir()
    results: list[Result] = []
    for result in harness.run(
        numbers, harness.bind_judge(folder / "bases", seed), folder / "cases", workers
    ):
        results.append(result)
        if len(results) % EVERY == 0:
            failed = sum(result.failed for result in results)
            print(f"{len(results)} cases, {failed} failed", file=sys.stderr, flush=True)
    return results


def format_table(results: list[Result]) -> str:
    """Format cases by kind and outcome, with the longest call and the most memory."""
    outcomes = (ANSWER, NAMED, *FAILURES)
    count = Counter((result.kind, result.outcome) for result in results)
    lines = ["| | cases | hashes hold | " + " | ".join(outcomes) + " |"]
    lines.append("| --- " * (3 + len(outcomes)) + "|")
    kinds = list(dict.fromkeys(sorted(result.kind for result in results)))
    for kind in (*kinds, "all"):
        here = [result for result in results if kind in (result.kind, "all")]
        bundles = [result.holds for result in here if result.holds is not None]
        held = f"{sum(bundles) / len(bundles):.0%}" if bundles else ""
        cells = [sum(count[name, outcome] for name in kinds if kind in (name, "all"))
                 for outcome in outcomes]  # fmt: skip
        lines.append(
            f"| {kind} | {len(here):,} | {held} | " + " | ".join(f"{c:,}" for c in cells) + " |"
        )
    longest = max(results, key=lambda result: result.seconds)
    largest = max(results, key=lambda result: result.memory)
    return "\n".join(
        [
            *lines,
            "",
            f"Longest call: case {longest.number}, {longest.seconds:.2f} s ({longest.what:.120}).",
            f"Most memory: case {largest.number}, {largest.memory / 2**20:.0f} MiB "
            f"({largest.what:.120}).",
        ]
    )


def format_result(result: Result) -> str:
    """Format a case with its outcome."""
    lines = result.detail.splitlines()[-SHOWN_LINES:]
    head = f"case {result.number}, {result.kind}: {result.outcome} ({result.seconds:.2f} s)"
    return "\n".join([head, f"  {result.what:.300}", *(f"    {line:.300}" for line in lines)])


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Fuzz the reader of bundles, the encoder and the command."
    )
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, metavar="CASE", help="run only this case")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--keep", metavar="FOLDER", help="new folder in which to keep the exported bundles"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
