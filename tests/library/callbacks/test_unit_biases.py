from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from keras_sparse import BatchTopK, ReviveDeadUnits, SparseAutoencoder, TopK
from keras_sparse.models.refined_pair import build_refined

UNITS, DEAD = 10, [1, 4]


@pytest.fixture
def x() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(400, 12)).astype(np.float32)


def autoencoder(gate: Any, kind: str) -> SparseAutoencoder:
    """A model by count: with a refined code, a gate of its own, or one inside of a Dense layer."""
    if kind == "refined":
        encoder, decoder = build_refined(
            input_dim=12,
            code_dim=UNITS,
            activation=gate,
            normalization=None,
            kernel_regularizer=None,
            decoder_constraint=None,
            dtype=None,
            names=("encoder", "decoder"),
        )
        return SparseAutoencoder.from_models(encoder, decoder)
    rows, h = keras.Input((12,)), keras.Input((UNITS,))
    inside = gate if kind == "inside" else None
    code = keras.layers.Dense(UNITS, activation=inside, name="code")(rows)
    encoder = keras.Model(rows, code if inside else gate(code))
    return SparseAutoencoder.from_models(encoder, keras.Model(h, keras.layers.Dense(12)(h)))


def kill(model: SparseAutoencoder) -> Any:
    layer = model.encoder.get_layer("code")
    for name in ("bias", "second_bias"):
        if hasattr(layer, name):
            bias = np.zeros(UNITS, np.float32)
            bias[DEAD] = -1e3
            getattr(layer, name).assign(bias)
    return layer


def resample(model: SparseAutoencoder, x: np.ndarray, density: float) -> int:
    revive = ReviveDeadUnits(x, every=1, density=density)
    revive.set_model(model)
    revive.set_params({"epochs": 1})
    revive.on_train_begin()
    logs: dict[str, float] = {}
    revive.on_epoch_end(0, logs)
    return int(logs["revived_units"])


@pytest.mark.parametrize(
    ("gate", "kind"),
    [
        (BatchTopK(3), "refined"),
        (TopK(3), "refined"),
        (BatchTopK(3), "behind"),
        (TopK(3), "behind"),
        (BatchTopK(3), "inside"),
    ],
    ids=["refined BatchTopK", "refined TopK", "BatchTopK", "TopK", "activation"],
)
def test_a_new_unit_passes_its_gate_for_the_asked_part_of_the_rows(
    gate: Any, kind: str, x: np.ndarray
) -> None:
    model = autoencoder(gate, kind)
    model.compile(keras.optimizers.SGD(0.0, momentum=0.9))
    layer = kill(model)
    model.encoder(x, training=True)  # finds thresholds
    model.optimizer.build(model.trainable_variables)
    slots = [slot for slot in model.optimizer.variables if len(slot.shape)]
    for slot in slots:
        slot.assign(np.ones(slot.shape))
    assert np.all(model.encode(x)[:, DEAD] == 0)

    assert resample(model, x, density=0.1) == 2
    density = (model.encode(x)[:, DEAD] > 0).mean(axis=0)
    # Two new units may keep each other from being among the k largest of a row, and each changes
    # the residual of the other.
    alone = isinstance(gate, BatchTopK) and kind != "refined"
    np.testing.assert_allclose(density, 0.1, atol=0.01 if alone else 0.05)

    kernel = ops.convert_to_numpy(layer.kernel)
    taker = ops.convert_to_numpy(model.decoder.layers[1].kernel)
    directions = kernel[:, DEAD] / np.linalg.norm(kernel[:, DEAD], axis=0)
    np.testing.assert_allclose(taker[DEAD], directions.T, atol=1e-5)
    of_units = [np.asarray(ops.convert_to_numpy(slot)) for slot in slots if UNITS in slot.shape]
    assert len(of_units) == (5 if kind == "refined" else 4) - 1  # all weights but c
    for slot in of_units:
        by_unit = np.moveaxis(slot, slot.shape.index(UNITS), 0).reshape(UNITS, -1)
        assert np.all(by_unit[DEAD] == 0)
        assert np.all(np.delete(by_unit, DEAD, axis=0) == 1)


def test_a_topk_inside_of_a_layer_is_refused(x: np.ndarray) -> None:
    model = autoencoder(TopK(3), "inside")
    model.compile()
    with pytest.raises(ValueError, match=r"TopK as the activation of `code`. Remedy: model.add"):
        resample(model, x, density=0.1)
