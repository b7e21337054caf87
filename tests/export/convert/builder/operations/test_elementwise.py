from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from keras_sparse_export.convert.builder.operations import elementwise
from keras_sparse_export.errors import ConversionError
from models import draw, graph, require_agreement

ROW = np.linspace(-1.0, 1.0, 6, dtype=np.float32)
FUNCTIONS = [
    "abs absolute ceil cos cosh erf exp exp2 expm1 floor sigmoid sign sin sinh softplus softsign",
    "tan tanh arcsinh arctan square negative round copy stop_gradient zeros_like ones_like deg2rad",
    "relu relu6 silu selu hard_tanh hard_sigmoid hard_silu hard_shrink soft_shrink tanh_shrink",
    "log_sigmoid sparse_plus sparse_sigmoid squareplus celu elu gelu leaky_relu rad2deg",
]
POSITIVE = "log log2 log10 log1p sqrt rsqrt reciprocal arccosh"
BINARY = "add subtract multiply divide true_divide maximum minimum mod floor_divide power"
COMPARISONS = "equal not_equal less less_equal greater greater_equal"


def find(name: str) -> Callable[..., Any]:
    return getattr(ops, name, None) or getattr(keras.activations, name)


def compute_all(names: str) -> Callable[[Any], Any]:
    return lambda x: ops.concatenate([find(name)(2.3 * x) for name in names.split()], -1)


@pytest.mark.parametrize("names", FUNCTIONS)
def test_functions_of_one_tensor(names: str) -> None:
    require_agreement(graph((6,), compute_all(names)))


def test_functions_of_positive_numbers() -> None:
    require_agreement(graph((6,), lambda x: compute_all(POSITIVE)(ops.abs(x) + 1.2)))


def test_functions_of_numbers_around_zero() -> None:
    names = "arccos arcsin arctanh"
    require_agreement(graph((6,), lambda x: compute_all(names)(ops.tanh(x) / 2.4)))


def test_functions_of_two_tensors() -> None:
    def compute(x: Any) -> Any:
        y, parts = ops.abs(ops.flip(x, -1)) + 0.5, []
        for name in BINARY.split():
            parts += [find(name)(y, x), find(name)(y, ROW), find(name)(2.5, y)]
        return ops.concatenate(parts, -1)

    x = draw((6,))
    require_agreement(graph((6,), compute), np.where(np.abs(x) < 0.1, 0.5, x))


def test_comparisons() -> None:
    def compute(x: Any) -> Any:
        parts = []
        for name in COMPARISONS.split():
            parts.append(ops.where(find(name)(x, ops.flip(x, -1)), x, 0.5))
            parts.append(ops.cast(find(name)(x, 1.0), "float32"))
        return ops.concatenate(parts, -1)

    require_agreement(graph((6,), compute), np.round(draw((6,))))


OPTIONS: list[Callable[[Any], Any]] = [
    lambda x: ops.where(ops.logical_and(x > 0, ops.logical_not(x > 1)), 1.5, x),
    lambda x: ops.where(ops.logical_or(x > 1, x < -1), x, 0.0),
    lambda x: ops.where(ops.logical_xor(x > 0, x > 1), x, -x),
    lambda x: ops.where(ops.isnan(x), 1.0, x) + ops.cast(ops.isinf(x), "float32"),
    lambda x: ops.glu(x) + ops.glu(x, axis=1),
    lambda x: ops.clip(x, -0.5, 0.7),
    lambda x: ops.gelu(x, approximate=True) + ops.gelu(x, approximate=False),
    lambda x: ops.leaky_relu(x, negative_slope=0.3) + ops.elu(x, alpha=0.7),
    lambda x: ops.celu(x, alpha=0.7) + ops.threshold(x, 0.3, -2.0),
    lambda x: keras.activations.relu(x, negative_slope=0.1, max_value=0.5),
    lambda x: ops.cast(ops.cast(3 * x, "int32") // 2, "float32") + 0.1 * x,
    lambda x: ops.cast(ops.cast(5 * x, "int32") % 3 + ops.cast(x, "int32"), "float32"),
    lambda x: ops.cast(3 * x, "int32") / 2,
]


def test_options_and_types() -> None:
    require_agreement(graph((6,), lambda x: ops.concatenate([each(x) for each in OPTIONS], -1)))


def test_operators_of_python_and_residuals() -> None:
    def compute(x: Any) -> Any:
        h = keras.layers.Dense(6)(x)
        return (x + h) * 0.5 - abs(-h) / (1.0 + x**2)

    require_agreement(graph((6,), compute))


@pytest.mark.parametrize(
    ("compute", "received"),
    [
        (lambda x: ops.round(x, decimals=1), "decimals=1 of operation `round"),
        (lambda x: keras.activations.relu(x, threshold=0.5), r"threshold=0.5 of operation"),
        (lambda x: ops.erfinv(ops.tanh(x)), "operation `erfinv` of class Erfinv"),
    ],
)
def test_what_is_not_known_is_refused_by_name(compute: Any, received: str) -> None:
    with pytest.raises(ConversionError, match=received):
        require_agreement(graph((6,), compute))


def test_every_row_of_the_table_is_an_operation_of_keras() -> None:
    """A misspelt name would never be found."""
    names = {name.replace("_", "").lower() for name in (*dir(ops), *dir(keras.activations))}
    assert {name.lower() for name in elementwise.OPERATIONS} <= names
