import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from keras_sparse_export.bundle import transaction
from keras_sparse_export.bundle.transaction import replace_folder, require_target
from keras_sparse_export.io import files

pytestmark = pytest.mark.one_backend

MARKER = "manifest.json"


def write(path: Path, text: str, *, overwrite: bool = False) -> None:
    with replace_folder(path, marker=MARKER, overwrite=overwrite) as folder:
        (folder / MARKER).write_text(text)


def test_a_new_folder_in_a_new_place(tmp_path: Path) -> None:
    write(tmp_path / "a" / "b" / "bundle", "1")
    assert (tmp_path / "a" / "b" / "bundle" / MARKER).read_text() == "1"
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["bundle"]


def test_an_empty_folder_may_be_filled(tmp_path: Path) -> None:
    (tmp_path / "bundle").mkdir()
    write(tmp_path / "bundle", "1")
    assert (tmp_path / "bundle" / MARKER).read_text() == "1"


def test_replacing_asks_for_overwrite_and_for_one_of_the_kind(tmp_path: Path) -> None:
    write(tmp_path / "bundle", "1")
    with pytest.raises(FileExistsError, match=r"which exists. Remedy: overwrite=True"):
        write(tmp_path / "bundle", "2")
    write(tmp_path / "bundle", "2", overwrite=True)
    assert (tmp_path / "bundle" / MARKER).read_text() == "2"
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "me.jpg").touch()
    (tmp_path / "file").touch()
    for path in (tmp_path / "photos", tmp_path / "file"):
        with pytest.raises(FileExistsError, match="which holds something else"):
            write(path, "3", overwrite=True)
    assert (tmp_path / "photos" / "me.jpg").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"bundle", "photos", "file"}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_while_writing_leaves_what_was_there(
    error: type[BaseException], tmp_path: Path
) -> None:
    write(tmp_path / "bundle", "1")

    def fail() -> None:
        with replace_folder(tmp_path / "bundle", marker=MARKER, overwrite=True) as folder:
            (folder / MARKER).write_text("2")
            raise error

    with pytest.raises(error):
        fail()
    assert (tmp_path / "bundle" / MARKER).read_text() == "1"
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
@pytest.mark.parametrize("failing", [1, 2])
def test_the_old_folder_is_put_back_when_a_rename_fails(
    failing: int, error: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "bundle", "1")
    rename, calls = os.rename, 0

    def failing_once(*arguments: Any, **options: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == failing:
            raise error
        rename(*arguments, **options)

    monkeypatch.setattr(os, "rename", failing_once)
    with pytest.raises(error):
        write(tmp_path / "bundle", "2", overwrite=True)
    assert calls >= failing
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]
    assert (tmp_path / "bundle" / MARKER).read_text() == "1"
    write(tmp_path / "bundle", "3", overwrite=True)
    assert (tmp_path / "bundle" / MARKER).read_text() == "3"


@pytest.mark.process
def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    write(tmp_path / "bundle", "1")
    code = f"""
        import resource
        from pathlib import Path
        from keras_sparse_export.bundle.transaction import replace_folder

        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        with replace_folder(
            Path({str(tmp_path / "bundle")!r}), marker={MARKER!r}, overwrite=True
        ) as folder:
            (folder / {MARKER!r}).write_bytes(bytes(2000))
    """
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True
    )
    assert "OSError" in result.stderr
    assert (tmp_path / "bundle" / MARKER).read_text() == "1"
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


STEPS = ["mkdir", "write_text", "sync_tree", "rename 1", "rename 2", "rmtree"]


