"""Where a training runs: the devices that share a batch, the processes that share a model."""

import os
import socket
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import keras
import numpy as np
from keras import ops

WELCOME, REFUSED = b".", b"!"


def sharing_devices() -> int:
    """How many devices share every batch now: `DataParallel`'s, `MirroredStrategy`'s, or 1."""
    distribution = keras.distribution.distribution()
    if distribution is not None:
        mesh = distribution.device_mesh
        return int(mesh.shape[mesh.axis_names.index(distribution.batch_dim_name)])
    return mirrored_replicas()


def mirrored_replicas() -> int:
    """How many replicas of TensorFlow's strategy each see a part of the batch alone."""
    if keras.backend.backend() != "tensorflow":
        return 1
    import tensorflow as tf

    return int(tf.distribute.get_strategy().num_replicas_in_sync)


def process() -> tuple[int, int]:
    """This process and how many there are: `(0, 1)` unless JAX trains on many hosts."""
    if keras.distribution.distribution() is None or keras.backend.backend() != "jax":
        return 0, 1
    import jax

    return jax.process_index(), jax.process_count()


def require_supported_strategy() -> None:
    """Refuse the strategy of TensorFlow that Keras 3 does not train with.

    Raises:
        ValueError: Under `MultiWorkerMirroredStrategy`.
    """
    if keras.backend.backend() != "tensorflow":
        return
    import tensorflow as tf

    if isinstance(tf.distribute.get_strategy(), tf.distribute.MultiWorkerMirroredStrategy):
        raise ValueError(
            "Expected tf.distribute.MirroredStrategy, for several GPUs of one host. Received: "
            "MultiWorkerMirroredStrategy, with which Keras 3 does not train. Remedy: on many "
            "hosts, the JAX backend and keras_sparse.devices.connect(...)"
        )


