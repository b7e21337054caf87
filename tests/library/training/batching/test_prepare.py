import math

import numpy as np
import pytest

from keras_sparse.training.batching import prepare

X = np.zeros((5000, 2), np.float32)


@pytest.mark.parametrize(
    ("batch_size", "validation_batch_size", "validation_steps", "expected"),
    [
        (None, None, None, 1024),
        (64, None, None, 1024),
        (1500, None, None, 1500),  # never smaller than a batch of the training
        (1500, 100, None, 100),
        (64, None, 3, 64),  # so that the steps are as many rows as in Keras
        (None, None, 3, 32),
        (1500, None, 3, 1500),
    ],
)
def test_the_batch_size_of_validation(
    batch_size: int | None,
    validation_batch_size: int | None,
    validation_steps: int | None,
    expected: int,
) -> None:
    training, held_out = prepare.make_fit_batches(
        X,
        None,
        None,
        (2,),
        batch_size=batch_size,
        shuffle=False,
        validation_split=0.5,
        validation_data=None,
        validation_batch_size=validation_batch_size,
        validation_steps=validation_steps,
    )
    assert (training.batch_size, held_out.batch_size) == (batch_size or 32, expected)
    assert held_out.batches_per_pass == math.ceil(2500 / expected)
    assert len(held_out) == min(held_out.batches_per_pass, validation_steps or math.inf)
