"""What int8 changes: an encoder in int8 beside the same in float32, on rows held out."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import onnxruntime as ort

from keras_sparse_export import agreement, fidelity

GATE_ROWS = 64
"""Rows that are tried at batch 1 and 2."""
ITERATIONS = 1000


@dataclass(frozen=True)
class Comparison:
    """What int8 changes on held-out rows."""

    jaccard: float
    """`|A ∩ B| / |A ∪ B|` of the active (row, unit) pairs, all rows pooled."""
    jaccard_per_row: float
    """The same of every row, mean over rows."""
    top_k: int
    """k of the next: the bundle's, or L0 of float32, rounded."""
    top_k_overlap: float
    """Share of the k largest codes of a row that both name, mean over rows."""
    l0_float32: float
    l0_int8: float
    cosine: float
    """Mean over rows."""
    max_abs_error: float
    mse_float32: float | None
    """Of the reconstructions by the float32 decoder; `None` without one."""
    mse_int8: float | None
    probe_float32: float | None
    """Accuracy on float32 codes of the held-out rows, of a logistic regression that was fitted on
    those of the calibration rows; `None` without labels."""
    probe_int8: float | None
    """Accuracy of the same regression on int8 codes."""
    file_bytes_float32: int
    file_bytes_int8: int
    weight_bytes_float32: int
    """Of the matrices that int8 shrinks."""
    weight_bytes_int8: int


class Gate(NamedTuple):
    """The worst of both levels of onnxruntime's optimisations and of all batch sizes."""

    jaccard: float
    """Pooled over rows."""
    max_abs_error: float
    rows: int
    batch_sizes: list[int]


@dataclass(frozen=True)
class Reference:
    """The encoder in float32 and the rows on which others are held to it."""

    onnx_bytes: bytes
    calibration: np.ndarray
    held_out: np.ndarray
    threshold: float
    weight_bytes: int
    top_k: int | None = None
    decoder: bytes | None = None
    labels: np.ndarray | None = None
    """Of the calibration rows and the held-out rows in turn, as they were in one array."""

    def compare(self, int8: bytes, weight_bytes: int) -> Comparison:
        """Compare an encoder in int8 with this one."""
        before, after = self._codes, self._units(_run(int8)(self.held_out))
        sparsity = agreement.l0(before, self.threshold)
        k = self.top_k or min(max(round(sparsity), 1), before.shape[1])
        return Comparison(
            jaccard=agreement.pooled_jaccard(before, after, self.threshold),
            jaccard_per_row=agreement.mean_jaccard(before, after, self.threshold),
            top_k=k,
            top_k_overlap=agreement.top_k_overlap(before, after, k),
            l0_float32=sparsity,
            l0_int8=agreement.l0(after, self.threshold),
            cosine=agreement.cosine(before, after),
            max_abs_error=fidelity.max_abs_error(before, after),
            mse_float32=self._mse(self.onnx_bytes),
            mse_int8=self._mse(int8),
            probe_float32=self._probed(before),
            probe_int8=self._probed(after),
            file_bytes_float32=len(self.onnx_bytes),
            file_bytes_int8=len(int8),
            weight_bytes_float32=self.weight_bytes,
            weight_bytes_int8=weight_bytes,
        )

    def gate(self, int8: bytes) -> Gate:
        """Run an encoder in int8 with and without optimisations, at batch 1, 2 and all rows."""
        levels = ort.GraphOptimizationLevel
        sizes = [*fidelity.GATE_BATCHES, len(self.held_out)]
        found = []
        for level in (levels.ORT_DISABLE_ALL, levels.ORT_ENABLE_ALL):
            run = fidelity.session_run(int8, level)
            for size in sizes:
                rows = self.held_out[: max(GATE_ROWS, size)]
                batches = np.split(rows, range(size, len(rows), size))
                after = self._units(np.concatenate([run(batch) for batch in batches]))
                before = self._codes[: len(after)]
                jaccard = agreement.pooled_jaccard(before, after, self.threshold)
                found.append((jaccard, fidelity.max_abs_error(before, after)))
        jaccards, errors = zip(*found, strict=True)
        return Gate(min(jaccards), max(errors), len(self.held_out), sizes)

    @cached_property
    def _codes(self) -> np.ndarray:
        return self._units(_run(self.onnx_bytes)(self.held_out))

    def _units(self, codes: np.ndarray) -> np.ndarray:
        """Codes as (rows, units); where a code has further axes, its places are rows."""
        return codes.reshape(-1, codes.shape[-1])

    def _mse(self, encoder: bytes) -> float | None:
        if self.decoder is None:
            return None
        rows = _run(self.decoder)(_run(encoder)(self.held_out))
        return agreement.mean_squared_error(rows, self.held_out)

    def _probed(self, codes: np.ndarray) -> float | None:
        if self.labels is None:
            return None
        probe = self._probe
        return float(probe.score(codes.reshape(len(self.held_out), -1), self.labels[1::2]))

    @cached_property
    def _probe(self) -> Any:
        try:
            from sklearn.linear_model import LogisticRegression
            from sklearn.pipeline import make_pipeline
            from sklearn.preprocessing import StandardScaler
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                "Expected the package `scikit-learn` for the probe on labels. Received: an "
                'environment without it. Remedy: pip install "keras-sparse-export[probe]"',
                name="sklearn",
            ) from error
        assert self.labels is not None
        codes = _run(self.onnx_bytes)(self.calibration).reshape(len(self.calibration), -1)
        probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=ITERATIONS))
        return probe.fit(codes, self.labels[::2])


def _run(onnx_bytes: bytes) -> fidelity.Run:
    return fidelity.session_run(onnx_bytes, ort.GraphOptimizationLevel.ORT_ENABLE_ALL)
