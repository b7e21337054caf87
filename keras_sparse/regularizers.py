"""Activity regularizers that mean the same at every batch size, shape and precision."""

import functools
import math
from typing import Any

import keras
from keras import ops

from keras_sparse import penalties
from keras_sparse.penalties import Tensor


class ActivityRegularizer(keras.regularizers.Regularizer):
    """Base of the penalties on codes: float32, averaged over samples, a scalar.

    A subclass gives `strength`, the factor of the penalty in the loss, and `at_unit_strength`, the
    formula without it. `penalty(h)` is then `strength · at_unit_strength(h)`: the number that
    reaches the loss, whatever the batch size, the rank of `h` and the compute dtype.

    Keras divides what an activity regularizer returns by the batch size, so calling one returns
    `penalty(h) · batch size`. A Keras that scales otherwise (before 3.14.0) is refused when a
    regularizer is made.

    Raises:
        RuntimeError: If the installed Keras does not divide by the batch size.

    Example:
        >>> import keras, keras_sparse
        >>> from keras import ops
        >>> @keras.saving.register_keras_serializable(package="my_project")
        ... class Hinge(keras_sparse.ActivityRegularizer):
        ...     strength = 0.1
        ...     def at_unit_strength(self, h, weights=None):
        ...         return keras_sparse.penalties.l1(ops.relu(h - 1.0), weights)
        >>> float(Hinge().penalty([[3.0, 0.5], [1.0, 2.0]]))
        0.15000000596046448
    """

    def __init__(self) -> None:
        require_batch_scaling()

    @property
    def strength(self) -> float:
        """The factor of the penalty in the loss."""
        raise NotImplementedError

    def at_unit_strength(self, h: Tensor, weights: Tensor | None = None) -> Tensor:
        """The penalty at strength 1: a scalar from float32 codes `(batch, ..., units)`."""
        raise NotImplementedError

    def penalty(self, h: Tensor, weights: Tensor | None = None) -> Tensor:
        """The number that reaches the loss.

        Args:
            h: Codes, `(batch, ..., units)`, of any float dtype.
            weights: How much each sample `(batch,)` or step `(batch, steps)` counts.

        Returns:
            A float32 scalar.
        """
        # Half precision overflows in the sums, and rounds 1 − 1e-6 to 1.
        h = ops.cast(ops.convert_to_tensor(h), "float32")
        return self.strength * self.at_unit_strength(h, weights)

    def __call__(self, h: Tensor) -> Tensor:
        """What Keras asks for: the penalty times the batch size that it will divide by."""
        return self.penalty(h) * ops.cast(ops.shape(h)[0], "float32")

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {}


@keras.saving.register_keras_serializable(package="keras_sparse")
class L1(ActivityRegularizer):
    """`λ Σ_j |h_j|`, averaged over samples. With ReLU it pushes codes to exact zero.

    Args:
        l1: λ, a finite float of at least 0. The reconstruction error that it is weighed against
            is a mean over features: divide a λ from a text that sums over D features by D.

    Raises:
        ValueError: If `l1` is negative or not finite.

    Example:
        >>> import keras_sparse
        >>> float(keras_sparse.L1(0.1).penalty([[1.0, -2.0], [0.0, 1.0]]))
        0.20000000298023224
    """

    def __init__(self, l1: float = 1e-4) -> None:
        super().__init__()
        self.l1 = non_negative("l1", l1)

    @property
    def strength(self) -> float:
        """λ."""
        return self.l1

    def at_unit_strength(self, h: Tensor, weights: Tensor | None = None) -> Tensor:
        """`Σ_j |h_j|`, averaged over samples."""
        return penalties.l1(h, weights)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"l1": self.l1}


@keras.saving.register_keras_serializable(package="keras_sparse")
class L2(ActivityRegularizer):
    """`λ Σ_j h_j²`, averaged over samples. It shrinks codes and makes none of them zero.

    Args:
        l2: λ, a finite float of at least 0.

    Raises:
        ValueError: If `l2` is negative or not finite.

    Example:
        >>> import keras_sparse
        >>> float(keras_sparse.L2(0.1).penalty([[1.0, -2.0], [0.0, 1.0]]))
        0.30000001192092896
    """

    def __init__(self, l2: float = 1e-4) -> None:
        super().__init__()
        self.l2 = non_negative("l2", l2)

    @property
    def strength(self) -> float:
        """λ."""
        return self.l2

    def at_unit_strength(self, h: Tensor, weights: Tensor | None = None) -> Tensor:
        """`Σ_j h_j²`, averaged over samples."""
        return penalties.l2(h, weights)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"l2": self.l2}


