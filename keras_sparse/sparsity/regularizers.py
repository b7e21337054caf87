"""Activity regularizers whose penalty does not depend on batch size, rank or precision."""

import functools
from collections.abc import Sequence
from typing import Any, ClassVar

import keras
from keras import ops

from keras_sparse.distribution.devices import require_device
from keras_sparse.sparsity import penalties, placement
from keras_sparse.sparsity.row_weights import row_weights
from keras_sparse.sparsity.strengths import Default, choose_strength, to_float
from keras_sparse.utils.types import Tensor

STRENGTH, BETA = Default(1e-4), Default(1e-3)


class ActivityRegularizer(keras.regularizers.Regularizer):
    """Base class of the penalties on codes.

    A subclass defines `strength`, the factor of the penalty in the loss, and `at_unit_strength`,
    the formula without that factor. `penalty(h)` is then `strength · at_unit_strength(h)`, a
    float32 scalar averaged over samples. This number reaches the loss, whatever the batch size, the
    rank of `h` and the compute dtype.

    Keras divides the result of an activity regularizer by the batch size, so a call returns
    `penalty(h) · batch size`. The constructor raises if Keras scales otherwise, as it does before
    3.14.0.

    Keras calls the regularizer for each output of a layer and for each call of the layer, and adds
    the penalties. Where that would be wrong, an error is raised when the layer is built: inside
    `TimeDistributed` and in the cell of a recurrent layer, which are called once per step, and for
    a recurrent layer with `return_state=True`, whose states are no codes. Keras 3.15 itself loses
    the regularizer of a `SimpleRNN`: use `ActivityPenalty` there.

    To name the penalty in settings and sweeps, add it to the table of families with
    `keras_sparse.sparsity.register`.

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

    unit_range: ClassVar[bool] = False
    """Whether codes must lie in [0, 1], as those of a sigmoid do."""
    has_batch_statistic: ClassVar[bool] = False
    """Whether the penalty is a function of a mean over the batch.

    If so, `statistic` and `of_statistic` are its two steps, and `ActivityPenalty` can average the
    statistic over a `rho_horizon`.
    """

    makes_zeros: ClassVar[bool] = True
    """Whether a larger strength makes more codes exactly zero, and does not just shrink them."""

    def __init__(self) -> None:
        require_batch_scaling()

    @property
    def strength(self) -> float:
        """The factor of the penalty in the loss."""
        raise NotImplementedError

    @property
    def target_activation(self) -> float | None:
        """The mean activation that every unit should reach; `None` by default."""
        return None

    def at_unit_strength(self, h: Tensor, weights: Tensor | None = None) -> Tensor:
        """The penalty at strength 1: a scalar from float32 codes `(batch, ..., units)`."""
        raise NotImplementedError

    def statistic(self, h: Tensor, weights: Tensor | None = None) -> Tensor:
        """Means over the batch, linear in the codes; the last axis holds the units."""
        raise NotImplementedError

    def of_statistic(self, statistic: Tensor) -> Tensor:
        """The penalty at strength 1 from a `statistic`."""
        raise NotImplementedError

    def penalty(self, h: Tensor, weights: Tensor | None = None) -> Tensor:
        """The penalty as it enters the loss.

        Args:
            h: Codes, `(batch, ..., units)`, of any float dtype.
            weights: Weight of each sample `(batch,)` or step `(batch, steps)`.

        Returns:
            A float32 scalar; 0 if no sample counts.

        Raises:
            ValueError: If `h` has less than two axes.
        """
        # float16 overflows in the sums, and rounds 1 − 1e-6 to 1.
        h = ops.cast(ops.convert_to_tensor(h), "float32")
        require_units(h.shape)
        return self.strength * penalties.unless_empty(self.at_unit_strength, h, weights)

    def __call__(self, h: Tensor) -> Tensor:
        """The penalty times the batch size, by which Keras divides."""
        weights, share = row_weights(h)
        return self.penalty(h, weights) * share * ops.cast(ops.shape(h)[0], "float32")

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {}


placement.guard_wrappers(ActivityRegularizer)


@keras.saving.register_keras_serializable(package="keras_sparse")
class L1(ActivityRegularizer):
    """L1 penalty `λ Σ_j |h_j|`, averaged over samples. With ReLU it makes codes exactly zero.

    Args:
        l1: λ, a finite float of at least 0. The reconstruction error is a mean over features:
            divide a λ from a text that sums over D features by D.
        strength: Another name for `l1`, that of `Settings` and the command.

    Raises:
        ValueError: If `l1` is negative or not finite, or `strength` is another number.

    Example:
        >>> import keras_sparse
        >>> float(keras_sparse.L1(0.1).penalty([[1.0, -2.0], [0.0, 1.0]]))
        0.20000000298023224
        >>> keras_sparse.L1(strength=0.1).l1
        0.1
    """

    def __init__(self, l1: float = STRENGTH, *, strength: float | None = None) -> None:
        super().__init__()
        self.l1 = choose_strength("l1", l1, strength)

    @property
    def strength(self) -> float:
        """λ."""
        return self.l1

    def at_unit_strength(self, h: Tensor, weights: Tensor | None = None) -> Tensor:
        """`Σ_j |h_j|`, averaged over samples."""
        return penalties.l1(h, weights)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {"l1": self.l1}


@keras.saving.register_keras_serializable(package="keras_sparse")
class L2(ActivityRegularizer):
    """L2 penalty `λ Σ_j h_j²`, averaged over samples. It shrinks codes but makes none zero.

    Args:
        l2: λ, a finite float of at least 0.
        strength: Another name for `l2`, that of `Settings` and the command.

    Raises:
        ValueError: If `l2` is negative or not finite, or `strength` is another number.

    Example:
        >>> import keras_sparse
        >>> float(keras_sparse.L2(0.1).penalty([[1.0, -2.0], [0.0, 1.0]]))
        0.30000001192092896
    """

    makes_zeros = False

    def __init__(self, l2: float = STRENGTH, *, strength: float | None = None) -> None:
        super().__init__()
        self.l2 = choose_strength("l2", l2, strength)

    @property
    def strength(self) -> float:
        """λ."""
        return self.l2

    def at_unit_strength(self, h: Tensor, weights: Tensor | None = None) -> Tensor:
        """`Σ_j h_j²`, averaged over samples."""
        return penalties.l2(h, weights)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {"l2": self.l2}


@keras.saving.register_keras_serializable(package="keras_sparse")
class KL(ActivityRegularizer):
    """KL penalty `β Σ_j KL(ρ ‖ ρ̂_j)`, `ρ̂_j` the mean activation of unit j over the batch.

    `KL(ρ ‖ ρ̂) = ρ log(ρ/ρ̂) + (1−ρ) log((1−ρ)/(1−ρ̂))`. It makes every unit active for a fraction ρ
    of the samples, so no unit dies. Codes must lie in [0, 1]: use a sigmoid. For a mean outside
    [1e-6, 1 − 1e-6] the penalty continues as its tangent line, whose gradient leads back.

    KL is convex, so its mean over small batches exceeds its value on the whole data: prefer
    batches of 256 or more, or give `ActivityPenalty` or `SparseAutoencoder` a `rho_horizon`.

    Args:
        rho: ρ, the target mean activation of each unit, in (0, 1).
        beta: β, a finite float of at least 0. The reconstruction error is a mean over features:
            UFLDL's β = 3 with ½ Σ e² at 784 inputs is 3·2/784 = 0.0077 here.
        strength: Another name for `beta`, that of `Settings` and the command.

    Raises:
        ValueError: If `rho` is not in (0, 1), `beta` is negative or not finite, or `strength` is
            another number.

    Example:
        >>> import keras_sparse
        >>> round(float(keras_sparse.KL(rho=0.05, beta=1.0).penalty([[0.5], [0.3]])), 6)
        0.332584

    Source: A. Ng, "Sparse autoencoder", CS294A lecture notes, Stanford, 2011.
    """

    unit_range = True  # a mean activation is a probability
    has_batch_statistic = True

    def __init__(
        self, rho: float = 0.05, beta: float = BETA, *, strength: float | None = None
    ) -> None:
        super().__init__()
        if not 0 < to_float("rho", rho, "a float in (0, 1)") < 1:
            raise ValueError(
                f"Invalid value for argument `rho`. Expected a float in (0, 1). Received: rho={rho}"
            )
        self.rho = float(rho)
        self.beta = choose_strength("beta", beta, strength)

    @property
    def strength(self) -> float:
        """β."""
        return self.beta

    @property
    def target_activation(self) -> float:
        """ρ."""
        return self.rho

    def at_unit_strength(self, h: Tensor, weights: Tensor | None = None) -> Tensor:
        """`Σ_j KL(ρ ‖ ρ̂_j)`."""
        return self.of_statistic(self.statistic(h, weights))

    def statistic(self, h: Tensor, weights: Tensor | None = None) -> Tensor:
        """`ρ̂` and `1 − ρ̂`, `(2, units)`.

        Near 1, float32 keeps few digits of 1 − ρ̂, so 1 − h is averaged separately.
        """
        means = (penalties.mean_activation(values, weights) for values in (h, 1.0 - h))
        return ops.stack(list(means))

    def of_statistic(self, statistic: Tensor) -> Tensor:
        """`Σ_j KL(ρ ‖ ρ̂_j)` from a `statistic`."""
        rho_hat, complement = statistic[0], statistic[1]
        return penalties.sum_over_units(penalties.kl(self.rho, rho_hat, complement))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {"rho": self.rho, "beta": self.beta}


def require_units(shape: Sequence[int | None]) -> None:
    """Raise unless codes have an axis of samples and one of units.

    Raises:
        ValueError: If there are less than two axes.
    """
    if len(shape) < 2:
        raise ValueError(
            "Invalid shape of argument `h`. Expected codes of shape (batch, ..., units). Received: "
            f"{tuple(shape)}"
        )


@functools.cache
def require_batch_scaling() -> None:
    """Raise unless Keras divides activity penalties by the batch size.

    The loss of a layer decides, not a version number.

    Raises:
        RuntimeError: If a penalty of 1 on a batch of two does not become one half, or the backend's
            device is absent.
    """
    require_device()
    probe = keras.layers.Identity(activity_regularizer=lambda h: ops.ones(()), dtype="float32")
    probe(ops.zeros((2, 1)))
    reported = float(ops.convert_to_numpy(ops.sum(probe.losses)))
    if reported != 0.5:
        raise RuntimeError(
            "Expected a Keras that divides activity penalties by the batch size (3.14.0 or newer). "
            f"Received: Keras {keras.__version__}, which reports a penalty of 1 on a batch of 2 as "
            f'{reported}. Remedy: pip install "keras>=3.14"'
        )
