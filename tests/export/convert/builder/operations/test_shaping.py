import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from keras_sparse_export.errors import ConversionError
from models import graph, require_agreement

OPERATIONS: list[Callable[[Any], Any]] = [
    lambda x: ops.reshape(x, (-1, 6, 4)),
    lambda x: ops.reshape(ops.reshape(x, (-1, 4)) * 2, (-1, 12, 2)),
    lambda x: ops.transpose(x, (0, 3, 1, 2)),
    lambda x: ops.moveaxis(x, 1, -1) + ops.swapaxes(ops.swapaxes(x, 1, -1), 1, 2),
    lambda x: ops.expand_dims(x, -1),
    lambda x: ops.squeeze(ops.expand_dims(x, 2), 2) + ops.squeeze(x[:, :1], 1)[:, None],
    lambda x: ops.concatenate([x, 2 * x], axis=2),
    lambda x: ops.stack([x, 2 * x], axis=-1),
    lambda x: ops.concatenate(ops.split(x, 2, axis=-1)[::-1], -1),
    lambda x: ops.concatenate(ops.split(x, [1, 3], axis=-1)[::-1], -1),
    lambda x: ops.add(*ops.unstack(x, axis=2)[:2]),
    lambda x: ops.flip(x, axis=(1, 3)),
    lambda x: ops.roll(x, 1, axis=1) + ops.roll(x, (-1, 2), axis=(2, 3)),
    lambda x: ops.tile(x, (1, 2, 1, 3)),
    lambda x: ops.repeat(x, 2, axis=2),
    lambda x: ops.pad(x, ((0, 0), (1, 2), (0, 1), (0, 0)), constant_values=2.0),
    lambda x: ops.pad(x, ((0, 0), (1, 1), (0, 1), (2, 0)), mode="reflect"),
    lambda x: ops.take(x, np.array([2, 0]), axis=2),
    lambda x: ops.take(x, 1, axis=-1),
    lambda x: ops.top_k(x, 2)[0] + ops.cast(ops.top_k(x, 2)[1], "float32"),
]


def join(parts: list[Any]) -> Any:
    return ops.concatenate([ops.reshape(part, (-1, *flat(part))) for part in parts], -1)


def flat(part: Any) -> tuple[int]:
    return (math.prod(part.shape[1:]),)


@pytest.mark.parametrize("half", [0, 1])
def test_values_are_selected_moved_and_joined(half: int) -> None:
    require_agreement(graph((2, 3, 4), lambda x: join([f(x) for f in OPERATIONS[half::2]])))


KEYS = [
    np.s_[:, 0], np.s_[:, -1], np.s_[:, 1:], np.s_[:, :-1], np.s_[:, ::2], np.s_[:, -1:],
    np.s_[..., 0], np.s_[..., 1:3], np.s_[:, 0, ..., -1], np.s_[:, None], np.s_[:, 1, None, 2],
    np.s_[:, 1:, 0:2, :],
]  # fmt: skip


def test_slices() -> None:
    require_agreement(graph((2, 3, 4), lambda x: join([x[key] for key in KEYS])))


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="torch has no negative steps")
def test_slices_of_negative_steps() -> None:
    require_agreement(
        graph((2, 3, 4), lambda x: join([x[:, ::-1], x[:, 1:, 2:0:-1, :], x[..., -2::-2]]))
    )


@pytest.mark.parametrize(
    ("compute", "received"),
    [
        (lambda x: ops.roll(x, 1), "axis=None of operation `roll"),
        (lambda x: ops.pad(x, ((0, 0), (1, 1)), mode="symmetric"), "mode='symmetric' of operation"),
        (lambda x: ops.flip(x), "axis=None, which includes the batch"),
    ],
)
def test_what_is_not_known_is_refused_by_name(compute: Any, received: str) -> None:
    with pytest.raises(ConversionError, match=received):
        require_agreement(graph((4,), compute))
