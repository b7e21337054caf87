from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from keras_sparse import (
    KL,
    L1,
    ActivityPenalty,
    PenaltySchedule,
    ReviveDeadUnits,
    SparseAutoencoder,
)
from keras_sparse.callbacks import forget
from models import model_of, plain_model


def frozen(sparsity: Any = None) -> SparseAutoencoder:
    model = model_of(sparsity or L1(1.0))
    model.compile(keras.optimizers.SGD(0.0))
    return model


# The schedule ------------------------------------------------------------------------------------


def test_the_strength_of_every_epoch_reaches_the_loss(rows: np.ndarray) -> None:
    model = frozen()
    schedule = PenaltySchedule(lambda epoch: [0.5, 0.0, 2.0][epoch])
    history = model.fit(rows, epochs=3, verbose=0, callbacks=[schedule]).history
    assert history["penalty_strength"] == [0.5, 0.0, 2.0]
    unit = float(L1(1.0).penalty(model.encode(rows)))
    np.testing.assert_allclose(history["sparsity_loss"], [0.5 * unit, 0, 2 * unit], rtol=1e-4)


def test_a_schedule_of_steps_goes_on_from_epoch_to_epoch(rows: np.ndarray) -> None:
    model = frozen()
    asked: list[int] = []

    def schedule(step: int) -> float:
        asked.append(step)
        return step / 10

    callback = PenaltySchedule(schedule, per_step=True)
    history = model.fit(
        rows, batch_size=100, epochs=2, shuffle=False, verbose=0, callbacks=[callback]
    ).history
    assert asked == list(range(8))
    units = [float(L1(1.0).penalty(model.encode(rows[i : i + 100]))) for i in (0, 100, 200, 300)]
    expected = [np.dot(units, np.arange(first, first + 4)) / 40 for first in (0, 4)]
    np.testing.assert_allclose(history["sparsity_loss"], expected, rtol=1e-4)
    assert history["penalty_strength"] == pytest.approx([0.3, 0.7])


def test_warm_up_and_schedules_of_keras(rows: np.ndarray) -> None:
    warm_up = PenaltySchedule.warm_up(0.4, 4)
    assert [warm_up(epoch) for epoch in range(6)] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.4, 0.4])
    decay = keras.optimizers.schedules.PolynomialDecay(1.0, 2, 0.0)
    history = frozen().fit(rows, epochs=3, verbose=0, callbacks=[PenaltySchedule(decay)]).history
    assert history["penalty_strength"] == pytest.approx([1.0, 0.5, 0.0])


def test_the_layer_is_found_or_named(rows: np.ndarray) -> None:
    layers = keras.layers
    penalties = [ActivityPenalty(L1(1.0), name=name) for name in ("one", "two")]
    model = keras.Sequential([keras.Input((12,)), layers.Dense(6), *penalties, layers.Dense(12)])
    model.compile("sgd", "mse")
    model.fit(rows, rows, verbose=0, callbacks=[PenaltySchedule(lambda _: 0.5, layer="two")])
    assert [penalty.strength for penalty in penalties] == [1.0, 0.5]
    with pytest.raises(ValueError, match=r"`layer`. Expected an ActivityPenalty of the model"):
        model.fit(rows, rows, verbose=0, callbacks=[PenaltySchedule(lambda _: 0.5)])
    plain = plain_model()
    plain.compile("sgd", "mse")
    with pytest.raises(ValueError, match="use ActivityPenalty"):
        plain.fit(rows, rows, verbose=0, callbacks=[PenaltySchedule(lambda _: 0.5, layer="code")])


def test_schedules_that_are_none_are_refused() -> None:
    with pytest.raises(TypeError, match=r"`schedule`. Expected a function.*schedule=0.5"):
        PenaltySchedule(0.5)  # type: ignore[arg-type]  # that is the test
    with pytest.raises(ValueError, match=r"`strength`. Expected a finite float"):
        PenaltySchedule.warm_up(-1, 3)
    with pytest.raises(ValueError, match=r"`over`. Expected a positive number. Received: over=0"):
        PenaltySchedule.warm_up(0.1, 0)


def test_a_strength_that_is_none_is_refused(rows: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"`schedule`. Expected a finite float"):
        frozen().fit(rows, verbose=0, callbacks=[PenaltySchedule(lambda _: float("nan"))])


# Dead units --------------------------------------------------------------------------------------


def half_dead(hidden_units: tuple[int, ...] = ()) -> SparseAutoencoder:
    model = SparseAutoencoder(12, 6, sparsity=L1(1e-5), hidden_units=hidden_units)
    model.compile(keras.optimizers.Adam(1e-4))
    code = model.encoder.get_layer("code")
    code.bias.assign([-1e4, 0, -1e4, 0, -1e4, 0])
    return model


