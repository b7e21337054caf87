import keras
import numpy as np
import pytest

from keras_sparse.losses import ReconstructionError


@pytest.mark.parametrize("shape", [(7, 5), (7, 4, 3), (7, 4, 3, 2)])
@pytest.mark.parametrize("weighted", [False, True])
def test_it_is_the_mean_over_features_and_the_weighted_mean_over_rows(
    shape: tuple[int, ...], weighted: bool, rng: np.random.Generator
) -> None:
    x, x_hat = rng.normal(size=shape), rng.normal(size=shape)
    weights = rng.random(7) if weighted else None
    errors = ((x - x_hat) ** 2).reshape(7, -1).mean(1)
    found = float(ReconstructionError()(x, x_hat, sample_weight=weights))
    assert found == pytest.approx(np.average(errors, weights=weights), rel=1e-5)


def test_round_trip() -> None:
    loss = ReconstructionError(reduction="sum", name="error")
    config = keras.saving.serialize_keras_object(loss)
    assert config["registered_name"] == "keras_sparse>ReconstructionError"
    assert keras.saving.deserialize_keras_object(config).get_config() == loss.get_config()
