"""`keras-sparse-export ort`: write an encoder in onnxruntime's own format."""

import argparse
from pathlib import Path

from keras_sparse_export.bundle.format import ENCODERS
from keras_sparse_export.variants.ort_format import MODEL, OPERATORS, write_ort


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command after the bundle."""
    add = parser.add_argument
    add("-o", "--output", type=Path, required=True, metavar="DIR", help="folder to write")
    add("--variant", choices=ENCODERS, default="float32", help="(default: %(default)s)")
    add("--overwrite", action="store_true", help="replace an existing folder of this command")


def ort(options: argparse.Namespace) -> None:
    """Convert, compare and write, whole or not at all."""
    output, variant = options.output, options.variant
    found = write_ort(options.bundle, output, variant=variant, overwrite=options.overwrite)
    print(f"Wrote {output / MODEL} and {output / OPERATORS}")
    print(
        f"{found.rows} rows, max |Δ| {found.max_abs_error:.2g} (allowed {found.tolerance:.2g}) "
        f"from {ENCODERS[variant]}"
    )
