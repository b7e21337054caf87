"""Sparse encoders as verified ONNX bundles, run with numpy and onnxruntime alone."""

from typing import TYPE_CHECKING, Any

from keras_sparse_export.bundle import BundleError, VerificationError
from keras_sparse_export.drift import Drift
from keras_sparse_export.encoder import Encoder
from keras_sparse_export.sparse import SparseCodes, TopK
from keras_sparse_export.verification import Verification

if TYPE_CHECKING:
    from keras_sparse_export.convert import export_encoder

__all__ = [
    "BundleError",
    "Drift",
    "Encoder",
    "SparseCodes",
    "TopK",
    "Verification",
    "VerificationError",
    "export_encoder",
]


def __getattr__(name: str) -> Any:
    # The training stack is loaded only where a conversion is asked for, never on a device.
    if name != "export_encoder":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from keras_sparse_export.convert import export_encoder
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"Expected the package `{error.name}`, which writes bundles. Received: an environment "
            'without it. Remedy: pip install "keras-sparse-export[convert]" keras',
            name=error.name,
        ) from error
    return export_encoder
