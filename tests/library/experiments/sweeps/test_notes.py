import csv
from dataclasses import replace
from pathlib import Path

import pytest

from keras_sparse.evaluation.held_out import Evaluation
from keras_sparse.experiments.run_folder import HISTORY
from keras_sparse.experiments.sweeps.notes import explain_missed_l0, list_notes
from keras_sparse.experiments.sweeps.point import Point

EVALUATION = Evaluation(40, 64, 0.1, 0.9, 13.2, 0, 0.1, 0.9)
MISSED = Point("l1-l0-8", "l1", None, target_l0=8, status="done", evaluation=EVALUATION)


@pytest.mark.parametrize(
    ("strengths", "why"),
    [
        ([0.1], "λ was not found in 1 epoch; more --epochs help"),
        ([0.1, 0.2, 0.4], "λ was still rising in epoch 3; more --epochs help"),
        ([0.1, 0.05], "λ was still falling in epoch 2; more --epochs help"),
        ([0.1, 0.4, 0.401], "λ had settled, and the 40 held-out rows differ from those that"),
    ],
)
def test_a_penalty_that_misses_its_l0_says_why(
    strengths: list[float], why: str, tmp_path: Path
) -> None:
    with (tmp_path / HISTORY).open("w", newline="") as stream:
        lines = [[epoch, strength] for epoch, strength in enumerate(strengths, start=1)]
        csv.writer(stream).writerows([["epoch", "penalty_strength"], *lines])
    assert explain_missed_l0(replace(MISSED, path=tmp_path)).startswith(f"asked for 8: {why}")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"sparsity": "topk"}, "asked for 8"),
        ({"target_l0": 13}, ""),
        ({"target_l0": None, "strength": 0.1}, ""),
        ({"evaluation": None, "status": "failed"}, ""),
    ],
)
def test_other_points_have_less_to_explain(changes: dict[str, object], text: str) -> None:
    assert explain_missed_l0(replace(MISSED, **changes)) == text  # type: ignore[arg-type]


def test_notes_name_what_is_missing() -> None:
    left = [Point(f"kl-{index}", "kl", 1.0) for index in range(7)]
    assert list_notes([MISSED, *left], ["KL did not reach 4"]) == (
        "Not trained within the minutes of the sweep: points kl-0, kl-1, kl-2, kl-3, kl-4 and 2 "
        "more. Remedy: the same command again, or more --minutes",
        "KL did not reach 4",
        "l1-l0-8 has an L0 of 13.2, asked for 8",
    )
    assert list_notes([replace(MISSED, target_l0=13)], []) == ()
