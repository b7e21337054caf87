from typing import Any

import keras
import numpy as np
import pytest

from keras_sparse.data.arrays import DataError
from keras_sparse.data.splits import split_rows
from keras_sparse.data.tables import Table
from keras_sparse.experiments import fitting
from keras_sparse.models.settings import Settings
from keras_sparse.training.failures import TrainingError

SMALL = Settings(code_dim=4, strength=1e-4, epochs=2, batch_size=64)


@pytest.mark.slow
def test_remedies_for_dead_units(rows: np.ndarray) -> None:
    settings = Settings(**{**vars(SMALL), "strength": 0.1, "epochs": 4, "warm_up": 2, "revive": 1})
    found = fitting.fit("test", Table(rows, None), settings).history
    assert found["penalty_strength"] == pytest.approx([0.05, 0.1, 0.1, 0.1])
    assert len(found["revived_units"]) == 4
    kl = Settings(**{**vars(settings), "sparsity": "kl"})  # revives its units by itself
    assert "revived_units" not in fitting.fit("test", Table(rows, None), kl).history


def test_statistics_of_the_scaling_come_from_the_training_rows(rows: np.ndarray) -> None:
    found = fitting.fit("test", Table(rows, None), SMALL)
    train, test = split_rows(Table(rows, None), 0.1, 0)
    assert len(set(train) & set(test)) == 0
    np.testing.assert_allclose(found.model.scale(rows[train]).mean(0), 0, atol=1e-5)
    np.testing.assert_array_equal(found.held_out, rows[test])


@pytest.mark.slow
@pytest.mark.parametrize(("half", "value"), [("encoder", np.nan), ("decoder", np.inf)])
def test_weights_that_end_as_nan_fail_although_every_loss_was_finite(
    half: str, value: float, rows: np.ndarray
) -> None:
    class Last(keras.callbacks.Callback):
        def on_train_end(self, logs: Any = None) -> None:
            bias = getattr(self.model, half).trainable_variables[-1]
            bias.assign(np.full(bias.shape, value))

    settings = Settings(code_dim=4, strength=1e-4, epochs=1, batch_size=360)
    with pytest.raises(TrainingError, match=r"a finite loss and weights. .* infinity in epoch 1"):
        fitting.fit(None, Table(rows, None), settings, callbacks=[Last()])


@pytest.mark.parametrize(
    ("count", "hold_out", "message"),
    [
        (1, 0.1, "at least 2 rows. Received: 1"),
        (2, 0.1, "at least 2 rows to train on beside the held-out ones. Received: 2 rows with 1"),
        (10, 1.5, "`hold_out`. Expected a float"),
    ],
)
def test_too_few_rows_are_refused(
    count: int, hold_out: float, message: str, rows: np.ndarray
) -> None:
    with pytest.raises(ValueError, match=message):
        fitting.fit("test", Table(rows[:count], None), Settings(hold_out=hold_out))


def test_rows_that_are_not_finite_are_refused(rows: np.ndarray) -> None:
    rows[5, 1] = np.nan
    with pytest.raises(DataError, match=r"`DATA`.*NaN or infinity in row 5"):
        fitting.fit("test", Table(rows, None), SMALL)


@pytest.mark.parametrize(
    ("labels", "message"),
    [(np.linspace(0, 1, 400), "Received: fractions"), (np.ones(400), "Received: 1 class")],
)
def test_labels_are_looked_at_before_the_training(
    labels: np.ndarray, message: str, rows: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(fitting, "SparseAutoencoder")
    with pytest.raises(DataError, match=message):
        fitting.fit("test", Table(rows, labels), SMALL)


def test_rows_that_are_measured_set_no_threshold_where_there_are_enough(
    rows: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(code_dim=16, l0=4, epochs=2, hold_out=0.5)
    few = fitting.fit(None, Table(rows, np.arange(400) % 2), Settings(l0=4, epochs=1))
    assert (few.validation_rows, len(few.held_out)) == (0, 40)
    assert few.evaluation.l0 == pytest.approx(4)  # by construction
    table = Table(rows, np.arange(400) % 2)
    parts = fitting.split(table, settings)
    found = fitting.fit(None, table, settings)
    assert (found.trained_rows, found.validation_rows, len(found.held_out)) == (200, 100, 100)
    np.testing.assert_array_equal(found.held_out, rows[parts.test])
    assert (found.model.encode(rows[parts.validation]) > 0).sum() == 400
    assert found.evaluation.l0 == pytest.approx(
        (found.model.encode(rows[parts.test]) > 0).sum() / 100
    )
    assert found.evaluation.l0 != 4
    assert found.probe is not None
    assert found.probe.rows == 400  # labels take no part in a training


@pytest.mark.parametrize(
    ("scales", "expected"), [(np.ones(12), "center"), (np.logspace(0, 3, 12), "standard")]
)
def test_what_was_left_open_is_named_with_what_was_chosen(
    scales: np.ndarray, expected: str
) -> None:
    rows = np.random.default_rng(0).normal(size=(400, 12)) * scales
    found = fitting.fit(None, Table(rows, None), Settings(epochs=1, batch_size=40))
    assert found.chosen["normalization"] == expected
    assert found.chosen["learning_rate"] == pytest.approx(found.model.chosen_rate)
    assert 1e-4 < found.chosen["learning_rate"] < 0.012 + 1e-9
    assert set(found.chosen) == {"code_dim", "l0", "sparsity", "normalization", "learning_rate"}
    assert (found.chosen["code_dim"], found.chosen["l0"]) == (24, 3)
    given = Settings(
        code_dim=4,
        strength=1e-4,
        sparsity="l1",
        normalization="center",
        epochs=1,
        batch_size=40,
        learning_rate=0.01,
    )
    assert fitting.fit(None, Table(rows, None), given).chosen == {}
