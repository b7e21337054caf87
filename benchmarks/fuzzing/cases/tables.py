"""Write hostile files for the command: rows in .npy, .npz, .csv and .jsonl, samples in .wav."""

import io
import json
import os
import pickle
import shutil
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np

from fuzzing.bases import Base
from fuzzing.cases.files import draw_bytes

Write = Callable[[Random, Base, Path], str]
"""Writes an invalid or odd file and returns a description of its content."""
WORDS = (
    *("", "x", "nan", "inf", "-inf", "1e999", "-1e39", "1e39", "0x10", "1_000", "１２", "1,5"),
    *("--1", "1d5", "1e", ".", "+", "True", "null", "9" * 400, "9" * 5000, "x" * 200_000),
    *("1" + "0" * 200_000, '"1"', '"1', '"a,b"', "'1'", "\0", "1\0", "\x1b[2J", "1\r", " 1 "),
    *("\t1", "#1", "\u20281"),
)
JSON_VALUES = (
    *("NaN", "Infinity", "1e999", "null", "true", '"1"', '"x"', "[]", "{}", "[1]", "-", "01"),
    *("1.", "", "9" * 400, "9" * 5000, "9" * 100_000, "1e-400", "-0", '"\\ud800"', '{"x": 1}'),
    "[[[[1]]]]",
)
HEADERS = (
    "{'descr': '|O', 'fortran_order': False, 'shape': (16, 12), }",
    "{'descr': '<U5', 'fortran_order': False, 'shape': (16, 12), }",
    "{'descr': '<c8', 'fortran_order': False, 'shape': (16, 12), }",
    "{'descr': '<M8[s]', 'fortran_order': False, 'shape': (16, 12), }",
    "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (16, 12), }",
    "{'descr': [('a', '<f4', (2**30,))], 'fortran_order': False, 'shape': (16, 12), }",
    "{'descr': '<f4', 'fortran_order': True, 'shape': (16, 12), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 12), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (16, 0), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 12), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (17, 12), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (15, 12), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (300000000, 12), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 12), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (" + "9" * 400 + ", 12), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (16.0, 12), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (True, 12), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (" + "1," * 100 + "), }",
    "{'descr': '<f4', 'fortran_order': 'x', 'shape': (16, 12), }",
    "{'descr': '>f4', 'fortran_order': False, 'shape': (16, 12), }",
    "{'descr': '<f2', 'fortran_order': False, 'shape': (32, 12), }",
    "{'descr': '<f16', 'fortran_order': False, 'shape': (4, 12), }",
    "{'descr': '|V0', 'fortran_order': False, 'shape': (16, 12), }",
    "{'descr': 'x', 'fortran_order': False, 'shape': (16, 12), }",
    "{'descr': '<f4', 'shape': (16, 12), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (16, 12), 'more': 1}",
    "[" * 150 + "]" * 150,
    "(" * 9000,
    "__import__('os').abort()",
    "{'descr': __import__('os').abort(), 'fortran_order': False, 'shape': (16, 12), }",
    "\0",
    "",
)


def encode_npy(x: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, x)
    return stream.getvalue()


# Arrays ----------------------------------------------------------------------------------------


def build_npy(text: str, data: bytes, *, version: int = 1, length: int | None = None) -> bytes:
    header = text.encode("latin-1", "replace")
    size = len(header) if length is None else length
    field = size.to_bytes(2 if version == 1 else 4, "little")
    return b"\x93NUMPY" + bytes([version, 0]) + field + header + data


def build_odd_npy(rng: Random, x: np.ndarray) -> bytes:
    how = rng.choice(("header", "header", "header", "length", "version", "pickle", "bytes", "cut"))
    data = encode_npy(x)
    if how == "header":
        return build_npy(rng.choice(HEADERS), x.tobytes(), version=rng.choice((1, 2)))
    if how == "length":
        length = rng.choice((0, 1, 60_000, 65_535, 2**31, 2**32 - 1))
        return build_npy(HEADERS[6], x.tobytes(), version=1 + (length > 65_535), length=length)
    if how == "version":
        return data[:6] + bytes([rng.choice((0, 2, 3, 4, 255)), rng.choice((0, 1))]) + data[8:]
    if how == "pickle":
        objects = io.BytesIO()
        np.save(objects, np.array([{"x": 1}], object), allow_pickle=True)
        return rng.choice((pickle.dumps(x), pickle.dumps(os.abort), objects.getvalue()))
    if how == "cut":
        return data[: rng.choice((0, 3, 6, 9, 60, len(data) - 1, rng.randrange(len(data))))]
    return damage(rng, data)


