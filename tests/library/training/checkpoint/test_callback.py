import subprocess
import sys
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
    Shards,
    SparseAutoencoder,
    SparsityMonitor,
)
from keras_sparse.training import compiled_steps
from keras_sparse.training.batching import array_batches
from keras_sparse.training.checkpoint import storage
from keras_sparse.training.checkpoint.callback import Interrupted
from keras_sparse.training.checkpoint.storage import CheckpointError
from keras_sparse.training.failures import TrainingError

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
    model = SparseAutoencoder(12, 8, sparsity=KL(0.1, 0.01), rho_horizon=500, normalization=None)
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
    found = storage.read(folder)
    assert found is not None
    return found[0]


@pytest.mark.slow
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


# Smaller trainings -----------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="only TensorFlow has stacks")
def test_a_training_in_stacks_goes_on_within_an_epoch(
    rows: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiled_steps, "LONG", 1)
    monkeypatch.setattr(array_batches, "STACK_BATCHES", 2)

    class Killing(Kill):
        acts_on_batches = False

    def train(folder: Path, kill: Killing) -> SparseAutoencoder:
        keras.utils.set_random_seed(3)
        model, _ = kl()
        model.compile()
        callbacks = [Checkpoint(folder, every_batches=2), kill]
        model.fit(rows, batch_size=64, epochs=3, verbose=0, callbacks=callbacks)
        return model

    whole = train(tmp_path / "whole", Killing())
    with pytest.raises(KilledError):
        train(tmp_path / "killed", Killing(1, 3))
    assert (newest(tmp_path / "killed")["epoch"], newest(tmp_path / "killed")["batch"]) == (1, 2)
    again = train(tmp_path / "killed", Killing())
    assert same_weights(again, whole)
    assert again.history.history == whole.history.history


