"""Compare another form of an encoder with its float32 original on held-out rows."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import onnxruntime as ort

from keras_sparse_export.runtime import parity
from keras_sparse_export.runtime.reconstruction import squared_errors
from keras_sparse_export.variants import agreement

GATE_ROWS = 64
"""Rows compared at batch sizes 1 and 2."""
ITERATIONS = 1000


@dataclass(frozen=True)
class Comparison:
    """Differences between the codes of another form and those of float32 on held-out rows."""

    jaccard: float
    """`|A ∩ B| / |A ∪ B|` of the active (row, unit) pairs, pooled over rows."""
    jaccard_per_row: float
    """The same per row, mean over rows."""
    top_k: int
    """k of `top_k_overlap`: the bundle's, or the rounded L0 of float32."""
    top_k_overlap: float
    """Fraction of a row's k codes of largest magnitude that both have in common, mean over
    rows."""
    l0_float32: float
    l0_variant: float
    cosine: float
    """Mean over rows."""
    max_abs_error: float
    mse_float32: float | None
    """Mean of `((x − x̂) / scale)²` of the reconstructions by the float32 decoder; `None` without a
    decoder."""
    mse_variant: float | None
    probe_float32: float | None
    """Accuracy on float32 codes of the held-out rows, for a logistic regression fitted on float32
    codes of the calibration rows; `None` without labels."""
    probe_variant: float | None
    """Accuracy of the same regression on the other codes."""
    file_bytes_float32: int
    file_bytes_variant: int
    weight_bytes_float32: int
    """Bytes of the weights that the other form makes smaller."""
    weight_bytes_variant: int

    def as_dict(self, form: str = "variant") -> dict[str, Any]:
        """Return the entry of a manifest, with keys such as `l0_int8` for the form `int8`."""
        return {key.replace("_variant", f"_{form}"): value for key, value in asdict(self).items()}


class Gate(NamedTuple):
    """Worst agreement over batch sizes, with onnxruntime's optimisations on and off."""

    jaccard: float
    """Pooled over rows; where codes jump, the mean of rows."""
    max_abs_error: float
    rows: int
    batch_sizes: list[int]


@dataclass(frozen=True)
class Reference:
    """The float32 encoder, and the rows on which other forms are compared with it."""

    onnx_bytes: bytes
    calibration: np.ndarray
    held_out: np.ndarray
    threshold: float
    top_k: int | None = None
    decoder: bytes | None = None
    signed: bool = True
    """As in `keras_sparse_export.io.activity.is_active`."""
    jumps: bool = False
    """Whether codes jump from zero."""
    shorter: Sequence[np.ndarray] = ()
    """Starts of held-out rows at other lengths, if the encoder takes shorter rows."""
    scale: np.ndarray = field(default_factory=lambda: np.ones(1))
    """Scale of each column in the loss, or one for all."""
    target: parity.Run | None = None
    """Computes of rows what the decoder reconstructs, if that is not the rows themselves."""
    scorer: bytes | None = None
    """The file of scores, if there is one."""
    labels: np.ndarray | None = None
    """Labels of calibration and held-out rows, which alternate."""

    def compare(self, variant: bytes, weight_bytes: tuple[int, int]) -> Comparison:
        """Compare another form with this one.

        Args:
            variant: The ONNX file of the other form.
            weight_bytes: Bytes of the weights that differ, in float32 and in the other form.
        """
        before, after = self._codes, self._flatten(_load(variant)(self.held_out))
        signed, threshold = self.signed, self.threshold
        sparsity = agreement.l0(before, threshold, signed=signed)
        k = self.top_k or min(max(round(sparsity), 1), before.shape[1])
        return Comparison(
            jaccard=agreement.pooled_jaccard(before, after, threshold, signed=signed),
            jaccard_per_row=agreement.mean_jaccard(before, after, threshold, signed=signed),
            top_k=k,
            top_k_overlap=agreement.top_k_overlap(before, after, k, signed=signed),
            l0_float32=sparsity,
            l0_variant=agreement.l0(after, threshold, signed=signed),
            cosine=agreement.cosine(before, after),
            max_abs_error=parity.max_abs_error(before, after),
            mse_float32=self._mse(self.onnx_bytes),
            mse_variant=self._mse(variant),
            probe_float32=self._probe_accuracy(before),
            probe_variant=self._probe_accuracy(after),
            file_bytes_float32=len(self.onnx_bytes),
            file_bytes_variant=len(variant),
            weight_bytes_float32=weight_bytes[0],
            weight_bytes_variant=weight_bytes[1],
        )

    def gate(self, variant: bytes) -> Gate:
        """Run another form with optimisations off and on, at batch 1, 2 and all rows.

        Shorter rows are run all at once.
        """
        levels = ort.GraphOptimizationLevel
        sizes = [*parity.GATE_BATCHES, len(self.held_out)]
        results = []
        for level in (levels.ORT_DISABLE_ALL, levels.ORT_ENABLE_ALL):
            run = parity.load_first_output(variant, level)
            for size in sizes:
                rows = self.held_out[: max(GATE_ROWS, size)]
                batches = np.split(rows, range(size, len(rows), size))
                after = np.concatenate([run(batch) for batch in batches])
                results.append(self._measure(self._codes, after))
            for rows in self.shorter:
                results.append(
                    self._measure(self._flatten(_load(self.onnx_bytes)(rows)), run(rows))
                )
        jaccards, errors = zip(*results, strict=True)
        return Gate(min(jaccards), max(errors), len(self.held_out), sizes)

    def _measure(self, before: np.ndarray, after: np.ndarray) -> tuple[float, float]:
        """Return the agreement with the first of some codes, and the largest difference."""
        after = self._flatten(after)
        before = before[: len(after)]
        measure = agreement.mean_jaccard if self.jumps else agreement.pooled_jaccard
        jaccard = measure(before, after, self.threshold, signed=self.signed)
        return jaccard, parity.max_abs_error(before, after)

    @property
    def variance(self) -> float:
        """Mean variance of the columns of the held-out rows, in the space of the loss."""
        return float(np.nanvar(self._targets.astype(np.float64) / self.scale, axis=0).mean())

    @cached_property
    def _targets(self) -> np.ndarray:
        return self.held_out if self.target is None else self.target(self.held_out)

    @cached_property
    def _codes(self) -> np.ndarray:
        return self._flatten(_load(self.onnx_bytes)(self.held_out))

    def _flatten(self, codes: np.ndarray) -> np.ndarray:
        """Reshape codes to (rows, units); positions of a code become rows."""
        return codes.reshape(-1, codes.shape[-1])

    def _mse(self, encoder: bytes) -> float | None:
        if self.decoder is None:
            return None
        rows = _load(self.decoder)(_load(encoder)(self.held_out))
        return float(np.nanmean(squared_errors(self._targets, rows, self.scale)))

    def _probe_accuracy(self, codes: np.ndarray) -> float | None:
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
        codes = _load(self.onnx_bytes)(self.calibration).reshape(len(self.calibration), -1)
        probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=ITERATIONS))
        return probe.fit(codes, self.labels[::2])


def _load(onnx_bytes: bytes) -> parity.Run:
    return parity.load_first_output(onnx_bytes, ort.GraphOptimizationLevel.ORT_ENABLE_ALL)
