"""A headless Chromium that looks at a page and tells what the page did."""

import json
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--hide-scrollbars", "--host-resolver-rules=MAP * ~NOTFOUND", "--virtual-time-budget=2000",
)  # fmt: skip


@dataclass(frozen=True)
class Visit:
    """What a page did."""

    dom: str
    console: list[str]
    requests: list[str]
    """Addresses that the page asked for; the browser's own are not among them."""


def visit(page: Path, *options: str) -> Visit:
    """Open a page and wait until it is at rest."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "net.json"
        result = _chromium(
            folder, page, "--enable-logging=stderr", "--v=0", f"--log-net-log={log}",
            "--dump-dom", *options,
        )  # fmt: skip
        return Visit(
            result.stdout,
            re.findall(r"CONSOLE[^\]]*\] (.*)", result.stderr),
            _requests(log.read_text(encoding="utf-8")),
        )


def screenshot(page: Path, file: Path, *, width: int, dark: bool) -> None:
    """What a person sees of the page."""
    with tempfile.TemporaryDirectory() as folder:
        _chromium(
            folder, page, f"--screenshot={file}", f"--window-size={width},1200",
            f"--blink-settings=preferredColorScheme={0 if dark else 1}",
        )  # fmt: skip


def _chromium(folder: str, page: Path, *options: str) -> subprocess.CompletedProcess[str]:
    assert CHROMIUM is not None
    return subprocess.run(
        [CHROMIUM, *QUIET, f"--user-data-dir={folder}/profile", *options, page.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )


def _requests(text: str) -> list[str]:
    try:
        events = json.loads(text)["events"]
    except ValueError:  # ended in the middle of a line
        events = json.loads(text.rstrip().rstrip(",") + "]}")["events"]
    asked = [event["params"] for event in events if "initiator" in event.get("params", {})]
    return [params["url"] for params in asked if params["initiator"] != "not an origin"]
