"""Emit the nodes of a Fourier transform of the frames of a signal, as matrix products.

ONNX has operators for transforms, but browsers and microcontrollers lack them. With `N = N₁ N₂`,
`n = N₂ n₁ + n₂` and `k = k₁ + N₁ k₂`, a transform of N numbers is two products with matrices of
about √N rows, and one of numbers between them (Cooley and Tukey, An algorithm for the machine
calculation of complex Fourier series, 1965):

    X[k] = Σ_n₂ w(N₂)^(n₂ k₂) · w(N)^(n₂ k₁) · Σ_n₁ w(N₁)^(n₁ k₁) x[n],    w(M) = exp(−2πi / M)

Beside one product with all cosines and sines of N = 1024, it has 1 % of the constants, a twelfth of
the multiplications, and sums of 32 terms, which float32 rounds less.
"""

import math

import numpy as np

from keras_sparse_export.convert.builder.graph import GraphBuilder

MOST_SLICES = 16
"""Of blocks of a signal side by side; a frame of more is gathered by index."""


def emit_frames(builder: GraphBuilder, x: str, samples: int, length: int, step: int) -> str:
    """Emit the frames of a signal (batch, samples) as (batch, frames, length).

    Args:
        builder: The graph.
        x: The signal.
        samples: Its length.
        length: Samples of a frame.
        step: Samples from one frame to the next.
    """
    frames = (samples - length) // step + 1
    block = math.gcd(length, step)
    if length // block > MOST_SLICES:
        places = step * np.arange(frames)[:, np.newaxis] + np.arange(length)
        return builder.add("Gather", x, builder.add_constant(places, np.int64), axis=1)
    used = (frames - 1) * step + length
    x = builder.slice(x, 1, 0, used) if used < samples else x
    blocks = builder.reshape(x, [-1, used // block, block])
    stride = step // block
    parts = [
        builder.slice(blocks, 1, first, first + (frames - 1) * stride + 1, stride)
        for first in range(length // block)
    ]
    return parts[0] if len(parts) == 1 else builder.add("Concat", *parts, axis=2)


def emit_power(builder: GraphBuilder, frames: str, count: int, size: int) -> tuple[str, np.ndarray]:
    """Emit `|X[k]|²` of frames (batch, frames, size), of every k up to N / 2.

    Args:
        builder: The graph.
        frames: The frames.
        count: Number of frames.
        size: `N`, samples of a frame.

    Returns:
        The name of the power, (batch, frames, places), and the k of each place. Where the two
        factors of `N` are even, some are above N / 2.
    """
    first = max(n for n in range(1, math.isqrt(size) + 1) if size % n == 0)
    second = size // first
    bins = np.arange(second // 2 + 1)
    h = builder.reshape(frames, [-1, count, first, second])
    cosine, sine = compute_rotations(np.arange(first), np.arange(first), first)
    h = builder.add("MatMul", builder.add_constant(np.concatenate([cosine, -sine])), h)
    real, imaginary = (builder.slice(h, 2, start, start + first) for start in (0, first))
    if first > 1:
        rotations = compute_rotations(np.arange(first), np.arange(second), size)
        real, imaginary = _rotate(builder, real, imaginary, *rotations)
    both = builder.add("Concat", real, imaginary, axis=3)
    cosine, sine = compute_rotations(np.arange(second), bins, second)
    whole = builder.add_constant(np.block([[cosine, -sine], [sine, cosine]]))
    squares = builder.add("MatMul", both, whole)
    squares = builder.add("Mul", squares, squares)
    real, imaginary = (
        builder.slice(squares, 3, start, start + len(bins)) for start in (0, len(bins))
    )
    power = builder.add("Add", real, imaginary)
    places = np.arange(first)[:, np.newaxis] + first * bins
    return builder.reshape(power, [-1, count, places.size]), places.reshape(-1)


def _rotate(
    builder: GraphBuilder, real: str, imaginary: str, cosine: np.ndarray, sine: np.ndarray
) -> tuple[str, str]:
    """Emit `(a + ib) (cos − i sin)` of each number."""
    c, s = builder.add_constant(cosine), builder.add_constant(sine)
    return (
        builder.add("Add", builder.add("Mul", real, c), builder.add("Mul", imaginary, s)),
        builder.add("Sub", builder.add("Mul", imaginary, c), builder.add("Mul", real, s)),
    )


def compute_rotations(n: np.ndarray, k: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Compute `cos(2π n k / N)` and `sin(2π n k / N)`, each `(n, k)`.

    The product is taken modulo `N`, so that no digits are lost to full turns.
    """
    angles = 2 * np.pi / size * (n[:, np.newaxis] * k % size)
    return np.cos(angles), np.sin(angles)