@pytest.mark.process
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_kill_at_any_moment_leaves_one_complete_copy(
    step: str, moment: str, tmp_path: Path
) -> None:
    """The process is killed around one call of the file system; a copy is whole, the next mends."""
    path = tmp_path / "bundle"
    write(path, "1")
    code = f"""
        import os, shutil, signal
        from pathlib import Path
        from keras_sparse_export.bundle import transaction

        name, _, count = {step!r}.partition(" ")
        calls = 0
        owner = {{"rmtree": shutil, "sync_tree": transaction}}.get(name, Path)
        original = getattr(owner, name)

        def killed(*args, **kwargs):
            global calls
            calls += 1
            now = calls == int(count or 1)
            if now and {moment!r} == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            result = original(*args, **kwargs)
            if now:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        setattr(owner, name, killed)
        with transaction.replace_folder(
            Path({str(path)!r}), marker={MARKER!r}, overwrite=True
        ) as folder:
            (folder / {MARKER!r}).write_text("2")
    """
    result = subprocess.run([sys.executable, "-c", textwrap.dedent(code)])
    assert result.returncode == -signal.SIGKILL
    copies = [
        file.read_text()
        for folder in (path, tmp_path / ".bundle.keras-sparse-old")
        if (file := folder / MARKER).exists()
    ]
    assert copies
    assert set(copies) <= {"1", "2"}
    with pytest.raises(FileExistsError, match="which exists"):
        require_target(path, overwrite=False)
    assert [each.name for each in tmp_path.iterdir()] == ["bundle"]
    assert (path / MARKER).read_text() in copies
    write(path, "3", overwrite=True)
    assert (path / MARKER).read_text() == "3"
    assert [each.name for each in tmp_path.iterdir()] == ["bundle"]


def test_the_last_copy_survives_a_folder_that_was_made_in_its_place(tmp_path: Path) -> None:
    """A kill between the two renames, then `mkdir -p` by a script or a volume that is mounted."""
    path, previous = tmp_path / "bundle", tmp_path / ".bundle.keras-sparse-old"

    def interrupt() -> None:
        write(path, "1", overwrite=True)
        path.rename(previous)
        path.mkdir()

    def fail() -> None:
        with replace_folder(path, marker=MARKER, overwrite=True):
            raise RuntimeError("midway")

    interrupt()
    with pytest.raises(RuntimeError, match="midway"):
        fail()
    assert (path / MARKER).read_text() == "1"
    assert list(tmp_path.iterdir()) == [path]
    interrupt()
    with pytest.raises(FileExistsError, match="which exists"):
        write(path, "2")
    write(path, "2", overwrite=True)
    assert (path / MARKER).read_text() == "2"
    assert list(tmp_path.iterdir()) == [path]
    interrupt()
    (path / "notes.txt").touch()
    with pytest.raises(FileExistsError, match=r"last complete copy is .*bundle.keras-sparse-old"):
        write(path, "2", overwrite=True)
    assert (previous / MARKER).read_text() == "1"
    assert (path / "notes.txt").exists()


def test_an_old_folder_that_was_partly_removed_is_no_obstacle(tmp_path: Path) -> None:
    """A kill while the old folder is removed, after its marker."""
    path, previous = tmp_path / "bundle", tmp_path / ".bundle.keras-sparse-old"
    write(path, "2")
    previous.mkdir()
    (previous / "encoder.onnx").touch()
    write(path, "3", overwrite=True)
    assert (path / MARKER).read_text() == "3"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("overwrite", [True, False])
@pytest.mark.parametrize("existed", [True, False])
def test_files_that_arrive_while_writing_are_kept(
    existed: bool, overwrite: bool, tmp_path: Path
) -> None:
    path = tmp_path / "bundle"
    if existed:
        path.mkdir()

    def write_meanwhile(name: str) -> None:
        with replace_folder(path, marker=MARKER, overwrite=overwrite) as folder:
            (folder / MARKER).write_text("1")
            path.mkdir(exist_ok=True)
            (path / name).write_text("precious")

    with pytest.raises(FileExistsError, match="which holds something else"):
        write_meanwhile("notes.txt")
    assert (path / "notes.txt").read_text() == "precious"
    (path / "notes.txt").unlink()
    if overwrite:
        write_meanwhile(MARKER)
    else:
        with pytest.raises(FileExistsError, match="which exists"):
            write_meanwhile(MARKER)
    assert (path / MARKER).read_text() == ("1" if overwrite else "precious")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("fails", [True, False])
