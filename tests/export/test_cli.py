import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats

from keras_sparse import KL, SparseAutoencoder
from keras_sparse_export import cli, export_encoder


@pytest.fixture(scope="module")
def model() -> SparseAutoencoder:
    return SparseAutoencoder(4, 3, sparsity=KL())


@pytest.fixture
def bundle(model: SparseAutoencoder, tmp_path: Path) -> Path:
    return export_encoder(model, tmp_path / "bundle")


ROWS = np.arange(12.0).reshape(3, 4)


def run(*arguments: Any) -> int:
    return cli.main([str(argument) for argument in arguments])


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".csv", "headed.csv"])
def test_encode_reads_every_kind(
    suffix: str, bundle: Path, model: SparseAutoencoder, tmp_path: Path
) -> None:
    data, codes = tmp_path / f"x{suffix}", tmp_path / "codes.npy"
    if suffix == ".npy":
        np.save(data, ROWS)
    elif suffix == ".npz":
        np.savez(data, x=ROWS, y=[1, 2, 3])
    else:
        header = "a,b,c,d" if suffix == "headed.csv" else ""
        np.savetxt(data, ROWS, delimiter=",", header=header, comments="")
    assert run("encode", bundle, data, "-o", codes) == 0
    np.testing.assert_allclose(np.load(codes), model.encode(ROWS), atol=1e-6)
    assert run("encode", bundle, data, "-o", codes) == 2
    assert run("encode", bundle, data, "-o", codes, "--overwrite") == 0


def test_encode_shapes_flat_rows_for_an_encoder_of_images(tmp_path: Path) -> None:
    import keras

    images = keras.Sequential(
        [keras.Input((2, 2)), keras.layers.Flatten(), keras.layers.Dense(3, name="code")]
    )
    bundle = export_encoder(images, tmp_path / "bundle", layer="code")
    np.save(tmp_path / "x.npy", ROWS)
    assert run("encode", bundle, tmp_path / "x.npy", "-o", tmp_path / "codes.npy") == 0
    expected = keras.ops.convert_to_numpy(images(ROWS.reshape(3, 2, 2)))
    np.testing.assert_allclose(np.load(tmp_path / "codes.npy"), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.csv", "1,2,3\n", "Expected (rows, 4)"),
        ("x.csv", "1,2,3,4\n5,6,7\n", "row 1 of another length"),
        ("x.csv", "1,2,3,4\n5,6,7,a\n", "'a' (row 1) in column 3"),
        ("x.csv", "a,b,c,d\n1,x,3,4\n", "'x' (row 0) in column b"),
        ("x.csv", "", "no rows"),
        ("x.csv", "1,2,3,nan\n", "NaN or infinity in rows 0"),
        ("x.npy", "no numpy", "Expected rows of numbers"),
        ("x.npz", "no zip", "Expected rows of numbers"),
        ("x.txt", "1", "ending in .npy, .npz or .csv"),
    ],
)
def test_bad_data_is_one_line_and_writes_nothing(
    name: str,
    content: str,
    message: str,
    bundle: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / name).write_text(content)
    assert run("encode", bundle, tmp_path / name, "-o", tmp_path / "codes.npy") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert {path.name for path in tmp_path.iterdir()} == {"bundle", name}


def test_columns_are_left_out_and_arrays_chosen(
    bundle: Path, model: SparseAutoencoder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = ["a,b,kind,c,d", *(f"{a},{b},x,{c},{d}" for a, b, c, d in ROWS)]
    (tmp_path / "x.csv").write_text("\n".join(lines))
    codes = tmp_path / "new" / "codes.npy"
    assert run("encode", bundle, tmp_path / "x.csv", "-o", codes, "--drop", "kind") == 0
    np.testing.assert_allclose(np.load(codes), model.encode(ROWS), atol=1e-6)
    assert run("encode", bundle, tmp_path / "x.csv", "-o", tmp_path / "c.npy", "--drop", "z") == 2
    assert "columns a, b, kind, c, d, no z" in capsys.readouterr().err
    np.savez(tmp_path / "x.npz", one=ROWS.reshape(3, 2, 2), two=ROWS)
    assert run("encode", bundle, tmp_path / "x.npz", "-o", tmp_path / "c.npy") == 2
    assert "Remedy: --key with one of these" in capsys.readouterr().err
    assert run("encode", bundle, tmp_path / "x.npz", "-o", tmp_path / "c.npy", "--key", "one") == 0
    np.testing.assert_allclose(np.load(tmp_path / "c.npy"), model.encode(ROWS), atol=1e-6)


def test_a_wrong_target_or_source_is_refused(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("encode", bundle, tmp_path / "x.npy", "-o", tmp_path / "codes.npy") == 2
    assert "does not exist" in capsys.readouterr().err
    assert run("encode", bundle, tmp_path / "x.npy", "-o", tmp_path / "codes.txt") == 2
    assert "a file ending in .npy" in capsys.readouterr().err
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
    assert "the answers were not checked" in capsys.readouterr().out


def test_info_of_a_bare_file(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("info", bundle / "encoder.onnx") == 0
    assert capsys.readouterr().out.split() == ["input", "(4,)", "code", "(3,)"]


def test_drift_is_an_exit_status(
    model: SparseAutoencoder,
    rng: np.random.Generator,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bundle = export_encoder(model, tmp_path / "sampled", sample=rng.normal(size=(1000, 4)))
    np.save(tmp_path / "same.npy", rng.normal(size=(300, 4)))
    np.save(tmp_path / "other.npy", rng.normal(size=(300, 4)) + 2)
    assert run("drift", bundle, tmp_path / "same.npy", "--batch-rows", "100") == 0
    *batches, verdict = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in batches] == [
        "rows 0 to 99",
        "rows 100 to 199",
        "rows 200 to 299",
    ]
    assert verdict == "0 of 3 batches above the threshold, 0.03 expected by chance: no drift"
    assert run("drift", bundle, tmp_path / "other.npy", "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert found["drifted"] is True
    (batch,) = found["batches"]  # 44 rows do not fill another
    assert batch["rows"] == 256
    assert batch["score"] > batch["threshold"]
    assert set(batch["units"]) == {"0", "1", "2"}


def test_one_batch_of_many_above_the_threshold_is_chance() -> None:
    for batches in (1, 2, 15, 100):
        for count in range(min(batches, 9) + 1):
            assert cli._chance(count, batches, 0.01) == pytest.approx(
                scipy.stats.binom.sf(count - 1, batches, 0.01), abs=1e-12
            )
    assert cli._chance(10_500, 10**6, 0.01) == pytest.approx(
        scipy.stats.binom.sf(10_499, 10**6, 0.01), rel=0.01
    )


def test_drift_asks_for_a_sample_and_enough_rows(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "x.npy", np.ones((300, 4)))
    assert run("drift", bundle, tmp_path / "x.npy") == 2
    assert "exported without a sample" in capsys.readouterr().err
    assert run("drift", bundle, tmp_path / "x.npy", "--batch-rows", "0") == 2
    assert "`--batch-rows`. Expected a positive integer" in capsys.readouterr().err
