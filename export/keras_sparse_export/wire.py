"""Protobuf's wire format, read without a copy and without trust."""

from collections.abc import Iterator

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
MAX_VARINT_BYTES = 10
BLOCK = 1 << 16
SMALL = bytes(range(128))
"""Bytes that end a varint."""

Field = tuple[int, int, int | memoryview]
"""Number, wire type, and the value: of `LENGTH` its bytes, of the others a number."""


class WireError(ValueError):
    """Bytes that are no protobuf message, with what stands in the way."""


def fields(message: memoryview) -> Iterator[Field]:
    """The fields of a message, in their order.

    Raises:
        WireError: If the bytes end too early or are none.
    """
    place, end = 0, len(message)
    while place < end:
        key, place = varint(message, place)
        number, kind = key >> 3, key & 7
        if not 0 < number < 1 << 29:
            raise WireError(f"field number {number}")
        if kind == VARINT:
            value, place = varint(message, place)
            yield number, kind, value
            continue
        if kind == LENGTH:
            size, place = varint(message, place)
        elif kind in (FIXED32, FIXED64):
            size = 4 if kind == FIXED32 else 8
        else:
            raise WireError(f"wire type {kind}")
        if size > end - place:
            raise WireError(f"{size} bytes where {end - place} are left")
        chunk = message[place : place + size]
        place += size
        yield number, kind, chunk if kind == LENGTH else int.from_bytes(chunk, "little")


def varint(message: memoryview, place: int) -> tuple[int, int]:
    """An unsigned number of up to 64 bits, and the place behind it.

    Raises:
        WireError: If it does not end, or is larger.
    """
    value = 0
    for count, byte in enumerate(message[place : place + MAX_VARINT_BYTES]):
        value |= (byte & 127) << 7 * count
        if byte < 128:
            if value >> 64:
                raise WireError("a number of more than 64 bits")
            return value, place + count + 1
    raise WireError("a number that does not end")


def signed(value: int) -> int:
    """The same 64 bits as a signed number."""
    return value - (1 << 64) if value >> 63 else value


def packed_varints(chunk: memoryview) -> list[int]:
    """Numbers that lie one behind the other.

    Raises:
        WireError: As `varint`.
    """
    place, found = 0, []
    while place < len(chunk):
        value, place = varint(chunk, place)
        found.append(value)
    return found


def count_varints(chunk: memoryview) -> int:
    """How many there are, without looking at each.

    Raises:
        WireError: If the last does not end.
    """
    if len(chunk) and chunk[-1] > 127:
        raise WireError("a number that does not end")
    blocks = (bytes(chunk[start : start + BLOCK]) for start in range(0, len(chunk), BLOCK))
    return sum(len(block) - len(block.translate(None, SMALL)) for block in blocks)


# Writing ---------------------------------------------------------------------------------------


def as_varint(value: int) -> bytes:
    """A number from 0 up."""
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    found.append(value)
    return bytes(found)


def number_field(number: int, value: int) -> bytes:
    """A field that holds a number from 0 up."""
    return as_varint(number << 3 | VARINT) + as_varint(value)


def bytes_field(number: int, value: bytes | memoryview | str) -> bytes:
    """A field that holds bytes, a text or a message."""
    data = value.encode() if isinstance(value, str) else bytes(value)
    return as_varint(number << 3 | LENGTH) + as_varint(len(data)) + data
