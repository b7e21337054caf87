"""Drift of rows from the sample of an export: score and calibration."""
