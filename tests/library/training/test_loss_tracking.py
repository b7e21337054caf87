"""The logs of sequences against numpy in float64: masks, weights of steps, short batches."""

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from keras_sparse import L1, SparseAutoencoder, metrics

# Keras warns of models though their layers pass masks on.
pytestmark = pytest.mark.filterwarnings("ignore:Layer .* does not support masking")

ROWS, STEPS, BATCH = 23, 5, 16


@pytest.fixture
def live(rng: np.random.Generator) -> np.ndarray:
    return np.arange(STEPS) < rng.integers(1, STEPS, ROWS)[:, None]


def autoencoder(kind: str) -> SparseAutoencoder:
    """Of codes for each step (masked or not), of one code, or of tokens."""
    x = keras.Input((STEPS,) if kind == "tokens" else (STEPS, 3))
    h = layers.Embedding(9, 4, mask_zero=True)(x) if kind == "tokens" else x
    h = layers.Masking()(h) if kind in ("steps", "vector") else h
    h = layers.GlobalAveragePooling1D()(h) if kind == "vector" else h
    encoder = keras.Model(x, layers.Dense(4, activation="sigmoid")(h))
    code = keras.Input(encoder.output_shape[1:])
    if kind == "tokens":
        out = layers.Reshape((STEPS,))(layers.Dense(1)(code))
    else:
        out = layers.Dense(3)(layers.RepeatVector(STEPS)(code) if kind == "vector" else code)
    model = SparseAutoencoder.from_models(encoder, keras.Model(code, out), sparsity=L1(0.1))
    model.compile(
        keras.optimizers.SGD(0.0), metrics=["mae", metrics.ExplainedVariance(name="explained")]
    )
    return model


def expected_logs(model: SparseAutoencoder, x: np.ndarray, weights: np.ndarray) -> dict[str, float]:
    """The logs, of step weights `(rows, steps)` that are zero for steps that do not count."""
    codes, found = model.encode(x).astype(np.float64), model.predict(x, verbose=0)
    counts = weights != 0
    v, v_hat = (rows.reshape(ROWS, STEPS, -1)[counts].astype(np.float64) for rows in (x, found))
    errors = np.square(np.subtract(x, found, dtype=np.float64)).reshape(ROWS, STEPS, -1).mean(-1)
    code_weights = weights
    if codes.ndim == 2:  # the mean weight of the steps that have one
        code_weights = weights.sum(1) / np.maximum(counts.sum(1), 1)
    h = codes[code_weights != 0]
    losses = {  # weighted means, however the rows are batched
        "reconstruction_loss": np.average(errors, weights=weights),
        "sparsity_loss": np.average(0.1 * np.abs(codes).sum(-1), weights=code_weights),
    }
    return {
        **losses,
        "loss": sum(losses.values()),
        "l0": (h > 0.1).sum(-1).mean(),
        "mean_activation": h.mean(),
        "dead_fraction": np.mean(~(h > 0.1).any(axis=0)),
        "explained_variance": 1 - np.square(v - v_hat).sum() / np.square(v - v.mean(0)).sum(),
        "explained": 1 - np.square(v - v_hat).sum() / np.square(v - v.mean(0)).sum(),
        "mae": np.abs(v - v_hat).mean(),
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "weighted"),
    [
        ("steps", "rows"),
        ("vector", None),
        ("vector", "steps"),
        ("plain", "steps"),
        ("tokens", None),
    ],
)
def test_every_log_is_that_of_the_steps_that_count(
    kind: str, weighted: str | None, live: np.ndarray, rng: np.random.Generator
) -> None:
    x = rng.normal(2, 1, (ROWS, STEPS, 3))
    x = (rng.integers(1, 9, (ROWS, STEPS)) if kind == "tokens" else x).astype(np.float32)
    if kind != "plain":
        x[~live] = 0
    shape = {None: (), "rows": (ROWS,), "steps": (ROWS, STEPS)}[weighted]
    weights: Any = None if weighted is None else rng.integers(0, 3, shape).astype(np.float32)
    model = autoencoder(kind)
    logs = model.fit(
        x,
        sample_weight=weights,
        batch_size=BATCH,
        validation_data=(x, x, weights),
        validation_batch_size=BATCH,
        shuffle=False,
        verbose=0,
    ).history
    of_steps = np.ones((ROWS, STEPS)) if weights is None else weights.reshape(ROWS, -1)
    counted = of_steps * (live if kind != "plain" else np.ones((ROWS, STEPS)))
    for name, value in expected_logs(model, x, counted).items():
        for form in (name, f"val_{name}"):
            assert logs[form][0] == pytest.approx(value, rel=2e-5, abs=1e-6), form


def test_a_mask_leaves_the_relative_weights_of_rows(rng: np.random.Generator) -> None:
    x = rng.normal(2, 1, (2, 4, 3)).astype(np.float32)
    x[0, 1:] = 0  # one step against four
    model = autoencoder_of_any_length()
    logs = model.evaluate(x, sample_weight=[3.0, 1.0], return_dict=True, verbose=0)
    errors = np.square(x - model.predict(x, verbose=0)).mean(-1)
    mean = (3 * errors[0, 0] + errors[1].sum()) / 7
    assert logs["reconstruction_loss"] == pytest.approx(mean, rel=1e-5)


def autoencoder_of_any_length(mask: bool = True) -> SparseAutoencoder:
    x, h = keras.Input((None, 3)), keras.Input((None, 4))
    masked = layers.Masking()(x) if mask else x
    encoder = keras.Model(x, layers.Dense(4, activation="sigmoid")(masked))
    model = SparseAutoencoder.from_models(encoder, keras.Model(h, layers.Dense(3)(h)))
    model.compile()
    return model


def test_rows_of_any_length_are_measured_by_step(rng: np.random.Generator) -> None:
    class Ragged(keras.utils.PyDataset):
        def __len__(self) -> int:
            return len(parts)

        def __getitem__(self, index: int) -> np.ndarray:
            return parts[index]

    parts = [rng.normal(2, 1, (4, steps, 3)).astype(np.float32) for steps in (5, 2)]
    model = autoencoder_of_any_length(mask=False)
    logs = model.evaluate(Ragged(), return_dict=True, verbose=0)
    v, v_hat, h = (
        np.concatenate([rows.reshape(-1, rows.shape[-1]) for rows in all_rows]).astype(np.float64)
        for all_rows in (
            parts,
            [model.predict(part, verbose=0) for part in parts],
            [model.encode(part) for part in parts],
        )
    )
    explained = 1 - np.square(v - v_hat).sum() / np.square(v - v.mean(0)).sum()
    assert logs["explained_variance"] == pytest.approx(explained, rel=1e-5)
    assert logs["mean_activation"] == pytest.approx(h.mean(), rel=1e-5)
    assert logs["l0"] == pytest.approx((h > 0.1).sum(1).mean(), rel=1e-5)
