"""Files that are opened, and those that are not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from bundles import replaced, rewritten, set_at
from keras_sparse import SparseAutoencoder
from keras_sparse_export import BundleError, Encoder
from keras_sparse_export.runtime import top_k

pytestmark = pytest.mark.one_backend


@pytest.mark.parametrize(("name", "end"), [("encoder.onnx", "output"), ("decoder.onnx", "input")])
def test_ends_of_other_names_are_refused(name: str, end: str, bundle: Path) -> None:
    model = onnx.load_from_string((bundle / name).read_bytes())
    getattr(model.graph, end)[0].name = "other"
    for node in model.graph.node:
        for names in (node.input, node.output):
            names[:] = ["other" if each == "code" else each for each in names]
    replaced(bundle, name, model.SerializeToString())
    with pytest.raises(BundleError, match=rf"`{end}` of `{name}` .*, code \[6\]. .*: other \[6\]"):
        Encoder(bundle).decode(np.ones(6))


def _reshape_input(found: dict[str, Any]) -> None:
    found.update(offset=None, scale=None, statistics=None)
    found["input"]["shape"] = [6, 2]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_reshape_input, r"`input` .* its manifest, x \[6, 2\]. .*: x \[12\]"),
        (set_at("output", "shape", to=[3, 2]), r"`output` .* code \[3, 2\]. .*: code \[6\]"),
        (lambda m: m.update(top_k=top_k.describe(3, (6,)), golden={"kind": "none", "rows": 0}),
         "`top_k` .* its manifest, 3. Received: None"),
    ],
)  # fmt: skip
def test_a_file_is_as_its_manifest_says(
    change: Callable[[dict[str, Any]], Any], message: str, bundle: Path
) -> None:
    rewritten(bundle, lambda found: found.update(statistics=None))
    rewritten(bundle, change)
    with pytest.raises(BundleError, match=message):
        Encoder(bundle)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04rest", r"a zip archive. Remedy: unpack it; .*load_model"),
        (b"\x89HDF\r\n\x1a\nrest", r"an HDF5 file. Remedy, .*: export_encoder\(keras"),
        (b"", "with no graph"),
        (b"#!/bin/sh\n", "with wire type 3"),
    ],
)
def test_files_of_another_kind_are_refused_with_the_remedy(
    content: bytes, message: str, tmp_path: Path
) -> None:
    (tmp_path / "model.keras").write_bytes(content)
    with pytest.raises(BundleError, match=rf"Received: .*model.keras, {message}"):
        Encoder(tmp_path / "model.keras")


def test_variants_that_a_bundle_lacks(exported: tuple[Path, SparseAutoencoder]) -> None:
    with pytest.raises(BundleError, match=r"`variant`.*Remedy: keras-sparse-export quantize"):
        Encoder(exported[0], variant="int8")
    with pytest.raises(BundleError, match="Expected a bundle, which may have variants"):
        Encoder(exported[0] / "encoder.onnx", variant="int8")
    with pytest.raises(ValueError, match=r"`variant`. Expected one of \('float32', 'int8', "):
        Encoder(exported[0], variant="int4")


def test_threads_are_counted(exported: tuple[Path, SparseAutoencoder]) -> None:
    with pytest.raises(ValueError, match=r"`threads`. Expected a positive integer"):
        Encoder(exported[0], threads=0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"runtime": "tflite"}, r"`runtime`. Expected one of \('onnxruntime', 'litert'\)"),
        ({"runtime": "litert", "variant": "int8"}, "another variant than float32"),
        ({"runtime": "litert", "spin": True}, "threads that spin"),
    ],
)
def test_options_that_a_runtime_lacks_are_refused(
    options: dict[str, Any], message: str, exported: tuple[Path, SparseAutoencoder]
) -> None:
    with pytest.raises(ValueError, match=message):
        Encoder(exported[0], **options)


def test_a_bundle_without_the_file_for_litert(exported: tuple[Path, SparseAutoencoder]) -> None:
    remedy = r"with `encoder.tflite`.*Remedy: export_encoder\(..., litert=True\)"
    with pytest.raises(BundleError, match=remedy):
        Encoder(exported[0], runtime="litert")
    with pytest.raises(BundleError, match=r"a file for LiteRT. Received: the file .*encoder.onnx"):
        Encoder(exported[0] / "encoder.onnx", runtime="litert")
