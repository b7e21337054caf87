from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from keras_sparse import KL, L1, L2, SparseAutoencoder


def test_the_halves_are_ordinary_models_with_mirrored_layers() -> None:
    model = SparseAutoencoder(12, 3, hidden_units=(9, 6), sparsity=L1(), normalization="minmax")
    widths = [
        [layer.units for layer in half.layers if isinstance(layer, keras.layers.Dense)]
        for half in (model.encoder, model.decoder)
    ]
    assert widths == [[9, 6, 3], [6, 9, 12]]
    assert model.encoder.output_shape == (None, 3)
    assert model.decoder.output_shape == (None, 12)


@pytest.mark.parametrize(
    ("sparsity", "activation", "threshold", "unit_norm"),
    [(L1(), "relu", 0.0, True), (KL(), "sigmoid", 0.1, False), (L2(), "relu", 0.0, False)],
)
def test_auto_follows_the_sparsity(
    sparsity: Any, activation: str, threshold: float, unit_norm: bool
) -> None:
    model = SparseAutoencoder(12, 6, sparsity=sparsity, normalization=None)
    assert model.encoder.layers[-1].activation.__name__ == activation
    assert model.threshold == threshold
    constraint = model.decoder.layers[1].kernel_constraint
    assert isinstance(constraint, keras.constraints.UnitNorm) == unit_norm


@pytest.mark.parametrize("activation", ["relu", "tanh", "linear", "softplus"])
def test_kl_refuses_codes_that_leave_0_to_1(activation: str) -> None:
    with pytest.raises(ValueError, match=r"`activation`.*'sigmoid'.*for KL.*Remedy: L1 for ReLU"):
        SparseAutoencoder(12, 6, sparsity=KL(), activation=activation, normalization=None)
    encoder = keras.Sequential([keras.Input((12,)), keras.layers.Dense(6, activation=activation)])
    decoder = keras.Sequential([keras.Input((6,)), keras.layers.Dense(12)])
    with pytest.raises(ValueError, match="argument `activation`"):
        SparseAutoencoder.from_models(encoder, decoder, sparsity=KL())


@pytest.mark.parametrize("last", [keras.layers.ReLU(), keras.layers.Activation("relu")])
def test_an_activation_that_is_a_layer_is_known(last: keras.layers.Layer) -> None:
    inner = keras.Sequential(
        [keras.Input((12,)), keras.layers.Dense(6), last, keras.layers.Dropout(0.1)]
    )
    encoder = keras.Sequential([keras.Input((12,)), inner])
    decoder = keras.Sequential([keras.Input((6,)), keras.layers.Dense(12)])
    assert SparseAutoencoder.from_models(encoder, decoder, sparsity=L1()).threshold == 0
    with pytest.raises(ValueError, match="argument `activation`"):
        SparseAutoencoder.from_models(encoder, decoder, sparsity=KL())


@pytest.mark.parametrize("activation", ["sigmoid", "hard_sigmoid", "softmax"])
def test_kl_takes_codes_within_0_to_1(activation: str) -> None:
    SparseAutoencoder(12, 6, sparsity=KL(), activation=activation, normalization=None)


def pooled(activation: str) -> tuple[keras.Model, keras.Model]:
    """Codes whose activation stands behind pooling, in a graph."""
    x = keras.Input((8, 8, 1))
    h = keras.layers.Conv2D(5, 3, padding="same", activation=activation)(x)
    encoder = keras.Model(x, keras.layers.AveragePooling2D(2, name="pool")(h))
    upsample, last = keras.layers.UpSampling2D(), keras.layers.Conv2D(1, 3, padding="same")
    return encoder, keras.Sequential([keras.Input((4, 4, 5)), upsample, last])


def test_codes_of_relu_behind_pooling_are_measured_at_zero(rng: np.random.Generator) -> None:
    model = SparseAutoencoder.from_models(*pooled("relu"), sparsity=L1())
    model.compile()
    x = rng.standard_normal((50, 8, 8, 1)) / 10
    codes = model.encode(x)
    assert model.threshold == 0
    assert 0 < (codes > 0.1).mean() < (codes > 0).mean() < 1
    logged = model.evaluate(x, verbose=0, return_dict=True)
    assert logged["l0"] == pytest.approx((codes > 0).sum(-1).mean())
    assert logged["dead_fraction"] == pytest.approx((codes == 0).all((0, 1, 2)).mean())


def test_kl_looks_through_pooling() -> None:
    SparseAutoencoder.from_models(*pooled("sigmoid"), sparsity=KL())
    for activation in ("relu", "tanh"):
        with pytest.raises(ValueError, match=r"for KL. Received: an encoder whose codes reach \["):
            SparseAutoencoder.from_models(*pooled(activation), sparsity=KL())


