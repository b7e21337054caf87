import warnings
from pathlib import Path

import numpy as np
import pytest

from keras_sparse.data.tables import read_table

pytest.importorskip("pyarrow", reason="reads CSV")


def write(path: Path, first: list[float], rows: np.ndarray) -> Path:
    np.savetxt(path, np.vstack([first, rows]), delimiter=",", fmt="%.6g")
    return path


@pytest.mark.parametrize("order", [1, -1])
def test_wavelengths_are_a_header(order: int, tmp_path: Path, rng: np.random.Generator) -> None:
    spectra = rng.random((30, 12))
    wavelengths = np.linspace(400, 2500, 12)[::order]
    path = write(tmp_path / "x.csv", wavelengths.tolist(), spectra)
    with pytest.warns(UserWarning, match=r"first line of x.csv is taken for a header.*--header no"):
        table = read_table(path)
    np.testing.assert_allclose(table.rows, spectra, rtol=1e-5)
    assert table.columns is not None
    np.testing.assert_allclose([*map(float, table.columns)], wavelengths, rtol=1e-5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_table(path, header=True).rows.shape == (30, 12)
        assert read_table(path, header=False).rows.shape == (31, 12)


def test_other_numbers_are_a_row(tmp_path: Path, rng: np.random.Generator) -> None:
    random, ramps = rng.random((30, 12)), np.cumsum(rng.random((30, 12)), axis=1)
    one_ramp = np.vstack([random[:20], ramps[:1], random[20:]])
    few = random[:, :7]
    for number, (first, rows) in enumerate(
        [
            (random[0], random),
            (ramps[0], ramps),
            (ramps[0], one_ramp),
            (ramps[0, :7], few),
            (np.r_[ramps[0, :11], ramps[0, 10]], random),  # two equal numbers name no columns
            (ramps[0], random[:0]),
        ]
    ):
        path = write(tmp_path / f"{number}.csv", first.tolist(), rows)
        table = read_table(path)
        assert len(table.rows) == len(rows) + 1
        assert table.columns is None
