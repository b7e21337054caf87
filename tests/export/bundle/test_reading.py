"""Files of a bundle: which are read, and that what was checked is what is used."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bundles import manifest, replaced
from keras_sparse import L1, SparseAutoencoder
from keras_sparse_export import BundleError, Encoder, VerificationError, export_encoder
from keras_sparse_export.bundle import reading
from keras_sparse_export.bundle.reading import check_files, read_content, read_file

pytestmark = pytest.mark.one_backend


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    x = np.random.default_rng(0).normal(size=(64, 12))
    path = tmp_path_factory.mktemp("exported") / "bundle"
    return export_encoder(
        SparseAutoencoder(12, 6, sparsity=L1(), normalization=None), path, sample=x
    )


@pytest.fixture
def bundle(exported: Path, tmp_path: Path) -> Path:
    return shutil.copytree(exported, tmp_path / "bundle")


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Path]:
    """A file that is not the bundle's, which stays as it was."""
    file = tmp_path / "outside"
    file.write_bytes(b"private")
    yield file
    assert file.read_bytes() == b"private"


def test_the_bytes_of_a_file(exported: Path) -> None:
    found = manifest(exported)
    check_files(exported, found)
    for name in found["files"]:
        assert read_content(exported, found, name) == (exported / name).read_bytes()
    with pytest.raises(BundleError, match=r"Expected `other` among the files"):
        read_content(exported, found, "other")


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("change", ["missing", "short", "long", "folder"])
def test_another_size_is_found_before_anything_is_read(
    change: str, check: bool, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, file = manifest(bundle), bundle / "golden_x.f32"
    if change in ("missing", "folder"):
        file.unlink()
        if change == "folder":
            file.mkdir()
    else:
        os.truncate(file, 10 if change == "short" else 1 << 40)
    with pytest.raises(BundleError, match=r"golden_x\.f32"):
        read_content(bundle, found, "golden_x.f32", check=check)
    with pytest.raises(BundleError, match=r"golden_x\.f32"):
        check_files(bundle, found)


def test_another_hash_is_found_unless_told_not_to_look(bundle: Path) -> None:
    file, found = bundle / "golden_x.f32", manifest(bundle)
    file.write_bytes(data := bytes(len(file.read_bytes())))
    with pytest.raises(VerificationError, match=r"`golden_x.f32` with the hash"):
        read_content(bundle, found, "golden_x.f32")
    with pytest.raises(VerificationError, match=r"`golden_x.f32` with the hash"):
        check_files(bundle, found)
    assert read_content(bundle, found, "golden_x.f32", check=False) == data


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_keeps_nobody_waiting(bundle: Path) -> None:
    (bundle / "encoder.onnx").unlink()
    os.mkfifo(bundle / "encoder.onnx")
    for path in (bundle, bundle / "encoder.onnx"):
        with pytest.raises(BundleError, match="Expected a regular file"):
            Encoder(path)


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="needs a device that never ends")
def test_a_device_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="Expected a regular file"):
        Encoder("/dev/zero")


def test_a_link_that_leaves_the_folder_is_refused(bundle: Path, outside: Path) -> None:
    found = manifest(bundle)
    (bundle / "golden_x.f32").unlink()
    for target in (outside, Path("..", "outside"), Path("/etc/passwd")):
        (bundle / "golden_x.f32").symlink_to(target)
        for look in (lambda: read_content(bundle, found, "golden_x.f32"), lambda: Encoder(bundle)):
            with pytest.raises(BundleError, match=r"leads out of it\. Remedy: .*cp -rL"):
                look()
        (bundle / "golden_x.f32").unlink()
    (bundle / "golden_x.f32").symlink_to("golden_x.f32")
    with pytest.raises(BundleError, match=r"`golden_x.f32`"):
        read_content(bundle, found, "golden_x.f32")


def test_links_that_stay_inside_and_a_link_to_the_folder(bundle: Path, tmp_path: Path) -> None:
    (bundle / "golden_x.f32").rename(bundle / "blob")
    (bundle / "golden_x.f32").symlink_to("blob")
    (tmp_path / "link").symlink_to(bundle)
    Encoder(tmp_path / "link").verify()


def test_what_was_hashed_is_what_is_loaded(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file changes between the check and the loading: the change is not seen."""
    x, read, seen = np.ones(12), reading.read_content, []
    expected = Encoder(bundle).encode(x)

    def then_changed(folder: Path, found: dict[str, Any], name: str, **options: Any) -> bytes:
        data = read(folder, found, name, **options)
        (folder / name).write_bytes(b"changed")
        seen.append(name)
        return data

    monkeypatch.setattr(reading, "read_content", then_changed)
    np.testing.assert_array_equal(Encoder(bundle).encode(x), expected)
    assert set(seen) == {"encoder.onnx", "golden_x.f32", "golden_code.f32"}


def test_a_file_that_grows_while_it_is_read_is_refused(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, found = bundle / "golden_x.f32", manifest(bundle)
    status, calls = os.fstat, 0

    def then_grown(descriptor: int) -> os.stat_result:
        nonlocal calls
        calls += 1
        result = status(descriptor)
        if calls % 2 == 0:  # asked for the kind first, then for the size
            with file.open("ab") as stream:
                stream.write(b"more")
        return result

    monkeypatch.setattr(os, "fstat", then_grown)
    with pytest.raises(VerificationError, match="a file that changes while it is read"):
        read_content(bundle, found, file.name)
    with pytest.raises(BundleError, match=r"that stays unchanged"):
        read_file(file)


def test_a_bare_file_has_a_limit(tmp_path: Path) -> None:
    with (tmp_path / "large.onnx").open("wb") as file:
        file.truncate(2**31)
    with pytest.raises(BundleError, match=r"at most 2147483647 bytes"):
        Encoder(tmp_path / "large.onnx")


def test_a_file_swapped_for_another_of_the_bundle_is_found(bundle: Path) -> None:
    replaced(bundle, "golden_code.f32", (bundle / "golden_x.f32").read_bytes())
    with pytest.raises(BundleError, match=r"golden_code\.f32"):
        Encoder(bundle)
