from typing import Any

import keras
import numpy as np
import pytest

from keras_sparse import KL, L1, PenaltySchedule, SparseAutoencoder
from keras_sparse.callbacks.sparsity_monitor import SparsityMonitor
from keras_sparse.training import compiled_steps

ON_TENSORFLOW = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="only TensorFlow has compile modes"
)


class OfTheUser(keras.callbacks.Callback):
    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        pass


class AtEpochs(keras.callbacks.Callback):
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        pass


def constant(epoch: int) -> float:
    return 1e-3


@pytest.mark.parametrize(
    ("callback", "acts"),
    [
        (OfTheUser(), True),
        (AtEpochs(), False),
        (keras.callbacks.LambdaCallback(on_train_batch_begin=print), True),
        (keras.callbacks.LambdaCallback(on_epoch_end=print), False),
        (keras.callbacks.TerminateOnNaN(), False),
        (keras.callbacks.EarlyStopping(), False),
        (keras.callbacks.ModelCheckpoint("x.keras"), False),
        (keras.callbacks.ModelCheckpoint("x.keras", save_freq=5), True),
        (PenaltySchedule(constant), False),
        (PenaltySchedule(constant, per_step=True), True),
        (SparsityMonitor(), False),
    ],
)
def test_which_callbacks_act_on_batches(callback: keras.callbacks.Callback, acts: bool) -> None:
    assert compiled_steps.acts_on_batches(callback) is acts


def test_what_is_only_of_keras() -> None:
    ours = [None, "mse", keras.losses.MeanSquaredError(), keras.activations.relu, L1(), KL()]
    assert compiled_steps.are_all_of_keras(ours)
    assert not compiled_steps.are_all_of_keras([*ours, lambda h: h])
    assert not compiled_steps.are_all_of_keras([["mse"]])


