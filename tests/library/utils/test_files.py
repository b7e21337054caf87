from pathlib import Path

import pytest

from keras_sparse.utils import files
from keras_sparse.utils.files import replace_file


def test_a_file_is_replaced_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "new" / f"{'m' * 249}.keras"
    for text in ("one", "two"):
        with replace_file(path) as staging:
            assert staging.suffix == ".keras"
            staging.write_text(text)
        assert path.read_text() == text
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("old")

    def write() -> None:
        with replace_file(path) as staging:
            staging.write_text("a part")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write()
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["table.csv"]


def test_the_disk_holds_the_file_before_it_takes_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "table.csv"
    synced: list[tuple[str, bool]] = []
    monkeypatch.setattr(files, "sync", lambda file: synced.append((file.name, path.exists())))
    with replace_file(path) as staging:
        staging.write_text("new")
    assert synced == [(staging.name, False), (tmp_path.name, True)]


def test_two_writers_have_a_file_each_and_the_last_one_wins_whole(tmp_path: Path) -> None:
    path, victim = tmp_path / "report.html", tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / ".report.keras-sparse-new.html").symlink_to(victim)  # a name that can be guessed
    with replace_file(path) as one:
        one.write_text("one")
        with replace_file(path) as two:
            two.write_text("2")
        assert path.read_text() == "2"
    assert path.read_text() == "one"
    assert victim.read_text() == "precious"
    (usual := tmp_path / "usual").touch()
    assert path.stat().st_mode == usual.stat().st_mode
