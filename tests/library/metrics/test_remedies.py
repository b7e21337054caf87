"""Remedies of many diagnoses: none contradicts another, and none leads back to where it began."""

import re
from collections import defaultdict
from typing import Any

import numpy as np
import pytest

from keras_sparse.metrics.remedies import COMMAND, LAYER, MODEL, Problem, Training, settle
from keras_sparse.metrics.run_diagnosis import diagnose_run
from keras_sparse.sparsity import families

AMONG = {
    "explained_variance": (-3.0, 0.05, 0.3, 0.9),
    "dead_units": (0, 30, 62),
    "always_active_units": (0, 20),
    "saturated_units": (0, 20),
    "l0": (2.0, 8.0, 40.0),
    "rows": (20, 400),
    "mean_activation": (0.01, 0.05, 0.5),
    "offset": (0.0, 2.0, 20.0),
    "reconstruction_mse": (0.01, 1.0, 6000.0),
    "explained_by_active": (0.1, 0.9),
    "explained_by_varying": (0.1, 0.9),
}
RATES = (1e-6, 1e-3, 0.3)
CURVES = (
    np.linspace(2, 1, 12),
    np.array([2, 1, 0.9, 30, 2, 1, 5, 1, 5, 1, 5, 1.0]),
    np.full(12, 1.0),
    np.array([1, 0.5, 0.4, 0.3, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]),
)
OPPOSITES = (("more", "fewer"), ("a larger", "a smaller"))


def draw(rng: np.random.Generator) -> tuple[list[Problem], dict[str, Any]]:
    """A diagnosis of a run with random numbers."""

    def choose(values: Any) -> Any:
        return values[rng.integers(len(values))]

    family = choose(("l1", "kl", "refined", "jump_relu"))
    by_l0 = family in ("refined", "jump_relu") or (family == "l1" and rng.random() < 0.5)
    settings = {
        "sparsity": family,
        "rho": 0.05 if family == "kl" else None,
        "l0": 8 if by_l0 else None,
        "strength": None if by_l0 else 1e-3,
        "code_dim": 64,
        "learning_rate": choose(RATES),
        "epochs": 12,
        "steps": 4000,
        "hold_out": 0.1,
    }
    history = {
        name: choose(CURVES) * rng.choice([1, 3])
        for name in ("loss", "reconstruction_loss", "val_reconstruction_loss", "val_loss")
    }
    falling = {"fall": 0.05, "epochs": 40, "steps": 9000} if rng.random() < 0.5 else None
    problems = diagnose_run(
        {"units": 64, **{name: choose(values) for name, values in AMONG.items()}},
        settings,
        {"raw": 0.9, "codes": choose((0.5, 0.9))},
        history,
        baselines=[{"kind": "pca", "l0": 8, "evaluation": {"explained_variance": 0.5}}],
        duplicates=choose((0, 300)),
        falling=falling,
        chosen=["epochs"] if rng.random() < 0.5 else [],
    )
    return problems, settings


@pytest.fixture(scope="module")
def diagnoses() -> list[tuple[list[Problem], dict[str, Any]]]:
    rng = np.random.default_rng(0)
    return [draw(rng) for _ in range(1500)]


def test_no_two_remedies_on_a_page_contradict_each_other(
    diagnoses: list[tuple[list[Problem], dict[str, Any]]],
) -> None:
    names = set()
    for problems, _ in diagnoses:
        names |= {problem.name for problem in problems}
        page = " ".join(problem.remedy for problem in problems)
        for one, other in OPPOSITES:
            nouns = [set(re.findall(rf"\b{word} ([a-zA-Z0-9-]+)", page)) for word in (one, other)]
            assert not nouns[0] & nouns[1], page
        assert not ("larger L0" in page and "larger penalty strength" in page), page
        numbers = defaultdict(set)
        for option, value in re.findall(r"(--[a-z0-9-]+) ([0-9.e-]+)", page):
            numbers[option].add(value)
        assert all(len(values) == 1 for values in numbers.values()), page
        assert all(problem.remedy for problem in problems)
        assert not any("another learning rate" in problem.remedy for problem in problems)
    assert names >= {
        "unscaled", "fast", "slow", "reconstruction", "dead", "offset", "rho", "l0", "saturated",
        "always_active", "dense", "overfitted", "gap", "falling", "probe", "pca", "few_rows",
        "duplicates",
    }  # fmt: skip


def test_what_a_cause_brings_about_waits_for_it_and_a_page_names_one_cause(
    diagnoses: list[tuple[list[Problem], dict[str, Any]]],
) -> None:
    for problems, settings in diagnoses:
        causes = [problem for problem in problems if problem.name in ("unscaled", "fast", "slow")]
        page = " ".join(problem.remedy for problem in problems)
        if not causes:
            assert "first the" not in page
            continue
        assert problems[0] is causes[0]
        others = [p.remedy for p in problems[1:] if p.name not in ("few_rows", "duplicates")]
        about = "scale of the rows" if causes[0].name == "unscaled" else "learning rate"
        assert set(others) <= {f"first the {about}, as above"}
        rate = settings["learning_rate"]
        if "fast" in {cause.name for cause in causes}:
            assert "larger learning rate" not in page
        if causes[0].name == "slow":
            assert causes[0].remedy == f"a larger learning rate (--learning-rate {10 * rate:.2g})"


def test_a_remedy_names_the_number_and_where_it_is_set() -> None:
    values = {"units": 64, "strength": 1e-3, "epochs": 20, "rate": 0.3, "l0": 8}
    texts = {
        where: [
            Training(values, where, "l1").write(word, {})
            for word in ("units-", "strength-", "epochs+", "rate-", "l0+", "warm_up", "center")
        ]
        for where in (COMMAND, MODEL, LAYER)
    }
    assert texts[COMMAND][:6] == [
        "fewer units (--code-dim 32)",
        "a smaller penalty strength (--strength 0.00033)",
        "more epochs (--epochs 40)",
        "a smaller learning rate (--learning-rate 0.03)",
        "a larger L0 (--l0 16)",
        "a warm-up of the penalty (--warm-up 5)",
    ]
    assert texts[MODEL][:2] == [
        "fewer units (code_dim=32)",
        "a smaller penalty strength (l1=0.00033)",
    ]
    assert texts[LAYER][0] == "fewer units (units=32)"
    assert "keras.layers.Normalization" in texts[LAYER][-1]
    assert (
        Training({"epochs": 20, "steps": 4000}).write("epochs+", {}) == "more steps (--steps 8000)"
    )
    assert Training(where=MODEL).write("units-", {}) == "fewer units"
    assert Training().write("buy more rows", {}) == "buy more rows"


def test_every_word_of_a_family_is_known() -> None:
    words = {
        word
        for family in families.families()
        for by_l0 in (True, False)
        for words in families.remedies(family, by_l0=by_l0).values()
        for word in words
    }
    for word in words:
        assert Training().write(word, {}) != word


def test_a_problem_without_a_remedy_of_its_own_points_to_those_above() -> None:
    many, few = Problem("a", "A", ("units+",), severe=True), Problem("b", "B", ("units-",))
    first, second = settle([few, many], Training())
    assert (first.name, second.remedy) == ("a", "first those above")
