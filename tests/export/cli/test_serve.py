import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from keras_sparse import KL, SparseAutoencoder
from keras_sparse_export import export_encoder
from keras_sparse_export.browser.runtime import VERSION
from keras_sparse_export.cli import main
from keras_sparse_export.cli import serve as serve_command

pytestmark = pytest.mark.one_backend


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = SparseAutoencoder(4, 3, sparsity=KL(), normalization=None)
    return export_encoder(model, tmp_path_factory.mktemp("exported") / "bundle")


@pytest.fixture
def bundle(exported: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(exported, tmp_path / "bundle"))


@contextmanager
def serving(*arguments: Any) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """A server in a process of its own, and its address, the first line that it prints."""
    command = [sys.executable, "-m", "keras_sparse_export.cli.main", "serve", *map(str, arguments)]
    # Where Python does not buffer at all, nothing would show that we flush.
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    process = subprocess.Popen(
        [*command, "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=buffered,
    )
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


def get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=60) as answer:
        return bytes(answer.read())


@pytest.mark.process
@pytest.mark.skipif(sys.platform == "win32", reason="signals of another kind")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_a_signal_ends_it_well(number: int, bundle: Path, runtime: Path) -> None:
    with serving(bundle, "--runtime", runtime) as (process, url):
        assert url.startswith("http://127.0.0.1:")
        assert get(url).lower().startswith(b"<!doctype html>")
        assert get(f"{url}bundle/encoder.onnx") == (bundle / "encoder.onnx").read_bytes()
        port = int(url.rstrip("/").rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)):  # who is in the middle of a request
            process.send_signal(number)
            assert process.stdout is not None
            assert process.stdout.readline().endswith(
                f"(tested: {VERSION}). Press Ctrl-C to stop.\n"
            )
            assert process.communicate(timeout=120) == ("", "")
        assert process.returncode == 0
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))


@pytest.mark.process
@pytest.mark.skipif(sys.platform == "win32", reason="signals of another kind")
def test_what_is_served_stays_when_the_folder_changes_and_goes(bundle: Path, runtime: Path) -> None:
    content = (bundle / "encoder.onnx").read_bytes()
    with serving(bundle, "--runtime", runtime) as (process, url):
        (bundle / "encoder.onnx").write_bytes(content[::-1])
        assert process.stderr is not None
        warning = process.stderr.readline()
        assert f"{bundle} has changed" in warning
        assert "restart to serve the new ones" in warning
        assert get(f"{url}bundle/encoder.onnx") == content
        shutil.rmtree(bundle)
        time.sleep(1.5)
        assert get(f"{url}bundle/encoder.onnx") == content
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=120)[1] == ""  # it warned once
        assert process.returncode == 0


@pytest.mark.process
def test_the_network_may_look_on_only_where_it_is_asked_to(bundle: Path, runtime: Path) -> None:
    with serving(bundle, "--runtime", runtime, "--host", "0.0.0.0") as (process, url):
        assert process.stderr is not None
        assert "everybody who can reach this address" in process.stderr.readline()
        assert get(url)


def test_a_folder_is_said_to_have_changed_once(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(serve_command, "LOOK_SECONDS", 0)
    watch = serve_command._Watch(bundle)
    (bundle / "model.sig").touch()  # no file of the bundle
    watch()
    assert capsys.readouterr().err == ""
    os.utime(bundle / "manifest.json", ns=(1, 1))
    watch()
    watch()
    assert capsys.readouterr().err.count("has changed") == 1


def serve(*arguments: Any) -> int:
    return main.main(["serve", *map(str, arguments)])


def test_a_port_in_use_is_a_wrong_call(
    bundle: Path, runtime: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert serve(bundle, "--runtime", runtime, "--port", port) == 2
    captured = capsys.readouterr()
    assert f"Received: {port}, which another program listens on. Remedy: --port 0" in captured.err
    assert captured.out == ""


def test_a_bundle_that_fails_is_not_served(
    bundle: Path, runtime: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (bundle / "encoder.onnx").write_bytes(b"another")
    assert serve(bundle, "--runtime", runtime) == 1
    captured = capsys.readouterr()
    assert "`encoder.onnx`" in captured.err
    assert captured.out == ""


def test_a_bundle_that_is_not_there_is_a_wrong_call(runtime: Path, tmp_path: Path) -> None:
    assert serve(tmp_path / "none", "--runtime", runtime) == 2
