"""Say which layers in decibels keep faint values that float32 rounds."""

import keras

from keras_sparse_export.convert.source import cut

LAYERS = ("MelSpectrogram", "keras_sparse>MelFrames")
FAINT = 60.0
"""Decibels below the largest value of a window: farther down, float32 rounds by 0.001 and more."""


def suggest_cut(model: keras.Model) -> str:
    """Return a remedy for models that differ between libraries, if faint values may be the cause.

    Args:
        model: An encoder.
    """
    for layer in cut.list_layers(model):
        if keras.saving.get_registered_name(type(layer)) not in LAYERS:
            continue
        options = layer.get_config()
        if options["power_to_db"] and (options["top_db"] is None or options["top_db"] > FAINT):
            return (
                f". Layer `{layer.name}` keeps values fainter than the largest by more than "
                f"{FAINT:g} dB, which float32 rounds. Remedy: "
                f"keras_sparse.front_ends.MelFrames(..., top_db={FAINT:g})"
            )
    return ""
