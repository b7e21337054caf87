"""Read untrusted protobuf messages without copying them, and write fields."""

from collections.abc import Iterator

from keras_sparse_export.errors import WireError

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
MAX_VARINT_BYTES = 10
BLOCK = 1 << 16
SMALL = bytes(range(128))
"""Byte values that end a varint."""

Field = tuple[int, int, int | memoryview]
"""Field number, wire type and value: bytes for `LENGTH`, otherwise a number."""


def read_fields(message: memoryview) -> Iterator[Field]:
    """Yield the fields of a message in order.

    Raises:
        WireError: If the bytes are truncated or are not a message.
    """
    place, end = 0, len(message)
    while place < end:
        key, place = read_varint(message, place)
        number, kind = key >> 3, key & 7
        if not 0 < number < 1 << 29:
            raise WireError(f"field number {number}")
        if kind == VARINT:
            value, place = read_varint(message, place)
            yield number, kind, value
            continue
        if kind == LENGTH:
            size, place = read_varint(message, place)
        elif kind in (FIXED32, FIXED64):
            size = 4 if kind == FIXED32 else 8
        else:
            raise WireError(f"wire type {kind}")
        if size > end - place:
            raise WireError(f"{size} bytes where {end - place} are left")
        chunk = message[place : place + size]
        place += size
        yield number, kind, chunk if kind == LENGTH else int.from_bytes(chunk, "little")


def read_varint(message: memoryview, place: int) -> tuple[int, int]:
    """Read an unsigned number of up to 64 bits; return it and the position after it.

    Raises:
        WireError: If the number does not end or has more than 64 bits.
    """
    value = 0
    for count, byte in enumerate(message[place : place + MAX_VARINT_BYTES]):
        value |= (byte & 127) << 7 * count
        if byte < 128:
            if value >> 64:
                raise WireError("a number of more than 64 bits")
            return value, place + count + 1
    raise WireError("a number that does not end")


def to_signed(value: int) -> int:
    """Reinterpret an unsigned 64-bit number as signed."""
    return value - (1 << 64) if value >> 63 else value


def read_packed_varints(chunk: memoryview) -> list[int]:
    """Read consecutive varints.

    Raises:
        WireError: As `read_varint`.
    """
    place, values = 0, []
    while place < len(chunk):
        value, place = read_varint(chunk, place)
        values.append(value)
    return values


def count_varints(chunk: memoryview) -> int:
    """Count consecutive varints without decoding them.

    Raises:
        WireError: If the last one does not end.
    """
    if len(chunk) and chunk[-1] > 127:
        raise WireError("a number that does not end")
    blocks = (bytes(chunk[start : start + BLOCK]) for start in range(0, len(chunk), BLOCK))
    return sum(len(block) - len(block.translate(None, SMALL)) for block in blocks)


# Writing ---------------------------------------------------------------------------------------


def encode_varint(value: int) -> bytes:
    """Encode a number ≥ 0 as a varint."""
    encoded = bytearray()
    while value > 127:
        encoded.append(value & 127 | 128)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def encode_number(number: int, value: int) -> bytes:
    """Encode a field with a number ≥ 0."""
    return encode_varint(number << 3 | VARINT) + encode_varint(value)


def encode_bytes(number: int, value: bytes | memoryview | str) -> bytes:
    """Encode a field with bytes, a string or a message."""
    data = value.encode() if isinstance(value, str) else bytes(value)
    return encode_varint(number << 3 | LENGTH) + encode_varint(len(data)) + data