def convolutional() -> tuple[keras.Model, keras.Model]:
    encoder = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(4, 3, padding="same", activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(10, activation="sigmoid"),
        ]
    )
    decoder = keras.Sequential(
        [keras.Input((10,)), keras.layers.Dense(64), keras.layers.Reshape((8, 8, 1))]
    )
    return encoder, decoder


@keras.saving.register_keras_serializable(package="keras_sparse_tests")
class Transposed(keras.layers.Layer):
    """A dense layer with the transposed kernel of another."""

    def __init__(self, tied_to: keras.layers.Dense, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.tied_to = tied_to

    def call(self, h: Any) -> Any:
        return ops.matmul(h, ops.transpose(self.tied_to.kernel))

    def compute_output_shape(self, shape: Any) -> Any:
        return (*shape[:-1], self.tied_to.kernel.shape[0])

    def get_config(self) -> dict[str, Any]:
        tied_to = keras.saving.serialize_keras_object(self.tied_to)
        return {**super().get_config(), "tied_to": tied_to}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Transposed":
        config["tied_to"] = keras.saving.deserialize_keras_object(config["tied_to"])
        return cls(**config)


def tied() -> tuple[keras.Model, keras.Model]:
    dense = keras.layers.Dense(6, activation="sigmoid", name="code")
    encoder = keras.Sequential([keras.Input((12,)), dense])
    return encoder, keras.Sequential([keras.Input((6,)), Transposed(dense)])


def test_convolutional_halves(tmp_path: Path, rng: np.random.Generator) -> None:
    x = rng.random((50, 8, 8, 1))
    model = SparseAutoencoder.from_models(*convolutional(), sparsity=KL(0.1))
    model.compile()
    model.fit(x, epochs=1, sample_weight=rng.random(50), verbose=0)
    assert model.encode(x).shape == (50, 10)
    assert model.decode(model.encode(x)).shape == x.shape
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.encode(x), model.encode(x), atol=1e-6)


@pytest.mark.slow
def test_tied_halves_stay_tied_through_a_save(tmp_path: Path, rows: np.ndarray) -> None:
    model = SparseAutoencoder.from_models(*tied(), sparsity=KL(0.1))
    model.compile()
    model.fit(rows, epochs=1, verbose=0)
    assert len(model.trainable_variables) == 2
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(
        loaded.predict(rows, verbose=0), model.predict(rows, verbose=0), atol=1e-5
    )
    loaded.fit(rows, epochs=1, verbose=0)
    assert len(loaded.trainable_variables) == 2


def test_halves_that_do_not_fit_are_refused() -> None:
    encoder, decoder = convolutional()
    with pytest.raises(ValueError, match=r"`decoder`. Expected a model from \(None, 10\)"):
        SparseAutoencoder.from_models(encoder, tied()[1])
    with pytest.raises(TypeError, match=r"`decoder`. Expected a built keras.Model"):
        SparseAutoencoder.from_models(encoder, "decoder")
    with pytest.raises(ValueError, match=r"Remedy: start it with keras.Input"):
        SparseAutoencoder.from_models(keras.Sequential([keras.layers.Dense(3)]), decoder)


def test_encoders_of_several_autoencoders_can_be_stacked(tmp_path: Path) -> None:
    models = [
        SparseAutoencoder(6, 5, normalization=None),
        SparseAutoencoder(5, 4, normalization=None),
        SparseAutoencoder(4, 3, name="top", normalization=None),
    ]
    stack = keras.Sequential([model.encoder for model in models])
    assert stack.output_shape == (None, 3)
    assert models[2].encoder.name == "top_encoder"
    keras.Sequential([model.decoder for model in models[::-1]])
    models[1].save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras")
    assert again.encoder.name == models[1].encoder.name


def test_sigmoid_codes_of_kl_start_near_rho(rows: np.ndarray) -> None:
    keras.utils.set_random_seed(0)
    started = {}
    for sparsity in (KL(0.05), None):
        model = SparseAutoencoder(
            12, 200, sparsity=sparsity, activation="sigmoid", normalization="center"
        )
        model.adapt(rows)
        started[sparsity is None] = float(model.encode(rows).mean())
    # E σ(logit ρ + u) for u of variance 2d/(d + n), as Glorot draws it, against σ of variance alone
    u = np.random.default_rng(0).normal(size=100_000) * (2 * 12 / 212) ** 0.5
    expected = 1 / (1 + np.exp(-(np.log(0.05 / 0.95) + u)))
    assert started[False] == pytest.approx(expected.mean(), rel=0.1)
    assert started[True] == pytest.approx(0.5, abs=0.02)
