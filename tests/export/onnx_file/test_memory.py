"""Graphs that ask for more memory than there is."""

import subprocess
import sys
import textwrap
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_sparse_export import BundleError, Encoder
from keras_sparse_export.io.inputs import Input, Inputs
from keras_sparse_export.onnx_file import memory
from keras_sparse_export.runtime.onnx_model import OnnxModel
from onnx_files import encoder, integers, written

pytestmark = pytest.mark.one_backend

Nodes = list[tuple[Any, ...]]
END: Nodes = [
    ("ReduceSum", "big", "sum", {"keepdims": 0}),
    ("Cast", "sum", "number", {"to": 1}),
    ("Add", "x number", "code"),
]


def doubled(times: int) -> Nodes:
    """x beside itself, again and again."""
    names = ["x", *(f"h{count}" for count in range(times - 1)), "big"]
    return [("Concat", f"{a} {a}", b, {"axis": 1}) for a, b in pairwise(names)]


HUGE: dict[str, tuple[Nodes, dict[str, Any]]] = {
    "a constant of any shape": (
        [("ConstantOfShape", "shape", "big")],
        {"shape": integers(1 << 20, 1 << 20)},
    ),
    "expanded": ([("Expand", "x shape", "big")], {"shape": integers(1 << 38, 1, 4)}),
    "tiled": ([("Tile", "x shape", "big")], {"shape": integers(1 << 20, 1 << 18)}),
    "padded": ([("Pad", "x pads", "big")], {"pads": integers(0, 0, 1 << 20, 1 << 20)}),
    "a range": (
        [("Range", "zero end one", "r"), ("Unsqueeze", "r first", "big")],
        {"zero": np.int64(0), "end": np.int64(1 << 40), "one": np.int64(1), "first": integers(0)},
    ),
    "an outer product": (
        [("Add", "column row", "big")],
        {"column": np.zeros((30_000, 1), np.float32), "row": np.zeros((1, 30_000), np.float32)},
    ),
    "a product of matrices": (
        [("MatMul", "column row", "big")],
        {"column": np.zeros((30_000, 1), np.float32), "row": np.zeros((1, 30_000), np.float32)},
    ),
    "doubled": (doubled(40), {}),
    "resized": (
        [
            ("Unsqueeze", "x axes", "image"),
            ("Resize", "image roi scales", "big"),
        ],
        {
            "axes": integers(0, 1),
            "roi": np.zeros(0, np.float32),
            "scales": np.array([1, 1, 1e5, 1e5], np.float32),
        },
    ),
    "transposed": (
        [
            ("Reshape", "x image", "small"),
            ("Expand", "small shape", "large"),
            ("ConvTranspose", "large kernel", "big", {"strides": [1, 1]}),
        ],
        {
            "image": integers(-1, 1, 4, 1),
            "shape": integers(1, 1, 4, 20_000),
            "kernel": np.zeros((1, 1, 300, 300), np.float32),
        },
    ),
    "many gates": (
        [
            ("Expand", "x shape", "steps"),
            ("LSTM", "steps w r", "y big", {"hidden_size": 500}),
        ],
        {
            "shape": integers(300_000, 1, 1),
            "w": np.zeros((1, 2000, 4), np.float32),
            "r": np.zeros((1, 2000, 500), np.float32),
        },
    ),
    "products on the way": (
        [("Einsum", "a a a a", "big", {"equation": "a,b,b,a->"})],
        {"a": np.zeros(1_000_000, np.float32)},
    ),
    "gathered": (
        [("Gather", "w places", "big")],
        {"w": np.zeros((2, 30_000), np.float32), "places": np.zeros((10_000, 4), np.int64)},
    ),
}


def hostile(name: str) -> Any:
    nodes, constants = HUGE[name]
    return encoder([*nodes, *END], constants)


@pytest.mark.parametrize("name", list(HUGE))
def test_results_beyond_the_limit_are_refused_before_they_are_computed(
    name: str, tmp_path: Path
) -> None:
    with pytest.raises(BundleError, match=r"Expected results of (at most|a known size)"):
        Encoder(written(hostile(name), tmp_path))


