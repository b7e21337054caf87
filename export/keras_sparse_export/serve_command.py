"""`keras-sparse-export serve`: a page on this machine that runs a bundle in the browser."""

import argparse
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from keras_sparse_export import web_runtime, website
from keras_sparse_export.bundle import MANIFEST

LOOK_SECONDS = 1.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes beside the bundle."""
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="other than loopback shows the bundle to the network")
    add("--port", type=int, default=8000, help="0 picks a free one (default: %(default)s)")
    web_runtime.add_argument(parser)


def serve(options: argparse.Namespace) -> None:
    """Verify, print the address, and serve until Ctrl-C or SIGTERM, which end it well."""
    from keras_sparse_export.server import Server  # no other command needs http.server

    watch = _Watch(options.bundle)
    site = website.site(options.bundle, web_runtime.find(options.runtime), options.allow)
    with Server(options.host, options.port, site.files, watch) as server, _until_told_to_end():
        print(f"{server.url}\n{site}. Ctrl-C ends it.", flush=True)
        if not server.is_local:
            _say(
                "everybody who reaches this address over the network can read the bundle, its "
                "golden rows included"
            )
        server.serve_forever()


@contextmanager
def _until_told_to_end() -> Iterator[None]:
    """A server has no end of its own: Ctrl-C and SIGTERM end it, and end it well.

    Ctrl-C also where a shell has it ignored, in the background of a script.
    """
    ending = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, signal.default_int_handler) for number in ending]
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        for number, handler in zip(ending, before, strict=True):
            signal.signal(number, handler)


class _Watch:
    """Says once that a folder is no longer as it was read; looked at once a second."""

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
            _say(
                f"{self._folder} has changed. What is served stays as it was verified; a restart "
                "serves what is there now"
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


def _say(line: str) -> None:
    print(f"keras-sparse-export: {line}", file=sys.stderr, flush=True)
