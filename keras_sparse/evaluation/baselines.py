"""What codes are compared with at their L0: the largest scores of a PCA, and dictionaries with OMP.

Both are measured as a trained model is: on held-out rows, in the space of the loss. A baseline
codes each row with exactly k numbers; the L0 of a model is a mean over rows.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np

from keras_sparse.data.missing import fill_with_means
from keras_sparse.evaluation.held_out import Evaluation
from keras_sparse.evaluation.learned_dictionary import LearnedDictionary
from keras_sparse.evaluation.probe_design import ProbeDesign
from keras_sparse.metrics import functional
from keras_sparse.utils import optional

TITLES = {
    "pca": "PCA, largest scores",
    "omp": "Dictionary, OMP",
    "learned": "Dictionary of scikit-learn, OMP",
}
"""Names in tables and reports, by the name in records."""
NONE, USUAL, FULL = KINDS = ("none", "usual", "full")
"""Which baselines are measured; all of them add dictionary learning, which may take minutes."""
ITERATIONS = 6
"""Updates of a dictionary."""
STEPS = 4
"""Steps of the OMP that codes the rows while a dictionary is learned."""
WORK = 2e10
"""Multiplications that learning a dictionary may take: seconds. It bounds the number of rows."""
MOST_NUMBERS = 1 << 24
"""Numbers in an array of codes or rows: 64 MB."""
SINGULAR = 1e-6
"""Added to the diagonal of a Gram matrix, relative to its mean, which keeps it invertible."""


class Baseline(Protocol):
    """A fitted baseline."""

    def encode(self, x: np.ndarray, k: int) -> np.ndarray:
        """Return codes `(rows, units)` with at most k numbers that are not zero in a row."""
        ...

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Return the rows that the codes stand for."""
        ...


@dataclass(frozen=True)
class LargestScores:
    """The k scores of largest magnitude on all principal components of the training rows.

    Example:
        >>> x = np.array([[3.0, 0], [-3, 0], [0, 1], [0, -1]])
        >>> pca = LargestScores.fit(x)
        >>> pca.decode(pca.encode(x, 1)).round(6).tolist() == x.tolist()
        True
    """

    mean: np.ndarray
    components: np.ndarray
    """`(components, features)`, orthonormal."""

    @classmethod
    def fit(cls, x: np.ndarray) -> "LargestScores":
        """Find the components of rows, in float64."""
        mean = x.mean(axis=0, dtype=np.float64)
        centred = x - mean
        if len(x) < x.shape[1]:
            return cls(mean, np.linalg.svd(centred, full_matrices=False)[2])
        return cls(mean, np.linalg.eigh(centred.T @ centred)[1].T[::-1])

    def encode(self, x: np.ndarray, k: int) -> np.ndarray:
        """Return the scores, all but the k largest of a row set to zero."""
        return keep_largest((x - self.mean) @ self.components.T, k)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Return the rows with these scores."""
        decoded: np.ndarray = codes @ self.components + self.mean
        return decoded


@dataclass(frozen=True)
class Dictionary:
    """Atoms of unit norm, of which OMP chooses k for each row.

    `fit` alternates between coding the rows and the least-squares update of all atoms.

    Source: K. Engan, S. O. Aase, J. H. Husøy, "Method of Optimal Directions for Frame Design",
    ICASSP 1999.
    """

    mean: np.ndarray
    atoms: np.ndarray
    """`(atoms, features)`."""

    @classmethod
    def fit(cls, x: np.ndarray, width: int, k: int, seed: int = 0) -> "Dictionary":
        """Learn atoms for codes of k numbers.

        Args:
            x: Rows. Of many, a random part is used, as `WORK` allows.
            width: Number of atoms; at most that of the rows.
            k: Atoms of a row.
            seed: Seed of that part and of the first atoms.
        """
        generator = np.random.default_rng(seed)
        mean = x.mean(axis=0, dtype=np.float64).astype(np.float32)
        kept = generator.permutation(len(x))[: _most_rows(x.shape[1], width)]
        x = (x[kept] - mean).astype(np.float32)
        atoms = _normalize(x[generator.permutation(len(x))[:width]], generator)
        for _ in range(ITERATIONS):
            codes = pursue(x, atoms, k, steps=STEPS)
            gram = codes.T @ codes
            gram[np.diag_indices(len(gram))] += SINGULAR * max(1e-30, np.trace(gram) / len(gram))
            atoms = np.linalg.solve(gram, codes.T @ x)
            unused = ~codes.any(axis=0)
            if unused.any():  # start again from the rows that are coded worst
                errors = np.square(x - codes @ atoms).sum(axis=1)
                atoms[unused] = x[np.argsort(-errors, kind="stable")[: unused.sum()]]
            atoms = _normalize(atoms, generator)
        return cls(mean, atoms)

    def encode(self, x: np.ndarray, k: int) -> np.ndarray:
        """Return the coefficients of the k atoms that OMP chooses for each row."""
        return pursue((x - self.mean).astype(np.float32), self.atoms, k)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Return the sums of the atoms with these coefficients."""
        decoded: np.ndarray = codes @ self.atoms + self.mean
        return decoded


