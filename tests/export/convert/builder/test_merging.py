from typing import Any

import pytest
from keras import layers

from models import graph, require_agreement

KINDS = [
    layers.Add, layers.Average, layers.Maximum, layers.Minimum, layers.Multiply, layers.Subtract,
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_inputs_are_merged_as_keras_broadcasts_them(kind: Any) -> None:
    def compute(x: Any) -> Any:
        row = layers.Dense(4)(layers.Flatten()(x))
        others = [] if kind is layers.Subtract else [layers.Dense(1)(x)]
        return kind()([x, row, *others])

    require_agreement(graph((3, 4), compute))


def test_axes_of_a_concatenation() -> None:
    require_agreement(graph((3, 4), lambda x: layers.Concatenate(axis=1)([x, layers.Dense(4)(x)])))


@pytest.mark.parametrize(
    ("shape", "axes"), [((4,), 1), ((3, 4), 2), ((3, 4), (1, 1)), ((3, 3), (1, 2)), ((2, 3, 4), 3)]
)
@pytest.mark.parametrize("normalize", [False, True])
def test_dot_products(shape: tuple[int, ...], axes: Any, normalize: bool) -> None:
    def compute(x: Any) -> Any:
        return layers.Dot(axes, normalize=normalize)([x, layers.Dense(shape[-1])(x)])

    require_agreement(graph(shape, compute))


def test_a_dot_product_of_a_matrix_and_a_row() -> None:
    def compute(x: Any) -> Any:
        return layers.Dot((2, 1))([x, layers.Dense(4)(layers.Flatten()(x))])

    require_agreement(graph((3, 4), compute))
