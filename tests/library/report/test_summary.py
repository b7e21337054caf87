from keras_sparse.report import summary

GOOD = {"rows": 400, "units": 50, "explained_variance": 0.9, "l0": 4.0}


def test_the_verdict_on_a_reconstruction_worse_than_the_mean() -> None:
    assert "no better than their mean" in summary.verdict(GOOD | {"explained_variance": -3.2})
    assert summary.verdict({}) == "This run has no measures on held-out rows."


def test_the_probe_stands_beside_what_takes_no_training() -> None:
    errors = {"codes": 0.004}
    probes = {
        "codes": 0.976,
        "raw": 0.97,
        "untrained": 0.9,
        "chance": 0.1,
        "standard_errors": errors,
    }
    fact = summary.facts(GOOD, {}, probes)[-1]
    assert fact.value == "0.976 ± 0.004"
    assert fact.note == "raw rows: 0.970; untrained encoder: 0.900; chance: 0.100"
    assert summary.facts(GOOD, {}, {"codes": 0.5})[-1].note == "accuracy"


def test_praise_names_what_the_codes_are_better_at() -> None:
    pca = [{"kind": "pca", "l0": 4, "evaluation": {"explained_variance": 0.85}}]
    probes = {"codes": 0.97, "raw": 0.96, "untrained": 0.9}
    good = GOOD | {"explained_by_active": 0.9}
    assert summary.praise(good, {}, pca) == (
        "No problems found. The codes explain more than the 4 largest scores of a PCA (0.900 "
        "against 0.850)."
    )
    assert summary.praise(good, probes, []).endswith(
        "tell a linear classifier more than raw rows (0.970 against 0.960)."
    )
    assert summary.praise(good, {"codes": 0.9}, []) == "No problems found."  # nothing compared
    assert summary.praise(good, {"codes": 0.9, "raw": 0.91}, []) == (
        "No problems found. The codes tell a linear classifier no more than raw rows (0.900 "
        "against 0.910)."
    )
    level = [{"kind": "pca", "l0": 4, "evaluation": {"explained_variance": 0.9}}]
    assert summary.praise(good, {"codes": 0.9}, level).endswith(
        "explain no more than the 4 largest scores of a PCA (0.900 against 0.900)."
    )


def test_the_faults_that_errors_name_are_a_fact() -> None:
    faults = {"named": 0.29, "rows": 256, "columns": 24, "deviations": 2.0}
    fact = summary.facts(GOOD, {}, {}, faults=faults)[-1]
    assert (fact.name, fact.value) == ("Faults named by errors", "29 %")
    assert fact.note.startswith("Of faults of 2 deviations in one of 24 columns, 29 % have")
    assert len(summary.facts(GOOD, {}, {}, faults={})) == 4
