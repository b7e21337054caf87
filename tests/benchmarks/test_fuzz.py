"""Fuzz bundles, rows and data files, and test that the fuzzing finds faults."""

import shutil
import sys
from functools import partial
from pathlib import Path
from random import Random

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from fuzzing import harness
from fuzzing.__main__ import format_table
from fuzzing.bases import Base, build
from fuzzing.cases import cases
from fuzzing.judges import bundle, data
from fuzzing.judges.outcomes import CaseError, classify_failure
from keras_sparse_export import Encoder
from programs.misbehaving import misbehave

CASES = 300

pytestmark = [
    pytest.mark.fuzz,
    pytest.mark.one_backend,
    pytest.mark.skipif(sys.platform != "linux", reason="limits memory by way of /proc"),
]


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> list[Base]:
    return build(tmp_path_factory.mktemp("bases"), bomb_bytes=1 << 26)


def test_every_case_ends_in_an_answer_or_a_named_error(bases: list[Base], tmp_path: Path) -> None:
    work = harness.bind_judge(bases[0].folder.parent, 1)
    results = list(harness.run(range(CASES), work, tmp_path, workers=2))
    assert sorted(result.number for result in results) == list(range(CASES))
    assert [result for result in results if result.failed] == [], format_table(results)
    held = [result.holds for result in results if result.holds is not None]
    assert sum(held) >= len(held) / 2
    assert {result.kind for result in results} == set(cases.SHARES)
    assert list(tmp_path.glob("[0-9]*")) == []


def test_a_case_is_the_same_again(bases: list[Base], tmp_path: Path) -> None:
    def write_case(folder: Path, number: int) -> dict[str, bytes]:
        folder.mkdir()
        case = cases.prepare(1, number, bases, folder)
        contents = {
            str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*.*")
        }
        return {"what": case.what.encode(), **contents}

    numbers = [number for number in range(60) if draw_kind(number) in ("golden", "weights", "data")]
    assert len(numbers) > 5
    for number in numbers:
        first, second = (write_case(tmp_path / f"{number}{run}", number) for run in "ab")
        assert first == second


def draw_kind(number: int) -> str:
    """Return the kind of a case, which is the first value that it draws."""
    return Random(f"1/{number}").choices(list(cases.SHARES), list(cases.SHARES.values()))[0]


# That it finds faults --------------------------------------------------------------------------


def change_weight(base: Base, folder: Path) -> Path:
    """Copy a bundle, change a weight, and make the hashes consistent."""
    shutil.copytree(base.bundle, folder)
    model = onnx.load(folder / "encoder.onnx")
    weights = max(model.graph.initializer, key=lambda tensor: len(tensor.raw_data))
    values = numpy_helper.to_array(weights) * np.float32(1.01)
    weights.CopyFrom(numpy_helper.from_array(values, weights.name))
    onnx.save(model, folder / "encoder.onnx")
    cases.seal(folder)
    assert cases.hashes_hold(folder)
    return folder


def test_wrong_codes_are_seen_where_nobody_compares_them(bases: list[Base], tmp_path: Path) -> None:
    base = next(base for base in bases if base.name == "whole")
    folder = change_weight(base, tmp_path / "bundle")
    steps = bundle.judge(base, folder, "checked")
    assert "golden" in steps.detail
    with pytest.raises(CaseError, match="wrong: codes of golden rows: off by"):
        bundle.judge(base, folder, "checked", partial(Encoder, check=False))


def test_half_a_file_is_seen(
    bases: list[Base], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rows.csv").write_text("x\n")
    assert "Expected rows" in data.judge(bases[0], tmp_path / "rows.csv", "npy", [], False).detail
    monkeypatch.setattr(Path, "unlink", lambda *arguments, **options: None)
    shutil.rmtree(tmp_path / "codes")
    with pytest.raises(CaseError, match=r"leftover: .*codes.npy.keras-sparse-new"):
        data.judge(bases[0], tmp_path / "rows.csv", "npy", [], False)


def test_an_operator_that_got_through_is_seen(bases: list[Base], tmp_path: Path) -> None:
    model = onnx.load(bases[0].bundle / "encoder.onnx")
    bundle.require_harmless(bases[0].bundle / "encoder.onnx")
    model.graph.node.append(onnx.helper.make_node("RandomNormal", [], ["unused"]))
    onnx.save(model, tmp_path / "encoder.onnx")
    with pytest.raises(CaseError, match=r"wrong: opened, with .*RandomNormal"):
        bundle.require_harmless(tmp_path / "encoder.onnx")


def test_crashes_hangs_and_memory_are_seen(tmp_path: Path) -> None:
    # Only a hang is told by time, so only the two cases that never end have a short limit.
    hangs = list(harness.run([1, 2], misbehave, tmp_path, workers=2, seconds=0.5))
    assert [result.outcome for result in hangs] == ["hang", "hang"]
    results = sorted(harness.run([0, 3, 4, 5, 6], misbehave, tmp_path, workers=2))
    assert [result.outcome for result in results] == [
        *("crash", "memory", "unnamed", "answer", "answer"),
    ]
    assert "SIGSEGV" in results[0].detail
    assert "KeyError" in results[2].detail
    assert 190 << 20 <= results[3].memory < 300 << 20
    assert results[4].memory < 100 << 20


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (ValueError("Expected rows. Received: none"), None),
        (ValueError("cannot reshape array"), "unnamed"),
        (KeyError("Expected rows. Received: none"), "unnamed"),
        (ValueError("Expected rows. Received: \x1b[2J"), "unnamed"),
        (ValueError("Expected rows. Received: " + "x" * 10_000), "unnamed"),
        (RuntimeError("std::bad_alloc"), "memory"),
    ],
)
def test_errors_without_a_name(error: Exception, outcome: str | None) -> None:
    assert classify_failure(error) == outcome


def test_memory_is_seen_behind_a_named_error() -> None:
    error = ValueError("Expected a model. Received: none")
    error.__cause__ = MemoryError()
    assert classify_failure(error) == "memory"
