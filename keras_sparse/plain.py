"""Plain Python values and arrays as JSON and arrays, and back; never code, so never pickle."""

import zlib
from typing import Any

import numpy as np
from keras import ops

LARGE = 1 << 22
"""Bytes above which a look at an array is a look at a part of it."""
GENERATORS = ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")


class NotPlainError(TypeError):
    """A value that is no number, string, array or random generator, nor a collection of these."""


def packed(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    """What JSON can hold of a value; its arrays join `arrays` under names that it refers to.

    Numbers, strings, `None` and lists stand for themselves; a dictionary with one key says what
    else it stands for.

    Raises:
        NotPlainError: If it holds something else.
    """
    if value is None or type(value) in (bool, int, float, str):
        return value
    if type(value) is list:
        return [packed(each, arrays) for each in value]
    if type(value) is tuple:
        return {"tuple": [packed(each, arrays) for each in value]}
    if type(value) is set:  # whose own order differs between equal sets
        return {"set": [packed(each, arrays) for each in sorted(value, key=repr)]}
    if type(value) is dict:
        pairs = value.items()
        return {"dict": [[packed(key, arrays), packed(each, arrays)] for key, each in pairs]}
    name = getattr(value, "__name__", "")
    if name and getattr(ops, name, None) is value:
        return {"op": name}  # by which Keras' callbacks compare
    if isinstance(value, np.random.Generator):
        return {"generator": packed(value.bit_generator.state, arrays)}
    if isinstance(value, (np.ndarray, np.generic)):
        array = np.asarray(value)
        if array.dtype.hasobject or array.dtype.names:
            raise NotPlainError(f"an array of {array.dtype}")
        name = f"value_{len(arrays)}"
        arrays[name] = array
        return {"array" if isinstance(value, np.ndarray) else "scalar": name}
    raise NotPlainError(type(value).__name__)


def unpacked(json: Any, arrays: dict[str, np.ndarray]) -> Any:
    """The value that `packed` made this of."""
    if isinstance(json, list):
        return [unpacked(each, arrays) for each in json]
    if not isinstance(json, dict):
        return json
    ((kind, content),) = json.items()
    if kind == "array":
        return arrays[content].copy()
    if kind == "scalar":
        return arrays[content][()]
    if kind == "op":
        return getattr(ops, content)
    if kind == "generator":
        return _generator(unpacked(content, arrays))
    if kind == "dict":
        return {unpacked(key, arrays): unpacked(each, arrays) for key, each in content}
    return {"tuple": tuple, "set": set}[kind](unpacked(each, arrays) for each in content)


def fingerprint(value: Any) -> Any:
    """Something equal for equal values; `None` for what is not plain.

    Of an array of more than 4 MB, that it is the same object with the same numbers at places spread
    over it.
    """
    arrays: dict[str, np.ndarray] = {}
    try:
        json = packed(value, arrays)
    except NotPlainError:
        return None
    return repr(json), [_of_array(array) for array in arrays.values()]


def checksum(array: np.ndarray) -> int:
    """CRC-32 of the numbers of an array."""
    return zlib.crc32(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)


def _of_array(array: np.ndarray) -> tuple[Any, ...]:
    if array.nbytes <= LARGE:
        return array.dtype.name, array.shape, checksum(array)
    step = -(-len(array) // 256)
    return id(array), checksum(array[::step])


def _generator(state: dict[str, Any]) -> np.random.Generator:
    name = state["bit_generator"]
    if name not in GENERATORS:
        raise NotPlainError(f"a random generator {name}")
    found = np.random.Generator(getattr(np.random, name)())
    found.bit_generator.state = state
    return found
