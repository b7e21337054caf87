"""The `keras-sparse-export` command."""
