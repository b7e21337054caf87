"""The section about faults: what it shows of a sound run, and what it makes of a damaged one."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_sparse.evaluation.detection.result import Detection, Level, Scored
from keras_sparse.experiments.run_folder import MARKER, SCORES, read_numbers
from keras_sparse.report.detection import draw_detection
from keras_sparse.report.run_data import RunData

pytestmark = pytest.mark.one_backend
pytest.importorskip("matplotlib", reason="draws")

NAME = "<b>Score</b>"
LEVEL = Level(
    "row", 30, 20, "row", 20, 99, False,
    (Scored(NAME, 1.0, 0.9, 0.01, 0.8, 0.7, 0.6, 0.5, 0.01, 0.0, 0.0),
     Scored("PCA", 1.0, 0.95, 0.01, 0.8, 0.7, 0.6, 0.5, 0.01, -0.05, 0.01)),
)  # fmt: skip


def write_run(folder: Path, detection: Any, more: Any = None, **scores: Any) -> RunData:
    record = {"detection": detection, "columns": ["flow", "<i>x</i>", "c"], **(more or {})}
    (folder / MARKER).write_text(json.dumps(record))
    np.savez(folder / SCORES, **scores)
    return RunData(read_numbers(folder), show_rows=True)


@pytest.fixture
def scores(rng: np.random.Generator) -> dict[str, np.ndarray]:
    return {
        "row": np.arange(50),
        "score": rng.random(50),
        "faulty": np.arange(50) >= 30,
        "group": np.arange(50) // 10,
        "worst": np.array([3, 4]),
        "contributions": np.array([[3.0, 1, 0], [0, 2, 1]]),
    }


def test_a_section_has_words_a_table_and_figures(
    tmp_path: Path, scores: dict[str, np.ndarray]
) -> None:
    data = write_run(tmp_path, Detection(0.01, (LEVEL, LEVEL)).as_dict(), **scores)
    section = draw_detection(data, " of a")
    assert section is not None
    assert section.title == "Faults of a"
    assert section.texts == [f"By AUC of rows, “{NAME}” is behind “PCA”."] * 2
    assert [row.cells[0] for row in section.tables[0].rows] == [NAME, "PCA"]
    assert [figure.name for figure in section.figures] == ["scores", "contributions"]
    assert "<i>" not in section.figures[1].svg
    data.show_rows = False
    hidden = draw_detection(data)
    assert hidden is not None
    assert [figure.name for figure in hidden.figures] == ["scores"]


def test_a_run_without_faults_has_no_section(tmp_path: Path) -> None:
    data = write_run(tmp_path, None)
    assert draw_detection(data) is None
    assert SCORES not in data.run.missing


@pytest.mark.parametrize(
    "detection",
    [{"levels": []}, {"levels": [{"scored": 1}], "false_alarm_rate": 1}, "text", [1],
     {"levels": [], "false_alarm_rate": 0.1}],
)  # fmt: skip
def test_a_damaged_record_is_named(
    detection: Any, tmp_path: Path, scores: dict[str, np.ndarray]
) -> None:
    data = write_run(tmp_path, detection, **scores)
    assert draw_detection(data) is None
    assert "no sound `detection`" in data.run.missing[MARKER]


def test_damaged_scores_are_named_and_the_table_is_shown(
    tmp_path: Path, scores: dict[str, np.ndarray]
) -> None:
    damages: list[dict[str, Any]] = [
        {"row": np.arange(49)},
        {"score": np.full(50, "a")},
        {"worst": np.array([3, 99])},
        {"contributions": np.zeros((1, 3))},
        {"group": np.arange(3)},
        {"recording": np.array(["a.wav"])},
        {"start": np.arange(3)},
    ]
    for damage in damages:
        data = write_run(tmp_path, Detection(0.01, (LEVEL,)).as_dict(), **{**scores, **damage})
        section = draw_detection(data)
        assert section is not None
        assert (section.figures, len(section.tables)) == ([], 1)
        assert SCORES in data.run.missing


def read_texts(data: RunData) -> str:
    """The words of the figure of contributions, and what is below it."""
    section = draw_detection(data)
    assert section is not None
    figure = section.figures[1]
    words = re.findall(r"<!-- (.*?) -->|<text[^>]*>(.*?)</text>", figure.svg)
    return "\n".join([figure.caption, *map("".join, words)])


@pytest.mark.parametrize(
    ("rate", "expected"), [(16_000, ("0.256 s", "3.2 s")), (None, ("sample 4096", "sample 51200"))]
)
def test_windows_are_named_by_their_recording_and_inputs_by_what_the_front_end_makes(
    rate: float | None, expected: tuple[str, str], tmp_path: Path, scores: dict[str, np.ndarray]
) -> None:
    more = {
        "columns": None,
        "row_shape": [64],
        "settings": {"front_end": "statistics"},
        "windows": {"window": 64, "hop": 32, "sampling_rate": rate, "channels": 1},
        "channels": None,
    }
    found = {
        **scores,
        "contributions": np.arange(12.0).reshape(2, 6),
        "recording": np.array(["fr/a.wav", "fr/$b.wav"]),
        "start": np.array([4096, 51_200]),
    }
    detection = Detection(0.01, (LEVEL,)).as_dict()
    texts = read_texts(write_run(tmp_path, detection, more, **found))
    assert f"fr/a.wav, {expected[0]}" in texts
    assert f"fr/$b.wav, {expected[1]}" in texts
    assert "kurtosis" in texts
    assert "zero crossings" in texts
    assert "input 3" not in texts
    assert "Row" not in texts
    for damage in (
        {"settings": {"front_end": "mel"}},
        {"row_shape": 64},
        {"row_shape": [10**12, 2]},
        {"settings": {"front_end": [1]}},
    ):
        data = write_run(tmp_path, detection, {**more, **damage}, **found)
        assert "input 3" in read_texts(data)
