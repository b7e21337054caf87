import keras
import pytest

from keras_sparse_export.convert.backends import choice

OWN = {"tensorflow": "tf2onnx", "jax": "jax2onnx", "torch": "torch.onnx"}[keras.backend.backend()]


@pytest.mark.parametrize(
    ("converter", "jumps", "expected"),
    [
        ("auto", False, ["builder", OWN]),
        ("auto", True, ["builder"]),
        ("builder", True, ["builder"]),
        (OWN, False, [OWN]),
    ],
)
def test_the_builder_is_tried_first(converter: str, jumps: bool, expected: list[str]) -> None:
    assert choice.list_converters(converter, jumps=jumps) == expected


def test_converters_of_other_backends_are_refused() -> None:
    for converter in {"tf2onnx", "jax2onnx", "torch.onnx"} - {OWN}:
        message = f"Expected '{OWN}', 'builder' or 'auto' for the .* Received: .*{converter}"
        with pytest.raises(ValueError, match=message):
            choice.list_converters(converter, jumps=False)


def test_jumps_are_converted_by_the_builder_alone() -> None:
    with pytest.raises(ValueError, match="Expected 'builder' or 'auto' for an encoder with activ"):
        choice.list_converters(OWN, jumps=True)
