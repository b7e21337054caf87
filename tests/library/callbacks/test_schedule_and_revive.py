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


def recorder() -> tuple[PenaltySchedule, list[int]]:
    """A schedule, and the steps that it is asked for."""
    asked: list[int] = []

    def schedule(step: int) -> float:
        asked.append(step)
        return 0.5

    return PenaltySchedule(schedule, per_step=True), asked


def test_a_schedule_of_steps_starts_where_the_epochs_of_fit_start(rows: np.ndarray) -> None:
    model = frozen()
    schedule, asked = recorder()
    fits: list[tuple[dict[str, Any], range]] = [
        ({"epochs": 2}, range(8)),
        ({"epochs": 2}, range(8)),
        ({"initial_epoch": 2, "epochs": 4}, range(8, 16)),
        ({"initial_epoch": 1, "epochs": 2, "steps_per_epoch": 3}, range(3, 6)),
    ]
    for arguments, steps in fits:
        asked.clear()
        model.fit(rows, batch_size=100, verbose=0, callbacks=[schedule], **arguments)
        assert asked == [*steps]


@pytest.mark.parametrize(
    ("per_execution", "expected"),
    [(1, [[0, 1, 2, 3, 4], [4, 5, 6, 7, 8]]), (2, [[0, 2, 4], [4, 6, 8]])],
)
def test_a_schedule_of_steps_counts_those_of_a_stream_of_unknown_length(
    per_execution: int, expected: list[list[int]]
) -> None:
    schedule, asked = recorder()
    schedule.set_model(frozen())
    schedule.set_params({"epochs": 2, "steps": None})
    for _ in range(2):
        schedule.on_train_begin()
        for epoch in range(2):
            asked.clear()
            schedule.on_epoch_begin(epoch)
            for batch in range(0, 4, per_execution):
                schedule.on_train_batch_begin(batch)
                schedule.on_train_batch_end(batch + per_execution - 1)
            schedule.on_train_batch_begin(4)  # Keras announces a step, and then meets the end
            assert asked == expected[epoch]
    schedule.on_train_begin()
    with pytest.raises(ValueError, match=r"known number of steps.*initial_epoch=1.*Remedy: pass"):
        schedule.on_epoch_begin(1)


def test_a_schedule_of_steps_needs_a_way_into_the_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    callback = PenaltySchedule(lambda step: 0.5, per_step=True)
    model = keras.callbacks.Callback()  # anything that is no Keras model
    model.layers = [ActivityPenalty(L1(1.0))]
    callback.set_model(model)
    callback.on_train_begin()
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(RuntimeError, match=r"`jax_state_sync`.*Received: Callback. Remedy: per_s"):
        callback.on_train_batch_begin(0)


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
    model = SparseAutoencoder(
        12, 6, sparsity=L1(1e-5), hidden_units=hidden_units, normalization=None
    )
    model.compile(keras.optimizers.Adam(1e-4))
    code = model.encoder.get_layer("code")
    code.bias.assign([-1e4, 0, -1e4, 0, -1e4, 0])
    return model


@pytest.mark.slow
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


def test_units_with_negative_codes_are_alive(rows: np.ndarray) -> None:
    model = SparseAutoencoder(
        12, 6, sparsity=L1(1e-5), activation="soft_shrink", normalization=None
    )
    model.compile(keras.optimizers.SGD(0.0))
    code = model.encoder.get_layer("code")
    bias = np.array([-2, 0, -2, 0, -2, 2], np.float32)
    code.kernel.assign(np.full((12, 6), 1e-4) * (bias != 0))
    code.bias.assign(bias)
    logs = model.fit(rows, epochs=1, verbose=0, callbacks=[ReviveDeadUnits(rows, every=1)]).history
    assert logs["dead_fraction"] == [pytest.approx(2 / 6)]
    assert logs["revived_units"] == [2]
    changed = ops.convert_to_numpy(code.bias) != bias
    assert changed.tolist() == [False, True, False, True, False, False]


def test_rows_are_drawn_by_the_square_of_their_loss(rows: np.ndarray) -> None:
    model = half_dead()
    odd, worst = rows.copy(), [17, 90, 200]  # as many as are dead
    odd[worst] += np.where(np.arange(12) % 2, 400, -400)[:, None].T * [[1], [-1], [2]]
    model.fit(odd, epochs=1, verbose=0, callbacks=[ReviveDeadUnits(odd, every=1)])
    away = odd[worst] - odd.mean(0)
    directions = away / np.linalg.norm(away, axis=1, keepdims=True)
    taker = ops.convert_to_numpy(model.decoder.layers[1].kernel)
    assert np.all((taker[[0, 2, 4]] @ directions.T).max(axis=1) > 0.999)


def resampled(model: SparseAutoencoder, revive: ReviveDeadUnits, epochs: int) -> list[int]:
    """How many units were resampled after each epoch, before which all had died."""
    bias = model.encoder.get_layer("code").bias
    model.optimizer.build(model.trainable_variables)
    revive.set_model(model)
    revive.set_params({"epochs": epochs})
    revive.on_train_begin()
    counts = []
    for epoch in range(epochs):
        bias.assign(np.full(bias.shape, -1e4))
        logs: dict[str, float] = {}
        revive.on_epoch_end(epoch, logs)
        counts.append(int(logs["revived_units"]))
    return counts


