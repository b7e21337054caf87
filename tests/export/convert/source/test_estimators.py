from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from keras_sparse import SparseAutoencoderTransformer
from keras_sparse_export import Encoder, export_encoder
from keras_sparse_export.convert.source.estimators import find_model

X = np.random.default_rng(0).normal(size=(64, 5))


@pytest.fixture(scope="module")
def fitted() -> SparseAutoencoderTransformer:
    return SparseAutoencoderTransformer(6, l0=2, epochs=1, random_state=0).fit(X)


def test_a_fitted_transformer_is_exported(
    fitted: SparseAutoencoderTransformer, tmp_path: Path
) -> None:
    path = export_encoder(fitted, tmp_path / "bundle", sample=X)
    np.testing.assert_allclose(Encoder(path).encode(X), fitted.transform(X), atol=1e-4)


def test_so_is_a_pipeline_of_nothing_else(fitted: SparseAutoencoderTransformer) -> None:
    assert find_model(make_pipeline(fitted)) is fitted.model_
    assert find_model(make_pipeline("passthrough", fitted)) is fitted.model_
    assert find_model(fitted.model_) is fitted.model_


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ([StandardScaler()], [], r"standardscaler \(StandardScaler\) before it. Remedy: .*"
         r"\['sparseautoencodertransformer'\].model_, .*normalization=\"standard\""),
        ([], [LogisticRegression()], r"logisticregression \(LogisticRegression\) behind it"),
        ([StandardScaler()], [LogisticRegression()], r"before it and logisticregression"),
    ],
)  # fmt: skip
def test_steps_that_would_stay_behind_are_named(
    before: list[Any],
    after: list[Any],
    message: str,
    fitted: SparseAutoencoderTransformer,
    tmp_path: Path,
) -> None:
    with pytest.raises(ValueError, match=message):
        export_encoder(make_pipeline(*before, fitted, *after), tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


def test_what_has_no_model_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"without `model_`. Remedy: call `fit` first"):
        export_encoder(SparseAutoencoderTransformer(6), tmp_path / "bundle")
    with pytest.raises(TypeError, match=r"`model`. Expected a keras.Model"):
        export_encoder(make_pipeline(StandardScaler()), tmp_path / "bundle")
