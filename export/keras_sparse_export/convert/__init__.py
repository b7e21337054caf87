"""Convert a Keras encoder to ONNX and write a verified bundle. Loads Keras and onnx."""
