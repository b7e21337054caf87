"""The encoder as a .tflite file, opened in LiteRT."""
