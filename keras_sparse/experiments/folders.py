"""Write folders whole or not at all, and read folders that may be incomplete or damaged."""

import json
import shutil
import tempfile
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from keras_sparse.utils.files import replace_file
from keras_sparse.utils.text import first_reason

ABSENT = "is missing"
"""The reason given for a file that does not exist."""


@dataclass
class FolderContents:
    """The readable contents of a folder, and the reason for each file that is not readable."""

    path: Path
    missing: dict[str, str] = field(default_factory=dict)
    """Maps the name of an unreadable file to the reason."""

    def read(self, name: str, reader: Callable[[Path], Any], default: Any) -> Any:
        """Read a file; where that fails, note the reason and return `default`."""
        file = self.path / name
        if not file.is_file():
            self.missing[name] = ABSENT
            return default
        try:
            return reader(file)
        except Exception as error:  # each format raises its own for a truncated file
            self.missing[name] = f"cannot be read ({first_reason(error)})"
            return default


def read_json_object(file: Path) -> dict[str, Any]:
    """Read a JSON file that holds an object.

    Raises:
        OSError: If it cannot be opened.
        ValueError: If it holds something else.
    """
    value = json.loads(file.read_text(encoding="utf-8"))
    if not isinstance(value, dict):
        raise ValueError(f"a JSON {type(value).__name__}, not an object")
    return value


def write_json(file: Path, value: Any) -> None:
    """Write a JSON file whole; NaN and infinity are errors."""
    with replace_file(file) as staging:
        text = json.dumps(value, indent=2, allow_nan=False)
        staging.write_text(f"{text}\n", encoding="utf-8")


class TemporaryFolder:
    """A folder that is deleted as soon as nothing refers to this object any more."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="keras-sparse-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


def transactions() -> Any:
    """Load the module that locks folders and replaces them whole.

    Raises:
        ModuleNotFoundError: Without the extra `[export]`.
    """
    try:
        from keras_sparse_export.bundle import transaction
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"Expected the package `{error.name}`, which writes folders. Received: an environment "
            'without it. Remedy: pip install "keras-sparse[export]"',
            name=error.name,
        ) from error
    return transaction
