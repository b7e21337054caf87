import inspect
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops, optimizers

from keras_sparse.callbacks.optimizer_slots import reset_slots

UNITS, OTHERS = [1, 4], [0, 2, 3, 5]
MOMENTS = {"momentum": 0, "velocity": 0}
WEIGHT = "the weight"
CASES = [
    (optimizers.Adadelta(), {"accumulated_grad": 0, "accumulated_delta_var": 0}),
    (optimizers.Adafactor(), {"velocity": 0}),
    (optimizers.Adagrad(), {"accumulator": 0.1}),
    (optimizers.Adagrad(initial_accumulator_value=0.5), {"accumulator": 0.5}),
    (optimizers.Adam(), MOMENTS),
    (optimizers.Adam(amsgrad=True), {**MOMENTS, "velocity_hat": 0}),
    (optimizers.Adam(optimizers.schedules.CosineDecay(0.1, 10)), MOMENTS),
    (optimizers.AdamW(use_ema=True), {**MOMENTS, "average": WEIGHT}),
    (optimizers.Adamax(), {"momentum": 0, "norm": 0}),
    (optimizers.Ftrl(), {"accumulator": 0.1, "linear": 0}),
    (optimizers.Lamb(), MOMENTS),
    (optimizers.Lion(), {"momentum": 0}),
    (optimizers.LossScaleOptimizer(optimizers.Adam()), MOMENTS),
    (optimizers.LossScaleOptimizer(optimizers.SGD()), {}),
    (optimizers.Muon(), {"momentum": 0}),
    (optimizers.Muon(exclude_layers=["^code/"]), MOMENTS),
    (optimizers.Nadam(), MOMENTS),
    (
        optimizers.RMSprop(momentum=0.9, centered=True, use_ema=True),
        {**MOMENTS, "average_gradient": 0, "average": WEIGHT},
    ),
    (optimizers.SGD(), {}),
    (
        optimizers.SGD(momentum=0.9, gradient_accumulation_steps=2),
        {"momentum": 0, "gradient_accumulator": 0},
    ),
]
LATER = {"MultiOptimizer": MOMENTS, "ScheduleFreeAdamW": {"momentum": WEIGHT, "velocity": 0}}
"""Optimizers that the oldest supported Keras does not have."""


def make_later(name: str) -> Any:
    create = getattr(optimizers, name)
    if name == "MultiOptimizer":
        return create(optimizers.OptimizerMap(optimizers.SGD(), {"code/.*": optimizers.Adam()}))
    return create()


CASES += [(make_later(name), slots) for name, slots in LATER.items() if hasattr(optimizers, name)]


def variable(path: str, shape: tuple[int, ...], rng: np.random.Generator) -> keras.Variable:
    layer, name = path.split("/")
    with keras.name_scope(layer):
        return keras.Variable(rng.normal(size=shape).astype(np.float32), name=name)


def built(optimizer: Any, rng: np.random.Generator) -> tuple[Any, list[keras.Variable]]:
    """A new optimizer whose slots all hold something, and its variables."""
    optimizer = type(optimizer).from_config(optimizer.get_config())
    shapes = {"code/kernel": (5, 6), "code/bias": (6,), "reconstruction/kernel": (6, 5)}
    variables = [variable(path, shape, rng) for path, shape in shapes.items()]
    optimizer.build(variables)
    for slot in optimizer.variables:
        if len(slot.shape) > 0:
            slot.assign(rng.random(slot.shape) + 1)
    return optimizer, variables


def values(variables: list[keras.Variable]) -> list[np.ndarray]:
    return [np.array(ops.convert_to_numpy(each)) for each in variables]


@pytest.mark.parametrize(
    ("optimizer", "slots"), CASES, ids=[type(optimizer).__name__ for optimizer, _ in CASES]
)
def test_slots_of_units_become_those_of_a_new_optimizer(
    optimizer: Any, slots: dict[str, Any], rng: np.random.Generator
) -> None:
    optimizer, variables = built(optimizer, rng)
    for weight, axis in zip(variables, (1, 0, 0), strict=True):
        prefix = weight.path.replace("/", "_") + "_"
        before = values(optimizer.variables)
        reset_slots(optimizer, variables, weight, np.array(UNITS), axis)
        new_weight = np.moveaxis(ops.convert_to_numpy(weight), axis, 0)[UNITS]
        found = {}
        for slot, old, now in zip(
            optimizer.variables, before, values(optimizer.variables), strict=True
        ):
            if slot.name.startswith(prefix):
                old, now = np.moveaxis(old, axis, 0), np.moveaxis(now, axis, 0)
                np.testing.assert_array_equal(now[OTHERS], old[OTHERS])
                found[slot.name.removeprefix(prefix)] = now[UNITS]
            elif slot.name != weight.name:  # of Adafactor; see below
                np.testing.assert_array_equal(now, old)
        if weight.path != "reconstruction/kernel" and "Muon" not in type(optimizer).__name__:
            assert set(found) == set(slots)
        for name, value in found.items():
            expected = new_weight if slots.get(name, 0) is WEIGHT else slots.get(name, 0)
            np.testing.assert_allclose(value, np.broadcast_to(expected, value.shape), rtol=1e-6)


