import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest

from keras_sparse import KL, SparseAutoencoder
from keras_sparse.distribution import devices, hosts
from keras_sparse.sparsity import regularizers

BACKEND = keras.backend.backend()
SCRIPT = Path(__file__).parents[2] / "helpers" / "programs" / "shared_training.py"
on_jax = pytest.mark.skipif(BACKEND != "jax", reason="Keras trains on many hosts with JAX alone")
sharing = pytest.mark.skipif(BACKEND == "torch", reason="Keras shares no batches on torch")


def start(*arguments: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), *map(str, arguments)],
        env={**os.environ, "KERAS_BACKEND": BACKEND},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(*running: subprocess.Popen[str]) -> None:
    """Wait for processes that run together; when one fails or hangs, none is left."""
    try:
        for process in running:
            _, messages = process.communicate(timeout=300)
            assert process.returncode == 0, messages[-3000:]
    finally:
        for process in running:
            process.kill()
            process.communicate()


def results(file: Path) -> dict[str, np.ndarray]:
    with np.load(file) as arrays:
        return dict(arrays)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@pytest.fixture(scope="module")
def one_device(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    out = tmp_path_factory.mktemp("one") / "one.npz"
    finish(start(out))
    return results(out)


def assert_same(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-6, atol=1e-6, err_msg=name)


# The batch is shared -----------------------------------------------------------------------------


@pytest.mark.process
@on_jax
def test_eight_devices_give_the_run_of_one(
    one_device: dict[str, np.ndarray], tmp_path: Path
) -> None:
    finish(start(tmp_path / "eight.npz", "--devices", "8"))
    assert_same(results(tmp_path / "eight.npz"), one_device)


@pytest.mark.process
@on_jax
def test_two_processes_give_the_run_of_one(
    one_device: dict[str, np.ndarray], tmp_path: Path
) -> None:
    address = f"127.0.0.1:{free_port()}"
    out = tmp_path / "two.npz"
    finish(*(start(out, "--connect", address, "2", str(process)) for process in range(2)))
    one = {name: value for name, value in one_device.items() if "stream" not in name}
    found = results(out)
    assert_same(found, one)
    assert "Received: rows=[300, 200] in processes 0 to 1" in str(found["refusal"])
    loaded = keras.saving.load_model(tmp_path / "two.keras")
    assert isinstance(loaded, SparseAutoencoder)


@pytest.mark.process
@pytest.mark.skipif(BACKEND != "tensorflow", reason="MirroredStrategy is TensorFlow's")
def test_replicas_give_the_run_of_one_and_nearly_so_with_kl(
    one_device: dict[str, np.ndarray], tmp_path: Path
) -> None:
    finish(start(tmp_path / "two.npz", "--devices", "2"))
    found = results(tmp_path / "two.npz")

    exact = [name for name in one_device if name.startswith(("L1 ", "refined ", "one pass "))]
    assert_same({name: found[name] for name in exact}, {name: one_device[name] for name in exact})

    def apart(case: str) -> float:
        trained = [f"{case} weight {index}" for index in range(2, 6)]
        return max(float(np.abs(found[name] - one_device[name]).max()) for name in trained)

    # Each replica has the ρ̂ of its 32 rows of 64. A horizon all but makes up for that.
    assert 1e-5 < apart("KL") < 3e-4
    assert apart("horizon") < apart("KL") / 2


def test_a_batch_that_devices_cannot_share_is_refused() -> None:
    mesh = SimpleNamespace(shape=(6,), axis_names=("batch",))
    six = SimpleNamespace(batch_dim_name="batch", device_mesh=mesh)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras.distribution, "distribution", lambda: six)
        with pytest.raises(
            ValueError, match=r"`batch_size`. Expected a multiple of 6, the devices"
        ):
            devices.shared_batch_size(64, 32, rows=1000)
        assert devices.shared_batch_size(60, 32, rows=1000) == 60
        assert devices.shared_batch_size(60, 32, rows=7) == 12
        assert devices.shared_batch_size(None, 32, rows=1000) == 36


