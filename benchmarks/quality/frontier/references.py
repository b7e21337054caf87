"""Torch references, as their papers and libraries define them.

- `torch_topk`: k largest of a row, with an auxiliary loss in which 512 or fewer dead units explain
  the error. L. Gao et al., "Scaling and evaluating sparse autoencoders", 2024, and OpenAI's code.
- `torch_batch_topk`: k·B largest of a batch, with the same auxiliary loss; outside training a
  moving mean of the smallest kept value is the threshold. B. Bussmann et al., "BatchTopK Sparse
  Autoencoders", 2024.
- `torch_jump_relu`: a threshold for each unit, trained with a rectangular kernel, and a quadratic
  penalty on the L0. S. Rajamanoharan et al., "Jumping Ahead", 2024; bandwidth and first threshold
  are the defaults of SAELens.

After the training, thresholds are shifted to the asked L0 on the validation rows, as ours are.

All have tied first weights, decoder rows of unit norm, without the part of the gradient along them,
and a bias that is subtracted from the rows and added to the reconstructions.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from keras_sparse.sparsity.by_count.cut import find_thresholds
from quality.frontier.data import Data
from quality.frontier.measure import Budget, Coder, share_of_peak

AUXILIARY, AUXILIARY_UNITS = 1 / 32, 512
DEAD_AFTER = 1.0
"""Epochs without activity after which a unit counts as dead."""
MOMENTUM = 0.99
BANDWIDTH, FIRST_THRESHOLD = 0.05, 0.01


class Reference(nn.Module):
    """An autoencoder with one hidden layer; a subclass says which codes are active."""

    def __init__(self, features: int, units: int, k: int) -> None:
        super().__init__()
        self.k = k
        rows = nn.functional.normalize(torch.randn(units, features), dim=1)
        self.decoder = nn.Parameter(rows)
        self.encoder = nn.Parameter(rows.T.clone())
        self.bias = nn.Parameter(torch.zeros(units))
        self.centre = nn.Parameter(torch.zeros(features))

    def pre_activations(self, x: Tensor) -> Tensor:
        return (x - self.centre) @ self.encoder + self.bias

    def decode(self, codes: Tensor) -> Tensor:
        return codes @ self.decoder + self.centre

    def activate(self, z: Tensor, training: bool) -> Tensor:
        raise NotImplementedError

    def extra_loss(self, x: Tensor, z: Tensor, codes: Tensor, error: Tensor) -> Tensor:
        return torch.zeros(())

    def calibrate(self, z: Tensor) -> None:
        """Shift thresholds, if there are any, so that the mean L0 of some rows is k."""


class TopK(Reference):
    """The k largest codes of a row."""

    def __init__(self, features: int, units: int, k: int, steps_per_epoch: int) -> None:
        super().__init__(features, units, k)
        self.dead_after = DEAD_AFTER * steps_per_epoch
        self.silent = torch.zeros(units)

    def activate(self, z: Tensor, training: bool) -> Tensor:
        values, places = z.topk(self.k, dim=1)
        return torch.zeros_like(z).scatter(1, places, values.relu())

    def extra_loss(self, x: Tensor, z: Tensor, codes: Tensor, error: Tensor) -> Tensor:
        """The share of the error that the largest codes of dead units leave unexplained."""
        self.silent = torch.where((codes > 0).any(dim=0), 0.0, self.silent + 1)
        dead = self.silent > self.dead_after
        count = min(AUXILIARY_UNITS, z.shape[1] // 2, int(dead.sum()))
        if not count:
            return torch.zeros(())
        values, places = z.masked_fill(~dead, -torch.inf).topk(count, dim=1)
        auxiliary = torch.zeros_like(z).scatter(1, places, values.relu())
        error = error.detach()
        left = (auxiliary @ self.decoder - error).square().mean()
        return AUXILIARY * torch.nan_to_num(left / error.square().mean())


class BatchTopK(TopK):
    """The k·B largest codes of a batch."""

    threshold = 0.0
    seen = 0.0

    def activate(self, z: Tensor, training: bool) -> Tensor:
        codes = z.relu()
        if not training:
            return torch.where(codes > self.threshold / max(self.seen, 1e-9), codes, 0.0)
        flat = codes.flatten()
        values, places = flat.topk(self.k * len(z))
        kept = values[values > 0]
        if self.training and len(kept):
            self.threshold = MOMENTUM * self.threshold + (1 - MOMENTUM) * kept[-1].item()
            self.seen = MOMENTUM * self.seen + 1 - MOMENTUM
        return torch.zeros_like(flat).scatter(0, places, values).view_as(codes)

    def calibrate(self, z: Tensor) -> None:
        trained = torch.tensor(self.threshold / max(self.seen, 1e-9))
        self.threshold, self.seen = shift_thresholds(z.numpy(), self.k, trained).item(), 1.0


class JumpReLU(Reference):
    """Codes above the threshold of their unit."""

    def __init__(self, features: int, units: int, k: int, steps_per_epoch: int) -> None:
        super().__init__(features, units, k)
        self.log_threshold = nn.Parameter(torch.full((units,), float(np.log(FIRST_THRESHOLD))))

    def activate(self, z: Tensor, training: bool) -> Tensor:
        return _Jump.apply(z.relu(), self.log_threshold.exp())

    def extra_loss(self, x: Tensor, z: Tensor, codes: Tensor, error: Tensor) -> Tensor:
        l0 = _Step.apply(z.relu(), self.log_threshold.exp()).sum(dim=1).mean()
        return (l0 / self.k - 1).square()

    def calibrate(self, z: Tensor) -> None:
        thresholds = shift_thresholds(z.numpy(), self.k, self.log_threshold.exp())
        self.log_threshold.copy_(thresholds.clamp_min(1e-30).log())


def shift_thresholds(z: np.ndarray, k: int, thresholds: Tensor) -> Tensor:
    """Add one number to thresholds so that the mean L0 of some pre-activations is k."""
    return torch.from_numpy(np.asarray(find_thresholds(z, k, thresholds.detach().numpy())))


def _near(z: Tensor, threshold: Tensor) -> Tensor:
    """The rectangular kernel: `1/ε` where z is within ε/2 of θ."""
    return ((z - threshold).abs() < BANDWIDTH / 2).to(z.dtype) / BANDWIDTH


class _Jump(torch.autograd.Function):
    """`z · 1[z > θ]`; θ has the gradient `−θ` times the kernel."""

    @staticmethod
    def forward(context: Any, z: Tensor, threshold: Tensor) -> Tensor:
        context.save_for_backward(z, threshold)
        return z * (z > threshold)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        z, threshold = context.saved_tensors
        slope = -threshold * _near(z, threshold) * gradient
        return gradient * (z > threshold), slope.sum(dim=0)


class _Step(torch.autograd.Function):
    """`1[z > θ]`; θ has the gradient of minus the kernel, z has none."""

    @staticmethod
    def forward(context: Any, z: Tensor, threshold: Tensor) -> Tensor:
        context.save_for_backward(z, threshold)
        return (z > threshold).to(z.dtype)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[None, Tensor]:
        z, threshold = context.saved_tensors
        return None, -(_near(z, threshold) * gradient).sum(dim=0)


METHODS = {"torch_topk": TopK, "torch_batch_topk": BatchTopK, "torch_jump_relu": JumpReLU}


def fit(name: str, data: Data, k: int, seed: int, rate: float, budget: Budget) -> Coder:
    """Train a reference."""
    torch.manual_seed(seed)
    x = torch.from_numpy(data.x)
    steps_per_epoch = max(1, len(x) // budget.batch)
    model = METHODS[name](x.shape[1], data.units, k, steps_per_epoch)
    optimizer = torch.optim.Adam(model.parameters(), rate)
    steps = budget.epochs * steps_per_epoch
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda t: share_of_peak(t, steps))
    for _ in range(budget.epochs):
        order = torch.randperm(len(x))
        for batch in range(steps_per_epoch):
            rows = x[order[batch * budget.batch : (batch + 1) * budget.batch]]
            z = model.pre_activations(rows)
            codes = model.activate(z, training=True)
            error = rows - model.decode(codes)
            loss = error.square().mean() + model.extra_loss(rows, z, codes, error)
            optimizer.zero_grad()
            loss.backward()
            _remove_part_along_rows(model.decoder)
            optimizer.step()
            schedule.step()
            with torch.no_grad():
                model.decoder.copy_(nn.functional.normalize(model.decoder, dim=1))
    model.eval()
    with torch.no_grad():
        model.calibrate(model.pre_activations(torch.from_numpy(data.x_val)))

    @torch.no_grad()
    def encode(x: np.ndarray, training: bool = False) -> np.ndarray:
        parts = torch.from_numpy(x).split(budget.batch)
        codes = [model.activate(model.pre_activations(part), training) for part in parts]
        return torch.cat(codes).numpy()

    @torch.no_grad()
    def decode(codes: np.ndarray) -> np.ndarray:
        return model.decode(torch.from_numpy(codes)).numpy()

    return Coder(encode, decode, lambda x: encode(x, training=True))


def _remove_part_along_rows(decoder: nn.Parameter) -> None:
    assert decoder.grad is not None
    with torch.no_grad():
        decoder.grad -= (decoder.grad * decoder).sum(dim=1, keepdim=True) * decoder
