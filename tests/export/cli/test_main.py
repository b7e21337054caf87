from pathlib import Path
from typing import Any

import pytest

from bundles import export_windows
from keras_sparse import KL, SparseAutoencoder
from keras_sparse_export import export_encoder
from keras_sparse_export.cli import main

pytestmark = pytest.mark.one_backend


@pytest.fixture(scope="module")
def model() -> SparseAutoencoder:
    return SparseAutoencoder(4, 3, sparsity=KL(), normalization=None)


@pytest.fixture
def bundle(model: SparseAutoencoder, tmp_path: Path) -> Path:
    return export_encoder(model, tmp_path / "bundle")


def run(*arguments: Any) -> int:
    return main.main([str(argument) for argument in arguments])


def test_a_bundle_that_is_not_there_is_a_wrong_call(tmp_path: Path) -> None:
    assert run("info", tmp_path / "none") == 2


def test_verify_fails_on_a_changed_file(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (bundle / "golden_x.f32").write_bytes(b"")
    assert run("verify", bundle) == 1
    assert "`golden_x.f32`" in capsys.readouterr().err


def test_verify_says_when_there_was_nothing_to_answer(
    model: SparseAutoencoder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = export_encoder(model, tmp_path / "bundle", golden="none")
    assert run("verify", bundle) == 0
    assert "outputs were not compared" in capsys.readouterr().out


def test_info_of_a_bare_file(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("info", bundle / "encoder.onnx") == 0
    assert capsys.readouterr().out.split() == ["input", "(4,)", "code", "(3,)"]


def test_info_lists_what_runs_a_bundle(
    bundle: Path, litert_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("info", bundle) == 0
    runs_on = "runs on      onnxruntime ≥ 1.12 (opset 17), onnxruntime-web"
    assert f"{runs_on}\n" in capsys.readouterr().out
    assert run("info", litert_bundle) == 0
    assert f"{runs_on}, LiteRT (checked)\n" in capsys.readouterr().out


def test_info_tells_how_a_signal_is_cut(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("info", export_windows(tmp_path / "bundle")) == 0
    text = "rows         windows of 16 samples, a new one every 8, at 1000 samples per second\n"
    assert text in capsys.readouterr().out


def test_verify_in_litert(litert_bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("verify", litert_bundle) == 0
    assert "LiteRT" not in capsys.readouterr().out
    assert run("verify", litert_bundle, "--runtime", "litert") == 0
    out, err = capsys.readouterr()
    assert "\nLiteRT: 32 golden rows (real), max |Δ| " in out
    assert err == ""
