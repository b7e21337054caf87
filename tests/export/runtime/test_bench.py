import json
from pathlib import Path

import numpy as np
import pytest

from keras_sparse import L1, SparseAutoencoder
from keras_sparse_export import export_encoder
from keras_sparse_export.cli.main import main
from keras_sparse_export.runtime import bench

pytestmark = pytest.mark.one_backend


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bench") / "bundle"
    return export_encoder(SparseAutoencoder(400, 2000, sparsity=L1(), normalization=None), path)


@pytest.mark.slow
@pytest.mark.process
def test_a_bench_has_every_case(bundle: Path) -> None:
    found = bench.bench(bundle, threads=2, seconds=0.01)
    cases = [(each.threads, each.batch, each.cold) for each in found.latencies]
    assert len(set(cases)) == len(cases) == 2 * 3 * 2
    assert all(0 < each.p50_us <= each.p99_us for each in found.latencies)
    assert found.file_bytes == {"encoder.onnx": (bundle / "encoder.onnx").stat().st_size}
    assert found.load_ms["float32"] > 0
    assert 4 * 400 * 2000 / 1e6 < found.resident_mb["float32"] < 100  # the weights at least


def test_times_are_those_of_the_calls() -> None:
    import time

    times = bench.measure_calls(lambda rows: time.sleep(0.01), np.zeros(1), 0.1)
    assert 1 <= len(times) <= 10
    assert min(times) >= 0.01


@pytest.mark.process
def test_the_command_prints_a_table_or_json(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = str(bundle / "encoder.onnx")
    assert main(["bench", bare, "--seconds", "0.01", "--threads", "1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [each["batch"] for each in found["latencies"]] == [1, 1, 8, 8, 64, 64]
    assert main(["bench", bare, "--seconds", "0.01", "--threads", "1"]) == 0
    table = capsys.readouterr().out
    assert "p99" in table
    assert "encoder.onnx 3," in table
    assert main(["bench", str(bundle / "none")]) == 2


@pytest.mark.parametrize("argument", [{"threads": 0}, {"seconds": 0.0}])
def test_nothing_is_measured_without_threads_or_time(
    argument: dict[str, float], bundle: Path
) -> None:
    (name,) = argument
    with pytest.raises(ValueError, match=f"`{name}`. Expected a positive .* Received: {name}=0"):
        bench.bench(bundle, **{"seconds": 0.01, **argument})  # type: ignore[arg-type]


@pytest.mark.process
def test_litert_is_measured(litert_bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--seconds", "0.001", "--threads", "1", "--runtime", "litert"]
    assert main(["bench", str(litert_bundle), *arguments]) == 0
    table = capsys.readouterr().out
    assert ": LiteRT " in table
    assert "encoder.tflite " in table
