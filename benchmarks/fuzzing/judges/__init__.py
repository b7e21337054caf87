"""Judge the outcome of a case."""