@pytest.mark.slow
def test_rows_on_disk_go_on_within_an_epoch(
    rows: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keras_sparse.training.batching.shuffle_buffer.BUFFER_BYTES", 130 * 48)
    monkeypatch.setattr("keras_sparse.training.batching.shuffle_buffer.BUFFER_ROWS", 1)
    monkeypatch.setattr("keras_sparse.training.batching.shuffle_buffer.BLOCK_BYTES", 10 * 48)
    np.save(tmp_path / "rows.npy", rows)
    x = Shards(tmp_path / "rows.npy")

    def train(folder: Path, seed: int, kill: Kill) -> SparseAutoencoder:
        keras.utils.set_random_seed(seed)
        model, _ = kl()
        model.compile()
        callbacks = [Checkpoint(folder, every_batches=2), kill]
        model.fit(x, batch_size=64, epochs=3, verbose=0, callbacks=callbacks)
        return model

    whole = train(tmp_path / "whole", 3, Kill())
    with pytest.raises(KilledError):
        train(tmp_path / "killed", 3, Kill(1, 4))
    assert (newest(tmp_path / "killed")["epoch"], newest(tmp_path / "killed")["batch"]) == (1, 4)
    again = train(tmp_path / "killed", 4, Kill())  # whose orders would be others
    assert same_weights(again, whole)
    assert again.history.history == whole.history.history


@pytest.mark.slow
@pytest.mark.parametrize(
    ("steps", "kill", "kind"),  # a pass has 4 steps
    [
        (3, Kill(0), "arrays"),
        (9, Kill(1, 5), "arrays"),
        (5, Kill(1, 2), "stacks"),
        (3, Kill(1, 1), "shards"),
        (9, Kill(0, 5), "map"),
    ],
)
def test_epochs_of_other_steps_than_a_pass_go_on(
    steps: int,
    kill: Kill,
    kind: str,
    rows: np.ndarray,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("keras_sparse.training.batching.shuffle_buffer.BUFFER_BYTES", 130 * 48)
    monkeypatch.setattr("keras_sparse.training.batching.shuffle_buffer.BUFFER_ROWS", 1)
    monkeypatch.setattr("keras_sparse.training.batching.shuffle_buffer.BLOCK_BYTES", 10 * 48)
    monkeypatch.setattr(compiled_steps, "LONG", 1 if kind == "stacks" else 1000)
    monkeypatch.setattr(array_batches, "STACK_BATCHES", 3)
    monkeypatch.setattr(Kill, "acts_on_batches", kind != "stacks", raising=False)
    eager = kind != "stacks" and keras.backend.backend() == "tensorflow"
    rows = rows[:220]
    np.save(tmp_path / "rows.npy", rows)
    x = {
        "shards": Shards(tmp_path / "rows.npy"),
        "map": np.load(tmp_path / "rows.npy", mmap_mode="r"),
    }.get(kind, rows)

    def train(folder: str, kill: Kill, seed: int = 3, **fit: Any) -> SparseAutoencoder:
        keras.utils.set_random_seed(seed)
        model, _ = kl()
        model.compile("adam", run_eagerly=eager)  # the default depends on the number of epochs
        callbacks = [Checkpoint(tmp_path / folder, every_batches=1), kill]
        given = {"epochs": 3, "steps_per_epoch": steps, "batch_size": 64, "verbose": 0, **fit}
        if kind == "arrays":
            given |= {"validation_data": rows, "validation_batch_size": 64, "validation_steps": 2}
        model.fit(x, callbacks=callbacks, **given)
        return model

    whole = train("whole", Kill())
    with pytest.raises(KilledError):
        train("killed", kill)
    train("killed", Kill(), epochs=2, seed=4)
    again = train("killed", Kill(), seed=5)
    assert same_weights(again, whole)
    assert again.history.history == whole.history.history


def test_a_model_that_was_not_compiled_is_told_by_keras(rows: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="compile"):
        kl()[0].fit(rows, callbacks=[Checkpoint(tmp_path / "kept")])


def small(
    rows: np.ndarray,
    folder: Path,
    *callbacks: Any,
    units: int = 4,
    rate: float = 0.01,
    penalty: float = 1e-3,
    every: int | None = 2,
    **fit: Any,
) -> tuple[SparseAutoencoder, dict[str, list[float]]]:
    keras.utils.set_random_seed(1)
    model = SparseAutoencoder(12, units, sparsity=L1(penalty), normalization=None)
    model.compile(keras.optimizers.Adam(rate), run_eagerly=True)
    kept = Checkpoint(folder, every_batches=every, every_seconds=None)
    given = {"epochs": 2, "batch_size": 64, "verbose": 0, **fit}
    history = model.fit(rows, callbacks=[kept, *callbacks], **given)
    return model, history.history


def same_weights(one: keras.Model, other: keras.Model) -> bool:
    pairs = zip(one.get_weights(), other.get_weights(), strict=True)
    return all(a.tobytes() == b.tobytes() for a, b in pairs)


@pytest.mark.slow
def test_a_training_that_ended_trains_no_further_but_goes_on_to_more_epochs(
    rows: np.ndarray, tmp_path: Path
) -> None:
    longer, expected = small(rows, tmp_path / "longer", epochs=3)
    first, history = small(rows, tmp_path / "kept")
    assert newest(tmp_path / "kept")["complete"]
    begun = Kill(2, 0, what=lambda: pytest.fail("it trained"))
    again, same = small(rows, tmp_path / "kept", begun)
    assert same == history
    assert same_weights(again, first)
    more, found = small(rows, tmp_path / "kept", epochs=3)
    assert found == expected
    assert same_weights(more, longer)
    _, found = small(rows, tmp_path / "kept", epochs=1)
    assert len(found["loss"]) == 3


def test_a_training_that_a_callback_ended_stays_ended_with_its_best_weights(
    rows: np.ndarray, tmp_path: Path
) -> None:
    def early() -> Any:
        return keras.callbacks.EarlyStopping(
            "loss", mode="max", patience=1, restore_best_weights=True
        )

    first, history = small(rows, tmp_path, early(), epochs=5)
    assert len(history["loss"]) == 2
    assert any(name.startswith("final/") for name in (storage.read(tmp_path) or ({}, {}))[1])
    again, same = small(rows, tmp_path, early(), epochs=9)
    assert same == history
    assert same_weights(again, first)


@pytest.mark.slow
def test_the_one_before_is_gone_on_from_where_the_newest_is_damaged(
    rows: np.ndarray, tmp_path: Path
) -> None:
    expected, history = small(rows, tmp_path / "alone")
    with pytest.raises(KilledError):
        small(rows, tmp_path / "kept", Kill(1, 4))
    damaged = max((tmp_path / "kept").glob("[0-9]*"))
    (damaged / "arrays.npz").write_bytes(b"cut")
    with pytest.warns(UserWarning, match=f"{damaged.name} is damaged"):
        found, same = small(rows, tmp_path / "kept", Kill())
    assert same == history
    assert same_weights(found, expected)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"units": 5}, r"model\.code_dim: 4 there, 5 here"),
        ({"rate": 0.02}, r"learning_rate: 0\.00\d* there, 0\.01\d* here"),
        ({"penalty": 0.5}, r"sparsity\.config\.l1: 0\.001 there, 0\.5 here"),
        ({"batch_size": 32}, r"x\.batch_size: 64 there, 32 here"),
        ({"shuffle": False}, r"x\.shuffled: true there, false here"),
        ({"sample_weight": np.ones(400)}, r"x\.sample_weight: nothing there, "),
        ({"validation_split": 0.1}, r"x\.rows: 400 there, 360 here.*validation\.rows: nothing"),
    ],
)
def test_another_training_is_refused(
    change: dict[str, Any], message: str, rows: np.ndarray, tmp_path: Path
) -> None:
    small(rows, tmp_path, epochs=1)
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    with pytest.raises(CheckpointError, match=rf"{tmp_path}.*another, with.*{message}.*Remedy"):
        small(rows, tmp_path, **change)
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before


