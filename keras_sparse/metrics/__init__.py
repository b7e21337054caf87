"""Each measure once, as a function and as a Keras metric; the diagnosis of codes.

The functions, for whole arrays, are in `keras_sparse.metrics.functional`.
"""

from keras_sparse.metrics.codes import L0, ActivationDensity, DeadFraction, Hoyer, MeanActivation
from keras_sparse.metrics.reconstruction import ExplainedVariance, ReconstructionMSE

__all__ = [
    "L0",
    "ActivationDensity",
    "DeadFraction",
    "ExplainedVariance",
    "Hoyer",
    "MeanActivation",
    "ReconstructionMSE",
]
