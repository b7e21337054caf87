"""Train one model in processes on many hosts: connect them, and end them together."""

import os
import socket
import sys
import time
from contextlib import ExitStack
from typing import Any

import keras
import numpy as np

ACCEPTED, REJECTED = b".", b"!"


def process() -> tuple[int, int]:
    """Index of this process and number of processes; `(0, 1)` unless JAX trains on many hosts."""
    if keras.distribution.distribution() is None or keras.backend.backend() != "jax":
        return 0, 1
    import jax

    return jax.process_index(), jax.process_count()


def require_same(**facts: int | None) -> None:
    """Raise unless all processes train with the same data and settings; they would deadlock.

    Args:
        **facts: Numbers that must be equal in all processes.

    Raises:
        ValueError: In every process, if one of the numbers differs.
    """
    if process()[1] == 1:
        return
    from jax.experimental import multihost_utils

    own = np.array([0 if fact is None else fact for fact in facts.values()], np.uint32)
    all_processes = multihost_utils.process_allgather(own)
    for name, values in zip(facts, all_processes.T, strict=True):
        if (values != values[0]).any():
            raise ValueError(
                "Expected the same arrays, batch size and random seed in every process. Received: "
                f"{name}={values.tolist()} in processes 0 to {len(values) - 1}. Remedy: use the "
                "same rows, and keras.utils.set_random_seed(...), in each"
            )


# Many hosts ------------------------------------------------------------------------------------


def connect(address: str, processes: int, process: int, *, timeout: float = 300) -> None:
    """Connect this process to others, on as many hosts, to train one model with JAX.

    Call it in every process before anything else of Keras, then
    `keras.distribution.set_distribution(keras.distribution.DataParallel())`. Every process calls
    `fit` with the same arrays and batch size, and takes its part of each batch.

    All processes first meet at `address`, which is then passed to `keras.distribution.initialize`.
    From then on an uncaught exception ends this process immediately. If a process ends, JAX ends
    the others with a message after about 100 seconds.

    Args:
        address: `host:port` of process 0: reachable from all others, and a free port.
        processes: Number of processes.
        process: Number of this process, from 0.
        timeout: Seconds to wait for the others.

    Raises:
        ValueError: If an argument is out of range, or the backend is not JAX.
        TimeoutError: If a process has not joined by the timeout; the message names it.
        ConnectionError: If two processes have the same number, or the port is in use.
    """
    if keras.backend.backend() != "jax":
        raise ValueError(
            "Expected the JAX backend, the only one that trains on many hosts. Received: "
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
        _gather_processes(int(port), processes, deadline)
    else:
        _join(host, int(port), process, deadline)
    keras.distribution.initialize(address, processes, process)
    sys.excepthook = _exit_immediately


def _exit_immediately(*error: Any) -> None:
    # JAX waits minutes for the other processes at exit, and they may wait for this one.
    sys.__excepthook__(*error)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)


def _gather_processes(port: int, processes: int, deadline: float) -> None:
    # JAX kills a process whose peers do not join, without an exception. So they meet here first.
    present: dict[int, socket.socket] = {}
    with ExitStack() as stack:
        try:
            server = stack.enter_context(socket.create_server(("", port)))
        except OSError as error:
            raise ConnectionError(
                f"Expected port {port} of process 0 to be free. Received: {error}. Remedy: use "
                "another port, and check that only one process has number 0"
            ) from error
        while len(present) < processes - 1:
            try:
                server.settimeout(_remaining_seconds(deadline))
                peer, _ = server.accept()
            except TimeoutError:
                missing = sorted(set(range(1, processes)) - set(present))
                raise TimeoutError(
                    f"Expected {processes} processes to meet at port {port}. Received: no "
                    f"connection from process {', '.join(map(str, missing))}. Remedy: check that "
                    "it is running and can reach this host"
                ) from None
            stack.enter_context(peer)
            try:
                peer.settimeout(5)
                number = int(peer.recv(16))
            except (OSError, ValueError):
                continue  # a connection of another program
            if number in present or not 0 < number < processes:
                for connection in (*present.values(), peer):
                    connection.sendall(REJECTED)
                raise ConnectionError(
                    f"Expected processes 1 to {processes - 1}, each once. Received: process "
                    f"{number}" + (" twice" if number in present else "")
                )
            present[number] = peer
        for peer in present.values():
            peer.sendall(ACCEPTED)


def _join(host: str, port: int, process: int, deadline: float) -> None:
    answer, fault = b"", "no answer"
    while answer not in (ACCEPTED, REJECTED):
        try:
            with socket.create_connection(
                (host, port), timeout=_remaining_seconds(deadline)
            ) as peer:
                peer.sendall(str(process).encode())
                answer = peer.recv(1)
        except TimeoutError:
            raise TimeoutError(
                f"Expected process 0 to accept a connection at {host}:{port}. Received: {fault}. "
                "Remedy: check that all processes are running and this host can reach the address"
            ) from None
        except OSError as error:
            fault = str(error)
            time.sleep(0.2)  # process 0 may not have started yet
    if answer == REJECTED:
        raise ConnectionError(
            f"Expected to be the only process {process}, and one that process 0 expects. Received: "
            "a rejection. Remedy: pass the same `processes` everywhere, and each `process` once"
        )


def _remaining_seconds(deadline: float) -> float:
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds
