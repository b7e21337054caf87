"""A sparse autoencoder as a scikit-learn transformer."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from keras_sparse.autoencoder import SparseAutoencoder
from keras_sparse.divergence import TrainingError
from keras_sparse.evaluation import evaluate
from keras_sparse.regularizers import ActivityRegularizer
from keras_sparse.run import STRENGTHS, Settings

try:
    from scipy.sparse import csr_matrix
    from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
    from sklearn.utils import check_array, check_random_state
    from sklearn.utils.validation import check_is_fitted, validate_data
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "Expected the package `scikit-learn`, which the transformer is for. Received: an "
        'environment without it. Remedy: pip install "keras-sparse[insight]"',
        name="sklearn",
    ) from error

FEW_STEPS = 20  # of training, at about 0.1 s each where tracing takes 2 s


class SparseAutoencoderTransformer(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    """`SparseAutoencoder` by scikit-learn's conventions: rows in, codes out.

    It stands in a `Pipeline`, is cloned, pickled and searched over. `score` is the explained
    variance, which falls as the penalty grows: to choose a strength, search with a classifier
    behind the transformer, or with a scorer of your own.

    TensorFlow keeps some 6 MB of every training that it compiled (JAX 0.7 MB, torch none) until the
    process ends; `n_jobs=2` puts a long search into processes that joblib renews as they grow.

    Args:
        code_dim: Units of the code.
        sparsity: `"l1"`, `"l2"`, `"kl"`, `None` for no penalty, or an `ActivityRegularizer`.
        strength: λ or β; by default 1e-4 for L1 and L2, 1e-3 for KL. Of no use with a regularizer,
            which has its own.
        rho: ρ of KL.
        hidden_units: Widths of layers between input and code, mirrored in the decoder.
        activation: Of the code, as in `SparseAutoencoder`.
        output_activation: Of the reconstruction, as in `SparseAutoencoder`.
        normalization: `"standard"`, `"minmax"` or `None`: rows are scaled inside.
        epochs: Passes over the rows.
        batch_size: Rows per step.
        learning_rate: Of Adam.
        sparse_output: Whether `transform` returns a CSR matrix. Codes up to the model's threshold
            (0 for ReLU, 0.1 for sigmoid) are zeros in it, not stored.
        random_state: An integer makes every `fit` the same.
        verbose: As in `keras.Model.fit`.

    Attributes:
        model_: The trained `SparseAutoencoder`.
        history_: What was logged, a list of epochs for each name.
        n_iter_: Epochs trained.
        n_features_in_: Columns of the rows.
        feature_names_in_: Their names, where the rows came with names.

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
        code_dim: int = 64,
        *,
        sparsity: str | ActivityRegularizer | None = "l1",
        strength: float | None = None,
        rho: float = 0.05,
        hidden_units: Sequence[int] = (),
        activation: Any = "auto",
        output_activation: Any = "linear",
        normalization: str | None = "standard",
        epochs: int = 30,
        batch_size: int = 256,
        learning_rate: float = 1e-3,
        sparse_output: bool = False,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.code_dim = code_dim
        self.sparsity = sparsity
        self.strength = strength
        self.rho = rho
        self.hidden_units = hidden_units
        self.activation = activation
        self.output_activation = output_activation
        self.normalization = normalization
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.sparse_output = sparse_output
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None) -> "SparseAutoencoderTransformer":
        """Train on rows.

        Args:
            X: `(rows, columns)`, at least two rows of finite numbers.
            y: Not looked at.

        Raises:
            ValueError: If an argument is out of its range, or `X` cannot be trained on.
            TrainingError: If the loss stops being finite.
        """
        x = self._rows(X, reset=True, ensure_min_samples=2)
        if not isinstance(self.epochs, (int, np.integer)) or self.epochs < 1:
            raise ValueError(
                "Invalid value for argument `epochs`. Expected a positive integer. "
                f"Received: epochs={self.epochs!r}"
            )
        with _seeded(check_random_state(self.random_state).randint(2**31 - 1)):
            model = SparseAutoencoder(
                x.shape[1],
                self.code_dim,
                hidden_units=self.hidden_units,
                sparsity=self._regularizer(),
                activation=self.activation,
                output_activation=self.output_activation,
                normalization=self.normalization,
            )
            if self.normalization is not None:
                model.adapt(x)
            model.compile(
                keras.optimizers.Adam(self.learning_rate), run_eagerly=self._is_short(len(x))
            )
            history = model.fit(
                x,
                epochs=int(self.epochs),
                batch_size=self.batch_size,
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
        """Codes of rows, `(rows, code_dim)` in float32; a CSR matrix with `sparse_output`."""
        check_is_fitted(self)
        codes = self.model_.encode(self._rows(X))
        if not self.sparse_output:
            return codes
        return csr_matrix(np.where(codes > self.model_.threshold, codes, np.float32(0)))

    def inverse_transform(self, X: Any) -> np.ndarray:
        """Rows from codes, dense or sparse, in the units of the rows."""
        check_is_fitted(self)
        codes = check_array(X, accept_sparse="csr", dtype=np.float32)
        return self.model_.decode(codes if isinstance(codes, np.ndarray) else codes.toarray())

    def score(self, X: Any, y: Any = None) -> float:
        """Explained variance of rows by their reconstructions, in the scaled space."""
        check_is_fitted(self)
        return evaluate(self.model_, self._rows(X)).explained_variance

    def _rows(self, X: Any, *, reset: bool = False, **checks: Any) -> np.ndarray:
        # In the dtype of the caller: the statistics of the scaling are taken in float64.
        rows: np.ndarray = validate_data(
            self, X, reset=reset, dtype=[np.float64, np.float32], **checks
        )
        return rows

    def _is_short(self, rows: int) -> bool:
        """Whether TensorFlow would spend more on tracing the training than on running it.

        It would also warn of that, a few fits later.
        """
        few = self.epochs * rows <= FEW_STEPS * self.batch_size
        return few and keras.backend.backend() == "tensorflow"

    def _regularizer(self) -> ActivityRegularizer | None:
        if self.sparsity is None or self.sparsity in STRENGTHS:
            name = self.sparsity or "none"
            return Settings(sparsity=name, strength=self.strength, rho=self.rho).regularizer()
        if not isinstance(self.sparsity, ActivityRegularizer):
            raise ValueError(
                f"Invalid value for argument `sparsity`. Expected one of {', '.join(STRENGTHS)}, "
                f"None or an ActivityRegularizer. Received: sparsity={self.sparsity!r}"
            )
        if self.strength is not None:
            raise ValueError(
                "Invalid value for argument `strength`. Expected None with a regularizer, which "
                f"has its own. Received: strength={self.strength}"
            )
        return self.sparsity

    @property
    def _n_features_out(self) -> int:
        """For the names of the features, `sparseautoencodertransformer0` and so on."""
        units: int = self.model_.encoder.output_shape[-1]
        return units

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Python's generator, from which weights and the order of rows draw their seeds, for a while.

    No other generator is drawn from, so none has to be set.
    """
    state = random.getstate()
    random.seed(int(seed))
    try:
        yield
    finally:
        random.setstate(state)