def damage(rng: Random, data: bytes) -> bytes:
    for _ in range(rng.choice((1, 1, 4))):
        run, at = draw_bytes(rng, data), rng.randrange(len(data))
        data = data[:at] + run + data[at + rng.choice((0, len(run), 1)) :]
    return data


def write_npy(rng: Random, base: Base, file: Path) -> str:
    file.write_bytes(build_odd_npy(rng, base.answers["x"]))
    return "odd .npy"


def write_npz(rng: Random, base: Base, file: Path) -> str:
    x = base.answers["x"]
    how = rng.choice(("arrays", "member", "member", "damaged", "cut", "names", "twice"))
    compression = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2))
    with zipfile.ZipFile(file, "w", compression) as archive:
        if how == "arrays":
            for name in rng.choice((("a", "b"), ("x", "y"), ("x_train", "x_test"), ())):
                archive.writestr(f"{name}.npy", encode_npy(x))
        elif how == "names":
            name = rng.choice(
                ("../x.npy", "/x.npy", "x", "x.npy.npy", "é.npy", "x" * 60_000, ".npy")
            )
            archive.writestr(name, encode_npy(x))
        else:
            archive.writestr("x.npy", build_odd_npy(rng, x) if how == "member" else encode_npy(x))
            if how == "twice":
                archive.writestr("X.npy", b"x")
    data = file.read_bytes()
    if how == "damaged":
        file.write_bytes(damage(rng, data))
    elif how == "cut":
        file.write_bytes(data[: rng.randrange(len(data))])
    return f"odd .npz: {how}"


def write_bomb(rng: Random, base: Base, file: Path) -> str:
    shutil.copy(base.bomb, file)
    return "an archive of arrays that are far larger than it is"


# Text ------------------------------------------------------------------------------------------


def _join_lines(rng: Random, lines: list[str]) -> bytes:
    """The lines as a file, written in an odd way."""
    end = rng.choice(("\n", "\n", "\n", "\r\n", "\r", "\n\n", "\x85", "\u2028", "\n \n"))
    data = (end.join(lines) + rng.choice((end, ""))).encode("utf-8", "surrogatepass")
    how = rng.choice(
        ("plain", "plain", "plain", "bom", "utf-16", "damaged", "cut", "invalid", "NUL")
    )
    if not data:
        return data
    if how == "bom":
        return b"\xef\xbb\xbf" + data
    if how == "utf-16":
        return data.decode("utf-8", "replace").encode("utf-16")
    if how == "damaged":
        return damage(rng, data)
    if how == "cut":
        return data[: rng.randrange(len(data))]
    if how in ("invalid", "NUL"):
        at = rng.randrange(len(data))
        return data[:at] + rng.choice((b"\xff", b"\xc3", b"\0")) + data[at:]
    return data


def write_csv(rng: Random, base: Base, file: Path) -> str:
    x = base.answers["x"]
    cells = [[repr(float(value)) for value in row] for row in x.reshape(len(x), -1)]
    if rng.random() < 0.3:
        cells.insert(0, [f"c{number}" for number in range(len(cells[0]))])
    how = rng.choice(("word", "word", "words", "row", "long", "quotes", "empty", "same"))
    row = rng.randrange(len(cells))
    if how in ("word", "words"):
        for _ in range(1 if how == "word" else 20):
            some = rng.choice(cells)
            some[rng.randrange(len(some))] = rng.choice(WORDS)
    elif how == "row":
        cells[row] = rng.choice(([], cells[row][:-1], cells[row] * 2, cells[row] * 2000, ["", ""]))
    elif how == "long":
        cells[row] = [rng.choice(("1", "x", " ")) * rng.choice((200_000, 8_000_000))]
    elif how == "quotes":
        cells[row][0] = rng.choice(('"', '"1\n2"', '""1', '"' + cells[row][0]))
    elif how == "empty":
        cells = cells[: rng.choice((0, 0, 1))]
    file.write_bytes(_join_lines(rng, [",".join(each) for each in cells]))
    return f"odd .csv: {how}"


