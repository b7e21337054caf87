"""`fit`: batches, compiled steps, the loss in its parts, checkpoints, failures."""

import os

from keras_sparse.training.checkpoint.callback import Interrupted
from keras_sparse.training.checkpoint.storage import CheckpointError
from keras_sparse.training.failures import TrainingError
from keras_sparse.utils.memory import keep_freed_memory

if os.environ.get("KERAS_SPARSE_KEEP_MEMORY") == "1":
    keep_freed_memory()

__all__ = ["CheckpointError", "Interrupted", "TrainingError", "keep_freed_memory"]
