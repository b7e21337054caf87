import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from keras_sparse import KL, L1, ActivityPenalty, SparseAutoencoder, SparsityMonitor
from keras_sparse.evaluation.held_out import evaluate
from keras_sparse.metrics import functional
from models import model_of, plain_model, trained

LOGS = ("l0", "dead_fraction", "mean_activation", "explained_variance")


def still(sparsity: Any = None, **arguments: Any) -> SparseAutoencoder:
    """A model that does not learn: what is measured while it trains can be measured again."""
    arguments = {"normalization": None, **arguments}
    model = SparseAutoencoder(
        12,
        6,
        sparsity=sparsity or L1(1e-3),
        decoder_constraint=None,
        **arguments,
    )
    model.compile(keras.optimizers.SGD(0.0))
    return model


@pytest.mark.slow
@pytest.mark.parametrize("normalization", [None, "standard"])
@pytest.mark.parametrize("batch_size", [64, 400])
def test_the_logs_are_the_measures(
    normalization: str | None, batch_size: int, rows: np.ndarray
) -> None:
    model = still(normalization=normalization)
    if normalization:
        model.adapt(rows)
    held_out = rows[:90] * 1.1
    history = model.fit(
        rows, validation_data=held_out, batch_size=batch_size, epochs=2, verbose=0
    ).history
    for prefix, x in (("", rows), ("val_", held_out)):
        found = evaluate(model, x)
        expected = [
            found.l0,
            found.dead_units / 6,
            found.mean_activation,
            found.explained_variance,
        ]
        for epoch in (0, 1):
            logged = [history[prefix + name][epoch] for name in LOGS]
            np.testing.assert_allclose(logged, expected, rtol=1e-5)
    density, activation = model.unit_curves()
    np.testing.assert_allclose(density, (model.encode(held_out) > 0).mean(0), rtol=1e-6)
    np.testing.assert_allclose(activation, model.encode(held_out).mean(0), rtol=1e-5)


def test_rows_of_weight_zero_are_not_measured(rows: np.ndarray) -> None:
    model = still()
    weights = np.where(np.arange(400) < 100, 3.0, 0.0)
    garbage = np.where(weights[:, None] > 0, rows, -50)
    found, expected = (
        model.evaluate(x, sample_weight=w, batch_size=150, return_dict=True, verbose=0)
        for x, w in ((garbage, weights), (rows[:100], None))
    )
    assert [found[name] for name in LOGS] == pytest.approx([expected[name] for name in LOGS])


def test_denoising_explains_the_clean_rows(rows: np.ndarray) -> None:
    model = still()
    found = model.evaluate(rows + 3, rows, return_dict=True, verbose=0)["explained_variance"]
    x_hat = model.decode(model.encode(rows + 3))
    assert found == pytest.approx(functional.explained_variance(rows, x_hat), rel=1e-5)


