from collections.abc import Callable
from typing import Any

import keras
import pytest
from keras import ops

from keras_sparse_export.errors import ConversionError
from models import graph, require_agreement

OVER_AXES = ["mean", "sum", "max", "min", "prod", "amax", "amin", "var", "std", "logsumexp"]


@pytest.mark.parametrize("opset", [17, 18])
def test_reductions(opset: int) -> None:
    def compute(x: Any) -> Any:
        parts = []
        for reduce in (getattr(ops, name) for name in OVER_AXES):
            parts += [reduce(x, axis=-1, keepdims=True) + 0 * x, reduce(x, axis=1)[:, None]]
            parts.append(reduce(x, axis=(1, 2), keepdims=True) + 0 * x[:, :1])
        return ops.concatenate(parts, 1)

    require_agreement(graph((3, 4), compute), opset=opset)


OTHERS: list[Callable[[Any], Any]] = [
    lambda x: ops.softmax(x, axis=1) + ops.log_softmax(x, axis=-1),
    lambda x: ops.cumsum(x, axis=1),
    lambda x: ops.normalize(x, axis=-1),
    lambda x: ops.concatenate(ops.moments(x, axes=[1]), -1)[:, None, :4],
    lambda x: ops.moments(x, axes=[1], keepdims=True)[1],
    lambda x: ops.cast(ops.argmax(x, axis=-1), "float32")[:, :, None] + 0 * x,
    lambda x: ops.cast(ops.argmin(x, axis=1, keepdims=True), "float32"),
    lambda x: ops.where(ops.any(x > 1, axis=-1, keepdims=True), x, 0.0),
    lambda x: ops.where(ops.all(x > -1, axis=1, keepdims=True), x, 0.0),
]


def test_others_over_an_axis() -> None:
    require_agreement(graph((3, 4), lambda x: ops.concatenate([f(x) for f in OTHERS], 1)))


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="Keras' own norm fails on JAX")
@pytest.mark.parametrize("order", [None, 2, 1])
def test_norms(order: int | None) -> None:
    require_agreement(graph((3, 4), lambda x: ops.norm(x, ord=order, axis=-1)))


@pytest.mark.parametrize(
    ("compute", "received"),
    [
        (lambda x: x - ops.mean(x, axis=0), r"axis=\[0\], which includes the batch,"),
        (lambda x: x - ops.sum(x), "axis=None, which includes the batch,"),
        (lambda x: ops.normalize(x, order=3), "order=3 of operation `normalize"),
    ],
)
def test_what_depends_on_other_rows_or_is_unknown_is_refused(compute: Any, received: str) -> None:
    with pytest.raises(ConversionError, match=received):
        require_agreement(graph((3, 4), compute))
