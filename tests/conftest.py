"""What several tests need."""

import gc
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import compilation_cache
import started_processes

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")) > 1:
    # The others have the other cores: more threads would wait for each other.
    for threads in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(threads, "1")
if "JAX_COMPILATION_CACHE_DIR" not in os.environ:  # neither chosen by the user nor a worker
    compilation_cache.use()

import keras
import numpy as np
import pytest

# What is imported stays, and traced graphs leave much behind: to look through all of it often takes
# a twentieth of the time of the tests.
gc.freeze()
gc.set_threshold(100_000, 50, 100)


@pytest.fixture(autouse=True)
def _seed() -> None:
    keras.utils.set_random_seed(0)


@pytest.fixture(autouse=True)
def _same_families(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the sparsity families that a test registers."""
    from keras_sparse.sparsity import families

    monkeypatch.setattr(families, "_families", dict(families._families))


def _watch_processes(item: pytest.Item) -> Iterator[None]:
    """Fail a test that starts a process and is not marked so: `make quick` would run it."""
    with started_processes.recorded() as programs:
        yield
    if programs and not any(map(item.get_closest_marker, ("process", "browser", "fuzz"))):
        pytest.fail(f"Expected a mark, process or browser. Received: starts {programs}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    yield from _watch_processes(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    yield from _watch_processes(item)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def _rows(rng: np.random.Generator) -> np.ndarray:
    causes = rng.random((400, 3)) @ rng.normal(size=(3, 12))
    values = (causes + 0.05 * rng.normal(size=(400, 12))) * np.geomspace(0.1, 10, 12) + 5
    return values.astype(np.float32)


@pytest.fixture(scope="session")
def shared_rows() -> np.ndarray:
    """400 rows of 12 features that share 3 causes, far from zero and of different scales."""
    rows = _rows(np.random.default_rng(0))
    rows.flags.writeable = False
    return rows


@pytest.fixture
def rows(rng: np.random.Generator) -> np.ndarray:
    """The same rows, for a test to change."""
    return _rows(rng)


@pytest.fixture(scope="session")
def litert_bundle(shared_rows: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with the encoder for LiteRT, whose codes jump, for tests that only read it."""
    pytest.importorskip("ai_edge_litert", reason="needs LiteRT: pip install ai-edge-litert")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("needs TensorFlow, whose converter writes the file")
    from keras_sparse import BatchTopK, SparseAutoencoder
    from keras_sparse_export import export_encoder

    model = SparseAutoencoder(12, 8, sparsity=BatchTopK(3))
    model.compile()
    model.fit(shared_rows, verbose=0)
    path = tmp_path_factory.mktemp("litert") / "bundle"
    return export_encoder(model, path, sample=shared_rows, top_k=2, decoder=True, litert=True)


@pytest.fixture
def gradient() -> Callable[[Callable[[Any], Any], np.ndarray], np.ndarray]:
    """The gradient of a scalar function of one array, on whichever backend is selected."""
    return _gradient


def _gradient(function: Callable[[Any], Any], h: np.ndarray) -> np.ndarray:
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        x = tf.Variable(h)
        with tf.GradientTape() as tape:
            value = function(x)
        return np.asarray(tape.gradient(value, x))
    if backend == "jax":
        import jax

        return np.asarray(jax.grad(function)(jax.numpy.asarray(h)))
    import torch

    x = torch.tensor(h, requires_grad=True)
    function(x).backward()
    return np.asarray(x.grad)


@pytest.fixture
def no_staging(tmp_path: Path) -> Iterator[None]:
    """Afterwards nothing half-written lies about."""
    yield
    assert list(tmp_path.rglob(".*.keras-sparse-new*")) == []
    assert list(tmp_path.rglob(".*.keras-sparse-old")) == []


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that stands for onnxruntime-web where no browser runs it."""
    from keras_sparse_export.browser import runtime as web_runtime

    folder = tmp_path_factory.mktemp("dist")
    for name in web_runtime.FILES:
        (folder / name).write_bytes(name.encode())
    return folder


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A bundle with a decoder, and its model."""
    from keras_sparse import L1, SparseAutoencoder
    from keras_sparse_export import export_encoder

    keras.utils.set_random_seed(0)  # this fixture is made before that of each test
    model = SparseAutoencoder(12, 6, sparsity=L1(), normalization="standard")
    x = np.random.default_rng(0).normal(size=(64, 12)) * 3 + 5
    model.adapt(x)
    path = tmp_path_factory.mktemp("exported") / "bundle"
    return export_encoder(model, path, sample=x, decoder=True), model


@pytest.fixture
def bundle(exported: tuple[Path, Any], tmp_path: Path) -> Path:
    """A copy of it that may be changed."""
    return Path(shutil.copytree(exported[0], tmp_path / "bundle"))
