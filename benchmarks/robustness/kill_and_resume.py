"""Compare a training that is killed again and again with an uninterrupted one, to the bit.

    KERAS_BACKEND=tensorflow python -m robustness.kill_and_resume [--kills 8] [--seed 0]

Each training runs in a process of its own with a `Checkpoint` that writes often. It is killed with
SIGKILL at random moments, a third of the times while a checkpoint is being written, and started
again until it ends. Its history and all variables of its model and optimizer are compared with
those of a process that was never killed. The script prints a line for each kill and each training.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

EVERY = 48  # batches from one checkpoint to the next
STEPS = 256
KINDS = ("l1", "kl", "dropout")
PROGRESS, RESULT = "progress", "result.npz"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=8, help="kills of each training")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--train", nargs=2, metavar=("KIND", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.train:
        train(options.train[0], Path(options.train[1]))
        return
    random = np.random.default_rng(options.seed)
    kills, equal = 0, True
    for kind in options.kinds:
        with tempfile.TemporaryDirectory() as alone, tempfile.TemporaryDirectory() as killed:
            start(kind, Path(alone)).wait()
            count = kill_until_it_ends(kind, Path(killed), options.kills, random)
            differences = find_differences(Path(alone) / RESULT, Path(killed) / RESULT)
        kills, equal = kills + count, equal and not differences
        print(f"{kind}: {count} kills, " + (", ".join(differences) or "equal to the bit"))
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    print(f"{backend}: {kills} kills in {len(options.kinds)} trainings, all equal: {equal}")
    sys.exit(not equal)


def start(kind: str, folder: Path) -> subprocess.Popen[bytes]:
    """Start a training, or continue it."""
    command = [sys.executable, __file__, "--train", kind, str(folder)]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL)


def kill_until_it_ends(kind: str, folder: Path, kills: int, random: np.random.Generator) -> int:
    for count in range(kills):
        (folder / PROGRESS).unlink(missing_ok=True)
        process = start(kind, folder)
        how = ("anywhere", "writing", "anywhere", "writing", "starting", "anywhere")[count % 6]
        if how == "starting":
            time.sleep(random.uniform(1, 6))
        else:
            wanted = find_newest(folder) + random.integers(0, 9)
            while find_newest(folder) < wanted and process.poll() is None:
                time.sleep(0.001)
            time.sleep(random.uniform(0, 0.1))
        if how == "writing":
            while not is_half_written(folder) and process.poll() is None:
                time.sleep(0.0001)
            time.sleep(random.uniform(0, 0.003))
        process.send_signal(signal.SIGKILL)
        if process.wait() == 0:
            print(f"{kind}: it ended before kill {count + 1}")
            return count
        print(f"{kind}: kill {count + 1}: {describe_progress(folder)}", flush=True)
    assert start(kind, folder).wait() == 0
    return kills


def find_newest(folder: Path) -> int:
    return max((int(path.name) for path in (folder / "kept").glob("[0-9]*")), default=-1)


def is_half_written(folder: Path) -> bool:
    return any(path.name.startswith(".") for path in (folder / "kept").glob(".*"))


def describe_progress(folder: Path) -> str:
    """Describe where the training was killed and how much work was lost."""
    at = read_progress(folder / PROGRESS)
    cut = ", a checkpoint half written" if is_half_written(folder) else ""
    if find_newest(folder) < 0:
        return "before the first checkpoint"
    record = (folder / "kept" / f"{find_newest(folder):06d}" / "state.json").read_text()
    state = json.loads(json.loads(record)["state"])
    kept = state["epoch"] * STEPS + state["batch"]
    if at is None:
        return f"before a batch was trained{cut}"
    epoch, batch = divmod(at, STEPS)
    return f"in epoch {epoch + 1}, batch {batch} of {STEPS}; {max(0, at - kept)} batches lost{cut}"


def read_progress(file: Path) -> int | None:
    text = file.read_text() if file.exists() else ""
    return int(text) if text else None


def find_differences(alone: Path, killed: Path) -> list[str]:
    """Return the arrays that differ between two trainings."""
    with np.load(alone) as one, np.load(killed) as other:
        names = sorted({*one.files, *other.files})
        return [
            f"{name} differs"
            for name in names
            if name not in one
            or name not in other
            or one[name].dtype != other[name].dtype
            or one[name].tobytes() != other[name].tobytes()
        ]


# The training ----------------------------------------------------------------------------------


def train(kind: str, folder: Path) -> None:
    import keras
    from keras import ops

    from keras_sparse import Checkpoint, SparsityMonitor

    keras.utils.set_random_seed(1)
    random = np.random.default_rng(0)
    x = np.maximum(random.normal(size=(32 * STEPS - 7 + 512, 24)) @ random.normal(size=(24, 48)), 0)
    x = x.astype(np.float32)
    x, held_out = x[:-512], x[-512:]
    model: Any = build_dropout() if kind == "dropout" else build_penalized(kind)
    if model.normalization:
        model.adapt(x)
    model.compile(keras.optimizers.Adam(3e-3))
    plateau = keras.callbacks.ReduceLROnPlateau("val_loss", patience=1, min_delta=1e-2)
    early = keras.callbacks.EarlyStopping("val_loss", patience=6, restore_best_weights=True)
    monitor = SparsityMonitor(warn=False)
    model.fit(
        x,
        epochs=14,
        sample_weight=random.random(len(x)) if kind == "dropout" else None,
        validation_data=held_out,
        verbose=0,
        callbacks=[
            record_progress(folder / PROGRESS),
            monitor,
            plateau,
            early,
            *build_remedies(kind, x),
            Checkpoint(folder / "kept", every_batches=EVERY, every_seconds=None),
        ],
    )
    variables = {
        f"{owner} {index}": ops.convert_to_numpy(variable)
        for owner, values in (("model", model.variables), ("optimizer", model.optimizer.variables))
        for index, variable in enumerate(values)
    }
    history = {
        f"history {name}": np.array(values) for name, values in model.history.history.items()
    }
    curves = {f"curve {name}": curve for name, curve in monitor.curves().items()}
    arrays: dict[str, Any] = {**variables, **history, **curves}
    np.savez(folder / RESULT, **arrays)


def build_penalized(kind: str) -> Any:
    from keras_sparse import KL, L1, SparseAutoencoder

    return SparseAutoencoder(
        48,
        32,
        hidden_units=(40,),
        normalization="standard",
        sparsity=L1(3e-2) if kind == "l1" else KL(0.1, 1e-2),
        rho_horizon=2000 if kind == "kl" else None,
    )


def build_dropout() -> Any:
    import keras

    from keras_sparse import L1, SparseAutoencoder

    encoder = keras.Sequential(
        [
            keras.Input((48,)),
            keras.layers.GaussianNoise(0.1),
            keras.layers.Dense(40, "relu"),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(32, "relu"),
        ]
    )
    decoder = keras.Sequential([keras.Input((32,)), keras.layers.Dense(48)])
    return SparseAutoencoder.from_models(encoder, decoder, sparsity=L1(1e-3))


def build_remedies(kind: str, x: np.ndarray) -> list[Any]:
    from keras_sparse import PenaltySchedule, ReviveDeadUnits

    if kind != "l1":
        return []
    schedule = PenaltySchedule(PenaltySchedule.warm_up(3e-2, 4))
    return [schedule, ReviveDeadUnits(x, every=2, until=12, rows=2048)]


def record_progress(file: Path) -> Any:
    """Return a callback that writes the number of trained batches."""
    import keras

    class Progress(keras.callbacks.Callback):
        acts_on_batches = False  # it works with several steps per call as well

        def on_epoch_begin(self, epoch: int, logs: object = None) -> None:
            self._epoch = epoch

        def on_train_batch_end(self, batch: int, logs: object = None) -> None:
            done = min(batch + 1, STEPS)
            file.write_text(str(self._epoch * STEPS + done))

    return Progress()


if __name__ == "__main__":
    main()
