"""Build ONNX graphs from Keras layers."""
