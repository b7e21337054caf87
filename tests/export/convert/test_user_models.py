"""What users bring, exported and compared in onnxruntime with the model they handed over."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnxruntime as ort
import pytest

from keras_sparse import SparseAutoencoder
from keras_sparse_export import export_encoder
from keras_sparse_export.errors import ConversionError, ParityError
from models import CONVERTERS, TENSORFLOW, needs_tf2onnx

make = keras.layers
Build = Callable[[np.ndarray], keras.Model]


@pytest.fixture
def images(rng: np.random.Generator) -> np.ndarray:
    """Blobs on a ground, 8-bit, not square."""
    places = np.stack(np.meshgrid(np.arange(9), np.arange(8), indexing="ij"), axis=-1)
    centres = rng.uniform(1, 7, (30, 1, 1, 2))
    blobs = np.exp(-np.square(places - centres).sum(-1) / 6)[..., np.newaxis]
    return (255 * blobs * rng.uniform(0.3, 1, (30, 1, 1, 3))).astype(np.uint8).astype(np.float32)


def answers(model: keras.Model, rows: np.ndarray) -> np.ndarray:
    found: np.ndarray = keras.ops.convert_to_numpy(model(rows, training=False))
    return found


def runs_as(path: Path, cut: keras.Model, rows: np.ndarray, tolerance: float = 1e-5) -> None:
    """The file, in a session of its own, answers as the model up to its layer, at batch 1, 2, n."""
    session = ort.InferenceSession(path / "encoder.onnx")
    for size in (1, 2, len(rows)):
        expected = answers(cut, rows[:size])
        (code,) = session.run(["code"], {"x": rows[:size]})
        assert code.shape == expected.shape
        assert code.dtype == np.float32
        assert expected.std() > 0
        allowed = tolerance * max(1, np.abs(expected).max())
        np.testing.assert_allclose(code, expected, rtol=0, atol=allowed)


def fitted(model: keras.Model, x: np.ndarray) -> keras.Model:
    """Trained where training moves more than weights; else the biases off their start, at once."""
    if any(isinstance(layer, make.BatchNormalization) for layer in model.layers):
        model.compile(keras.optimizers.Adam(0.01), "mse")
        model.fit(x, np.ones((len(x), *model.output_shape[1:])), verbose=0, batch_size=len(x) // 8)
        return model
    draw = np.random.default_rng(0).normal
    for variable in model.trainable_variables:
        if variable.name == "bias":
            variable.assign(draw(scale=0.3, size=variable.shape))
    return model


# Dense encoders ----------------------------------------------------------------------------------


def sequential(rows: np.ndarray) -> keras.Model:
    layers = [make.Dense(9, "relu"), make.Dense(6, "relu", name="code"), make.Dense(12)]
    return keras.Sequential([keras.Input((12,)), *layers])


def two_hidden_layers(rows: np.ndarray) -> keras.Model:
    x = keras.Input((12,))
    h = make.BatchNormalization()(make.Dense(16, use_bias=False)(x))
    h = make.Dropout(0.3)(make.Activation("silu")(h))
    h = make.LayerNormalization()(make.Dense(10, "tanh")(h))
    return keras.Model(x, make.Dense(12)(make.Dense(6, "softplus", name="code")(h)))


def l1_regularized(rows: np.ndarray) -> keras.Model:
    code = make.Dense(6, "relu", activity_regularizer=keras.regularizers.L1(1e-3), name="code")
    return keras.Sequential([keras.Input((12,)), code, make.Dense(12)])


def adapted(rows: np.ndarray) -> keras.Model:
    scaling = make.Normalization()
    scaling.adapt(rows)
    return keras.Sequential([keras.Input((12,)), scaling, make.Dense(6, "relu", name="code")])


def given_statistics(rows: np.ndarray) -> keras.Model:
    scaling = make.Normalization(mean=rows.mean(0), variance=rows.var(0))
    return keras.Sequential([keras.Input((12,)), scaling, make.Dense(6, "relu", name="code")])


def rescaled(rows: np.ndarray) -> keras.Model:
    layers = [make.Rescaling(1 / 50, offset=-0.1), make.Dense(6, "sigmoid", name="code")]
    return keras.Sequential([keras.Input((12,)), *layers])


def rescaled_by_column(rows: np.ndarray) -> keras.Model:
    scaling = make.Rescaling(1 / rows.std(0), offset=-rows.mean(0) / rows.std(0))
    return keras.Sequential([keras.Input((12,)), scaling, make.Dense(6, "sigmoid", name="code")])


def bent_in_layers_of_their_own(rows: np.ndarray) -> keras.Model:
    bends = [make.LeakyReLU(0.1), make.Dense(8), make.ReLU(max_value=6, negative_slope=0.2)]
    layers = [make.Dense(8), *bends, make.Dense(6), make.ReLU(name="code")]
    return keras.Sequential([keras.Input((12,)), *layers])


def nested_and_branching(rows: np.ndarray) -> keras.Model:
    x = keras.Input((12,))
    inner = keras.Sequential([keras.Input((12,)), make.Dense(7, "elu"), make.Dense(12)])
    h = make.Concatenate()([make.Add()([inner(x), x]), make.Dense(3)(x)])
    return keras.Model(x, make.Dense(12)(make.Dense(6, "relu", name="code")(h)))


DENSE = [
    sequential, two_hidden_layers, l1_regularized, adapted, given_statistics, rescaled,
    rescaled_by_column, bent_in_layers_of_their_own, nested_and_branching,
]  # fmt: skip


def cut_at(model: keras.Model, name: str = "code") -> keras.Model:
    return keras.Model(model.inputs[0], model.get_layer(name).output)


@pytest.mark.slow
@pytest.mark.parametrize("converter", CONVERTERS)
@pytest.mark.parametrize("build", DENSE)
def test_dense_encoders(build: Build, converter: str, rows: np.ndarray, tmp_path: Path) -> None:
    model = fitted(build(rows), rows)
    for layer in model.layers:
        if isinstance(layer, make.BatchNormalization):  # its statistics have left their start
            assert np.abs(keras.ops.convert_to_numpy(layer.moving_mean)).max() > 0.1
    path = export_encoder(
        model, tmp_path / "b", layer="code", sample=rows[:100], converter=converter
    )
    runs_as(path, cut_at(model), rows)


@pytest.mark.slow
@pytest.mark.parametrize("converter", CONVERTERS)
def test_a_model_is_cut_at_any_layer(converter: str, rows: np.ndarray, tmp_path: Path) -> None:
    model = fitted(two_hidden_layers(rows), rows)
    for kind in (make.BatchNormalization, make.LayerNormalization):
        (name,) = [layer.name for layer in model.layers if isinstance(layer, kind)]
        path = export_encoder(model, tmp_path / name, layer=name, sample=rows, converter=converter)
        runs_as(path, cut_at(model, name), rows)


@pytest.mark.slow
@pytest.mark.parametrize("converter", CONVERTERS)
@pytest.mark.parametrize("build", [adapted, two_hidden_layers])
def test_half_precision_is_exported_in_float32(
    build: Build, converter: str, rows: np.ndarray, tmp_path: Path
) -> None:
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = fitted(build(rows), rows)
    finally:
        keras.config.set_dtype_policy("float32")
    full = build(rows)
    full.set_weights(model.get_weights())
    path = export_encoder(
        model, tmp_path / "b", layer="code", sample=rows, converter=converter, decoder=False
    )
    runs_as(path, cut_at(full), rows)
    runs_as(path, cut_at(model), rows, tolerance=2e-2)


# Convolutions ------------------------------------------------------------------------------------


def convolutional(images: np.ndarray) -> keras.Model:
    layers = [
        make.Rescaling(1 / 255),
        make.Conv2D(6, 3, strides=2, padding="same", activation="relu"),
        make.BatchNormalization(),
        make.Conv2D(8, (3, 2), padding="same", use_bias=False),
        make.Activation("gelu"),
        make.MaxPooling2D(2, padding="same"),
        make.SpatialDropout2D(0.2),
        make.Flatten(),
        make.Dense(6, "relu", name="code"),
    ]
    return keras.Sequential([keras.Input((9, 8, 3)), *layers])


def pooled_over_all_places(images: np.ndarray) -> keras.Model:
    x = keras.Input((9, 8, 3))
    h = make.Conv2D(6, 5, padding="valid", activation="tanh")(make.Rescaling(0.01)(x))
    h = make.Conv2D(7, 3, padding="same")(make.ZeroPadding2D(((1, 2), (0, 3)))(h))
    means = make.GlobalAveragePooling2D()(make.AveragePooling2D((2, 3), strides=(2, 1))(h))
    both = make.Concatenate()([means, make.GlobalMaxPooling2D()(h)])
    return keras.Model(x, make.Dense(6, "softplus", name="code")(both))


@pytest.mark.parametrize("converter", CONVERTERS)
@pytest.mark.parametrize("build", [convolutional, pooled_over_all_places])
def test_convolutional_encoders(
    build: Build, converter: str, images: np.ndarray, tmp_path: Path
) -> None:
    model = fitted(build(images), images)
    path = export_encoder(model, tmp_path / "b", layer="code", sample=images, converter=converter)
    runs_as(path, cut_at(model), images)


@needs_tf2onnx
@pytest.mark.parametrize(
    ("layers", "refusal"),
    [
        (lambda: [make.Conv2D(6, 3, groups=3)], "Received: StatefulPartitionedCall"),
        (
            lambda: [
                make.ZeroPadding2D(((1, 2), (0, 3))),
                make.Conv2D(6, 3, padding="same", dilation_rate=2),
            ],
            "to agree with Keras within",
        ),
    ],
    ids=["groups", "padded and dilated"],
)
def test_what_tf2onnx_cannot_convert_or_converts_wrongly_goes_by_the_builder(
    layers: Callable[[], list[keras.layers.Layer]],
    refusal: str,
    images: np.ndarray,
    tmp_path: Path,
) -> None:
    stack = [make.Rescaling(1 / 255), *layers(), make.GlobalMaxPooling2D(name="code")]
    model = keras.Sequential([keras.Input((9, 8, 3)), *stack])
    with pytest.raises((ConversionError, ParityError), match=refusal):
        export_encoder(model, tmp_path / "a", layer="code", sample=images, converter="tf2onnx")
    path = export_encoder(model, tmp_path / "b", layer="code", sample=images)
    assert json.loads((path / "manifest.json").read_text())["converter"] == "builder"
    runs_as(path, model, images)


def alone(
    kind: Callable[..., keras.layers.Layer], *arguments: Any, **options: Any
) -> Callable[[], list[keras.layers.Layer]]:
    return lambda: [kind(*arguments, **options)]


def convolutions() -> dict[str, Callable[[], list[keras.layers.Layer]]]:
    cases: dict[str, Callable[[], list[keras.layers.Layer]]] = {}
    for size, stride, padding in (
        (1, 1, "valid"), (2, 1, "same"), (3, 2, "same"), (4, 3, "same"), (2, 3, "same"),
        ((3, 2), (1, 2), "same"), ((2, 5), (2, 2), "valid"),
    ):  # fmt: skip
        name = f"{size} by {stride} {padding}"
        case: dict[str, Any] = {"strides": stride, "padding": padding}
        cases[f"Conv2D {name}"] = alone(make.Conv2D, 4, size, **case)
        cases[f"MaxPooling2D {name}"] = alone(make.MaxPooling2D, size, **case)
        cases[f"AveragePooling2D {name}"] = alone(make.AveragePooling2D, size, **case)
    along = make.Reshape((72, 3))
    cases |= {
        "Conv1D causal": lambda: [along, make.Conv1D(4, 3, padding="causal", dilation_rate=2)],
        "Conv1D same": lambda: [along, make.Conv1D(4, 4, padding="same", strides=5)],
        "MaxPooling1D": lambda: [along, make.MaxPooling1D(5, padding="same")],
        "AveragePooling1D": lambda: [along, make.AveragePooling1D(4)],
        "GlobalAveragePooling1D": lambda: [along, make.GlobalAveragePooling1D()],
        "GlobalMaxPooling1D": lambda: [along, make.GlobalMaxPooling1D(keepdims=True)],
        "ZeroPadding1D": lambda: [along, make.ZeroPadding1D((1, 3))],
        "dilated and grouped": lambda: [
            make.Conv2D(6, 3, padding="same", dilation_rate=(2, 1), groups=3)
        ],
    }
    return cases


@pytest.mark.parametrize("case", list(convolutions()))
def test_the_builder_pads_strides_and_pools_as_keras(
    case: str, images: np.ndarray, tmp_path: Path
) -> None:
    stack = convolutions()[case]()
    stack[-1].name = "code"
    model = keras.Sequential([keras.Input((9, 8, 3)), *stack])
    opset = 18 if "Global" in case else 13
    path = export_encoder(
        model, tmp_path / "b", layer="code", sample=images, converter="builder", opset=opset
    )
    runs_as(path, model, images)


# Activations -------------------------------------------------------------------------------------

BUILT_IN = sorted(
    {function.__name__ for function in vars(keras.activations).values() if callable(function)}
    - {"deserialize", "get", "serialize"}
    - {"glu", "threshold"}  # one changes the width, one needs arguments: neither goes by a name
)


@pytest.mark.parametrize("converter", CONVERTERS)
@pytest.mark.parametrize("activation", BUILT_IN)
def test_every_built_in_activation(activation: str, converter: str, tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((9,)), make.Activation(activation, name="code")])
    edges = [0, -0.0, 1e-30, 1e-7, 0.1, 0.499999, 0.5, 0.500001, 0.999999, 1, 1.5, 2, 3, 6, 20, 80]
    large = [1e3, 1e5] if activation != "exponential" else []
    ends = np.array([*edges, *large, *np.negative(edges), *np.negative(large)], np.float32)
    x = np.resize(ends, (len(ends), 9))
    path = export_encoder(model, tmp_path / "b", layer="code", sample=x, converter=converter)
    session = ort.InferenceSession(path / "encoder.onnx")
    (code,) = session.run(["code"], {"x": x})
    expected = answers(model, x)
    np.testing.assert_allclose(code, expected, rtol=2e-6, atol=2e-6)
    if activation in ("relu", "relu6", "hard_shrink", "soft_shrink", "sparsemax", "sparse_plus"):
        np.testing.assert_array_equal(code == 0, expected == 0)  # who is active at τ = 0


# What Keras' own export does ---------------------------------------------------------------------


@needs_tf2onnx
@pytest.mark.parametrize("build", [l1_regularized, given_statistics])
def test_keras_own_export_fails_where_ours_does_not(
    build: Build, rows: np.ndarray, tmp_path: Path
) -> None:
    model = build(rows)
    file = tmp_path / "keras.onnx"
    try:
        cut = cut_at(model)
        cut(rows[:1])
        cut.export(str(file), format="onnx", verbose=False)
        names = [each.name for each in ort.InferenceSession(file).get_inputs()]
    except Exception as error:
        names = [str(error)]
    assert len(names) != 1 or "metagraph" in names[0] or "doesn't exist" in names[0], names
    runs_as(export_encoder(model, tmp_path / "b", layer="code", sample=rows), cut_at(model), rows)


# What is refused ---------------------------------------------------------------------------------


@keras.saving.register_keras_serializable(package="keras_sparse_tests")
class Doubled(keras.layers.Layer):
    """A layer of a user's own, of operators that ONNX has."""

    def call(self, x: Any) -> Any:
        return 2 * keras.ops.relu(x)


