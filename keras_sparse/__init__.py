"""Sparse autoencoders for Keras that end up on a device.

Importing the package loads Keras and registers the package's classes with it, so that
`keras.saving.load_model` finds them.
"""

from typing import TYPE_CHECKING, Any

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
from keras_sparse import metrics
from keras_sparse.callbacks.calibrate import Calibrate
from keras_sparse.callbacks.penalty_schedule import PenaltySchedule
from keras_sparse.callbacks.revive_dead_units import ReviveDeadUnits
from keras_sparse.callbacks.sparsity_monitor import SparsityMonitor
from keras_sparse.data.shards import Shards
from keras_sparse.metrics import functional as measures
from keras_sparse.models import front_ends
from keras_sparse.models.sparse_autoencoder import SparseAutoencoder
from keras_sparse.sparsity import penalties
from keras_sparse.sparsity.activity_penalty import ActivityPenalty
from keras_sparse.sparsity.by_count.batch_topk import BatchTopK
from keras_sparse.sparsity.by_count.jump_relu import JumpReLU
from keras_sparse.sparsity.by_count.matryoshka import Matryoshka
from keras_sparse.sparsity.by_count.refined_code import RefinedCode
from keras_sparse.sparsity.by_count.tied_decoder import TiedDecoder
from keras_sparse.sparsity.by_count.topk import TopK
from keras_sparse.sparsity.regularizers import KL, L1, L2, ActivityRegularizer
from keras_sparse.training.checkpoint.callback import Checkpoint

if TYPE_CHECKING:
    from keras_sparse.models.transformer import SparseAutoencoderTransformer
else:

    def __getattr__(name: str) -> Any:
        # Only this name needs scikit-learn, which other users need not install or load.
        if name == "SparseAutoencoderTransformer":
            from keras_sparse.models.transformer import SparseAutoencoderTransformer

            return SparseAutoencoderTransformer
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "KL",
    "L1",
    "L2",
    "ActivityPenalty",
    "ActivityRegularizer",
    "BatchTopK",
    "Calibrate",
    "Checkpoint",
    "JumpReLU",
    "Matryoshka",
    "PenaltySchedule",
    "RefinedCode",
    "ReviveDeadUnits",
    "Shards",
    "SparseAutoencoder",
    "SparseAutoencoderTransformer",
    "SparsityMonitor",
    "TiedDecoder",
    "TopK",
    "front_ends",
    "measures",
    "metrics",
    "penalties",
]
