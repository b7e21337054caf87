"""The `keras-sparse-export` command: what a device needs to do with a bundle."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from keras_sparse_export.drift import Drift

WRONG_CALL, FAILED, INTERRUPTED = 2, 1, 130
MOVED_UNITS = 5


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    The exit status is 0, 1 for a failed job or for rows that drifted, 2 for a wrong call or bad
    input.
    """
    options = _parser().parse_args(arguments)
    try:
        status: int | None = options.run(options)
    except KeyboardInterrupt:
        print("keras-sparse-export: interrupted", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        if options.debug:
            raise
        print(f"keras-sparse-export: {' '.join(str(error).split())}", file=sys.stderr)
        if type(error).__name__ == "VerificationError":
            return FAILED
        bad_input = (ValueError, FileExistsError, FileNotFoundError)
        return WRONG_CALL if isinstance(error, bad_input) else FAILED
    return status or 0


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
    for name, parity in (("encoder", found.parity), ("decoder", found.decoder_parity)):
        if parity is not None:
            print(
                f"{name}: {parity.rows} golden rows ({found.golden}), max |Δ| "
                f"{parity.max_abs_error:.2g} (allowed {parity.tolerance:.2g})"
            )
    if found.parity is None:
        print("no golden rows: the answers were not checked")


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
        if statistics is not None:
            lines["statistics"] = (
                f"L0 {statistics['l0']:.1f}, {statistics['dead_units']} dead, on "
                f"{statistics['rows']} rows"
            )
    width = max(map(len, lines))
    print("\n".join(f"{name.ljust(width)}  {value}" for name, value in lines.items()))


def _drift(options: argparse.Namespace) -> int:
    from keras_sparse_export.encoder import Encoder

    if options.batch_rows < 1:
        raise ValueError(
            "Invalid value for argument `--batch-rows`. Expected a positive integer. Received: "
            f"{options.batch_rows}"
        )
    encoder = Encoder(options.bundle, threads=options.threads)
    rows = _shaped(_read(options.data, options.key, options.drop), encoder.input_shape)
    whole = max(1, len(rows) // options.batch_rows)  # a last batch that is not full is left out
    batches = []
    for batch in range(whole):
        start = batch * options.batch_rows
        found = encoder.drift(rows[start : start + options.batch_rows])
        order = abs(found.units).argsort(kind="stable")[::-1][:MOVED_UNITS]
        moved = {int(unit): round(float(found.units[unit]), 2) for unit in order}
        batches.append((found, moved))
        if not options.json:
            units = ", ".join(f"{unit} ({score:+.1f})" for unit, score in moved.items())
            print(
                f"rows {start} to {start + found.rows - 1}: score {found.score:.2f} "
                f"(threshold {found.threshold:.2f}), {'DRIFT' if found.drifted else 'no drift'}; "
                f"units that moved most: {units}"
            )
    rate = batches[0][0].false_alarm_rate
    drifted = sum(found.drifted for found, _ in batches)
    alarm = _chance(drifted, whole, rate) <= rate + 1e-9  # one of one is the rate, but for rounding
    if options.json:
        print(_json_of(batches, alarm, rate))
    else:
        print(
            f"{drifted} of {whole} batches above the threshold, {rate * whole:.2g} expected by "
            f"chance: {'DRIFT' if alarm else 'no drift'}"
        )
    return FAILED if alarm else 0


def _chance(drifted: int, batches: int, rate: float) -> float:
    """How likely so many of the batches or more exceed the threshold without drift."""
    from math import exp, lgamma, log, log1p

    return 1 - sum(
        exp(
            lgamma(batches + 1)
            - lgamma(count + 1)
            - lgamma(batches - count + 1)
            + count * log(rate)
            + (batches - count) * log1p(-rate)
        )
        for count in range(drifted)
    )


def _json_of(batches: "list[tuple[Drift, dict[int, float]]]", drifted: bool, rate: float) -> str:
    import json

    return json.dumps(
        {
            "drifted": drifted,
            "false_alarm_rate": rate,
            "batches": [
                {
                    "rows": found.rows,
                    "score": found.score,
                    "threshold": found.threshold,
                    "drifted": found.drifted,
                    "units": moved,
                }
                for found, moved in batches
            ],
        }
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="keras-sparse-export", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    encode = _command(commands, "encode", _encode, "codes of a file of rows")
    encode.add_argument("-o", "--output", type=Path, required=True, metavar="CODES.npy")
    _add_source(encode)
    encode.add_argument("--overwrite", action="store_true", help="replace what is there")

    drift = _command(
        commands,
        "drift",
        _drift,
        "whether rows are like those that the bundle was exported with; exit status 1 if not",
    )
    _add_source(drift)
    drift.add_argument("--batch-rows", type=int, default=256, metavar="ROWS")
    drift.add_argument("--json", action="store_true", help="one JSON object instead of lines")

    _command(commands, "verify", _verify, "compare files with hashes, answers with golden rows")
    _command(commands, "info", _info, "what a bundle holds")
    return parser


def _add_source(command: argparse.ArgumentParser) -> None:
    command.add_argument("data", type=Path, metavar="DATA", help=".npy, .npz or .csv")
    command.add_argument("--key", metavar="NAME", help="array of an .npz that holds the rows")
    command.add_argument(
        "--drop",
        metavar="COLUMN",
        action="append",
        default=[],
        help="column of a .csv to leave out",
    )
    command.add_argument("--threads", type=int, default=1)


def _command(
    commands: Any, name: str, run: Callable[[argparse.Namespace], int | None], summary: str
) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=summary, description=summary)
    command.set_defaults(run=run)
    command.add_argument("bundle", type=Path, metavar="BUNDLE")
    command.add_argument("--debug", action="store_true", help="show tracebacks")
    return command


if __name__ == "__main__":
    sys.exit(main())
