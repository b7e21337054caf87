"""SAELens itself: its training classes and its trainer, on the rows of the comparison.

`pip install sae-lens`, 6.54 or newer, in an environment of its own: it brings transformer-lens,
transformers and datasets. What is measured is the model that it saves for inference, with its
thresholds shifted to the asked L0 on the validation rows.
"""

import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from sae_lens import (
    SAE,
    BatchTopKTrainingSAE,
    BatchTopKTrainingSAEConfig,
    JumpReLUTrainingSAE,
    JumpReLUTrainingSAEConfig,
    TopKTrainingSAE,
    TopKTrainingSAEConfig,
)
from sae_lens.config import SAETrainerConfig
from sae_lens.training.sae_trainer import SAETrainer

from quality.frontier.data import Data
from quality.frontier.measure import DECAY, WARM_UP, Budget, Coder
from quality.frontier.references import shift_thresholds

METHODS: dict[str, Callable[[int, dict[str, Any]], Any]] = {
    "saelens_topk": lambda k, shape: TopKTrainingSAE(TopKTrainingSAEConfig(k=k, **shape)),
    "saelens_batch_topk": lambda k, shape: BatchTopKTrainingSAE(
        BatchTopKTrainingSAEConfig(k=k, **shape)
    ),
    "saelens_jump_relu": lambda k, shape: JumpReLUTrainingSAE(
        JumpReLUTrainingSAEConfig(jumprelu_sparsity_loss_mode="quadratic", target_l0=k, **shape)
    ),
}


def fit(name: str, data: Data, k: int, seed: int, rate: float, budget: Budget) -> Coder:
    """Train a method of SAELens, with the schedule that all methods have."""
    torch.manual_seed(seed)
    model = METHODS[name](k, {"d_in": data.x.shape[1], "d_sae": data.units})
    samples = budget.epochs * (len(data.x) // budget.batch) * budget.batch
    steps = samples // budget.batch
    settings = SAETrainerConfig(
        total_training_samples=samples,
        train_batch_size_samples=budget.batch,
        lr=rate,
        lr_end=rate / 1000,
        lr_warm_up_steps=round(WARM_UP * steps),
        lr_decay_steps=round(DECAY * steps),
        dead_feature_window=len(data.x) // budget.batch,
    )
    trained = SAETrainer(settings, model, _batches(data.x, budget.batch, seed)).fit()
    with tempfile.TemporaryDirectory() as folder:
        trained.save_inference_model(folder)
        saved = SAE.load_from_disk(folder)
    encode = _in_numpy(saved.encode, budget.batch)
    if hasattr(saved, "threshold"):
        thresholds = saved.threshold.detach().clone()
        saved.threshold.data.zero_()  # now it gives all positive pre-activations
        saved.threshold.data.copy_(shift_thresholds(encode(data.x_val), k, thresholds))
    return Coder(encode, _in_numpy(saved.decode, budget.batch))


def _batches(x: np.ndarray, size: int, seed: int) -> Iterator[torch.Tensor]:
    random = np.random.default_rng(seed)
    while True:
        order = random.permutation(len(x))
        for start in range(0, len(x) - size + 1, size):
            yield torch.from_numpy(x[order[start : start + size]])


def _in_numpy(
    function: Callable[[torch.Tensor], torch.Tensor], size: int
) -> Callable[[np.ndarray], np.ndarray]:
    @torch.no_grad()
    def apply(values: np.ndarray) -> np.ndarray:
        parts = torch.from_numpy(np.asarray(values, np.float32)).split(size)
        return torch.cat([function(part).to_dense() for part in parts]).numpy()

    return apply
