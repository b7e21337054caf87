import argparse
import re
from pathlib import Path

import numpy as np
import pytest

from keras_sparse.cli.arguments import build_parser
from keras_sparse.cli.commands import ACTIONS
from keras_sparse.cli.main import main
from keras_sparse.cli.option_names import list_options, name_options

pytestmark = pytest.mark.one_backend

COMMANDS = {
    "demo": [],
    "train": ["x.npy", "-o", "r"],
    "sweep": ["x.npy", "-o", "s"],
    "export": ["m.keras", "-o", "b"],
    "report": ["r"],
}
PYTHON = re.compile(r"`[a-z]\w*`|(?<![\w-])[a-z]+\w*=|True|None")


def parser_of(command: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser
    parser = build_parser(ACTIONS, "").parse_args([command, *COMMANDS[command]]).parser
    return parser


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_named(command: str) -> None:
    names = list_options(parser_of(command))
    for action in parser_of(command)._actions:
        expected = action.option_strings[-1] if action.option_strings else action.metavar
        message = f"Invalid value for argument `{action.dest}`. Received: {action.dest}=3. Remedy"
        found = name_options(message, names)
        assert found == f"Invalid value for argument `{expected}`. Received: {expected} 3. Remedy"


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("`beta`. Received: beta=-1.5", "`--strength`. Received: --strength -1.5"),
        ("Received: hidden_units=(8, 4). Remedy", "Received: --hidden-units 8,4. Remedy"),
        ("Remedy: overwrite=True (--overwrite)", "Remedy: --overwrite"),
        ("--decimal ',' (decimal=',') if", "--decimal ',' if"),
        ("--drop t (drop=['t']) to leave", "--drop t to leave"),
        ("Remedy: --l1 0.1 (grid={'l1': [0.1]})", "Remedy: --l1 0.1"),
        ("a batch (rows=3). Remedy: --drop t", "a batch (rows=3). Remedy: --drop t"),
        ("`target_l0`. Received: target_l0=None", "`--l0`. Received: no --l0"),
        ("Remedy: hidden_units=()", "Remedy: no --hidden-units"),
        (
            "Invalid value for argument `l0`. Expected an integer, or None. Received: True",
            "Invalid value for argument `--l0`. Expected an integer, or no --l0. Received: --l0",
        ),
        ("'seed=3' in column seed, BatchTopK(k=3)", "'seed=3' in column seed, BatchTopK(k=3)"),
        ("/runs/seed=3/x.csv, pump=A", "/runs/seed=3/x.csv, pump=A"),
        ("the package `pyarrow`", "the package `pyarrow`"),
    ],
)
def test_values_follow_their_options(message: str, expected: str) -> None:
    assert name_options(message, list_options(parser_of("train"))) == expected


def test_a_sweep_has_options_of_the_strengths() -> None:
    assert name_options("`beta`, `rho`", list_options(parser_of("sweep"))) == "`--beta`, `--rho`"


WRONG = [
    "train x.npy -o r --hold-out 2",
    "train x.npy -o r --code-dim 4 --l0 9",
    "train x.npy -o r --sparsity l1 --strength -1",
    "train x.npy -o r --sparsity kl --strength -1",
    "train x.npy -o r --sparsity kl --rho 2",
    "train x.npy -o r --sparsity kl --l0 3",
    "train x.npy -o r --l0 3 --strength 0.1",
    "train x.npy -o r --sparsity kl --rho-horizon -1",
    "train x.npy -o r --epochs 2 --strength 0.1 --warm-up 9",
    "train x.npy -o r --sparsity kl --revive 1",
    "train x.npy -o r --sparsity refined --hidden-units 8",
    "train x.npy -o r --devices 99",
    "train x.npy -o r --label q",
    "train x.npy -o r --key q",
    "train x.npy -o r --one-hot q",
    "train c.csv -o r",
    "train c.csv -o r --drop t --label t",
    "train c.csv -o r --drop t --groups q",
    "sweep x.npy -o s --l1 -1",
    "sweep x.npy -o s --beta 1 --rho 3",
    "sweep x.npy -o s --l0 9 --code-dim 4",
    "sweep x.npy -o s --sparsity zz",
    "sweep x.npy -o s --minutes -1",
    "sweep x.npy -o s --max-l0 -1",
    "sweep x.npy -o s --min-probe 0.5",
    "sweep x.npy -o s --trials 2 --warm",
    "report none",
    "report .",
    "export none.keras -o b --sample x.npy",
]


@pytest.mark.parametrize("line", WRONG)
def test_errors_speak_of_options(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", np.random.default_rng(0).normal(size=(60, 6)))
    rows = "".join(f"8:{row},{row},{row % 7}\n" for row in range(10, 60))
    Path("c.csv").write_text(f"t,flow,level\n{rows}")
    assert main(line.split()) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert not PYTHON.search(said), said
    assert sorted(file.name for file in tmp_path.iterdir()) == ["c.csv", "x.npy"]
