"""All families beside torch references, a PCA and OMP, at the same L0."""

from quality.frontier.command import main

__all__ = ["main"]
