"""Reset what an optimizer remembers of some units of a weight."""

from collections.abc import Sequence
from contextlib import ExitStack

import keras
import numpy as np
from keras import ops


def reset_slots(
    optimizer: keras.optimizers.Optimizer,
    variables: Sequence[keras.Variable],
    weight: keras.Variable,
    units: np.ndarray,
    axis: int,
) -> None:
    """Set the slots of some units of a weight to those of a new optimizer.

    Moments become zero, accumulators their initial value, and moving averages of the weight (with
    `use_ema`) the weight. A statistic that all units share, as Adafactor's mean over the axis of
    the units, is left as it is.

    A new optimizer is built to learn the values: with the units alone in place of the weight, and
    with empty variables in place of the others. So the shape of a new slot tells whose it is, and
    on which axis it holds units.

    Args:
        optimizer: A built optimizer, or one that wraps others, such as `LossScaleOptimizer`.
        variables: The trainable variables that the optimizer was built with.
        weight: One of them, with its new value.
        units: Indices of the units.
        axis: The axis of the weight that holds the units.

    Raises:
        RuntimeError: If no new optimizer can be built, or its slots do not match the old ones.
    """
    if not any(other is weight for other in variables):  # frozen
        return
    fresh_units = np.take(ops.convert_to_numpy(weight), units, axis)
    stand_ins = [
        _stand_in(other, fresh_units if other is weight else np.zeros((0,) * len(other.shape)))
        for other in variables
    ]
    slots = _slots(optimizer)
    fresh_slots = _slots(_build_new(optimizer, stand_ins))
    if len(slots) != len(fresh_slots):
        raise _error(optimizer, f"{len(slots)} slots, and {len(fresh_slots)} new ones")
    average = weight.path.replace("/", "_") + "_average"
    for slot, initial in zip(slots, fresh_slots, strict=True):
        if 0 in initial.shape:  # of another weight
            continue
        value = np.array(ops.convert_to_numpy(slot))
        # Keras fills the average at the first step only, with the weight.
        new = fresh_units if initial.name == average else ops.convert_to_numpy(initial)
        axes = [i for i in range(value.ndim) if value.shape[i : i + 1] != new.shape[i : i + 1]]
        if value.ndim != new.ndim or len(axes) > 1:
            raise _error(optimizer, f"{slot.path} of shape {value.shape}")
        if axes:
            np.moveaxis(value, axes[0], 0)[units] = np.moveaxis(new, axes[0], 0)
        elif len(units) == weight.shape[axis]:
            value = new
        slot.assign(value)


def _slots(optimizer: keras.optimizers.Optimizer) -> list[keras.Variable]:
    """The variables that are no mere numbers, such as the count of steps."""
    return [variable for variable in optimizer.variables if len(variable.shape) > 0]


def _stand_in(variable: keras.Variable, value: np.ndarray) -> keras.Variable:
    """Make a variable with the path of another, by which optimizers may choose slots."""
    *scopes, name = variable.path.split("/")
    with ExitStack() as stack:
        for scope in scopes:
            stack.enter_context(keras.name_scope(scope))
        return keras.Variable(value, dtype=variable.dtype, name=name)


def _build_new(
    optimizer: keras.optimizers.Optimizer, variables: list[keras.Variable]
) -> keras.optimizers.Optimizer:
    try:
        config = optimizer.get_config()
        if "learning_rate" in config:  # it may be a function, which no config brings back
            config["learning_rate"] = 0.0
        new = type(optimizer).from_config(config)
        new.build(variables)
    except Exception as error:  # a user's optimizer may raise anything
        raise _error(optimizer, f"{type(error).__name__} ({error})") from error
    return new


def _error(optimizer: keras.optimizers.Optimizer, received: str) -> RuntimeError:
    return RuntimeError(
        f"Expected slots of {type(optimizer).__name__} that a new one, made from its config, has "
        f"for each unit too. Received: {received}. Remedy: an optimizer of Keras, or no "
        "ReviveDeadUnits"
    )
