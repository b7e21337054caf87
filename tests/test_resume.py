from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from keras_sparse import (
    KL,
    L1,
    Checkpoint,
    PenaltySchedule,
    ReviveDeadUnits,
    SparseAutoencoder,
    SparsityMonitor,
    checkpoints,
)

STEPS = 7  # of 400 rows, 64 at a time


class KilledError(Exception):
    pass


class Kill(keras.callbacks.Callback):
    """Ends a training as a kill does: nothing is done after."""

    def __init__(self, epoch: int = -1, batch: int | None = None, what: Any = None) -> None:
        super().__init__()
        self.epoch, self.batch = epoch, batch
        self.what = what

    def on_epoch_begin(self, epoch: int, logs: object = None) -> None:
        self.now = epoch

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:
        if (self.now, batch) == (self.epoch, self.batch):
            self._do()

    def on_epoch_end(self, epoch: int, logs: object = None) -> None:
        if (epoch, None) == (self.epoch, self.batch):
            self._do()

    def _do(self) -> None:
        if self.what is None:
            raise KilledError
        self.what()


class Remember(keras.callbacks.Callback):
    """State of every kind."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[int] = set()
        self.batches: list[int] = []
        self.draws = np.random.default_rng(5)
        self.kept: dict[str, Any] = {"begun": 0, "ended": 0}
        self.logged = np.zeros(3)

    def on_train_begin(self, logs: object = None) -> None:
        self.kept["begun"] += 1

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:
        self.batches.append(batch)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.seen.add(epoch)
        self.logged[epoch % 3] += self.draws.random()
        assert logs is not None
        logs["of_numpy"] = np.random.random()
        logs["of_all"] = self.logged.copy()

    def on_train_end(self, logs: object = None) -> None:
        self.kept["ended"] += 1


def l1() -> tuple[Any, list[Any]]:
    model = SparseAutoencoder(
        12, 8, hidden_units=(10,), normalization="standard", sparsity=L1(0.03)
    )
    plateau = keras.callbacks.ReduceLROnPlateau("val_loss", patience=1, min_delta=0.5)
    schedule = PenaltySchedule(PenaltySchedule.warm_up(0.03, 2))
    return model, [schedule, plateau]


def kl() -> tuple[Any, list[Any]]:
    model = SparseAutoencoder(12, 8, sparsity=KL(0.1, 0.01), rho_horizon=500)
    return model, [PenaltySchedule(lambda step: 1e-3 * step, per_step=True)]


def dropout() -> tuple[Any, list[Any]]:
    dense = keras.layers.Dense(8, "relu")
    encoder = keras.Sequential([keras.Input((12,)), keras.layers.Dropout(0.3), dense])
    decoder = keras.Sequential([keras.Input((8,)), keras.layers.Dense(12)])
    return SparseAutoencoder.from_models(encoder, decoder, sparsity=L1(1e-3)), []


class Training:
    """The same training, as often as it is started."""

    def __init__(self, rows: np.ndarray, make: Callable[[], tuple[Any, list[Any]]] = l1) -> None:
        self.rows, self.make = rows, make
        self.compile: dict[str, Any] = {"optimizer": keras.optimizers.Adam, "metrics": ["mae"]}
        self.rate = 0.01
        self.fit: dict[str, Any] = {"epochs": 4, "batch_size": 64}

    def run(self, folder: Path | None, kill: Any = None, **changes: Any) -> "Training":
        model, callbacks = self.make()
        if model.normalization:
            model.adapt(self.rows)
        model.compile(**{**self.compile, "optimizer": self.compile["optimizer"](self.rate)})
        self.model, self.remember = model, Remember()
        self.early = keras.callbacks.EarlyStopping(
            "val_loss", patience=2, min_delta=0.02, restore_best_weights=True
        )
        self.monitor = SparsityMonitor(warn=False)
        callbacks += [self.remember, self.early, self.monitor, kill or Kill()]
        if self.make is l1:
            callbacks.append(ReviveDeadUnits(self.rows, every=1, until=3, seed=3))
        if folder is not None:
            callbacks.insert(0, Checkpoint(folder, every_batches=2, every_seconds=None))
        held_out = self.rows[:50]
        given = {"validation_data": held_out, "verbose": 0, **self.fit, **changes}
        self.history = model.fit(self.rows, callbacks=callbacks, **given)
        return self

    def kill(self, folder: Path, *when: Any) -> None:
        with pytest.raises(KilledError):
            self.run(folder, Kill(*when))

    def state(self) -> dict[str, Any]:
        model = self.model
        variables = [*model.variables, *model.optimizer.variables]
        remembered = vars(self.remember)
        names = ("seen", "batches", "kept", "logged")
        return {
            "variables": [ops.convert_to_numpy(each) for each in variables],
            "history": self.history.history,
            "epochs": self.history.epoch,
            "curves": self.monitor.curves(),
            "early": [self.early.wait, self.early.best, self.early.stopped_epoch],
            "remembered": {name: remembered[name] for name in names},
            "draws": self.remember.draws.bit_generator.state,
        }


def newest(folder: Path) -> dict[str, Any]:
    found = checkpoints.read(folder)
    assert found is not None
    return found[0]


@pytest.mark.parametrize("make", [l1, kl, dropout])
def test_a_training_that_was_killed_ends_as_one_that_was_not(
    make: Callable[[], tuple[Any, list[Any]]], rows: np.ndarray, tmp_path: Path
) -> None:
    training = Training(rows, make)
    if make is dropout:
        training.fit |= {"y": rows + 1, "sample_weight": np.linspace(0, 2, 400)}
    keras.utils.set_random_seed(1)
    expected = training.run(tmp_path / "alone").state()
    keras.utils.set_random_seed(1)
    training.kill(tmp_path / "kept", 0, 4)
    assert (newest(tmp_path / "kept")["epoch"], newest(tmp_path / "kept")["batch"]) == (0, 4)
    # Only a revived unit draws from what a start brings: its layer's initializer.
    keras.utils.set_random_seed(1 if make is l1 else 2)
    found = training.run(tmp_path / "kept").state()
    np.testing.assert_equal(found, expected)
    assert len(found["history"]["loss"]) == 4
