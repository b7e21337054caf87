import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from keras_sparse.training.checkpoint import storage
from keras_sparse.training.checkpoint.storage import CheckpointError

ARRAYS = {
    "a/0": np.arange(6, dtype=np.float32).reshape(2, 3),
    "b": np.array(3),
    "names": np.array(["x", "longer"]),
    "half": np.arange(4).astype(ml_dtypes.bfloat16),
    "scalar half": np.array(1.5, ml_dtypes.bfloat16),
    "quarter": np.arange(3).astype(ml_dtypes.float8_e4m3fn),
}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def fail_with(number: int) -> Callable[..., None]:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number))

    return fail


def test_what_was_written_is_read_to_the_bit(tmp_path: Path) -> None:
    state = {"epoch": 3, "loss": [0.1, float("inf")], "none": None, "big": 2**100}
    assert storage.write(tmp_path / "new" / "kept", state, ARRAYS) == 0
    found = storage.read(tmp_path / "new" / "kept")
    assert found is not None
    assert found[0] == state
    assert found[1].keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert (found[1][name].dtype, found[1][name].shape) == (array.dtype, array.shape)
        assert found[1][name].tobytes() == array.tobytes()


def test_the_one_before_is_kept_and_leftovers_of_killed_writes_go(tmp_path: Path) -> None:
    (tmp_path / ".000007.new").mkdir()
    (tmp_path / ".000007.new" / "arrays.npz").write_bytes(b"half")
    (tmp_path / "notes.txt").write_text("the user's")
    for epoch in range(4):
        storage.write(tmp_path, {"epoch": epoch}, ARRAYS)
        assert (storage.read(tmp_path) or ({},))[0] == {"epoch": epoch}
    assert names(tmp_path) == ["000002", "000003", "notes.txt"]
    storage.remove(tmp_path)
    assert names(tmp_path) == ["notes.txt"]
    assert not storage.exists(tmp_path)


def test_a_checkpoint_of_another_process_is_not_written_over(tmp_path: Path) -> None:
    mine = storage.write(tmp_path, {"of": "mine"}, ARRAYS, known=storage.newest(tmp_path))
    storage.write(tmp_path, {"of": "another"}, ARRAYS)
    with pytest.raises(storage.CheckpointError, match="000001, which another process wrote"):
        storage.write(tmp_path, {"of": "mine"}, ARRAYS, known=mine)
    assert names(tmp_path) == ["000000", "000001"]
    with pytest.raises(storage.CheckpointError, match="000001, which"):  # it began anew
        storage.write(tmp_path, {"of": "mine"}, ARRAYS, known=7)
    storage.remove(tmp_path)  # by hand, say: nobody else is there
    assert storage.write(tmp_path, {"of": "mine"}, ARRAYS, known=mine) == 0


def test_without_one_there_is_none(tmp_path: Path) -> None:
    assert storage.read(tmp_path / "nowhere") is None
    (tmp_path / ".000000.new").mkdir()  # killed while the first was written
    assert storage.read(tmp_path) is None
    storage.remove(tmp_path / "nowhere")


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-20])


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 4
    file.write_bytes(content)


def another_epoch(file: Path) -> None:
    record = json.loads(file.read_text())
    record["state"] = record["state"].replace(": ", ": 7")
    file.write_text(json.dumps(record))


def another_format(file: Path) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), "format": 9}))


@pytest.mark.parametrize(
    ("name", "damage", "fault"),
    [
        ("arrays.npz", cut, "arrays.npz was changed after it was written"),
        ("arrays.npz", flip, "arrays.npz was changed after it was written"),
        ("arrays.npz", Path.unlink, "No such file"),
        ("state.json", cut, "Unterminated string|Expecting|Invalid"),
        ("state.json", Path.unlink, "No such file"),
        ("state.json", another_epoch, "state.json was changed after it was written"),
        ("state.json", another_format, "format 9, not 1"),
    ],
)
def test_a_damaged_one_gives_way_to_the_one_before(
    name: str, damage: Callable[[Path], None], fault: str, tmp_path: Path
) -> None:
    for epoch in range(2):
        storage.write(tmp_path, {"epoch": epoch}, ARRAYS)
    damage(tmp_path / "000001" / name)
    with pytest.warns(UserWarning, match=f"000001 is damaged .*({fault})") as told:
        found = storage.read(tmp_path)
    assert "the one before it, 000000" in str(told[0].message)
    assert found is not None
    assert found[0] == {"epoch": 0}
    damage(tmp_path / "000000" / name)
    with pytest.raises(CheckpointError, match=r"000001, damaged .*000000, damaged .*Remedy"):
        storage.read(tmp_path)
    assert names(tmp_path) == ["000000", "000001"]  # nothing is removed


