"""The families of keras_sparse, through its public API."""

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_sparse import KL, L1, BatchTopK, JumpReLU, SparseAutoencoder, TopK
from keras_sparse.training.model.learning_rate import DECAY as DECAY_OF_PENALTIES
from keras_sparse.training.model.learning_rate import Trapezoid
from quality.frontier.data import Data
from quality.frontier.measure import DECAY, Budget, Coder

METHODS: dict[str, Callable[[int, Data], dict[str, Any]]] = {
    "l1": lambda k, data: {"sparsity": L1(1e-3), "target_l0": k},
    "kl": lambda k, data: {"sparsity": KL(k / data.units, 1 / data.x.shape[1])},
    "topk": lambda k, data: {"sparsity": TopK(k)},
    "batch_topk": lambda k, data: {"sparsity": BatchTopK(k), "refine": 0},
    "jump_relu": lambda k, data: {"sparsity": JumpReLU(k)},
    "refined": lambda k, data: {"sparsity": BatchTopK(k), "refine": 1},
    "default": lambda k, data: {"target_l0": k, "normalization": "auto"},
}
"""Arguments of `SparseAutoencoder` for an L0 of k. `default` has a learning rate of its own."""


def fit(name: str, data: Data, k: int, seed: int, rate: float, budget: Budget) -> Coder:
    """Train a family. Validation rows serve to calibrate thresholds and to reach the L0."""
    keras.utils.set_random_seed(seed)
    arguments = {"normalization": None, **METHODS[name](k, data)}
    model = SparseAutoencoder(data.x.shape[1], data.units, **arguments)
    steps = budget.epochs * math.ceil(len(data.x) / budget.batch)
    decay = DECAY if model.count_activation is not None else DECAY_OF_PENALTIES
    model.compile(keras.optimizers.Adam(Trapezoid(rate, steps, decay=decay)) if rate else "auto")
    model.fit(
        data.x,
        epochs=budget.epochs,
        batch_size=budget.batch,
        validation_data=data.x_val,
        verbose=0,
    )
    if name == "kl":
        threshold = find_threshold(model.encode(data.x_val), k)

        def encode(x: np.ndarray) -> np.ndarray:
            codes = model.encode(x)
            return np.where(codes > threshold, codes, 0)

        return Coder(encode, model.decode, model.encode)

    def encode_in_training(x: np.ndarray) -> np.ndarray:
        parts = np.array_split(x, max(1, len(x) // budget.batch))
        codes = [model.encoder(part, training=True) for part in parts]
        return np.concatenate([keras.ops.convert_to_numpy(part) for part in codes])

    by_count = model.count_activation is not None
    return Coder(model.encode, model.decode, encode_in_training if by_count else None)


def find_threshold(codes: np.ndarray, k: int) -> float:
    """The threshold that leaves k codes of a row active, in the mean."""
    ordered = np.sort(codes, axis=None)[::-1]
    return float(ordered[min(k * len(codes), ordered.size - 1)])
