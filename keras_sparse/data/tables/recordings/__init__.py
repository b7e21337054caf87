"""Recordings of a signal, of which windows are the rows of a table."""

from keras_sparse.data.tables.recordings.reading import read_recordings, require_window

__all__ = ["read_recordings", "require_window"]
