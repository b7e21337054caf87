from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from keras import ops

from keras_sparse_export.errors import ConversionError
from models import draw, graph, require_agreement

WEIGHTS = draw((4,))[:4]


PRODUCTS: list[Callable[[Any], Any]] = [
    lambda x: x @ WEIGHTS,
    lambda x: ops.matmul(x, ops.transpose(x, (0, 2, 1))),
    lambda x: ops.dot(x, WEIGHTS),
    lambda x: ops.einsum("bij,jk->bik", x, WEIGHTS),
    lambda x: ops.einsum("bij,bkj->bik", x, x),
    lambda x: ops.einsum("bij->bji", x),
    lambda x: ops.tensordot(x, WEIGHTS, axes=1),
    lambda x: ops.tensordot(x, WEIGHTS, axes=[[2], [1]]),
]


def test_products() -> None:
    def compute(x: Any) -> Any:
        products = [f(x) for f in PRODUCTS]
        return ops.concatenate([ops.reshape(y, (-1, y.shape[1] * y.shape[2])) for y in products], 1)

    require_agreement(graph((3, 4), compute))


@pytest.mark.parametrize(
    ("compute", "received"),
    [
        (lambda x: ops.einsum("bij,jk,kl->bil", x, WEIGHTS, WEIGHTS), "3 operands of operation"),
        (lambda x: ops.dot(x, np.ones((2, 4, 3), "float32")), "an input of 3 axes of operation"),
    ],
)
def test_what_is_not_known_is_refused_by_name(compute: Any, received: str) -> None:
    with pytest.raises(ConversionError, match=received):
        require_agreement(graph((3, 4), compute))
