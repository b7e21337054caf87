from typing import Any

import pytest
from keras import layers

from models import graph, require_agreement

SHAPE = (5, 3)


@pytest.mark.parametrize("mode", ["concat", "sum", "mul", "ave", None])
def test_both_ways_are_merged(mode: str | None) -> None:
    def compute(x: Any) -> Any:
        y = layers.Bidirectional(layers.LSTM(4, return_sequences=True), merge_mode=mode)(x)
        return layers.Add()(list(y)) if mode is None else y

    require_agreement(graph(SHAPE, compute))


def test_states_of_both_ways_and_a_backward_layer_of_its_own() -> None:
    def compute(x: Any) -> Any:
        both = layers.Bidirectional(
            layers.GRU(4, return_state=True),
            backward_layer=layers.SimpleRNN(4, return_state=True, go_backwards=True),
        )
        return layers.Concatenate()(list(both(x)))

    require_agreement(graph(SHAPE, compute))


@pytest.mark.parametrize(
    ("shape", "make"),
    [
        ((5, 3), lambda: layers.Dense(4, "tanh")),
        ((3, 4, 4, 2), lambda: layers.Conv2D(3, 2)),
        ((3, 6, 2), lambda: layers.LSTM(4)),
    ],
)
def test_an_inner_layer_sees_each_step(shape: tuple[int, ...], make: Any) -> None:
    require_agreement(graph(shape, lambda x: layers.TimeDistributed(make())(x)))
