"""Run, verify and inspect an encoder bundle with numpy and onnxruntime."""

import argparse
import io
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from keras_sparse_export.bundle.format import LITERT
from keras_sparse_export.cli import drift as drift_command
from keras_sparse_export.cli import encode as encode_command
from keras_sparse_export.cli import errors as errors_command
from keras_sparse_export.cli import ort as ort_command
from keras_sparse_export.cli import quantize as quantize_command
from keras_sparse_export.cli import score as score_command
from keras_sparse_export.cli import serve as serve_command
from keras_sparse_export.cli import web as web_command
from keras_sparse_export.cli.option_names import list_options, name_options
from keras_sparse_export.errors import exit_status, replace_unprintable

INTERRUPTED, CLOSED_PIPE = 130, 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the `keras-sparse-export` command and return its exit status.

    The status is 0 on success, 1 for a failed job or for rows that drifted, and 2 for a wrong call
    or bad input. As in shells, it is 130 after Ctrl-C, and 141 if the output was closed, as by
    `| head -1`. A server that Ctrl-C ends returns 0.
    """
    _print_any_character()
    options = _make_parser().parse_args(arguments)
    names = list_options(options.parser)

    def format_warning(message: Warning | str, *_: Any, **__: Any) -> str:
        return f"keras-sparse-export: {name_options(str(message), names)}\n"

    warnings.formatwarning = format_warning
    try:
        status: int | None = options.run(options)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of our output has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CLOSED_PIPE
    except KeyboardInterrupt:
        print("keras-sparse-export: interrupted", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        if options.debug:
            raise
        if isinstance(error, FileExistsError) and "output" in names:
            names["path"] = names["output"]  # what is written is in the way, not what is read
        line = name_options(" ".join(str(error).split()), names)
        line = replace_unprintable(line)  # it may quote a stranger's file
        print(f"keras-sparse-export: {line}", file=sys.stderr)
        return exit_status(error)
    return status or 0


def _print_any_character() -> None:
    """Escape the characters that the console's encoding lacks, such as Δ, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _verify(options: argparse.Namespace) -> None:
    from keras_sparse_export.runtime.encoder import Encoder

    encoder = Encoder(options.bundle, runtime=options.runtime, allow=options.allow)
    verification = encoder.verify()
    print(f"{options.bundle}: {verification.files} files match the manifest")
    for name, parity in (
        ("encoder", verification.parity),
        ("decoder", verification.decoder_parity),
        ("int8", verification.int8_parity),
        ("float16", verification.float16_parity),
        ("LiteRT", verification.litert_parity),
        ("score", verification.score_parity),
    ):
        if parity is not None:
            print(
                f"{name}: {parity.rows} golden rows ({verification.golden}), max |Δ| "
                f"{parity.max_abs_error:.2g} (allowed {parity.tolerance:.2g})"
            )
    if verification.parity is None:
        print("no golden rows: outputs were not compared")


def _show_info(options: argparse.Namespace) -> None:
    from keras_sparse_export.drift.alarms.verdicts import describe_score
    from keras_sparse_export.io.columns import list_names
    from keras_sparse_export.runtime.encoder import Encoder

    encoder = Encoder(options.bundle, allow=options.allow)
    lines: dict[str, Any] = {"input": encoder.input_shape, "code": encoder.code_shape}
    if (manifest := encoder.manifest) is not None:
        if "inputs" in manifest:
            lines["inputs"] = ", ".join(
                f"{each.name} {each.sizes}" + (f" of {each.whole}" if each.whole else "")
                for each in encoder.inputs
            )
        if encoder.inputs.least is not None:
            lines["shortest row"] = encoder.inputs.least
        parity, statistics = manifest["parity"]["encoder"], manifest["statistics"]
        if encoder.columns is not None:
            lines["columns"] = list_names(encoder.columns, "column").partition(" ")[2]
        if encoder.windows is not None:
            lines["rows"] = encoder.windows.describe()
        lines |= {
            "active": f"{'|code|' if encoder.signed else 'code'} > {manifest['threshold']:g}",
            "runs on": _list_runtimes(manifest),
            "parity": f"max |Δ| {parity['max_abs_error']:.2g} on {parity['rows']} rows "
            f"(allowed {parity['tolerance']:.2g})",
            "golden rows": f"{manifest['golden']['rows']} ({manifest['golden']['kind']})",
            "written by": ", ".join(f"{k} {v}" for k, v in manifest["versions"].items()),
            "files": ", ".join(
                f"{name} ({entry['size']} B)" for name, entry in manifest["files"].items()
            ),
        }
        if manifest.get("thresholds"):
            lines["thresholds"] = _describe_thresholds(manifest)
        if (int8 := manifest["int8"]) is not None:
            from keras_sparse_export.variants.report import describe

            lines["int8"] = describe(int8)
        if (entry := manifest["top_k"]) is not None:
            lines["top-k"] = f"{entry['k']} values and indices"
        if encoder.has_decoder:
            of_features = f"{encoder.feature_shape} of the front end"
            lines["decoder"] = f"features {of_features}" if "features" in manifest else "rows"
        if "score" in manifest:
            lines["score"] = describe_score(manifest["score"])
        if statistics is not None:
            lines["statistics"] = (
                f"L0 {statistics['l0']:.1f}, {statistics['dead_units']} dead, on "
                f"{statistics['rows']} rows"
                + ("" if statistics["drift"] is None else "; calibrated for drift")
            )
    width = max(map(len, lines))
    print("\n".join(f"{name.ljust(width)}  {value}" for name, value in lines.items()))


