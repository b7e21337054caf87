"""Run, verify and measure an encoder with numpy and onnxruntime alone."""
