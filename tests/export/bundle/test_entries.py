"""What a bundle says of itself is what was exported."""

from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from bundles import manifest, rewritten, set_at
from keras_sparse_export import BundleError, Encoder, Windows
from keras_sparse_export.bundle.entries import (
    get_columns,
    get_windows,
    list_golden_shapes,
    require_onnxruntime,
)
from keras_sparse_export.bundle.manifest import read_manifest

pytestmark = pytest.mark.one_backend


@pytest.mark.parametrize("installed", ["1.7.0", "1.11", "1.11.9", "1.12.0.dev20260101", "0.99"])
def test_an_onnxruntime_too_old_is_named(
    installed: str, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rewritten(bundle, set_at("min_onnxruntime", to="1.12.1"))
    (bundle / "encoder.onnx").unlink()  # nothing is to be loaded
    monkeypatch.setattr(ort, "__version__", installed)
    with pytest.raises(BundleError, match=r"onnxruntime 1.12.1 or newer.* Received: .*Remedy: pip"):
        Encoder(bundle)


@pytest.mark.parametrize("installed", ["1.12", "1.12.1", "1.17.3+cpu", "1.20.0rc1", "2.0"])
def test_versions_are_compared_number_by_number(installed: str) -> None:
    for oldest in ("1.7", "1.12", "1"):
        require_onnxruntime({"min_onnxruntime": oldest}, installed)


def test_names_are_written_and_read(named: Path) -> None:
    assert manifest(named)["requires"] == ["columns"]
    assert get_columns(read_manifest(named)) == ("a", "b", "ü\n")
    assert "in this order: a, b, ü&#10;." in (named / "README.md").read_text("utf-8")


def test_without_names_there_is_no_key(bundle: Path) -> None:
    assert "columns" not in manifest(bundle)
    assert get_columns(read_manifest(bundle)) is None


def test_categories_are_written_and_read(of_pumps: Path) -> None:
    assert manifest(of_pumps)["requires"] == ["categories", "columns"]
    columns = get_columns(read_manifest(of_pumps))
    assert columns is not None
    assert columns.categories == {"pump": ("A", "B")}
    assert columns == ("flow", "pump=A", "pump=B")
    assert "columns of categories as text: pump." in (of_pumps / "README.md").read_text("utf-8")


def test_windows_are_written_and_read(windowed: Path, bundle: Path) -> None:
    assert manifest(windowed)["requires"] == ["windows"]
    entries = {"window": 8, "hop": 4, "sampling_rate": 16000.0, "channels": 1}
    assert manifest(windowed)["windows"] == entries
    assert get_windows(read_manifest(windowed)) == Windows(8, 4, 16000)
    assert get_windows(read_manifest(bundle)) is get_windows(None) is None


def test_features_are_written_and_read(listening: Path) -> None:
    found = read_manifest(listening)
    assert found["requires"] == ["features", "score"]
    assert found["features"] == {"name": "features", "shape": [48], "dtype": "float32"}
    assert len(found["offset"]) == len(found["scale"]) == 48
    sizes = {name: 4 * int(np.prod(shape)) for name, shape in list_golden_shapes(found).items()}
    assert sizes == {each.name: each.stat().st_size for each in listening.glob("golden_*")}
