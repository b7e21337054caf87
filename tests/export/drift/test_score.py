import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats

from keras_sparse import L1, SparseAutoencoder
from keras_sparse_export import BundleError, Drift, Encoder, export_encoder
from keras_sparse_export.drift import calibration, score
from keras_sparse_export.drift.score import Moments, compute_moments, score_units

pytestmark = pytest.mark.one_backend


def sparse(rows: int, rng: np.random.Generator, units: int = 24) -> np.ndarray:
    """Codes of units that are active from once in 2 to once in 1,000 rows, and never."""
    share = np.append(np.geomspace(0.5, 0.001, units - 1), 0)
    active = rng.random((rows, units)) < share
    common = rng.gamma(4, 0.25, size=(rows, 1))  # units are not independent
    return (active * common * rng.exponential(size=(rows, units))).astype(np.float32)


def known(codes: np.ndarray, threshold: float = 0.0) -> dict[str, Any]:
    return calibration.describe_sample(lambda rows: rows, codes, threshold)


@pytest.fixture(scope="module")
def sample() -> dict[str, Any]:
    return known(sparse(4000, np.random.default_rng(1)))


# Against other computations ----------------------------------------------------------------------


def test_moments_of_parts_are_those_of_the_whole(rng: np.random.Generator) -> None:
    x = rng.exponential(size=(1000, 3)) + 100
    found = compute_moments(np.split(x, [1, 7, 500]))
    assert found.rows == 1000
    np.testing.assert_allclose(found.mean, x.mean(axis=0))
    np.testing.assert_allclose(found.second, x.var(axis=0))
    np.testing.assert_allclose(found.third, scipy.stats.moment(x, 3))


def test_without_skewness_the_score_is_the_pooled_z(rng: np.random.Generator) -> None:
    a, b = rng.normal(0.3, 2, size=(40, 5)), rng.normal(size=(300, 5))
    pooled = compute_moments([b, a])
    found = score_units(40 * (a.mean(axis=0) - pooled.mean), 40, pooled._replace(third=np.zeros(5)))
    # The pooled variance holds the difference of the means, which Student's does not.
    t = scipy.stats.ttest_ind(a, b).statistic
    np.testing.assert_allclose(found, t * np.sqrt(340 / (338 + t**2)), atol=2e-4)


@pytest.mark.parametrize(("one", "other"), [(1, 0), (1, 1), (3, 10), (0, 30), (8, 30)])
def test_a_rare_units_score_is_the_root_of_the_likelihood_ratio(one: int, other: int) -> None:
    a, b = np.zeros((32, 1)), np.zeros((10_000, 1))
    a[:one], b[:other] = 1, 1
    pooled = compute_moments([b, a])
    (found,) = score_units(32 * (a.mean(axis=0) - pooled.mean), 32, pooled)
    counts = [[one, 32 - one], [other, 10_000 - other]]
    g = scipy.stats.chi2_contingency(counts, correction=False, lambda_="log-likelihood").statistic
    assert found == pytest.approx(np.sqrt(g) * (1 if one else -1), rel=0.05)


@pytest.mark.parametrize("share", [0.001, 0.01, 0.1, 0.5, 0.9, 0.999])
def test_tails_are_near_to_exact_ones_for_rare_and_common_units(share: float) -> None:
    n, many = 64, 10**9
    law = scipy.stats.binom(n, share)
    third = share * (1 - share) * (1 - 2 * share)
    pooled = Moments(many, np.array(share), np.array(share * (1 - share)), np.array(third))
    for k in range(n + 1):
        score = float(score_units(np.array(k - n * share), n, pooled))
        below = scipy.stats.norm.cdf(score)
        if law.cdf(k - 1) > 1e-5 and law.sf(k) > 1e-5:
            assert law.cdf(k - 1) - 0.02 <= below <= law.cdf(k) + 0.02
            assert below > 0.5 * law.cdf(k - 1)
            assert 1 - below > 0.5 * law.sf(k)


def test_the_score_of_two_points_far_apart_is_finite() -> None:
    pooled = compute_moments([np.zeros((1000, 1)), np.full((32, 1), 1e6)])
    (found,) = score_units(32 * (1e6 - pooled.mean), 32, pooled)
    assert 10 < found < 1000
    (mirrored,) = score_units(
        -32 * (1e6 - pooled.mean),
        32,
        compute_moments([np.zeros((1000, 1)), np.full((32, 1), -1e6)]),
    )
    assert mirrored == pytest.approx(-found)


def test_less_than_nothing_counts_as_nothing() -> None:
    """A Poisson variable of mean 4 that is 0 has deviance 8, and none is more surprising."""
    pooled = Moments(10**9, np.array(1.0), np.array(1.0), np.array(1.0))
    for excess in (-4, -6, -40):
        assert score_units(np.array(excess), 4, pooled) == pytest.approx(-np.sqrt(8), rel=1e-4)


def test_codes_that_are_no_numbers_are_no_sign_of_no_drift() -> None:
    codes = np.random.default_rng(0).random((500, 4)).astype(np.float32)
    sample = known(codes, 0.5)
    codes[7, 2] = np.nan
    with pytest.raises(BundleError, match=r"that give a finite score. Received: a score of nan"):
        score.measure_drift(codes, sample, 0.5)
    sample["activation_std"][1] = 1e200
    with pytest.raises(BundleError, match="that give a finite score"):
        score.measure_drift(codes[100:], sample, 0.5)


