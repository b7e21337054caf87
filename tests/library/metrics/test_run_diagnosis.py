import re
from typing import Any

import numpy as np
import pytest

from keras_sparse.metrics.run_diagnosis import diagnose_run

GOOD = {
    "rows": 400, "units": 50, "explained_variance": 0.9, "l0": 4.0, "dead_units": 0,
    "mean_activation": 0.05,
}  # fmt: skip


def pca_record(explained: float) -> dict[str, Any]:
    return {"kind": "pca", "l0": 4, "evaluation": {"explained_variance": explained}}


def diagnose(
    measures: dict[str, Any] | None = None,
    probes: dict[str, Any] | None = None,
    history: dict[str, list[float]] | None = None,
    density: list[float] | None = None,
    duplicates: int | None = None,
    pca: float | None = None,
    best_epoch: int | None = None,
) -> list[str]:
    problems = diagnose_run(
        GOOD | (measures or {}),
        {"sparsity": "kl", "rho": 0.05},
        probes or {},
        {name: np.array(values) for name, values in (history or {}).items()},
        baselines=[] if pca is None else [pca_record(pca)],
        best_epoch=best_epoch,
        duplicates=duplicates,
        density=np.array(density if density is not None else [0.1]),
    )
    return [str(problem) for problem in problems]


def test_nothing_is_wrong_with_a_good_run() -> None:
    history = {"loss": [2, 1.0], "val_reconstruction_loss": [1, 0.9, 0.91]}
    assert diagnose(probes={"raw": 0.9, "codes": 0.89}, history=history) == []
    rough = {"raw": 0.9, "codes": 0.8, "standard_errors": {"difference": 0.06}}  # of 20 rows, say
    assert diagnose(probes=rough) == []
    assert diagnose(measures={"rows": 180}, duplicates=9) == []
    assert diagnose(measures={"explained_by_active": 0.9}, pca=0.89) == []
    risen = {"reconstruction_loss": [1, 0.9, 0.3], "val_reconstruction_loss": [2, 1, 1.5]}
    assert diagnose(history=risen, best_epoch=2) == []  # the model has the weights of epoch 2
    assert len(diagnose(history=risen)) == 2


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ({"measures": {"explained_variance": -0.1}}, "no better than the mean"),
        ({"measures": {"dead_units": 9}}, "9 of 50 units are dead"),
        ({"measures": {"mean_activation": 0.2}}, "is 0.2; the target is rho=0.05.*a larger pen"),
        ({"measures": {"mean_activation": 0.01}}, "is 0.01; the target is rho=0.05.*learning rate"),
        ({"measures": {"l0": 30}}, "hardly sparse: 60 %"),
        (
            {"measures": {"rows": 40}},
            "^Measures on 40 held-out rows are rough. Remedy: more rows or",
        ),
        (
            {
                "measures": {"units": 2, "l0": 0.5, "explained_by_varying": 0.9},
                "density": [1.0, 0.5],
            },
            "1 of 2 units is active for every row; fixed .* leave 0.900 of .* 0.900",
        ),
        ({"probes": {"raw": 0.9, "codes": 0.8}}, r"codes \(0.800\) than on raw rows \(0.900\)"),
        (
            {"probes": {"raw": 0.9, "codes": 0.8, "standard_errors": {"difference": 0.04}}},
            r"codes \(0.800\)",
        ),
        (
            {"measures": {"rows": 180}, "duplicates": 31},
            "^31 of 180 held-out rows are also among the training rows.*optimistic.*--groups",
        ),
        (
            {"measures": {"explained_by_active": 0.8}, "pca": 0.85},
            r"The 4 largest scores of a PCA explain more \(0.850\) than the 4 active .*\(0.800\)",
        ),
        ({"history": {"loss": [1, np.nan]}}, "finite in epoch 2"),
        ({"history": {"val_reconstruction_loss": [2, 1, 1.5]}}, "lowest in epoch 2"),
        (
            {"history": {"reconstruction_loss": [1], "val_reconstruction_loss": [2.5]}},
            "2.5 times that of the training rows",
        ),
    ],
)
def test_a_problem_is_reported_with_its_remedy(numbers: dict[str, Any], words: str) -> None:
    (problem,) = diagnose(**numbers)
    assert re.search(words, problem)
    assert "Remedy: " in problem


@pytest.mark.parametrize(
    ("measures", "remedy"),
    [
        ({"l0": 7.0}, "a smaller L0 (--l0 3) or fewer units (--code-dim 12)."),
        ({"l0": 2.0, "units": 10}, "a smaller L0 (--l0 2) or fewer units (--code-dim 25)."),
    ],
)
def test_faults_that_errors_do_not_name(measures: dict[str, float], remedy: str) -> None:
    settings = {"sparsity": "refined", "l0": 4, "code_dim": 50}
    faults = {"named": 0.29, "rows": 256, "columns": 24, "deviations": 2.0}
    (problem,) = diagnose_run(GOOD | measures, {"sparsity": "refined"}, {}, {}, faults=faults)
    assert "fault in 29 % of the rows (2 deviations added to one of 24 columns)" in str(problem)
    (asked,) = [
        each
        for each in diagnose_run(GOOD | measures, settings, {}, {}, faults=faults)
        if each.name == "faults"
    ]
    assert str(asked).endswith(f"Remedy: {remedy}")
    assert diagnose_run(GOOD, settings, {}, {}, faults=faults | {"named": 0.5}) == []


@pytest.mark.parametrize(
    ("front_end", "rate", "count"),
    [
        ("none", 16_000.0, 1),
        ("none", 4000.0, 1),
        ("none", 3999.0, 0),
        ("none", None, 0),
        ("mel", 16_000.0, 0),
    ],
)
def test_raw_windows_of_sound(front_end: str, rate: float | None, count: int) -> None:
    settings = {"front_end": front_end}
    problems = diagnose_run({}, settings, {}, {}, windows={"sampling_rate": rate})
    found = [str(each) for each in problems if each.name == "raw_windows"]
    assert len(found) == count
    for each in found:
        assert each.startswith(
            f"Rows are raw samples at {rate:g} Hz, which are seldom a good input"
        )
        assert each.endswith("Remedy: features of the windows (--front-end mel).")
