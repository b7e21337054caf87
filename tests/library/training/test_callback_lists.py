from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from keras_sparse import L1
from keras_sparse.training import callback_lists
from models import model_of

MONITORS = {
    "val_loss": ops.less,
    "val_reconstruction_loss": ops.less,
    "sparsity_loss": ops.less,
    "val_dead_fraction": ops.less,
    "val_explained_variance": ops.greater,
    "val_mae": ops.less,
}


def test_keras_knows_the_direction_of_every_log(rows: np.ndarray, tmp_path: Path) -> None:
    callbacks = [
        *map(keras.callbacks.EarlyStopping, MONITORS),
        keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", "explained_variance"),
        keras.callbacks.ReduceLROnPlateau("val_weight_loss"),
        keras.callbacks.EarlyStopping("val_l0", mode="max"),
    ]
    model = model_of(L1(0.1))
    model.compile(metrics=["mae"])
    model.fit(rows, validation_data=rows, batch_size=400, verbose=0, callbacks=callbacks)
    found = [callback.monitor_op for callback in callbacks]
    assert found == [*MONITORS.values(), ops.greater, ops.less, ops.greater]


@pytest.mark.parametrize("monitor", ["val_l0", "mean_activation"])
@pytest.mark.parametrize("wrap", [list, keras.callbacks.CallbackList])
def test_a_log_without_a_better_side_is_refused_before_the_training(
    monitor: str, wrap: type
) -> None:
    with pytest.raises(ValueError, match=f"of EarlyStopping. Expected 'min' or 'max' .*{monitor}"):
        callback_lists.set_modes(wrap([keras.callbacks.EarlyStopping(monitor)]))


def test_other_callbacks_are_left_alone() -> None:
    stop = keras.callbacks.EarlyStopping("val_something")
    callback_lists.set_modes([stop, keras.callbacks.TerminateOnNaN()])
    callback_lists.set_modes(None)
    assert stop.mode == "auto"
