"""Reach the L0 that a penalty aims at on rows that were not trained on."""

from typing import Any

import keras

from keras_sparse.sparsity.activity_penalty import ActivityPenalty
from keras_sparse.sparsity.placement import nested_layers


class TargetL0(keras.callbacks.Callback):
    """Correct the aim of a penalty with a `target_l0` by the L0 of held-out rows, once per epoch.

    Fitted codes have fewer active units on the rows they were fitted to than on others: by 3 % on
    MNIST, by a fourth on 1,500 digits. From the L0 of validation rows the penalty learns this ratio
    and aims lower on the training rows by as much. Without validation rows it aims at the target on
    the training rows.

    The logs of each epoch hold the strength at its end as `penalty_strength`. A `SparseAutoencoder`
    with a target has this callback by default.

    Args:
        log: The log with the L0 of held-out rows. A `SparsityMonitor` with a `layer` and `x` in
            front of this callback writes `"l0"`.

    Example:
        >>> import keras, numpy as np, keras_sparse
        >>> from keras_sparse.callbacks.target_l0 import TargetL0
        >>> x = np.random.default_rng(0).random((256, 8))
        >>> model = keras.Sequential([
        ...     keras.Input((8,)),
        ...     keras.layers.Dense(16, "relu", name="code"),
        ...     keras_sparse.ActivityPenalty(keras_sparse.L1(1e-3), target_l0=4),
        ...     keras.layers.Dense(8),
        ... ])
        >>> model.compile("adam", "mse")
        >>> monitor = keras_sparse.SparsityMonitor(layer="code", x=x[:64])
        >>> history = model.fit(x[64:], x[64:], verbose=0, callbacks=[monitor, TargetL0("l0")])
        >>> "penalty_strength" in history.history
        True
    """

    def __init__(self, log: str = "val_l0") -> None:
        super().__init__()
        self.log = log

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Find the penalties that have a target."""
        self._penalties = [
            layer
            for layer in nested_layers(self.model)
            if isinstance(layer, ActivityPenalty) and layer.target_l0 is not None
        ]

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Correct the aim, and log the strength."""
        logs = {} if logs is None else logs
        for penalty in self._penalties:
            if self.log in logs:
                penalty.correct_target(logs[self.log])
            logs["penalty_strength"] = penalty.strength
