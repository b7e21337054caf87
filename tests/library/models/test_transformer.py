import os
import pickle
import random
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import joblib
import keras
import numpy as np
import pytest
from scipy.sparse import csr_array, issparse
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

import keras_sparse
from keras_sparse import KL, SparseAutoencoderTransformer
from keras_sparse.data.arrays import DataError
from keras_sparse.sparsity.by_count.batch_topk import BatchTopK
from keras_sparse.training.failures import TrainingError
from recordings import make_noise

SMALL: dict[str, Any] = {"code_dim": 4, "epochs": 1, "batch_size": 64, "random_state": 0}
SEARCHED = {**SMALL, "code_dim": 8, "epochs": 5, "batch_size": 100, "learning_rate": 0.05}
EXCEPTIONS: dict[str, str] = {}
"""Checks of scikit-learn's that fail, with the reason. None does; one that needs SCIPY_ARRAY_API in
the environment skips itself."""


@parametrize_with_checks(
    [SparseAutoencoderTransformer(**SMALL)], expected_failed_checks=lambda _: EXCEPTIONS
)
def test_scikit_learn_conventions(
    estimator: Any, check: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Codes are float32, and some processors round a row differently at another place of a product.
    close = partial(estimator_checks.assert_allclose_dense_sparse, rtol=1e-5)
    monkeypatch.setattr(estimator_checks, "assert_allclose_dense_sparse", close)
    check(estimator)


@pytest.fixture(scope="module")
def fitted() -> tuple[SparseAutoencoderTransformer, np.ndarray]:
    x = np.random.default_rng(0).normal(size=(200, 3)) @ np.random.default_rng(1).normal(
        size=(3, 6)
    )
    options = {**SMALL, "code_dim": 5, "epochs": 3, "normalization": "standard"}
    return SparseAutoencoderTransformer(**options).fit(x), x


def test_codes_are_those_of_the_model(
    fitted: tuple[SparseAutoencoderTransformer, np.ndarray],
) -> None:
    transformer, x = fitted
    codes = transformer.transform(x)
    assert codes.dtype == np.float32
    np.testing.assert_array_equal(codes, transformer.model_.encode(x))
    np.testing.assert_array_equal(
        transformer.inverse_transform(codes), transformer.model_.decode(codes)
    )
    reconstructed = transformer.inverse_transform(codes)
    expected = r2_score(x / x.std(0), reconstructed / x.std(0), multioutput="variance_weighted")
    assert transformer.score(x) == pytest.approx(expected, abs=1e-5)
    assert transformer.n_iter_ == len(transformer.history_["loss"]) == 3
    assert transformer.n_features_in_ == 6
    names = transformer.get_feature_names_out()
    assert names.tolist() == [f"sparseautoencodertransformer{unit}" for unit in range(5)]


@pytest.mark.parametrize(
    ("sparsity", "activation", "threshold"),
    [("l1", "auto", 0.0), ("kl", "auto", 0.1), ("l1", "tanh", 0.1)],
)
def test_a_sparse_code_leaves_out_what_is_not_active(
    sparsity: str, activation: str, threshold: float, rows: np.ndarray
) -> None:
    arguments = {**SMALL, "sparsity": sparsity, "activation": activation}
    dense = SparseAutoencoderTransformer(**arguments).fit_transform(rows)
    transformer = SparseAutoencoderTransformer(**arguments, sparse_output=True).fit(rows)
    found = transformer.transform(rows)
    assert issparse(found)
    assert found.format == "csr"
    assert found.dtype == np.float32
    active = np.abs(dense) > threshold
    np.testing.assert_array_equal(found.toarray(), np.where(active, dense, 0))
    assert found.nnz == active.sum() < dense.size + (sparsity == "kl")
    assert (found.data < 0).any() == (activation == "tanh")
    np.testing.assert_array_equal(
        transformer.inverse_transform(found), transformer.inverse_transform(found.toarray())
    )


def test_frames_in_frames_out(rows: np.ndarray) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(rows, columns=[f"c{index}" for index in range(12)])
    transformer = SparseAutoencoderTransformer(**SMALL).set_output(transform="pandas").fit(frame)
    assert transformer.feature_names_in_.tolist() == frame.columns.tolist()
    assert transformer.transform(frame).columns[3] == "sparseautoencodertransformer3"
    with pytest.raises(ValueError, match="feature names"):
        transformer.transform(frame[frame.columns[::-1]])
    reordered = frame[frame.columns[::-1]]
    np.testing.assert_allclose(  # products of rows in another memory order may round otherwise
        transformer.model_.encode(reordered), transformer.transform(frame), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("dtype", ["bool", "int64", "float64"])
def test_a_sparse_matrix_is_its_rows(dtype: str, rng: np.random.Generator) -> None:
    x = rng.poisson(0.5, (60, 12)).astype(dtype)
    dense, from_sparse = (
        SparseAutoencoderTransformer(6, epochs=1, random_state=0) for _ in range(2)
    )
    codes = dense.fit(x).transform(x)
    np.testing.assert_allclose(from_sparse.fit(csr_array(x)).transform(csr_array(x)), codes, 1e-6)
    assert from_sparse.score(csr_array(x)) == pytest.approx(dense.score(x))


def test_a_column_that_float32_cannot_resolve_is_named(rows: np.ndarray) -> None:
    frame = pytest.importorskip("pandas").DataFrame(rows, columns=[*"abcdefghijkl"])
    frame["time"] = 1.7e15 + np.arange(400)
    with pytest.raises(DataError, match=r"Received: column time, the first with mean 1.7e\+15"):
        SparseAutoencoderTransformer(6, epochs=1).fit(frame)


def test_times_are_refused_and_rows_are_not_copied_to_see_it(
    rows: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    pandas = pytest.importorskip("pandas")
    transformer = SparseAutoencoderTransformer(**SMALL)
    times = np.full((4, 2), "2020-01-01", "M8[D]")
    mixed = pandas.DataFrame({"a": pandas.to_timedelta([1, 2], unit="D"), "b": [1.0, 2.0]})
    for x in (times, list(times), pandas.DataFrame(times), mixed):
        with pytest.raises(ValueError, match=r"dtype of argument `X`. Expected numbers. Received"):
            transformer.fit(x)
    frame = pandas.DataFrame(rows).astype({0: "float32"})
    transformer.fit(frame)
    copies: list[Any] = []
    to_array = pandas.DataFrame.__array__

    def copy(*arguments: Any, **options: Any) -> Any:
        copies.append(arguments)
        return to_array(*arguments, **options)

    monkeypatch.setattr(pandas.DataFrame, "__array__", copy)
    transformer.transform(frame)
    assert len(copies) == 1


@pytest.mark.slow
def test_a_random_state_makes_it_the_same_and_no_other_generator_is_touched(
    rows: np.ndarray,
) -> None:
    arguments = {**SMALL, "hidden_units": (6,), "epochs": 2, "strength": 1e-4}
    random.seed(1)
    python, numpy_state = random.getstate(), np.random.get_state()
    first = SparseAutoencoderTransformer(**arguments).fit_transform(rows)
    assert random.getstate() == python
    assert str(np.random.get_state()) == str(numpy_state)
    random.seed(2)
    np.random.seed(2)
    keras.utils.set_random_seed(2)
    np.testing.assert_array_equal(
        SparseAutoencoderTransformer(**arguments).fit_transform(rows), first
    )
    for other in (1, None):
        arguments["random_state"] = other
        found = SparseAutoencoderTransformer(**arguments).fit_transform(rows)
        assert not np.array_equal(found, first)


READ = """
import sys, warnings
warnings.simplefilter("error", UserWarning)
import joblib, numpy as np
transformer = joblib.load(sys.argv[1])
np.save(sys.argv[3], transformer.transform(np.load(sys.argv[2])))
"""


@pytest.mark.process
def test_it_is_pickled_here_and_across_processes(
    fitted: tuple[SparseAutoencoderTransformer, np.ndarray], tmp_path: Path
) -> None:
    transformer, x = fitted
    expected = transformer.transform(x)
    again = pickle.loads(pickle.dumps(transformer))
    np.testing.assert_allclose(again.transform(x), expected, atol=1e-6)
    assert again.history_ == transformer.history_
    joblib.dump(transformer, tmp_path / "t.joblib")
    np.save(tmp_path / "x.npy", x)
    files = [str(tmp_path / name) for name in ("t.joblib", "x.npy", "codes.npy")]
    environment = {**os.environ, "KERAS_BACKEND": keras.backend.backend()}
    subprocess.run([sys.executable, "-c", READ, *files], check=True, env=environment)
    np.testing.assert_allclose(np.load(tmp_path / "codes.npy"), expected, atol=1e-6)


def test_a_copy_has_the_arguments_and_nothing_learnt(
    fitted: tuple[SparseAutoencoderTransformer, np.ndarray],
) -> None:
    copy = clone(fitted[0])
    assert copy.get_params() == fitted[0].get_params()
    assert not hasattr(copy, "model_")
    copy = clone(SparseAutoencoderTransformer(sparsity=KL(rho=0.2, beta=0.5)))
    assert copy.sparsity.get_config() == {"rho": 0.2, "beta": 0.5}


@pytest.mark.slow
def test_a_search_over_the_strength_behind_a_classifier(rows: np.ndarray) -> None:
    labels = np.where(rows[:, 3] > np.median(rows[:, 3]), "high", "low")
    pipeline = Pipeline(
        [
            ("codes", SparseAutoencoderTransformer(**SEARCHED)),
            ("classify", LogisticRegression()),
        ]
    )
    # At 100 the penalty is all there is, and silences every unit.
    search = GridSearchCV(
        pipeline, {"codes__strength": [100.0, 1e-4]}, cv=2, error_score="raise"
    ).fit(rows, labels)
    assert search.best_params_ == {"codes__strength": 1e-4}
    assert set(search.predict(rows)) == {"high", "low"}
    penalty = search.best_estimator_["codes"].model_.penalty
    assert penalty.strength == pytest.approx(1e-4)


@pytest.mark.slow
def test_a_search_without_labels(rows: np.ndarray) -> None:
    estimator = SparseAutoencoderTransformer(**SEARCHED, strength=1e-4)
    search = GridSearchCV(estimator, {"code_dim": [1, 8]}, cv=2)
    assert search.fit(rows).best_params_ == {"code_dim": 8}


@pytest.mark.slow
def test_the_sparsity_is_named_or_given(rows: np.ndarray) -> None:
    def config(**arguments: Any) -> Any:
        penalty = SparseAutoencoderTransformer(**SMALL, **arguments).fit(rows).model_.penalty
        return penalty and (type(penalty.regularizer).__name__, penalty.regularizer.get_config())

    assert config(sparsity=None) is None
    assert config(sparsity="l2", strength=0.5) == ("L2", {"l2": 0.5})
    assert config(sparsity="kl", strength=0.5, rho=0.2) == ("KL", {"rho": 0.2, "beta": 0.5})
    assert config(sparsity=KL(0.3, 2.0)) == ("KL", {"rho": 0.3, "beta": 2.0})


@pytest.mark.slow
@pytest.mark.parametrize("sparsity", ["auto", "topk", BatchTopK(2)])
def test_an_l0_is_asked_for_or_that_of_an_activation(sparsity: Any, rows: np.ndarray) -> None:
    arguments = {**SMALL, "code_dim": 16, "sparsity": sparsity}
    transformer = clone(SparseAutoencoderTransformer(**arguments, l0=2))
    for _ in range(2):  # each fit has a layer of its own
        codes = transformer.fit_transform(rows)
        assert transformer.model_.count_activation.k == 2
        assert (codes > 0).sum(axis=1).mean() == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sparsity": "l3"}, "`sparsity`. Expected one of auto, l1, .*, None, an Activity"),
        ({"sparsity": KL(), "strength": 1.0}, "`strength`. Expected None with a regularizer"),
        ({"l0": 2, "strength": 1.0}, "`strength`. Expected it only with a penalty of fixed"),
        ({"l0": 99}, "`l0`. Expected an integer from 1 to "),
        ({"l0": 2, "sparsity": "kl"}, "`l0`. Expected None for kl"),
        ({"epochs": 0}, "`epochs`. Expected None or a positive integer. Received: epochs=0"),
        ({"batch_size": 0}, "`batch_size`. Expected a positive integer"),
        ({"code_dim": 0}, "`code_dim`. Expected a positive integer"),
        ({"sparsity": "kl", "rho": 1.5}, "`rho`. Expected a float in"),
    ],
)
def test_arguments_are_judged_when_it_is_fitted(
    arguments: dict[str, Any], message: str, rows: np.ndarray
) -> None:
    transformer = SparseAutoencoderTransformer(**{**SMALL, **arguments})
    with pytest.raises(ValueError, match=message):
        transformer.fit(rows)


def test_a_training_that_diverges_is_no_model(rows: np.ndarray) -> None:
    transformer = SparseAutoencoderTransformer(**{**SMALL, "epochs": 5, "learning_rate": 1e30})
    with pytest.raises(TrainingError, match="Remedy: a smaller `learning_rate` or `strength`"):
        transformer.fit(rows)
    assert not hasattr(transformer, "model_")


@pytest.mark.slow
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="only TensorFlow traces anew")
def test_many_short_fits_do_not_warn_of_tracing(
    rows: np.ndarray, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(7):
        SparseAutoencoderTransformer(**SMALL).fit(rows)
    assert "retracing" not in caplog.text


@pytest.mark.process
def test_the_name_is_loaded_when_asked_for_and_says_what_is_missing() -> None:
    code = (
        "import sys; sys.modules['sklearn'] = None\n"
        "import keras_sparse, keras_sparse.experiments, keras_sparse.evaluation\n"
        "assert 'keras_sparse.models.transformer' not in sys.modules\n"
        "try: keras_sparse.SparseAutoencoderTransformer\n"
        "except ModuleNotFoundError as error: print(error)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert 'Remedy: pip install "keras-sparse[insight]"' in result.stdout, result.stderr
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        getattr(keras_sparse, "Nothing")  # noqa: B009


@pytest.mark.parametrize("missing", ["skip", "mean", "mask"])
def test_rows_with_gaps(missing: str, rows: np.ndarray) -> None:
    gappy = np.where(np.random.default_rng(0).random(rows.shape) < 0.02, np.nan, rows)
    transformer = SparseAutoencoderTransformer(**SMALL, missing=missing)
    if missing == "skip":
        with pytest.warns(UserWarning, match="rows of `X` have gaps and were left out"):
            transformer.fit(gappy)
        with pytest.raises(ValueError, match="contains NaN"):
            transformer.transform(gappy)
        return
    codes = transformer.fit_transform(gappy)
    assert np.isfinite(codes).all()
    assert transformer.model_.missing == missing
    x, x_hat = transformer.model_.scale(gappy), transformer.model_.decode(codes)
    live = ~np.isnan(x)
    errors = (x - transformer.model_.scale(x_hat))[live]
    variance = np.nansum((x - np.nanmean(x, axis=0)) ** 2)
    expected = 1 - np.square(errors).sum() / variance
    assert transformer.score(gappy) == pytest.approx(expected, abs=1e-5)
    with pytest.raises(DataError, match=r"`X`.*an entry in each row"):
        transformer.fit(np.full((4, 2), np.nan))


def test_gaps_are_refused_by_default(rows: np.ndarray) -> None:
    rows[3, 1] = np.nan
    with pytest.raises(ValueError, match="contains NaN"):
        SparseAutoencoderTransformer(**SMALL).fit(rows)
    with pytest.raises(ValueError, match=r"`missing`. Expected one of"):
        SparseAutoencoderTransformer(**SMALL, missing="fill").fit(rows)


@pytest.mark.slow
@pytest.mark.parametrize("front_end", ["mel", "statistics"])
def test_windows_behind_a_front_end(front_end: str) -> None:
    x = make_noise(0, 64 * 512)[:, 0].reshape(64, 512)
    transformer = SparseAutoencoderTransformer(
        6, l0=2, front_end=front_end, sampling_rate=16_000.0, epochs=2, random_state=0
    )
    codes = clone(transformer).fit_transform(x)
    assert codes.shape == (64, 6)
    model = transformer.fit(x).model_
    features = {"mel": 64, "statistics": 6}[front_end]
    assert model.feature_shape == (features,)
    assert transformer.inverse_transform(codes).shape == (64, features)
    assert transformer.score(x) <= 1


def test_mels_without_a_rate_are_refused() -> None:
    with pytest.raises(ValueError, match=r"`sampling_rate`. Expected a number for"):
        SparseAutoencoderTransformer(front_end="mel").fit(np.zeros((9, 64)))