def test_every_callback_sees_the_logs_whatever_the_order(rows: np.ndarray, tmp_path: Path) -> None:
    class Seen(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            assert logs is not None
            names.append({name for name in logs if name in LOGS})

    names: list[set[str]] = []
    stop = keras.callbacks.EarlyStopping("val_l0", patience=0, mode="max")
    log = keras.callbacks.CSVLogger(str(tmp_path / "log.csv"))
    model = still()
    history = model.fit(
        rows, epochs=5, validation_split=0.2, verbose=0, callbacks=[Seen(), stop, log, Seen()]
    )
    assert names == [set(LOGS)] * len(names)
    assert len(history.history["val_l0"]) == 2
    assert set(LOGS) <= set((tmp_path / "log.csv").read_text().splitlines()[0].split(","))


@pytest.mark.slow
def test_the_monitor_can_be_left_out_and_the_choice_is_saved(
    rows: np.ndarray, tmp_path: Path
) -> None:
    model = model_of()
    model.compile(monitor=False)
    assert not set(LOGS) & set(model.fit(rows, verbose=0).history)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert not set(LOGS) & set(again.fit(rows, verbose=0).history)
    model.compile()
    assert set(LOGS) <= set(model.fit(rows, verbose=0).history)


@pytest.mark.slow
def test_curves_of_each_unit_are_in_the_file(rows: np.ndarray, tmp_path: Path) -> None:
    model = trained(rows, L1(1e-3))
    file = tmp_path / "run" / "units.npz"
    model.fit(
        rows,
        validation_data=rows[:50],
        epochs=3,
        verbose=0,
        callbacks=[SparsityMonitor(file, warn=False)],
    )
    with np.load(file) as curves:
        assert curves["epoch"].tolist() == [1, 2, 3]
        assert curves["density"].shape == curves["mean_activation"].shape == (3, 6)
        codes = model.encode(rows[:50])
        np.testing.assert_allclose(curves["density"][-1], (codes > 0).mean(0), rtol=1e-5)
        np.testing.assert_allclose(curves["mean_activation"][-1], codes.mean(0), rtol=1e-4)
    assert [each.name for each in file.parent.iterdir()] == ["units.npz"]


def test_a_plain_model_is_measured_from_outside(rows: np.ndarray, tmp_path: Path) -> None:
    model = plain_model()
    model.compile(keras.optimizers.SGD(0.0), "mse")
    monitor = SparsityMonitor(tmp_path / "units.npz", layer="code", x=rows[:70])
    history = model.fit(rows, rows, epochs=2, verbose=0, callbacks=[monitor]).history
    codes = ops.convert_to_numpy(model.get_layer("code")(rows[:70]))
    x_hat = model.predict(rows[:70], verbose=0)
    expected = [
        functional.l0(codes),
        functional.dead_fraction(codes),
        functional.mean_activation(codes).mean(),
        functional.explained_variance(rows[:70], x_hat),
    ]
    np.testing.assert_allclose([history[name][-1] for name in LOGS], expected, rtol=1e-5)
    assert monitor.curves()["density"].shape == (2, 6)
    by_layer = SparsityMonitor(layer=model.get_layer("code"), x=rows)
    model.fit(rows, rows, verbose=0, callbacks=[by_layer])


@pytest.mark.filterwarnings("ignore:Layer .* does not support masking")
def test_masked_steps_of_a_plain_model_are_not_measured(rng: np.random.Generator) -> None:
    live = np.arange(5) < rng.integers(1, 5, 40)[:, None]
    x = np.where(live[..., None], rng.normal(2, 1, (40, 5, 3)), 0).astype(np.float32)
    sequence = keras.Input((5, 3))
    masked = keras.layers.Masking()(sequence)
    codes = keras.layers.Dense(4, "sigmoid", name="code")(masked)
    model = keras.Model(sequence, keras.layers.Dense(3)(codes))
    model.compile(keras.optimizers.SGD(0.0), "mse")
    monitor = SparsityMonitor(layer="code", x=x)
    logs = model.fit(x, x, verbose=0, callbacks=[monitor]).history
    h = ops.convert_to_numpy(model.get_layer("code")(x))[live]
    v, v_hat = x[live].astype(np.float64), model.predict(x, verbose=0)[live]
    explained = 1 - np.square(v - v_hat).sum() / np.square(v - v.mean(0)).sum()
    expected = [(h > 0.1).sum(1).mean(), np.mean(~(h > 0.1).any(0)), h.mean(), explained]
    np.testing.assert_allclose([logs[name][0] for name in LOGS], expected, rtol=1e-5)
    np.testing.assert_allclose(monitor.curves()["mean_activation"][0], h.mean(0), rtol=1e-5)


def test_a_monitor_that_cannot_watch_is_refused(rows: np.ndarray) -> None:
    model = plain_model()
    model.compile("adam", "mse")
    with pytest.raises(ValueError, match=r"`layer`. Expected the layer that computes the codes"):
        model.fit(rows, rows, verbose=0, callbacks=[SparsityMonitor()])
    with pytest.raises(ValueError, match=r"`x`. Expected rows to encode"):
        model.fit(rows, rows, verbose=0, callbacks=[SparsityMonitor(layer="code")])


def killed(model: SparseAutoencoder) -> SparseAutoencoder:
    code = model.encoder.get_layer("code")
    code.bias.assign(np.full(6, -1e4, np.float32))
    return model


def test_dead_units_draw_one_warning_with_the_remedy(rows: np.ndarray) -> None:
    model = killed(still())
    with pytest.warns(
        UserWarning, match=r"For 3 epochs: 6 of 6 units are dead.*ReviveDeadUnits"
    ) as said:
        model.fit(rows, epochs=6, verbose=0)
    assert len([each for each in said if "dead" in str(each.message)]) == 1


def start_at_one_half(model: SparseAutoencoder) -> None:
    """Move codes away from ρ, where they start."""
    bias = model.encoder.get_layer("code").bias
    bias.assign(np.zeros(bias.shape, np.float32))


def test_a_mean_activation_away_from_rho_draws_a_warning(rows: np.ndarray) -> None:
    model = still(KL(0.05, 1e-3), normalization="standard")
    start_at_one_half(model)
    model.adapt(rows)
    with pytest.warns(
        UserWarning, match=r"target is rho=0.05. Remedy: more epochs \(epochs=6\)\.$"
    ):
        model.fit(rows, epochs=3, verbose=0)


def test_an_l0_that_was_not_reached_draws_one_warning_at_the_end(rows: np.ndarray) -> None:
    code = keras.layers.Dense(6, "relu", name="code", bias_initializer="ones")
    penalty = ActivityPenalty(L1(1e-3), target_l0=0.1)
    model = keras.Sequential([keras.Input((12,)), code, penalty, keras.layers.Dense(12)])
    model.compile(keras.optimizers.SGD(0.0), "mse")
    monitor = SparsityMonitor(layer="code", x=rows)
    with pytest.warns(UserWarning, match=r"units are active per row; 0.1 were asked for") as said:
        model.fit(rows, rows, epochs=4, verbose=0, callbacks=[monitor])
    found = [str(each.message) for each in said if "asked for" in str(each.message)]
    assert len(found) == 1
    assert found[0].startswith("After 4 epochs: ")


@pytest.mark.slow
def test_a_mean_activation_on_its_way_to_rho_is_no_news(rows: np.ndarray) -> None:
    model = SparseAutoencoder(12, 6, sparsity=KL(0.2, 1.0), normalization="standard")
    start_at_one_half(model)
    model.adapt(rows)
    model.compile(keras.optimizers.Adam(3e-3))
    monitor = SparsityMonitor()
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        model.fit(rows, batch_size=100, epochs=60, verbose=0, callbacks=[monitor])
    activation = monitor.curves()["mean_activation"].mean(axis=1)
    assert activation[3] > 0.4  # twice ρ, and falling
    assert activation[-1] < 0.4
    model.encoder.get_layer("code").bias.assign(np.full(6, 3.0, np.float32))
    with pytest.warns(UserWarning, match=r"After 4 epochs: The mean activation"):
        model.fit(rows, batch_size=100, epochs=4, verbose=0)


@pytest.mark.slow
def test_nothing_is_said_early_or_where_it_is_not_wanted(rows: np.ndarray) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        killed(still()).fit(rows, epochs=2, verbose=0)
        monitor = SparsityMonitor(warn=False)
        killed(still()).fit(rows, epochs=4, verbose=0, callbacks=[monitor])
    assert "dead" in monitor.findings


def test_the_threshold_of_a_layer_is_that_of_its_codes(rows: np.ndarray) -> None:
    layers = [keras.layers.Dense(6, "relu"), keras.layers.Reshape((3, 2), name="code")]
    model = keras.Sequential([keras.Input((12,)), *layers, keras.layers.Flatten()])
    model.add(keras.layers.Dense(12))
    model.compile(keras.optimizers.SGD(0.0), "mse")
    monitor = SparsityMonitor(layer="code", x=rows / 100)
    l0 = model.fit(rows, rows, verbose=0, callbacks=[monitor]).history["l0"]
    codes = keras.Model(model.inputs, layers[0].output).predict(rows / 100, verbose=0)
    assert monitor.threshold == 0
    assert l0 == pytest.approx([(codes > 0).sum() / 3 / len(rows)])


def plain(code: keras.layers.Layer) -> keras.Sequential:
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((12,)), code, keras.layers.Dense(12)])