@pytest.mark.parametrize("size", [0, -5, 3.5])
def test_bad_batch_sizes_are_refused(size: Any, rows: np.ndarray) -> None:
    model = SparseAutoencoder(12, 6, sparsity=None, normalization=None)
    model.compile()
    for method in (model.fit, model.evaluate, model.predict):
        with pytest.raises(ValueError, match=f"`batch_size`. Expected a positive .*={size}"):
            method(rows, batch_size=size)


@sharing
def test_more_devices_than_there_are() -> None:
    wanted = r"`devices`. Expected at most \d+, the CPU devices that"
    with pytest.raises(ValueError, match=wanted), devices.share(64):
        pass


@pytest.mark.skipif(BACKEND != "torch", reason="the others can")
def test_torch_shares_nothing() -> None:
    with pytest.raises(ValueError, match="Remedy: set KERAS_BACKEND=jax"), devices.share(2):
        pass


def test_one_device_is_there_on_every_backend(rows: np.ndarray) -> None:
    with devices.share(1):
        model = SparseAutoencoder(12, 6, sparsity=KL(0.2), normalization=None)
        model.compile()
        model.fit(rows, verbose=0)
    assert keras.distribution.distribution() is None
    assert model.predict(rows, verbose=0).shape == (400, 12)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="MultiWorkerMirroredStrategy is TensorFlow's")
def test_a_strategy_that_does_not_train_is_refused() -> None:
    import tensorflow as tf

    with tf.distribute.MultiWorkerMirroredStrategy().scope():
        model = SparseAutoencoder(12, 6, sparsity=None, normalization=None)
        with pytest.raises(ValueError, match=r"MultiWorkerMirroredStrategy.*the JAX backend"):
            model.compile()


# The precision -----------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["int8_from_float32", "float64"])
def test_a_precision_that_is_not_trained_in_is_refused(policy: str) -> None:
    if policy == "float64" and BACKEND != "jax":
        SparseAutoencoder(12, 6, dtype=policy, normalization=None)
        return
    remedy = ".*jax_enable_x64" if policy == "float64" else ""
    with pytest.raises(ValueError, match=f"`dtype`.*Received: dtype='{policy}'{remedy}"):
        SparseAutoencoder(12, 6, dtype=policy, normalization=None)


# The processes meet ------------------------------------------------------------------------------