@keras.saving.register_keras_serializable(package="keras_sparse")
class KL(ActivityRegularizer):
    """`β Σ_j KL(ρ ‖ ρ̂_j)`, `ρ̂_j` the mean activation of unit j over the batch.

    `KL(ρ ‖ ρ̂) = ρ log(ρ/ρ̂) + (1−ρ) log((1−ρ)/(1−ρ̂))`. It asks every unit to be active for a share
    ρ of the samples, so no unit dies. Codes belong in (0, 1): use a sigmoid. Where the mean leaves
    [1e-6, 1 − 1e-6] the penalty goes on as a straight line that leads back.

    KL is convex, so its mean over small batches exceeds its value on the whole data: prefer
    batches of 256 or more, or give `ActivityPenalty` or `SparseAutoencoder` a `rho_horizon`.

    Args:
        rho: ρ, the mean activation asked of each unit, in (0, 1).
        beta: β, a finite float of at least 0. The reconstruction error that it is weighed against
            is a mean over features: UFLDL's β = 3 with ½ Σ e² at 784 inputs is 3·2/784 = 0.0077
            here.

    Raises:
        ValueError: If `rho` is not in (0, 1), or `beta` is negative or not finite.

    Example:
        >>> import keras_sparse
        >>> round(float(keras_sparse.KL(rho=0.05, beta=1.0).penalty([[0.5], [0.3]])), 6)
        0.332584

    Source: A. Ng, "Sparse autoencoder", CS294A lecture notes, Stanford, 2011.
    """

    def __init__(self, rho: float = 0.05, beta: float = 1e-3) -> None:
        super().__init__()
        if not 0 < _number("rho", rho, "a float in (0, 1)") < 1:
            raise ValueError(
                f"Invalid value for argument `rho`. Expected a float in (0, 1). Received: rho={rho}"
            )
        self.rho = float(rho)
        self.beta = non_negative("beta", beta)

    @property
    def strength(self) -> float:
        """β."""
        return self.beta

    def at_unit_strength(self, h: Tensor, weights: Tensor | None = None) -> Tensor:
        """`Σ_j KL(ρ ‖ ρ̂_j)`."""
        return self.of_statistic(self.statistic(h, weights))

    def statistic(self, h: Tensor, weights: Tensor | None = None) -> Tensor:
        """All that the penalty knows of the codes, linear in them: `ρ̂` and `1 − ρ̂`, `(2, units)`.

        Near 1 float32 keeps few digits of 1 − ρ̂, so 1 − h is averaged on its own.
        """
        means = (penalties.mean_activation(values, weights) for values in (h, 1.0 - h))
        return ops.stack(list(means))

    def of_statistic(self, statistic: Tensor) -> Tensor:
        """`Σ_j KL(ρ ‖ ρ̂_j)` from what `statistic` gives."""
        rho_hat, complement = statistic[0], statistic[1]
        return penalties.sum_over_units(penalties.kl(self.rho, rho_hat, complement))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"rho": self.rho, "beta": self.beta}


def non_negative(name: str, value: float) -> float:
    """The value as a plain float.

    Raises:
        ValueError: If it is negative or not finite.
        TypeError: If it is no number.
    """
    expected = "a finite float of at least 0"
    number = _number(name, value, expected)
    if not (math.isfinite(number) and number >= 0):
        raise ValueError(
            f"Invalid value for argument `{name}`. Expected {expected}. Received: {name}={value}"
        )
    return number


def _number(name: str, value: float, expected: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"Invalid type for argument `{name}`. Expected {expected}. Received: {name}={value!r}"
        ) from error


@functools.cache
def require_batch_scaling() -> None:
    """Refuse a Keras that does not divide activity penalties by the batch size.

    It is seen from what a layer reports, not from a version number.

    Raises:
        RuntimeError: If a penalty of 1 on a batch of two does not come out as one half.
    """
    probe = keras.layers.Identity(activity_regularizer=lambda h: ops.ones(()), dtype="float32")
    probe(ops.zeros((2, 1)))
    reported = float(ops.convert_to_numpy(ops.sum(probe.losses)))
    if reported != 0.5:
        raise RuntimeError(
            "Expected a Keras that divides activity penalties by the batch size (3.14.0 or newer). "
            f"Received: Keras {keras.__version__}, which reports a penalty of 1 on a batch of 2 as "
            f'{reported}. Remedy: pip install "keras>=3.14"'
        )
