"""Activations that leave a requested number of units active, by count instead of by a penalty."""
