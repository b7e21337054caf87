"""Print results as tables: a row for each method, mean ± standard error over seeds."""

from collections.abc import Iterable
from typing import Any

import numpy as np

TITLES = {
    "pca": "PCA, the L0 largest scores",
    "omp": "dictionary, OMP",
    "l1": "L1 with target_l0",
    "kl": "KL, codes above a threshold",
    "topk": "TopK",
    "batch_topk": "BatchTopK",
    "jump_relu": "JumpReLU",
    "refined": "BatchTopK, refined",
    "default": "`SparseAutoencoder(target_l0=)` and nothing else",
    "torch_topk": "torch: TopK + aux-k",
    "torch_batch_topk": "torch: BatchTopK + aux-k",
    "torch_jump_relu": "torch: JumpReLU",
    "saelens_topk": "SAELens: TopK",
    "saelens_batch_topk": "SAELens: BatchTopK",
    "saelens_jump_relu": "SAELens: JumpReLU",
}
"""Methods in the order of the rows."""
DEFAULT = [method for method in TITLES if not method.startswith("saelens_")]
COLUMNS = {
    "explained": ("explained variance", 4),
    "explained_in_training": ("as in training", 4),
    "l0": ("L0", 1),
    "dead": ("dead units", 0),
    "seconds": ("seconds", 1),
}


def format_tables(records: Iterable[dict[str, Any]]) -> str:
    """One table for each data set and L0."""
    groups: dict[tuple[str, int], dict[str, list[dict[str, Any]]]] = {}
    for record in records:
        methods = groups.setdefault((record["data"], record["l0"]), {})
        methods.setdefault(record["method"], []).append(record["result"])
    return "\n".join(_format(f"{data}, L0 {l0}", groups[data, l0]) for data, l0 in sorted(groups))


def _format(title: str, methods: dict[str, list[dict[str, Any]]]) -> str:
    head = [title, *(name for name, _ in COLUMNS.values()), "seeds"]
    rows = [head, ["---"] * len(head)]
    for method in sorted(methods, key=list(TITLES).index):
        results = methods[method]
        cells = (
            _mean([result[field] for result in results], digits)
            for field, (_, digits) in COLUMNS.items()
        )
        rows.append([TITLES[method], *cells, str(len(results))])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _mean(values: list[float], digits: int) -> str:
    mean = f"{np.mean(values):.{digits}f}"
    if len(values) < 2:
        return mean
    return f"{mean} ± {np.std(values, ddof=1) / np.sqrt(len(values)):.{digits}f}"
