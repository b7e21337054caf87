import json
import random
from typing import Any

import keras
import numpy as np
import pytest

from keras_sparse.training.checkpoint.serialization import (
    LARGE,
    NotSerializableError,
    digest,
    pack,
    unpack,
)

VALUES = [
    None,
    True,
    3,
    2**90,
    0.1,
    float("inf"),
    "text",
    [1, [2.5, None]],
    (1, ("a", 2)),
    {"a", "b"},
    {"a": 1, 2: {"b": (3,)}},
    np.arange(6).reshape(2, 3),
    np.float32(0.1),
    np.array(["a", "bc"]),
    [np.zeros(2), {"x": np.ones((), np.int8)}],
    random.getstate(),
    [keras.ops.less],
]


def there_and_back(value: Any) -> Any:
    arrays: dict[str, np.ndarray] = {}
    text = json.dumps(pack(value, arrays))
    return unpack(json.loads(text), arrays)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_comes_back_as_it_was(value: Any) -> None:
    found = there_and_back(value)
    assert type(found) is type(value)
    np.testing.assert_equal(found, value)
    assert getattr(found, "dtype", None) == getattr(value, "dtype", None)
    assert digest(found) == digest(value)


def test_the_order_in_which_a_set_was_filled_does_not_tell() -> None:
    one, other = {0, 8}, {8, 0}
    assert list(one) != list(other)
    assert digest(one) == digest(other)


@pytest.mark.parametrize("name", ["PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"])
def test_a_random_generator_goes_on_where_it_was(name: str) -> None:
    generator = np.random.Generator(getattr(np.random, name)(3))
    generator.random(5)
    before = digest(generator)
    found = there_and_back([generator])[0]
    assert digest(found) == before
    np.testing.assert_array_equal(found.random(9), generator.random(9))
    assert digest(found) != before


@pytest.mark.parametrize(
    "value", [print, object(), [1, {"a": print}], np.array([None]), np.zeros(2, "i4,f4")]
)
def test_anything_else_is_left_alone(value: Any) -> None:
    assert digest(value) is None
    with pytest.raises(NotSerializableError):
        pack(value, {})


def test_no_other_class_is_made_from_a_file() -> None:
    with pytest.raises(NotSerializableError, match="a random generator Popen"):
        unpack({"generator": {"dict": [["bit_generator", "Popen"]]}}, {})


def test_a_change_within_a_value_is_seen() -> None:
    value = {"best": [np.zeros(3), np.zeros(3)]}
    before = digest(value)
    value["best"][1][2] = 1e-30
    assert digest(value) != before
    large = np.zeros(LARGE)  # eight times as many bytes
    before = digest(large)
    assert digest(large) == before
    assert digest(large.copy()) != before
    large += 1
    assert digest(large) != before
