"""`keras-sparse-export quantize`: the encoder in int8, beside the other in its bundle."""

import argparse
import json

import numpy as np

from keras_sparse_export import quantize as int8
from keras_sparse_export import readers, sources
from keras_sparse_export.manifest import read_manifest


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes beside the bundle."""
    sources.add_arguments(parser, "--calibration")
    add = parser.add_argument
    add("--labels", metavar="FILE", help="a class of each row, for a probe: .npy, .npz or .csv")
    add("--label-key", metavar="NAME", help="array of an .npz that holds the labels")
    add(
        "--mode",
        choices=int8.MODES,
        default="auto",
        help="auto decides, int8 demands it (default: %(default)s)",
    )
    add("--json", action="store_true", help="print the manifest's `int8`")


def quantize(options: argparse.Namespace) -> None:
    """Quantize, compare, decide, and print the report."""
    shape = tuple(read_manifest(options.bundle)["input"]["shape"])
    rows = [
        np.zeros((0, *shape)),
        *sources.batches(options, options.calibration, shape, int8.MAX_ROWS),
    ]
    labels = None if options.labels is None else _labels(options)
    verdict = int8.quantize_bundle(
        options.bundle, np.concatenate(rows), labels=labels, mode=options.mode
    )
    print(json.dumps(verdict, indent=2) if options.json else int8.table(verdict))


def _labels(options: argparse.Namespace) -> np.ndarray:
    """A number for each row."""
    chunks = readers.read(options.labels, (1,), key=options.label_key)
    found = [np.zeros((0, 1))]
    for chunk in chunks:
        if chunk.faults:
            place, fault = min(chunk.faults.items())
            raise ValueError(
                f"Expected a class, a number, for each row in {options.labels}. Received: {fault} "
                f"(row {chunk.first + place})"
            )
        found.append(chunk.rows)
    return np.concatenate(found)[:, 0]
