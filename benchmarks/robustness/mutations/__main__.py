"""Break the code in places chosen at random, and see whether the tests notice.

    python -m robustness.mutations --seed 0 --places 40
    python -m robustness.mutations --seed 0 --places 40 --only 7 12  # repeat two of them

Each mutation (see `operators.py`) is written into a copy of the repository, never into the working
tree. The test file that mirrors the module runs first, then the other tests of its folder and its
room, up to the first failure. A test that fails without a mutation too kills nothing. The script
prints a row for each mutation, and the changes of those that no test saw, or none in time: look
whether they hang, or the tests are slow. The exit status is 1 if there are any.
"""

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

from robustness.mutations.judge import KILLED, Verdict, confirm, copy_repository, judge
from robustness.mutations.places import choose_places

ROOT = Path(__file__).parents[3]


def main() -> int:
    options = _parse_options()
    places = dict(enumerate(choose_places(ROOT, options.seed, options.places), 1))
    numbers = options.only or list(places)
    verdicts: dict[int, Verdict] = {}
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        copy_repository(ROOT, copy)
        for number in numbers:
            verdicts[number] = judge(copy, places[number], options.limit)
            print(format_row(number, verdicts[number]), file=sys.stderr, flush=True)
        confirmed = confirm(copy, list(verdicts.values()), options.limit)
    verdicts = dict(zip(verdicts, confirmed, strict=True))
    print(format_table(verdicts))
    unseen = {number: verdict for number, verdict in verdicts.items() if verdict.outcome != KILLED}
    for number, verdict in unseen.items():
        print(f"\n{number}. {verdict.place.module}, {verdict.outcome}\n\n{verdict.diff}")
    return int(bool(unseen))


def format_table(verdicts: dict[int, Verdict]) -> str:
    """Format a row for each mutation, and the number of each outcome."""
    count = Counter(verdict.outcome for verdict in verdicts.values())
    return "\n".join(
        [
            "| | place | mutation | before | after | outcome | by |",
            "| --- | --- | --- | --- | --- | --- | --- |",
            *(format_row(number, verdict) for number, verdict in verdicts.items()),
            "",
            ", ".join(f"{outcome} {number}" for outcome, number in count.most_common())
            + f" of {len(verdicts)}",
        ]
    )


def format_row(number: int, verdict: Verdict) -> str:
    """Format a mutation with its outcome."""
    place, changes = verdict.place, verdict.diff.splitlines()
    before, after = (
        " ".join(line[1:].strip() for line in changes if line.startswith(sign)) for sign in "-+"
    )
    codes = (f"`{text:.100}`".replace("|", "\\|") for text in (before, after))
    cells = [
        str(number),
        f"{place.module}:{verdict.line}",
        place.mutation.operator,
        *codes,
        f"{verdict.outcome} ({verdict.seconds:.0f} s)",
        verdict.test.replace("|", "\\|"),
    ]
    return f"| {' | '.join(cells)} |"


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Break the code in places chosen at random, and see whether the tests notice."
    )
    parser.add_argument("--places", type=int, default=40, help="number of mutations")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--only", type=int, nargs="+", metavar="NUMBER", help="judge only these of the places"
    )
    parser.add_argument(
        "--limit", type=float, default=600, metavar="SECONDS", help="time for the tests of one"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
