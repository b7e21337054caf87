from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from keras_sparse_export import Encoder, export_encoder
from keras_sparse_export.convert.source.copying import clone_for_inference
from keras_sparse_export.errors import ConversionError
from models import TENSORFLOW, needs_tf2onnx

make = keras.layers


class Failing(keras.layers.Layer):
    """A layer whose config cannot be read."""

    def call(self, x: Any) -> Any:
        return 2 * x

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor}


class Incomplete(keras.layers.Layer):
    """A layer whose config lacks an argument."""

    def __init__(self, units: int = 3, **settings: Any) -> None:
        super().__init__(**settings)
        self.units = units

    def build(self, shape: Any) -> None:
        self.kernel = self.add_weight(shape=(shape[-1], self.units))

    def call(self, x: Any) -> Any:
        return x @ self.kernel

    def get_config(self) -> dict[str, Any]:
        return super(keras.layers.Layer, self).get_config()


SHARED: dict[str, Callable[[Any], Any]] = {
    "Lambda": lambda dtype: make.Lambda(lambda x: 2 * x, name="mine", dtype=dtype),
    "Failing": lambda dtype: Failing(name="mine", dtype=dtype),
    "Incomplete": lambda dtype: Incomplete(units=5, name="mine", dtype=dtype),
    "Dense": lambda dtype: make.Dense(7, lambda x: x / 2, name="mine", dtype=dtype),
}


def with_layer(layer: Any) -> keras.Model:
    return keras.Sequential([keras.Input((12,)), layer, make.Dense(4, "relu", name="code")])


def read_state(model: keras.Model) -> list[np.ndarray]:
    variables = [*model.variables, *model.optimizer.variables]
    return [np.array(keras.ops.convert_to_numpy(each)) for each in variables]


@pytest.mark.parametrize("kind", list(SHARED))
def test_a_layer_in_float32_that_cannot_be_copied_is_shared(kind: str, rows: np.ndarray) -> None:
    model = with_layer(SHARED[kind]("float32"))
    model.compile("adam", "mse")
    model.fit(rows, np.ones((len(rows), 4)), verbose=0)
    before = read_state(model)
    expected = keras.ops.convert_to_numpy(model(rows))
    copy = clone_for_inference(model)
    codes = keras.ops.convert_to_numpy(copy(rows))
    np.testing.assert_allclose(codes, expected, rtol=1e-5, atol=1e-5)
    for one, other in zip(before, read_state(model), strict=True):
        np.testing.assert_array_equal(one, other)
    with pytest.raises(ConversionError, match=f"layer `mine` of class {kind}"):
        clone_for_inference(model, share=False)


@pytest.mark.parametrize("kind", list(SHARED))
def test_another_precision_cannot_be_shared(kind: str, tmp_path: Path) -> None:
    model = with_layer(SHARED[kind]("mixed_float16"))
    message = f"recreated from their config. .*`mine` of class {kind} .* or a model in float32"
    with pytest.raises(ConversionError, match=message):
        export_encoder(model, tmp_path / "b", layer="code")
    assert list(tmp_path.iterdir()) == []


@needs_tf2onnx
@pytest.mark.parametrize("kind", ["Lambda", "Incomplete"])
def test_a_shared_layer_is_exported(kind: str, rows: np.ndarray, tmp_path: Path) -> None:
    model = with_layer(SHARED[kind]("float32"))
    path = export_encoder(model, tmp_path / "b", layer="code", sample=rows)
    expected = keras.ops.convert_to_numpy(model(rows))
    np.testing.assert_allclose(Encoder(path).encode(rows), expected, rtol=1e-5, atol=1e-4)


@pytest.mark.filterwarnings("ignore:Layer InputLayer does not have a `quantize`")
@pytest.mark.parametrize("mode", ["int8", "int4"])
def test_a_model_quantized_by_keras_computes_as_it_did(
    mode: str, rows: np.ndarray, tmp_path: Path
) -> None:
    full = with_layer(make.Dense(16, "relu"))
    model = keras.models.clone_model(full)
    model.set_weights(full.get_weights())
    model.quantize(mode)
    expected = keras.ops.convert_to_numpy(model(rows))
    assert np.abs(expected - keras.ops.convert_to_numpy(full(rows))).max() > 1e-2
    codes = keras.ops.convert_to_numpy(clone_for_inference(model)(rows))
    np.testing.assert_array_equal(codes, expected)
    if TENSORFLOW:
        path = export_encoder(model, tmp_path / "b", layer="code", sample=rows)
        np.testing.assert_allclose(Encoder(path).encode(rows), expected, rtol=1e-5, atol=1e-4)


def test_an_adapter_is_merged(rows: np.ndarray, tmp_path: Path) -> None:
    dense = make.Dense(16, "relu")
    model = with_layer(dense)
    dense.enable_lora(2)
    dense.lora_kernel_b.assign(np.ones(dense.lora_kernel_b.shape))
    path = export_encoder(model, tmp_path / "b", layer="code", sample=rows)
    expected = keras.ops.convert_to_numpy(model(rows))
    np.testing.assert_allclose(Encoder(path).encode(rows), expected, rtol=1e-5, atol=1e-4)
