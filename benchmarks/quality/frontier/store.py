"""Results on disk: one JSON per data set, method, L0 and seed, that several processes share."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple


class Job(NamedTuple):
    """One point of the comparison."""

    data: str
    method: str
    l0: int
    seed: int

    def path(self, folder: Path) -> Path:
        return folder / self.data / f"{self.method}-l0-{self.l0}-seed-{self.seed}.json"


def run_once(
    job: Job, folder: Path, settings: dict[str, Any], compute: Callable[[], dict[str, Any]]
) -> bool:
    """Compute a result and write it, unless it is there or another process computes it.

    Args:
        job: The point.
        folder: The folder of all results.
        settings: What else the result depends on.
        compute: Returns the result.

    Returns:
        Whether it was computed here.

    Raises:
        SystemExit: If there is a result of other settings.
    """
    path = job.path(folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        found = json.loads(path.read_text("utf-8"))["settings"]
        if found != settings:
            raise SystemExit(
                f"Expected results of these settings: {settings}. Received: {path}, of {found}. "
                "Remedy: another --out"
            )
        return False
    lock = path.with_suffix(".lock")
    if not _take(lock):
        return False
    try:
        record = {**job._asdict(), "settings": settings, **compute()}
        staging = path.with_suffix(".part")
        staging.write_text(json.dumps(record, indent=1), "utf-8")
        staging.replace(path)
    finally:
        lock.unlink()
    return True


def read(folder: Path) -> Iterator[dict[str, Any]]:
    """All results, in the order of their names."""
    for path in sorted(folder.glob("*/*.json")):
        yield json.loads(path.read_text("utf-8"))


def _take(lock: Path) -> bool:
    """Take a lock that no running process of this machine has."""
    if lock.exists() and _is_left(lock):
        lock.unlink(missing_ok=True)
    try:
        with lock.open("x") as stream:
            stream.write(str(os.getpid()))
    except FileExistsError:
        return False
    return True


def _is_left(lock: Path) -> bool:
    try:
        os.kill(int(lock.read_text() or os.getpid()), 0)
    except (ProcessLookupError, FileNotFoundError):
        return True
    except PermissionError:
        return False
    return False