@pytest.mark.slow
def test_two_processes_do_not_share_a_folder(rows: np.ndarray, tmp_path: Path) -> None:
    second = Training(rows, kl)

    def start_another() -> None:
        second.kill(tmp_path, 1, 3)

    with pytest.raises(CheckpointError, match=r"one training at a time. Received: checkpoint 0000"):
        Training(rows, kl).run(tmp_path, Kill(0, 2, start_another))
    again = second.run(tmp_path).state()
    keras.utils.set_random_seed(0)
    alone = Training(rows, kl).run(None).state()
    np.testing.assert_equal(again["variables"], alone["variables"])


def test_other_rows_and_another_backend_are_refused(rows: np.ndarray, tmp_path: Path) -> None:
    small(rows, tmp_path, epochs=1)
    with pytest.raises(CheckpointError, match=r"with x: \[\[12\], \d+\] there, \[\[12\], \d+\]"):
        small(rows + 1, tmp_path)
    state, arrays = storage.read(tmp_path) or ({}, {})
    state["facts"]["backend"] = "another"
    storage.write(tmp_path, state, arrays)
    with pytest.raises(CheckpointError, match='with backend: "another" there'):
        small(rows, tmp_path)


def test_callbacks_whose_state_was_kept_are_required(rows: np.ndarray, tmp_path: Path) -> None:
    small(rows, tmp_path, Remember(), epochs=1)
    with pytest.raises(CheckpointError, match=r"without Remember\. Remedy"):
        small(rows, tmp_path)
    _, history = small(rows, tmp_path, Kill(), Remember())  # one more begins anew
    assert len(history["loss"]) == 2


def test_a_model_trained_so_far_goes_on_though_its_learning_rate_fell(
    rows: np.ndarray, tmp_path: Path
) -> None:
    model = SparseAutoencoder(12, 4, sparsity=None, normalization=None)
    model.compile("adam", run_eagerly=True)
    for epochs in (3, 4):
        plateau = keras.callbacks.ReduceLROnPlateau("loss", patience=1, min_delta=9)
        callbacks = [Checkpoint(tmp_path), plateau]
        model.fit(rows, batch_size=64, epochs=epochs, verbose=0, callbacks=callbacks)
    assert len(model.history.history["learning_rate"]) == 4
    assert model.history.history["learning_rate"][-1] < 1e-3


