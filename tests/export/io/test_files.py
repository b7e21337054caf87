import errno
import os
import stat
import sys
from pathlib import Path

import pytest

from keras_sparse_export.io.files import ABANDONED_SECONDS, lock, replace_file


def test_a_file_is_replaced_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "new" / f"{'c' * 251}.csv"
    with replace_file(path) as staging:
        staging.write_text("1")
        assert not path.exists()
    with replace_file(path) as staging:
        staging.write_text("2")
        assert path.read_text() == "1"
    assert path.read_text() == "2"
    assert list(path.parent.iterdir()) == [path]


def test_an_error_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    path.write_text("1")

    def fail() -> None:
        with replace_file(path) as staging:
            staging.write_text("2")
            raise RuntimeError("midway")

    with pytest.raises(RuntimeError, match="midway"):
        fail()
    assert path.read_text() == "1"
    assert list(tmp_path.iterdir()) == [path]


def test_of_two_writers_the_last_one_to_finish_wins_whole(tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    with replace_file(path) as one:
        one.write_text("one")
        with replace_file(path) as two:
            assert two != one
            two.write_text("2")
        assert path.read_text() == "2"
    assert path.read_text() == "one"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("links", [True, False], ids=["hard links", "no hard links"])
def test_a_writer_of_a_new_file_is_told_of_another(
    links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise PermissionError("not on this file system")

    if not links:
        monkeypatch.setattr(Path, "hardlink_to", fail)
    path = tmp_path / "codes.csv"

    def write_slowly() -> None:
        with replace_file(path, overwrite=False) as one:
            one.write_text("one")
            with replace_file(path, overwrite=False) as two:
                two.write_text("2")

    with pytest.raises(FileExistsError, match=r"`--output`. Expected a new file"):
        write_slowly()
    assert path.read_text() == "2"
    assert list(tmp_path.iterdir()) == [path]
    assert path.stat().st_nlink == 1


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of another kind")
def test_a_planted_link_is_not_followed_and_permissions_are_the_usual_ones(tmp_path: Path) -> None:
    path, victim, usual = tmp_path / "codes.csv", tmp_path / "victim", tmp_path / "usual"
    victim.write_text("precious")
    usual.touch()
    names = set()
    for _ in range(2):
        with replace_file(path) as staging:
            assert stat.S_ISREG(staging.lstat().st_mode)  # created, and by nobody else
            staging.write_text("codes")
        assert path.stat().st_mode == usual.stat().st_mode
        staging.symlink_to(victim)  # at a name that has been used
        os.utime(staging, (0, 0), follow_symlinks=False)
        names.add(staging)
    assert len(names) == 2
    with replace_file(path) as staging:
        staging.write_text("codes")
    assert victim.read_text() == "precious"


@pytest.mark.skipif(sys.platform == "win32", reason="no locks")
def test_what_a_killed_writer_left_is_removed_by_the_next(tmp_path: Path) -> None:
    path = tmp_path / "codes[1].csv"
    left, used, new, other = (
        tmp_path / f".{name}.keras-sparse-new"
        for name in ("0.codes[1].csv", "1.codes[1].csv", "2.codes[1].csv", "0.codes1.csv")
    )
    for file in (left, used, other):
        file.touch()
        os.utime(file, (0, file.stat().st_mtime - 2 * ABANDONED_SECONDS))
    new.touch()  # perhaps not locked yet
    with lock(used), replace_file(path) as staging:
        staging.write_text("codes")
    assert set(tmp_path.iterdir()) == {path, used, new, other}


@pytest.mark.skipif(sys.platform == "win32", reason="no locks")
@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK])
def test_a_file_system_without_locks(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files are written, and those of others kept: nothing shows whether they are in use."""
    import fcntl

    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", fail)
    path, other = tmp_path / "codes.csv", tmp_path / ".0.codes.csv.keras-sparse-new"
    other.touch()
    os.utime(other, (0, 0))
    with replace_file(path) as staging:
        staging.write_text("codes")
    assert path.read_text() == "codes"
    assert set(tmp_path.iterdir()) == {path, other}


@pytest.mark.skipif(sys.platform == "win32", reason="no locks")
def test_files_are_locked_where_only_files_that_may_be_written_can_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NFS turns these locks into those of byte ranges."""
    import fcntl

    flock = fcntl.flock

    def strict(descriptor: int, operation: int) -> None:
        if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", strict)
    with replace_file(tmp_path / "codes.csv") as staging:
        staging.write_text("codes")
    assert (tmp_path / "codes.csv").read_text() == "codes"
