"""Turn whatever `fit` accepts into equally sized batches."""
