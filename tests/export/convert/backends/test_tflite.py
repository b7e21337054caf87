"""Names in files for LiteRT, and layers that its converter does not know."""

import keras
import pytest
from keras import layers

from keras_sparse_export.convert.backends import tflite
from keras_sparse_export.errors import ConversionError
from keras_sparse_export.io.inputs import Input, Inputs

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="converts on the TensorFlow backend"
)


@pytest.mark.parametrize("name", ["dense.v", "sensor 1", "1st", "lambda"])
def test_names_that_the_file_cannot_have_are_refused(name: str) -> None:
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3)])
    with pytest.raises(ConversionError, match=rf"an input called '{name}'\. Remedy: another name"):
        tflite.convert(model, Inputs([Input(name, (4,))]))


@pytest.mark.slow
def test_the_layer_is_named_where_it_lies(capfd: pytest.CaptureFixture[str]) -> None:
    inner = keras.Sequential([keras.Input((5,)), layers.Dense(3, keras.ops.tan, name="deep_2")])
    model = keras.Sequential([keras.Input((4,)), layers.Dense(5, name="deep"), inner])
    with pytest.raises(ConversionError, match=r"layer `deep_2` of class Dense \(Tan\)"):
        tflite.convert(model, Inputs([Input("x", (4,))]))
    assert capfd.readouterr() == ("", "")
