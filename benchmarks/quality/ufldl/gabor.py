"""Measure how much a filter resembles an edge: fit of a Gabor function, and two other measures."""

from typing import NamedTuple

import numpy as np
from scipy.optimize import least_squares  # comes with scikit-learn


class Gabor(NamedTuple):
    """The Gabor function that fits a filter best."""

    r2: float
    """Fraction of the filter's variance that it explains."""
    frequency: float
    """Frequency of its wave, in cycles per pixel."""
    sigma: tuple[float, float]
    """Widths of its envelope, across and along the stripes, in pixels."""

    def passes(self, r2: float = 0.7) -> bool:
        """Tell whether the fit reaches this R², with a frequency away from 0 and the limit."""
        # A patch of 8 pixels holds half a cycle of 1/16; pixels end at 1/2.
        return self.r2 >= r2 and 1 / 16 < self.frequency < 0.45


def fit_gabor(image: np.ndarray) -> Gabor:
    """Fit a square filter by least squares, starting at its strongest frequencies."""
    size = len(image)
    target = (image - image.mean()) / image.std()
    y, x = np.mgrid[:size, :size]

    def basis(p: np.ndarray) -> np.ndarray:
        row, column, across, along, angle, frequency = p
        u = (x - column) * np.cos(angle) + (y - row) * np.sin(angle)
        v = (y - row) * np.cos(angle) - (x - column) * np.sin(angle)
        envelope = np.exp(-(u**2) / (2 * across**2) - v**2 / (2 * along**2))
        wave = 2 * np.pi * frequency * u
        parts = envelope * np.cos(wave), envelope * np.sin(wave)
        return np.stack([part.ravel() - part.mean() for part in parts], axis=1)

    def residual(p: np.ndarray) -> np.ndarray:
        # Amplitude and phase are linear, so they are solved for at every step.
        columns = basis(p)
        return target.ravel() - columns @ np.linalg.lstsq(columns, target.ravel(), rcond=None)[0]

    middle = (np.indices(target.shape) * target**2).sum(axis=(1, 2)) / (target**2).sum()
    low = [-1.0, -1.0, 0.8, 0.8, -4.0, 0.0]
    high = [size, size, size, size, 4.0, 0.5]
    fits = [
        least_squares(
            residual,
            [*middle, width, width, *peak],
            bounds=(low, high),
            x_scale=[1, 1, 1, 1, 0.3, 0.1],
            ftol=1e-5,
            max_nfev=60,  # other filters would need many more
        )
        for peak in find_spectral_peaks(target, 2)
        for width in (1.5, 3.0)
    ]
    best = min(fits, key=lambda fit: fit.cost)
    r2, (across, along, _, frequency) = 1 - 2 * best.cost / target.size, best.x[2:]
    return Gabor(float(r2), float(frequency), (float(across), float(along)))


def compute_spectrum(
    image: np.ndarray, size: int = 32
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compute power, angle and frequency over the zero-padded frequency plane."""
    power = np.abs(np.fft.fft2(image - image.mean(), (size, size))) ** 2
    fy, fx = np.fft.fftfreq(size)[:, None], np.fft.fftfreq(size)[None, :]
    return power, np.arctan2(fy, fx), np.hypot(fx, fy)


def find_spectral_peaks(image: np.ndarray, count: int) -> list[tuple[float, float]]:
    """Find angle and frequency of the strongest peaks."""
    power, angle, frequency = compute_spectrum(image)
    power = np.where(frequency < 0.49, power, 0.0)
    peaks = []
    for _ in range(count):
        at = np.unravel_index(np.argmax(power), power.shape)
        peaks.append((float(angle[at]), float(frequency[at])))
        apart = np.abs(np.exp(2j * angle) - np.exp(2j * angle[at]))
        power = np.where(apart < 0.7, 0.0, power)
    return peaks


def orientation_selectivity(image: np.ndarray) -> float:
    """`|Σ P e^{2iθ}| / Σ P` over the power spectrum: 0 for a blob, 1 for one direction."""
    power, angle, _ = compute_spectrum(image)
    return float(np.abs((power * np.exp(2j * angle)).sum()) / power.sum())


def spread(image: np.ndarray) -> float:
    """Number of pixels over which the energy is spread, `(Σ w²)² / Σ w⁴`: 1 for one pixel."""
    energy = (image - image.mean()) ** 2
    return float(energy.sum() ** 2 / (energy**2).sum())


def shuffle_phases(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return images with the same power at every frequency and the phases of noise."""
    noise = np.fft.fft2(rng.normal(size=images.shape))
    return np.fft.ifft2(np.abs(np.fft.fft2(images)) * noise / np.abs(noise)).real
