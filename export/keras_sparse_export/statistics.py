"""What a manifest tells of the codes of the sample, and the limits that drift is held to."""

from collections.abc import Iterator
from statistics import NormalDist
from typing import Any

import numpy as np

from keras_sparse_export.drift import Moments, components, moments, per_row, scores
from keras_sparse_export.fidelity import Run

CHUNK_VALUES = 1 << 20
KEPT_VALUES = 1 << 25
"""Codes held in memory for the calibration; of a larger sample, rows drawn at random."""
FALSE_ALARM_RATE = 0.01
BATCH_SIZES = (16, 64, 256, 1024, 4096)
REPLICATES, SHUFFLES, PARTS = 4096, 8, 32


def of_sample(run: Run, rows: np.ndarray, threshold: float) -> dict[str, Any]:
    """The manifest's `statistics`, from all rows of a sample.

    Args:
        run: The encoder as it was exported, from float32 rows to codes.
        rows: The sample. It is read in chunks, so it may lie on disk.
        threshold: τ, above which a unit is active.
    """
    rng = np.random.default_rng(0)
    first = run(rows[:1].astype(np.float32))
    step = max(1, CHUNK_VALUES // max(first.size, rows[:1].size))
    chosen = np.sort(rng.permutation(len(rows))[: max(1, KEPT_VALUES // first.shape[-1])])
    kept = np.empty((len(chosen), *per_row(first, threshold).shape[1:]), np.float32)

    def parts() -> Iterator[np.ndarray]:
        for start in range(0, len(rows), step):
            part = per_row(run(rows[start : start + step].astype(np.float32)), threshold)
            begin, end = np.searchsorted(chosen, (start, start + step))
            kept[begin:end] = part[chosen[begin:end] - start]
            yield part

    found = moments(parts())
    std = np.sqrt(found.second)
    skewness = found.third / np.where(std > 0, std, 1.0) ** 3
    units = {
        "mean_activation": found.mean[0],
        "active_share": found.mean[1],
        "activation_std": std[0],
        "active_std": std[1],
        "activation_skewness": skewness[0],
        "active_skewness": skewness[1],
    }
    limits = calibration(kept, rng)
    if limits is not None:
        totals = {"mean": found.mean, "std": std, "skewness": skewness}
        limits["total"] = {name: _numbers(value[:, -1]) for name, value in totals.items()}
    return {
        "rows": len(rows),
        "l0": float(found.mean[1, :-1].sum()),
        "dead_units": int((found.mean[1, :-1] == 0).sum()),
        **{name: _numbers(value[:-1]) for name, value in units.items()},
        "drift": limits,
    }


def calibration(values: np.ndarray, rng: np.random.Generator) -> dict[str, Any] | None:
    """What the score of a batch without drift exceeds at the false-alarm rate.

    Batches are drawn from the sample without replacement and held against the rest of it. Rows
    that are exchangeable give the very distribution that a new batch has against a reference of
    that size. 4,096 batches put the rate within 0.0016 (one standard error) of the stated 0.01.

    Args:
        values: What `per_row` gave of the sample.
        rng: Where the batches come from.

    Returns:
        Limits per batch size, or nothing where the sample is too small for the smallest.
    """
    sizes = [size for size in BATCH_SIZES if 2 * size <= len(values)]
    if not sizes:
        return None
    step = max(1, CHUNK_VALUES // values[0].size)
    pooled = moments(values[start : start + step] for start in range(0, len(values), step))
    centred = values - pooled.mean.astype(values.dtype)
    draws = [_draws(centred, sizes, pooled, rng) for _ in range(SHUFFLES)]
    limits: dict[str, list[float]] = {
        name: [] for name in ("thresholds", "spread_weights", "total_weights")
    }
    least = NormalDist().inv_cdf(1 - FALSE_ALARM_RATE / 2)  # of one unit; none may vary at all
    for found in map(np.concatenate, zip(*draws, strict=True)):
        largest, spread, total = (_limit(each) for each in found.T)
        weights = [largest / each if each else 0.0 for each in (spread, total)]
        score = (found * (1, *weights)).max(axis=1)
        for name, value in zip(limits, (max(_limit(score), least), *weights), strict=True):
            limits[name].append(float(f"{value:.6g}"))
    return {
        "false_alarm_rate": FALSE_ALARM_RATE,
        "replicates": REPLICATES,
        "batch_sizes": sizes,
        **limits,
    }


def _draws(
    centred: np.ndarray, sizes: list[int], pooled: Moments, rng: np.random.Generator
) -> list[np.ndarray]:
    """Per size the `components` of a share of the replicates, `(replicates, 3)`.

    Adding up 4,096 rows for every batch would take minutes. Rows are shuffled once and added up in
    blocks, and a batch is a random choice of 32 blocks: 32 times 128 rows that are random ones.
    """
    blocks, block = centred[rng.permutation(len(centred))], 1
    result = []
    for size in sizes:
        if (factor := max(1, size // PARTS) // block) > 1:
            whole = len(blocks) // factor * factor
            blocks = blocks[:whole].reshape(-1, factor, *blocks.shape[1:]).sum(axis=1)
            block *= factor
        found = []
        for _ in range(REPLICATES // SHUFFLES):
            chosen = rng.choice(len(blocks), size // block, replace=False, shuffle=False)
            found.append(blocks[chosen].sum(axis=0))
        result.append(_components(found, size, pooled))
    return result


def _components(sums: list[np.ndarray], rows: int, pooled: Moments) -> np.ndarray:
    step = max(1, CHUNK_VALUES // sums[0].size)
    parts = []
    for start in range(0, len(sums), step):
        excess = np.stack(sums[start : start + step]).astype(np.float64)
        parts.append(np.stack(components(scores(excess, rows, pooled)), axis=1))
    return np.concatenate(parts)


def _limit(values: np.ndarray) -> float:
    return float(np.quantile(values, 1 - FALSE_ALARM_RATE, method="higher"))


def _numbers(values: np.ndarray) -> list[float]:
    return [float(f"{value:.9g}") for value in values]