# The rate ----------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("size", [32, 500])
def test_alarms_without_drift_come_at_the_stated_rate(size: int) -> None:
    rng = np.random.default_rng(0)
    alarms = []
    for _ in range(10):
        stated = known(sparse(2000, rng))
        fresh = sparse(150 * size, rng).reshape(150, size, -1)
        alarms += [score.measure_drift(batch, stated, 0.0).drifted for batch in fresh]
    assert 0.004 <= np.mean(alarms) <= 0.018  # 0.01, and three standard errors of 1,500


def test_what_moves_is_found_and_named(sample: dict[str, Any], rng: np.random.Generator) -> None:
    for unit, factor in ((2, 2.0), (2, 0.3)):
        codes = sparse(500, rng)
        codes[:, unit] *= factor
        found = score.measure_drift(codes, sample, 0.0)
        assert found.drifted
        assert np.abs(found.units).argmax() == unit
        assert np.sign(found.units[unit]) == np.sign(factor - 1)
        assert found.score == pytest.approx(np.abs(found.units).max())


def test_what_moves_all_units_a_little_is_found(sample: dict[str, Any]) -> None:
    codes = 1.25 * sparse(500, np.random.default_rng(3))
    found = score.measure_drift(codes, sample, 0.0)
    assert found.drifted
    assert np.abs(found.units).max() < found.threshold


def test_a_dead_unit_that_wakes_is_found_but_not_for_one_row(sample: dict[str, Any]) -> None:
    codes = sparse(64, np.random.default_rng(4))
    assert sample["active_share"][-1] == 0
    codes[0, -1] = 1
    assert not score.measure_drift(codes, sample, 0.0).drifted
    codes[:8, -1] = 1
    found = score.measure_drift(codes, sample, 0.0)
    assert found.drifted
    assert np.abs(found.units).argmax() == 23
    assert np.isfinite(found.units).all()


def test_what_devices_round_otherwise_is_no_drift(rng: np.random.Generator) -> None:
    saturated = (1 - 1e-6 * rng.random((4000, 8))).astype(np.float32)
    found = score.measure_drift(saturated[:1000] * np.float32(1 - 1e-6), known(saturated, 0.1), 0.1)
    assert not found.drifted


# The rest ----------------------------------------------------------------------------------------


def test_a_row_with_positions_counts_once(rng: np.random.Generator) -> None:
    codes, batch = sparse(1000, rng), sparse(64, rng)
    flat = score.measure_drift(batch, known(codes), 0.0)
    repeated = np.repeat(codes[:, None], 5, axis=1)
    found = score.measure_drift(np.repeat(batch[:, None], 5, axis=1), known(repeated), 0.0)
    assert found.rows == 64
    np.testing.assert_allclose(found.units, flat.units, atol=1e-3)
    assert found.threshold == pytest.approx(flat.threshold, rel=1e-3)


def test_chunks_change_nothing(
    sample: dict[str, Any], rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = sparse(500, rng)
    whole = score.measure_drift(codes, sample, 0.0)
    monkeypatch.setattr(score, "CHUNK_VALUES", 700)
    np.testing.assert_allclose(
        score.measure_drift(codes, sample, 0.0).units, whole.units, atol=1e-6
    )


def test_limits_between_the_calibrated_sizes_and_beyond(sample: dict[str, Any]) -> None:
    assert sample["drift"]["batch_sizes"] == [16, 64, 256, 1024]
    sample = {**sample, "drift": {**sample["drift"], "thresholds": [5, 4, 3, 2]}}
    codes = sparse(3000, np.random.default_rng(5))
    for rows, expected in ((16, 5), (32, 4.5), (64, 4), (1024, 2), (3000, 2)):
        assert score.measure_drift(codes[:rows], sample, 0.0).threshold == pytest.approx(expected)


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (np.ones((15, 24)), r"Expected at least 16 rows.*Received: 15"),
        (np.ones((1, 24)), r"Received: 1"),
        (np.ones((0, 24)), r"Received: 0"),
        (np.ones((32, 23)), r"Expected \(rows, ..., 24\). Received: \(32, 23\)"),
        (np.ones(24), r"Received: \(24,\)"),
    ],
)
def test_codes_that_cannot_be_compared(
    codes: np.ndarray, message: str, sample: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=message):
        score.measure_drift(codes, sample, 0.0)


def test_a_sample_that_is_too_small_is_named(rng: np.random.Generator) -> None:
    with pytest.raises(BundleError, match="a sample of 31 rows"):
        score.measure_drift(sparse(64, rng), known(sparse(31, rng)), 0.0)


def test_a_bundle_carries_all_of_it(rng: np.random.Generator, tmp_path: Path) -> None:
    x = rng.normal(size=(1500, 12)).astype(np.float32)
    model = SparseAutoencoder(12, 6, sparsity=L1(), normalization=None)
    path = export_encoder(model, tmp_path / "bundle", sample=x)
    encoder = Encoder(path)
    assert encoder.manifest == json.loads((path / "manifest.json").read_text())
    same = encoder.drift(rng.normal(size=(200, 12)))
    assert isinstance(same, Drift)
    assert not same.drifted
    assert same.units.shape == (6,)
    assert (same.rows, same.false_alarm_rate) == (200, 0.01)
    assert pickle.loads(pickle.dumps(same)).score == same.score
    assert encoder.drift(rng.normal(size=(200, 12)) + 1).drifted
    for rows, count in ((x[0], 1), (x[:3], 3)):
        with pytest.raises(ValueError, match=f"at least 16 rows.*Received: {count}"):
            encoder.drift(rows)
    with pytest.raises(BundleError, match="which has statistics to compare with"):
        Encoder(path / "encoder.onnx").drift(x)
    bare = Encoder(export_encoder(model, tmp_path / "no-sample"))
    with pytest.raises(BundleError, match=r"without a sample. Remedy: export_encoder"):
        bare.drift(x)
