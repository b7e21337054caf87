"""The list of models, read whole."""

import importlib.util

from robustness.zoo import entry
from robustness.zoo.entry import Entry
from robustness.zoo.models import (  # noqa: F401  (importing them registers their models)
    applications,
    codes,
    convolutions,
    dense,
    forms,
    hub,
    merges,
    pooling,
    precision,
    sequences,
)


def list_entries(backend: str) -> list[Entry]:
    """Return the models that are measured on a backend."""
    return [
        each
        for each in entry.ENTRIES.values()
        if backend in each.backends and explain_absence(each, backend) is None
    ]


def list_left_out(backend: str) -> dict[str, str]:
    """Return the models that cannot be built on a backend or here, with the reasons."""
    reasons = {
        each.name: explain_absence(each, backend)
        for each in entry.ENTRIES.values()
        if backend in each.backends
    }
    return {name: reason for name, reason in reasons.items() if reason is not None}


def explain_absence(each: Entry, backend: str) -> str | None:
    """Return why a model cannot be built, or `None` if it can."""
    if each.group == hub.GROUP and importlib.util.find_spec("keras_hub") is None:
        return hub.ABSENT
    return each.left_out.get(backend)


def find(name: str) -> Entry:
    """Return a model by its name."""
    return entry.ENTRIES[name]
