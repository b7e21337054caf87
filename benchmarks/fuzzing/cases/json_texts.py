"""Manifests that are hard on a reader of JSON: twice, deep, huge, no JSON."""

import json
from collections.abc import Callable
from pathlib import Path
from random import Random

from fuzzing.cases.files import Mutation
from fuzzing.cases.manifests import OTHERS


def edit_text(change: Callable[[Random, bytes], bytes]) -> Mutation:
    """A mutation of files out of one of the manifest's bytes."""

    def mutation(rng: Random, folder: Path) -> str:
        file = folder / "manifest.json"
        file.write_bytes(change(rng, file.read_bytes()))
        return change.__name__.replace("_", " ")

    mutation.__name__ = change.__name__
    return mutation


def _insert_value(rng: Random, data: bytes, value: bytes) -> bytes:
    """The object with another value for a key, or for a new one."""
    key = rng.choice((b"more", b"format", b"statistics", b"files", b"int8", b"threshold"))
    end = data.rindex(b"}")
    return data[:end] + b',"' + key + b'":' + value + data[end:]


def repeat_key(rng: Random, data: bytes) -> bytes:
    manifest = json.loads(data)
    key = rng.choice(sorted(manifest))
    other = rng.choice((manifest[key], *OTHERS, {**manifest["files"], "encoder.onnx": {}}))
    member = json.dumps({key: other})[1:-1].encode()
    if rng.random() < 0.5:
        return b"{" + member + b"," + data[data.index(b"{") + 1 :]
    end = data.rindex(b"}")
    return data[:end] + b"," + member + data[end:]


def nest_deeply(rng: Random, data: bytes) -> bytes:
    depth = rng.choice((100, 900, 990, 1100, 10_000, 200_000, 5_000_000))
    begin, inside, end = rng.choice(((b"[", b"", b"]"), (b'{"a":', b"0", b"}")))
    return _insert_value(rng, data, begin * depth + inside + end * depth)


def insert_huge_value(rng: Random, data: bytes) -> bytes:
    size = rng.choice((1 << 20, 4 << 20, 20 << 20))
    unit = rng.choice((b"0,", b"[],", b"{},", b'"x",', b'"\\u0041",', b"1e5,", b"  "))
    return _insert_value(rng, data, b"[" + unit * (size // len(unit)) + b"0]")


def insert_huge_text(rng: Random, data: bytes) -> bytes:
    return _insert_value(
        rng, data, b'"' + rng.choice((b"x", b"\\ud800", b"\\\\")) * 2_000_000 + b'"'
    )


def insert_many_keys(rng: Random, data: bytes) -> bytes:
    entry = b'{"sha256":"' + b"0" * 64 + b'","size":1}'
    value = rng.choice((b"0", entry))
    count = rng.choice((1000, 150_000))
    return _insert_value(
        rng, data, b"{" + b",".join(b'"%d":%b' % (n, value) for n in range(count)) + b"}"
    )


def insert_long_number(rng: Random, data: bytes) -> bytes:
    number = rng.choice((b"9" * 400, b"9" * 5000, b"9" * 3_000_000, b"0." + b"9" * 1_000_000))
    return _insert_value(rng, data, rng.choice((number, b"-" + number, b"1e" + number[:6])))


def insert_invalid_number(rng: Random, data: bytes) -> bytes:
    return _insert_value(
        rng, data, rng.choice((b"NaN", b"-Infinity", b"1e999", b"01", b"+1", b"0x1"))
    )


def add_byte_order_mark(rng: Random, data: bytes) -> bytes:
    return b"\xef\xbb\xbf" + data


def change_encoding(rng: Random, data: bytes) -> bytes:
    encoding = rng.choice(("utf-16", "utf-16-le", "utf-32", "utf-7", "cp037"))
    return data.decode().encode(encoding)


def break_encoding(rng: Random, data: bytes) -> bytes:
    at = data.index(b'"') + 1
    return data[:at] + rng.choice((b"\xff", b"\xc3", b"\xed\xa0\x80", b"\0", b"\n")) + data[at:]


def add_text(rng: Random, data: bytes) -> bytes:
    more = rng.choice((b"x", data, b"\0", b"/* */", b",", b"}"))
    return data + more if rng.random() < 0.5 else more + data


def replace_text(rng: Random, data: bytes) -> bytes:
    return rng.choice(
        (b"", b" ", b"null", b"[]", b"{}", b'"x"', b"1", b"\0", data[: len(data) // 2],
         data.replace(b'"', b"'"), data.replace(b",\n", b",,\n", 1), data.replace(b"}", b",}"),
         b'{"format": 1}', b'{"format": 2}', b'{"format": 3}', b'{"format": true}',
         b'{"format": 2.0}', b'{"format": 2, "requires": ["sealed-box"]}')
    )  # fmt: skip


JSON_TEXTS: tuple[Mutation, ...] = (
    *map(
        edit_text,
        (
            repeat_key,
            repeat_key,
            nest_deeply,
            nest_deeply,
            insert_huge_value,
            insert_huge_text,
            insert_many_keys,
            insert_long_number,
        ),
    ),
    *map(
        edit_text,
        (
            insert_invalid_number,
            insert_invalid_number,
            add_byte_order_mark,
            change_encoding,
            break_encoding,
        ),
    ),
    *map(edit_text, (add_text, replace_text, replace_text)),
)