def _list_runtimes(manifest: dict[str, Any]) -> str:
    """List what runs a bundle."""
    names = [f"onnxruntime ≥ {manifest['min_onnxruntime']} (opset {manifest['opset']})"]
    names += ["onnxruntime-web"] + ["LiteRT (checked)"] * (LITERT in manifest.get("requires", ()))
    return ", ".join(names)


def _describe_thresholds(manifest: dict[str, Any]) -> str:
    """Describe the gates of an encoder, and the L0 that a device may ask for."""
    gates = [
        f"{gate['operator']} above {min(gate['values']):.4g}"
        + (f" to {max(gate['values']):.4g}, per unit" if len(gate["values"]) > 1 else "")
        for gate in manifest["thresholds"]
    ]
    if (curve := manifest["calibration"]) is None:
        return " and ".join(gates)
    return f"{' and '.join(gates)}; a lower L0, {curve['l0'][0]:.1f} to {curve['l0'][-1]:.1f}"


def _run_bench(options: argparse.Namespace) -> None:
    import json

    from keras_sparse_export.runtime.bench import bench

    result = bench(
        options.bundle,
        threads=options.threads,
        seconds=options.seconds,
        runtime=options.runtime,
        allow=options.allow,
    )
    print(json.dumps(result.as_dict(), indent=2) if options.json else result.format_table())


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="keras-sparse-export", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    encode = _add_command(
        commands, "encode", encode_command.encode, "encode rows, in constant memory"
    )
    encode_command.add_arguments(encode)
    _add_allow(encode)

    errors = _add_command(
        commands,
        "errors",
        errors_command.errors,
        "write the errors of reconstructions, which find faulty rows and name the column",
    )
    errors_command.add_arguments(errors)
    _add_allow(errors)

    score = _add_command(
        commands, "score", score_command.score, "write the score of each row, and which is an alarm"
    )
    score_command.add_arguments(score)
    _add_allow(score)

    drift = _add_command(
        commands,
        "drift",
        drift_command.drift,
        "test rows for drift from the export sample (exit status 1 if they drifted)",
    )
    drift_command.add_arguments(drift)
    _add_allow(drift)

    serve = _add_command(
        commands, "serve", serve_command.serve, "serve a page that runs the bundle in the browser"
    )
    serve_command.add_arguments(serve)
    _add_allow(serve)

    web = _add_command(
        commands, "web", web_command.web, "write that page as a folder for any server"
    )
    web_command.add_arguments(web)
    _add_allow(web)

    verify = "compare files with their hashes, and outputs with the golden ones"
    command = _add_command(commands, "verify", _verify, verify)
    encode_command.add_runtime(command)
    _add_allow(command)
    _add_allow(_add_command(commands, "info", _show_info, "show the contents of a bundle"))

    bench = _add_command(commands, "bench", _run_bench, "measure speed and memory on this machine")
    encode_command.add_runtime(bench)
    _add_allow(bench)
    bench.add_argument(
        "--threads", type=int, help="compare one thread with this many (default: all)"
    )
    bench.add_argument(
        "--seconds",
        type=float,
        default=0.5,
        help="duration of a measurement (default: %(default)s)",
    )
    bench.add_argument("--json", action="store_true", help="print JSON")

    ort = _add_command(
        commands, "ort", ort_command.ort, "write the encoder in onnxruntime's own format"
    )
    ort_command.add_arguments(ort)
    quantize = _add_command(
        commands, "quantize", quantize_command.quantize, "add an encoder in int8 or float16"
    )
    quantize_command.add_arguments(quantize)
    return parser


def _add_command(
    commands: Any, name: str, run: Callable[[argparse.Namespace], int | None], summary: str
) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=summary, description=summary)
    command.set_defaults(run=run, parser=command)
    command.add_argument(
        "bundle", type=Path, metavar="BUNDLE", help="folder of a bundle, or an .onnx file"
    )
    command.add_argument("--debug", action="store_true", help="show tracebacks")
    return command


def _add_allow(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--allow",
        action="append",
        default=[],
        metavar="OPERATOR",
        help="accept another ONNX operator, in a file that you trust; repeatable",
    )


if __name__ == "__main__":
    sys.exit(main())
