from typing import Any

import keras
import numpy as np
import pytest

from keras_sparse import KL, L1, SparseAutoencoder, SparsityMonitor
from keras_sparse.metrics.diagnosis import diagnose_codes, summarize_units, target_rho
from keras_sparse.metrics.remedies import Problem
from keras_sparse.metrics.run_diagnosis import diagnose_run
from keras_sparse.sparsity import families

WELL = np.full(10, 0.05)
GOOD = {
    "rows": 400, "units": 50, "explained_variance": 0.9, "l0": 4.0, "dead_units": 0,
    "mean_activation": 0.05,
}  # fmt: skip


def names(problems: list[Problem]) -> set[str]:
    return {problem.name for problem in problems}


@pytest.mark.parametrize(
    ("density", "activation", "explained", "rho", "expected"),
    [
        (WELL, WELL, 0.8, 0.05, set()),
        (WELL, WELL, None, None, set()),
        (np.where(np.arange(10) < 2, 0, WELL), WELL, 0.8, None, {"dead"}),
        (np.where(np.arange(10) < 1, 0, WELL), WELL, 0.8, None, set()),
        (WELL, 3 * WELL, 0.8, 0.05, {"rho"}),
        (WELL, WELL / 3, 0.8, 0.05, {"rho"}),
        (WELL, 3 * WELL, 0.8, None, set()),
        (WELL, np.where(np.arange(10) < 2, 0.99, 0.01), 0.8, None, {"saturated"}),
        (WELL, WELL, -0.1, None, {"reconstruction"}),
        (WELL, WELL, 0.05, None, {"reconstruction"}),
        (np.zeros(10), np.zeros(10), 0.0, 0.05, {"dead", "rho", "reconstruction"}),
        (WELL, WELL, float("nan"), None, set()),
    ],
)
def test_codes_are_diagnosed_by_their_numbers(
    density: np.ndarray,
    activation: np.ndarray,
    explained: float | None,
    rho: float | None,
    expected: set[str],
) -> None:
    measures = {**summarize_units(density, activation), "explained_variance": explained}
    problems = diagnose_codes(measures, rho)
    assert names(problems) == expected
    assert all(problem.severe and "Remedy: " in str(problem) for problem in problems)


@pytest.mark.parametrize(("target", "far"), [(8, True), (4.3, False), (3, True), (None, False)])
def test_an_l0_away_from_the_one_asked_for(target: float | None, far: bool) -> None:
    problems = [str(problem) for problem in diagnose_codes(GOOD, target_l0=target)]
    expected = f"4 units are active per row; {target} were asked for. Remedy: more epochs "
    assert [problem.startswith(expected) for problem in problems] == [True] * far


def test_units_that_are_always_active_are_noted_only_where_they_explain_next_to_nothing() -> None:
    units = summarize_units(np.ones(10), np.full(10, 3.0))
    useless = diagnose_codes({**units, "explained_variance": 0.9, "explained_by_varying": 0.895})
    assert names(useless) == {"always_active", "dense"}
    assert not any(problem.severe for problem in useless)
    useful = diagnose_codes({**units, "explained_variance": 0.9, "explained_by_varying": 0.7})
    assert names(useful) == names(diagnose_codes(units)) == {"dense"}
    saturated = diagnose_codes(summarize_units(np.ones(10), np.ones(10)))
    assert names(saturated) == {"saturated", "dense"}


def test_the_remedy_for_rho_depends_on_the_side() -> None:
    above, below = (
        diagnose_codes({"mean_activation": mean}, rho=0.05)[0].remedy for mean in (0.15, 0.01)
    )
    assert above == "a larger penalty strength (--strength) or more epochs (--epochs)"
    assert below == f"a smaller learning rate (--learning-rate), {above.replace(' or', ', or')}"


@pytest.mark.parametrize(
    ("settings", "rho"),
    [({"sparsity": "kl", "rho": 0.1}, 0.1), ({"sparsity": "l1", "rho": 0.1}, None), ({}, None)],
)
def test_only_a_penalty_with_a_target_has_a_rho(
    settings: dict[str, Any], rho: float | None
) -> None:
    assert target_rho(settings) == pytest.approx(np.nan if rho is None else rho, nan_ok=True)


def test_the_warning_of_fit_and_the_report_say_the_same(rows: np.ndarray) -> None:
    inputs = keras.Input((12,))
    code = keras.layers.Dense(
        6, "sigmoid", activity_regularizer=KL(0.05, 1e-3), name="code", bias_initializer="ones"
    )
    outputs = keras.layers.Dense(12, kernel_initializer="zeros")(code(inputs))
    model = keras.Model(inputs, outputs)
    code.bias.assign(np.array([-1e4, -1e4, 1e4, 1e4, 0, 0], np.float32))
    model.compile(keras.optimizers.SGD(0.0), "mse")
    monitor = SparsityMonitor(layer="code", x=rows, patience=1)
    with pytest.warns(UserWarning, match="(For|After) 1 epochs: ") as warned:
        history = model.fit(rows, rows, verbose=0, callbacks=[monitor]).history
    warnings = {
        str(warning.message).partition(" epochs: ")[2].partition(" Remedy: ")[0]
        for warning in warned
        if issubclass(warning.category, UserWarning)
    }
    curves = monitor.curves()
    measures = {
        "rows": len(rows),
        "units": 6,
        "dead_units": 6 * history["dead_fraction"][-1],
        **{name: history[name][-1] for name in ("l0", "mean_activation", "explained_variance")},
    }
    problems = diagnose_run(
        measures,
        {"sparsity": "kl", "rho": 0.05},
        {},
        {},
        density=curves["density"][-1],
        mean_activation=curves["mean_activation"][-1],
    )
    severe = {problem.name: f"{problem.finding}." for problem in problems if problem.severe}
    assert set(severe) == {"dead", "rho", "saturated", "reconstruction"}
    assert set(severe.values()) == warnings


@pytest.mark.slow
def test_the_remedy_for_units_that_an_offset_switches_off_is_centering(rows: np.ndarray) -> None:
    far, dead = rows + 100, {}
    for normalization in (None, "standard"):
        keras.utils.set_random_seed(0)
        model = SparseAutoencoder(12, 16, sparsity=L1(1e-3), normalization=normalization)
        if normalization:
            model.adapt(far)
        model.compile(keras.optimizers.Adam(1e-2))
        monitor = SparsityMonitor(warn=False)
        history = model.fit(far, epochs=4, verbose=0, callbacks=[monitor]).history
        dead[normalization] = (history["dead_fraction"][-1], monitor.findings.get("offset", ""))
    assert dead[None][0] > 0.3
    centered = 'rows of mean zero (normalization="standard"'
    assert centered in dead[None][1]
    assert "deviations away from zero, which switches units off" in dead[None][1]
    assert "center" in families.get("kl").remedies["dead"]
    far_units = {"units": 8, "dead_units": 3, "offset": 0.2}
    assert "mean zero" not in str(*diagnose_codes(far_units))  # they are already
    assert dead["standard"] == (0, "")


def test_no_remedy_asks_for_the_normalization_that_there_is() -> None:
    dead = {"units": 50, "dead_units": 20}
    for normalization, centers in (("standard", False), ("center", False), ("none", True)):
        (problem,) = diagnose_codes({**dead, "normalization": normalization})
        assert ("rows of mean zero" in problem.remedy) is centers
