from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from keras_sparse_export import export_encoder
from keras_sparse_export.convert.source.independence import require_independent
from keras_sparse_export.errors import ConversionError, ParityError
from keras_sparse_export.runtime.jumps import Jump, Observation
from models import graph


def by_layer(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda z: keras.layers.Lambda(function, output_shape=(4,))(z)


ALONE = r"each row from that row alone. Received: row 266 of 400, .* depends on other rows"
ROWS: dict[str, tuple[Callable[[Any], Any], type[Exception], str]] = {
    "earlier rows": (lambda z: ops.cumsum(z, axis=0), ParityError, ALONE),
    "the first row": (by_layer(lambda z: z - z[:1]), ParityError, ALONE),
    "the last row": (by_layer(lambda z: z - z[-1:]), ParityError, ALONE),
    "all rows": (lambda z: z - ops.mean(z, axis=0), ParityError, ALONE),
    "the opposite row": (lambda z: ops.flip(z, axis=0), ParityError, ALONE),
    "one for all": (
        lambda z: ops.mean(z, axis=0, keepdims=True),
        ConversionError,
        r"one output for each row. Received: 1 for 400 rows. Remedy: layers and operations that",
    ),
    "several for each": (
        lambda z: ops.reshape(z, (-1, 2)),
        ConversionError,
        "one output for each row. Received: 800 for 400 rows",
    ),
    "no axis of rows": (
        lambda z: ops.mean(z, axis=0),
        ConversionError,
        r"an output for each row, \(rows, units\). Received: `\w+` \(4,\), without the axis",
    ),
}


@pytest.mark.parametrize("case", ROWS)
def test_a_model_that_mixes_rows_is_refused(case: str, rows: np.ndarray, tmp_path: Path) -> None:
    mix, error, message = ROWS[case]
    model = graph((12,), lambda x: mix(keras.layers.Dense(4)(x)))
    with pytest.raises(error, match=message):
        export_encoder(model, tmp_path / "b", sample=rows)
    assert list(tmp_path.iterdir()) == []


def test_a_free_length_does_not_hide_rows_without_codes(tmp_path: Path) -> None:
    pool = keras.layers.GlobalMaxPooling1D()
    model = graph((None, 3), lambda x: ops.max(pool(x), axis=0, keepdims=True))
    with pytest.raises(ConversionError, match="Received: 1 for 9 rows"):
        export_encoder(model, tmp_path / "b", sample=np.ones((9, 5, 3)), free_length=True)


@pytest.mark.one_backend
@pytest.mark.parametrize(("far", "refused"), [(1e-7, False), (0.2, True)])
def test_a_unit_may_flip_at_its_threshold_alone(far: float, refused: bool) -> None:
    jump, rows = Jump(np.array([0.5], np.float32)), np.ones((9, 1), np.float32)

    def observe(x: np.ndarray) -> Observation:  # rounds another way with more rows
        z = x * np.float32(0.5 + far * (1 if len(x) > 1 else -1))
        return Observation(jump.apply(z), [(z, jump.apply(z))])

    if refused:
        with pytest.raises(ParityError, match="depends on other rows"):
            require_independent(observe, observe(rows), [jump], rows)
    else:
        require_independent(observe, observe(rows), [jump], rows)
