import os
import signal
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from keras_sparse import L1, SparseAutoencoder
from keras_sparse.data.arrays import DataError
from keras_sparse.training.failures import TrainingError
from keras_sparse.training.jax_state import hold_interrupts


class FaultError(Exception):
    pass


class Fault(keras.callbacks.Callback):
    def __init__(self, hook: str, error: BaseException) -> None:
        super().__init__()
        self.error = error
        setattr(self, hook, self.fail)

    def fail(self, *arguments: Any, **named: Any) -> None:
        raise self.error


def parts(rows: np.ndarray, bad: int) -> Iterator[np.ndarray]:
    for index in range(4):
        yield rows[:20] * (np.nan if index == bad else 1)


def loss_that_fails(y: Any, y_pred: Any) -> Any:
    raise FaultError


def fail_in(where: str, **errors: Any) -> Callable[[SparseAutoencoder, np.ndarray], Any]:
    return lambda model, x: model.fit(
        x, validation_data=x, verbose=0, callbacks=[Fault(where, **errors)]
    )


@pytest.mark.skipif(
    keras.backend.backend() == "tensorflow", reason="variables of TensorFlow are never taken away"
)
@pytest.mark.parametrize(
    ("error", "call"),
    [
        (DataError, lambda model, x: model.fit(parts(x, 2), verbose=0)),
        (DataError, lambda model, x: model.fit(x, validation_data=parts(x, 2), verbose=0)),
        (DataError, lambda model, x: model.evaluate(parts(x, 1), verbose=0)),
        (DataError, lambda model, x: model.predict(parts(x, 2), verbose=0)),
        (FaultError, fail_in("on_train_batch_end", error=FaultError())),
        (FaultError, fail_in("on_test_batch_end", error=FaultError())),
        (FaultError, fail_in("on_epoch_begin", error=FaultError())),
        (KeyboardInterrupt, fail_in("on_train_batch_begin", error=KeyboardInterrupt())),
    ],
)
def test_a_model_is_usable_after_a_failure(error: Any, call: Any, rows: np.ndarray) -> None:
    model = SparseAutoencoder(12, 4, sparsity=L1(1e-3), normalization=None)
    model.compile(run_eagerly=keras.backend.backend() == "tensorflow")
    with pytest.raises(error):
        call(model, rows)
    before = model.encode(rows)
    assert np.isfinite(before).all()
    assert np.isfinite(model.evaluate(rows, verbose=0)).all()
    np.testing.assert_array_equal(model.encode(rows), before)
    assert np.isfinite(model.fit(rows, verbose=0).history["loss"]).all()


def test_a_first_step_that_fails_changes_nothing(rows: np.ndarray) -> None:
    model = SparseAutoencoder(12, 4, sparsity=None, normalization=None)
    weights = model.get_weights()
    model.compile(loss=loss_that_fails, run_eagerly=True)
    for _ in range(2):
        with pytest.raises(FaultError):
            model.fit(rows, verbose=0)
        for one, other in zip(model.get_weights(), weights, strict=True):
            np.testing.assert_array_equal(one, other)


def fail_once(model: SparseAutoencoder, x: np.ndarray, call: str) -> None:
    with pytest.raises(DataError):
        getattr(model, call)(parts(x, 2), verbose=0)


def fail_on_a_batch(model: SparseAutoencoder, x: np.ndarray) -> None:
    model.train_on_batch(x)
    with pytest.raises(ValueError, match="shape"):
        model.train_on_batch(x, x[:, :3])


def set_weights(model: SparseAutoencoder, value: float) -> None:
    model.set_weights([np.full_like(weight, value) for weight in model.get_weights()])


