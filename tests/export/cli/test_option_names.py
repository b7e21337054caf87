import re
from pathlib import Path

import numpy as np
import pytest

from keras_sparse import L1, SparseAutoencoder
from keras_sparse_export import export_encoder
from keras_sparse_export.cli.main import _make_parser, main
from keras_sparse_export.cli.option_names import list_options, name_options

pytestmark = pytest.mark.one_backend

COMMANDS = {
    "encode": ["x.npy", "-o", "c.npy"],
    "errors": ["x.npy", "-o", "e.csv"],
    "drift": ["x.npy"],
    "serve": [],
    "web": ["-o", "site"],
    "verify": [],
    "info": [],
    "bench": [],
    "ort": ["-o", "out"],
    "quantize": ["--calibration", "x.npy"],
}
PYTHON = re.compile(r"`[a-z]\w*`|(?<![\w-])[a-z]+\w*=|True|None")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_named(command: str) -> None:
    parser = _make_parser().parse_args([command, "b", *COMMANDS[command]]).parser
    names = list_options(parser)
    for action in parser._actions:
        expected = action.option_strings[-1] if action.option_strings else action.metavar
        message = f"Invalid value for argument `{action.dest}`. Received: {action.dest}='a b'"
        found = name_options(message, names)
        assert found == f"Invalid value for argument `{expected}`. Received: {expected} 'a b'"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = SparseAutoencoder(4, 3, sparsity=L1(), normalization=None)
    return export_encoder(model, tmp_path_factory.mktemp("bundle") / "b")


@pytest.mark.parametrize(
    "line",
    [
        "encode {} x.npy -o c.npy --threads 0",
        "encode {} x.npy -o c.npy --variant int8",
        "encode {} x.npy -o c.npy --threshold -1",
        "encode {} x.npy -o c.npy --batch-rows 0",
        "encode {} x.npy -o c.npy --drop q",
        "quantize {} --calibration x.npy",
    ],
)
def test_errors_speak_of_options(
    line: str,
    bundle: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", np.ones((20, 4)))
    command = line.format(bundle).split()
    assert main(command) in (1, 2)
    (said,) = capsys.readouterr().err.splitlines()
    assert not PYTHON.search(said), said
