"""Devices that share a batch, hosts that share a model."""

from keras_sparse.distribution.hosts import connect

__all__ = ["connect"]
