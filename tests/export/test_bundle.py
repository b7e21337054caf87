import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from keras_sparse_export import bundle
from keras_sparse_export.bundle import replaced_folder, require_target

MARKER = "manifest.json"


def write(path: Path, text: str, *, overwrite: bool = False) -> None:
    with replaced_folder(path, marker=MARKER, overwrite=overwrite) as folder:
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
        with replaced_folder(tmp_path / "bundle", marker=MARKER, overwrite=True) as folder:
            (folder / MARKER).write_text("2")
            raise error

    with pytest.raises(error):
        fail()
    assert (tmp_path / "bundle" / MARKER).read_text() == "1"
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    write(tmp_path / "bundle", "1")
    code = f"""
        import resource
        from pathlib import Path
        from keras_sparse_export.bundle import replaced_folder

        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        with replaced_folder(
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


STEPS = ["mkdir", "write_text", "_sync", "rename 1", "rename 2", "rmtree"]


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
        from keras_sparse_export import bundle

        name, _, count = {step!r}.partition(" ")
        calls = 0
        owner = {{"rmtree": shutil, "_sync": bundle}}.get(name, Path)
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
        with bundle.replaced_folder(
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


@pytest.mark.skipif(os.name != "posix", reason="needs fsync on a folder")
def test_files_reach_the_disk_before_the_folder_takes_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    sync = bundle._sync

    def watched(folder: Path) -> None:
        seen.append((tmp_path / "b").exists())
        sync(folder)

    monkeypatch.setattr(bundle, "_sync", watched)
    write(tmp_path / "b", "1")
    assert seen == [False]


def test_folders_of_others_beside_the_target_are_left_alone(tmp_path: Path) -> None:
    for name in (".bundle.old", ".bundle.new", ".bundle.keras-sparse-old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "precious").touch()
    write(tmp_path / "bundle", "1")
    assert len(list(tmp_path.glob(".bundle*/precious"))) == 3


def test_a_second_writer_is_refused_and_harms_nothing(tmp_path: Path) -> None:
    with replaced_folder(tmp_path / "bundle", marker=MARKER, overwrite=False) as folder:
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
