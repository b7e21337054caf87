import json
from dataclasses import asdict, replace

import pytest

from keras_sparse.evaluation.detection.result import Detection, Level, Scored

pytestmark = pytest.mark.one_backend

OWN = Scored("Score", 1.0, 0.9, 0.01, 0.8, 0.7, 0.6, 0.5, 0.01, 0.0, 0.0)


def level(*differences: tuple[float, float | None], independent: int = 20) -> Level:
    others = [
        replace(OWN, name=name, difference=difference, difference_error=error)
        for name, (difference, error) in zip("abcd", differences, strict=False)
    ]
    return Level("row", 30, 20, "row", independent, 99, False, (OWN, *others))


def test_the_words_claim_what_standard_errors_carry() -> None:
    text = level((0.1, 0.03), (-0.1, 0.03), (0.1, 0.05), (-0.1, None)).compare()
    assert text == (
        "By AUC of rows, “Score” is ahead of “a”, and is behind “b”, and shows no difference "
        "beyond 2.5 standard errors from “c” and “d”."
    )
    assert (
        level((0.0, 0.0)).compare().endswith("no difference beyond 2.5 standard errors from “a”.")
    )


def test_too_few_to_tell_is_said_once_with_a_remedy() -> None:
    enough = level((0.5, 0.001), independent=10)
    assert Detection(0.01, (enough, enough)).compare() == [enough.compare()] * 2
    few = replace(enough, unit="recording", drawn="recording", independent=4)
    by_rows = replace(few, unit="row")
    assert Detection(0.01, (by_rows, replace(few, normal=4, faulty=9))).compare() == [
        "4 held-out recordings without a fault and 9 with one are too few to tell which score is "
        "ahead: it takes 10 of each. Remedy: `--hold-out 0.3`, or more recordings."
    ]
    assert Detection(0.01, (by_rows, replace(few, normal=40, faulty=4))).compare() == [
        "40 held-out recordings without a fault and 4 with one are too few to tell which score is "
        "ahead: it takes 10 of each. Remedy: more recordings with a fault."
    ]


def test_a_record_is_read_again_and_anything_else_is_not() -> None:
    detection = Detection(0.01, (level((0.1, None)), level((0.1, 0.2))))
    assert Detection.from_dict(json.loads(json.dumps(detection.as_dict()))) == detection
    for wrong in ({}, {"levels": [{}], "false_alarm_rate": 1}, {"levels": [asdict(OWN)]}):
        with pytest.raises((KeyError, TypeError)):
            Detection.from_dict(wrong)


def test_a_table_has_a_line_for_each_score() -> None:
    found = level((0.1, 0.03))
    lines = found.table().splitlines()
    assert [line.split()[0] for line in lines] == ["AUC", "Score", "a"]
    assert "0.900 ± 0.010" in lines[1]
    text = Detection(0.02, (found,)).describe(replace(found, is_estimate=True, calibrated=7))
    assert text == (
        "30 held-out rows without a fault and 20 with one; alarms at a rate of 0.02, by 7 other "
        "rows, too few for this rate: an estimate"
    )
