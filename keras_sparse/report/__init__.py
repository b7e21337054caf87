"""The page about a run or a sweep, and its figures."""

from keras_sparse.report.write import write_frontier, write_report

__all__ = ["write_frontier", "write_report"]
