import inspect
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from keras_sparse import KL, L1, SparseAutoencoder
from models import model_of
from references import scalar


class Dataset(keras.utils.PyDataset):
    def __init__(self, batches: list[Any]) -> None:
        super().__init__()
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> Any:
        return self.batches[index]


def batches(x: np.ndarray) -> list[np.ndarray]:
    return [x[start : start + 100] for start in range(0, len(x), 100)]


def sources(x: np.ndarray, kind: str) -> Any:
    weights = WEIGHTS[: len(x)]
    parts = list(zip(batches(x), batches(x), batches(weights), strict=True))
    if kind == "arrays":
        return x
    if kind == "PyDataset":
        return Dataset(batches(x))
    if kind == "weighted PyDataset":
        return Dataset(parts)
    if kind == "generator":
        return (batch for batch in batches(x))
    if kind == "weighted generator":
        return (part for part in parts)
    if kind == "loader":
        return pytest.importorskip("torch.utils.data").DataLoader(x, batch_size=100)
    tf = pytest.importorskip("tensorflow")
    if kind == "tf.data":
        return tf.data.Dataset.from_tensor_slices(x).batch(100)
    return tf.data.Dataset.from_tensor_slices((x, x, weights)).batch(100)


KINDS = ["arrays", "PyDataset", "generator", "tf.data", "loader"]
WEIGHTS = np.where(np.arange(400) % 100 < 20, 1.0, 0.01).astype(np.float32)
WEIGHTED = ["weighted PyDataset", "weighted generator", "weighted tf.data"]


# Arguments ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["fit", "evaluate", "predict"])
def test_the_arguments_are_those_of_keras_in_their_order(name: str) -> None:
    own, expected = (
        [
            (parameter.name, parameter.kind, parameter.default)
            for parameter in inspect.signature(getattr(owner, name)).parameters.values()
        ]
        for owner in (SparseAutoencoder, keras.Model)
    )
    assert own == expected


def test_compile_takes_the_arguments_of_keras_in_their_order() -> None:
    """Adam, where Keras has RMSprop; `monitor` is ours, by its name alone."""
    own, expected = (
        list(inspect.signature(owner.compile).parameters.values())
        for owner in (SparseAutoencoder, keras.Model)
    )
    names = [(parameter.name, parameter.kind) for parameter in expected]
    assert [(parameter.name, parameter.kind) for parameter in own[:-1]] == names
    assert [parameter.default for parameter in own[2:-1]] == [
        parameter.default for parameter in expected[2:]
    ]
    assert (own[-1].name, own[-1].kind) == ("monitor", inspect.Parameter.KEYWORD_ONLY)


@pytest.mark.slow
def test_arguments_are_taken_by_position(rows: np.ndarray) -> None:
    model = model_of()
    weights = np.ones(len(rows))
    validation = (rows[:200], rows[:200], weights[:200])
    history = model.fit(
        rows, rows, 100, 3, 0, [], 0.0, validation, False, None, weights, 1, 2, 1, 50, 2
    )
    assert history.epoch == [1, 2]
    assert int(model.optimizer.iterations) == 4  # two steps in each of two epochs
    assert len(history.history["val_loss"]) == 1  # every second epoch
    seen: list[int] = []
    counting = keras.callbacks.LambdaCallback(
        on_test_batch_end=lambda batch, logs: seen.append(batch),
        on_predict_batch_end=lambda batch, logs: seen.append(batch),
    )
    logs = model.evaluate(rows, rows, 100, 0, weights, 3, [counting], True)
    assert seen == [0, 1, 2]
    assert logs["loss"] == pytest.approx(
        model.evaluate(rows[:300], batch_size=100, verbose=0, return_dict=True)["loss"], rel=1e-5
    )
    seen.clear()
    reconstructions = model.predict(rows, 100, 0, 2, [counting])
    assert seen == [0, 1]
    np.testing.assert_allclose(
        reconstructions, model.predict(rows[:200], verbose=0), rtol=1e-5, atol=1e-6
    )


@pytest.mark.slow
@pytest.mark.parametrize("infinite", [False, True])
def test_only_a_finite_dataset_is_shuffled(infinite: bool, rows: np.ndarray) -> None:
    seen: list[int] = []

    class Counting(Dataset):
        @property
        def num_batches(self) -> int | None:
            return None if infinite else len(self.batches)

        def __getitem__(self, index: int) -> Any:
            seen.append(index)
            return self.batches[index % len(self.batches)]

    orders = []
    for shuffle in (True, False):
        seen.clear()
        data = Counting([rows[start : start + 20] for start in range(0, 400, 20)])
        model_of().fit(data, shuffle=shuffle, steps_per_epoch=20, verbose=0)
        orders.append(seen[-10:])
    assert orders[1] == sorted(orders[1])
    assert (orders[0] == sorted(orders[0])) is infinite


