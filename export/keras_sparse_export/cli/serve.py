"""`keras-sparse-export serve`: serve a page that runs a bundle in the browser."""

import argparse
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from keras_sparse_export.browser import runtime
from keras_sparse_export.browser import site as website
from keras_sparse_export.bundle.format import MANIFEST

LOOK_SECONDS = 1.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command after the bundle."""
    add = parser.add_argument
    add(
        "--host",
        default="127.0.0.1",
        help="any but loopback lets the network read the bundle",
    )
    add("--port", type=int, default=8000, help="0 picks a free port (default: %(default)s)")
    runtime.add_argument(parser)


def serve(options: argparse.Namespace) -> None:
    """Verify the bundle, print the address, and serve until Ctrl-C or SIGTERM."""
    from keras_sparse_export.browser.server import Server  # no other command needs http.server

    watch = _Watch(options.bundle)
    site = website.build_site(options.bundle, runtime.find(options.runtime), options.allow)
    with Server(options.host, options.port, site.files, watch) as server, _until_signal():
        print(f"{server.url}\n{site}. Press Ctrl-C to stop.", flush=True)
        if not server.is_local:
            _warn(
                "everybody who can reach this address over the network can read the bundle, "
                "including its golden rows"
            )
        server.serve_forever()


@contextmanager
def _until_signal() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the block without an error.

    This includes Ctrl-C in the background of a script, where a shell ignores it.
    """
    signals = (signal.SIGINT, signal.SIGTERM)
    handlers = [signal.signal(number, signal.default_int_handler) for number in signals]
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        for number, handler in zip(signals, handlers, strict=True):
            signal.signal(number, handler)


class _Watch:
    """Warns once if the bundle's folder has changed; checks once a second."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: object = self._look()
        self._next = 0.0

    def __call__(self) -> None:
        if self._seen is None or (now := time.monotonic()) < self._next:
            return
        self._next = now + LOOK_SECONDS
        if self._look() != self._seen:
            self._seen = None
            _warn(
                f"{self._folder} has changed. The served files are still those that were verified; "
                "restart to serve the new ones"
            )

    def _look(self) -> object:
        try:
            with os.scandir(self._folder) as entries:
                return {
                    entry.name: (entry.stat().st_size, entry.stat().st_mtime_ns, entry.inode())
                    for entry in entries
                    if entry.name == MANIFEST or website.SHOWN.fullmatch(entry.name)
                }
        except OSError as error:
            return error.errno


def _warn(line: str) -> None:
    print(f"keras-sparse-export: {line}", file=sys.stderr, flush=True)
