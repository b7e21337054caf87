"""Windows that an export is given, or that a model has."""

from pathlib import Path
from typing import Any

import keras
import pytest

from bundles import manifest
from keras_sparse_export import Windows, export_encoder

pytestmark = pytest.mark.one_backend


def export(path: Path, own: Any = None, given: Windows | None = None) -> dict[str, Any]:
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(2)])
    if own is not None:
        model.windows = own
    return manifest(export_encoder(model, path / "bundle", windows=given, overwrite=True))


def test_windows_of_a_model_or_as_given(tmp_path: Path) -> None:
    own, given = Windows(8, 4, 100), Windows(8, 2)
    assert export(tmp_path, own)["windows"] == own.as_dict()
    assert export(tmp_path, own.as_dict())["windows"] == own.as_dict()
    assert export(tmp_path, own, given)["windows"] == given.as_dict()
    assert "windows" not in export(tmp_path)


def test_an_attribute_of_that_name_may_be_something_else(tmp_path: Path) -> None:
    assert "windows" not in export(tmp_path, 17)


@pytest.mark.parametrize("windows", [Windows(9, 4), Windows(8, 4, channels=2)])
def test_windows_of_another_shape(windows: Windows, tmp_path: Path) -> None:
    message = r"`windows`\. Expected windows of shape \(8,\), the rows of the model\. Received: Win"
    for own, given in ((windows, None), (None, windows)):
        with pytest.raises(ValueError, match=message):
            export(tmp_path, own, given)
    with pytest.raises(ValueError, match=r"`windows`\. Expected Windows"):
        export(tmp_path, given=3)  # type: ignore[arg-type]
    assert not (tmp_path / "bundle").exists()
