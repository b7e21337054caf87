"""Bundles that tests of several files read or change."""

import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

import listeners
from keras_sparse import L1, SparseAutoencoder
from keras_sparse_export import Windows, export_encoder


@pytest.fixture(scope="session")
def complete(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with all that a bundle may hold."""
    keras.utils.set_random_seed(0)  # this fixture is made before that of each test
    x = np.random.default_rng(0).normal(size=(500, 12))
    path = tmp_path_factory.mktemp("complete") / "bundle"
    model = SparseAutoencoder(12, 6, sparsity=L1(), normalization=None)
    return export_encoder(model, path, sample=x, decoder=True, top_k=2, quantize="int8")


@pytest.fixture
def bundle(complete: Path, tmp_path: Path) -> Path:
    """A copy of it that may be changed."""
    return shutil.copytree(complete, tmp_path / "bundle")


@pytest.fixture
def named(tmp_path: Path) -> Path:
    """A bundle whose columns have names."""
    model = SparseAutoencoder(3, 2, sparsity=L1(), normalization=None)
    return export_encoder(model, tmp_path / "named", columns=["a", "b", "ü\n"])


@pytest.fixture
def of_pumps(tmp_path: Path) -> Path:
    """A bundle of which two columns stand for the categories of one."""
    model = SparseAutoencoder(3, 2, sparsity=L1(), normalization=None)
    model.columns, model.categories = ["flow", "pump=A", "pump=B"], {"pump": ["A", "B"]}
    return export_encoder(model, tmp_path / "of_pumps")


@pytest.fixture
def windowed(tmp_path: Path) -> Path:
    """A bundle whose rows are windows of a signal."""
    model = SparseAutoencoder(8, 2, sparsity=L1(), normalization=None)
    return export_encoder(model, tmp_path / "windowed", windows=Windows(8, 4, 16000))


@pytest.fixture(scope="session")
def listening(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with a front end, which tests only read."""
    return listeners.write_listener(tmp_path_factory.mktemp("listening") / "bundle")
