import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats

from keras_sparse import L1, SparseAutoencoder
from keras_sparse_export import export_encoder
from keras_sparse_export.drift import calibration, score

pytestmark = pytest.mark.one_backend


def identity(rows: np.ndarray) -> np.ndarray:
    return rows


@pytest.fixture
def codes(rng: np.random.Generator) -> np.ndarray:
    codes = rng.exponential(size=(700, 10)) * (rng.random((700, 10)) < np.linspace(0, 1, 10))
    codes[:, 4:] *= rng.choice([-1, 1], size=(700, 6))  # of either sign
    return codes.astype(np.float32)


def expected(codes: np.ndarray, threshold: float) -> dict[str, Any]:
    activation, active = codes.astype(np.float64), (np.abs(codes) > threshold).astype(np.float64)
    with np.errstate(all="ignore"):
        return {
            "mean_activation": activation.mean(axis=0),
            "active_share": active.mean(axis=0),
            "activation_std": activation.std(axis=0),
            "active_std": active.std(axis=0),
            "activation_skewness": np.nan_to_num(scipy.stats.skew(activation)),
            "active_skewness": np.nan_to_num(scipy.stats.skew(active)),
        }


@pytest.mark.filterwarnings("ignore:Precision loss occurred:RuntimeWarning")
@pytest.mark.parametrize("chunk", [1 << 20, 130])
def test_moments_are_those_of_scipy(
    chunk: int, codes: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibration, "CHUNK_VALUES", chunk)
    found = calibration.describe_sample(identity, codes, 0.2)
    assert found["rows"] == 700
    assert found["l0"] == pytest.approx((np.abs(codes) > 0.2).sum(axis=1).mean())
    assert found["dead_units"] == 1
    for name, values in expected(codes, 0.2).items():
        np.testing.assert_allclose(found[name], values, rtol=1e-6, atol=1e-12, err_msg=name)
    rows = codes.astype(np.float64).mean(axis=1)
    total = found["drift"]["total"]
    assert total["mean"][0] == pytest.approx(rows.mean(), rel=1e-6)
    assert total["std"][0] == pytest.approx(rows.std(), rel=1e-5)
    assert total["skewness"][0] == pytest.approx(scipy.stats.skew(rows), rel=1e-4)


def test_positions_are_averaged_before_rows(codes: np.ndarray) -> None:
    images = codes.reshape(100, 7, 10)
    found = calibration.describe_sample(identity, images, 0.0)
    assert found["rows"] == 100
    assert found["l0"] == pytest.approx((codes != 0).sum() / 700)
    np.testing.assert_allclose(found["activation_std"], images.mean(axis=1).std(axis=0), rtol=1e-5)
    active = (images != 0).mean(axis=1)
    np.testing.assert_allclose(found["active_std"], active.std(axis=0), rtol=1e-5)


def test_limits_are_those_of_batches_drawn_one_by_one(codes: np.ndarray) -> None:
    found = calibration.describe_sample(identity, codes, 0.0)["drift"]
    rng = np.random.default_rng(7)
    values = score.summarize_rows(codes, 0.0)
    pooled = score.compute_moments([values])
    for place, size in enumerate(found["batch_sizes"]):
        weights = found["spread_weights"][place], found["total_weights"][place]
        drawn = [
            score.combine_scores(
                score.score_units(
                    (values[rng.choice(700, size, replace=False)] - pooled.mean).sum(axis=0),
                    size,
                    pooled,
                ),
                *weights,
            )
            for _ in range(4000)
        ]
        low, high = np.quantile(drawn, (0.985, 0.994))
        assert low < found["thresholds"][place] < high
    assert found["batch_sizes"] == [16, 64, 256]


@pytest.mark.parametrize(("count", "rank"), [(4096, 4056), (101, 100), (100, 100), (7, 7)])
def test_a_limit_is_the_score_of_a_batch_that_at_most_one_in_a_hundred_exceeds(
    count: int, rank: int, rng: np.random.Generator
) -> None:
    """The order statistic itself: between two scores another share of the batches lies above."""
    scores = np.cumsum(rng.exponential(size=count))
    limit = calibration._compute_limit(rng.permutation(scores))
    assert limit == scores[rank - 1]
    assert np.mean(scores > limit) <= 0.01


def test_the_same_sample_gives_the_same_limits(codes: np.ndarray) -> None:
    first, second = (calibration.describe_sample(identity, codes, 0.0) for _ in range(2))
    assert json.dumps(first) == json.dumps(second)
    assert json.loads(json.dumps(first, allow_nan=False)) == first


def test_of_a_large_sample_rows_are_drawn_for_the_limits(
    codes: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibration, "KEPT_VALUES", 150 * 10)
    found = calibration.describe_sample(identity, codes, 0.0)
    assert found["rows"] == 700
    assert found["drift"]["batch_sizes"] == [16, 64]
    assert found["active_share"][-1] == 1


def test_small_and_silent_samples(codes: np.ndarray) -> None:
    assert calibration.describe_sample(identity, codes[:31], 0.0)["drift"] is None
    silent = calibration.describe_sample(identity, 0 * codes, 0.0)
    assert silent["dead_units"] == 10
    assert not score.measure_drift(0 * codes, silent, 0.0).drifted
    assert score.measure_drift(codes, silent, 0.0).drifted


def test_all_rows_of_a_sample_count_and_may_lie_on_disk(
    rng: np.random.Generator, tmp_path: Path
) -> None:
    x = rng.normal(size=(1300, 12))
    x[600:] += 3
    np.save(tmp_path / "x.npy", x)
    model = SparseAutoencoder(12, 6, sparsity=L1(), normalization=None)
    sample = np.load(tmp_path / "x.npy", mmap_mode="r")
    path = export_encoder(model, tmp_path / "bundle", sample=sample)
    manifest = json.loads((path / "manifest.json").read_text())
    assert manifest["statistics"]["rows"] == 1300
    assert manifest["parity"]["encoder"]["rows"] == 512
    codes = model.encode(x)
    np.testing.assert_allclose(
        manifest["statistics"]["mean_activation"], codes.mean(axis=0), rtol=1e-4
    )
    x[1299, 0] = np.nan
    with pytest.raises(ValueError, match=r"`sample`. Expected finite numbers"):
        export_encoder(model, tmp_path / "bad", sample=x)
