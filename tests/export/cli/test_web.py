import json
from pathlib import Path
from typing import Any

import pytest

from keras_sparse import KL, SparseAutoencoder
from keras_sparse_export import export_encoder
from keras_sparse_export.browser import runtime as web_runtime
from keras_sparse_export.browser import site
from keras_sparse_export.cli import main
from onnx_files import encoder, written

pytestmark = pytest.mark.one_backend


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = SparseAutoencoder(4, 3, sparsity=KL(), normalization=None)
    return export_encoder(model, tmp_path_factory.mktemp("exported") / "bundle")


def web(*arguments: Any) -> int:
    return main.main(["web", *map(str, arguments)])


def contents(folder: Path) -> dict[str, bytes]:
    files = (file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


def test_the_folder_is_the_site(
    bundle: Path, runtime: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "a" / "site"
    assert web(bundle, "-o", out, "--runtime", runtime) == 0
    found = contents(out)
    assert found == site.build_site(bundle, web_runtime.find(runtime)).files
    output = capsys.readouterr().out
    assert f"Wrote {out}: {len(found)} files" in output
    assert "golden rows (synthetic); onnxruntime-web of an unknown version (tested: " in output


def test_a_site_replaces_a_site_and_nothing_else(
    bundle: Path, runtime: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "site"
    assert web(bundle, "-o", out, "--runtime", runtime) == 0
    assert web(bundle, "-o", out, "--runtime", runtime) == 2
    assert "`--output`. Expected a new folder" in capsys.readouterr().err
    inventory = json.loads((out / "site.json").read_text())
    inventory["files"]["old"] = {}  # of a site that had more files
    (out / "site.json").write_text(json.dumps(inventory))
    (out / "old").touch()
    assert web(bundle, "-o", out, "--runtime", runtime, "--overwrite") == 0
    assert not (out / "old").exists()
    (out / ".git").mkdir()
    for name in (".nojekyll", ".git/HEAD"):
        (out / name).touch()
    assert web(bundle, "-o", out, "--runtime", runtime, "--overwrite") == 2
    assert "2 other files: .git/HEAD, .nojekyll. Remedy" in capsys.readouterr().err
    assert (out / ".nojekyll").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "site.json").write_text("{}")
    assert web(bundle, "-o", tmp_path / "mine", "--runtime", runtime, "--overwrite") == 2
    assert "1 other files: site.json" in capsys.readouterr().err
    assert web(bundle, "-o", bundle.parent, "--runtime", runtime, "--overwrite") == 2
    assert "which holds something else" in capsys.readouterr().err
    assert web(bundle, "-o", bundle / "site", "--runtime", runtime) == 2
    assert "outside the bundle" in capsys.readouterr().err


def test_a_site_of_a_bundle_in_the_site_that_it_replaces(
    bundle: Path, runtime: Path, tmp_path: Path
) -> None:
    out = tmp_path / "site"
    assert web(bundle, "-o", out, "--runtime", runtime) == 0
    before = contents(out)
    assert web(out / "bundle", "-o", out, "--runtime", out / "runtime", "--overwrite") == 0
    assert contents(out) == before


def test_a_bundle_that_fails_leaves_nothing(
    bundle: Path, runtime: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = tmp_path / "changed"
    changed.mkdir()
    for file in bundle.iterdir():
        (changed / file.name).write_bytes(file.read_bytes())
    (changed / "golden_x.f32").write_bytes(b"")
    assert web(changed, "-o", tmp_path / "site", "--runtime", runtime) == 1
    assert "golden_x.f32" in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"changed"}


def test_without_golden_rows_it_says_so(
    runtime: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = SparseAutoencoder(4, 3, sparsity=KL(), normalization=None)
    bundle = export_encoder(model, tmp_path / "bundle", golden="none")
    assert web(bundle, "-o", tmp_path / "site", "--runtime", runtime) == 0
    assert "no golden rows: outputs were not compared" in capsys.readouterr().out
    assert json.loads((tmp_path / "site" / "site.json").read_text())["files"]


@pytest.mark.parametrize("command", ["serve", "web"])
def test_operators_are_let_in_by_name(
    command: str, runtime: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(encoder([("Dropout", "x", "code")]), tmp_path)
    arguments = [command, str(file), "--runtime", str(runtime)]
    arguments += ["-o", str(tmp_path / "site")] if command == "web" else []
    assert main.main(arguments) == 2
    assert "Received: Dropout" in capsys.readouterr().err
    assert main.main([*arguments, "--allow", "Dropout"]) == 2
    assert "Expected a bundle, which has hashes to verify" in capsys.readouterr().err


def test_a_runtime_that_is_not_there_is_a_wrong_call(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert web(bundle, "-o", tmp_path / "site", "--runtime", tmp_path) == 2
    assert "Remedy: npm ci in export/web of the source" in capsys.readouterr().err
    assert not (tmp_path / "site").exists()
