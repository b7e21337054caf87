import json
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neighbors import NearestNeighbors

from keras_sparse_export import Encoder, export_encoder
from models import trained

pytestmark = pytest.mark.doc

EXAMPLES = Path(__file__).parents[2] / "examples"

Run = Callable[..., str]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run an example in this process, which has loaded Keras already; give what it prints."""

    def run(name: str, *arguments: str | Path) -> str:
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        capsys.readouterr()
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")
        return capsys.readouterr().out

    return run


def run_alone(name: str, *arguments: str | Path) -> str:
    """Run an example in a process of its own: one that loads no Keras, or Ray."""
    result = subprocess.run(
        [sys.executable, "-W", "error::UserWarning:keras_sparse", EXAMPLES / name, *arguments],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_add_sparsity_to_any_model(run: Run, tmp_path: Path) -> None:
    out = run("add_sparsity_to_any_model.py", "--epochs", "1", "-o", tmp_path / "bundle")
    assert "Mean activation" in out


@pytest.mark.process
def test_train_and_export_then_run_on_device(run: Run, tmp_path: Path) -> None:
    out = run("train_and_export.py", "--epochs", "1", "-o", tmp_path / "bundle")
    assert "Explained variance" in out
    out = run_alone("run_on_device.py", tmp_path / "bundle")
    assert "6 files as in the manifest; golden rows: real" in out
    assert "32 rows" in out


@pytest.mark.one_backend
def test_anomaly(run: Run, tmp_path: Path) -> None:
    out = run("anomaly.py", "--epochs", "5", "-o", tmp_path / "bundle")
    _, ever, off, mixture, moved = out.splitlines()
    assert "drifted" not in ever
    assert int(ever[24:46]) <= 8
    assert int(off[24:46]) >= 4
    assert mixture.endswith("drifted")
    assert "sensor 3" in off
    assert moved.startswith("moved most: sensor ")


@pytest.mark.one_backend
def test_sklearn_pipeline(run: Run) -> None:
    out = run("sklearn_pipeline.py", "--epochs", "1")
    assert out.count("in cross-validation") == 3
    assert "of 128 units active" in out


@pytest.mark.one_backend
def test_self_taught_learning(run: Run) -> None:
    out = run("self_taught_learning.py", "--epochs", "1")
    assert "pixels of 100 digits 0 to 4: 90.4% of 801 others" in out
    assert "codes  of 100 digits 0 to 4: " in out


@pytest.mark.one_backend
def test_edges_of_photographs(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("PIL", reason="comes with matplotlib")
    out = run("edges_of_photographs.py", "--epochs", "1", "-o", tmp_path / "edges.png")
    assert "of 100 units" in out
    assert (tmp_path / "edges.png").stat().st_size > 1000


@pytest.mark.one_backend
def test_keras_blog(run: Run) -> None:
    out = run("keras_blog.py", "--epochs", "1")
    assert [line.split("  ")[0] for line in out.splitlines()[1:]] == [
        "no penalty",
        "as written",
        "batch summed",
    ]


@pytest.mark.one_backend
@pytest.mark.process
def test_encode_with_ray(rows: np.ndarray, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason='needs the extra "keras-sparse[ray]"')
    columns = {f"c{index}": column for index, column in enumerate(rows.T)}
    table = pa.table({"row": np.arange(len(rows)), **columns})
    for part in range(4):  # files, as of a data set written by many
        (tmp_path / "rows").mkdir(exist_ok=True)
        pq.write_table(table.slice(100 * part, 100), tmp_path / "rows" / f"{part}.parquet")
    bundle = export_encoder(trained(rows), tmp_path / "bundle")
    out = run_alone(
        "encode_with_ray.py", bundle, tmp_path / "rows", "-o", tmp_path / "codes", "--id", "row"
    )
    assert "Wrote the codes of 400 rows" in out
    found = pq.read_table(tmp_path / "codes").sort_by("row")
    assert found["row"].to_pylist() == list(range(400))
    encoder = Encoder(bundle)
    expected = np.stack([encoder.encode(row) for row in rows])
    np.testing.assert_allclose(np.stack(found["code"].to_numpy()), expected, atol=1e-6)


@pytest.mark.one_backend
@pytest.mark.process
def test_gateway(rows: np.ndarray, tmp_path: Path) -> None:
    bundle = export_encoder(trained(rows), tmp_path / "bundle")
    lines = [json.loads(line) for line in run_alone("gateway.py", bundle).splitlines()]
    assert [line["sample"] for line in lines] == list(range(11, 400, 6))
    series = rows[:3].ravel().tolist()
    readings = [*map(str, series[:5]), "nan", "no reading", *map(str, series[5:])]
    (tmp_path / "series.csv").write_text("\n".join(readings))
    lines = [
        json.loads(line)
        for line in run_alone("gateway.py", bundle, tmp_path / "series.csv").splitlines()
    ]
    assert [line["sample"] for line in lines] == [13, 19, 25, 31, 37]
    encoder = Encoder(bundle)
    for line, start in zip(lines, range(0, 30, 6), strict=True):
        code = encoder.encode(series[start : start + 12])
        assert line["indices"] == np.flatnonzero(code > encoder.threshold).tolist()
        np.testing.assert_allclose(line["values"], code[line["indices"]], atol=1e-4)


@pytest.mark.one_backend
def test_search_vectors(run: Run) -> None:
    _, _, head, *lines = run("search_vectors.py", "--epochs", "3").splitlines()
    found = {line[:18].strip(): [float(cell) for cell in line[18:].split()] for line in lines}
    assert head.split() == ["precision", "at", "10", "bytes", "per", "row"]
    assert found["sparse, as sent"][1] == 16 * 8
    assert found["codes, dense"][1] == 128 * 4
    assert found["sparse, as sent"][0] > 0.6
    x, x_test, y, y_test = train_test_split(*load_digits(return_X_y=True), random_state=0)
    nearest = NearestNeighbors(n_neighbors=10, metric="cosine").fit(x).kneighbors(x_test)[1]
    assert found["pixels"][0] == pytest.approx((y[nearest] == y_test[:, None]).mean(), abs=2e-3)


@pytest.mark.one_backend
def test_l1_against_kl(run: Run) -> None:
    _, *lines = run("l1_against_kl.py", "--epochs", "8").splitlines()
    found = {line[:22].strip(): [float(cell) for cell in line[22:].split()] for line in lines}
    assert len(lines) == 3 + 2 * 3 + 3  # L1, KL with and without its small codes, PCA
    x, x_test = train_test_split(load_digits().data / 16, test_size=0.25, random_state=0)
    axes = np.linalg.eigh(np.cov(x.T)).eigenvectors
    lost = (x_test - x.mean(axis=0)) @ axes[:, : 64 - 16]
    expected = 1 - np.square(lost).sum() / (x_test.var(axis=0).sum() * len(x_test))
    assert found["PCA, 16 components"][:2] == [16, pytest.approx(expected, abs=1e-3)]
    assert found["L1, λ=0.001"][0] > found["L1, λ=0.01"][0]
    assert all(line[2] > 0.5 for line in found.values())


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("*.py")))
def test_every_example_is_tested_and_readable_at_one_sitting(name: str) -> None:
    assert f'"{name}"' in Path(__file__).read_text()
    assert len((EXAMPLES / name).read_text().splitlines()) <= 100
