"""Record per-unit curves during training and warn about unhealthy codes."""

import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sparse.data import arrays
from keras_sparse.data.named_rows import order_by_name
from keras_sparse.metrics import functional
from keras_sparse.metrics.diagnosis import find_code_problems, summarize_units
from keras_sparse.metrics.loss_diagnosis import find_loss_problems
from keras_sparse.metrics.remedies import LAYER, MODEL, Training, settle
from keras_sparse.sparsity import code_values, families
from keras_sparse.sparsity.activity_penalty import ActivityPenalty
from keras_sparse.sparsity.placement import nested_layers
from keras_sparse.sparsity.step_weights import step_axes
from keras_sparse.training.inference import encode_and_reconstruct, select_live
from keras_sparse.training.trainer import ReconstructionModel
from keras_sparse.utils.files import replace_file
from keras_sparse.utils.text import number

BATCH_SIZE = 1024


class SparsityMonitor(keras.callbacks.Callback):
    """Record curves of each unit, and warn once when codes become unhealthy.

    A `SparseAutoencoder` measures its codes itself and has this callback by default; pass one of
    your own to write the curves to a file. For any other model pass `layer` and `x`: at the end of
    each epoch the rows `x` are encoded, and the logs get `l0`, `dead_fraction`, `mean_activation`
    and, where the model's outputs have the shape of `x`, `explained_variance`. Put callbacks that
    read these logs after this one.

    It warns once per problem, with the remedy, after `patience` consecutive epochs (or at the end
    of the training) in which many units are dead, the mean activation is far from ρ, units are
    saturated, or the reconstruction is hardly better than the mean, and this did not improve; or in
    which the learning rate is far too high or too low, the rows are not scaled, or a KL has codes
    outside of [0, 1]. At the end it also warns if the codes are far from the L0 that was asked for.
    The thresholds are in `keras_sparse.metrics.diagnosis` and `loss_diagnosis`.

    Args:
        path: An `.npz` to write after every epoch, of the arrays `epoch` `(epochs,)`,
            `mean_activation` and `density` `(epochs, units)`.
        layer: The layer that computes the codes, or its name.
        x: Rows to encode, preferably held-out ones; masked steps are left out.
        threshold: τ; by default 0 if the layer's outputs can be exactly zero, else 0.1.
        warn: Whether to warn; `findings` holds the problems in any case.
        patience: Consecutive epochs with a problem before a warning.

    Raises:
        ValueError: When training starts: if there is a `layer` but no `x`, no such layer, or no
            `layer` for a model that is no `SparseAutoencoder`.

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
        """The current problems, by a short name."""

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Clear the curves and findings of an earlier training."""
        self._epochs: list[int] = []
        self._activation: list[np.ndarray] = []
        self._density: list[np.ndarray] = []
        self._lasting: dict[str, int] = {}
        self._warned: set[str] = set()
        self._distances: dict[str, float] = {}
        self._losses: dict[str, list[float]] = {}
        self._encoder = None
        if self.layer is not None:
            self._encoder = self._build_encoder()
        elif not isinstance(self.model, ReconstructionModel):
            raise ValueError(
                "Invalid value for argument `layer`. Expected the layer that computes the codes, "
                f"or its name, for a model that is no SparseAutoencoder. Received: layer=None with "
                f"{type(self.model).__name__}"
            )

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Record the epoch, write the file, and warn."""
        logs = {} if logs is None else logs
        measures: dict[str, Any] = {}
        if self._encoder is not None:
            density, activation, measures = self._measure(logs)
        elif self.model.monitored:
            density, activation = self.model.unit_curves()
            measures = self.model.input_statistics()
        else:
            return
        for name in ("loss", "reconstruction_loss", "penalty_strength", "revived_units"):
            if name in logs:
                self._losses.setdefault(name, []).append(logs[name])
        self._epochs.append(epoch + 1)
        self._density.append(density)
        self._activation.append(activation)
        if self.path is not None:
            self._write(self.path)
        explained = logs.get("val_explained_variance", logs.get("explained_variance"))
        regularizer = self._regularizer()
        rho = getattr(regularizer, "target_activation", None)
        count, target_l0 = getattr(self.model, "count_activation", None), self._target_l0()
        remedies = families.remedies(
            families.family_of(regularizer), by_l0=not (count is None and target_l0 is None)
        )
        measures |= {**summarize_units(density, activation), "explained_variance": explained}
        measures["normalization"] = getattr(self.model, "chosen_normalization", None)
        training = self._training(len(density), regularizer, target_l0 or getattr(count, "k", None))
        found = [
            *find_code_problems(measures, rho, remedies, target_l0),
            *find_loss_problems(
                self._losses, variance=measures.get("variance"), rate=training.values.get("rate")
            ),
        ]
        problems = settle(found, training)
        self.findings = {problem.name: str(problem) for problem in problems if problem.severe}
        self._lasting = {name: self._lasting.get(name, 0) + 1 for name in self.findings}
        distances = {"reconstruction": 1.0 - (explained or 0.0)}
        if rho is not None:
            distances["rho"] = abs(float(activation.mean()) - rho)
        for name, distance in distances.items():  # a problem that shrinks is no news
            if distance < 0.999 * self._distances.get(name, np.inf):
                self._lasting.pop(name, None)
        self._distances = distances
        self._lasting.pop("l0", None)  # the control goes on until the end
        self._warn("For", self.patience)

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Warn of the problems at the end, if there were enough epochs to solve them."""
        if len(self._epochs) >= self.patience:
            self._lasting = dict.fromkeys(self.findings, self.patience)
            self._warn("After", len(self._epochs))

    def _warn(self, when: str, after: int) -> None:
        for name, epochs in self._lasting.items():
            if self.warn and epochs >= self.patience and name not in self._warned:
                self._warned.add(name)
                warnings.warn(f"{when} {after} epochs: {self.findings[name]}", stacklevel=2)

    def _regularizer(self) -> Any:
        if self._encoder is not None:
            return self._code_layer().activity_regularizer
        penalty = self.model.penalty
        return None if penalty is None else penalty.regularizer

    def _training(self, units: int, regularizer: Any, l0: Any) -> Training:
        """The settings that remedies start from."""
        optimizer = self.model.optimizer
        rate = getattr(self.model, "chosen_rate", None)
        if rate is None:
            rate = float(ops.convert_to_numpy(optimizer.learning_rate))
        family = families.family_of(regularizer)
        return Training(
            {
                "units": units,
                "l0": number(l0),
                "rate": rate,
                "strength": number(getattr(regularizer, "strength", None)),
                "epochs": number(self.params.get("epochs")),
            },
            where=MODEL if self._encoder is None else LAYER,
            strength_argument="" if family is None else family.axis,
        )

    def _target_l0(self) -> float | None:
        if getattr(self.model, "count_activation", None) is not None:
            return None  # `Calibrate` sets it after the last epoch
        if self._encoder is None:
            return getattr(self.model, "target_l0", None)
        layers = nested_layers(self.model)
        targets = [layer.target_l0 for layer in layers if isinstance(layer, ActivityPenalty)]
        return targets[0] if len(targets) == 1 else None

    # Models that do not measure their codes --------------------------------------------------

    def _code_layer(self) -> keras.layers.Layer:
        return self.model.get_layer(self.layer) if isinstance(self.layer, str) else self.layer

    def _build_encoder(self) -> keras.Model:
        if self.x is None:
            raise ValueError(
                "Invalid value for argument `x`. Expected rows to encode beside a `layer`. "
                "Received: x=None"
            )
        encoder = keras.Model(self.model.inputs[0], self._code_layer().output)
        if self.threshold is None:
            self.threshold = code_values.choose_threshold(encoder)
        return encoder

    def _measure(self, logs: dict[str, float]) -> tuple[np.ndarray, np.ndarray, dict[str, float]]:
        """Encode the rows, log their measures, and return those of each unit and of the rows."""
        assert self._encoder is not None
        assert self.threshold is not None
        rows = order_by_name(self.x, getattr(self.model, "columns", None))
        x = arrays.as_rows(rows, self.model.input_shape[1:])
        codes, x_hat, live_codes, live_rows, _ = encode_and_reconstruct(
            self.model, self._encoder, x, BATCH_SIZE
        )
        codes = select_live(codes, live_codes)
        density = functional.activation_density(codes, self.threshold)
        activation = functional.mean_activation(codes)
        logs["l0"] = float(density.sum())
        logs["dead_fraction"] = float((density == 0).mean())
        logs["mean_activation"] = float(activation.mean())
        measures = {}
        if getattr(self._regularizer(), "unit_range", False):
            measures = {"smallest_code": float(codes.min()), "largest_code": float(codes.max())}
        if x_hat.shape == x.shape:
            axes = step_axes(self.model.input_shape[1:])
            live, live_hat = (select_live(rows, live_rows, axes) for rows in (x, x_hat))
            logs["explained_variance"] = functional.explained_variance(live, live_hat)
            measures["variance"] = float(np.var(live, axis=0, dtype=np.float64).mean())
            measures["offset"] = functional.offset(live)
        return density, activation, measures

    # Curves --------------------------------------------------------------------------------

    def _write(self, path: Path) -> None:
        with replace_file(path) as staging, staging.open("wb") as stream:
            np.savez_compressed(stream, allow_pickle=False, **self.curves())

    def curves(self) -> dict[str, np.ndarray]:
        """`epoch` `(epochs,)`, `mean_activation` and `density` `(epochs, units)`, so far."""
        return {
            "epoch": np.array(self._epochs, np.int32),
            "mean_activation": np.array(self._activation, np.float32),
            "density": np.array(self._density, np.float32),
        }
