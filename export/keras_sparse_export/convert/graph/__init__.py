"""The ONNX graph of an encoder: one canonical form, and fewer units."""
