import threading
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_sparse import KL, L1, L2, ActivityPenalty, SparseAutoencoder
from keras_sparse.sparsity.row_weights import RowWeighting, row_weights
from references import kl_reference

Half = Callable[[], list[Any]]


def dense(regularizer: Any) -> Half:
    return lambda: [layers.Dense(4, "sigmoid", activity_regularizer=regularizer)]


HALVES: dict[str, Half] = {
    "L1": dense(L1(0.3)),
    "L2": dense(L2(0.2)),
    "KL": dense(KL(0.05, 0.5)),
    "L1 of Keras": dense("l1"),
    "L2 of Keras": dense(keras.regularizers.L2(0.3)),
    "L1L2 of Keras": lambda: [layers.Dense(4), layers.ActivityRegularization(l1=0.1, l2=0.2)],
    "ActivityPenalty": lambda: [layers.Dense(4, "sigmoid"), ActivityPenalty(KL(0.05, 0.5))],
    "nested": lambda: [keras.Sequential([keras.Input((6,)), *dense(KL(0.05, 0.5))()])],
    "of images": lambda: [
        layers.Reshape((3, 2, 1)),
        layers.Conv2D(2, 2, activation="sigmoid", activity_regularizer=KL(0.05, 0.5)),
        layers.ActivityRegularization(l1=0.01),
        layers.Flatten(),
    ],
}


def model_of(half: Half, sparsity: Any = None) -> SparseAutoencoder:
    """A model with the half as its encoder, and as the first half of its decoder."""
    keras.utils.set_random_seed(0)
    encoder = keras.Sequential([keras.Input((6,)), *half(), layers.Dense(6)])
    decoder = keras.Sequential([keras.Input((6,)), *half(), layers.Dense(6)])
    model = SparseAutoencoder.from_models(encoder, decoder, sparsity=sparsity)
    model.compile(keras.optimizers.SGD(0.1), run_eagerly=True, monitor=False)
    return model


