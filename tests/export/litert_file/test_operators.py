"""The operators of a file, against those that LiteRT runs."""

from pathlib import Path

import pytest

from bundles import manifest
from keras_sparse_export.litert_file.operators import list_operators
from keras_sparse_export.litert_file.sessions import load_interpreter

pytestmark = pytest.mark.one_backend


def test_they_are_those_that_run(litert_bundle: Path) -> None:
    content = (litert_bundle / "encoder.tflite").read_bytes()
    interpreter = load_interpreter()(model_content=content)
    names = {each["op_name"] for each in interpreter._get_ops_details()} - {"DELEGATE"}
    assert set(list_operators(content)) == names
    assert list_operators(content) == manifest(litert_bundle)["variants"]["litert"]["operators"]
    assert {"FULLY_CONNECTED", "TOPK_V2"} <= names