def write_jsonl(rng: Random, base: Base, file: Path) -> str:
    x = base.answers["x"]
    lines = [json.dumps(row.tolist()) for row in x]
    if rng.random() < 0.3:
        lines = [json.dumps({"x": row.tolist()}) for row in x]
    how = rng.choice(("value", "value", "line", "deep", "long", "split", "empty", "same"))
    at = rng.randrange(len(lines))
    if how == "value":
        begin, comma, rest = lines[at].rpartition(",")
        end = rest.strip(" -+.e0123456789")
        lines[at] = begin + comma + rng.choice(JSON_VALUES) + end
    elif how == "line":
        lines[at] = rng.choice(
            ('{"y": [1]}', "[]", "{}", "1", "null", '"x"', "[[1], [2, 3]]", "]", lines[at] + "]",
             "[" + lines[at] + "]", lines[at] + "," + lines[at], '{"x": ' + lines[at],
             '{"x": null}', lines[at] + " x")
        )  # fmt: skip
    elif how == "deep":
        depth = rng.choice((20, 70, 990, 1100, 100_000))
        lines[at] = "[" * depth + lines[at] + "]" * depth
    elif how == "long":
        lines[at] = "[" + "1," * rng.choice((100_000, 4_000_000)) + "1]"
    elif how == "split":
        half = len(lines[at]) // 2
        lines[at : at + 1] = [lines[at][:half], lines[at][half:]]
    elif how == "empty":
        lines = []
    file.write_bytes(_join_lines(rng, lines))
    return f"odd .jsonl: {how}"


# Samples ---------------------------------------------------------------------------------------

NUMBERS_16 = (0, 1, 2, 3, 7, 8, 16, 24, 32, 64, 1000, 0xFFFE, 0xFFFF)
NUMBERS_32 = (0, 1, 15, 16, 17, 0x7FFFF000, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF)


def write_wav(rng: Random, base: Base, file: Path) -> str:
    """Write a recording, of which the header has some other numbers, or other bytes."""
    x = base.answers["x"]
    channels = x.shape[-1] if x.ndim == 3 else 1
    data, form = x.astype("<f4").tobytes(), [3, channels, 8000, 32000, 4 * channels, 32]
    sizes, how = [16, len(data)], rng.choice(("form", "form", "size", "damaged", "cut", "same"))
    if how == "form":
        place = rng.randrange(len(form))
        form[place] = rng.choice(NUMBERS_32 if place in (2, 3) else NUMBERS_16)
    elif how == "size":
        sizes[rng.randrange(2)] = rng.choice(NUMBERS_32)
    chunks = b"fmt " + struct.pack("<IHHIIHH", sizes[0], *form)
    chunks = rng.choice((b"", b"LIST\3\0\0\0odd\0")) + chunks
    body = b"WAVE" + chunks + b"data" + struct.pack("<I", sizes[1])
    whole = b"RIFF" + struct.pack("<I", len(body + data)) + body + data
    if how == "damaged":
        head = damage(rng, whole[:60])
        whole = head + whole[60:]
    elif how == "cut":
        whole = whole[: rng.randrange(len(whole))]
    file.write_bytes(whole)
    return f"odd .wav: {how}"


KINDS: dict[str, tuple[str, Write]] = {
    "npy": ("npy", write_npy),
    "npz": ("npz", write_npz),
    "bomb": ("npz", write_bomb),
    "csv": ("csv", write_csv),
    "jsonl": ("jsonl", write_jsonl),
    "wav": ("wav", write_wav),
}
"""Their endings, and what writes them."""
SHARES = (4, 4, 1, 6, 6, 4)