@pytest.mark.parametrize("half", HALVES.values(), ids=HALVES)
def test_steps_are_as_if_rows_of_weight_zero_were_not_there(
    half: Half, rng: np.random.Generator
) -> None:
    x = rng.normal(size=(8, 6)).astype(np.float32)
    junk = np.full((4, 6), 9.0, np.float32)
    alone, filled_up, weighted = (model_of(half, L1(0.1)) for _ in range(3))
    for part in (x[:5], x[5:]):
        alone.fit(part, shuffle=False, verbose=0)
    filled_up.fit(x, batch_size=5, shuffle=False, verbose=0)
    rows = np.concatenate([x[:2], junk[:2], x[2:], junk])
    weights = np.where((rows == 9).all(1), 0, 0.5)
    weighted.fit(rows, batch_size=7, sample_weight=weights, shuffle=False, verbose=0)
    for model in (filled_up, weighted):
        for found, expected in zip(model.get_weights(), alone.get_weights(), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_rows_are_weighted_in_each_batch(rng: np.random.Generator) -> None:
    x = rng.normal(size=(5, 6)).astype(np.float32)
    weights = np.array([2.0, 0.5, 1.0, 3.0, 0.0])
    batches = [slice(0, 3), slice(3, 5)]

    def expected(penalty: Callable[[np.ndarray, np.ndarray], float]) -> float:
        values = []
        for batch in batches:
            values.append(penalty(codes[batch], weights[batch] / weights[batch].sum()))
        return float(np.average(values, weights=[weights[batch].sum() for batch in batches]))

    def mean(values: np.ndarray, part: np.ndarray) -> np.ndarray:
        found: np.ndarray = np.tensordot(part, values, 1)
        return found

    for regularizer, formula in (
        (KL(0.05, 0.5), lambda h, part: 0.5 * kl_reference(0.05, mean(h, part)).sum()),
        (L2(0.2), lambda h, part: 0.2 * mean(h**2, part).sum()),
        (keras.regularizers.L1L2(0.1, 0.3), lambda h, part: mean(0.1 * h + 0.3 * h**2, part).sum()),
    ):
        encoder = keras.Sequential([keras.Input((6,)), *dense(regularizer)()])
        decoder = keras.Sequential([keras.Input((4,)), layers.Dense(6)])
        model = SparseAutoencoder.from_models(encoder, decoder)
        model.compile()
        logs = model.evaluate(x, sample_weight=weights, batch_size=3, verbose=0, return_dict=True)
        codes = model.encode(x).astype(np.float64)
        np.testing.assert_allclose(logs["sparsity_loss"], expected(formula), rtol=1e-5)
        assert encoder.layers[0].activity_regularizer is regularizer  # as the user made it


def test_steps_are_weighted_where_codes_have_steps(rng: np.random.Generator) -> None:
    x = rng.normal(size=(3, 4, 6)).astype(np.float32)
    weights = rng.random((3, 4)) * (rng.random((3, 4)) > 0.3)
    for regularizer, steps in ((L1(0.3), 1), (keras.regularizers.L1(0.3), 4)):  # Keras adds steps
        encoder = keras.Sequential([keras.Input((4, 6)), *dense(regularizer)()])
        decoder = keras.Sequential([keras.Input((4, 4)), layers.Dense(6)])
        model = SparseAutoencoder.from_models(encoder, decoder)
        model.compile(run_eagerly=True)
        logs = model.evaluate(x, sample_weight=weights, verbose=0, return_dict=True)
        sums = np.abs(model.encode(x)).astype(np.float64).sum(-1)
        expected = 0.3 * steps * np.average(sums, weights=weights)
        np.testing.assert_allclose(logs["sparsity_loss"], expected, rtol=1e-5)


def test_a_regularizer_that_takes_no_weights_is_reported() -> None:
    with pytest.warns(UserWarning, match=r"layer `odd` counts rows of weight 0.*ActivityRegular"):
        model_of(lambda: [layers.Dense(4, activity_regularizer=lambda h: ops.sum(h), name="odd")])
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        model_of(HALVES["of images"])


def test_weights_end_with_the_call_that_announced_them() -> None:
    layer = layers.Dense(2, activity_regularizer="l1")
    weigh_rows = RowWeighting(keras.Sequential([layer]))
    regularizer = layer.activity_regularizer
    h, weights = ops.ones((2, 3)), ops.convert_to_tensor([0.5, 1.0])
    with weigh_rows(weights):
        found, share = row_weights(h)
        assert found is weights
        assert float(share) == 0.75
    with pytest.raises(ZeroDivisionError), weigh_rows(weights):
        1 / 0  # noqa: B018
    assert row_weights(h) == (None, 1.0)
    assert layer.activity_regularizer is regularizer
    with weigh_rows(None):
        assert row_weights(h) == (None, 1.0)


def test_replicas_that_take_turns_keep_the_regularizer() -> None:
    layer = layers.Dense(2, activity_regularizer=keras.regularizers.L1(0.5))
    weigh_rows = RowWeighting(keras.Sequential([layer]))
    regularizer = layer.activity_regularizer
    h, entered, left = ops.ones((2, 3)), threading.Event(), threading.Event()

    def call() -> tuple[float, float]:
        with weigh_rows(ops.convert_to_tensor([1.0, 0.0])):
            entered.set()
            assert left.wait(60)
            return float(layer.activity_regularizer(h)), float(row_weights(h)[1])

    with ThreadPoolExecutor(1) as pool:
        with weigh_rows(ops.convert_to_tensor([1.0, 1.0])):
            other = pool.submit(call)
            assert entered.wait(60)
            assert float(layer.activity_regularizer(h)) == 0.5 * 6
        assert float(layer.activity_regularizer(h)) == 0.5 * 6  # no weights in this thread now
        left.set()
        assert other.result() == (0.5 * 3, 0.5)
    assert layer.activity_regularizer is regularizer


def test_codes_without_an_axis_of_rows_are_refused(rng: np.random.Generator) -> None:
    def folded() -> list[Any]:
        fold = layers.Lambda(lambda x: ops.reshape(x, (-1, 3)), output_shape=(3,))
        unfold = layers.Lambda(lambda x: ops.reshape(x, (-1, 6)), output_shape=(6,))
        return [fold, layers.Dense(3, activity_regularizer=L1(0.1)), unfold]

    model = model_of(folded)
    with pytest.raises(
        ValueError, match=r"first axis, since rows have weights: 3. Received: \(6, 3"
    ):
        model.fit(rng.normal(size=(5, 6)), batch_size=3, verbose=0)


def test_a_share_that_is_passed_counts() -> None:
    layer = ActivityPenalty(L1(1.0))
    layer(ops.ones((2, 3)), share=0.5)
    assert float(layer.losses[0]) == 1.5


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="torch compiles")
def test_torch_compiles_a_call_into_one_graph() -> None:
    import torch

    layer = ActivityPenalty(KL())
    layer.build((None, 3))
    weigh_rows = RowWeighting()

    def penalty(h: Any, weights: Any) -> Any:
        with weigh_rows(weights):
            *_, losses = layer.stateless_call(
                [], [v.value for v in layer.non_trainable_variables], h, return_losses=True
            )
        return losses[0]

    h, weights = torch.rand(5, 3), torch.tensor([2.0, 0.0, 1.0, 0.0, 2.0])
    compiled = torch.compile(penalty, backend="eager", fullgraph=True)
    np.testing.assert_allclose(float(compiled(h, weights)), float(penalty(h, weights)), rtol=1e-6)
