import keras
import numpy as np
import pytest

from keras_sparse import L1, SparseAutoencoder
from keras_sparse.metrics import functional


@pytest.mark.slow
def test_positions_of_convolutional_codes_are_not_rows(rng: np.random.Generator) -> None:
    layers = keras.layers
    encoder = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(5, 3, strides=2, padding="same", activation="relu", use_bias=False),
        ]
    )
    decoder = keras.Sequential(
        [keras.Input((4, 4, 5)), layers.Conv2DTranspose(1, 3, strides=2, padding="same")]
    )
    model = SparseAutoencoder.from_models(encoder, decoder, sparsity=L1(0.1))
    model.compile()
    x = rng.normal(size=(50, 8, 8, 1)).astype(np.float32)
    counts = np.arange(50) % 5 > 0
    for weights, kept in ((None, x), (np.where(counts, 0.5, 0.0), x[counts])):
        # 50 rows in batches of 16: the last is filled up.
        logs = model.evaluate(x, batch_size=16, sample_weight=weights, verbose=0, return_dict=True)
        codes, x_hat = (
            np.asarray(half) for half in (model.encode(kept), model.predict(kept, verbose=0))
        )
        flat = codes.reshape(-1, 5)
        assert logs["l0"] == pytest.approx((flat > 0).sum(axis=1).mean(), rel=1e-5)
        assert logs["mean_activation"] == pytest.approx(flat.mean(), rel=1e-5)
        assert logs["dead_fraction"] == np.mean(~(flat > 0).any(axis=0))
        assert logs["explained_variance"] == pytest.approx(
            functional.explained_variance(kept, x_hat), rel=1e-4
        )
