import inspect
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_sparse.sparsity import code_values as of_library
from keras_sparse_export import Encoder, export_encoder
from keras_sparse_export.convert import code_values


@pytest.mark.one_backend
def test_both_packages_hold_the_same_file() -> None:
    assert inspect.getsource(code_values) == inspect.getsource(of_library)


@pytest.mark.parametrize(("activation", "threshold"), [("relu", 0), ("sigmoid", 0.1)])
def test_the_layers_of_a_model_decide_and_not_its_sample(
    activation: str, threshold: float, tmp_path: Path
) -> None:
    layers = [keras.layers.Conv2D(3, 3, activation=activation), keras.layers.MaxPooling2D()]
    model = keras.Sequential([keras.Input((8, 8, 1)), *layers, keras.layers.Flatten(name="code")])
    layers[0].bias.assign([0.3, 0.3, 0.3])
    sample = np.full((4, 8, 8, 1), 1e-3)  # every code of this sample is above zero
    x = np.random.default_rng(0).standard_normal((4, 8, 8, 1))
    bundle = Encoder(export_encoder(model, tmp_path / "b", layer="code", sample=sample))
    assert (bundle.encode(sample) > 0).all()
    assert bundle.threshold == threshold
    active = bundle.encode_sparse(x)
    assert len(active.data) == (model.predict(x, verbose=0) > threshold).sum()
