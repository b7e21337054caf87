"""Watching codes while a model trains: curves of each unit, and a word when something is wrong."""

import os
import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_sparse import data, halves, measures
from keras_sparse.health import findings
from keras_sparse.regularizers import KL
from keras_sparse.training import RowsModel, outputs

BATCH_SIZE = 1024


class SparsityMonitor(keras.callbacks.Callback):
    """Keeps the curves of each unit, and warns once when codes go wrong.

    A `SparseAutoencoder` measures its codes itself and has this callback by itself; name it to have
    the curves in a file. For any other model give `layer` and `x`: at the end of each epoch the
    rows `x` are encoded, and `l0`, `dead_fraction`, `mean_activation` and, where the model gives
    rows of the shape of `x`, `explained_variance` join the logs. Callbacks that are to see them
    come after this one.

    It warns, once each and with the remedy, when at the end of `patience` epochs in a row, or of
    the training, many units are dead, the mean activation is far from ρ, units are saturated, or
    the reconstruction is no better than the mean (`keras_sparse.health` has the bounds), and are
    not on their way to better.

    Args:
        path: An `.npz` to write after every epoch, of the arrays `epoch` `(epochs,)`,
            `mean_activation` and `density` `(epochs, units)`.
        layer: The layer that gives the codes, or its name.
        x: Rows to encode, best held-out ones.
        threshold: τ; by default 0 where the layer's activation gives exact zeros, else 0.1.
        warn: Whether to warn; the findings are in `findings` in any case.
        patience: Epochs in a row before something is said.

    Raises:
        ValueError: When training starts: with a `layer` but no `x`, a layer that is not there, or
            no `layer` for a model that is no `SparseAutoencoder`.

    Example:
        >>> import keras, numpy as np, keras_sparse
        >>> x = np.random.default_rng(0).random((256, 8))
        >>> model = keras.Sequential([
        ...     keras.Input((8,)),
        ...     keras.layers.Dense(4, "relu", activity_regularizer=keras_sparse.L1(), name="code"),
        ...     keras.layers.Dense(8),
        ... ])
        >>> model.compile("adam", "mse")
        >>> monitor = keras_sparse.SparsityMonitor(layer="code", x=x)
        >>> history = model.fit(x, x, verbose=0, callbacks=[monitor])
        >>> sorted(history.history)
        ['dead_fraction', 'explained_variance', 'l0', 'loss', 'mean_activation']
    """

    def __init__(
        self,
        path: str | Path | None = None,
        *,
        layer: str | keras.layers.Layer | None = None,
        x: Any = None,
        threshold: float | None = None,
        warn: bool = True,
        patience: int = 3,
    ) -> None:
        super().__init__()
        self.path = None if path is None else Path(path)
        self.layer = layer
        self.x = x
        self.threshold = threshold
        self.warn = warn
        self.patience = patience
        self.findings: dict[str, str] = {}
        """What is wrong now, by a short name."""

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Start anew."""
        self._epochs: list[int] = []
        self._activation: list[np.ndarray] = []
        self._density: list[np.ndarray] = []
        self._lasting: dict[str, int] = {}
        self._said: set[str] = set()
        self._away: dict[str, float] = {}
        self._from_outside = None
        if self.layer is not None:
            self._from_outside = self._outside()
        elif not isinstance(self.model, RowsModel):
            raise ValueError(
                "Invalid value for argument `layer`. Expected the layer that gives the codes, or "
                f"its name, for a model that is no SparseAutoencoder. Received: layer=None with "
                f"{type(self.model).__name__}"
            )

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Measure or read, write, and warn."""
        logs = {} if logs is None else logs
        if self._from_outside is not None:
            density, activation = self._measure(logs)
        elif self.model.monitored:
            density, activation = self.model.unit_curves()
        else:
            return
        self._epochs.append(epoch + 1)
        self._density.append(density)
        self._activation.append(activation)
        if self.path is not None:
            self._write(self.path)
        explained = logs.get("val_explained_variance", logs.get("explained_variance"))
        rho = self._rho()
        self.findings = findings(density, activation, explained, rho)
        self._lasting = {name: self._lasting.get(name, 0) + 1 for name in self.findings}
        away = {"worthless": 1.0 - (explained or 0.0)}
        if rho is not None:
            away["rho"] = abs(float(activation.mean()) - rho)
        for name, distance in away.items():  # what is on its way is no news
            if distance < 0.999 * self._away.get(name, np.inf):
                self._lasting.pop(name, None)
        self._away = away
        self._tell("For", self.patience)

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Say what is wrong at the end, if there were epochs enough to mend it."""
        if len(self._epochs) >= self.patience:
            self._lasting = dict.fromkeys(self.findings, self.patience)
            self._tell("After", len(self._epochs))

    def _tell(self, when: str, after: int) -> None:
        for name, epochs in self._lasting.items():
            if self.warn and epochs >= self.patience and name not in self._said:
                self._said.add(name)
                warnings.warn(f"{when} {after} epochs {self.findings[name]}.", stacklevel=2)

    def _rho(self) -> float | None:
        if self._from_outside is None:
            penalty = self.model.penalty
            regularizer = None if penalty is None else penalty.regularizer
        else:
            regularizer = self._code_layer().activity_regularizer
        return regularizer.rho if isinstance(regularizer, KL) else None

    # From outside --------------------------------------------------------------------------

    def _code_layer(self) -> keras.layers.Layer:
        return self.model.get_layer(self.layer) if isinstance(self.layer, str) else self.layer

    def _outside(self) -> keras.Model:
        if self.x is None:
            raise ValueError(
                "Invalid value for argument `x`. Expected rows to encode beside a `layer`. "
                "Received: x=None"
            )
        layer = self._code_layer()
        if self.threshold is None:
            activation = getattr(layer, "activation", None)
            self.threshold = halves.threshold(activation)
        return keras.Model(self.model.inputs[0], layer.output)

    def _measure(self, logs: dict[str, float]) -> tuple[np.ndarray, np.ndarray]:
        assert self._from_outside is not None
        assert self.threshold is not None
        x = data.as_rows(self.x, self.model.input_shape[1:])
        codes, x_hat = (outputs(each, x, BATCH_SIZE) for each in (self._from_outside, self.model))
        density = measures.activation_density(codes, self.threshold)
        activation = measures.mean_activation(codes)
        logs["l0"] = float(density.sum())
        logs["dead_fraction"] = float((density == 0).mean())
        logs["mean_activation"] = float(activation.mean())
        if x_hat.shape == x.shape:
            logs["explained_variance"] = measures.explained_variance(x, x_hat)
        return density, activation

    # File ----------------------------------------------------------------------------------

    def _write(self, path: Path) -> None:
        """The curves so far, whole or as they were."""
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.new")
        with aside.open("wb") as stream:
            np.savez_compressed(stream, allow_pickle=False, **self.curves())
        os.replace(aside, path)

    def curves(self) -> dict[str, np.ndarray]:
        """`epoch` `(epochs,)`, `mean_activation` and `density` `(epochs, units)`."""
        return {
            "epoch": np.array(self._epochs, np.int32),
            "mean_activation": np.array(self._activation, np.float32),
            "density": np.array(self._density, np.float32),
        }
