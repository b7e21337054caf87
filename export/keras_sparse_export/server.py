"""An HTTP server of a few files from memory, for a browser on the same machine."""

import errno
import io
import ipaddress
import re
import socket
import socketserver
import sys
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import PurePosixPath
from threading import BoundedSemaphore
from typing import Any

from keras_sparse_export.website import INDEX

POLICY = "; ".join(
    (
        "default-src 'none'", "script-src 'self' 'wasm-unsafe-eval'", "style-src 'self'",
        "img-src 'self'", "connect-src 'self'", "base-uri 'none'", "form-action 'none'",
        "frame-ancestors 'none'",
    )
)  # fmt: skip
"""The page's own policy, which a meta tag of its repeats, but for the last part."""
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Connection": "close",
}
"""Of every answer, also of errors."""
PLAIN = "text/plain; charset=utf-8"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".md": PLAIN,
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
}
MAX_CONNECTIONS = 32
MAX_REQUEST_BYTES = 32 << 10
SECONDS = 10.0
"""For a whole request to arrive, and for each piece of an answer to leave."""
PIECE_BYTES = 64 << 10
END = re.compile(rb"\r?\n\r?\n")
NAME = re.compile(r"(\[[^\[\]]+\]|[^:\[\]]+)(:[0-9]*)?")
"""A header `Host`: a name, an address or one in brackets; a port."""


class Server(ThreadingHTTPServer):
    """Serves files by exact path, and nothing else; a connection asks once.

    Args:
        host: Address or name to listen on.
        port: 0 for any that is free; `url` tells which.
        files: Content by path, without the leading `/`.
        idle: Called now and then, in the thread that serves.

    Raises:
        ValueError: If it cannot listen there.
    """

    allow_reuse_address = sys.platform != "win32"  # there it would let two servers share a port
    request_queue_size = MAX_CONNECTIONS
    server_bind = socketserver.TCPServer.server_bind  # the other one asks the network for a name

    def __init__(
        self,
        host: str,
        port: int,
        files: Mapping[str, bytes],
        idle: Callable[[], None] = lambda: None,
    ) -> None:
        self.files = {f"/{path}": content for path, content in files.items()}
        self.files["/"] = self.files[f"/{INDEX}"]
        self._idle = idle
        self._free = BoundedSemaphore(MAX_CONNECTIONS)
        self.address_family, address = _address(host, port)
        try:
            super().__init__(address, _Handler)
        except OSError as error:
            raise _refusal(host, port, error) from error
        self._ip = ipaddress.ip_address(str(self.server_address[0]))
        self._names = {"localhost", "127.0.0.1", "[::1]", _bracketed(host.lower())}

    @property
    def url(self) -> str:
        """Where a browser on this machine finds it."""
        name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(str(self._ip), _bracketed(str(self._ip)))
        return f"http://{name}:{self.server_address[1]}/"

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach it."""
        return self._ip.is_loopback

    def is_ours(self, host: str) -> bool:
        """Whether the header `Host` names this server.

        Another site can have its own name resolve to this machine, and its page then passes for
        ours; but the browser still sends that name. Ports differ where one is forwarded.
        """
        found = NAME.fullmatch(host.lower())
        name = found.group(1) if found else ""
        return name in self._names or (self._ip.is_unspecified and _is_ip(name))

    def service_actions(self) -> None:
        """Called by `serve_forever` after each request, and twice a second."""
        self._idle()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start a thread for a connection, or close it where there are too many."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer in the thread of a connection."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that left or were too slow."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """One request, one answer. All that is asked for is looked up, never interpreted."""

    server: Server
    command = ""
    request_version = default_request_version = "HTTP/1.0"  # before it, answers had no headers

    def handle(self) -> None:
        head = self._head()
        if len(head) > MAX_REQUEST_BYTES:
            self.send_error(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        else:
            self.rfile = io.BytesIO(head)
            self.handle_one_request()

    def _head(self) -> bytes:
        """The request, complete or too long; nothing if the client leaves or dawdles before."""
        head, deadline = b"", time.monotonic() + SECONDS
        while not END.search(head) and len(head) <= MAX_REQUEST_BYTES:
            if (left := deadline - time.monotonic()) <= 0:
                return b""
            self.connection.settimeout(left)
            part = self.connection.recv(4096)
            if not part:
                return b""
            head += part
        self.connection.settimeout(SECONDS)
        return head

    def do_GET(self) -> None:
        hosts = self.headers.get_all("Host", [])
        path = self.requestline.split()[1].partition("?")[0]  # self.path is no longer as received
        if len(hosts) != 1:
            self.send_error(HTTPStatus.BAD_REQUEST)
        elif not self.server.is_ours(hosts[0].strip()):
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST)
        elif (content := self.server.files.get(path)) is None:
            self.send_error(HTTPStatus.NOT_FOUND)
        else:
            suffix = PurePosixPath(path).suffix if path != "/" else ".html"
            self._answer(HTTPStatus.OK, content, TYPES.get(suffix, "application/octet-stream"))

    do_HEAD = do_GET  # noqa: N815  (the name that http.server calls)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer with a line that repeats nothing of the request."""
        if code == HTTPStatus.NOT_IMPLEMENTED:  # a method without a `do_`
            code = HTTPStatus.METHOD_NOT_ALLOWED
        self._answer(code, f"{int(code)} {HTTPStatus(code).phrase}\n".encode(), PLAIN)

    def _answer(self, code: int, content: bytes, kind: str) -> None:
        self.send_response_only(code)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        if code == HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET, HEAD")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            for start in range(0, len(content), PIECE_BYTES):  # the time-out is for one write
                self.wfile.write(memoryview(content)[start : start + PIECE_BYTES])

    def log_message(self, format: str, *values: Any) -> None:
        """Requests are not logged."""


def _address(host: str, port: int) -> tuple[socket.AddressFamily, Any]:
    """Where to listen: IPv4 or IPv6, as the host is written or resolves first."""
    if not 0 <= port <= 65535:
        raise ValueError(
            f"Invalid value for argument `--port`. Expected 0 to 65535. Received: {port}"
        )
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ValueError(
            "Invalid value for argument `--host`. Expected an address of this machine. Received: "
            f"{host!r} ({error})"
        ) from error
    return found[0][0], found[0][4]


def _refusal(host: str, port: int, error: OSError) -> ValueError:
    if error.errno == errno.EADDRINUSE:
        found = f"{port}, which another program listens on. Remedy: --port 0 picks a free one"
        return ValueError(
            f"Invalid value for argument `--port`. Expected a free one. Received: {found}"
        )
    return ValueError(
        "Invalid value for argument `--host` or `--port`. Expected an address of this machine and "
        f"a port that may be opened. Received: {host!r} and {port} ({error.strerror})"
    )


def _bracketed(host: str) -> str:
    """An IPv6 address as URLs have it."""
    return f"[{host}]" if ":" in host else host


def _is_ip(name: str) -> bool:
    """Whether it is an address, which no name server can make point elsewhere."""
    try:
        ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True
