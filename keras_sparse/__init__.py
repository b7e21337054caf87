"""Sparse autoencoders for Keras that end up on a device."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

# Importing the package registers its classes with Keras, so that saved models load. Only our own
# command waits with that, so that `keras-sparse --help` answers before a backend is loaded.
if Path(sys.argv[0]).name not in ("keras-sparse", "keras-sparse.exe"):
    try:
        import keras as keras
    except ModuleNotFoundError as error:
        if error.name not in ("tensorflow", "jax", "torch"):
            raise
        raise ModuleNotFoundError(
            f"Expected the package `{error.name}`, the backend that Keras selects. Received: an "
            f'environment without it. Remedy: pip install "keras-sparse[{error.name}]", or set '
            "KERAS_BACKEND to the one that is installed before Keras is imported",
            name=error.name,
        ) from error
    from keras_sparse import measures as measures
    from keras_sparse import metrics as metrics
    from keras_sparse import penalties as penalties
    from keras_sparse.autoencoder import SparseAutoencoder
    from keras_sparse.callbacks import PenaltySchedule, ReviveDeadUnits
    from keras_sparse.layers import ActivityPenalty
    from keras_sparse.monitor import SparsityMonitor
    from keras_sparse.regularizers import KL, L1, L2, ActivityRegularizer
    from keras_sparse.resume import Checkpoint
    from keras_sparse.shards import Shards

if TYPE_CHECKING:
    from keras_sparse.transformer import SparseAutoencoderTransformer
else:

    def __getattr__(name: str) -> Any:
        # Only this name needs scikit-learn, which nobody else should have to install or load.
        if name == "SparseAutoencoderTransformer":
            from keras_sparse.transformer import SparseAutoencoderTransformer

            return SparseAutoencoderTransformer
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "KL",
    "L1",
    "L2",
    "ActivityPenalty",
    "ActivityRegularizer",
    "Checkpoint",
    "PenaltySchedule",
    "ReviveDeadUnits",
    "Shards",
    "SparseAutoencoder",
    "SparseAutoencoderTransformer",
    "SparsityMonitor",
    "measures",
    "metrics",
    "penalties",
]