def shared_batch_size(batch_size: int | None, default: int, rows: int) -> int:
    """A batch size that the devices can share evenly, no larger than `rows` need.

    Raises:
        ValueError: If they cannot share `batch_size`. The default is rounded up for them.
    """
    devices = sharing_devices()
    if batch_size is None:
        batch_size = -(-default // devices) * devices
    if not isinstance(batch_size, (int, np.integer)) or batch_size < 1:
        raise ValueError(
            "Invalid value for argument `batch_size`. Expected a positive integer. Received: "
            f"batch_size={batch_size!r}"
        )
    if batch_size % devices:
        raise ValueError(
            f"Invalid value for argument `batch_size`. Expected a multiple of {devices}, the "
            f"devices that share a batch. Received: batch_size={batch_size}"
        )
    return min(int(batch_size), -(-rows // devices) * devices)


def require_same(**facts: int | None) -> None:
    """Refuse processes that come to train with different things: they would wait forever.

    Raises:
        ValueError: In every process, if one of the facts is not the same in all.
    """
    if process()[1] == 1:
        return
    from jax.experimental import multihost_utils

    own = np.array([0 if fact is None else fact for fact in facts.values()], np.uint32)
    everybody = multihost_utils.process_allgather(own)
    for name, values in zip(facts, everybody.T, strict=True):
        if (values != values[0]).any():
            raise ValueError(
                "Expected the same arrays, batch size and random seed in every process. Received: "
                f"{name}={values.tolist()} in processes 0 to {len(values) - 1}. Remedy: the same "
                "rows and keras.utils.set_random_seed(...) in each"
            )


@contextmanager
def own_parts() -> Iterator[None]:
    """While it lasts, Keras does not split data among processes: batches are parts already."""
    distribution = keras.distribution.distribution()
    if distribution is None:
        yield
        return
    before = distribution.auto_shard_dataset
    distribution.auto_shard_dataset = False
    try:
        yield
    finally:
        distribution.auto_shard_dataset = before


@contextmanager
def alone() -> Iterator[None]:
    """While it lasts, what is made belongs to this process: no other is waited for."""
    distribution = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(distribution)


def require_policy(policy: Any) -> None:
    """Refuse a precision in which the backend does not train.

    Raises:
        ValueError: For quantized policies, and for a dtype that the backend has not.
    """
    wanted = {policy.compute_dtype, policy.variable_dtype}
    with warnings.catch_warnings(action="ignore"):  # JAX warns that it takes another
        has = {keras.backend.standardize_dtype(ops.zeros((), dtype).dtype) for dtype in wanted}
    if policy.quantization_mode is not None or has != wanted:
        backend = keras.backend.backend()
        raise ValueError(
            "Invalid value for argument `dtype`. Expected a precision that is trained in on "
            f"{backend}, such as float32 or mixed_bfloat16. Received: dtype={policy.name!r}"
            + (
                '. Remedy: jax.config.update("jax_enable_x64", True)'
                if backend == "jax" and "float64" in wanted
                else ""
            )
        )


@contextmanager
def share(devices: int | None) -> Iterator[None]:
    """While it lasts, models are made for, and trained on, this many devices of the host.

    `keras.distribution.DataParallel` on JAX, `tf.distribute.MirroredStrategy` on TensorFlow; on GPU
    or TPU where there is one. `None` leaves everything as it is.

    Raises:
        ValueError: If there are fewer, or the backend knows no way to share.
    """
    if devices is None:
        yield
        return
    backend = keras.backend.backend()
    names = _device_names(backend)
    if devices > len(names):
        kind = names[0].split(":")[0].upper()
        remedy = {
            "jax": '. Remedy: a CPU counts as several with XLA_FLAGS="'
            f'--xla_force_host_platform_device_count={devices}"',
            "torch": ". Remedy: KERAS_BACKEND=jax (or tensorflow), which share batches",
        }
        raise ValueError(
            f"Invalid value for argument `devices`. Expected at most {len(names)}, the {kind} "
            f"devices that {backend} has here. Received: devices={devices}"
            + (remedy.get(backend, "") if kind == "CPU" or backend == "torch" else "")
        )
    with ExitStack() as stack:
        if backend == "jax":
            distribution = keras.distribution.DataParallel(devices=names[:devices])
            stack.enter_context(distribution.scope())
        elif devices > 1:
            import tensorflow as tf

            stack.enter_context(tf.distribute.MirroredStrategy(names[:devices]).scope())
        yield


def _device_names(backend: str) -> list[str]:
    if backend == "jax":
        return list(keras.distribution.list_devices())
    if backend == "torch":
        return ["torch:0"]  # Keras shares no batches on torch
    import tensorflow as tf

    for kind in ("GPU", "CPU"):
        if names := [device.name for device in tf.config.list_logical_devices(kind)]:
            return [f"{kind}:{index}" for index in range(len(names))]
    return []


# Many hosts ------------------------------------------------------------------------------------


def connect(address: str, processes: int, process: int, *, timeout: float = 300) -> None:
    """Make this process one of several, on as many hosts, that train one model with JAX.

    Call it before anything else of Keras, in every process with its own number; then
    `keras.distribution.set_distribution(keras.distribution.DataParallel())`. Every process calls
    `fit` with the same arrays and batch size, and takes its part of each batch.

    First everybody meets at `address`; then it is handed to `keras.distribution.initialize`. From
    then on an exception that nobody catches ends this process at once, and a process that is gone
    ends the others with a message of JAX's, after about 100 seconds.

    Args:
        address: `host:port` of process 0, reachable from all others, the port free.
        processes: How many there are.
        process: The number of this one, from 0.
        timeout: Seconds to wait for the others.

    Raises:
        ValueError: If an argument is out of its range, or the backend is not JAX.
        TimeoutError: If not everybody came in time; it says who is missing.
        ConnectionError: If two processes say they are the same one, or the port is taken.
    """
    if keras.backend.backend() != "jax":
        raise ValueError(
            "Expected the JAX backend, on which Keras trains on many hosts. Received: "
            f"{keras.backend.backend()}. Remedy: KERAS_BACKEND=jax"
        )
    if not 0 <= process < processes:
        raise ValueError(
            f"Invalid value for argument `process`. Expected 0 to `processes` - 1. "
            f"Received: process={process}, processes={processes}"
        )
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(
            "Invalid value for argument `address`. Expected host:port of process 0. "
            f"Received: address={address!r}"
        )
    deadline = time.monotonic() + timeout
    if process == 0:
        _gather(int(port), processes, deadline)
    else:
        _report(host, int(port), process, deadline)
    keras.distribution.initialize(address, processes, process)
    sys.excepthook = _end_at_once


def _end_at_once(*error: Any) -> None:
    # At its exit JAX waits minutes for the others, who may be waiting for this process.
    sys.__excepthook__(*error)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)


def _gather(port: int, processes: int, deadline: float) -> None:
    # JAX ends a process whose peers do not come, without an exception. So they meet here first.
    present: dict[int, socket.socket] = {}
    with ExitStack() as stack:
        try:
            server = stack.enter_context(socket.create_server(("", port)))
        except OSError as error:
            raise ConnectionError(
                f"Expected port {port} of process 0 to be free. Received: {error}. Remedy: another "
                "port; and see that one process alone is number 0"
            ) from error
        while len(present) < processes - 1:
            try:
                server.settimeout(_left(deadline))
                peer, _ = server.accept()
            except TimeoutError:
                missing = sorted(set(range(1, processes)) - set(present))
                raise TimeoutError(
                    f"Expected {processes} processes to meet at port {port}. Received: no word "
                    f"from process {', '.join(map(str, missing))}. Remedy: see that it runs, and "
                    "that it reaches this host"
                ) from None
            stack.enter_context(peer)
            try:
                peer.settimeout(5)
                number = int(peer.recv(16))
            except (OSError, ValueError):
                continue  # somebody else's connection
            if number in present or not 0 < number < processes:
                for each in (*present.values(), peer):
                    each.sendall(REFUSED)
                raise ConnectionError(
                    f"Expected processes 1 to {processes - 1}, each once. Received: process "
                    f"{number}" + (" twice" if number in present else "")
                )
            present[number] = peer
        for peer in present.values():
            peer.sendall(WELCOME)


def _report(host: str, port: int, process: int, deadline: float) -> None:
    answer, trouble = b"", "no answer"
    while answer not in (WELCOME, REFUSED):
        try:
            with socket.create_connection((host, port), timeout=_left(deadline)) as peer:
                peer.sendall(str(process).encode())
                answer = peer.recv(1)
        except TimeoutError:
            raise TimeoutError(
                f"Expected process 0 to gather everybody at {host}:{port}. Received: {trouble}. "
                "Remedy: see that all processes run, and that this host reaches that address"
            ) from None
        except OSError as error:
            trouble = str(error)
            time.sleep(0.2)  # it has not started yet
    if answer == REFUSED:
        raise ConnectionError(
            f"Expected to be the only process {process}, of a number that process 0 knows. "
            "Received: a refusal. Remedy: the same `processes` everywhere, each `process` once"
        )


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
