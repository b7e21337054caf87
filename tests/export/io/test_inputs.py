"""Rows of several inputs, which are packed into one array, and whole numbers."""

from typing import Any

import numpy as np
import pytest

from keras_sparse_export.io.inputs import MAX_WHOLE, Input, Inputs, read_inputs

pytestmark = pytest.mark.one_backend

TOKENS = np.arange(12).reshape(2, 6) % 5
PIXELS = np.linspace(0, 1, 16).reshape(2, 2, 4)
TWO = Inputs([Input("tokens", (6,), (0, 4)), Input("pixels", (2, 4))])
IMAGE = Inputs([Input("x", (2, 3), (0, 255))])
FREE = Inputs([Input("tokens", (None,), (0, 4)), Input("steps", (None, 2))])


@pytest.mark.parametrize(
    "x",
    [{"pixels": PIXELS, "tokens": TOKENS}, [TOKENS, PIXELS], (TOKENS.tolist(), PIXELS.tolist())],
)
def test_rows_by_input_are_packed_and_split_again(x: Any) -> None:
    packed, found = TWO.pack(x, "x")
    assert found is TWO
    assert packed.shape == (2, *TWO.row_shape) == (2, 14)
    np.testing.assert_array_equal(packed[1], [*TOKENS[1], *PIXELS[1].ravel().astype(np.float32)])
    parts = TWO.split(packed)
    assert [*parts] == ["tokens", "pixels"]
    np.testing.assert_array_equal(parts["tokens"], TOKENS)
    np.testing.assert_allclose(parts["pixels"], PIXELS, rtol=1e-7)


def test_one_row_stays_one_row() -> None:
    packed, _ = TWO.pack({"tokens": TOKENS[0], "pixels": PIXELS[0]}, "x")
    assert packed.shape == (14,)
    assert TWO.pack(packed, "x")[0] is packed
    image = np.zeros((2, 3), np.uint8)
    assert IMAGE.pack(image, "x")[0] is image
    assert Inputs([Input("image", (2, 3))]).pack({"image": image}, "x")[0] is image
    row = {"x": 1.0}  # which may be a column
    assert IMAGE.pack(row, "x")[0] is row


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ({"tokens": TOKENS}, r"every input of \['tokens', 'pixels'\]. Received: none called 'pixe"),
        ({"tokens": TOKENS, "pixels": PIXELS, "mask": 1}, "no other .* Received: one called 'mask"),
        ([TOKENS, PIXELS, PIXELS], r"each of the inputs .* Received: 3 of them"),
        (
            [TOKENS, PIXELS[:, :1]],
            r"\(rows, 2, 4\) or \(2, 4\) of the input `pixels`. Received: \(",
        ),
        ([TOKENS, PIXELS[:1]], r"as many rows in each input. Received: `tokens` \(2, 6\), `pixels"),
        ([TOKENS[0], PIXELS], r"as many rows in each input"),
        ([TOKENS.astype(str), PIXELS], r"numbers for the input `tokens`. Received: <U"),
        ([[[1], [1, 2]], PIXELS], r"rows of one length for the input `tokens`"),
    ],
)
def test_other_rows_are_refused_by_the_name_of_the_input(x: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TWO.pack(x, "x")


@pytest.mark.parametrize("wrong", [5, -1, 0.5, np.nan, np.inf])
def test_numbers_that_are_not_whole_or_out_of_range_are_refused(wrong: float) -> None:
    packed, _ = TWO.pack([TOKENS, PIXELS], "x")
    TWO.require_whole(packed, "x", 0)
    packed[1, 3] = wrong
    message = f"from 0 to 4 in the input `tokens`. Received: others, such as {wrong:g}, in rows 8"
    with pytest.raises(ValueError, match=message):
        TWO.require_whole(packed, "x", 7)
    ((each, found),) = TWO.find_faults(packed)
    assert (each.name, [*found]) == ("tokens", [1])
    assert found[1] == pytest.approx(wrong, nan_ok=True)


def test_float32_rounds_no_number_into_the_range() -> None:
    most = Inputs([Input("x", (1,), (-MAX_WHOLE, MAX_WHOLE))])
    for number in (MAX_WHOLE + 1, MAX_WHOLE + 2, -MAX_WHOLE - 1, 2**40):
        assert any(most.find_faults(np.array([[number]]).astype(np.float32)))
    for number in (MAX_WHOLE, MAX_WHOLE - 1, -MAX_WHOLE):
        rows = np.array([[number]]).astype(np.float32)
        assert int(rows[0, 0]) == number
        assert not any(most.find_faults(rows))


def test_axes_of_any_length_take_that_of_the_rows() -> None:
    packed, fixed = FREE.pack({"tokens": TOKENS, "steps": np.zeros((2, 3, 2))}, "x")
    assert [each.shape for each in fixed] == [(6,), (3, 2)]
    assert packed.shape == (2, *fixed.row_shape) == (2, 12)
    with pytest.raises(ValueError, match="a mapping of the inputs"):
        FREE.pack(packed, "x")
    with pytest.raises(ValueError, match=r"\(rows, any, 2\) or \(any, 2\) of the input `steps`"):
        FREE.pack([TOKENS, np.zeros((2, 3, 3))], "x")


def test_drawn_rows_are_rows_that_the_encoder_takes() -> None:
    for inputs in (TWO, IMAGE):
        rows = inputs.draw(np.random.default_rng(0), 50)
        assert rows.shape == (50, *inputs.row_shape)
        inputs.require_whole(rows, "x", 0)
        for each, part in zip(inputs, inputs.split(rows).values(), strict=True):
            if each.whole is not None:
                assert (part.min(), part.max()) == each.whole if each.whole[1] < 9 else part.max()


def test_a_manifest_holds_the_inputs() -> None:
    entries = [each.describe() for each in TWO]
    assert entries[0] == {"name": "tokens", "shape": [6], "whole": [0, 4]}
    assert [*read_inputs({"inputs": entries})] == [*TWO]
    (plain,) = read_inputs({"input": {"name": "x", "shape": [7], "dtype": "float32"}})
    assert plain == Input("x", (7,))


def test_inputs_show_what_makes_them() -> None:
    assert list(eval(repr(TWO))) == list(TWO)
