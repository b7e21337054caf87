"""What a model of the zoo consists of, and the parts that many of them share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

Draw = Callable[[np.random.Generator, int], Any]
"""Draws rows, by a generator and their number: an array, or a list or dictionary of arrays."""
Tensor = Any

ENTRIES: dict[str, "Entry"] = {}
"""All models by name, in the order of their registration."""
TENSORFLOW = ("tensorflow",)
EVERYWHERE = ("tensorflow", "jax", "torch")


@dataclass(frozen=True)
class Entry:
    """A model that users bring."""

    name: str
    group: str
    build: Callable[[], keras.Model]
    draw: Draw
    layer: str | None = "code"
    """Name of the layer that computes the code; `None` if the model's output is the code."""
    policy: str = "float32"
    """Keras' dtype policy under which the model is built."""
    backends: tuple[str, ...] = TENSORFLOW
    """Backends that it is measured on."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Backends on which it cannot be built, with the reason."""
    finished: bool = False
    """Whether `build` sets all weights; otherwise `randomize` moves those that start at 0 or 1."""


def register(group: str, draw: Draw, **options: Any) -> Callable[[Any], Any]:
    """Return a decorator that adds a function to the zoo, under its own name.

    Args:
        group: Group of models.
        draw: Draws rows for the model.
        **options: Further fields of `Entry`.
    """

    def add(build: Callable[[], keras.Model]) -> Callable[[], keras.Model]:
        add_entry(Entry(build.__name__, group, build, draw, **options))
        return build

    return add


def add_entry(entry: Entry) -> None:
    if entry.name in ENTRIES:
        raise ValueError(f"Expected names that differ. Received: {entry.name} twice")
    ENTRIES[entry.name] = entry


def register_stacks(
    group: str,
    shape: tuple[int, ...],
    stacks: dict[str, Callable[[], list[Any]]],
    **options: Any,
) -> None:
    """Add models that are stacks of layers on rows of one shape, by their names."""
    for name, make in stacks.items():

        def build(make: Callable[[], list[Any]] = make) -> keras.Model:
            return stack(shape, *make())

        add_entry(Entry(name, group, build, normal(*shape), **options))


def register_graphs(
    group: str,
    shape: tuple[int, ...],
    graphs: dict[str, Callable[[Tensor], Tensor]],
    **options: Any,
) -> None:
    """Add models that compute a tensor from rows of one shape, and a dense code from it."""
    for name, compute in graphs.items():

        def build(compute: Callable[[Tensor], Tensor] = compute) -> keras.Model:
            x = keras.Input(shape)
            h = compute(x)
            return keras.Model(x, dense_code(h))

        add_entry(Entry(name, group, build, normal(*shape), **options))


def stack(shape: tuple[int | None, ...], *layers: Any) -> keras.Model:
    """Build a `Sequential` model whose last layer is called `code`."""
    layers[-1].name = "code"
    return keras.Sequential([keras.Input(shape), *layers])


def dense_code(h: Tensor, units: int = 6) -> Tensor:
    """Compute a code from a tensor of any rank."""
    h = keras.layers.Flatten()(h) if len(h.shape) > 2 else h
    return keras.layers.Dense(units, activation="relu", name="code")(h)


def randomize(model: keras.Model, seed: int = 0) -> None:
    """Move biases, scales and running statistics off their start, where errors do not show."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        name = weight.path.rpartition("/")[2]
        if name == "moving_variance":
            weight.assign(rng.uniform(0.5, 1.5, weight.shape))
        elif name == "moving_mean" or (weight.trainable and len(weight.shape) == 1):
            start = np.asarray(keras.ops.convert_to_numpy(weight), np.float32)
            weight.assign(start + 0.1 * rng.normal(size=weight.shape))


# Rows -------------------------------------------------------------------------------------------


def normal(*shape: int) -> Draw:
    return lambda rng, count: rng.normal(size=(count, *shape)).astype(np.float32)


def integers(high: int, *shape: int, dtype: str = "int32") -> Draw:
    return lambda rng, count: rng.integers(0, high, (count, *shape)).astype(dtype)


class FreeLength:
    """Draws rows of a length of 8 to 15, which differs from call to call.

    Args:
        draw_of: Returns what draws rows of a length.
    """

    def __init__(self, draw_of: Callable[[int], Draw]) -> None:
        self.draw_of = draw_of

    def __call__(self, rng: np.random.Generator, count: int) -> Any:
        """Draw rows of one of the lengths."""
        return self.draw_of(int(rng.integers(8, 16)))(rng, count)

    def draw_longest(self, rng: np.random.Generator, count: int) -> Any:
        """Draw rows of the largest length, which a sample must have."""
        return self.draw_of(15)(rng, count)


def padded(length: int, features: int) -> Draw:
    """Draw sequences that end in steps of zeros, for `Masking`."""

    def draw(rng: np.random.Generator, count: int) -> np.ndarray:
        rows = rng.normal(size=(count, length, features)).astype(np.float32)
        ends = rng.integers(1, length + 1, count)
        rows[np.arange(length) >= ends[:, None]] = 0
        return rows

    return draw


def padded_tokens(high: int, length: int) -> Draw:
    """Draw integer sequences that end in zeros, for `mask_zero`."""

    def draw(rng: np.random.Generator, count: int) -> np.ndarray:
        rows = rng.integers(1, high, (count, length)).astype(np.int32)
        rows[np.arange(length) >= rng.integers(1, length + 1, count)[:, None]] = 0
        return rows

    return draw
