"""Read rows and write codes: NumPy arrays, CSV, JSON lines."""
