"""The figure of a sweep."""

from typing import Any

import numpy as np
import pytest

from figures import panels, texts
from keras_sparse.report.plots.frontier import frontier


def points() -> list[dict[str, Any]]:
    rows = [(10, 0.5), (20, 0.8), (30, 0.7), (40, 0.9)]
    shown = [
        {"name": f"l1-{l0}", "status": "done", "sparsity": "l1", "l0": str(l0),
         "explained_by_active": str(explained), "reconstruction_mse": str(1 - explained)}
        for l0, explained in rows
    ]  # fmt: skip
    failed = {
        "name": "kl-9",
        "status": "failed",
        "sparsity": "kl",
        "l0": "",
        "explained_by_active": "",
    }
    return [*shown, failed]


def test_the_frontier_joins_the_points_that_no_cheaper_one_beats() -> None:
    drawing = frontier(points(), chosen="l1-20")
    every, best, mark = panels(drawing)[0].lines
    np.testing.assert_array_equal(every.get_xdata(), [10, 20, 30, 40])
    np.testing.assert_allclose(np.transpose(best.get_data()), [(10, 0.5), (20, 0.8), (40, 0.9)])
    np.testing.assert_allclose(np.ravel(mark.get_data()), [20, 0.8])
    assert {"L1", "chosen: l1-20", "failed: kl-9"} <= set(texts(drawing))


def test_families_and_baselines_differ_in_more_than_colour() -> None:
    def line(sparsity: str, status: str = "done") -> list[dict[str, Any]]:
        return [{**point, "sparsity": sparsity, "status": status} for point in points()[:4]]

    shown = [*line("l1"), *line("batch_topk"), *line("pca", "baseline"), *line("omp", "baseline")]
    drawn = panels(frontier(shown))[0].lines
    labelled = [each for each in drawn if not str(each.get_label()).startswith("_")]
    names = [each.get_label() for each in labelled]
    assert names == ["L1", "BatchTopK", "PCA, largest scores", "Dictionary, OMP"]
    assert len({each.get_marker() for each in labelled}) == 4
    assert [each.get_linestyle() for each in labelled] == ["-", "-", "--", ":"]
    np.testing.assert_array_equal(labelled[2].get_xdata(), [10, 20, 30, 40])


def test_the_frontier_of_the_error_prefers_less() -> None:
    drawing = frontier(points(), measure="reconstruction_mse")
    best = panels(drawing)[0].lines[1]
    np.testing.assert_allclose(np.transpose(best.get_data()), [(10, 0.5), (20, 0.2), (40, 0.1)])


def test_a_frontier_without_points_is_an_empty_figure() -> None:
    assert len(panels(frontier(points()[-1:]))[0].lines) == 0
    assert len(panels(frontier([]))[0].lines) == 0


@pytest.mark.parametrize(("chosen", "side"), [("l1-10", "left"), ("l1-40", "right")])
def test_the_label_of_the_chosen_point_lies_towards_the_middle(chosen: str, side: str) -> None:
    labels = panels(frontier(points(), chosen=chosen))[0].texts
    (label,) = [label for label in labels if label.get_text().startswith("chosen")]
    assert label.get_horizontalalignment() == side
