"""The part of a Keras model to convert, cut out and copied for inference."""
