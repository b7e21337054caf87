"""Fuzz every file and argument that a bundle is read from."""
