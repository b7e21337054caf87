"""Export Keras models that users bring, by `export_encoder` and by Keras' own export."""