# Losses ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("normalization", [None, "standard", "minmax"])
@pytest.mark.parametrize("sparsity", [L1(0.02), KL(0.2, 0.05), None], ids=["L1", "KL", "none"])
def test_the_parts_add_up_and_are_the_formulas(
    normalization: str | None, sparsity: Any, rows: np.ndarray
) -> None:
    model = SparseAutoencoder(
        12, 6, sparsity=sparsity, normalization=normalization, kernel_regularizer="l2"
    )
    model.compile(keras.optimizers.SGD(0.0))
    if normalization:
        model.adapt(rows)
    history = model.fit(
        rows, batch_size=len(rows), validation_data=rows, epochs=2, verbose=0
    ).history
    x = rows.astype(np.float64)
    scale = {
        None: np.ones(12),
        "standard": x.std(0),
        "minmax": x.max(0) - x.min(0),
    }[normalization]
    codes = model.encode(rows)
    reconstruction = np.mean(((x - model.decode(codes)) / scale) ** 2)
    penalty = 0.0 if sparsity is None else float(sparsity.penalty(codes))
    kernels = [w for w in model.trainable_weights if w.name == "kernel"]
    weight = sum(0.01 * float(np.sum(ops.convert_to_numpy(kernel) ** 2)) for kernel in kernels)
    for prefix in ("", "val_"):
        parts = [
            history[f"{prefix}{name}_loss"][-1] for name in ("reconstruction", "sparsity", "weight")
        ]
        np.testing.assert_allclose(parts, [reconstruction, penalty, weight], rtol=2e-5, atol=1e-7)
        np.testing.assert_allclose(sum(parts), history[f"{prefix}loss"][-1], rtol=1e-6)


@pytest.mark.slow
def test_a_share_of_arrays_is_held_out(rows: np.ndarray) -> None:
    model = model_of()
    fitted = model.fit(rows, None, 64, 2, validation_split=0.25, verbose=0).history
    assert len(fitted["val_loss"]) == 2
    model.compile(keras.optimizers.SGD(0.0))
    last = model.fit(rows, validation_split=0.25, verbose=0).history["val_reconstruction_loss"]
    expected = model.evaluate(rows[300:], None, 100, return_dict=True, verbose=0)
    assert last[0] == pytest.approx(expected["reconstruction_loss"], rel=1e-5)


def test_denoising_compares_with_the_clean_rows(rows: np.ndarray) -> None:
    model = model_of()
    noisy = rows + 1
    found = model.evaluate(noisy, rows, return_dict=True, verbose=0)["reconstruction_loss"]
    np.testing.assert_allclose(
        found, np.mean((model.predict(noisy, verbose=0) - rows) ** 2), rtol=1e-5
    )


@pytest.mark.parametrize("sparsity", [L1(0.1), KL(0.2, 0.1)], ids=["L1", "KL"])
def test_rows_of_weight_zero_count_in_no_loss(sparsity: Any, rows: np.ndarray) -> None:
    model = model_of(sparsity)
    weights = np.ones(len(rows))
    weights[100:] = 0
    changed = rows.copy()
    changed[100:] = 1e3
    every, few = (
        model.evaluate(x, sample_weight=w, batch_size=400, return_dict=True, verbose=0)
        for x, w in ((changed, weights), (rows[:100], None))
    )
    assert every == pytest.approx(few, rel=1e-5)


@pytest.mark.slow
def test_a_loss_of_the_users_own(rows: np.ndarray) -> None:
    model = SparseAutoencoder(12, 6, sparsity=L1(1e-3), normalization=None)
    model.compile(loss="mae", metrics=["mse"])
    found = model.evaluate(rows, return_dict=True, verbose=0)
    error = rows - model.predict(rows, verbose=0)
    np.testing.assert_allclose(found["reconstruction_loss"], np.abs(error).mean(), rtol=1e-5)
    np.testing.assert_allclose(found["mse"], (error**2).mean(), rtol=1e-5)


@pytest.mark.slow
def test_fractional_weights_reach_losses_and_weighted_metrics_alone(rows: np.ndarray) -> None:
    model = model_of(KL(0.2, 0.1))  # without the unit norm that even a step of size 0 restores
    model.compile(
        keras.optimizers.SGD(0.0),
        metrics=["mae"],
        weighted_metrics=[keras.metrics.MeanSquaredError(name="mse")],
    )
    x, weights = rows[:250], np.resize([0.25, 0.0, 1.5, 0.01], 250)
    error = (model.decode(model.encode(x)) - x).astype(np.float64)
    expected = {
        "mae": np.abs(error[weights > 0]).mean(),
        "mse": np.average((error**2).mean(axis=1), weights=weights),
    }
    found = model.evaluate(x, sample_weight=weights, batch_size=100, verbose=0, return_dict=True)
    logs = model.fit(
        x, sample_weight=weights, batch_size=100, verbose=0, validation_data=(x, x, weights)
    ).history
    trained, validated = (
        {name: logs[prefix + name][0] for name in expected} for prefix in ("", "val_")
    )
    for measured in ({name: found[name] for name in expected}, trained, validated):
        assert measured == pytest.approx(expected, rel=1e-5)


