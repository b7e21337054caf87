from typing import Any

import keras
import numpy as np
from keras import layers, ops

from keras_sparse import SparseAutoencoder


class GivenLosses(layers.Layer):
    """Adds losses that a test holds, one in each call."""

    losses_of_calls: list[Any] | None = None

    def call(self, x: Any) -> Any:
        if self.losses_of_calls:
            self.add_loss(self.losses_of_calls.pop(0))
        return x


def test_a_loss_with_the_id_of_an_earlier_one_is_counted() -> None:
    """What happens now and then: the memory of a loss of the last step is used again."""
    first, again, last = (ops.convert_to_tensor(value) for value in (1.0, 2.0, 4.0))
    parts = [GivenLosses(), GivenLosses()]
    encoder = keras.Sequential([keras.Input((3,)), layers.Dense(2), parts[0]])
    decoder = keras.Sequential([keras.Input((2,)), layers.Dense(3), parts[1]])
    model = SparseAutoencoder.from_models(encoder, decoder)
    for part, losses in zip(parts, ([first, again], [again, last]), strict=True):
        part.losses_of_calls = losses
    trainable, others = (
        [variable.value for variable in variables]
        for variables in (model.trainable_variables, model.non_trainable_variables)
    )
    sums = []
    for _ in range(2):
        *_, found = model.stateless_call(
            trainable, others, np.ones((2, 3), np.float32), return_losses=True
        )
        sums.append(float(sum(found)))
    assert sums == [3.0, 6.0]
