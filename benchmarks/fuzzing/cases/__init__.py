"""Mutate files, graphs, manifests, rows and data files."""
