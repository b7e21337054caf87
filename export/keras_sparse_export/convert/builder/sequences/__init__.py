"""Emit the nodes of layers that compute over the steps of a sequence."""
