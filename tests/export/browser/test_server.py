import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from keras_sparse_export.browser import server, site
from keras_sparse_export.browser.server import HEADERS, PERMISSIONS, POLICY, Server

pytestmark = pytest.mark.one_backend

FILES = {
    "index.html": b"<!doctype html>",
    "page.mjs": b"export {};",
    "style.css": b"p {}",
    "bundle/manifest.json": b"{}",
    "bundle/README.md": b"<script>alert(1)</script>",
    "bundle/encoder.onnx": bytes(range(256)) * 4000,  # 1 MB: leaves in several pieces
    "runtime/ort.wasm": b"\0asm",
}


@contextmanager
def served(host: str = "127.0.0.1", **arguments: Any) -> Iterator[Server]:
    with Server(host, 0, FILES, **arguments) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield running
        finally:
            running.shutdown()
            thread.join()


@pytest.fixture
def running() -> Iterator[Server]:
    with served() as running:
        yield running


def connect(running: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", running.server_address[1]), timeout=60)


def received(client: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    parts = []
    while part := client.recv(1 << 16):
        parts.append(part)
    return b"".join(parts)


def ask(running: Server, request: bytes | str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body; of a bare target, what a browser would get for it."""
    if isinstance(request, str):
        request = f"GET {request} HTTP/1.1\r\n{host(running)}\r\n".encode("latin-1")
    with connect(running) as client:
        client.sendall(request)
        head, body = received(client).split(b"\r\n\r\n", 1)
    status, *lines = head.decode("latin-1").split("\r\n")
    assert status.startswith("HTTP/1.0 ")
    headers = dict(line.split(": ", 1) for line in lines)
    assert HEADERS.items() <= headers.items()
    assert headers["Content-Type"]
    assert not {"Server", "Date"} & set(headers)
    return int(status.split()[1]), headers, body


def host(running: Server, name: str = "127.0.0.1") -> str:
    return f"Host: {name}:{running.server_address[1]}\r\n"


def test_every_file_arrives_whole_and_as_what_it_is(running: Server) -> None:
    kinds = {
        "index.html": "text/html; charset=utf-8",
        "page.mjs": "text/javascript; charset=utf-8",
        "style.css": "text/css; charset=utf-8",
        "bundle/manifest.json": "application/json",
        "bundle/README.md": "text/plain; charset=utf-8",
        "bundle/encoder.onnx": "application/octet-stream",
        "runtime/ort.wasm": "application/wasm",
    }
    for path, content in FILES.items():
        status, headers, body = ask(running, f"/{path}")
        assert (status, body) == (200, content)
        assert headers["Content-Type"] == kinds[path]
        assert headers["Content-Length"] == str(len(content))
    assert ask(running, "/")[::2] == (200, FILES["index.html"])
    assert ask(running, "/?unit=3")[::2] == (200, FILES["index.html"])


def test_head_answers_without_the_content(running: Server) -> None:
    request = f"HEAD /page.mjs HTTP/1.1\r\n{host(running)}\r\n".encode()
    status, headers, body = ask(running, request)
    assert (status, headers["Content-Length"], body) == (200, "10", b"")


@pytest.mark.parametrize(
    "target",
    [
        "/bundle/../page.mjs", "/../../../../etc/passwd", "/bundle/..", "..", "/..", "/./page.mjs",
        "/%2e%2e/%2e%2e/etc/passwd", "/%2E%2E/page.mjs", "/..%2fpage.mjs", "/%70age.mjs",
        "//page.mjs", "//", "///etc/passwd", "/bundle//manifest.json", "//evil.example/page.mjs",
        "/..\\..\\etc\\passwd", "\\page.mjs", "/bundle\\manifest.json", "/%5cpage.mjs",
        "/etc/passwd", "file:///etc/passwd", "http://127.0.0.1/page.mjs", "*", "page.mjs",
        "/page.mjs%00", "/page.mjs\0", "/\0", "/page.mjs#x", "/page.mjs/", "/PAGE.MJS", "/bundle/",
        "/bundle", "/C:/page.mjs", "/page.mjs::$DATA", "/" + "a" * 20_000, "/\xff", "/bundle/x.sig",
    ],
)  # fmt: skip
def test_what_is_not_exactly_there_is_not_found(target: str, running: Server) -> None:
    assert ask(running, target)[::2] == (404, b"404 Not Found\n")


@pytest.mark.parametrize(
    "method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "get", "X"]
)
def test_only_get_and_head(method: str, running: Server) -> None:
    request = f"{method} /page.mjs HTTP/1.1\r\n{host(running)}Content-Length: 2\r\n\r\nhi".encode()
    status, headers, _ = ask(running, request)
    assert (status, headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        ("GET", 400), ("GET / x", 400), ("GET / HTTP/2.0", 505), ("GET / HTTP/9", 400),
        ("GET / HTTP/1.1 more", 400), ("POST /", 400), ("GET /page.mjs", 200),
    ],
)  # fmt: skip
def test_odd_request_lines(request_line: str, status: int, running: Server) -> None:
    found, _, body = ask(running, f"{request_line}\r\n{host(running)}\r\n".encode())
    assert found == status
    assert b"more" not in body


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("127.0.0.1", True), ("localhost", True), ("LOCALHOST", True), ("[::1]", True),
        ("evil.example", False), ("127.0.0.1.evil.example", False), ("192.168.1.5", False),
        ("localhost.evil.example", False), ("", False), ("0.0.0.0", False), ("x@127.0.0.1", False),
    ],
)  # fmt: skip
def test_a_name_that_is_not_ours_gets_nothing(name: str, ours: bool, running: Server) -> None:
    request = f"GET /bundle/manifest.json HTTP/1.1\r\n{host(running, name)}\r\n".encode()
    status, _, body = ask(running, request)
    assert (status, body) == ((200, b"{}") if ours else (421, b"421 Misdirected Request\n"))


def test_another_port_may_be_a_forwarded_one_but_one_name_there_must_be(running: Server) -> None:
    for lines, status in (
        ("Host: 127.0.0.1\r\n", 200),
        ("Host: localhost:9000\r\n", 200),
        ("Host: localhost:9000:1\r\n", 421),
        ("Host: localhost:x\r\n", 421),
        ("", 400),
        (host(running) + "Host: evil.example\r\n", 400),
    ):
        assert ask(running, f"GET / HTTP/1.1\r\n{lines}\r\n".encode())[0] == status


def test_listening_everywhere_answers_to_addresses_and_to_no_other_name() -> None:
    with served("0.0.0.0") as running:
        assert not running.is_local
        assert running.url == f"http://127.0.0.1:{running.server_address[1]}/"
        for name, status in (("192.168.1.5", 200), ("[fd00::1]", 200), ("evil.example", 421)):
            request = f"GET / HTTP/1.1\r\n{host(running, name)}\r\n".encode()
            assert ask(running, request)[0] == status


def test_too_much_of_a_request_is_refused(running: Server) -> None:
    many = "".join(f"X-{number}: {number}\r\n" for number in range(200))
    assert ask(running, f"GET / HTTP/1.1\r\n{many}{host(running)}\r\n".encode())[0] == 431
    long = b"GET / HTTP/1.1\r\nX: " + b"x" * (server.MAX_REQUEST_BYTES - 10)
    assert ask(running, long)[0] == 431  # it would have gone on


def test_a_slow_client_is_cut_off_and_holds_nobody_up(
    running: Server, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(server, "SECONDS", 0.5)
    with connect(running) as slow:
        began = time.monotonic()

        def drip() -> None:
            while time.monotonic() - began < 60:  # never idle for long, never done
                slow.sendall(b"G")
                assert ask(running, "/page.mjs")[0] == 200
                time.sleep(0.1)

        with pytest.raises(OSError, match=r"reset|closed|Broken"):
            drip()
        assert time.monotonic() - began >= 0.5
    assert capfd.readouterr().err == ""


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end, "the server did not come to it within 120 seconds"
        time.sleep(0.01)


@contextmanager
def not_reading(running: Server) -> Iterator[socket.socket]:
    """A client that reads one byte of a long response."""
    with connect(running) as client:
        client.sendall(f"GET /bundle/encoder.onnx HTTP/1.1\r\n{host(running)}\r\n".encode())
        assert client.recv(1) == b"H"
        yield client


@pytest.fixture
def long_file(monkeypatch: pytest.MonkeyPatch) -> int:
    """Size of a file that is longer than what sockets hold."""
    monkeypatch.setitem(FILES, "bundle/encoder.onnx", bytes(32 << 20))
    return 32 << 20


def test_a_client_that_does_not_read_is_cut_off(
    long_file: int, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(server, "SECONDS", 0.3)
    with served() as running, not_reading(running) as idle:
        wait_until(lambda: not running._opened)
        assert 0 < len(received(idle)) < long_file
    assert capfd.readouterr().err == ""


def test_slow_readers_do_not_keep_others_out(
    long_file: int, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nor those who came before for less than the time that everybody has."""
    monkeypatch.setattr(server, "SECONDS", 600.0)  # `second` reads within it on any machine
    monkeypatch.setattr(server, "MAX_CONNECTIONS", 2)
    with served() as running, not_reading(running) as first, not_reading(running) as second:
        with connect(running) as third:
            assert received(third) == b""
        monkeypatch.setattr(server, "PATIENCE_SECONDS", 0.0)
        assert ask(running, "/page.mjs")[2] == FILES["page.mjs"]
        assert len(received(first)) < long_file  # the oldest one has made place
        monkeypatch.undo()
        assert len(received(second)) > long_file
    assert capfd.readouterr().err == ""


def test_no_more_connections_than_there_are_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MAX_CONNECTIONS", 2)
    with served() as running, connect(running) as first, connect(running) as second:
        with connect(running) as third:
            assert received(third) == b""
        first.sendall(f"GET / HTTP/1.1\r\n{host(running)}\r\n".encode())
        assert received(first).endswith(FILES["index.html"])
        wait_until(lambda: len(running._opened) == 1)
        assert ask(running, "/")[0] == 200  # in the place that became free
        second.sendall(f"GET / HTTP/1.1\r\n{host(running)}\r\n".encode())
        assert received(second).endswith(FILES["index.html"])


def test_two_at_once(running: Server) -> None:
    def many() -> None:
        answers.extend(ask(running, "/bundle/encoder.onnx")[2] for _ in range(5))

    answers: list[bytes] = []
    threads = [threading.Thread(target=many) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [FILES["bundle/encoder.onnx"]] * 10


def test_a_port_in_use_is_named(running: Server) -> None:
    port = running.server_address[1]
    with pytest.raises(
        ValueError, match=rf"Received: {port}, which.*Remedy: --port 0 picks a free"
    ):
        Server("127.0.0.1", port, FILES)


@pytest.mark.parametrize(
    ("host", "port", "argument"),
    [("127.0.0.1", 65536, "--port"), ("127.0.0.1", -1, "--port"), ("192.0.2.1", 0, "--host")],
)
def test_a_place_where_nobody_can_listen_is_named(host: str, port: int, argument: str) -> None:
    with pytest.raises(ValueError, match=f"argument `{argument}`"):
        Server(host, port, FILES)


def test_ipv6() -> None:
    try:
        running = Server("::1", 0, FILES)
    except ValueError:
        pytest.skip("no IPv6 here")
    with running:
        assert running.is_local
        assert running.url == f"http://[::1]:{running.server_address[1]}/"
        assert running.is_ours(f"[::1]:{running.server_address[1]}")


def test_the_policy_is_no_wider_than_the_page_needs() -> None:
    allowed = dict(part.split(" ", 1) for part in POLICY.split("; "))
    assert allowed.pop("script-src") == "'self' 'wasm-unsafe-eval'"
    own = ("style-src", "img-src", "connect-src")
    assert [allowed.pop(name) for name in own] == ["'self'"] * 3
    assert set(allowed) == {"default-src", "base-uri", "form-action", "frame-ancestors"}
    assert set(allowed.values()) == {"'none'"}


def test_the_page_and_the_readme_state_the_same_policy() -> None:
    page = site.read_page()["index.html"].decode()
    (inside,) = re.findall(r'http-equiv="Content-Security-Policy"\s+content="([^"]*)"', page)
    stated = {part.strip() for part in inside.split(";") if part.strip()}
    assert stated == set(POLICY.split("; ")) - {"frame-ancestors 'none'"}  # of headers alone
    readme = Path(__file__).parents[3] / "export" / "README.md"
    assert f"Content-Security-Policy: {POLICY}\n" in readme.read_text("utf-8")
    assert f"Permissions-Policy: {PERMISSIONS}\n" in readme.read_text("utf-8")


def test_the_page_may_ask_for_the_microphone_and_nothing_else() -> None:
    allowed = re.findall(r"([\w-]+)=\((self)?\)", PERMISSIONS)
    assert [name for name, who in allowed if who] == ["microphone"]
    assert {"camera", "display-capture", "geolocation", "usb"} <= {name for name, _ in allowed}
