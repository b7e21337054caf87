"""The walk-through of export/README.md, as it stands there."""

import re
import shlex
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import onnx
import pytest

from bundles import replaced
from keras_sparse import KL, SparseAutoencoder
from keras_sparse_export import export_encoder
from keras_sparse_export.cli import main

README = Path(__file__).parents[4] / "export" / "README.md"
pytestmark = [
    pytest.mark.doc,
    pytest.mark.process,
    pytest.mark.one_backend,
    pytest.mark.skipif(
        find_spec("model_signing") is None, reason="needs keras-sparse-export[sign]"
    ),
    pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl, for a key"),
]


def commands() -> tuple[list[list[str]], list[list[str]]]:
    """Those of whoever signs, and those of whoever verifies."""
    text = README.read_text("utf-8").split("\n## Who made it: signatures\n")[1].split("\n# ")[0]
    sign, verify = (
        [shlex.split(line) for line in block.splitlines()]
        for block in re.findall(r"```console\n(.*?)```", text, flags=re.DOTALL)
    )
    return sign, verify


def run(folder: Path, command: list[str]) -> "subprocess.CompletedProcess[str]":
    programs = {
        "model_signing": [sys.executable, "-m", "model_signing"],
        "keras-sparse-export": [sys.executable, "-m", "keras_sparse_export.cli.main"],
    }
    program, *arguments = command
    return subprocess.run(
        [*programs.get(program, [program]), *arguments], cwd=folder, capture_output=True, text=True
    )


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("signed")
    export_encoder(SparseAutoencoder(4, 3, sparsity=KL(), normalization=None), folder / "BUNDLE")
    for command in commands()[0]:
        result = run(folder, command)
        assert result.returncode == 0, result.stderr
    return folder


@pytest.fixture
def signed(once: Path, tmp_path: Path) -> Path:
    """A folder with BUNDLE, BUNDLE.sig, signer.key and signer.pub."""
    return Path(shutil.copytree(once, tmp_path / "signed"))


def verified(folder: Path) -> bool:
    """Whether the signature is good."""
    return run(folder, commands()[1][0]).returncode == 0


def test_the_walk_through_of_the_readme(signed: Path) -> None:
    before = {file.name for file in (signed / "BUNDLE").iterdir()}
    for command in commands()[1]:
        result = run(signed, command)
        assert result.returncode == 0, result.stderr
    assert {file.name for file in (signed / "BUNDLE").iterdir()} == before
    assert {file.name for file in signed.iterdir()} == {
        "BUNDLE", "BUNDLE.sig", "signer.key", "signer.pub",
    }  # fmt: skip


def test_a_change_with_its_hashes_fails_the_signature_alone(signed: Path) -> None:
    file = signed / "BUNDLE" / "encoder.onnx"
    model = onnx.load_model_from_string(file.read_bytes())
    weight = max(model.graph.initializer, key=lambda each: len(each.raw_data))
    weight.raw_data = bytes([weight.raw_data[0] ^ 1]) + weight.raw_data[1:]  # the last bit of one
    changed = model.SerializeToString()
    file.write_bytes(changed)
    assert main.main(["verify", str(signed / "BUNDLE")]) == 1  # until the hash is written, too
    replaced(signed / "BUNDLE", "encoder.onnx", changed)
    assert main.main(["verify", str(signed / "BUNDLE")]) == 0
    assert not verified(signed)


def test_a_file_too_many_or_too_few_fails(signed: Path) -> None:
    (signed / "BUNDLE" / "more").touch()
    assert not verified(signed)
    (signed / "BUNDLE" / "more").unlink()
    (signed / "BUNDLE" / ".gitignore").touch()  # which model-signing passes over unless told
    assert not verified(signed)
    (signed / "BUNDLE" / ".gitignore").unlink()
    assert verified(signed)
    (signed / "BUNDLE" / "README.md").unlink()
    assert not verified(signed)


def test_another_key_fails(signed: Path) -> None:
    (signed / "signer.key").unlink()
    for command in commands()[0][:2]:  # makes another pair in the place of the first
        assert run(signed, command).returncode == 0
    assert not verified(signed)
