"""Rows with names in every form that callers pass, to compare with the same rows without names."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

FORMS = ("pandas", "polars", "pyarrow", "mapping", "lists")


def as_table(form: str, rows: np.ndarray, names: tuple[str, ...]) -> Any:
    """Rows as a table or a mapping whose columns have names; skip where a package is missing."""
    columns = {name: rows[:, place] for place, name in enumerate(names)}
    makers: dict[str, Callable[[], Any]] = {
        "pandas": lambda: pytest.importorskip("pandas").DataFrame(columns),
        "polars": lambda: pytest.importorskip("polars").DataFrame(columns),
        "pyarrow": lambda: pytest.importorskip("pyarrow").table(columns),
        "mapping": lambda: columns,
        "lists": lambda: {name: column.tolist() for name, column in columns.items()},
    }
    return makers[form]()