@keras.saving.register_keras_serializable(package="keras_sparse_tests")
class Forgetful(keras.layers.Layer):
    """What it computes with is in neither its config nor its weights."""

    factor = 1.0

    def call(self, x: Any) -> Any:
        return self.factor * x


@keras.saving.register_keras_serializable(package="keras_sparse_tests")
def bent(x: Any) -> Any:
    """An activation of a user's own, of an operator that ONNX does not have."""
    return keras.ops.erfinv(keras.ops.tanh(x))


def with_layer(layer: keras.layers.Layer, shape: tuple[int, ...] = (12,)) -> keras.Model:
    return keras.Sequential([keras.Input(shape), layer, make.Dense(6, "relu", name="code")])


OWN_CONVERTERS = {"tensorflow": "tf2onnx", "torch": "torch.onnx"}


def test_a_custom_layer_converts_by_the_converter_of_the_backend(
    rows: np.ndarray, tmp_path: Path
) -> None:
    model = with_layer(Doubled(name="mine"))
    with pytest.raises(ConversionError, match="layer `mine` of class Doubled"):
        export_encoder(model, tmp_path / "b", layer="code", sample=rows, converter="builder")
    assert list(tmp_path.iterdir()) == []
    if (own := OWN_CONVERTERS.get(keras.backend.backend())) is not None:
        path = export_encoder(model, tmp_path / "b", layer="code", sample=rows)
        assert json.loads((path / "manifest.json").read_text())["converter"] == own
        runs_as(path, model, rows)


