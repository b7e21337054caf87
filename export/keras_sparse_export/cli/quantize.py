"""`keras-sparse-export quantize`: add an encoder in int8 or float16 to a bundle."""

import argparse
import json

import numpy as np

from keras_sparse_export.cli import inputs
from keras_sparse_export.io import readers
from keras_sparse_export.variants import decision
from keras_sparse_export.variants.report import format_float16, format_table
from keras_sparse_export.variants.rows import MAX_ROWS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command after the bundle."""
    inputs.add_arguments(parser, "--calibration")
    add = parser.add_argument
    add("--labels", metavar="FILE", help="class of each row, for a probe: .npy, .npz or .csv")
    add("--label-key", metavar="NAME", help="array of an .npz with the labels")
    add(
        "--mode",
        choices=decision.MODES,
        default="auto",
        help="auto keeps int8 if it is worth it, int8 always; float16 adds the encoder with its "
        "weights in float16, half the bytes (default: %(default)s)",
    )
    add("--json", action="store_true", help="print the entry of the manifest as JSON")


def quantize(options: argparse.Namespace) -> None:
    """Quantize the encoder, compare, decide, and print the report."""
    form = inputs.read_form(options)
    source = options.calibration
    rows = [
        np.zeros((0, *form.shape)),
        *(batch.rows for batch in inputs.read_batches(options, source, form, MAX_ROWS)),
    ]
    labels = None if options.labels is None else _read_labels(options)
    verdict = decision.quantize_bundle(
        options.bundle, np.concatenate(rows), labels=labels, mode=options.mode
    )
    format_report = format_float16 if options.mode == "float16" else format_table
    print(json.dumps(verdict, indent=2) if options.json else format_report(verdict))


def _read_labels(options: argparse.Namespace) -> np.ndarray:
    """Read a class for each row, as a number."""
    labels = [np.zeros((0, 1))]
    for chunk in readers.read(options.labels, (1,), key=options.label_key):
        if chunk.faults:
            place, fault = min(chunk.faults.items())
            raise ValueError(
                f"Expected a class, a number, for each row in {options.labels}. Received: {fault} "
                f"(row {chunk.first + place})"
            )
        labels.append(chunk.rows)
    return np.concatenate(labels)[:, 0]
