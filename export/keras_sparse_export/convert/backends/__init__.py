"""Converters that come with a backend of Keras."""
