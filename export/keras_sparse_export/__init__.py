"""Sparse encoders as verified ONNX bundles, run with numpy and onnxruntime alone."""

from typing import TYPE_CHECKING, Any

from keras_sparse_export.drift.alarms.verdicts import Verdict
from keras_sparse_export.drift.alarms.votes import measure_vote, vote
from keras_sparse_export.drift.score import Drift
from keras_sparse_export.errors import BundleError, VerificationError
from keras_sparse_export.runtime.encoder import Encoder
from keras_sparse_export.runtime.sparse_codes import SparseCodes, TopK
from keras_sparse_export.runtime.verification import Verification
from keras_sparse_export.signals.windows import Windows

if TYPE_CHECKING:
    from keras_sparse_export.convert.export import export_encoder

__all__ = [
    "BundleError",
    "Drift",
    "Encoder",
    "SparseCodes",
    "TopK",
    "Verdict",
    "Verification",
    "VerificationError",
    "Windows",
    "export_encoder",
    "measure_vote",
    "vote",
]


def __getattr__(name: str) -> Any:
    # Load the training stack only for a conversion, never on a device.
    if name != "export_encoder":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from keras_sparse_export.convert.export import export_encoder
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"Expected the package `{error.name}`, which writes bundles. Received: an environment "
            'without it. Remedy: pip install "keras-sparse-export[convert]" keras',
            name=error.name,
        ) from error
    return export_encoder
