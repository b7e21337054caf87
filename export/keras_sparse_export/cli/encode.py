"""`keras-sparse-export encode`: encode rows from a file or standard input."""

import argparse

from keras_sparse_export.bundle.format import ENCODERS
from keras_sparse_export.cli import conversion, inputs
from keras_sparse_export.io import readers, writers
from keras_sparse_export.io.activity import require_threshold
from keras_sparse_export.runtime.encoder import Encoder
from keras_sparse_export.runtime.opening import RUNTIMES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command after the bundle."""
    inputs.add_arguments(parser)
    inputs.add_windows(parser)
    conversion.add_arguments(
        parser,
        "CODES",
        ".npy, .csv (dense), .npz (CSR), .jsonl (active units)",
    )
    add = parser.add_argument
    add(
        "--threshold",
        type=float,
        help="a unit is active if |code| exceeds it (default: the bundle's threshold)",
    )
    add(
        "--l0",
        type=float,
        help="a lower mean number of active units per row, for bundles with thresholds and their "
        "calibration",
    )
    add("--dense", action="store_true", help="write whole codes as JSON lines")
    add_runtime(parser)
    add("--variant", choices=tuple(ENCODERS), default="float32", help="(default: %(default)s)")


def add_runtime(parser: argparse.ArgumentParser) -> None:
    """Declare the option that chooses what runs the encoder."""
    parser.add_argument(
        "--runtime",
        choices=RUNTIMES,
        default=RUNTIMES[0],
        help="what runs the encoder (default: %(default)s)",
    )


def encode(options: argparse.Namespace) -> None:
    """Read, encode and write rows, chunk by chunk."""
    _require_options(options)
    inputs.check_columns(options, options.data)
    encoder = Encoder(
        options.bundle,
        variant=options.variant,
        runtime=options.runtime,
        l0=options.l0,
        threads=options.threads,
        allow=options.allow,
    )
    threshold = encoder.threshold if options.threshold is None else options.threshold
    form = inputs.get_form(encoder, options)
    if form.recordings is None:
        form = form._replace(inputs=readers.find_length(options.data, options.key, form.inputs))
    code_shape = encoder.find_code_shape(form.shape)
    chunks = inputs.read_chunks(
        options, options.data, form, options.batch_rows or encoder.chunk_rows
    )
    with writers.open_writer(
        options.output,
        code_shape,
        kind=options.to,
        threshold=threshold,
        signed=encoder.signed,
        dense=options.dense,
        label=form.label,
        overwrite=options.overwrite,
    ) as writer:
        convert = conversion.Conversion(encoder.encode, code_shape, form)
        rows = convert.run(options, chunks, writer)
    if options.output != "-":
        print(f"Wrote {options.output}: {rows} rows of {code_shape}")


def _require_options(options: argparse.Namespace) -> None:
    """Validate the options before anything is read or loaded."""
    kind = writers.infer_kind(options.output, options.to)
    conversion.require_options(options)
    if kind == "npz" and options.on_bad == "nan":
        raise ValueError(
            "Invalid value for argument `--on-bad`. Expected raise or skip with CSR, which cannot "
            "mark the code of a bad row. Received: nan. Remedy: --on-bad skip to leave bad rows "
            "out, or an output of .npy"
        )
    dense = options.dense or kind in ("npy", "csv")
    if dense and options.threshold is not None:
        raise ValueError(
            "Invalid value for argument `--threshold`. Expected it only for formats of active "
            f"units, .npz and .jsonl. Received: {options.threshold:g}, for whole codes"
        )
    if options.threshold is not None:
        require_threshold(options.threshold, "--threshold")
    if kind != "jsonl" and options.dense:
        raise ValueError(
            "Invalid value for argument `--dense`. Expected it only with JSON lines: .npy and .csv "
            f"are always dense, .npz never. Received: {kind}"
        )
