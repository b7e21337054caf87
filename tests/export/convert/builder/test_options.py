import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from keras_sparse import BatchTopK, JumpReLU, RefinedCode, TopK, front_ends
from keras_sparse.models.scaling import AppendObserved, MeanImputer
from keras_sparse_export import Encoder, export_encoder
from keras_sparse_export.convert.builder import build, options
from keras_sparse_export.errors import ConversionError
from models import CONVERTERS

make = keras.layers


def exported(model: keras.Model, path: Path, sample: Any = None, converter: str = "builder") -> Any:
    """What the bundle and Keras make of the same rows."""
    rows = np.random.default_rng(0).normal(size=(40, *model.input_shape[1:])).astype(np.float32)
    bundle = export_encoder(model, path, layer="code", sample=rows, converter=converter)
    return Encoder(bundle).encode(rows), keras.ops.convert_to_numpy(model(rows, training=False))


def sequential(shape: tuple[int, ...], *layers: keras.layers.Layer) -> keras.Model:
    layers[-1].name = "code"
    return keras.Sequential([keras.Input(shape), *layers])


def adapted(layer: Any) -> None:
    """Give a layer an adapter of low rank that changes what it computes."""
    layer.enable_lora(2)
    draw = np.random.default_rng(0).normal
    layer.set_weights([draw(size=weights.shape) for weights in layer.get_weights()])


@pytest.mark.parametrize("converter", CONVERTERS)
@pytest.mark.parametrize("use_bias", [False, True])
@pytest.mark.parametrize("kind", [make.Dense, make.Conv1D])
def test_adapters_of_low_rank_are_merged(
    kind: Any, use_bias: bool, converter: str, tmp_path: Path
) -> None:
    size: dict[str, Any] = {"kernel_size": 3} if kind is make.Conv1D else {}
    layer = kind(6, activation="relu", use_bias=use_bias, **size)
    model = sequential((8, 6), layer)
    adapted(layer)
    found, expected = exported(model, tmp_path / "b", converter=converter)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("converter", CONVERTERS)
@pytest.mark.parametrize("shape", [(4,), (3, 5), (3, 4, 5)])
def test_flattened_channels_come_in_the_order_of_keras(
    shape: tuple[int, ...], converter: str, tmp_path: Path
) -> None:
    model = sequential(shape, make.Flatten(data_format="channels_first"))
    found, expected = exported(model, tmp_path / "b", converter=converter)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("converter", CONVERTERS)
def test_inputs_of_several_ranks_are_added_as_keras_adds_them(
    converter: str, tmp_path: Path
) -> None:
    x = keras.Input((3, 5))
    row = make.Dense(5)(make.Flatten()(x))
    model = keras.Model(x, make.Add(name="code")([row, x, make.Dense(1)(x)]))
    found, expected = exported(model, tmp_path / "b", converter=converter)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("layer", "option"),
    [
        (lambda: make.ReLU(threshold=0.5), "threshold=0.5"),
        pytest.param(
            lambda: make.LayerNormalization(rms_scaling=True),
            "rms_scaling=True",
            marks=pytest.mark.filterwarnings("ignore:You passed `rms_scaling=True`"),
        ),
    ],
)
def test_options_that_no_converter_reads_are_refused(
    layer: Callable[[], keras.layers.Layer], option: str, tmp_path: Path
) -> None:
    model = sequential((6,), layer())
    with pytest.raises(ConversionError, match=rf"Received: {option} of layer `code` of class"):
        exported(model, tmp_path / "b")
    assert list(tmp_path.iterdir()) == []


def test_an_option_of_a_newer_keras_is_refused_only_if_it_is_set() -> None:
    class Newer(keras.layers.Dense):
        def __init__(self, *arguments: Any, gain: Any = 1.0, **settings: Any) -> None:
            super().__init__(*arguments, **settings)
            self.gain = gain

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "gain": self.gain, "gate": None}

    known = build._LAYERS["Dense"].options
    options.require_known(Newer(3), known)
    with pytest.raises(ConversionError, match=r"Received: gain=2.0 of layer `mine` of class Newer"):
        options.require_known(Newer(3, gain=2.0, name="mine"), known)


