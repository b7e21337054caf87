"""Figures of trainings, rows, units and sweeps.

Every function that draws returns a `matplotlib.figure.Figure`, to be saved or shown in a notebook.
"""