@pytest.mark.parametrize("hidden_units", [(), (9,)])
def test_dead_units_live_again(hidden_units: tuple[int, ...], rows: np.ndarray) -> None:
    without, with_it = (
        half_dead(hidden_units).fit(
            rows, epochs=4, verbose=0, callbacks=[ReviveDeadUnits(rows, every=1)] * revive
        )
        for revive in (False, True)
    )
    assert without.history["dead_fraction"][-1] >= 0.5
    assert with_it.history["dead_fraction"][-1] < 0.5
    revived = with_it.history["revived_units"]
    assert revived[0] >= 3
    assert revived[2:] == [0, 0]  # the last third is left to settle


def test_new_weights_are_those_of_the_source(rows: np.ndarray) -> None:
    model = half_dead()
    model.compile(keras.optimizers.Adam(0.0))
    kernel, _, taker, _ = (ops.convert_to_numpy(w).copy() for w in model.trainable_variables)
    model.fit(rows, epochs=1, verbose=0, callbacks=[ReviveDeadUnits(rows, every=1)])
    new_kernel, bias, new_taker, _ = map(ops.convert_to_numpy, model.trainable_variables)
    alive, dead = [1, 3, 5], [0, 2, 4]
    np.testing.assert_array_equal(new_kernel[:, alive], kernel[:, alive])
    norms = np.linalg.norm(taker, axis=1, keepdims=True)
    np.testing.assert_allclose(new_taker[alive], (taker / norms)[alive], rtol=1e-5)
    directions = (rows - rows.mean(0)).astype(np.float64)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    for unit in dead:
        nearest = (directions @ new_taker[unit]).argmax()
        np.testing.assert_allclose(new_taker[unit], directions[nearest], atol=1e-4)
        length = 0.2 * np.linalg.norm(kernel[:, alive], axis=0).mean()
        np.testing.assert_allclose(new_kernel[:, unit], length * new_taker[unit], atol=1e-4)
        assert np.mean(rows @ new_kernel[:, unit] + bias[unit] > 1e-5) == pytest.approx(0.02)


def test_rows_are_drawn_by_the_square_of_their_loss(rows: np.ndarray) -> None:
    model = half_dead()
    odd, worst = rows.copy(), [17, 90, 200]  # as many as are dead
    odd[worst] += np.where(np.arange(12) % 2, 400, -400)[:, None].T * [[1], [-1], [2]]
    model.fit(odd, epochs=1, verbose=0, callbacks=[ReviveDeadUnits(odd, every=1)])
    away = odd[worst] - odd.mean(0)
    directions = away / np.linalg.norm(away, axis=1, keepdims=True)
    taker = ops.convert_to_numpy(model.decoder.layers[1].kernel)
    assert np.all((taker[[0, 2, 4]] @ directions.T).max(axis=1) > 0.999)


def test_what_the_optimizer_remembers_of_a_unit_is_forgotten(rows: np.ndarray) -> None:
    model = model_of(KL(0.2))  # no unit without a gradient
    model.fit(rows / 10, verbose=0)
    kernel = model.encoder.get_layer("code").kernel
    forget(model.optimizer, kernel, np.array([1, 4]), axis=1)
    slots = {
        v.name: ops.convert_to_numpy(v) for v in model.optimizer.variables if len(v.shape) == 2
    }
    for name in ("code_kernel_momentum", "code_kernel_velocity"):
        assert not slots[name][:, [1, 4]].any()
        assert slots[name][:, [0, 2, 3, 5]].any(axis=0).all()
    assert slots["reconstruction_kernel_momentum"].any(axis=1).all()


def test_models_that_cannot_be_revived_are_refused(rows: np.ndarray) -> None:
    with pytest.raises(ValueError, match="KL revives its units by itself"):
        model_of(KL(0.1)).fit(rows, verbose=0, callbacks=[ReviveDeadUnits(rows)])
    plain = plain_model()
    plain.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"Expected a SparseAutoencoder.*Received: Sequential"):
        plain.fit(rows, rows, verbose=0, callbacks=[ReviveDeadUnits(rows)])
    with pytest.raises(ValueError, match=r"`every`. Expected a positive integer"):
        ReviveDeadUnits(rows, every=0)
    with pytest.raises(ValueError, match=r"`density`. Expected a float in \(0, 1\)"):
        ReviveDeadUnits(rows, density=1.0)
    tail = keras.Sequential([keras.Input((12,)), keras.layers.Dense(6, "relu", use_bias=False)])
    head = keras.Sequential([keras.Input((6,)), keras.layers.Dense(12)])
    model = SparseAutoencoder.from_models(tail, head, sparsity=L1())
    model.compile()
    with pytest.raises(ValueError, match=r"a Dense layer with a bias from which the code comes"):
        model.fit(rows, verbose=0, callbacks=[ReviveDeadUnits(rows)])