@pytest.mark.parametrize(
    ("default", "unset", "others"),
    [
        ("absent", [None, False], [0, 0.0, True]),
        (None, [None, False], [0, 0.0, True]),
        (True, [True], [False, None, 1, 0]),
        (False, [False], [True, None, 0]),
        (1.0, [1.0, 1], [0.0, None, False]),
    ],
)
def test_an_option_is_not_set_only_at_its_default(
    default: Any, unset: list[Any], others: list[Any]
) -> None:
    class Layer(keras.layers.Layer):
        def get_config(self) -> dict[str, Any]:
            return {"gate": self.gate}

    class Known(Layer):
        def __init__(self, gate: Any = default) -> None:
            super().__init__()

    layer = Layer() if default == "absent" else Known()
    for value in unset:
        layer.gate = value
        options.require_known(layer, ())
    for value in others:
        layer.gate = value
        with pytest.raises(ConversionError, match=rf"Received: gate={value!r} of layer"):
            options.require_known(layer, ())


WITHOUT_A_PUBLIC_NAME = {"_PassOn", "keras_sparse>Scaling", "LayerScale"}


@pytest.mark.parametrize("name", sorted(set(build._LAYERS) - WITHOUT_A_PUBLIC_NAME))
def test_every_converter_knows_the_options_that_its_layer_has_by_default(name: str) -> None:
    given: dict[str, tuple[Any, ...]] = {
        "InputLayer": ((3,),), "Activation": ("relu",), "Reshape": ((3,),), "Rescaling": (2.0,),
        "Dense": (3,), "EinsumDense": ("ab,bc->ac", 3), "Embedding": (3, 2), "Dot": (1,),
        "Permute": ((1,),), "RepeatVector": (2,), "Resizing": (2, 2), "CenterCrop": (2, 2),
        "GRU": (3,), "LSTM": (3,), "SimpleRNN": (3,), "RNN": (make.GRUCell(3),),
        "Bidirectional": (make.LSTM(3),), "TimeDistributed": (make.Dense(3),),
        "CategoryEncoding": (3,), "Discretization": ([0.0, 1.0],),
        "MultiHeadAttention": (2, 3), "GroupedQueryAttention": (2, 4, 2),
    }  # fmt: skip
    ours: dict[str, Callable[[], Any]] = {
        "keras_sparse>AppendObserved": AppendObserved,
        "keras_sparse>BatchTopK": lambda: BatchTopK(2),
        "keras_sparse>ConsecutiveFrames": lambda: front_ends.ConsecutiveFrames(2),
        "keras_sparse>JumpReLU": lambda: JumpReLU(2),
        "keras_sparse>MeanImputer": MeanImputer,
        "keras_sparse>MelFrames": front_ends.MelFrames,
        "keras_sparse>RefinedCode": lambda: RefinedCode(4, BatchTopK(2)),
        "keras_sparse>TopK": lambda: TopK(2),
        "keras_sparse>WindowStatistics": front_ends.WindowStatistics,
    }
    if name in ours:
        layer = ours[name]()
    elif name == "GroupedQueryAttention":
        layer = make.GroupQueryAttention(*given[name])
    elif name.startswith("DepthwiseConv"):
        layer = getattr(make, name)(3)
    elif re.match("(Separable)?Conv", name):
        layer = getattr(make, name)(3, 3)
    elif re.search("Dropout|Noise", name):
        layer = getattr(make, name)(0.1)
    elif re.match("(Max|Average)Pooling", name):
        layer = getattr(make, name)(2)
    else:
        layer = getattr(make, name)(*given.get(name, ()))
    options.require_known(layer, build._LAYERS[name].options)


def test_a_call_in_training_mode_is_refused(tmp_path: Path) -> None:
    x = keras.Input((6,))
    h = make.BatchNormalization(name="norm")(make.Dense(6)(x), training=True)
    model = keras.Model(x, make.Dense(3, name="code")(h))
    with pytest.raises(ConversionError, match=r"layer `norm`, called with training=True"):
        exported(model, tmp_path / "b")


def test_a_nested_model_may_take_and_return_dictionaries(tmp_path: Path) -> None:
    x, inner = keras.Input((6,)), keras.Input((6,), name="rows")
    nested = keras.Model({"rows": inner}, {"code": make.Dense(4, "relu")(inner)})
    model = keras.Model(x, make.Dense(3, name="code")(nested({"rows": x})["code"]))
    found, expected = exported(model, tmp_path / "b")
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_a_subclassed_model_inside_is_refused_by_name(tmp_path: Path) -> None:
    class Inner(keras.Model):
        def call(self, x: Any) -> Any:
            return 2 * x

    x = keras.Input((6,))
    model = keras.Model(x, make.Dense(3, name="code")(Inner(name="mine")(x)))
    with pytest.raises(ConversionError, match=r"layer `mine` of class Inner"):
        exported(model, tmp_path / "b")