@pytest.mark.parametrize("place", ["savez", "write_text", "fsync", "rename"])
def test_a_full_disk_leaves_the_one_before(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage.write(tmp_path, {"epoch": 0}, ARRAYS)
    owner: Any = {"savez": np, "write_text": Path, "fsync": os, "rename": Path}[place]
    with monkeypatch.context() as patch:
        patch.setattr(owner, place, fail_with(errno.ENOSPC))
        with pytest.raises(OSError, match=r"Expected space .*: 3.\d+e-05 MB.* unchanged") as told:
            storage.write(tmp_path, {"epoch": 1}, {"x": np.zeros(4), "y": np.zeros(1, "V1")})
    assert told.value.errno == errno.ENOSPC
    assert str(tmp_path) in str(told.value)
    assert names(tmp_path) == ["000000"]
    assert (storage.read(tmp_path) or ({},))[0] == {"epoch": 0}


@pytest.mark.skipif(os.name != "posix", reason="needs fsync on a folder")
def test_all_is_on_disk_before_the_name_and_the_name_before_the_return(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[tuple[str, int, int]] = []
    fsync, rename = os.fsync, os.rename

    def watched_fsync(descriptor: int) -> None:
        status = os.fstat(descriptor)
        events.append(("fsync", status.st_ino, status.st_size))
        fsync(descriptor)

    def watched_rename(source: Any, target: Any, *arguments: Any, **options: Any) -> None:
        events.append(("rename", os.stat(source).st_ino, 0))
        rename(source, target, *arguments, **options)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(os, "rename", watched_rename)
    storage.write(tmp_path, {"epoch": 0}, ARRAYS)
    kept = tmp_path / "000000"
    moved = events.index(("rename", kept.stat().st_ino, 0))
    before = {(inode, size) for event, inode, size in events[:moved] if event == "fsync"}
    for name in ("arrays.npz", "state.json"):  # whole, not a part of them
        status = (kept / name).stat()
        assert (status.st_ino, status.st_size) in before
    assert kept.stat().st_ino in {inode for inode, _ in before}
    after = {inode for event, inode, _ in events[moved:] if event == "fsync"}
    assert tmp_path.stat().st_ino in after


def test_a_folder_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"Cannot write a checkpoint in .*file"):
        storage.write(tmp_path / "file" / "kept", {}, ARRAYS)
    monkeypatch.setattr(os, "fsync", fail_with(errno.EROFS))
    with pytest.raises(OSError, match=r"Cannot write a checkpoint in .*Read-only file system"):
        storage.write(tmp_path, {}, ARRAYS)
    assert names(tmp_path) == ["file"]


def test_objects_are_neither_written_nor_read(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="allow_pickle=False"):
        storage.write(tmp_path, {}, {"code": np.array([print], dtype=object)})
    assert names(tmp_path) == []


KILLED_WRITER = """
import sys, pathlib, numpy as np
from keras_sparse.training.checkpoint import storage as checkpoints
for number in range(10**9):
    checkpoints.write(pathlib.Path(sys.argv[1]), {"n": number}, {"x": np.full(200_000, number)})
    print(number, flush=True)
"""


@pytest.mark.process
def test_a_writer_that_is_killed_leaves_a_whole_one(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED_WRITER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            last = int(line)
            if last == 20:
                process.kill()
    found = storage.read(tmp_path)
    assert found is not None
    state, arrays = found
    assert state["n"] in (last, last + 1)
    np.testing.assert_array_equal(arrays["x"], np.full(200_000, state["n"]))
