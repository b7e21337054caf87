"""Score many rows by an autoencoder and by all that it is compared with."""

from typing import Any

import numpy as np

from keras_sparse.data.arrays import CHUNK, as_dense
from keras_sparse.data.missing import fill_with_means
from keras_sparse.data.sparse_rows import take
from keras_sparse.evaluation.baselines import MOST_NUMBERS
from keras_sparse.evaluation.detection.references import Pattern, fit_references
from keras_sparse.metrics import functional
from keras_sparse.models.sparse_autoencoder import SparseAutoencoder

SCORE, PATTERN = "Score of the autoencoder", "Its active units"
LARGEST = 1e30
"""A number beyond it counts as this one: the forest computes in float32."""


class Scorers:
    """The score of a model, and what it is compared with, fitted on training rows.

    Args:
        model: The model.
        seen: Rows that it was trained on, in random order. Of more than 2²⁴ numbers the first are
            used.
        l0: Mean number of active units.
        seed: Seed of the forest.
    """

    def __init__(self, model: SparseAutoencoder, seen: np.ndarray, l0: float, seed: int) -> None:
        self._model = model
        seen = seen[: max(2, MOST_NUMBERS // seen.shape[1])]
        scaled = self._scale(seen)
        self._means = fill_with_means(np.full((1, scaled.shape[1]), np.nan), of=scaled)
        self._references = fit_references(
            self._fill(scaled), l0, float(model.score(seen).mean()), seed
        )
        self._pattern = Pattern.fit(self._find_active(seen))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the scores; the first is that of the model."""
        return (SCORE, PATTERN, *self._references)

    def score(self, rows: Any, chosen: np.ndarray) -> np.ndarray:
        """Score some of many rows, of which a part is in memory at a time.

        Args:
            rows: Raw rows, in memory, on disk or sparse.
            chosen: Their indices.

        Returns:
            `(chosen rows, scores)`, in the order of `names`.
        """
        widest = max(rows.shape[1], self._means.shape[1], self._model.encoder.output_shape[-1])
        step = max(1, CHUNK // widest)
        parts = (chosen[start : start + step] for start in range(0, len(chosen), step))
        return np.concatenate([self._score(as_dense(take(rows, part), "x")) for part in parts])

    def _score(self, x: np.ndarray) -> np.ndarray:
        filled = self._fill(self._scale(x))
        scores = [
            self._model.score(x),
            self._pattern.score(self._find_active(x)),
            *(score(filled) for score in self._references.values()),
        ]
        # What overflows is as unlike other rows as can be.
        return np.nan_to_num(np.stack(scores, axis=1), nan=LARGEST**2, posinf=LARGEST**2)

    def _scale(self, x: np.ndarray) -> np.ndarray:
        scaled = self._model.scale(self._model.features(x)).reshape(len(x), -1)
        return np.clip(scaled, -LARGEST, LARGEST)

    def _fill(self, scaled: np.ndarray) -> np.ndarray:
        return np.where(np.isnan(scaled), self._means, scaled)

    def _find_active(self, x: np.ndarray) -> np.ndarray:
        active = functional.is_active(self._model.encode(x), self._model.threshold)
        flat: np.ndarray = active.reshape(len(x), -1)
        return flat
