"""Mutate files of any content: bytes, whole files, links, pipes and folders."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

Mutation = Callable[[Random, Path], str]
"""Changes the bundle in a folder and returns a description of the change."""
DEVICES = ("/dev/zero", "/dev/null", "/dev/urandom", "/dev/full")


def choose_file(rng: Random, folder: Path) -> Path:
    """Choose a file of the bundle; ONNX files and golden rows more often than the card."""
    files = sorted(file for file in folder.iterdir() if file.name != "README.md")
    return rng.choice(files) if rng.random() < 0.97 else folder / "README.md"


def draw_bytes(rng: Random, data: bytes) -> bytes:
    """Draw some bytes: zeros, ones, random bytes, or bytes of the same file."""
    length = rng.choice((1, 2, 4, 16, 64, 1000))
    start = rng.randrange(len(data) + 1)
    return rng.choice(
        (b"\0" * length, b"\xff" * length, rng.randbytes(length), data[start : start + length])
    )


# Bytes -----------------------------------------------------------------------------------------


def flip_bits(rng: Random, folder: Path) -> str:
    file = choose_file(rng, folder)
    data = bytearray(file.read_bytes())
    count = rng.choice((1, 1, 1, 2, 8, 64))
    for _ in range(count):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    file.write_bytes(data)
    return f"{count} bits of {file.name}"


def change_run(rng: Random, folder: Path) -> str:
    file = choose_file(rng, folder)
    data, how = file.read_bytes(), rng.choice(("over", "in", "out"))
    run, start = draw_bytes(rng, data), rng.randrange(len(data))
    end = start if how == "in" else start + len(run)
    file.write_bytes(data[:start] + (b"" if how == "out" else run) + data[end:])
    return f"{len(run)} bytes {how} at {start} of {file.name}"


def truncate(rng: Random, folder: Path) -> str:
    file = choose_file(rng, folder)
    size = file.stat().st_size
    kept = rng.choice((0, 1, size // 2, size - 1, size - 4, rng.randrange(size)))
    os.truncate(file, max(0, kept))
    return f"{file.name} cut to {kept} of {size} bytes"


def extend(rng: Random, folder: Path) -> str:
    file = choose_file(rng, folder)
    data = file.read_bytes()
    more = rng.choice((b"\0", b"\0" * 4, rng.randbytes(1000), data, b" " * (1 << 20)))
    file.write_bytes(data + more)
    return f"{file.name} longer by {len(more)} bytes"


# Whole files -----------------------------------------------------------------------------------


def remove(rng: Random, folder: Path) -> str:
    file = choose_file(rng, folder)
    file.unlink()
    return f"no {file.name}"


def swap(rng: Random, folder: Path) -> str:
    a, b = choose_file(rng, folder), choose_file(rng, folder)
    data = a.read_bytes()
    a.write_bytes(b.read_bytes())
    b.write_bytes(data)
    return f"{a.name} and {b.name} swapped"


def duplicate(rng: Random, folder: Path) -> str:
    a, b = choose_file(rng, folder), choose_file(rng, folder)
    b.write_bytes(a.read_bytes())
    return f"{a.name} also as {b.name}"


def rename(rng: Random, folder: Path) -> str:
    file = choose_file(rng, folder)
    file.rename(folder / rng.choice((file.name.upper(), file.name + " ", "." + file.name)))
    return f"{file.name} under another name"


def add(rng: Random, folder: Path) -> str:
    what = rng.choice(("many", "fifo", "bytes", "folder"))
    if what == "many":
        for number in range(300):
            (folder / f"more_{number}").write_bytes(b"")
    elif what == "fifo":
        os.mkfifo(folder / "more")
    elif what == "bytes":
        Path(os.fsdecode(os.fsencode(folder) + b"/\xff\xfe\n")).write_bytes(b"x")
    else:
        (folder / "more" / "inside").mkdir(parents=True)
    return f"unlisted files: {what}"


# Links, pipes and folders ----------------------------------------------------------------------


def link_inside(rng: Random, folder: Path) -> str:
    file, other = choose_file(rng, folder), choose_file(rng, folder)
    if file == other or rng.random() < 0.5:
        other = file.rename(folder / "moved")
    else:
        file.unlink()
    file.symlink_to(rng.choice((Path(other.name), other)))
    return f"{file.name} links to {other.name}"


def link_outside(rng: Random, folder: Path) -> str:
    """Link out of the bundle, or out and back in, which looks like outside by name."""
    file, outside = choose_file(rng, folder), folder.parent / "outside"
    outside.mkdir()
    target = Path(shutil.move(file, outside / file.name))
    how = rng.choice(("absolute", "relative", "hard", "through a folder"))
    if how == "hard":
        os.link(target, file)
    elif how == "through a folder":
        (folder / "door").symlink_to(outside)
        file.symlink_to(Path("door") / file.name)
    else:
        file.symlink_to(target if how == "absolute" else Path("..", "outside", file.name))
    return f"{file.name} links outside, {how}"


def link_to_device(rng: Random, folder: Path) -> str:
    file, device = choose_file(rng, folder), rng.choice(DEVICES)
    file.unlink()
    file.symlink_to(device)
    return f"{file.name} links to {device}"


def link_loop(rng: Random, folder: Path) -> str:
    file = choose_file(rng, folder)
    file.unlink()
    target = rng.choice((file.name, "turn", "nothing", "."))
    file.symlink_to(target)
    (folder / "turn").symlink_to(file.name)
    return f"{file.name} links to {target}"


def link_bundle(rng: Random, folder: Path) -> str:
    folder.rename(folder.with_name("behind"))
    folder.symlink_to("behind")
    return "the bundle is a link"


def replace_by_pipe(rng: Random, folder: Path) -> str:
    file = choose_file(rng, folder)
    file.unlink()
    os.mkfifo(file)
    return f"{file.name} is a FIFO"


def replace_by_folder(rng: Random, folder: Path) -> str:
    file = choose_file(rng, folder)
    data = file.read_bytes()
    file.unlink()
    file.mkdir()
    if rng.random() < 0.5:
        (file / file.name).write_bytes(data)
    return f"{file.name} is a folder"


BYTES: tuple[Mutation, ...] = (flip_bits, flip_bits, change_run, change_run, truncate, extend)
FILES: tuple[Mutation, ...] = (remove, swap, swap, duplicate, duplicate, rename, add)
LINKS: tuple[Mutation, ...] = (
    link_inside,
    link_outside,
    link_outside,
    link_to_device,
    link_loop,
    link_bundle,
    replace_by_pipe,
    replace_by_folder,
)