def test_a_target_that_vanishes_while_writing_hides_no_error(fails: bool, tmp_path: Path) -> None:
    path = tmp_path / "bundle"
    write(path, "1")

    def write_meanwhile() -> None:
        with replace_folder(path, marker=MARKER, overwrite=True) as folder:
            (folder / MARKER).write_text("2")
            (path / MARKER).unlink()
            path.rmdir()
            if fails:
                raise RuntimeError("midway")

    if fails:
        with pytest.raises(RuntimeError, match="midway"):
            write_meanwhile()
        assert list(tmp_path.iterdir()) == []
    else:
        write_meanwhile()
        assert (path / MARKER).read_text() == "2"


def test_a_mounted_volume_is_refused_before_anything_is_written() -> None:
    with pytest.raises(FileExistsError, match=r"volume is mounted. Remedy: a folder within it"):
        require_target(Path(Path.cwd().anchor), overwrite=True)


def test_a_file_at_the_temporary_name_is_named_with_a_remedy(tmp_path: Path) -> None:
    (stray := tmp_path / ".bundle.keras-sparse-new").touch()
    with pytest.raises(FileExistsError, match=r"keras-sparse-new, a file .* Remedy: remove it"):
        write(tmp_path / "bundle", "1")
    stray.unlink()
    write(tmp_path / "bundle", "1")


def test_links_at_the_temporary_names_are_not_followed(tmp_path: Path) -> None:
    (victim := tmp_path / "victim").mkdir()
    (victim / MARKER).write_text("precious")
    for role in ("new", "old"):
        (link := tmp_path / f".bundle.keras-sparse-{role}").symlink_to(victim)
        if role == "new":
            with pytest.raises(FileExistsError, match=r"a file or a link. Remedy: remove it"):
                write(tmp_path / "bundle", "1")
            link.unlink()
        else:
            write(tmp_path / "bundle", "1")
    assert (tmp_path / "bundle" / MARKER).read_text() == "1"
    assert not (tmp_path / "bundle").is_symlink()
    assert [file.name for file in victim.iterdir()] == [MARKER]


@pytest.mark.skipif(os.name != "posix", reason="needs fsync on a folder")
def test_files_reach_the_disk_before_the_folder_takes_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    sync = files.sync_tree

    def watched(folder: Path) -> None:
        seen.append((tmp_path / "b").exists())
        sync(folder)

    monkeypatch.setattr(transaction, "sync_tree", watched)
    write(tmp_path / "b", "1")
    assert seen == [False]


def test_folders_of_others_beside_the_target_are_left_alone(tmp_path: Path) -> None:
    for name in (".bundle.old", ".bundle.new", ".bundle.keras-sparse-old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "precious").touch()
    write(tmp_path / "bundle", "1")
    assert len(list(tmp_path.glob(".bundle*/precious"))) == 3


def test_a_second_writer_is_refused_and_harms_nothing(tmp_path: Path) -> None:
    with replace_folder(tmp_path / "bundle", marker=MARKER, overwrite=False) as folder:
        with pytest.raises(FileExistsError, match="another process is writing now"):
            require_target(tmp_path / "bundle", overwrite=True)
        (folder / MARKER).write_text("1")
    assert (tmp_path / "bundle" / MARKER).read_text() == "1"


def test_a_link_keeps_leading_to_the_folder(tmp_path: Path) -> None:
    write(tmp_path / "real", "1")
    (tmp_path / "link").symlink_to("real")
    write(tmp_path / "link", "2", overwrite=True)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / MARKER).read_text() == "2"
    assert {path.name for path in tmp_path.iterdir()} == {"link", "real"}
