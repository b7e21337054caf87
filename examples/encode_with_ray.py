"""Encode a Parquet data set on a Ray cluster, or on the cores of this machine.

python examples/encode_with_ray.py BUNDLE ROWS.parquet -o CODES [--id COLUMN] [--workers 2]
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import ray
import ray.data

from keras_sparse_export import Encoder

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("bundle", type=Path)
parser.add_argument("rows", type=Path, help="a Parquet file, or a folder of them")
parser.add_argument("-o", "--output", type=Path, required=True, help="folder for the codes")
parser.add_argument("--id", help="column to keep with the codes, because Ray changes the order")
parser.add_argument("--workers", type=int, default=2)
options = parser.parse_args()


class Encode:
    """A worker that opens the bundle once, then encodes batches."""

    def __init__(self, bundle: str, id_column: str | None) -> None:
        self._encoder = Encoder(bundle)  # checks hash and golden rows
        self._id = id_column

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, Any]:
        """Encode a batch of columns."""
        kept = {self._id: batch.pop(self._id)} if self._id else {}
        return {**kept, "code": self._encoder.encode(np.stack(list(batch.values()), axis=1))}


rows = ray.data.read_parquet(str(options.rows.resolve()))
codes = rows.map_batches(
    Encode,
    fn_constructor_args=(str(options.bundle.resolve()), options.id),
    batch_size=1024,
    compute=ray.data.ActorPoolStrategy(size=options.workers),
    num_cpus=0.5,  # workers on whole cores could leave none to read the rows
)
codes.write_parquet(str(options.output.resolve()))
print(f"Wrote the codes of {codes.count()} rows to {options.output}")
