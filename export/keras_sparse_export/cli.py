"""The `keras-sparse-export` command: what a device needs to do with a bundle."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from keras_sparse_export import (
    drift_command,
    encode_command,
    quantize_command,
    serve_command,
    web_command,
)

WRONG_CALL, FAILED, INTERRUPTED, CLOSED_PIPE = 2, 1, 130, 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    The exit status is 0, 1 for a failed job or for rows that drifted, 2 for a wrong call or bad
    input; as a shell counts signals, 130 for Ctrl-C and 141 for an output that was closed, as by
    `| head -1`. A server that Ctrl-C ends has done its work: 0.
    """
    options = _parser().parse_args(arguments)
    try:
        status: int | None = options.run(options)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CLOSED_PIPE
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
    return status or 0


def _verify(options: argparse.Namespace) -> None:
    from keras_sparse_export.encoder import Encoder

    found = Encoder(options.bundle, allow=options.allow).verify()
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


def _info(options: argparse.Namespace) -> None:
    from keras_sparse_export.encoder import Encoder

    encoder = Encoder(options.bundle, allow=options.allow)
    lines: dict[str, Any] = {"input": encoder.input_shape, "code": encoder.code_shape}
    if (manifest := encoder.manifest) is not None:
        parity, statistics = manifest["parity"]["encoder"], manifest["statistics"]
        lines |= {
            "active above": f"{manifest['threshold']:g}",
            "onnxruntime": f"{manifest['min_onnxruntime']} or newer (opset {manifest['opset']})",
            "parity": f"max |Δ| {parity['max_abs_error']:.2g} on {parity['rows']} rows "
            f"(allowed {parity['tolerance']:.2g})",
            "golden rows": f"{manifest['golden']['rows']} ({manifest['golden']['kind']})",
            "written by": ", ".join(f"{k} {v}" for k, v in manifest["versions"].items()),
            "files": ", ".join(
                f"{name} ({entry['size']} B)" for name, entry in manifest["files"].items()
            ),
        }
        if (int8 := manifest["int8"]) is not None:
            from keras_sparse_export.quantize import sentence

            lines["int8"] = sentence(int8)
        if (entry := manifest["top_k"]) is not None:
            lines["top-k"] = f"{entry['k']} values and indices"
        if statistics is not None:
            lines["statistics"] = (
                f"L0 {statistics['l0']:.1f}, {statistics['dead_units']} dead, on "
                f"{statistics['rows']} rows"
                + ("" if statistics["drift"] is None else "; calibrated for drift")
            )
    width = max(map(len, lines))
    print("\n".join(f"{name.ljust(width)}  {value}" for name, value in lines.items()))


def _bench(options: argparse.Namespace) -> None:
    import json

    from keras_sparse_export.bench import bench

    found = bench(
        options.bundle, threads=options.threads, seconds=options.seconds, allow=options.allow
    )
    print(json.dumps(found.as_dict(), indent=2) if options.json else found.table())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="keras-sparse-export", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    encode = _command(
        commands, "encode", encode_command.encode, "codes of rows, in constant memory"
    )
    encode_command.add_arguments(encode)
    _add_allow(encode)

    drift = _command(
        commands,
        "drift",
        drift_command.drift,
        "whether rows are like those that the bundle was exported with; exit status 1 if not",
    )
    drift_command.add_arguments(drift)
    _add_allow(drift)

    serve = _command(
        commands, "serve", serve_command.serve, "run it in the browser, on a page served here"
    )
    serve_command.add_arguments(serve)
    _add_allow(serve)

    web = _command(commands, "web", web_command.web, "write that page as a folder, to be hosted")
    web_command.add_arguments(web)
    _add_allow(web)

    verify = "compare files with hashes, answers with golden rows"
    _add_allow(_command(commands, "verify", _verify, verify))
    _add_allow(_command(commands, "info", _info, "what a bundle holds"))

    bench = _command(commands, "bench", _bench, "what it costs on this machine")
    _add_allow(bench)
    bench.add_argument("--threads", type=int, help="beside one thread; all processors by default")
    bench.add_argument("--seconds", type=float, default=0.5, help="for each latency (0.5)")
    bench.add_argument("--json", action="store_true")

    quantize = _command(
        commands, "quantize", quantize_command.quantize, "add the encoder in int8, if it pays"
    )
    quantize_command.add_arguments(quantize)
    return parser


def _command(
    commands: Any, name: str, run: Callable[[argparse.Namespace], int | None], summary: str
) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=summary, description=summary)
    command.set_defaults(run=run)
    command.add_argument("bundle", type=Path, metavar="BUNDLE")
    command.add_argument("--debug", action="store_true", help="show tracebacks")
    return command


def _add_allow(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--allow",
        action="append",
        default=[],
        metavar="OPERATOR",
        help="an ONNX operator beside those of an encoder, in a file that you trust; repeatable",
    )


if __name__ == "__main__":
    sys.exit(main())
