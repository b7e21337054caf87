"""Trains on as many devices as it is told and writes all that came of it; run by test_devices."""

import argparse
import faulthandler
import os
from typing import Any

import numpy as np


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("--devices", type=int, default=None)
    parser.add_argument("--connect", nargs=3, default=None)
    options = parser.parse_args()
    faulthandler.dump_traceback_later(240, exit=True)  # a hang ends with the place where it is
    _make_devices(options.devices or (2 if options.connect else 1))

    import keras

    from keras_sparse import KL, L1, BatchTopK, SparseAutoencoder
    from keras_sparse.distribution import devices, hosts

    if options.connect:
        address, processes, process = options.connect
        hosts.connect(address, int(processes), int(process), timeout=60)
        keras.distribution.set_distribution(keras.distribution.DataParallel())

    rows = np.random.default_rng(0).random((300, 12)).astype(np.float32)
    weights = np.linspace(0.5, 2, 300)
    found: dict[str, Any] = {}
    cases: dict[str, Any] = {
        "L1": {"sparsity": L1(1e-2), "kernel_regularizer": "l2"},
        "L1 target": {"sparsity": L1(1e-2), "target_l0": 3},
        "KL": {"sparsity": KL(0.1, 1e-2)},
        "horizon": {"sparsity": KL(0.1, 1e-2), "rho_horizon": 2000},
        "refined": {"sparsity": BatchTopK(2), "refine": 1},
        "one pass": {"sparsity": BatchTopK(1)},
    }
    for name, arguments in cases.items():
        keras.utils.set_random_seed(0)
        with devices.share(options.devices):
            model = SparseAutoencoder(12, 8, normalization="standard", **arguments)
            model.adapt(rows)
            if name in ("refined", "one pass") and keras.backend.backend() == "tensorflow":
                owner: Any = model.count_activation if name == "refined" else model
                owner.silent_units.auxiliary = 0.0  # as several devices do
            model.compile(keras.optimizers.SGD(0.1), metrics=["mae"])
            if name == "L1":
                found |= _curves(name, model, rows, epochs=3, validation_data=rows[:100])
                model.fit(rows, batch_size=64, sample_weight=weights, verbose=0)
                found |= _answers(model, rows, stream=not options.connect)
            else:  # what they have in common is slow to prepare for several devices
                found |= _curves(name, model, rows, epochs=8)
        for index, weight in enumerate(model.get_weights()):
            found[f"{name} weight {index}"] = weight
    if options.connect:
        try:  # without a refusal the processes would wait for each other here
            model.fit(rows[: 300 - 100 * int(process)], verbose=0)
        except ValueError as refusal:
            found["refusal"] = np.array(str(refusal))
    if hosts.process()[0] == 0:
        model.save(os.path.splitext(options.out)[0] + ".keras")  # alone, while the other is done
        np.savez(options.out, **found)


def _curves(name: str, model: Any, rows: np.ndarray, **options: Any) -> dict[str, Any]:
    history = model.fit(rows, batch_size=64, verbose=0, **options).history
    return {f"{name} {key}": np.array(value) for key, value in history.items()}


def _answers(model: Any, rows: np.ndarray, stream: bool) -> dict[str, Any]:
    """What a trained model says of rows, in every way."""
    evaluated = model.evaluate(rows[:90], batch_size=32, return_dict=True, verbose=0)
    found = {f"L1 evaluate {key}": np.array(value) for key, value in evaluated.items()}
    found["L1 predict"] = model.predict(rows[:90], batch_size=32, verbose=0)
    if stream:
        parts = (rows[start : start + 40] for start in range(0, 100, 40))
        found["L1 predict stream"] = model.predict(parts, steps=3, verbose=0)
    found["L1 codes"] = model.encode(rows)
    return found


def _make_devices(count: int) -> None:
    """Let the CPU count as several, before a backend looks at it."""
    if os.environ["KERAS_BACKEND"] == "jax":
        os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={count}"
        # A device that waits for another process holds a thread of XLA's pool, which has one per
        # core: on two cores two such devices would leave none to end what they wait for.
        os.environ["NPROC"] = str(4 * count)
    elif count > 1:
        import tensorflow as tf

        cpu = tf.config.list_physical_devices("CPU")[0]
        parts = [tf.config.LogicalDeviceConfiguration()] * count
        tf.config.set_logical_device_configuration(cpu, parts)


if __name__ == "__main__":
    main()
