"""Sparse autoencoders for Keras that end up on a device."""

import sys
from pathlib import Path

# Importing the package registers its classes with Keras, so that saved models load. Only our own
# command waits with that, so that `keras-sparse --help` answers before a backend is loaded.
if Path(sys.argv[0]).name not in ("keras-sparse", "keras-sparse.exe"):
    from keras_sparse import penalties as penalties
    from keras_sparse.autoencoder import SparseAutoencoder
    from keras_sparse.layers import ActivityPenalty
    from keras_sparse.regularizers import KL, L1, L2, ActivityRegularizer

__all__ = [
    "KL",
    "L1",
    "L2",
    "ActivityPenalty",
    "ActivityRegularizer",
    "SparseAutoencoder",
    "penalties",
]
