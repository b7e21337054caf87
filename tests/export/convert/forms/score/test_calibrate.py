"""Thresholds that an export chooses: their rate, their warnings, and odd arguments."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from bundles import manifest
from keras_sparse import L1, SparseAutoencoder
from keras_sparse_export import Encoder, export_encoder
from keras_sparse_export.errors import RangeError

pytestmark = pytest.mark.one_backend


@pytest.fixture(scope="module")
def model() -> SparseAutoencoder:
    keras.utils.set_random_seed(0)
    model = SparseAutoencoder(6, 3, sparsity=L1(), normalization="standard")
    model.adapt(draw(100, 9))
    return model


def draw(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(3, 1, (count, 6))


def export(model: keras.Model, path: Path, **options: Any) -> Path:
    return export_encoder(model, path / "bundle", score=True, **options)


def test_recordings_count_once_each(model: SparseAutoencoder, tmp_path: Path) -> None:
    rows, ids = draw(400, 1), np.repeat([f"r{i}" for i in range(40)], 10)
    path = export(model, tmp_path, calibration=rows, groups=ids, false_alarm_rate=0.05)
    alarm = manifest(path)["score"]["alarm"]
    assert (alarm["unit"], alarm["units"], alarm["rows"]) == ("recording", 40, 400)
    assert (alarm["estimate"], alarm["false_alarm_rate"]) == (None, 0.05)
    verdict = Encoder(path).verdict(rows)
    rates = verdict.alarm.reshape(40, 10).mean(axis=1)
    assert rates.sum() <= 0.05 * 41 - 1 + 1e-9  # room for a new recording, all of it alarms
    assert "a new recording" in alarm["assumes"]


def test_too_few_rows_are_told_with_the_number_needed(
    model: SparseAutoencoder, tmp_path: Path
) -> None:
    message = "0.01 false alarms needs 99 rows in `calibration`, and there are 50: .* an estimate"
    with pytest.warns(UserWarning, match=message) as caught:
        path = export(model, tmp_path, calibration=draw(50, 1))
    assert __file__ in [each.filename for each in caught]
    estimate = manifest(path)["score"]["alarm"]["estimate"]
    scores = np.sort(Encoder(path).score(draw(50, 1)))
    assert estimate["needed"] == 99
    np.testing.assert_allclose(estimate["thresholds"], scores[-2:], rtol=1e-6)


def test_rows_of_the_sample_are_told(model: SparseAutoencoder, tmp_path: Path) -> None:
    sample = draw(200, 2)
    with pytest.warns(UserWarning, match=r"120 of 300 rows of `calibration` are rows of `sample`"):
        export(model, tmp_path, sample=sample, calibration=np.vstack([draw(180, 1), sample[:120]]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"score": False, "calibration": draw(9, 0)}, "`calibration`. Expected none without score"),
        ({"false_alarm_rate": 0.1}, "`false_alarm_rate`. Expected none without calibration=rows"),
        ({"groups": [1]}, "`groups`. Expected none without calibration=rows"),
        ({"calibration": draw(9, 0), "false_alarm_rate": 2}, r"a float in \(0, 1\)"),
        ({"calibration": draw(9, 0), "groups": [1, 2]}, "one id for each of 9 rows"),
        ({"calibration": draw(9, 0)[:, :5]}, r"`calibration`. Expected rows of numbers.*\(9, 5\)"),
        ({"calibration": np.full((9, 6), np.nan)}, "`calibration`. Expected finite numbers"),
    ],
)
def test_odd_arguments_are_refused(
    options: dict[str, Any], message: str, model: SparseAutoencoder, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        export_encoder(model, tmp_path / "bundle", **{"score": True, **options})
    assert not (tmp_path / "bundle").exists()


def test_rows_that_overflow_are_named(model: SparseAutoencoder, tmp_path: Path) -> None:
    rows = draw(1500, 1)
    rows[1200] = 1e30
    with pytest.raises(RangeError, match=r"`calibration`.*rows 1200"):
        export(model, tmp_path, calibration=rows)


def test_a_threshold_holds_on_new_rows(model: SparseAutoencoder, tmp_path: Path) -> None:
    path = export(model, tmp_path, calibration=draw(4000, 1), false_alarm_rate=0.05)
    assert Encoder(path).verdict(draw(4000, 2)).alarm.mean() == pytest.approx(0.05, abs=0.015)