def text_input() -> keras.Model:
    x, mine = keras.Input((12,)), keras.Input((12,), name="mine", dtype="string")
    return keras.Model([x, mine], make.Dense(6, name="code")(x))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (text_input, r"float, integer or boolean rows.* Received: .*`mine` of dtype string"),
        (lambda: with_layer(make.Dense(3, bent, name="mine")), r"of layer `mine`"),
    ],
)
def test_what_cannot_be_converted_is_refused_by_name(
    build: Callable[[], keras.Model], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ConversionError, match=message):
        export_encoder(build(), tmp_path / "b", layer="code")
    assert list(tmp_path.iterdir()) == []


@needs_tf2onnx
def test_what_the_copy_for_inference_lost_is_found(rows: np.ndarray, tmp_path: Path) -> None:
    layer = Forgetful()
    model = with_layer(layer)
    export_encoder(model, tmp_path / "a", layer="code", sample=rows)
    layer.factor = 3.0
    with pytest.raises(ParityError, match="in neither its config nor its weights"):
        export_encoder(model, tmp_path / "b", layer="code", sample=rows)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@needs_tf2onnx
def test_what_the_copy_of_a_decoder_lost_is_found(rows: np.ndarray, tmp_path: Path) -> None:
    layer = Forgetful()
    encoder = keras.Sequential([keras.Input((12,)), make.Dense(6, "relu")])
    decoder = keras.Sequential([keras.Input((6,)), make.Dense(12), layer])
    model = SparseAutoencoder.from_models(encoder, decoder)
    export_encoder(model, tmp_path / "a", decoder=True, sample=rows)
    layer.factor = 3.0
    with pytest.raises(ParityError, match=r"`decoder.onnx` .*in neither its config nor its weig"):
        export_encoder(model, tmp_path / "b", decoder=True, sample=rows)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    export_encoder(model, tmp_path / "c", sample=rows)  # the encoder has no such layer


@pytest.mark.process
@pytest.mark.slow
@pytest.mark.skipif(not TENSORFLOW, reason="tf2onnx converts Resizing, on TensorFlow alone")
def test_a_device_prints_nothing_on_standard_error(images: np.ndarray, tmp_path: Path) -> None:
    kinds = {
        "resized": [make.Resizing(5, 11, interpolation="nearest"), make.Resizing(7, 7)],
        "convolutional": [make.UpSampling2D(2), make.Conv2D(8, 3), make.LayerNormalization()],
    }
    paths = [Path(__file__).parents[1] / "bundle" / "format_1"]
    for name, layers in kinds.items():
        code = make.Dense(4, activation="relu", name="code")
        model = keras.Sequential([keras.Input((9, 8, 3)), *layers, make.Flatten(), code])
        paths.append(export_encoder(model, tmp_path / name, sample=images, layer="code"))
    program = "import sys; from keras_sparse_export import Encoder\nfor path in sys.argv[1:]: {}"
    command = [sys.executable, "-c", program.format("Encoder(path).verify()"), *map(str, paths)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout + result.stderr == ""