def test_the_strength_takes_effect_between_fits_and_while_training(rows: np.ndarray) -> None:
    model = model_of(L1(1.0))
    model.compile(keras.optimizers.SGD(0.0))
    penalty: Any = model.penalty

    def sparsity(**arguments: Any) -> float:
        return float(model.fit(rows, verbose=0, **arguments).history["sparsity_loss"][0])

    first = sparsity()
    penalty.strength = 0.5
    np.testing.assert_allclose(sparsity(), first / 2, rtol=1e-5)

    class Off(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            penalty.strength = 0.0

    assert sparsity(callbacks=[Off()]) == 0.0


@pytest.mark.slow
def test_training_reaches_the_asked_activation(rows: np.ndarray) -> None:
    model = SparseAutoencoder(12, 16, sparsity=KL(0.1, 1.0), normalization="standard")
    model.adapt(rows)
    model.compile(keras.optimizers.Adam(0.03))
    model.fit(rows, batch_size=200, epochs=80, verbose=0)
    np.testing.assert_allclose(model.encode(rows).mean(0), 0.1, atol=0.04)


# The short batch ---------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("sparsity", [L1(0.1), KL(0.2, 0.1)], ids=["L1", "KL"])
def test_a_short_batch_trains_as_if_it_were_whole(sparsity: Any, rows: np.ndarray) -> None:
    weights = []
    for parts in ([rows[:108]], [rows[:64], rows[64:108]]):
        keras.utils.set_random_seed(0)
        model = model_of(sparsity, kernel_regularizer="l2")
        model.compile(keras.optimizers.SGD(1e-3), metrics=["mae"])
        for part in parts:
            model.fit(part, batch_size=64, shuffle=False, verbose=0)
        weights.append(model.get_weights())
    for one, other in zip(*weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_short_batch_counts_by_its_rows_in_every_loss_and_metric(
    kind: str, rows: np.ndarray
) -> None:
    model = model_of(KL(0.2, 0.1))
    model.compile(metrics=["mae"], weighted_metrics=[keras.metrics.MeanSquaredError(name="mse")])
    x = rows[:260]
    size: dict[str, Any] = {"batch_size": 100} if kind == "arrays" else {"steps": 3}
    found = model.evaluate(sources(x, kind), return_dict=True, verbose=0, **size)
    error = (model.decode(model.encode(x)) - x).astype(np.float64)
    penalties = [scalar(KL(0.2, 0.1).penalty(model.encode(part))) for part in batches(x)]
    sparsity = np.average(penalties, weights=[100, 100, 60])
    expected = {
        "reconstruction_loss": (error**2).mean(),
        "sparsity_loss": sparsity,
        "loss": (error**2).mean() + sparsity,
        "mae": np.abs(error).mean(),
        "mse": (error**2).mean(),
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-5)
    steps: dict[str, Any] = {} if kind == "arrays" else {"steps": 3}
    predicted = model.predict(sources(x, kind), verbose=0, **steps)
    np.testing.assert_allclose(predicted, model.decode(model.encode(x)), rtol=1e-5, atol=1e-5)


@pytest.mark.slow
def test_a_short_batch_compiles_nothing_anew(
    rows: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    traced = []
    call = SparseAutoencoder.call

    def counting(self: Any, inputs: Any, training: bool | None = None) -> Any:
        traced.append(1)
        return call(self, inputs, training)

    monkeypatch.setattr(SparseAutoencoder, "call", counting)

    def traces(count: int) -> int:
        traced.clear()
        model = model_of(L1(0.1))
        model.fit(rows[:count], batch_size=64, epochs=2, verbose=0)
        model.evaluate(rows[:count], batch_size=64, verbose=0)
        return len(traced)

    whole = traces(3 * 64)
    assert traces(3 * 64 - 20) == whole
    if keras.backend.backend() == "tensorflow":
        assert whole == 2  # a step of training and one of evaluation, each once


def test_images_weigh_by_their_rows(rng: np.random.Generator) -> None:
    layers = keras.layers
    x = keras.Input((4, 4, 1))
    encoder = keras.Model(x, layers.Dense(5, activation="relu")(layers.Flatten()(x)))
    h = keras.Input((5,))
    decoder = keras.Model(h, layers.Reshape((4, 4, 1))(layers.Dense(16)(h)))
    model = SparseAutoencoder.from_models(encoder, decoder, sparsity=L1(0.1))
    model.compile()
    images = rng.random((70, 4, 4, 1)).astype(np.float32)
    weights = rng.random(70)
    found = model.evaluate(
        images, sample_weight=weights, batch_size=64, return_dict=True, verbose=0
    )
    errors = ((model.decode(model.encode(images)) - images) ** 2).mean((1, 2, 3))
    expected = np.average(errors, weights=weights)  # over all rows, however they are batched
    assert found["reconstruction_loss"] == pytest.approx(expected, rel=1e-5)


# Data --------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_every_source_of_bare_rows_gives_the_same_losses(kind: str, rows: np.ndarray) -> None:
    model = model_of(KL(0.2, 0.1))
    expected = model.evaluate(rows, batch_size=100, return_dict=True, verbose=0)
    size: dict[str, Any] = {"batch_size": 100} if kind == "arrays" else {}
    found = model.evaluate(sources(rows, kind), steps=4, return_dict=True, verbose=0, **size)
    assert found == pytest.approx(expected, rel=1e-6)
    history = model.fit(
        sources(rows, kind),
        steps_per_epoch=4,
        validation_data=sources(rows, kind),
        validation_steps=4,
        verbose=0,
        **size,
    ).history
    assert np.isfinite(history["val_loss"]).all()


@pytest.mark.slow
@pytest.mark.parametrize("kind", WEIGHTED)
def test_weights_of_a_stream_reach_the_penalty(kind: str, rows: np.ndarray) -> None:
    model = model_of(KL(0.2, 0.1))
    expected = model.evaluate(
        rows, sample_weight=WEIGHTS, batch_size=100, return_dict=True, verbose=0
    )
    found = model.evaluate(sources(rows, kind), steps=4, return_dict=True, verbose=0)
    assert found == pytest.approx(expected, rel=1e-6)
    plain = model.evaluate(rows, batch_size=100, return_dict=True, verbose=0)
    assert found["sparsity_loss"] != pytest.approx(plain["sparsity_loss"], rel=1e-3)
    model.fit(
        sources(rows, kind),
        steps_per_epoch=4,
        validation_data=(rows, rows, WEIGHTS),
        verbose=0,
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m, x: m.fit(x, np.zeros(400)), r"argument `y`.*takes no labels; call `fit\(x\)`"),
        (
            lambda m, x: m.fit(Dataset([(x, np.zeros(400))])),
            r"argument `y`.*takes no labels; call `fit\(x\)`",
        ),
        (lambda m, x: m.fit(x, x[:9]), "`y`. Expected as many rows as in `x`, 400. Received: 9"),
        (lambda m, x: m.fit(x, sample_weight=np.ones(900)), "`sample_weight`. Expected as many"),
        (lambda m, x: m.fit(x, sample_weight=-np.ones(400)), "`sample_weight`. Expected values of"),
        (lambda m, x: m.fit(x[:0]), "Expected at least 2 rows. Received: 0"),
        (lambda m, x: m.fit(x[:1]), "Expected at least 2 rows. Received: 1"),
        (
            lambda m, x: m.fit(np.where(np.arange(400)[:, None] == 7, np.nan, x)),
            "NaN or infinity in row 7",
        ),
        (lambda m, x: m.fit([["a"] * 12] * 3), "Expected numbers. Received: <U1"),
        (lambda m, x: m.fit([[1.0] * 12, [1.0]]), "every row of the same shape"),
        (lambda m, x: m.encode({"x": x}), "columns have no names. Received: columns with names"),
        (lambda m, x: m.encode(x[:, :5]), r"Expected \(rows, 12\). Received: \(400, 5\)"),
        (lambda m, x: m.decode(x), r"argument `h`. Expected \(rows, 6\). Received: \(400, 12\)"),
    ],
)
def test_bad_data_is_refused(
    call: Callable[[SparseAutoencoder, np.ndarray], Any], message: str, rows: np.ndarray
) -> None:
    with pytest.raises(ValueError, match=message):
        call(model_of(), rows)


@pytest.mark.parametrize("arguments", [{"class_weight": {0: 1.0}}, {}])
def test_inputs_that_an_autoencoder_does_not_have(
    arguments: dict[str, Any], rows: np.ndarray
) -> None:
    x: Any = rows if arguments else (rows, rows)
    with pytest.raises(TypeError, match="one input and no classes"):
        model_of().fit(x, **arguments)


@pytest.mark.slow
def test_a_generator_is_not_drained_by_checking(rows: np.ndarray) -> None:
    seen = []

    def generator() -> Iterator[np.ndarray]:
        for batch in batches(rows):
            seen.append(len(batch))
            yield batch

    model_of().fit(generator(), steps_per_epoch=4, verbose=0)
    assert seen == [100, 100, 100, 100]
