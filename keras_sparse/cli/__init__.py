"""The `keras-sparse` command."""
