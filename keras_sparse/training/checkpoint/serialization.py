"""Convert Python values to JSON and arrays, and back; never code, so never pickle."""

from typing import Any

import numpy as np
from keras import ops

from keras_sparse.data.arrays import checksum

LARGE = 1 << 22
"""Bytes of an array above which its digest covers only a part of it."""
GENERATORS = ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")


class NotSerializableError(TypeError):
    """A value is no number, string, array or random generator, nor a collection of these."""


def pack(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    """Convert a value to JSON; its arrays are added to `arrays`, and the JSON refers to them.

    Numbers, strings, `None` and lists represent themselves; any other value is a dictionary with
    one key, which names its type.

    Raises:
        NotSerializableError: If the value, or a part of it, is not serializable.
    """
    if value is None or type(value) in (bool, int, float, str):
        return value
    if type(value) is list:
        return [pack(item, arrays) for item in value]
    if type(value) is tuple:
        return {"tuple": [pack(item, arrays) for item in value]}
    if type(value) is set:  # sorted: equal sets may iterate in different orders
        return {"set": [pack(item, arrays) for item in sorted(value, key=repr)]}
    if type(value) is dict:
        pairs = value.items()
        return {"dict": [[pack(key, arrays), pack(item, arrays)] for key, item in pairs]}
    name = getattr(value, "__name__", "")
    if name and getattr(ops, name, None) is value:
        return {"op": name}  # Keras' callbacks keep their comparison as an attribute
    if isinstance(value, np.random.Generator):
        return {"generator": pack(value.bit_generator.state, arrays)}
    if isinstance(value, (np.ndarray, np.generic)):
        array = np.asarray(value)
        if array.dtype.hasobject or array.dtype.names:
            raise NotSerializableError(f"an array of {array.dtype}")
        name = f"value_{len(arrays)}"
        arrays[name] = array
        return {"array" if isinstance(value, np.ndarray) else "scalar": name}
    raise NotSerializableError(type(value).__name__)


def unpack(json: Any, arrays: dict[str, np.ndarray]) -> Any:
    """Restore the value that `pack` converted."""
    if isinstance(json, list):
        return [unpack(item, arrays) for item in json]
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
        return _create_generator(unpack(content, arrays))
    if kind == "dict":
        return {unpack(key, arrays): unpack(item, arrays) for key, item in content}
    return {"tuple": tuple, "set": set}[kind](unpack(item, arrays) for item in content)


def digest(value: Any) -> Any:
    """A digest that is equal for equal values; `None` for a value that is not serializable.

    The digest of an array of more than 4 MB covers the identity of the object and evenly spaced
    rows alone.
    """
    arrays: dict[str, np.ndarray] = {}
    try:
        json = pack(value, arrays)
    except NotSerializableError:
        return None
    return repr(json), [_digest_array(array) for array in arrays.values()]


def _digest_array(array: np.ndarray) -> tuple[Any, ...]:
    if array.nbytes <= LARGE:
        return array.dtype.name, array.shape, checksum(np.atleast_1d(array))
    step = -(-len(array) // 256)
    return id(array), checksum(array[::step])


def _create_generator(state: dict[str, Any]) -> np.random.Generator:
    name = state["bit_generator"]
    if name not in GENERATORS:
        raise NotSerializableError(f"a random generator {name}")
    generator = np.random.Generator(getattr(np.random, name)())
    generator.bit_generator.state = state
    return generator
