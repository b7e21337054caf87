"""Evaluate codes on held-out rows: measures and linear probes."""

from keras_sparse.evaluation.held_out import evaluate
from keras_sparse.evaluation.probes import probe
from keras_sparse.evaluation.random_encoder import RandomEncoder

__all__ = ["RandomEncoder", "evaluate", "probe"]