def keep_largest(scores: np.ndarray, k: int) -> np.ndarray:
    """Set all but the k numbers of largest magnitude of each row to zero.

    Example:
        >>> keep_largest(np.array([[1, -3, 2]]), 2).tolist()
        [[0, -3, 2]]
    """
    kept = np.argsort(-np.abs(scores), axis=1, kind="stable")[:, :k]
    codes = np.zeros_like(scores)
    np.put_along_axis(codes, kept, np.take_along_axis(scores, kept, axis=1), axis=1)
    return codes


def pursue(x: np.ndarray, atoms: np.ndarray, k: int, *, steps: int | None = None) -> np.ndarray:
    """Code rows by orthogonal matching pursuit.

    Every step chooses the atoms with the largest correlation with what is left of a row, and fits
    all chosen atoms to the row by least squares.

    Args:
        x: Rows `(rows, features)`.
        atoms: `(atoms, features)`, of unit norm.
        k: Atoms of a row.
        steps: Number of steps. By default each chooses a single atom, which is OMP; fewer steps
            choose several at once (generalized OMP).

    Returns:
        `(rows, atoms)`.

    Source: Y. C. Pati, R. Rezaiifar, P. S. Krishnaprasad, "Orthogonal Matching Pursuit", Asilomar
    1993; J. Wang, S. Kwon, B. Shim, "Generalized Orthogonal Matching Pursuit", IEEE Transactions on
    Signal Processing, 2012.
    """
    k = min(k, *atoms.shape)
    size = max(1, MOST_NUMBERS // max(len(atoms), k * k))
    gram = atoms @ atoms.T
    ends = np.linspace(0, k, min(k, steps or k) + 1).astype(int)[1:]
    parts = [_pursue(x[at : at + size], atoms, gram, ends) for at in range(0, len(x), size)]
    return np.concatenate(parts)


def _pursue(x: np.ndarray, atoms: np.ndarray, gram: np.ndarray, ends: np.ndarray) -> np.ndarray:
    correlations = x @ atoms.T
    left, codes = np.abs(correlations), np.zeros_like(correlations)
    chosen = np.empty((len(x), 0), np.intp)
    for end in ends:
        count = end - chosen.shape[1]
        new = np.argpartition(-left, count - 1, axis=1)[:, :count]
        chosen = np.concatenate([chosen, new], axis=1)
        system = gram[chosen[:, :, None], chosen[:, None, :]]
        system[:, range(end), range(end)] += SINGULAR
        right = np.take_along_axis(correlations, chosen, axis=1)[..., None]
        np.put_along_axis(codes, chosen, np.linalg.solve(system, right)[..., 0], axis=1)
        if end < ends[-1]:
            left = np.abs(correlations - codes @ gram)
            np.put_along_axis(left, chosen, -1, axis=1)  # each atom once
    return codes


def _most_rows(features: int, width: int) -> int:
    """Rows that a dictionary is learned on, at most."""
    work = width * (features + STEPS * width) * ITERATIONS
    return int(max(4 * width, min(WORK / work, MOST_NUMBERS / max(features, width))))


def _normalize(atoms: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Scale atoms to unit norm; one without a direction gets a random one."""
    norms = np.linalg.norm(atoms, axis=1, keepdims=True)
    random = generator.normal(size=atoms.shape).astype(np.float32)
    atoms = np.where(norms > 0, atoms, random)
    unit: np.ndarray = atoms / np.linalg.norm(atoms, axis=1, keepdims=True)
    return unit.astype(np.float32)


# Measuring -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Measured:
    """The measures of a baseline."""

    kind: str
    """`"pca"`, `"omp"` or `"learned"`."""
    l0: int
    """Numbers that code a row."""
    evaluation: Evaluation
    probe: float | None
    """Accuracy of a linear probe on the codes, if there are labels."""
    seconds: float
    """Time to fit it, and to code the held-out rows once."""

    @property
    def title(self) -> str:
        """Name in tables and reports."""
        return TITLES[self.kind]


def measure_baselines(
    x: np.ndarray,
    held_out: np.ndarray,
    l0s: Sequence[int],
    *,
    width: int,
    kinds: str = USUAL,
    design: ProbeDesign | None = None,
    seed: int = 0,
) -> Iterator[Measured]:
    """Fit the baselines and measure them at each L0.

    Args:
        x: Training rows `(rows, features)` in the space of the loss (`SparseAutoencoder.scale`), in
            random order. Of more than 2²⁴ numbers the first are used. Gaps, which are NaN, are
            filled with the means of the columns.
        held_out: Held-out rows in the same space. Gaps are filled alike to be coded, and not
            measured.
        l0s: Numbers that code a row. One that a baseline cannot use is left out for it.
        width: Number of atoms; that of the codes to compare with.
        kinds: One of `KINDS`.
        design: How to probe the codes, with the labels of `x` and of `held_out`. It needs the extra
            `[insight]`.
        seed: Seed of the dictionary.
    """
    require_kinds(kinds)
    if kinds == NONE:
        return
    x = x[: max(2, MOST_NUMBERS // x.shape[1])]
    if design is not None:
        design = design.of_first(len(x))
    filled, x = fill_with_means(held_out, of=x), fill_with_means(x)
    measure = partial(_measure, x=x, held_out=held_out, filled=filled, design=design)
    began = time.perf_counter()
    pca = LargestScores.fit(x)
    seconds = time.perf_counter() - began
    for k in l0s:
        if k <= len(pca.components):
            yield measure("pca", pca, k, seconds=seconds)
    for k in l0s:
        if k <= min(width, *x.shape):
            began = time.perf_counter()
            dictionary = Dictionary.fit(x, width, k, seed)
            seconds = time.perf_counter() - began
            yield measure("omp", dictionary, k, seconds=seconds)
    if kinds == FULL:
        began = time.perf_counter()
        learned = LearnedDictionary.fit(x, width, seed)
        seconds = time.perf_counter() - began
        for k in l0s:
            if k <= min(learned.atoms.shape):
                yield measure("learned", learned, k, seconds=seconds)


def require_kinds(kinds: str) -> None:
    """Raise unless baselines are one of `KINDS` and, for all of them, scikit-learn is there.

    Raises:
        ModuleNotFoundError: Without the extra `[insight]`.
        ValueError: If `kinds` is something else.
    """
    if kinds not in KINDS:
        raise ValueError(
            f"Invalid value for argument `baselines`. Expected one of {', '.join(KINDS)}. "
            f"Received: baselines={kinds!r}"
        )
    if kinds == FULL:
        optional.require("scikit-learn", " for dictionary learning", "insight", module="sklearn")


def _measure(
    kind: str,
    baseline: Baseline,
    k: int,
    *,
    x: np.ndarray,
    held_out: np.ndarray,
    filled: np.ndarray,
    design: ProbeDesign | None,
    seconds: float,
) -> Measured:
    began = time.perf_counter()
    codes = baseline.encode(filled, k)
    seconds += time.perf_counter() - began
    decoded = baseline.decode(codes)
    density = functional.activation_density(codes, 0.0)
    explained = functional.explained_variance(held_out, decoded, "mean")
    evaluation = Evaluation(
        rows=len(held_out),
        units=codes.shape[1],
        reconstruction_mse=functional.reconstruction_mse(held_out, decoded, "mean"),
        explained_variance=explained,
        l0=float(density.sum()),
        dead_units=int((density == 0).sum()),
        mean_activation=float(codes.mean(dtype=np.float64)),
        explained_by_active=explained,
        explained_by_varying=explained,
    )
    accuracy = None
    if design is not None:
        accuracy = design.measure((baseline.encode(x, k), codes)).codes
    return Measured(kind, k, evaluation, accuracy, seconds)
