"""Formulas of the mel scales."""

import math

import numpy as np

LINEAR_STEP, BREAK = 200 / 3, 1000.0
"""Hertz of a mel of Slaney's scale, up to this frequency; above, mels are logarithmic."""
LOG_STEP = math.log(6.4) / 27


def hertz_to_mel(hertz: np.ndarray | float, mel: str) -> np.ndarray:
    """Convert frequencies to mels.

    `"htk"`: `1127 ln(1 + f / 700)`. `"slaney"`: `3 f / 200` up to 1000 Hz, and above
    `15 + 27 ln(f / 1000) / ln 6.4`.
    """
    hertz = np.asarray(hertz, np.float64)
    if mel == "htk":
        return 1127.0 * np.log1p(hertz / 700.0)
    above = BREAK / LINEAR_STEP + np.log(np.maximum(hertz, BREAK) / BREAK) / LOG_STEP
    return np.where(hertz < BREAK, hertz / LINEAR_STEP, above)


def mel_to_hertz(mels: np.ndarray, mel: str) -> np.ndarray:
    """Convert mels to frequencies, the inverse of `hertz_to_mel`."""
    mels = np.asarray(mels, np.float64)
    if mel == "htk":
        return 700.0 * np.expm1(mels / 1127.0)
    first = BREAK / LINEAR_STEP
    above = BREAK * np.exp(LOG_STEP * (np.maximum(mels, first) - first))
    return np.where(mels < first, mels * LINEAR_STEP, above)


def place_filters(mel: str, count: int, min_freq: float, max_freq: float) -> np.ndarray:
    """Place the edges of overlapping triangular filters, in mels, equally far apart.

    Filter `i` begins at edge `i`, is highest at edge `i + 1`, and ends at edge `i + 2`.

    Args:
        mel: `"slaney"` or `"htk"`.
        count: Number of filters.
        min_freq: Lower edge of the first filter, in hertz.
        max_freq: Upper edge of the last one.

    Returns:
        `(count + 2,)`.

    Example:
        >>> mel_to_hertz(place_filters("slaney", 3, 0.0, 800.0), "slaney").round().tolist()
        [0.0, 200.0, 400.0, 600.0, 800.0]
    """
    first, last = hertz_to_mel(np.array([min_freq, max_freq]), mel)
    return np.linspace(first, last, count + 2)
