from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from keras_sparse import KL, L1, BatchTopK, Checkpoint, SparseAutoencoder
from keras_sparse.models.refined_pair import choose_passes

PLAIN: dict[str, Any] = {
    "by_default": True,
    "activation": BatchTopK(2),
    "hidden_units": (),
    "output_activation": keras.activations.linear,
    "widths": (),
}
OBSTACLES: list[tuple[dict[str, Any], str]] = [
    ({"activation": keras.activations.relu}, r"activation=relu. Remedy: .*BatchTopK\(16\)"),
    ({"hidden_units": [9]}, r"hidden_units=\(9,\). Remedy: refine=0, or hidden_units"),
    ({"output_activation": keras.activations.sigmoid}, r"output_activation=sigmoid. Remedy"),
    ({"widths": (4, 8)}, r"Matryoshka\(widths=\(4, 8\)\). Remedy: refine=0"),
]


def test_a_code_is_corrected_where_it_is_asked_for_or_default() -> None:
    assert [choose_passes(refine, **PLAIN) for refine in (0, 1, "auto")] == [0, 1, 1]
    assert choose_passes("auto", **{**PLAIN, "by_default": False}) == 0


@pytest.mark.parametrize(("arguments", "message"), OBSTACLES)
def test_what_cannot_be_corrected_is_refused_by_name(
    arguments: dict[str, Any], message: str
) -> None:
    options = {**PLAIN, **arguments}
    assert choose_passes("auto", **options) == choose_passes(0, **options) == 0
    with pytest.raises(ValueError, match=rf"`refine`. Expected 0 with.*refine=1 with {message}"):
        choose_passes(1, **options)


@pytest.mark.parametrize("refine", [2, -1, True, 0.5, None, "1"])
def test_other_numbers_of_passes_are_refused(refine: Any) -> None:
    with pytest.raises(ValueError, match=r"`refine`. Expected 0, 1 or 'auto'. Received: refine="):
        choose_passes(refine, **PLAIN)


# The model ---------------------------------------------------------------------------------------


@pytest.mark.slow
def test_both_halves_share_the_weights_and_train_on_raw_rows(
    rows: np.ndarray, tmp_path: Path
) -> None:
    model = SparseAutoencoder(
        12, 8, sparsity=BatchTopK(2), refine=1, normalization="standard", kernel_regularizer="l2"
    )
    code, decoder = model.encoder.get_layer("code"), model.decoder.get_layer("reconstruction")
    assert decoder.kernel is code.decoder_kernel
    assert model.count_activation is code
    model.adapt(rows)
    model.compile(keras.optimizers.Adam(0.01))
    history = model.fit(rows, epochs=2, verbose=0).history
    assert history["l0"][-1] == pytest.approx(2, abs=1e-6)
    squares = sum(np.square(ops.convert_to_numpy(w)).sum() for w in (code.kernel, decoder.kernel))
    logs = model.evaluate(rows, return_dict=True, verbose=0)
    assert logs["weight_loss"] == pytest.approx(0.01 * squares, rel=1e-5)  # of each, once
    norms = np.linalg.norm(ops.convert_to_numpy(decoder.kernel), axis=1)
    np.testing.assert_allclose(norms, 1, rtol=1e-5)

    codes = model.encode(rows)
    np.testing.assert_allclose(model.decode(codes), model.predict(rows, verbose=0), atol=1e-5)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.decoder.layers[1].kernel is loaded.encoder.get_layer("code").decoder_kernel
    assert loaded.get_config() == model.get_config()
    np.testing.assert_array_equal(loaded.encode(rows), codes)


def test_a_penalty_may_stand_beside(rows: np.ndarray) -> None:
    model = SparseAutoencoder(
        12, 8, activation=BatchTopK(2), sparsity=L1(0.1), refine=1, normalization=None
    )
    model.compile(keras.optimizers.SGD(0.0))
    logs = model.evaluate(rows, return_dict=True, verbose=0)
    expected = 0.1 * np.abs(model.encode(rows)).sum(axis=1).mean()
    assert logs["sparsity_loss"] == pytest.approx(expected, rel=1e-4)


def test_kl_takes_no_refined_code() -> None:
    with pytest.raises(
        ValueError, match=r"`activation`. Expected one that gives codes in \[0, 1\]"
    ):
        SparseAutoencoder(
            12, 8, activation=BatchTopK(2), sparsity=KL(0.1), refine=1, normalization=None
        )


class Interrupt(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if epoch == 1:
            raise KeyboardInterrupt


@pytest.mark.slow
def test_a_resumed_training_is_the_uninterrupted_one(rows: np.ndarray, tmp_path: Path) -> None:
    def fit(*callbacks: keras.callbacks.Callback) -> SparseAutoencoder:
        keras.utils.set_random_seed(0)
        model = SparseAutoencoder(12, 8, target_l0=2)
        model.compile()
        model.fit(rows, batch_size=100, epochs=2, verbose=0, callbacks=list(callbacks))
        return model

    whole = fit()
    with pytest.raises(KeyboardInterrupt):
        fit(Checkpoint(tmp_path), Interrupt())
    resumed = fit(Checkpoint(tmp_path))
    assert resumed.decoder.layers[1].kernel is resumed.encoder.get_layer("code").decoder_kernel
    assert resumed.count_activation.is_calibrated
    for found, expected in zip(resumed.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)
