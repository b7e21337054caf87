"""What the commands that take rows alone say of recordings."""

from pathlib import Path

import pytest

from bundles import WINDOWS, export_windows, make_signal, write_wav
from keras_sparse_export.cli import main

pytestmark = pytest.mark.one_backend


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Path]:
    folder = tmp_path_factory.mktemp("exported")
    return {
        own: export_windows(folder / f"bundle-{own}", WINDOWS if own else None, decoder=True)
        for own in (True, False)
    }


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("command", ["errors", "drift", "quantize"])
def test_recordings_are_refused_where_rows_are_taken(
    command: str,
    own: bool,
    bundles: dict[bool, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    option, output = {
        "errors": ([], ["-o", str(tmp_path / "errors.csv")]),
        "drift": ([], []),
        "quantize": (["--calibration"], []),
    }[command]
    file = write_wav(tmp_path / "a.wav", make_signal(400))
    cut = "encoder.windows" if own else "Windows(window, hop)"
    for source in (file, tmp_path):
        assert main.main([command, str(bundles[own]), *option, str(source), *output]) == 2
        told = capsys.readouterr().err
        name = "--calibration" if option else "DATA"
        assert f"Invalid value for argument `{name}`. Expected rows in a file: of the " in told
        assert f"Received: {source}. Remedy: a .npy of the rows, which {cut}.cut(samples)" in told
    assert [each.name for each in tmp_path.iterdir()] == ["a.wav"]
