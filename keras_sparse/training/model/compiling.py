"""Compile a model: its optimizer, and how each backend runs its steps."""

from typing import Any

import keras

from keras_sparse.distribution import devices
from keras_sparse.metrics.streaming import RowMeans
from keras_sparse.metrics.zero_weight import EntryMetric, NonZeroWeightMetric
from keras_sparse.training import compiled_steps, jax_state
from keras_sparse.training.batching import prepare
from keras_sparse.training.batching.array_batches import ArrayBatches
from keras_sparse.training.model import learning_rate

DEFAULT_RATE = 1e-3
"""Peak of the learning rate of a model of which nothing more is known."""


class CompilingModel(keras.Model):
    """A Keras model whose steps are compiled where that pays, and keep its variables if they fail.

    A subclass sets `monitored` and calls `_create_compile_state` when it is made.
    """

    jit_compile: bool  # Keras' own, which `fit` may set
    steps_per_execution: int

    def _create_compile_state(self) -> None:
        self.monitored = False  # until `compile`
        self._requested_jit: bool | str = "auto"
        self._compiles_known_parts = False
        self._in_stacks = self._long = False
        self._rate: learning_rate.Trapezoid | None = None

    def _choose_rate(self) -> learning_rate.Trapezoid:
        """Choose the learning rate where `compile` is given none."""
        return learning_rate.Trapezoid(DEFAULT_RATE)

    @property
    def chosen_rate(self) -> float | None:
        """Peak of the learning rate that `compile` chose; `None` if it was given an optimizer."""
        return None if self._rate is None else self._rate.peak * self._rate.factor

    @property
    def steady_part(self) -> tuple[float, float]:
        """The part of a training in which the learning rate is at its peak, as fractions of it."""
        return (0.0, 1.0) if self._rate is None else (learning_rate.WARM_UP, 1 - self._rate.decay)

    def _begin_cycle(self, steps: int, *, resumed: bool = False) -> None:
        """Begin a cycle of the learning rate that `compile` chose, as `Trapezoid.begin`."""
        if self._rate is not None:
            self._rate.begin(steps, resumed=resumed)

    def _can_compile(self) -> bool:
        """Whether XLA is known to compile the model on a CPU, and to make it faster."""
        return False

    def compile(
        self,
        optimizer: Any = "auto",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: bool | str = "auto",
        auto_scale_loss: bool = True,
        *,
        monitor: bool = True,
    ) -> None:
        """Compile as in Keras, by default with Adam and MSE as the mean over features.

        A loss compares scaled rows; metrics compare raw ones.

        Args:
            optimizer: As in Keras. `"auto"` is Adam with a learning rate that rises over the first
                5 % of the steps of each `fit`, stays at a peak, and falls to 0 over the last 20 %;
                in a stream of unknown length it rises over 100 steps and stays. The peak is 1e-3,
                but without hidden layers, for d features and n units, .19/√max(d, n) by count,
                .13/√max(d, n) refined and .084/√d otherwise, at most .012; by count the rate then
                falls over the last 40 %. Pass `"adam"` together with a callback that sets the rate.
            loss: As in Keras.
            loss_weights: As in Keras.
            metrics: As in Keras; rows and steps of weight 0, and masked steps, are left out.
            weighted_metrics: As in Keras.
            run_eagerly: As in Keras.
            steps_per_execution: As in Keras.
            jit_compile: As in Keras; with `"auto"` a long `fit` of arrays on TensorFlow is compiled
                on a CPU too, if all parts are Keras' own.
            auto_scale_loss: As in Keras.
            monitor: Whether to measure codes and explained variance while training.

        Raises:
            ValueError: Under a strategy of TensorFlow that Keras 3 does not train with.
        """
        devices.require_supported_strategy()
        self.monitored = monitor
        unweighted, weighted = (
            [metric for metric in keras.tree.flatten(argument) if metric is not None]
            for argument in (metrics, weighted_metrics)
        )
        self._requested_jit = jit_compile
        self._in_stacks = self._long = False
        self._rate = None
        if isinstance(optimizer, str) and optimizer == "auto":
            self._rate = self._choose_rate()
            optimizer = keras.optimizers.Adam(self._rate)
            self._rate.bind(optimizer)
        super().compile(
            optimizer=optimizer,
            loss="mse" if loss is None else loss,
            loss_weights=loss_weights,
            # Keras passes weights, and so which rows fill up a batch, to weighted metrics alone.
            weighted_metrics=[
                *map(NonZeroWeightMetric, unweighted),
                *(
                    m if isinstance(m, (RowMeans, EntryMetric)) else EntryMetric(m)
                    for m in weighted
                ),
            ]
            or None,
            run_eagerly=run_eagerly,
            steps_per_execution=steps_per_execution,
            jit_compile=jit_compile,
            auto_scale_loss=auto_scale_loss,
        )
        self._compiles_known_parts = compiled_steps.are_all_of_keras(
            [self.optimizer, loss, *unweighted, *weighted]
        )

    def get_compile_config(self) -> dict[str, Any] | None:
        """The arguments of `compile`."""
        config = super().get_compile_config()
        own: dict[str, Any] = {"jit_compile": self._requested_jit, "monitor": self.monitored}
        if self._rate is not None:
            own["optimizer"] = "auto"
        return {**config, **own} if config else config

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile again, as Keras does after loading a saved model."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def _choose_compile_mode(self, training: Any, epochs: int, callbacks: Any) -> bool:
        """Choose for `fit` what `compile` left open; see `keras_sparse.training.compiled_steps`.

        Args:
            training: The batches to train on; only arrays are compiled.
            epochs: As in `fit`.
            callbacks: All callbacks.

        Returns:
            Whether the model now takes stacks of batches.
        """
        arrays = isinstance(training, ArrayBatches)
        # A compiled model stays compiled.
        self._long |= arrays and epochs * len(training) >= compiled_steps.LONG
        compiles = (
            arrays
            and prepare.uses_tf_data()
            and self._long
            and self._compiles_known_parts
            and self._can_compile()
            and self._requested_jit == "auto"
            and not self.run_eagerly
        )
        in_stacks = (
            compiles
            and type(self).train_step is CompilingModel.train_step
            and compiled_steps.can_run_in_stacks(self, callbacks)
        )
        newly_compiled = compiles and not self.jit_compile
        if newly_compiled:
            self.jit_compile = True
            self.make_test_function(force=True)
            self.make_predict_function(force=True)
        if newly_compiled or in_stacks != self._in_stacks:
            self._in_stacks = in_stacks
            self.make_train_function(force=True)
        return in_stacks

    def train_step(self, *arguments: Any) -> Any:
        """Take a step as in Keras, or all steps of a stack of batches."""
        if not self._in_stacks:
            return super().train_step(*arguments)
        compiled_steps.loop(super().train_step, *arguments)
        return self.get_metrics_result()

    def make_train_function(self, force: bool = False) -> None:
        """As in Keras; the step keeps the newest values of the variables on JAX."""
        super().make_train_function(force)
        jax_state.guard(self, "train_function")

    def make_test_function(self, force: bool = False) -> None:
        """As in Keras, like `make_train_function`."""
        super().make_test_function(force)
        jax_state.guard(self, "test_function")

    def make_predict_function(self, force: bool = False) -> None:
        """As in Keras, like `make_train_function`."""
        super().make_predict_function(force)
        jax_state.guard(self, "predict_function")

    def train_on_batch(self, *arguments: Any, **named: Any) -> Any:
        """As in Keras; a failure leaves the newest values in the variables on JAX."""
        with jax_state.keep_variables(self):
            return super().train_on_batch(*arguments, **named)

    def test_on_batch(self, *arguments: Any, **named: Any) -> Any:
        """As in Keras, like `train_on_batch`."""
        with jax_state.keep_variables(self):
            return super().test_on_batch(*arguments, **named)

    def predict_on_batch(self, *arguments: Any, **named: Any) -> Any:
        """As in Keras, like `train_on_batch`."""
        with jax_state.keep_variables(self):
            return super().predict_on_batch(*arguments, **named)
