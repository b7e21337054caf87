import numpy as np
import pytest

from keras_sparse.report.plots import scores as plots

pytestmark = pytest.mark.one_backend
pytest.importorskip("matplotlib", reason="draws")


def test_scores_are_drawn_by_kind_with_their_threshold(rng: np.random.Generator) -> None:
    score, faulty = rng.random(50) + 1, np.arange(50) % 5 == 0
    (axes,) = plots.scores(score, faulty, 1.5).axes
    others, faults, threshold = axes.lines
    np.testing.assert_array_equal(faults.get_ydata(), score[faulty])
    np.testing.assert_array_equal(faults.get_xdata(), np.flatnonzero(faulty))
    np.testing.assert_array_equal(others.get_ydata(), score[~faulty])
    assert set(np.asarray(threshold.get_ydata()).tolist()) == {1.5}
    assert axes.get_yscale() == "linear"
    score[0] = 1e3
    assert plots.scores(score, faulty, 1.5).axes[0].get_yscale() == "log"
    score[1] = 0
    assert plots.scores(score, faulty, 1.5).axes[0].get_yscale() == "linear"


def test_recordings_are_drawn_one_after_another_with_lines_between_them() -> None:
    score, group = np.arange(9.0), np.arange(9) % 3
    faulty = score > 7
    (axes,) = plots.scores(score, faulty, 5.0, group).axes
    others, faults, _, *edges = axes.lines
    assert others.get_ydata().tolist() == [0, 3, 6, 1, 4, 7, 2, 5]  # type: ignore[union-attr]
    assert np.asarray(faults.get_xdata()).tolist() == [8]
    assert [line.get_xdata()[0] for line in edges] == [2.5, 5.5]  # type: ignore[index]
    many = plots.scores(np.ones(100), np.arange(100) > 5, 2.0, np.arange(100)).axes[0]
    assert len(many.lines) == 3


def test_of_many_rows_evenly_spaced_ones_are_drawn() -> None:
    (axes,) = plots.scores(np.ones(10_000), np.arange(10_000) >= 5_000, 2.0).axes
    sizes = [len(np.asarray(line.get_xdata())) for line in axes.lines[:2]]
    assert sum(sizes) == plots.MOST_POINTS
    assert abs(sizes[0] - sizes[1]) <= 2


def test_the_largest_contributions_are_drawn_by_name() -> None:
    parts = np.array([[1.0, 5, 4, 0, 3, 2, 0], [0, 0, 0, 0, 0, 0, 0]])
    first, second = plots.contributions(parts, ["one", "two"], list("abcdefg")).axes
    assert [text.get_text() for text in first.get_yticklabels()][::-1] == list("bcefa")
    widths = [bar.get_width() for bar in first.patches][::-1]  # type: ignore[attr-defined]
    np.testing.assert_allclose(widths, np.array([5, 4, 3, 2, 1]) / 15)
    assert (first.get_title(loc="left"), second.get_title(loc="left")) == ("one", "two")


def test_of_a_long_name_the_end_is_kept_and_the_score_is_on_a_second_line() -> None:
    name = plots.name_window("broken_bearing/section_00_test_0012.wav", 26_624, 16_000)
    assert name == "…ection_00_test_0012.wav, 1.664 s"
    assert plots.title_row(name, 1.2, True).split("\n")[1] == "a fault: score 1.2"
