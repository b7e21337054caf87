import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_sparse.cli import entry
from keras_sparse.cli.arguments import build_parser
from keras_sparse.cli.commands import ACTIONS
from keras_sparse.cli.reading import read_data
from keras_sparse.data.arrays import DataError
from keras_sparse.data.tables import read_table

pytest.importorskip("pyarrow", reason="reads CSV")
pytestmark = pytest.mark.one_backend


def read(*arguments: Any) -> Any:
    return read_data(build_parser(ACTIONS, "").parse_args([*map(str, arguments)]))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    lines = [f"10:0{n};{n},5;{'AB'[n % 2]};{'' if n == 3 else n}" for n in range(9)]
    (tmp_path / "x.csv").write_text("\n".join(["time;flow;pump;level", *lines]))
    return tmp_path / "x.csv"


@pytest.mark.parametrize("command", ["train", "sweep"])
def test_the_options_reach_the_table(command: str, file: Path) -> None:
    options = ["--drop", "time", "--one-hot", "pump", "--missing", "skip", "--decimal", ","]
    with pytest.warns(UserWarning, match=r"1 of 9 rows"):
        table = read(command, file, "-o", "r", *options, "--delimiter", ";")
    assert table.columns == ("flow", "pump=A", "pump=B", "level")
    assert table.rows.shape == (8, 4)
    table = read(command, file, "-o", "r", "--columns", "flow", "--decimal", ",", "--header", "yes")
    np.testing.assert_array_equal(table.rows[:, 0], np.arange(9) + 0.5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--label", "time"], r"Expected labels of at least two classes"),
        (["--groups", "level"], r"`groups`. Expected one for each row. Received: none in row 3"),
        (["--missing", "error"], r"missing cells in 11 % of the rows"),
    ],
)
def test_what_no_training_takes_is_refused(options: list[str], message: str, file: Path) -> None:
    columns = ["--columns", "flow" if options[0] != "--missing" else "flow,level"]
    with pytest.raises(DataError, match=message):
        read("train", file, "-o", "r", "--decimal", ",", *columns, *options)


def test_lost_digits_are_found(tmp_path: Path) -> None:
    np.savetxt(tmp_path / "x.csv", 1.7e9 + np.arange(20.0)[:, None], header="t", comments="")
    with pytest.raises(DataError, match=r"float32 can resolve.*with --drop t"):
        read("train", tmp_path / "x.csv", "-o", "r")


def test_a_sample_has_the_categories_of_its_run(file: Path, tmp_path: Path) -> None:
    model = tmp_path / "run" / "model.keras"
    model.parent.mkdir()
    export = ["export", model, "-o", "b", "--sample", file, "--columns", "flow,pump"]
    export += ["--decimal", ",", "--one-hot", "pump"]
    assert read(*export).columns == ("flow", "pump=A", "pump=B")
    (model.parent / "run.json").write_text(json.dumps({"categories": {"pump": ["A", "B", "C"]}}))
    assert read(*export).columns == ("flow", "pump=A", "pump=B", "pump=C")
    (model.parent / "run.json").write_text(json.dumps({"categories": {"pump": ["A"]}}))
    with pytest.raises(DataError, match=r"Received: 'B', first in row 1"):
        read(*export)


@pytest.mark.parametrize("record", ["run.json", "sweep.json"])
def test_a_sample_is_read_as_its_run_read_its_rows(record: str, file: Path, tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="1 of 9 rows"):
        table = read_table(file, drop=["time"], one_hot=["pump"], missing="skip", decimal=",")
    assert table.options is not None
    about = {name: getattr(table, name) for name in ("columns", "categories", "options")}
    model = tmp_path / "s" / "points" / "p" / "model.keras"
    model.parent.mkdir(parents=True)
    place = model.parent if record == "run.json" else tmp_path / "s"
    (place / record).write_text(json.dumps(about))
    more = tmp_path / "more.csv"  # has a column that the run did not know, and another order
    more.write_text("note;pump;level;flow\nx;B;1;0,5\ny;B;;1,5\nz;B;2;2,5\n")
    with pytest.warns(UserWarning, match="1 of 3 rows"):
        sample = read("export", model, "-o", "b", "--sample", more)
    assert sample.columns == table.columns
    np.testing.assert_array_equal(sample.rows, [[0.5, 0, 1, 1], [2.5, 0, 1, 2]])
    np.save(tmp_path / "x.npy", sample.rows)  # has no columns to choose
    assert read("export", model, "-o", "b", "--sample", tmp_path / "x.npy").rows.shape == (2, 4)
    given = read(
        "export", model, "-o", "b", "--sample", more, "--missing", "mean", "--drop", "note"
    )
    assert given.rows.shape == (3, 4)


def test_a_command_without_a_table_reads_none() -> None:
    assert read("report", "run") is None
    assert read("export", "model.keras", "-o", "b") is None
    with pytest.raises(ValueError, match=r"`--one-hot`. Expected it only with --sample"):
        read("export", "model.keras", "-o", "b", "--one-hot", "pump")


@pytest.mark.process
def test_a_bad_table_is_refused_before_a_backend_loads(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("t,a\n10:00,1\n10:01,2\n")
    for command, message in (("train", "--drop t"), ("sweep", "--drop t")):
        result = subprocess.run(
            [sys.executable, "-X", "importtime", str(entry.__file__), command,
             str(tmp_path / "x.csv"), "-o", str(tmp_path / "r")],
            capture_output=True, text=True, env=os.environ,
        )  # fmt: skip
        assert result.returncode == 2
        lines = result.stderr.splitlines()
        assert message in lines[-1]
        modules = {line.split("|")[-1].strip() for line in lines[:-1]}
        assert "pyarrow" in modules
        assert modules.isdisjoint({"keras", "tensorflow", "jax", "torch", "sklearn"})
