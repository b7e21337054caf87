"""Compute the statistics of a sample's codes, and calibrate the limits for drift."""

from collections.abc import Callable, Iterator
from statistics import NormalDist
from typing import Any

import numpy as np

from keras_sparse_export.drift.columns import describe_columns
from keras_sparse_export.drift.score import (
    Moments,
    compute_components,
    compute_moments,
    score_units,
    summarize_rows,
)
from keras_sparse_export.errors import RangeError

CHUNK_VALUES = 1 << 20
KEPT_VALUES = 1 << 25
"""Codes held in memory for the calibration; larger samples are subsampled at random."""
FALSE_ALARM_RATE = 0.01
BATCH_SIZES = (16, 64, 256, 1024, 4096)
REPLICATES, SHUFFLES, PARTS = 4096, 8, 32


def describe_sample(
    run: Callable[[np.ndarray], np.ndarray], rows: Any, threshold: float
) -> dict[str, Any]:
    """Return the manifest's `statistics`, computed over all rows of a sample.

    Args:
        run: The exported encoder, a function from float32 rows to codes.
        rows: The sample. It is read in chunks, so it may be a memory map.
        threshold: τ; a unit is active when `|code| > τ`.

    Raises:
        RangeError: If `run` raises it; the message names the rows of the sample.
    """
    rng = np.random.default_rng(0)
    first = run(rows[:1].astype(np.float32))
    step = max(1, CHUNK_VALUES // max(first.size, rows[:1].size))
    chosen = np.sort(rng.permutation(len(rows))[: max(1, KEPT_VALUES // first.shape[-1])])
    kept = np.empty((len(chosen), *summarize_rows(first, threshold).shape[1:]), np.float32)

    def summarize_parts() -> Iterator[np.ndarray]:
        for start in range(0, len(rows), step):
            try:
                codes = run(rows[start : start + step].astype(np.float32))
            except RangeError as error:
                raise error.renumber(range(start, start + step)) from error
            part = summarize_rows(codes, threshold)
            begin, end = np.searchsorted(chosen, (start, start + step))
            kept[begin:end] = part[chosen[begin:end] - start]
            yield part

    moments = compute_moments(summarize_parts())
    described = moments.describe()
    std, skewness = described["std"], described["skewness"]
    columns = describe_columns(rows)
    units = {
        "mean_activation": moments.mean[0],
        "active_share": moments.mean[1],
        "activation_std": std[0],
        "active_std": std[1],
        "activation_skewness": skewness[0],
        "active_skewness": skewness[1],
    }
    limits = calibrate(kept, rng)
    if limits is not None:
        limits["total"] = _round_each({name: value[:, -1] for name, value in described.items()})
    return {
        "rows": len(rows),
        "l0": float(moments.mean[1, :-1].sum()),
        "dead_units": int((moments.mean[1, :-1] == 0).sum()),
        **_round_each({name: value[:-1] for name, value in units.items()}),
        **({} if columns is None else {"columns": _round_each(columns)}),
        "drift": limits,
    }


def calibrate(values: np.ndarray, rng: np.random.Generator) -> dict[str, Any] | None:
    """Return the limits that a batch without drift exceeds at the false-alarm rate.

    Batches are drawn from the sample without replacement and compared with the remaining rows. If
    rows are exchangeable, this is exactly the distribution of a new batch against a reference of
    that size. 4,096 batches put the rate within 0.0016 (one standard error) of the stated 0.01.

    Args:
        values: The sample's rows from `summarize_rows`.
        rng: Random generator that draws the batches.

    Returns:
        Limits per batch size, or `None` if the sample is too small for the smallest batch size.
    """
    sizes = [size for size in BATCH_SIZES if 2 * size <= len(values)]
    if not sizes:
        return None
    step = max(1, CHUNK_VALUES // values[0].size)
    pooled = compute_moments(values[start : start + step] for start in range(0, len(values), step))
    centred = values - pooled.mean.astype(values.dtype)
    draws = [_draw_replicates(centred, sizes, pooled, rng) for _ in range(SHUFFLES)]
    limits: dict[str, list[float]] = {
        name: [] for name in ("thresholds", "spread_weights", "total_weights")
    }
    least = NormalDist().inv_cdf(1 - FALSE_ALARM_RATE / 2)  # for one unit, as no unit may vary
    for replicates in map(np.concatenate, zip(*draws, strict=True)):
        largest, spread, total = (_compute_limit(component) for component in replicates.T)
        weights = [largest / limit if limit else 0.0 for limit in (spread, total)]
        score = (replicates * (1, *weights)).max(axis=1)
        for name, value in zip(limits, (max(_compute_limit(score), least), *weights), strict=True):
            limits[name].append(float(f"{value:.6g}"))
    return {
        "false_alarm_rate": FALSE_ALARM_RATE,
        "replicates": REPLICATES,
        "batch_sizes": sizes,
        **limits,
    }


def _draw_replicates(
    centred: np.ndarray, sizes: list[int], pooled: Moments, rng: np.random.Generator
) -> list[np.ndarray]:
    """Return, for each batch size, the components of some replicates, `(replicates, 3)`.

    Summing 4,096 rows for every batch would take minutes. Instead rows are shuffled once and summed
    in blocks, and a batch is a random choice of 32 blocks: 32 times 128 random rows.
    """
    blocks, block = centred[rng.permutation(len(centred))], 1
    result = []
    for size in sizes:
        if (factor := max(1, size // PARTS) // block) > 1:
            whole = len(blocks) // factor * factor
            blocks = blocks[:whole].reshape(-1, factor, *blocks.shape[1:]).sum(axis=1)
            block *= factor
        sums = []
        for _ in range(REPLICATES // SHUFFLES):
            chosen = rng.choice(len(blocks), size // block, replace=False, shuffle=False)
            sums.append(blocks[chosen].sum(axis=0))
        result.append(_compute_components(sums, size, pooled))
    return result


def _compute_components(sums: list[np.ndarray], rows: int, pooled: Moments) -> np.ndarray:
    step = max(1, CHUNK_VALUES // sums[0].size)
    parts = []
    for start in range(0, len(sums), step):
        excess = np.stack(sums[start : start + step]).astype(np.float64)
        parts.append(np.stack(compute_components(score_units(excess, rows, pooled)), axis=1))
    return np.concatenate(parts)


def _compute_limit(values: np.ndarray) -> float:
    return float(np.quantile(values, 1 - FALSE_ALARM_RATE, method="higher"))


def _round_each(values: dict[str, np.ndarray]) -> dict[str, list[float]]:
    return {name: _round_numbers(value) for name, value in values.items()}


def _round_numbers(values: np.ndarray) -> list[float]:
    if values.dtype.kind == "i":
        return [*values.tolist()]
    return [float(f"{value:.9g}") for value in values]
