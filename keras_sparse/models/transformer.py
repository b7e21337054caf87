"""A sparse autoencoder as a scikit-learn transformer."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from keras_sparse.data import arrays
from keras_sparse.data.column_statistics import require_resolved
from keras_sparse.data.missing import (
    admits_gaps,
    drop_incomplete,
    of_encoding,
    require_choice,
)
from keras_sparse.metrics import functional
from keras_sparse.models.budget import Budget
from keras_sparse.models.front_ends import make_front_end
from keras_sparse.models.front_ends.plan import count_features
from keras_sparse.models.settings import Settings
from keras_sparse.models.sparse_autoencoder import SparseAutoencoder
from keras_sparse.sparsity import families
from keras_sparse.sparsity.by_count.activation import CountActivation
from keras_sparse.sparsity.regularizers import ActivityRegularizer
from keras_sparse.training.batching.mixing import mix_rows
from keras_sparse.training.failures import TrainingError

try:
    from scipy.sparse import csr_matrix
    from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
    from sklearn.utils import check_array, check_random_state
    from sklearn.utils.validation import check_is_fitted, validate_data
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "Expected the package `scikit-learn`, which the transformer needs. Received: an "
        'environment without it. Remedy: pip install "keras-sparse[insight]"',
        name="sklearn",
    ) from error

GIVEN = (ActivityRegularizer, CountActivation)
FEW_STEPS = 20
"""Training steps that cost about as much as tracing in TensorFlow: 0.1 s each against 2 s."""


class SparseAutoencoderTransformer(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    """A scikit-learn transformer around `SparseAutoencoder`: rows in, codes out.

    It works in a `Pipeline`, with `clone`, `pickle` and a grid search. `score` is the explained
    variance, which falls as codes become sparser: to choose an L0 or a strength, search with a
    classifier behind the transformer, or with a scorer of your own.

    TensorFlow keeps some 6 MB of every compiled training (JAX 0.7 MB, torch none) until the process
    ends; `n_jobs=2` moves a long search to processes that joblib replaces as they grow.

    Args:
        code_dim: Units of the code; by default twice the columns, at most 256 and one for
            eight rows.
        sparsity: Name of a family (`"l1"`, `"kl"`, `"batch_topk"`, or another registered one),
            `None` for no penalty, or an `ActivityRegularizer` or `CountActivation`. `"auto"` is the
            best family for an L0, and L1 with a `strength`.
        l0: Active units per row to train for, on average, instead of a strength; by default a
            quarter of the units or of the columns, of which are fewer, at most 16.
        strength: λ or β. A regularizer has its own.
        rho: Target mean activation of a unit, for KL.
        hidden_units: Widths of layers between input and code, mirrored in the decoder.
        activation: Activation of the code, as in `SparseAutoencoder`.
        output_activation: Activation of the reconstruction, as in `SparseAutoencoder`.
        normalization: Scaling of the rows inside the model, as in `SparseAutoencoder`.
        missing: What is done with missing values, as in `SparseAutoencoder`; with `"skip"`,
            `transform` and `score` refuse rows with a gap.
        front_end: Features of rows that are windows of a signal of one channel: `"mel"`,
            `"spectrum"` or `"statistics"`, as `keras_sparse.front_ends.make_front_end` makes them;
            `"none"` takes the samples. `inverse_transform` then returns features.
        sampling_rate: Samples per second, which `front_end="mel"` needs.
        epochs: Passes over the rows; by default those of 4,000 steps.
        batch_size: Rows per step; by default 32 to 256, as there are rows.
        learning_rate: Learning rate of Adam. `None` is the schedule that
            `SparseAutoencoder.compile` chooses.
        sparse_output: Whether `transform` returns a CSR matrix, in which the codes of
            inactive units are zeros: those whose magnitude does not exceed the model's threshold (0
            for ReLU, 0.1 for sigmoid and tanh).
        random_state: An integer makes `fit` reproducible.
        verbose: As in `keras.Model.fit`.

    Attributes:
        model_: The trained `SparseAutoencoder`.
        history_: The logs, a list over epochs for each name.
        n_iter_: Number of trained epochs.
        n_features_in_: Number of columns of the rows.
        feature_names_in_: Names of the columns, if the rows have names. By the conventions of
            scikit-learn, rows in another order are refused; `model_.encode` orders them.

    Example:
        >>> from sklearn.datasets import load_digits
        >>> import keras_sparse
        >>> x = load_digits().data
        >>> codes = keras_sparse.SparseAutoencoderTransformer(16, epochs=1).fit_transform(x)
        >>> codes.shape
        (1797, 16)
    """

    def __init__(
        self,
        code_dim: int | None = Settings.code_dim,
        *,
        sparsity: str | ActivityRegularizer | CountActivation | None = Settings.sparsity,
        l0: int | None = Settings.l0,
        strength: float | None = Settings.strength,
        rho: float = Settings.rho,
        hidden_units: Sequence[int] = Settings.hidden_units,
        activation: Any = "auto",
        output_activation: Any = "linear",
        normalization: str | None = Settings.normalization,
        missing: str = Settings.missing,
        front_end: str = Settings.front_end,
        sampling_rate: float | None = None,
        epochs: int | None = Settings.epochs,
        batch_size: int | None = Settings.batch_size,
        learning_rate: float | None = Settings.learning_rate,
        sparse_output: bool = False,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.code_dim = code_dim
        self.sparsity = sparsity
        self.l0 = l0
        self.strength = strength
        self.rho = rho
        self.hidden_units = hidden_units
        self.activation = activation
        self.output_activation = output_activation
        self.normalization = normalization
        self.missing = missing
        self.front_end = front_end
        self.sampling_rate = sampling_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.sparse_output = sparse_output
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None) -> "SparseAutoencoderTransformer":
        """Train on rows.

        Args:
            X: `(rows, columns)`, at least two rows of finite numbers; a SciPy matrix stays sparse,
                and one batch of it at a time is dense.
            y: Ignored.

        Raises:
            ValueError: If an argument is out of range, or `X` is unusable; a column whose digits
                float32 loses is named.
            TrainingError: If the loss stops being finite.
        """
        require_choice(self.missing)
        gaps = self.missing != "error"
        x = arrays.as_numbers(self._rows(X, reset=True, gaps=gaps, ensure_min_samples=2), "X")
        if self.missing == "skip":
            x, _ = drop_incomplete("X", x, None)
        else:
            arrays.require_rows(x, x.shape[1:], name="X", at_least=2, missing=self.missing)
        if self.normalization is not None:
            require_resolved(x, getattr(self, "feature_names_in_", None))
        if self.epochs is not None and not (
            isinstance(self.epochs, (int, np.integer)) and self.epochs >= 1
        ):
            raise ValueError(
                "Invalid value for argument `epochs`. Expected None or a positive integer. "
                f"Received: epochs={self.epochs!r}"
            )
        given = self._settings()
        features = count_features(self.front_end, x.shape[1:], self.sampling_rate)
        budget, settings = given.plan(x), given.for_rows(x, features)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        with _temporary_seed(seed):
            model = SparseAutoencoder(
                x.shape[1],
                settings.units,
                hidden_units=self.hidden_units,
                **self._builder_arguments(settings, features),
                activation=self.activation,
                output_activation=self.output_activation,
                normalization=self.normalization,
                missing=self.missing,
                front_end=make_front_end(self.front_end, x.shape[1:], self.sampling_rate),
            )
            if model.front_end is None:
                model.columns = getattr(self, "feature_names_in_", None)
            if not model.adapted:
                model.adapt(x)
            model.compile(settings.optimizer(), run_eagerly=_is_short(budget, len(x)))
            history = model.fit(
                mix_rows(x, budget.mixed, seed),
                epochs=budget.epochs,
                batch_size=budget.batch_size,
                verbose=self.verbose,
                callbacks=[keras.callbacks.TerminateOnNaN()],
            ).history
        if not np.isfinite(history["loss"]).all():
            raise TrainingError(
                "Expected a finite loss. Received: NaN or infinity in epoch "
                f"{len(history['loss'])}. Remedy: a smaller `learning_rate` or `strength`"
            )
        self.model_ = model
        self.history_ = history
        self.n_iter_ = len(history["loss"])
        return self

    def transform(self, X: Any) -> Any:
        """Encode rows: `(rows, code_dim)` in float32, or a CSR matrix with `sparse_output`."""
        check_is_fitted(self)
        codes = self.model_.encode(self._rows(X, gaps=self._has_gaps()))
        if not self.sparse_output:
            return codes
        return csr_matrix(
            np.where(functional.is_active(codes, self.model_.threshold), codes, np.float32(0))
        )

    def inverse_transform(self, X: Any) -> np.ndarray:
        """Decode codes, dense or sparse, to rows in their original units, or to features."""
        check_is_fitted(self)
        arrays.require_unmasked(X, "X")
        codes = check_array(X, accept_sparse="csr", dtype=np.float32)
        return self.model_.decode(codes if isinstance(codes, np.ndarray) else codes.toarray())

    def score(self, X: Any, y: Any = None) -> float:
        """Return the explained variance of the reconstructions, in the scaled space."""
        check_is_fitted(self)
        x = arrays.numeric(self._rows(X, gaps=self._has_gaps()), "X")
        model = self.model_
        reconstructed = model.decode(model.encode(x))
        scaled = model.scale(model.features(x)), model.scale(reconstructed)
        return functional.explained_variance(*scaled, of_encoding(model.missing))

    def _has_gaps(self) -> bool:
        return admits_gaps(self.missing)

    def _rows(self, X: Any, *, reset: bool = False, gaps: bool = False, **checks: Any) -> Any:
        """Validate rows, which may have gaps or not; a sparse matrix becomes CSR."""
        arrays.require_unmasked(X, "X")
        given: Any = np.asarray(X) if isinstance(X, (list, tuple)) else X
        dtypes: Any = getattr(given, "dtypes", getattr(given, "dtype", None))
        for dtype in np.ravel(dtypes):
            if getattr(dtype, "kind", "?") in "mM":  # scikit-learn makes numbers of times
                raise arrays.DataError(
                    f"Invalid dtype of argument `X`. Expected numbers. Received: {dtype}"
                )
        # float64 rows stay float64, for the statistics of the scaling.
        dtype = [np.float64, np.float32]
        checks["ensure_all_finite"] = "allow-nan" if gaps else True
        return validate_data(self, given, reset=reset, accept_sparse="csr", dtype=dtype, **checks)

    def _settings(self) -> Settings:
        """The settings of a named family; a given one stands for its kind."""
        if not (self._is_named() or isinstance(self.sparsity, GIVEN)):
            raise ValueError(
                "Invalid value for argument `sparsity`. Expected one of "
                f"{', '.join((families.AUTO, *families.names()))}, None, an ActivityRegularizer or "
                f"a CountActivation. Received: sparsity={self.sparsity!r}"
            )
        sparsity, l0 = self.sparsity, self.l0
        if by_count := isinstance(sparsity, CountActivation):
            l0 = sparsity.k
        if not isinstance(sparsity, str):
            family = families.family_of(sparsity)
            sparsity = families.AUTO if family is None else family.name
        if sparsity == families.AUTO:
            # A correction pass needs a linear decoder.
            is_deep = bool(self.hidden_units) or self.output_activation != "linear" or by_count
            has_strength = self.strength is not None
            sparsity = families.choose(
                sparsity, has_strength=has_strength, hidden_units=is_deep
            ).name
        strength = self.strength
        if strength is None:  # a regularizer has its own
            strength = getattr(self.sparsity, "strength", None)
        return Settings(
            code_dim=self.code_dim,
            hidden_units=tuple(self.hidden_units),
            sparsity=sparsity,
            l0=l0,
            strength=strength,
            rho=self.rho,
            front_end=self.front_end,
            learning_rate=self.learning_rate,
            epochs=None if self.epochs is None else int(self.epochs),
            batch_size=self.batch_size,
        )

    def _is_named(self) -> bool:
        return self.sparsity is None or self.sparsity in (families.AUTO, *families.names())

    def _builder_arguments(self, settings: Settings, features: int) -> dict[str, Any]:
        if self._is_named():
            return settings.builder_arguments(features)
        if self.strength is not None:
            raise ValueError(
                "Invalid value for argument `strength`. Expected None with a regularizer or an "
                f"activation, which has its own numbers. Received: strength={self.strength}"
            )
        method: Any = self.sparsity
        if isinstance(method, CountActivation):  # a layer belongs to one model
            method = type(method).from_config(method.get_config())
        return {"sparsity": method, **({} if self.l0 is None else {"target_l0": self.l0})}

    @property
    def _n_features_out(self) -> int:
        """Number of output names such as `sparseautoencodertransformer0`."""
        units: int = self.model_.encoder.output_shape[-1]
        return units

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = self.missing != "error"
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def _is_short(budget: Budget, rows: int) -> bool:
    """Whether TensorFlow would spend more time on tracing the training than on running it.

    It would also warn about retracing after a few fits.
    """
    few = budget.epochs * (rows + budget.mixed) <= FEW_STEPS * budget.batch_size
    return few and keras.backend.backend() == "tensorflow"


@contextmanager
def _temporary_seed(seed: int) -> Iterator[None]:
    """Seed Python's generator during the block, and restore its state afterwards.

    The seeds of weights and of the order of rows come from it, and from no other generator.
    """
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)
