"""The `keras-sparse-export` command: what a device needs to do with a bundle."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

WRONG_CALL, FAILED, INTERRUPTED = 2, 1, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit status is 0, 1 for a failed job, 2 for a wrong call or bad input."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except KeyboardInterrupt:
        print("keras-sparse-export: interrupted", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        if options.debug:
            raise
        print(f"keras-sparse-export: {' '.join(str(error).split())}", file=sys.stderr)
        if type(error).__name__ in ("VerificationError", "ParityError"):
            return FAILED
        bad_input = (ValueError, FileExistsError, FileNotFoundError)
        return WRONG_CALL if isinstance(error, bad_input) else FAILED
    return 0


def _encode(options: argparse.Namespace) -> None:
    import numpy as np

    from keras_sparse_export.encoder import Encoder

    if options.output.suffix != ".npy":
        raise ValueError(
            f"Invalid value for argument `--output`. Expected a file ending in .npy. Received: "
            f"{options.output}"
        )
    if options.output.exists() and not options.overwrite:
        raise FileExistsError(
            f"Invalid value for argument `--output`. Expected a new file. Received: "
            f"{options.output}, which exists. Remedy: --overwrite"
        )
    encoder = Encoder(options.bundle, threads=options.threads)
    rows = _shaped(_read(options.data, options.key, options.drop), encoder.input_shape)
    codes = encoder.encode(rows)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    staging = options.output.with_name(f".{options.output.name}.keras-sparse-new")
    try:
        with staging.open("wb") as stream:
            np.save(stream, codes)
        staging.replace(options.output)
    finally:
        staging.unlink(missing_ok=True)
    print(f"Wrote {options.output}: {codes.shape[0]} rows of {codes.shape[1:]}")


def _read(path: Path, key: str | None, drop: Sequence[str]) -> "np.ndarray":
    """Rows of `.npy`, `.npz` (array `key`) or `.csv` (with or without a header, less columns)."""
    import zipfile

    import numpy as np

    if not path.is_file():
        raise FileNotFoundError(f"Expected a file of data. Received: {path}, which does not exist")
    try:
        if path.suffix == ".npy":
            return np.load(path, mmap_mode="r", allow_pickle=False)
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                names = list(arrays)
                wanted = names if len(names) == 1 else ("x", "x_train")
                found = [name for name in ((key,) if key else wanted) if name in names]
                if not found:
                    raise ValueError(f"{', '.join(names)}. Remedy: --key with one of these")
                return arrays[found[0]]
        if path.suffix == ".csv":
            return _read_csv(path, drop)
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"Expected rows of numbers in {path}. Received: {error}") from error
    raise ValueError(f"Expected a file ending in .npy, .npz or .csv. Received: {path.name}")


def _read_csv(path: Path, drop: Sequence[str]) -> "np.ndarray":
    import csv

    import numpy as np

    with path.open(newline="", encoding="utf-8-sig") as stream:
        lines = [line for line in csv.reader(stream) if line]
    header = lines.pop(0) if lines and not all(map(_is_number, lines[0])) else []
    if not lines:
        raise ValueError("no rows")
    unknown = [name for name in drop if name not in header]
    if unknown:
        raise ValueError(f"columns {', '.join(header) or 'without names'}, no {unknown[0]}")
    kept = [
        column
        for column in range(len(lines[0]))
        if column >= len(header) or header[column] not in drop
    ]
    values = np.empty((len(lines), len(kept)))
    for row, line in enumerate(lines):
        if len(line) != len(lines[0]):
            raise ValueError(f"row {row} of another length than row 0")
        for place, column in enumerate(kept):
            if not _is_number(line[column]):
                name = header[column] if header else column
                raise ValueError(f"{line[column][:40]!r} (row {row}) in column {name}")
            values[row, place] = float(line[column])
    return values


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def _shaped(rows: "np.ndarray", shape: tuple[int, ...]) -> "np.ndarray":
    """Rows of images for an encoder of flat rows, and the other way."""
    import math

    fits = rows.shape[1:] != shape and math.prod(rows.shape[1:]) == math.prod(shape)
    return rows.reshape(len(rows), *shape) if fits and rows.ndim > 1 else rows


def _verify(options: argparse.Namespace) -> None:
    from keras_sparse_export.encoder import Encoder

    found = Encoder(options.bundle).verify()
    print(f"{options.bundle}: {found.files} files as in the manifest")
    for name, parity in (
        ("encoder", found.parity),
        ("decoder", found.decoder_parity),
        ("int8", found.int8_parity),
    ):
        if parity is not None:
            print(
                f"{name}: {parity.rows} golden rows ({found.golden}), max |Δ| "
                f"{parity.max_abs_error:.2g} (allowed {parity.tolerance:.2g})"
            )
    if found.parity is None:
        print("no golden rows: the answers were not checked")


def _quantize(options: argparse.Namespace) -> None:
    import json

    from keras_sparse_export import bundle, quantize

    shape = tuple(bundle.read_manifest(options.bundle)["input"]["shape"])
    rows = _shaped(_read(options.calibration, options.key, options.drop), shape)
    labels = _read(options.labels, options.label_key, []) if options.labels else None
    if labels is not None and labels.shape[1:] == (1,):  # one column of a .csv
        labels = labels[:, 0]
    verdict = quantize.quantize_bundle(options.bundle, rows, labels=labels, mode=options.mode)
    print(json.dumps(verdict, indent=2) if options.json else quantize.table(verdict))


def _info(options: argparse.Namespace) -> None:
    from keras_sparse_export.encoder import Encoder

    encoder = Encoder(options.bundle)
    lines: dict[str, Any] = {"input": encoder.input_shape, "code": encoder.code_shape}
    if (manifest := encoder.manifest) is not None:
        parity, statistics = manifest["parity"]["encoder"], manifest["statistics"]
        lines |= {
            "active above": f"{manifest['threshold']:g}",
            "onnxruntime": f"{manifest['min_onnxruntime']} or newer (opset {manifest['opset']})",
            "parity": f"max |Δ| {parity['max_abs_error']:.2g} on {parity['rows']} rows "
            f"(allowed {parity['tolerance']:.2g})",
            "golden rows": manifest["golden"]["kind"],
            "written by": ", ".join(f"{k} {v}" for k, v in manifest["versions"].items()),
            "files": ", ".join(
                f"{name} ({entry['size']} B)" for name, entry in manifest["files"].items()
            ),
        }
        if (int8 := manifest["int8"]) is not None:
            from keras_sparse_export.quantize import sentence

            lines["int8"] = sentence(int8)
        if statistics is not None:
            lines["statistics"] = (
                f"L0 {statistics['l0']:.1f}, {statistics['dead_units']} dead, on "
                f"{statistics['rows']} rows"
            )
    width = max(map(len, lines))
    print("\n".join(f"{name.ljust(width)}  {value}" for name, value in lines.items()))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="keras-sparse-export", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    encode = _command(commands, "encode", _encode, "codes of a file of rows")
    encode.add_argument("data", type=Path, metavar="DATA", help=".npy, .npz or .csv")
    encode.add_argument("-o", "--output", type=Path, required=True, metavar="CODES.npy")
    encode.add_argument("--key", metavar="NAME", help="array of an .npz that holds the rows")
    encode.add_argument(
        "--drop",
        metavar="COLUMN",
        action="append",
        default=[],
        help="column of a .csv to leave out",
    )
    encode.add_argument("--threads", type=int, default=1)
    encode.add_argument("--overwrite", action="store_true", help="replace what is there")

    _command(commands, "verify", _verify, "compare files with hashes, answers with golden rows")
    _command(commands, "info", _info, "what a bundle holds")

    quantize = _command(commands, "quantize", _quantize, "add the encoder in int8, if it pays")
    quantize.add_argument(
        "--calibration",
        type=Path,
        required=True,
        metavar="DATA",
        help="rows to calibrate on and to judge by: .npy, .npz or .csv",
    )
    quantize.add_argument("--key", metavar="NAME", help="array of an .npz that holds the rows")
    quantize.add_argument(
        "--drop",
        metavar="COLUMN",
        action="append",
        default=[],
        help="column of a .csv to leave out",
    )
    quantize.add_argument(
        "--labels", type=Path, metavar="FILE", help="a class of each row, for a probe"
    )
    quantize.add_argument(
        "--label-key", metavar="NAME", help="array of an .npz that holds the labels"
    )
    quantize.add_argument(
        "--mode",
        choices=("auto", "int8"),
        default="auto",
        help="auto decides, int8 demands it (default: %(default)s)",
    )
    quantize.add_argument("--json", action="store_true", help="print the manifest's `int8`")
    return parser


def _command(
    commands: Any, name: str, run: Callable[[argparse.Namespace], None], summary: str
) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=summary, description=summary)
    command.set_defaults(run=run)
    command.add_argument("bundle", type=Path, metavar="BUNDLE")
    command.add_argument("--debug", action="store_true", help="show tracebacks")
    return command


if __name__ == "__main__":
    sys.exit(main())
