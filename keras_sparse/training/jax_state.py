"""Keep the variables of a model when `fit`, `evaluate` or `predict` fails on JAX.

There Keras takes the values out of the variables and hands them from step to step, and each step
consumes the memory of the values that it was given. A step that fails, or that Ctrl-C interrupts,
would leave a model without values.
"""

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

import keras

from keras_sparse.training.failures import TrainingError

STEPS = ("train_function", "test_function", "predict_function")


class GuardedStep:
    """A step of Keras on JAX, which keeps the newest values of the variables.

    Args:
        function: The step: takes values of variables and an iterator of batches, and returns its
            outputs and the new values.
        batches: Batches that the step takes from the iterator.
    """

    def __init__(self, function: Any, batches: int) -> None:
        self._function = function
        self._batches = batches
        self.values: Any = None
        self.failed = False

    def __call__(self, values: Any, iterator: Iterator[Any]) -> tuple[Any, Any]:
        """Take a step."""
        self.values, self.failed = values, False
        try:
            data = list(islice(iterator, self._batches))  # a user's code, which may wait for long
            if not data:
                raise StopIteration
            with hold_interrupts():  # the old values are gone, and the new ones not yet kept
                outputs, self.values = self._function(values, iter(data))
        except StopIteration:  # the end of a stream, where Keras has the newest values
            raise
        except BaseException:
            self.failed = True
            raise
        return outputs, self.values


def guard(model: Any, name: str) -> None:
    """Guard a step function that Keras has made, on JAX."""
    function = getattr(model, name)
    if keras.backend.backend() == "jax" and not isinstance(function, GuardedStep):
        setattr(model, name, GuardedStep(function, model.steps_per_execution))


@contextmanager
def keep_variables(model: Any) -> Iterator[None]:
    """Put the newest values back into the variables of a model if an error ends the block."""
    try:
        yield
    except BaseException:
        if keras.backend.backend() == "jax":
            _restore(model)
        raise
    finally:
        for step in _guarded_steps(model):
            step.values, step.failed = None, False


@contextmanager
def lend_values(variables: Sequence[Any], values: Sequence[Any] | None) -> Iterator[None]:
    """Give variables other values within the block; `None` leaves them theirs.

    Keras computes metrics in a step where the variables of the model have no values.
    """
    if values is None:
        yield
        return
    with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))):
        yield


def require_variables(model: keras.Model) -> None:
    """Raise if variables have lost their values.

    Raises:
        TrainingError: The message names the remedy.
    """
    if keras.backend.backend() == "jax" and _are_lost(model.variables):
        raise TrainingError(
            "Expected a model with weights. Received: one whose weights were lost on the device in "
            "a step that failed. Remedy: load them from a file, or build the model again; train "
            "with a Checkpoint to resume"
        )


@contextmanager
def hold_interrupts() -> Iterator[None]:
    """Let Ctrl-C take effect at the end of the block."""
    in_main_thread = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGINT) if in_main_thread else None
    if not callable(handler):
        yield
        return
    received: list[Any] = []
    signal.signal(signal.SIGINT, lambda *arguments: received.append(arguments))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if received:
            handler(*received[-1])


def _guarded_steps(model: Any) -> list[GuardedStep]:
    steps = [getattr(model, name, None) for name in STEPS]
    return [step for step in steps if isinstance(step, GuardedStep)]


def _restore(model: Any) -> None:
    lost = _are_lost(_list_variables(model))
    model.jax_state_sync()  # else a later call would write Keras' older values
    lost = lost or _are_lost(_list_variables(model))
    for step in _guarded_steps(model):
        if step.values is not None and (step.failed or lost):
            variables = _list_variables(model, len(step.values))
            for variable, value in zip(variables, keras.tree.flatten(step.values), strict=True):
                if not value.is_deleted():
                    variable.assign(value)


def _list_variables(model: Any, groups: int = 4) -> list[Any]:
    """The variables in the order of Keras: 4 groups to train, 3 to evaluate, 2 to predict."""
    own = getattr(model, "optimizer", None)  # a model that is not compiled has no such attribute
    optimizer = own.variables if groups == 4 and own is not None else []
    metrics = model.metrics_variables if groups > 2 else []
    return [*model.trainable_variables, *model.non_trainable_variables, *optimizer, *metrics]


def _are_lost(variables: Sequence[Any]) -> bool:
    try:
        return any(variable.value.is_deleted() for variable in variables)
    except TypeError:  # of a variable without a value and without an initializer
        return True
