"""Describe the other forms of an encoder in a bundle for people."""

from typing import Any

_ROWS = (
    ("support Jaccard, pooled", "jaccard", ".4f"),
    ("support Jaccard, per row", "jaccard_per_row", ".4f"),
    ("top-k overlap", "top_k_overlap", ".4f"),
    ("k", "top_k", "d"),
    ("L0", "l0", ".1f"),
    ("cosine", "cosine", ".5f"),
    ("max |Δ|", "max_abs_error", ".3g"),
    ("reconstruction MSE, scaled", "mse", ".5g"),
    ("probe accuracy", "probe", ".4f"),
    ("file, bytes", "file_bytes", "d"),
    ("weights, bytes", "weight_bytes", "d"),
)


def format_table(verdict: dict[str, Any]) -> str:
    """Format the manifest's `int8` as a table and a sentence."""
    return "\n".join([*_list_lines(verdict["report"], "int8"), describe(verdict)])


def format_float16(entry: dict[str, Any]) -> str:
    """Format `float16` of the manifest's `variants` as a table."""
    return "\n".join(_list_lines({"float16": entry["report"]}, "variant"))


def _list_lines(report: dict[str, dict[str, Any]], suffix: str) -> list[str]:
    """Return the lines of a table of comparisons, by name; none if there are none."""
    if not report:
        return []
    first = next(iter(report.values()))
    lines = ["".join([" " * 28, *(f"{name:>12}" for name in ("float32", *report))])]
    for label, key, form in _ROWS:
        names = (key, f"{key}_{suffix}")
        after = [entry[name] for entry in report.values() for name in names if name in entry]
        before = first.get(f"{key}_float32", "")
        if None not in after:
            cells = [format(cell, form if cell != "" else "") for cell in (before, *after)]
            lines.append(f"{label:28}" + "".join(f"{cell:>12}" for cell in cells))
    return lines


def describe(verdict: dict[str, Any]) -> str:
    """Say whether int8 is kept, and the reasons."""
    reasons = " ".join(verdict["reasons"])
    if not verdict["kept"]:
        return f"int8 is not kept. {reasons}"
    return f"int8 is kept ({verdict['method']}). {reasons}".rstrip()