def connected(arguments: list[tuple[Any, ...]], timeout: float) -> list[BaseException | None]:
    """What comes of several calls of `connect` at once, in threads of this process."""
    outcome: list[BaseException | None] = [None] * len(arguments)

    def call(index: int) -> None:
        try:
            hosts.connect(*arguments[index], timeout=timeout)
        except BaseException as error:
            outcome[index] = error

    threads = [threading.Thread(target=call, args=(index,)) for index in range(len(arguments))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcome


@pytest.fixture
def initialized(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Calls of `keras.distribution.initialize`, none of which is carried out."""
    calls: list[tuple[Any, ...]] = []
    monkeypatch.setattr(keras.distribution, "initialize", lambda *given: calls.append(given))
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)  # `connect` sets another
    return calls


def test_processes_meet_in_any_order(initialized: list[tuple[Any, ...]]) -> None:
    address = f"127.0.0.1:{free_port()}"
    outcome = connected([(address, 3, 2), (address, 3, 0), (address, 3, 1)], timeout=60)
    assert outcome == [None] * 3
    assert sorted(initialized) == [(address, 3, process) for process in range(3)]


@pytest.mark.slow
def test_a_process_that_does_not_come_is_named(initialized: list[tuple[Any, ...]]) -> None:
    address = f"127.0.0.1:{free_port()}"
    first, second = connected([(address, 3, 0), (address, 3, 1)], timeout=1)
    assert isinstance(first, TimeoutError)
    assert "no connection from process 2" in str(first)
    assert isinstance(second, TimeoutError)
    assert initialized == []


@pytest.mark.slow
def test_a_host_that_does_not_answer(initialized: list[tuple[Any, ...]]) -> None:
    (error,) = connected([(f"127.0.0.1:{free_port()}", 2, 1)], timeout=1)
    assert isinstance(error, TimeoutError)
    assert "Expected process 0 to accept a connection at 127.0.0.1" in str(error)


def test_two_processes_of_one_number(initialized: list[tuple[Any, ...]]) -> None:
    address = f"127.0.0.1:{free_port()}"
    outcome = connected([(address, 3, 0), (address, 3, 1), (address, 3, 1)], timeout=60)
    assert [type(error) for error in outcome] == [ConnectionError] * 3
    assert "Received: process 1 twice" in str(outcome[0])


def test_a_port_that_is_taken(initialized: list[tuple[Any, ...]]) -> None:
    with socket.create_server(("", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        (error,) = connected([(address, 2, 0)], timeout=60)
    assert isinstance(error, ConnectionError)
    assert "to be free" in str(error)


@pytest.mark.process
@on_jax
def test_a_process_that_fails_ends_at_once() -> None:
    code = (
        "import sys; from keras_sparse.distribution import hosts\n"
        "hosts.connect(sys.argv[1], 2, int(sys.argv[2]), timeout=60)\n"
        "if sys.argv[2] == '1': raise ValueError('it failed')\n"
        "import time; time.sleep(600)"
    )
    address = f"127.0.0.1:{free_port()}"
    waiting, failing = (
        subprocess.Popen(
            [sys.executable, "-c", code, address, str(process)],
            env={**os.environ, "KERAS_BACKEND": BACKEND},
            stderr=subprocess.PIPE,
            text=True,
        )
        for process in range(2)
    )
    try:
        _, messages = failing.communicate(timeout=120)
    finally:
        waiting.kill()
        waiting.communicate()
    assert failing.returncode == 1
    assert "it failed" in messages


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("127.0.0.1:1", 2, 2), "`process`. Expected 0 to `processes` - 1. Received: process=2"),
        (("127.0.0.1:99999", 2, 0), "`address`. Expected host:port of process 0"),
        (("127.0.0.1", 2, 0), "`address`. Expected host:port of process 0"),
    ],
)
def test_bad_addresses(
    arguments: tuple[Any, ...], message: str, initialized: list[tuple[Any, ...]]
) -> None:
    with pytest.raises(ValueError, match="Invalid value for argument") as caught:
        hosts.connect(*arguments)
    assert message in str(caught.value)


@pytest.mark.skipif(BACKEND == "jax", reason="JAX connects")
def test_other_backends_do_not_connect() -> None:
    with pytest.raises(ValueError, match=r"Expected the JAX backend.*Remedy: KERAS_BACKEND=jax"):
        hosts.connect("127.0.0.1:1", 2, 0)


def test_a_device_that_is_absent_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def zeros(*arguments: Any) -> Any:
        raise AssertionError  # as JAX does

    monkeypatch.setattr("keras.ops.zeros", zeros)
    monkeypatch.setitem(devices.CHOICES, BACKEND, ("CHOSEN",))
    monkeypatch.setenv("CHOSEN", "cuda")
    regularizers.require_batch_scaling.cache_clear()
    for make in (lambda: SparseAutoencoder(4, 3, sparsity=None, normalization=None), lambda: KL()):
        with pytest.raises(RuntimeError, match=f"{BACKEND} can use here. Received: CHOSEN=cuda, "):
            make()


@pytest.mark.skipif(BACKEND != "torch", reason="torch alone finds out when it creates a tensor")
def test_a_device_that_torch_lacks_is_named() -> None:
    with (
        keras.device("gpu:7"),
        pytest.raises(RuntimeError, match=r"Received: keras.device, for which it raises \w+"),
    ):
        SparseAutoencoder(4, 3, sparsity=None, normalization=None)