@pytest.mark.parametrize(
    "call",
    [
        partial(fail_once, call="evaluate"),
        partial(fail_once, call="predict"),
        fail_on_a_batch,
    ],
)
def test_a_failure_does_not_bring_back_older_weights(call: Any, rows: np.ndarray) -> None:
    model = SparseAutoencoder(12, 4, sparsity=None, normalization=None)
    model.compile(run_eagerly=keras.backend.backend() == "tensorflow")
    for value in (2.0, 1.0):
        call(model, rows)
        set_weights(model, value)
    with pytest.raises(FaultError):
        fail_in("on_train_begin", error=FaultError())(model, rows)
    for weight in model.get_weights():
        np.testing.assert_array_equal(weight, 1.0)


@pytest.mark.filterwarnings("ignore:Your input ran out of data")
def test_a_failure_keeps_weights_that_a_callback_sets_at_the_end_of_a_stream(
    rows: np.ndarray,
) -> None:
    class SetWeights(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            set_weights(self.model, 1.0)

    model = SparseAutoencoder(12, 4, sparsity=None, normalization=None)
    model.compile(run_eagerly=keras.backend.backend() == "tensorflow")
    with pytest.raises(FaultError):
        model.fit(
            parts(rows, bad=-1),
            verbose=0,
            callbacks=[SetWeights(), Fault("on_epoch_end", FaultError())],
        )
    for weight in model.get_weights():
        np.testing.assert_array_equal(weight, 1.0)


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="others do not consume their weights")
@pytest.mark.parametrize("name", ["train", "test", "predict"])
def test_a_step_on_one_batch_leaves_no_values_behind(name: str, rows: np.ndarray) -> None:
    model = SparseAutoencoder(12, 4, sparsity=None, normalization=None)
    model.compile()
    getattr(model, f"{name}_on_batch")(rows)
    assert getattr(model, f"{name}_function").values is None


@pytest.mark.skipif(os.name == "nt", reason="Windows has other signals")
def test_an_interrupt_takes_effect_after_the_block() -> None:
    done: list[int] = []

    def work() -> None:
        with hold_interrupts():
            os.kill(os.getpid(), signal.SIGINT)
            done.extend(sum(range(1000)) for _ in range(100))

    with pytest.raises(KeyboardInterrupt):
        work()
    assert len(done) == 100
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="others do not consume their weights")
@pytest.mark.skipif(os.name == "nt", reason="Windows has other signals")
def test_a_step_that_is_interrupted_keeps_its_outcome(rows: np.ndarray) -> None:
    class Interrupt(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            if batch == 3:
                step = model.train_function._function

                def interrupted(*arguments: Any) -> Any:
                    outcome = step(*arguments)
                    os.kill(os.getpid(), signal.SIGINT)  # when the old weights are gone
                    return outcome

                model.train_function._function = interrupted

    model = SparseAutoencoder(12, 4, sparsity=None, normalization=None)
    model.compile()
    with pytest.raises(KeyboardInterrupt):
        model.fit(rows, verbose=0, callbacks=[Interrupt()])
    assert int(model.optimizer.iterations) == 4
    assert np.isfinite(model.encode(rows)).all()


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="others do not consume their weights")
def test_a_model_whose_weights_are_lost_says_so(rows: np.ndarray) -> None:
    def exhaust(values: Any, data: Any) -> Any:
        for value in keras.tree.flatten(values):
            value.delete()  # as a step does that then runs out of memory
        raise FaultError

    model = SparseAutoencoder(12, 4, sparsity=None, normalization=None)
    model.compile()
    weights = model.get_weights()
    model.make_train_function()
    model.train_function._function = exhaust
    with pytest.raises(FaultError):
        model.fit(rows, verbose=0)
    for call in (model.encode, model.fit, model.evaluate, model.predict, model.scale):
        with pytest.raises(TrainingError, match=r"whose weights were lost.*Remedy: load them"):
            call(rows)
    for variable in [*model.variables, *model.optimizer.variables]:
        variable.assign(ops.zeros(variable.shape, variable.dtype))
    model.set_weights(weights)
    assert np.isfinite(model.encode(rows)).all()
