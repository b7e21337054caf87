import hashlib
import json
import re
from pathlib import Path

import pytest

from keras_sparse_export.browser import runtime as web_runtime
from keras_sparse_export.browser.runtime import FILES, PLACE, VERSION, find

pytestmark = pytest.mark.one_backend

WEB = Path(__file__).parents[3] / "export" / "web"


@pytest.fixture(autouse=True)
def _nothing_of_npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_runtime, "SOURCE", tmp_path / "source")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


def install(root: Path, package: object = None) -> Path:
    folder = root / PLACE
    folder.mkdir(parents=True)
    for name in FILES:
        (folder / name).write_bytes(name.encode())
    (folder.parent / "package.json").write_text(json.dumps(package))
    return folder


def pin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have what `install` writes be the tested files."""
    tested = {name: hashlib.sha256(name.encode()).hexdigest() for name in FILES}
    monkeypatch.setattr(web_runtime, "FILES", tested)


@pytest.mark.parametrize("root", ["source", "here"])
def test_it_is_found_where_npm_puts_it(
    root: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin(monkeypatch)
    folder = install(tmp_path / root)
    runtime = find()
    assert runtime.folder == folder
    assert runtime.files == {name: name.encode() for name in FILES}
    assert str(runtime) == f"onnxruntime-web {VERSION}"


def test_without_one_the_message_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        find()
    message = str(caught.value)
    assert "npm ci in export/web of the source" in message
    assert (
        f"npm install onnxruntime-web@{VERSION} anywhere and --runtime {PLACE.as_posix()}"
        in message
    )
    assert all(str(tmp_path / root / PLACE) in message for root in ("source", "here"))


@pytest.mark.parametrize("missing", FILES)
def test_a_named_folder_needs_both_files(missing: str, tmp_path: Path) -> None:
    folder = install(tmp_path)
    (folder / missing).unlink()
    with pytest.raises(FileNotFoundError, match=r"`--runtime`.*Remedy: npm ci"):
        find(folder)


@pytest.mark.parametrize(
    ("package", "version"),
    [
        ({"name": "onnxruntime-web", "version": "1.99.0"}, "1.99.0"),
        ({"name": "onnxruntime-web", "version": "1.0\x1b[2J"}, "of an unknown version"),
        ({"name": "onnxruntime-web", "version": 1}, "of an unknown version"),
        ({"name": "another", "version": "1.99.0"}, "of an unknown version"),
        ({}, "of an unknown version"),
        ([], "of an unknown version"),
        (None, "of an unknown version"),
    ],
)
def test_another_version_is_used_where_it_is_named_and_said(
    package: object, version: str, tmp_path: Path
) -> None:
    runtime = find(install(tmp_path, package))
    assert not runtime.tested
    assert str(runtime) == f"onnxruntime-web {version} (tested: {VERSION})"


def test_another_version_that_nobody_named_is_not_used(tmp_path: Path) -> None:
    folder = install(tmp_path / "here", {"name": "onnxruntime-web", "version": "1.99.0"})
    with pytest.raises(ValueError, match=re.escape(f"or --runtime {folder} to use these files")):
        find()


def test_a_package_that_lies_is_known_by_its_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin(monkeypatch)
    folder = install(tmp_path, {"name": "onnxruntime-web", "version": "0.0.1"})
    assert find(folder).version == VERSION
    (folder / next(iter(FILES))).write_bytes(b"changed")
    runtime = find(folder)
    assert (runtime.version, runtime.tested) == ("0.0.1", False)


def test_a_file_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_runtime, "MAX_BYTES", 8)
    with pytest.raises(ValueError, match="at most"):
        find(install(tmp_path))


def test_the_pinned_version_is_the_one_that_npm_installs() -> None:
    package = json.loads((WEB / "package.json").read_text("utf-8"))
    asked = {**package.get("dependencies", {}), **package.get("devDependencies", {})}
    assert asked["onnxruntime-web"] == VERSION


@pytest.mark.skipif(not (WEB / PLACE).is_dir(), reason="npm ci in export/web was not run")
def test_the_pinned_files_are_those_that_npm_installs() -> None:
    assert find(WEB / PLACE).tested


def test_the_lock_file_names_no_address() -> None:
    lock = (WEB / "package-lock.json").read_text("utf-8")
    assert "resolved" not in lock
    assert "://" not in lock
    package = json.loads((WEB / "package.json").read_text("utf-8"))
    for pinned in (*package["dependencies"].values(), *package["devDependencies"].values()):
        assert pinned.replace(".", "").isdigit(), "pinned at one version"
