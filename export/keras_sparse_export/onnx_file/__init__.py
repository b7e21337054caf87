"""Parse, bound and open untrusted ONNX files."""