def findings(model: keras.Model, x: np.ndarray, rate: float = 1e-3, epochs: int = 6) -> Any:
    model.compile(keras.optimizers.Adam(rate), "mse")
    monitor = SparsityMonitor(layer="code", x=x, warn=False)
    model.fit(x, x, epochs=epochs, verbose=0, callbacks=[monitor])
    return monitor.findings


def test_a_kl_on_codes_that_are_no_fractions_is_told(rows: np.ndarray) -> None:
    def dense(activation: str) -> keras.layers.Layer:
        penalty = KL(0.05, 1e-2)
        return keras.layers.Dense(16, activation, activity_regularizer=penalty, name="code")

    found = findings(plain(dense("relu")), rows)
    assert found["range"].startswith("The codes reach from 0 to ")
    assert 'activation="sigmoid"' in found["range"]
    assert all("first the activation" in text for name, text in found.items() if name != "range")
    assert "range" not in findings(plain(dense("sigmoid")), rows)


def test_rows_that_are_not_scaled_are_told_with_their_deviation(rng: np.random.Generator) -> None:
    x = rng.uniform(0, 255, (400, 3)) @ np.abs(rng.normal(size=(3, 12)))
    code = keras.layers.Dense(16, "relu", activity_regularizer=L1(1e-4), name="code")
    found = findings(plain(code), x)
    deviation = np.sqrt(x.var(axis=0).mean())
    assert f"the deviation of their values is {deviation:.3g}" in found["unscaled"]
    assert "keras.layers.Normalization" in found["unscaled"]
    model = SparseAutoencoder(12, 16, sparsity=L1(1e-4), normalization=None)
    model.compile(keras.optimizers.Adam(1e-3))
    monitor = SparsityMonitor(warn=False)
    model.fit(x, epochs=4, verbose=0, callbacks=[monitor])
    assert 'normalization="auto"' in monitor.findings["unscaled"]
    scaled = (x - x.mean(axis=0)) / x.std(axis=0)
    assert "unscaled" not in findings(plain(code.__class__.from_config(code.get_config())), scaled)


