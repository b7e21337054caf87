"""Sparsity penalties: formulas, regularizers, the penalty layer and the table of families."""

from keras_sparse.sparsity.families import register
from keras_sparse.sparsity.family import Family, Parameter

__all__ = ["Family", "Parameter", "register"]
