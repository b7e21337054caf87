from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

import jumping_bundles as jumping
from keras_sparse_export import Encoder
from keras_sparse_export.cli import main
from keras_sparse_export.errors import ParityError
from keras_sparse_export.variants import ort_format

pytestmark = [pytest.mark.one_backend, pytest.mark.usefixtures("no_staging")]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return jumping.write(tmp_path / "bundle", "one")


def test_the_command_writes_a_file_that_onnxruntime_runs_and_its_operators(
    bundle: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "ort"
    assert main.main(["ort", str(bundle), "-o", str(output)]) == 0
    out, err = capfd.readouterr()
    assert out.startswith(f"Wrote {output / 'encoder.ort'} and ")
    assert err == ""
    session = ort.InferenceSession(str(output / "encoder.ort"))
    x = jumping.rows(50)
    (codes,) = session.run(["code"], {"x": x})
    np.testing.assert_allclose(codes, Encoder(bundle).encode(x), atol=1e-6)
    operators = (output / "required_operators.config").read_text()
    assert "com.microsoft;1;FusedGemm" in operators
    assert str(tmp_path) not in operators
    assert main.main(["ort", str(bundle), "-o", str(output)]) == 2
    assert "Remedy: --overwrite" in capfd.readouterr().err
    assert main.main(["ort", str(bundle), "-o", str(output), "--overwrite"]) == 0


def test_nothing_is_written_if_the_codes_differ(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = ort_format._load
    monkeypatch.setattr(ort_format, "_load", lambda data: lambda x: load(data)(x) * 1.001)
    with pytest.raises(ParityError, match=r"Expected `encoder\.ort` to give the codes"):
        ort_format.write_ort(bundle, tmp_path / "ort")
    assert not (tmp_path / "ort").exists()