def test_a_learning_rate_that_is_far_too_high_is_told_and_not_to_be_raised(
    rows: np.ndarray,
) -> None:
    x = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    code = keras.layers.Dense(16, "relu", activity_regularizer=L1(1e-4), name="code")
    found = findings(plain(code), x, rate=3.0, epochs=12)
    assert "a smaller learning rate (learning_rate=0.3)" in found["fast"]
    assert not any("larger learning rate" in text for text in found.values())
    low = findings(plain(code.__class__.from_config(code.get_config())), x, rate=1e-7)
    assert "a larger learning rate (learning_rate=1e-06)" in low["slow"]
    well = findings(plain(code.__class__.from_config(code.get_config())), x, rate=1e-2)
    assert not {"fast", "slow"} & well.keys()


def test_the_statistics_of_the_inputs_are_those_of_the_rows(rows: np.ndarray) -> None:
    model = still()
    model.fit(rows, validation_data=rows[:90], verbose=0)
    found = model.input_statistics()
    x = rows[:90].astype(np.float64)
    assert found["variance"] == pytest.approx(x.var(axis=0).mean(), rel=1e-4)
    assert found["offset"] == pytest.approx(
        np.linalg.norm(x.mean(axis=0)) / np.sqrt(x.var(axis=0).sum()), rel=1e-4
    )
    assert functional.offset(x) == pytest.approx(found["offset"], rel=1e-4)
