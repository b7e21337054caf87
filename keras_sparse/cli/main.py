"""The `keras-sparse` command."""

import io
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

from keras_sparse.cli.arguments import BACKENDS, build_parser
from keras_sparse.cli.commands import ACTIONS
from keras_sparse.cli.option_names import list_options, name_options
from keras_sparse.cli.reading import read_calibration, read_data
from keras_sparse.utils.memory import keep_freed_memory
from keras_sparse.utils.text import one_line

WRONG_CALL, FAILED, INTERRUPTED = 2, 1, 130


def main(arguments: Sequence[str] | None = None, *, load: Callable[[], None] = lambda: None) -> int:
    """Run a command.

    Args:
        arguments: The command line; by default that of the process.
        load: Loads `keras_sparse`, and Keras with it, where `cli.entry` postponed that. It is
            called after the arguments are parsed and the backend is selected.

    Returns:
        The exit status: 0, 1 for a failed job, 2 for a wrong call or bad input, 130 if interrupted.
    """
    _print_any_character()
    summary = "Train, compare and export sparse autoencoders."
    options = build_parser(ACTIONS, summary).parse_args(arguments)
    names = list_options(options.parser)

    def format_warning(message: Warning | str, *_: Any, **__: Any) -> str:
        return f"keras-sparse: {name_options(str(message), names)}\n"

    warnings.formatwarning = format_warning
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow logs its start otherwise
    try:
        _select_backend(options.backend)
        # Worker processes of a sweep read the variable; here Keras may be imported already.
        on_tensorflow = os.environ.get("KERAS_BACKEND", "tensorflow") == "tensorflow"
        if on_tensorflow and os.environ.setdefault("KERAS_SPARSE_KEEP_MEMORY", "1") == "1":
            keep_freed_memory()
        options.table = read_data(options)
        options.calibration_table = read_calibration(options)
        load()
        options.run(options)
    except KeyboardInterrupt as error:
        message = str(error) or f"interrupted; {options.interrupted}"
        print(f"keras-sparse: {message}", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        if options.debug:
            raise
        print(f"keras-sparse: {name_options(one_line(error), names)}", file=sys.stderr)
        return exit_status(error)
    return 0


def exit_status(error: Exception) -> int:
    """Return the exit status for an error: the attribute `exit_status` of its class, if it has one.

    Otherwise it is 2 for errors of arguments and files, and 1 for all others.
    """
    bad_input = (ValueError, TypeError, FileExistsError, FileNotFoundError, ModuleNotFoundError)
    default = WRONG_CALL if isinstance(error, bad_input) else FAILED
    status: int = getattr(error, "exit_status", default)
    return status


def _print_any_character() -> None:
    """Escape the characters that the console's encoding lacks, such as λ, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _select_backend(name: str | None) -> None:
    """Select the backend before Keras is imported: as named, else the only one that is installed.

    Raises:
        ModuleNotFoundError: If it is not installed.
        ValueError: If Keras is loaded already, with another backend.
    """
    if "keras" in sys.modules:
        loaded = sys.modules["keras"].backend.backend()
        if name not in (None, loaded):
            raise ValueError(
                f"Invalid value for argument `--backend`. Expected {loaded}, with which Keras is "
                f"loaded. Received: {name}. Remedy: KERAS_BACKEND={name} in the environment"
            )
        return
    installed = [backend for backend in BACKENDS if find_spec(backend)]
    only = installed[0] if len(installed) == 1 else None
    selected = name or os.environ.get("KERAS_BACKEND") or only
    if not installed or (selected in BACKENDS and selected not in installed):
        missing = selected or BACKENDS[0]
        raise ModuleNotFoundError(
            f"Expected the package `{missing}`, the backend of Keras to use. Received: an "
            f'environment without it. Remedy: pip install "keras-sparse[{missing}]"',
            name=missing,
        )
    if selected is not None:
        os.environ["KERAS_BACKEND"] = selected


if __name__ == "__main__":
    sys.exit(main())
