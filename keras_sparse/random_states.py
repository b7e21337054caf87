"""Where the random numbers of a program are: Python's, numpy's and, on torch, torch's own.

The other backends draw from variables of the model. Torch does not for a dropout without a seed.
"""

import random
from typing import Any

import keras
import numpy as np


def get() -> list[Any]:
    """The states, in values that `keras_sparse.plain` packs."""
    return [random.getstate(), np.random.get_state(legacy=False), _of_torch()]


def put(states: list[Any]) -> None:
    """Go on from states that `get` gave."""
    python, of_numpy, of_torch = states
    random.setstate(python)
    np.random.set_state(of_numpy)
    if of_torch is None:
        return
    import torch

    cpu, *cuda = (torch.from_numpy(state) for state in of_torch)
    torch.set_rng_state(cpu)
    if torch.cuda.is_available() and len(cuda) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(cuda)


def _of_torch() -> list[np.ndarray] | None:
    if keras.backend.backend() != "torch":
        return None
    import torch

    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return [state.numpy() for state in (torch.get_rng_state(), *cuda)]