@pytest.mark.process
@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of memory as Linux tells it")
def test_none_of_them_takes_memory(tmp_path: Path) -> None:
    for count, name in enumerate(HUGE):
        (tmp_path / f"{count}.onnx").write_bytes(hostile(name).SerializeToString())
    code = f"""
        import resource
        from pathlib import Path
        from keras_sparse_export import BundleError, Encoder

        def peak():
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10

        before = peak()
        for file in Path({str(tmp_path)!r}).glob("*.onnx"):
            try:
                Encoder(file)
            except BundleError:
                continue
            raise SystemExit(f"{{file}} was opened")
        print(peak() - before)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 100


def test_what_fits_one_row_fits_chunks_of_as_many_as_fit(tmp_path: Path) -> None:
    """Each row takes 16 MB: what fits are 64 of them, not 1,024."""
    nodes = [("Unsqueeze", "x last", "column"), ("Expand", "column shape", "big")]
    end = [("ReduceMax", "big", "code", {"axes": [2], "keepdims": 0})]
    constants = {"last": integers(2), "shape": integers(1, 4, 1 << 20)}
    model = Encoder(written(encoder([*nodes, *end], constants), tmp_path))
    assert 1 < model.chunk_rows <= 64
    x = np.arange(12.0).reshape(3, 4)
    np.testing.assert_array_equal(model.encode(x), x)


def test_what_grows_faster_than_its_rows_is_bounded_in_chunks(tmp_path: Path) -> None:
    """All rows times all rows times 4,096: 16 GB at 1,000 rows."""
    nodes = [
        ("Transpose", "x", "turned"),
        ("MatMul", "x turned", "square"),
        ("Unsqueeze", "square last", "cube"),
        ("Expand", "cube shape", "big"),
        ("ReduceMax", "big", "most", {"axes": [1, 2], "keepdims": 0}),
        ("Unsqueeze", "most one", "column"),
        ("Add", "x column", "code"),
    ]
    constants = {"last": integers(2), "one": integers(1), "shape": integers(1, 1, 4096)}
    found = Encoder(written(encoder(nodes, constants), tmp_path))
    assert found.chunk_rows**2 * 4096 * 4 <= memory.RUN_BYTES
    assert found.encode(np.ones((3, 4))).shape == (3, 4)


def test_a_batch_size_at_which_a_graph_is_large_is_found_when_it_comes(tmp_path: Path) -> None:
    """Rows -n to n of b are b up to n, and none at 2n: small at the ends, large between."""
    # Of 1,024 rows and of one, the slice is short; of 512 it is all of them, times itself.
    nodes = [
        ("Slice", "x starts ends first", "some"),
        ("Reshape", "some flat", "row"),
        ("Transpose", "row", "column", {"perm": [1, 0]}),
        ("MatMul", "column row", "square"),
        ("Expand", "square wide", "big"),
        ("ReduceMax", "big", "most", {"keepdims": 1}),
        ("Reshape", "most alone", "one"),
        ("Add", "x one", "code"),
    ]
    half = 1 << 15  # chunks of 4 features and 4 units have 2**16 rows
    constants = {
        "starts": integers(-half),
        "ends": integers(half),
        "first": integers(0),
        "flat": integers(1, -1),
        "wide": integers(64, 1, 1),
        "alone": integers(1, 1),
    }
    found = Encoder(written(encoder(nodes, constants), tmp_path))
    assert found.chunk_rows == 2 * half
    found.encode(np.ones((3, 4)))
    with pytest.raises(BundleError, match=f"in .* for {half} rows"):
        found.encode(np.ones((half, 4)))


def test_a_length_at_which_a_graph_is_large_is_found_when_it_comes(tmp_path: Path) -> None:
    """Numbers -n to n of a row of l are all of them up to n, and none at 2n."""
    nodes = [
        ("Slice", "x starts ends second", "some"),
        ("Transpose", "some", "turned"),
        ("MatMul", "turned some", "square"),
        ("Expand", "square wide", "big"),
        ("ReduceMax", "big", "most", {"keepdims": 1}),
        ("Reshape", "most alone", "one"),
        ("Add", "x one", "code"),
    ]
    half = 1 << 13
    constants = {
        "starts": integers(-half),
        "ends": integers(half),
        "second": integers(1),
        "wide": integers(64, 1, 1),
        "alone": integers(1, 1),
    }
    proto = encoder(nodes, constants)
    for name, value in (("length_1", proto.graph.input[0]), ("positions_1", proto.graph.output[0])):
        value.type.tensor_type.shape.dim[1].dim_param = name
    file = written(proto, tmp_path)
    with pytest.raises(BundleError, match="Expected `x` of a fixed shape"):
        Encoder(file)
    inputs = Inputs([Input("x", (2 * half,), least=(1,))])
    model = OnnxModel(file.read_bytes, file, "x", inputs=inputs)
    np.testing.assert_array_equal(model(np.ones((3, 4))), np.full((3, 4), 4.0))
    with pytest.raises(
        ValueError, match=rf"of a length .* of shape \({half},\) \(Expected results"
    ):
        model(np.ones((3, half)))
    inputs = Inputs([Input("x", (half,), least=(1,))])
    with pytest.raises(BundleError, match="Expected results of at most"):
        OnnxModel(file.read_bytes, file, "x", inputs=inputs)


def test_large_encoders_are_let_pass() -> None:
    """784 to 65,536 units: 0.2 GB of weights, and 512 rows of it in one go."""
    per_row = 4 * (2 * 784 + 3 * 65_536)
    assert 512 * per_row < memory.RUN_BYTES


@pytest.mark.parametrize("node", [("NonZero", "x", "code"), ("Unique", "x", "code")])
def test_who_allows_an_operator_vouches_for_what_it_takes(
    node: tuple[Any, ...], tmp_path: Path
) -> None:
    nodes = [
        (node[0], "x", "places"),
        ("Cast", "places", "numbers", {"to": 1}),
        ("ReduceSum", "numbers axes", "sum", {"keepdims": 0}),
        ("Add", "x sum", "code"),
    ]
    axes = integers(0, 1) if node[0] == "NonZero" else integers(0)
    found = Encoder(written(encoder(nodes, {"axes": axes}), tmp_path), allow=[node[0]])
    assert found.encode(np.ones(4)).shape == (4,)


# What ends the process -------------------------------------------------------------------------


def divided(divisor: str, constants: dict[str, Any]) -> Any:
    """The place of the largest feature, divided."""
    nodes = [
        ("ArgMax", "x", "place", {"axis": 1}),
        ("Div", f"place {divisor}", "share"),
        ("Cast", "share", "number", {"to": 1}),
        ("Add", "x number", "code"),
    ]
    return encoder(nodes, constants)


def test_whole_numbers_are_divided_by_constants_above_0(tmp_path: Path) -> None:
    """-2**63 / -1 is 2**63, which is no int64: x86 raises a signal that nothing catches."""
    found = Encoder(written(divided("two", {"two": integers(2)}), tmp_path))
    np.testing.assert_array_equal(found.encode(np.arange(4.0)), np.arange(4.0) + 1)
    cases: list[tuple[str, dict[str, Any]]] = [("place", {}), ("minus", {"minus": integers(-1)})]
    for divisor, constants in cases:
        with pytest.raises(BundleError, match=f"by constants above 0 .* by {divisor!r}"):
            Encoder(written(divided(divisor, constants), tmp_path))
    constants = {"least": integers(-(2**63)), "minus": integers(-1), "one": integers(1)}
    nodes = [("Div", "least minus", "share"), ("Expand", "x share", "code")]
    with pytest.raises(BundleError, match="by constants above 0"):
        Encoder(written(encoder(nodes, constants), tmp_path))


def test_shapes_that_are_computed_in_the_graph_are_followed(tmp_path: Path) -> None:
    """Half of the features for each row, by the graph's own reckoning."""
    nodes = [
        ("Shape", "x", "shape", {"start": 1}),
        ("Div", "shape two", "half"),
        ("Slice", "x zero half one", "some"),
        ("Shape", "some", "wide"),
        ("ConstantOfShape", "wide", "nothing"),
        ("Concat", "some nothing", "code", {"axis": 1}),
    ]
    constants = {"two": integers(2), "zero": integers(0), "one": integers(1)}
    found = Encoder(written(encoder(nodes, constants), tmp_path))
    x = np.arange(12.0).reshape(3, 4)
    np.testing.assert_array_equal(found.encode(x), np.where(np.arange(4) < 2, x, 0))
    huge = [*nodes[:3], ("Shape", "some", "s"), ("Mul", "s wide", "shape2")]
    constants["wide"] = integers(1 << 20, 1 << 20)
    nodes = [*huge, ("ConstantOfShape", "shape2", "big"), *END]
    with pytest.raises(BundleError, match="results of at most"):
        Encoder(written(encoder(nodes, constants), tmp_path))
