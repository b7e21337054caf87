from pathlib import Path

import numpy as np
import pytest

from bundles import read

pytestmark = pytest.mark.one_backend


def write(path: Path, first: list[float], rows: np.ndarray) -> Path:
    np.savetxt(path, np.vstack([first, rows]), delimiter=",", fmt="%.6g")
    return path


@pytest.mark.parametrize("order", [1, -1])
def test_wavelengths_are_a_header(order: int, tmp_path: Path, rng: np.random.Generator) -> None:
    spectra = rng.random((30, 12))
    path = write(tmp_path / "x.csv", np.linspace(400, 2500, 12)[::order].tolist(), spectra)
    with pytest.warns(UserWarning, match=r"x.csv is taken for a header.*--header no"):
        rows, faults = read(path, (12,))
    np.testing.assert_allclose(rows, spectra, rtol=1e-5)
    assert faults == {}
    assert read(path, (12,), header=True)[0].shape == (30, 12)
    assert read(path, (12,), header=False)[0].shape == (31, 12)


def test_other_numbers_are_a_row(tmp_path: Path, rng: np.random.Generator) -> None:
    random, ramps = rng.random((30, 12)), np.cumsum(rng.random((30, 12)), axis=1)
    for first, rows in (
        (random[0], random),
        (ramps[0], ramps),
        (ramps[0], np.vstack([random[:20], ramps[:1], random[20:]])),
        (ramps[0, :7], random[:, :7]),
        (np.r_[ramps[0, :11], ramps[0, 10]], random),
        (ramps[0], random[:0]),
    ):
        path = write(tmp_path / "x.csv", first.tolist(), rows)
        assert len(read(path, rows.shape[1:])[0]) == len(rows) + 1
