"""Encoders with branches that are merged, and with operations of `keras.ops` between layers."""

from typing import Any

import keras
from keras import layers, ops

from robustness.zoo.entry import EVERYWHERE, register_graphs

MERGES, OPS = "merges", "keras.ops"


def _merge(make: Any) -> Any:
    return lambda x: make()([layers.Dense(8)(x), layers.Dense(8, "tanh")(x)])


def _residual(x: Any) -> Any:
    h = layers.Dense(12, "relu")(x)
    return x + h


def _gated(x: Any) -> Any:
    return layers.Dense(8)(x) * keras.activations.sigmoid(layers.Dense(8)(x))


def _with_broadcast(x: Any) -> Any:
    return layers.Add()([layers.Reshape((3, 4))(x), layers.Dense(4)(x)])


register_graphs(
    MERGES,
    (12,),
    {
        "add": _merge(layers.Add),
        "concatenate": _merge(layers.Concatenate),
        "residual_plus": _residual,
    },
    backends=EVERYWHERE,
)
register_graphs(
    MERGES,
    (12,),
    {
        "multiply": _merge(layers.Multiply),
        "average": _merge(layers.Average),
        "maximum": _merge(layers.Maximum),
        "dot": _merge(lambda: layers.Dot(1)),
        "add_of_two_ranks": _with_broadcast,
        "gated_product": _gated,
    },
)


def _standardize(x: Any) -> Any:
    mean = ops.mean(x, axis=-1, keepdims=True)
    return (x - mean) / ops.sqrt(ops.var(x, axis=-1, keepdims=True) + 1e-5)


def _split(x: Any) -> Any:
    first, second = ops.split(x, 2, axis=-1)
    return ops.concatenate([first * second, ops.stack([first, second], axis=1)[:, 0]], axis=-1)


register_graphs(
    OPS,
    (12,),
    {
        "ops_arithmetic": lambda x: ops.tanh(2.0 * x - 1.0) / 3.0,
        "ops_standardize": _standardize,
        "ops_slice": lambda x: x[:, 2:8],
    },
    backends=EVERYWHERE,
)
register_graphs(
    OPS,
    (12,),
    {
        "ops_activation": lambda x: ops.relu(layers.Dense(8)(x)),
        "ops_where": lambda x: ops.where(x > 0, x, 0.1 * x),
        "ops_norm": lambda x: ops.normalize(x, axis=-1),
        "ops_split_stack": _split,
        "ops_reductions": lambda x: ops.concatenate(
            [ops.sum(x, -1, keepdims=True), ops.max(x, -1, keepdims=True),
             ops.std(x, -1, keepdims=True)], axis=-1),
        "ops_matmul": lambda x: ops.matmul(
            ops.reshape(x, (-1, 3, 4)), ops.transpose(ops.reshape(x, (-1, 3, 4)), (0, 2, 1))
        ),
        "ops_einsum": lambda x: ops.einsum("bi,bj->bij", x, x),
        "ops_top_k": lambda x: ops.top_k(x, 4)[0],
        "ops_cumsum": lambda x: ops.cumsum(x, axis=-1),
    },
)  # fmt: skip
