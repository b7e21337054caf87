from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from keras_sparse_export.errors import ConversionError
from models import graph, require_agreement


def test_a_nested_model_of_several_inputs_and_outputs() -> None:
    a, b = keras.Input((4,), name="a"), keras.Input((3,), name="b")
    both = layers.Concatenate()([a, b])
    inner = keras.Model({"a": a, "b": b}, [layers.Dense(2)(both), layers.Dense(5)(both)])

    def compute(x: Any) -> Any:
        first, second = inner({"a": x, "b": layers.Dense(3)(x)})
        again, _ = inner({"a": 2 * x, "b": second[:, :3]})
        return layers.Concatenate()([first, second, again])

    require_agreement(graph((4,), compute))


def test_a_nested_model_called_in_another_structure_is_refused() -> None:
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    inner = keras.Model([a, b], layers.Subtract()([a, b]), name="both")
    model = graph((4,), lambda x: inner({"b": layers.Dense(4)(x), "a": x}))
    with pytest.raises(ConversionError, match="another one for model `both`"):
        require_agreement(model)


@pytest.mark.parametrize("constant", [keras.ops.ones, np.ones])
def test_constants_among_the_inputs(constant: Any) -> None:
    def compute(x: Any) -> Any:
        return layers.Add()([layers.Dense(8)(x), 2 * constant((1, 8), dtype="float32")])

    require_agreement(graph((6,), compute))


def test_an_operation_of_ones_own_is_not_taken_for_one_of_keras() -> None:
    class Own(keras.Operation):
        def call(self, x: Any) -> Any:
            return x

        def compute_output_spec(self, x: Any) -> Any:
            return keras.KerasTensor(x.shape, x.dtype)

    own = Own(name="mine")
    Own.__name__ = "Abs"  # an operation of Keras has this name
    with pytest.raises(ConversionError, match="operation `mine` of class Abs"):
        require_agreement(graph((6,), lambda x: own(x)))