@pytest.fixture
def long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every training is long."""
    monkeypatch.setattr(compiled_steps, "LONG", 1)


def trained(rows: np.ndarray, callbacks: Any = None, **compiled: Any) -> SparseAutoencoder:
    keras.utils.set_random_seed(0)
    model = SparseAutoencoder(
        rows.shape[1], 6, sparsity=KL(0.2, 0.1), hidden_units=(8,), normalization=None
    )
    model.compile(**compiled)
    model.fit(rows, batch_size=16, epochs=2, validation_data=rows, verbose=0, callbacks=callbacks)
    return model


@pytest.mark.slow
@ON_TENSORFLOW
def test_a_short_training_goes_step_by_step(rows: np.ndarray) -> None:
    assert not trained(rows).jit_compile


@pytest.mark.slow
@ON_TENSORFLOW
@pytest.mark.usefixtures("long")
@pytest.mark.parametrize("count", [400, 395, 100])  # batches: whole ones or not, in one stack
def test_a_long_training_comes_to_the_same(
    rows: np.ndarray, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = rows[:count]
    looped: list[Any] = []
    loop: Any = compiled_steps.loop
    monkeypatch.setattr(compiled_steps, "loop", lambda *given: looped.append(loop(*given)))
    fast = trained(rows)
    assert fast.jit_compile
    assert looped
    monkeypatch.setattr(compiled_steps, "LONG", 10**9)
    slow = trained(rows)
    for ours, theirs in zip(fast.get_weights(), slow.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)
    steps = 2 * -(-count // 16)
    assert int(fast.optimizer.iterations) == int(slow.optimizer.iterations) == steps
    assert fast.history.history.keys() == slow.history.history.keys()
    for name, values in slow.history.history.items():
        np.testing.assert_allclose(fast.history.history[name], values, rtol=1e-4, err_msg=name)
    again = fast.evaluate(rows, verbose=0, return_dict=True)
    np.testing.assert_allclose(again["loss"], fast.history.history["val_loss"][-1], rtol=1e-6)
    np.testing.assert_allclose(
        fast.predict(rows, verbose=0), fast.decode(fast.encode(rows)), rtol=1e-5, atol=1e-6
    )


@pytest.mark.slow
@ON_TENSORFLOW
def test_codes_by_count_are_compiled_too(rows: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    models = []
    for long in (1, 10**9):
        monkeypatch.setattr(compiled_steps, "LONG", long)
        keras.utils.set_random_seed(0)
        model = SparseAutoencoder(rows.shape[1], 16, target_l0=3)
        model.compile()
        model.fit(rows, batch_size=40, epochs=3, verbose=0)
        assert model._in_stacks == model.jit_compile == (long == 1)
        models.append(model)
    for fast, slow in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_allclose(fast, slow, rtol=1e-3, atol=1e-5)


@pytest.mark.slow
@ON_TENSORFLOW
def test_what_was_compiled_is_used_again(rows: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled_steps, "LONG", 50)
    model = trained(rows)
    function = model.train_function
    model.fit(rows, batch_size=16, verbose=0)
    assert model.train_function is function


@pytest.mark.slow
@ON_TENSORFLOW
@pytest.mark.usefixtures("long")
def test_callbacks_on_batches_see_every_step(rows: np.ndarray) -> None:
    seen: list[int] = []
    watching = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append(batch)
    )
    model = trained(rows, [watching])
    steps = -(-len(rows) // 16)
    assert seen == [*range(steps), *range(steps)]
    assert model.jit_compile
    model.fit(rows, batch_size=16, verbose=0)
    model.fit(rows, batch_size=16, verbose=0, callbacks=[watching])
    assert seen[-steps:] == list(range(steps))
    assert int(model.optimizer.iterations) == 4 * steps


@pytest.mark.slow
@ON_TENSORFLOW
@pytest.mark.usefixtures("long")
def test_a_stream_after_stacks_goes_step_by_step(rows: np.ndarray) -> None:
    model = trained(rows)
    steps = int(model.optimizer.iterations)
    batches = (rows[start : start + 100] for start in range(0, 400, 100))
    history = model.fit(batches, steps_per_epoch=4, verbose=0).history
    assert int(model.optimizer.iterations) == steps + 4
    assert np.isfinite(history["loss"]).all()


@pytest.mark.slow
@ON_TENSORFLOW
@pytest.mark.usefixtures("long")
def test_progress_counts_batches(rows: np.ndarray, capsys: pytest.CaptureFixture[str]) -> None:
    class Counting(keras.callbacks.Callback):
        acts_on_batches = False

        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            seen.append(batch)

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            seen.append(batch)

    seen: list[int] = []
    model = trained(rows, [Counting()])
    assert seen == [0, 15, 16, 24] * 2
    model.fit(rows, batch_size=16, verbose=1)
    assert "25/25" in capsys.readouterr().out


@pytest.mark.slow
@ON_TENSORFLOW
@pytest.mark.usefixtures("long")
def test_what_was_asked_for_stays(rows: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not trained(rows, jit_compile=False).jit_compile
    with monkeypatch.context() as patch:
        patch.setattr(compiled_steps, "loop", None)
        model = trained(rows, steps_per_execution=2)
    assert (model.jit_compile, model.steps_per_execution) == (True, 2)
    model.compile()
    model.fit(rows, batch_size=16, epochs=1, steps_per_epoch=3, verbose=0)
    assert int(model.optimizer.iterations) == 3


@pytest.mark.slow
@ON_TENSORFLOW
@pytest.mark.usefixtures("long")
def test_parts_of_the_users_own_are_not_compiled(rows: np.ndarray) -> None:
    def loss(y: Any, y_pred: Any) -> Any:
        return keras.ops.mean(keras.ops.abs(y - y_pred), axis=-1)

    assert not trained(rows, loss=loss).jit_compile
    model = SparseAutoencoder(
        rows.shape[1],
        6,
        sparsity=None,
        activation=lambda h: keras.ops.maximum(h, 0),
        normalization=None,
    )
    model.compile()
    model.fit(rows[:64], verbose=0)
    assert not model.jit_compile
    assert not trained(rows[:32], run_eagerly=True).jit_compile  # eager steps are slow


@pytest.mark.slow
@ON_TENSORFLOW
@pytest.mark.usefixtures("long")
def test_a_step_of_the_users_own_is_taken_for_each_batch(rows: np.ndarray) -> None:
    class Own(SparseAutoencoder):
        def train_step(self, data: Any) -> Any:
            (x, *_), *_ = data if isinstance(data[0], tuple) else (data,)
            shapes.append(tuple(x.shape))
            return super().train_step(data)

    shapes: list[Any] = []
    model = Own(rows.shape[1], 6)
    model.compile()
    model.fit(rows, batch_size=16, verbose=0)
    assert set(shapes) == {(16, 12)}


@pytest.mark.slow
def test_a_loaded_model_chooses_its_compile_mode_anew(rows: np.ndarray, tmp_path: Any) -> None:
    model = trained(rows)
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    assert loaded.get_compile_config()["jit_compile"] == "auto"
