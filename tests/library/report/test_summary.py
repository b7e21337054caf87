from keras_sparse.report import summary

GOOD = {"rows": 400, "units": 50, "explained_variance": 0.9, "l0": 4.0}


def test_the_verdict_on_a_reconstruction_worse_than_the_mean() -> None:
    assert "no better than their mean" in summary.verdict(GOOD | {"explained_variance": -3.2})
    assert summary.verdict({}) == "This run has no measures on held-out rows."
