"""What defaults come to on real tables, beside a PCA and dictionary learning at the same L0."""

from quality.defaults.command import main

__all__ = ["main"]