@pytest.mark.parametrize("spoilt", ["rate", "rows"])
def test_a_loss_that_is_not_finite_ends_it_with_the_last_good_weights(
    spoilt: str, rows: np.ndarray, tmp_path: Path
) -> None:
    if spoilt == "rows":
        rows[:, 3] *= 1e30
    rate = 1e30 if spoilt == "rate" else 0.01
    keras.utils.set_random_seed(1)
    model = SparseAutoencoder(12, 4, sparsity=L1(1e-3), normalization=None)
    model.compile(keras.optimizers.Adam(rate), run_eagerly=True)
    cause = {"rate": r"learning rate \(1e\+30\)", "rows": r"rows of huge values, up to \d\.\d+e\+3"}
    message = (
        rf"Received: .* in epoch 1.*likely cause: .*{cause[spoilt]}.*weights of the start, saved"
    )
    with pytest.raises(TrainingError, match=message):
        model.fit(rows, batch_size=64, epochs=3, verbose=0, callbacks=[Checkpoint(tmp_path)])
    assert all(np.isfinite(weight).all() for weight in model.get_weights())
    state, arrays = storage.read(tmp_path) or ({}, {})
    assert state["epoch"] == 0
    assert all(np.isfinite(array).all() for array in arrays.values() if array.dtype.kind == "f")


def test_weights_that_are_not_finite_are_not_written(rows: np.ndarray, tmp_path: Path) -> None:
    def spoil() -> None:
        kernel = kill.model.encoder.layers[-1].kernel
        kernel.assign(np.full(kernel.shape, np.nan))

    kill = Kill(0, STEPS - 1, what=spoil)  # the loss has not seen it yet
    with pytest.raises(TrainingError, match=r"weights in epoch 1.*batch 6 of epoch 1, saved in"):
        small(rows, tmp_path, kill)
    assert np.isfinite(kill.model.get_weights()[0]).all()


@pytest.mark.slow
def test_an_interrupted_training_leaves_a_checkpoint_and_goes_on(
    rows: np.ndarray, tmp_path: Path
) -> None:
    expected, history = small(rows, tmp_path / "alone")
    kept = Checkpoint(tmp_path / "kept", every_seconds=None)
    assert not kept.interrupt()  # nothing is going on
    model = SparseAutoencoder(12, 4, sparsity=L1(1e-3), normalization=None)
    keras.utils.set_random_seed(1)
    model = SparseAutoencoder(12, 4, sparsity=L1(1e-3), normalization=None)
    model.compile(keras.optimizers.Adam(0.01), run_eagerly=True)
    kill = Kill(1, 2, what=kept.interrupt)
    with pytest.raises(Interrupted, match="interrupted in epoch 2"):
        model.fit(rows, epochs=2, batch_size=64, verbose=0, callbacks=[kept, kill])
    assert (newest(tmp_path / "kept")["epoch"], newest(tmp_path / "kept")["batch"]) == (1, 3)
    found, same = small(rows, tmp_path / "kept", Kill())
    last = Kill(2, STEPS - 1, what=kept.interrupt)  # the training ends first
    with pytest.raises(Interrupted, match="interrupted in epoch 3"):
        model.fit(rows, epochs=3, batch_size=64, verbose=0, callbacks=[kept, last])
    assert newest(tmp_path / "kept")["complete"]
    assert not kept.interrupt()
    assert same == history
    assert same_weights(found, expected)