def test_a_row_of_three_times_the_loss_is_drawn_nine_times_as_often() -> None:
    x = np.zeros((4000, 2), np.float32)
    x[:2000, 0], x[2000:, 1] = 1, np.sqrt(3)  # reconstructed as zeros
    model = SparseAutoencoder(2, 300, sparsity=L1(1e-3), normalization=None)
    model.compile()
    assert resampled(model, ReviveDeadUnits(x, every=1, rows=4000), epochs=1) == [300]
    taker = ops.convert_to_numpy(model.decoder.layers[1].kernel)
    np.testing.assert_allclose(np.linalg.norm(taker, axis=1), 1, rtol=1e-5)
    # In proportion to the loss it would be 0.75, to its cube 0.96.
    assert np.mean(taker[:, 1] > 0) == pytest.approx(0.9, abs=0.04)


@pytest.mark.parametrize(
    ("epochs", "until", "every", "expected"),
    [
        (6, None, 1, [6, 6, 6, 6, 0, 0]),
        (5, None, 1, [6, 6, 6, 0, 0]),
        (1, None, 1, [6]),
        (5, 4, 1, [6, 6, 6, 6, 0]),
        (3, 1, 1, [6, 0, 0]),
        (9, None, 2, [0, 6, 0, 6, 0, 6, 0, 0, 0]),
    ],
)
def test_units_that_die_again_are_left_alone_after_two_thirds_of_the_epochs(
    epochs: int, until: int | None, every: int, expected: list[int], rows: np.ndarray
) -> None:
    revive = ReviveDeadUnits(rows, every=every, until=until)
    assert resampled(frozen(), revive, epochs) == expected


@pytest.mark.filterwarnings("ignore:Layer .* does not support masking")
def test_a_unit_that_is_active_for_masked_steps_alone_is_dead(rng: np.random.Generator) -> None:
    live = np.arange(5) < rng.integers(1, 5, 40)[:, None]
    x = np.where(live[..., None], rng.normal(2, 0.1, (40, 5, 3)), 0).astype(np.float32)
    sequence, h = keras.Input((5, 3)), keras.Input((5, 4))
    code = keras.layers.Dense(4, "relu", name="code")
    encoder = keras.Model(sequence, code(keras.layers.Masking()(sequence)))
    decoder = keras.Model(h, keras.layers.Dense(3)(h))
    model = SparseAutoencoder.from_models(encoder, decoder, sparsity=L1(1e-5))
    model.compile(keras.optimizers.SGD(0.0))
    kernel = np.ones((3, 4), np.float32)
    kernel[:, 1] = -1  # active for steps of zeros alone
    code.set_weights([kernel, np.array([0, 1, 0, 0], np.float32)])
    logs = model.fit(x, verbose=0, callbacks=[ReviveDeadUnits(x, every=1)]).history
    assert logs["revived_units"] == [1]
    assert logs["dead_fraction"] == [0.25]
    codes = model.encode(x)[live]
    assert np.mean(codes[:, 1] > 0) == pytest.approx(0.02, abs=0.01)  # of steps that are live


def test_models_that_cannot_be_revived_are_refused(rows: np.ndarray) -> None:
    with pytest.raises(ValueError, match="KL brings dead units back by itself"):
        model_of(KL(0.1)).fit(rows, verbose=0, callbacks=[ReviveDeadUnits(rows)])
    plain = plain_model()
    plain.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"has them\. Received: Sequential without encoder"):
        plain.fit(rows, rows, verbose=0, callbacks=[ReviveDeadUnits(rows)])
    with pytest.raises(ValueError, match=r"`every`. Expected a positive integer"):
        ReviveDeadUnits(rows, every=0)
    with pytest.raises(ValueError, match=r"`density`. Expected a float in \(0, 1\)"):
        ReviveDeadUnits(rows, density=1.0)
    tail = keras.Sequential([keras.Input((12,)), keras.layers.Dense(6, "relu", use_bias=False)])
    head = keras.Sequential([keras.Input((6,)), keras.layers.Dense(12)])
    model = SparseAutoencoder.from_models(tail, head, sparsity=L1())
    model.compile()
    with pytest.raises(ValueError, match=r"a Dense layer with a bias that computes the code"):
        model.fit(rows, verbose=0, callbacks=[ReviveDeadUnits(rows)])


@pytest.mark.slow
@pytest.mark.parametrize("sparsity", ["auto", L1(1e-3)])
def test_units_are_revived_on_rows_with_gaps(rows: np.ndarray, sparsity: Any) -> None:
    gappy = np.where(np.random.default_rng(0).random(rows.shape) < 0.2, np.nan, rows)
    gappy[:, 0] = rows[:, 0]
    model = SparseAutoencoder(12, 8, sparsity=sparsity, missing="mask")
    model.compile(run_eagerly=True)
    model.adapt(gappy)
    code = model.encoder.layers[-1]
    code.bias.assign(np.where(np.arange(8) < 3, -1e3, 0))
    if hasattr(code, "second_bias"):
        code.second_bias.assign(np.where(np.arange(8) < 3, -1e3, 0))
        code.calibrate(keras.Model(model.encoder.inputs[0], code.input)(gappy))
    revive = ReviveDeadUnits(gappy, every=1, until=1)
    history = model.fit(gappy, epochs=1, verbose=0, callbacks=[revive]).history
    assert history["revived_units"][0] >= 3
    kernel = ops.convert_to_numpy(code.kernel)
    assert not kernel[12:, :3].any()
    assert kernel[:12, :3].all()
    directions = ops.convert_to_numpy(
        getattr(code, "decoder_kernel", model.decoder.layers[1].kernel)
    )
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1, rtol=1e-5)
    assert np.isfinite(model.encode(gappy)).all()
