from importlib import metadata

import keras
import onnxruntime
import pytest

from keras_sparse_export.convert import description


def test_versions_do_not_depend_on_names_of_distributions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keras' nightly releases are the distribution keras-nightly."""

    def find_version(name: str) -> str:
        if name in ("keras", "onnxruntime"):
            raise metadata.PackageNotFoundError(name)
        return metadata.version(name)

    monkeypatch.setattr(description, "version", find_version)
    versions = description.list_versions()
    assert versions["keras"] == keras.__version__
    assert versions["numpy"] == metadata.version("numpy")
    assert versions["onnx"] == metadata.version("onnx")
    assert versions["onnxruntime"] == onnxruntime.__version__