def test_every_optimizer_of_keras_is_tested() -> None:
    of_keras = {
        name
        for name, each in vars(optimizers).items()
        if inspect.isclass(each) and issubclass(each, optimizers.Optimizer)
    }
    assert of_keras - {"Optimizer"} == {type(optimizer).__name__ for optimizer, _ in CASES}


def test_statistics_of_the_units_are_told_from_those_that_units_share(
    rng: np.random.Generator,
) -> None:
    optimizer, variables = built(optimizers.Adafactor(), rng)
    kernel, _, reader = variables

    def statistics() -> list[np.ndarray]:
        return [
            value
            for slot, value in zip(optimizer.variables, values(optimizer.variables), strict=True)
            if slot.name == "kernel"
        ]

    rows, columns, reader_rows, reader_columns = statistics()
    reset_slots(optimizer, variables, kernel, np.array(UNITS), axis=1)
    reset_slots(optimizer, variables, reader, np.array(UNITS), axis=0)
    columns[UNITS] = reader_rows[UNITS] = 0
    for found, expected in zip(
        statistics(), (rows, columns, reader_rows, reader_columns), strict=True
    ):
        np.testing.assert_array_equal(found, expected)
    reset_slots(optimizer, variables, kernel, np.arange(6), axis=1)  # none is left to share with
    assert not statistics()[0].any()


def test_weights_of_one_name_keep_slots_of_their_own(rng: np.random.Generator) -> None:
    optimizer = optimizers.SGD(momentum=0.9)
    twins = [variable("hidden/kernel", (5, 6), rng) for _ in range(2)]
    optimizer.build(twins)
    momenta = [slot for slot in optimizer.variables if len(slot.shape) > 0]
    for slot in momenta:
        slot.assign(np.ones((5, 6)))
    reset_slots(optimizer, twins, twins[1], np.array(UNITS), axis=1)
    first, second = values(momenta)
    assert first.all()
    assert not second[:, UNITS].any()
    assert second[:, OTHERS].all()


class Unconventional(optimizers.SGD):
    """Names its slots by a convention of its own, and starts them at 3."""

    def build(self, variables: Any) -> None:
        super().build(variables)
        self.own = [self.add_variable(v.shape, initializer=self.three) for v in variables]

    three = keras.initializers.Constant(3)


class Preconditioned(optimizers.SGD):
    """Keeps a matrix of pairs of units."""

    def build(self, variables: Any) -> None:
        super().build(variables)
        self.pairs = [self.add_variable((v.shape[-1], v.shape[-1])) for v in variables]


class OfNoConfig(optimizers.SGD):
    """Cannot be made from its config."""

    def __init__(self, size: int) -> None:
        super().__init__(momentum=0.1 * size)


class Growing(optimizers.SGD):
    """Has got one slot more while it trained."""

    def grow(self) -> None:
        self.add_variable((6,))


@pytest.mark.filterwarnings("ignore:The object being serialized includes a `lambda`")
def test_the_learning_rate_may_be_a_function(rng: np.random.Generator) -> None:
    optimizer = optimizers.SGD(lambda: 0.1, momentum=0.9)
    variables = [variable("code/kernel", (5, 6), rng)]
    optimizer.build(variables)
    (slot,) = (each for each in optimizer.variables if len(each.shape) > 0)
    slot.assign(np.ones((5, 6)))
    reset_slots(optimizer, variables, variables[0], np.array(UNITS), axis=1)
    assert not ops.convert_to_numpy(slot)[:, UNITS].any()


def test_a_slot_of_any_name_is_reset(rng: np.random.Generator) -> None:
    optimizer, variables = built(Unconventional(), rng)
    reset_slots(optimizer, variables, variables[0], np.array(UNITS), axis=1)
    slot = ops.convert_to_numpy(optimizer.own[0])
    np.testing.assert_array_equal(slot[:, UNITS], 3)
    assert (slot[:, OTHERS] < 3).all()


def test_slots_that_are_not_known_are_an_error(rng: np.random.Generator) -> None:
    variables = [variable("code/kernel", (5, 6), rng)]
    growing = Growing(momentum=0.9)
    for optimizer, received in (
        (Preconditioned(), r"slots of Preconditioned .* of shape \(6, 6\)\. Remedy"),
        (OfNoConfig(2), r"slots of OfNoConfig .* TypeError \(.*Remedy"),
        (growing, r"slots of Growing .*: 2 slots, and 1 new ones. Remedy"),
    ):
        optimizer.build(variables)
        if optimizer is growing:
            growing.grow()
        before = values(optimizer.variables)
        with pytest.raises(RuntimeError, match=received):
            reset_slots(optimizer, variables, variables[0], np.array(UNITS), axis=1)
        for now, old in zip(values(optimizer.variables), before, strict=True):
            np.testing.assert_array_equal(now, old)


def test_a_frozen_weight_has_no_slots(rng: np.random.Generator) -> None:
    optimizer, variables = built(optimizers.Adam(), rng)
    before = values(optimizer.variables)
    frozen = variable("frozen/kernel", (5, 6), rng)
    reset_slots(optimizer, variables, frozen, np.array(UNITS), axis=1)
    for now, old in zip(values(optimizer.variables), before, strict=True):
        np.testing.assert_array_equal(now, old)