@pytest.mark.slow
def test_streams_and_averaged_weights_are_kept_at_the_ends_of_epochs(
    rows: np.ndarray, tmp_path: Path
) -> None:
    class Stream(keras.utils.PyDataset):
        def __len__(self) -> int:
            return 4

        def __getitem__(self, index: int) -> tuple[np.ndarray, ...]:
            return (rows[index * 100 : (index + 1) * 100],)

    def run(folder: Path, kind: str, *callbacks: Any) -> Any:
        keras.utils.set_random_seed(1)
        model = SparseAutoencoder(12, 4, sparsity=None, normalization=None)
        optimizer = keras.optimizers.Adam(0.01, use_ema=kind == "averaged")
        model.compile(optimizer, run_eagerly=True)
        kept = Checkpoint(folder, every_batches=1)
        x = Stream() if kind == "stream" else rows
        model.fit(x, epochs=2, shuffle=False, verbose=0, callbacks=[kept, *callbacks])
        return model

    for kind in ("stream", "averaged"):
        expected = run(tmp_path / f"{kind} alone", kind, Kill())
        with pytest.raises(KilledError):
            run(tmp_path / kind, kind, Kill(1, 2))
        assert (newest(tmp_path / kind)["epoch"], newest(tmp_path / kind)["batch"]) == (1, 0)
        found = run(tmp_path / kind, kind, Kill())
        assert found.history.history == expected.history.history
        assert same_weights(found, expected)
        assert same_weights(run(tmp_path / kind, kind, Kill()), expected)


def test_it_belongs_in_the_list_of_a_sparse_autoencoder(rows: np.ndarray, tmp_path: Path) -> None:
    kept = Checkpoint(tmp_path)
    plain = keras.Sequential([keras.Input((12,)), keras.layers.Dense(12)])
    plain.compile(loss="mse")
    with pytest.raises(ValueError, match=r"of SparseAutoencoder\.fit.*Received.*Sequential"):
        plain.fit(rows, rows, verbose=0, callbacks=[kept])
    with pytest.raises(ValueError, match=r"one Checkpoint.*Received: 2 in a list"):
        small(rows, tmp_path, kept)
    model = SparseAutoencoder(12, 4, sparsity=None, normalization=None)
    model.compile()
    with pytest.raises(ValueError, match="Received: 1 in a CallbackList"):
        model.fit(rows, verbose=0, callbacks=keras.callbacks.CallbackList([kept], model=model))


@pytest.mark.parametrize(
    ("name", "value"),
    [("every_seconds", 0), ("every_seconds", "1"), ("every_batches", 1.5), ("every_batches", True)],
)
def test_arguments_out_of_range_are_named(name: str, value: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=rf"`{name}`. Expected a positive .* or None. Received"):
        Checkpoint(tmp_path, **{name: value})


KILLED = """
import os, sys, pathlib, numpy as np, keras
from keras_sparse import Checkpoint, L1, SparseAutoencoder

class Kill(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if (kept.folder / "000003").exists() and sys.argv[2] == "kill":
            os.kill(os.getpid(), 9)

for folder in sys.argv[3:]:
    keras.utils.set_random_seed(1)
    x = np.random.default_rng(0).random((400, 12))
    model = SparseAutoencoder(12, 4, sparsity=L1(1e-3), normalization=None)
    model.compile(keras.optimizers.Adam(0.01))
    kept = Checkpoint(sys.argv[1] + folder, every_batches=3, every_seconds=None)
    history = model.fit(x, epochs=2, batch_size=64, verbose=0, callbacks=[kept, Kill()])
    weights = {f"w{index}": each for index, each in enumerate(model.get_weights())}
    np.savez(sys.argv[1] + folder + ".npz", loss=history.history["loss"], **weights)
"""


@pytest.mark.process
def test_a_process_that_is_killed(tmp_path: Path) -> None:
    for what, *folders in (("kill", "kept"), ("-", "kept", "alone")):
        command = [sys.executable, "-c", KILLED, f"{tmp_path}/", what, *folders]
        assert subprocess.run(command, check=False).returncode == (-9 if what == "kill" else 0)
    with np.load(tmp_path / "alone.npz") as expected, np.load(tmp_path / "kept.npz") as found:
        assert len(found["loss"]) == 2
        for name in expected.files:
            assert found[name].tobytes() == expected[name].tobytes()
