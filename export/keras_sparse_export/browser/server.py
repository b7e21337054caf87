"""Serve a few files from memory over HTTP, for a browser on the same machine."""

import errno
import io
import ipaddress
import re
import socket
import socketserver
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import PurePosixPath
from threading import Lock
from typing import Any

from keras_sparse_export.browser.site import INDEX

POLICY = "; ".join(
    (
        "default-src 'none'", "script-src 'self' 'wasm-unsafe-eval'", "style-src 'self'",
        "img-src 'self'", "connect-src 'self'", "base-uri 'none'", "form-action 'none'",
        "frame-ancestors 'none'",
    )
)  # fmt: skip
"""Content security policy; the page repeats it in a meta tag, except for the last part."""
PERMISSIONS = "camera=(), display-capture=(), geolocation=(), microphone=(self), midi=(), usb=()"
"""The page may ask for the microphone, for bundles whose rows are windows of a sound."""
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Permissions-Policy": PERMISSIONS,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Connection": "close",
}
"""Headers of every response, including errors."""
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
"""Time limit for a whole request to arrive, and for sending each piece of a response."""
PATIENCE_SECONDS = 10.0
"""Age from which a connection gives its place to a new one if there is no free place."""
PIECE_BYTES = 64 << 10
END = re.compile(rb"\r?\n\r?\n")
NAME = re.compile(r"(\[[^\[\]]+\]|[^:\[\]]+)(:[0-9]*)?")
"""A `Host` header: a name, an address or a bracketed address; an optional port."""


class Server(ThreadingHTTPServer):
    """Serves files by exact path and nothing else, with one request per connection.

    Args:
        host: Address or name to listen on.
        port: Port to listen on; 0 picks a free one, see `url`.
        files: Content by path, without the leading `/`.
        idle: Called regularly in the serving thread.

    Raises:
        ValueError: If the address or port cannot be used.
    """

    allow_reuse_address = sys.platform != "win32"  # there, it would let two servers share a port
    request_queue_size = MAX_CONNECTIONS
    server_bind = socketserver.TCPServer.server_bind  # HTTPServer's looks up a host name

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
        self._opened: dict[Any, float] = {}
        self._lock = Lock()
        self.address_family, address = _resolve_address(host, port)
        try:
            super().__init__(address, _Handler)
        except OSError as error:
            raise _make_error(host, port, error) from error
        self._ip = ipaddress.ip_address(str(self.server_address[0]))
        self._names = {"localhost", "127.0.0.1", "[::1]", _bracket(host.lower())}

    @property
    def url(self) -> str:
        """Address for a browser on this machine."""
        name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(str(self._ip), _bracket(str(self._ip)))
        return f"http://{name}:{self.server_address[1]}/"

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the server."""
        return self._ip.is_loopback

    def is_ours(self, host: str) -> bool:
        """Whether a `Host` header names this server.

        Another site can resolve its own name to this machine, so that its pages share our origin,
        but the browser still sends that name. Ports may differ, because ports can be forwarded.
        """
        match = NAME.fullmatch(host.lower())
        name = match.group(1) if match else ""
        return name in self._names or (self._ip.is_unspecified and _is_ip(name))

    def service_actions(self) -> None:
        """Call `idle`; `serve_forever` calls this after each request and twice a second."""
        self._idle()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start a thread for a connection, or close it if there are too many."""
        if self._take_place(request):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def _take_place(self, request: Any) -> bool:
        """Give a connection a place, if need be that of the oldest one, which may read slowly."""
        now = time.monotonic()
        with self._lock:
            if len(self._opened) >= MAX_CONNECTIONS:
                oldest, opened = next(iter(self._opened.items()))
                if now - opened < PATIENCE_SECONDS:
                    return False
                del self._opened[oldest]
                with suppress(OSError):  # closed in this moment
                    oldest.shutdown(socket.SHUT_RDWR)  # its thread ends with an error
            self._opened[request] = now
        return True

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Respond in the thread of a connection."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._lock:
                self._opened.pop(request, None)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Do not log clients that disconnected or timed out."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """Handles one request; its path is looked up in a table, never interpreted."""

    server: Server
    command = ""
    request_version = default_request_version = "HTTP/1.0"  # HTTP/0.9 has no headers

    def handle(self) -> None:
        head = self._read_head()
        if len(head) > MAX_REQUEST_BYTES:
            self.send_error(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        else:
            self.rfile = io.BytesIO(head)
            self.handle_one_request()

    def _read_head(self) -> bytes:
        """Read the request, complete or too long; empty if the client disconnects or times out."""
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
        path = self.requestline.split()[1].partition("?")[0]  # self.path has been changed
        if len(hosts) != 1:
            self.send_error(HTTPStatus.BAD_REQUEST)
        elif not self.server.is_ours(hosts[0].strip()):
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST)
        elif (content := self.server.files.get(path)) is None:
            self.send_error(HTTPStatus.NOT_FOUND)
        else:
            suffix = PurePosixPath(path).suffix if path != "/" else ".html"
            self._respond(HTTPStatus.OK, content, TYPES.get(suffix, "application/octet-stream"))

    do_HEAD = do_GET  # noqa: N815  (the name that http.server calls)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Respond with a line that repeats nothing of the request."""
        if code == HTTPStatus.NOT_IMPLEMENTED:  # a method without a `do_`
            code = HTTPStatus.METHOD_NOT_ALLOWED
        self._respond(code, f"{int(code)} {HTTPStatus(code).phrase}\n".encode(), PLAIN)

    def _respond(self, code: int, content: bytes, kind: str) -> None:
        self.send_response_only(code)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        if code == HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET, HEAD")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            for start in range(0, len(content), PIECE_BYTES):  # the timeout is per write
                self.wfile.write(memoryview(content)[start : start + PIECE_BYTES])

    def log_message(self, format: str, *values: Any) -> None:
        """Do not log requests."""


def _resolve_address(host: str, port: int) -> tuple[socket.AddressFamily, Any]:
    """Return the address to listen on, IPv4 or IPv6, whichever the host resolves to first."""
    if not 0 <= port <= 65535:
        raise ValueError(
            f"Invalid value for argument `--port`. Expected 0 to 65535. Received: {port}"
        )
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ValueError(
            "Invalid value for argument `--host`. Expected an address of this machine. Received: "
            f"{host!r} ({error})"
        ) from error
    return addresses[0][0], addresses[0][4]


def _make_error(host: str, port: int, error: OSError) -> ValueError:
    if error.errno == errno.EADDRINUSE:
        return ValueError(
            f"Invalid value for argument `--port`. Expected a free port. Received: {port}, which "
            "another program listens on. Remedy: --port 0 picks a free port"
        )
    return ValueError(
        "Invalid value for argument `--host` or `--port`. Expected an address of this machine and "
        f"a port that may be opened. Received: {host!r} and {port} ({error.strerror})"
    )


def _bracket(host: str) -> str:
    """Put an IPv6 address in brackets, as in a URL."""
    return f"[{host}]" if ":" in host else host


def _is_ip(name: str) -> bool:
    """Whether a host is an IP address, which no name server can redirect."""
    try:
        ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True
