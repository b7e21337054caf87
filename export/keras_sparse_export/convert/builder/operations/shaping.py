"""Emit operations of `keras.ops` that select, move and join values."""

from typing import Any

import numpy as np

from keras_sparse_export.convert.builder.operations.calls import Call, EmitCall, list_names

END = 2**62


def _reshape(call: Call) -> str:
    return call.builder.reshape(call.get_input(), _resolve(call))


def _resolve(call: Call) -> list[int]:
    """Return the shape of the output, with -1 for its only axis of free size."""
    free = [axis for axis, size in enumerate(call.shape) if size is None]
    sizes = [-1 if size is None else size for size in call.shape]
    if len(free) > 1:
        if call.get_shape()[0] is not None or free[0] != 0 or len(free) > 2:
            raise call.refuse(f"shape={call.shape}")
        sizes[0] = 0
    return sizes


def _transpose(call: Call) -> str:
    axes = call.operation.axes
    return _permute(call, axes if axes is not None else range(call.get_rank())[::-1])


def _permute(call: Call, axes: Any) -> str:
    rank = call.get_rank()
    return call.builder.add("Transpose", call.get_input(), perm=[axis % rank for axis in axes])


def _move_axis(call: Call) -> str:
    numbered = np.empty(range(call.get_rank()))  # its shape numbers its axes
    operation = call.operation
    return _permute(call, np.moveaxis(numbered, operation.source, operation.destination).shape)


def _swap_axes(call: Call) -> str:
    numbered = np.empty(range(call.get_rank()))
    return _permute(call, np.swapaxes(numbered, call.operation.axis1, call.operation.axis2).shape)


def _expand_dims(call: Call) -> str:
    axes, rank = np.atleast_1d(call.operation.axis), len(call.shape)
    return call.builder.insert_axes(call.get_input(), *(int(axis) % rank for axis in axes))


def _squeeze(call: Call) -> str:
    shape, axis = call.get_shape(), call.operation.axis
    single = [place for place, size in enumerate(shape) if size == 1]
    axes = single if axis is None else call.list_axes(axis)
    return call.builder.remove_axes(call.get_input(), *axes)


def _concatenate(call: Call) -> str:
    parts = [call.name(name, call.dtype) for name in list_names(call.values[0])]
    return call.builder.add("Concat", *parts, axis=call.operation.axis)


def _stack(call: Call) -> str:
    axis = call.operation.axis % len(call.shape)
    parts = [call.name(name, call.dtype) for name in list_names(call.values[0])]
    parts = [call.builder.insert_axes(part, axis) for part in parts]
    return call.builder.add("Concat", *parts, axis=axis)


def _split(call: Call) -> list[str]:
    (axis,) = call.list_axes(call.operation.axis)
    size, parts = call.get_shape()[axis], call.operation.indices_or_sections
    if size is None:
        raise call.refuse("an axis of free length")
    ends = [size // parts * k for k in range(1, parts)] if isinstance(parts, int) else list(parts)
    bounds = zip([0, *ends], [*ends, size], strict=True)
    return [call.builder.slice(call.get_input(), axis, start, end) for start, end in bounds]


def _unstack(call: Call) -> list[str]:
    (axis,) = call.list_axes(call.operation.axis)
    size = call.get_shape()[axis]
    if size is None:
        raise call.refuse("an axis of free length")
    return [_take_one(call, call.get_input(), axis, place) for place in range(size)]


def _take_one(call: Call, x: str, axis: int, place: int) -> str:
    return call.builder.add("Gather", x, call.builder.add_constant(place, np.int64), axis=axis)


def _get_item(call: Call) -> str:
    """`x[key]` for whole numbers, slices, `None` and `...`."""
    key = call.values[1]
    keys = list(key) if isinstance(key, (tuple, list)) else [key]
    taken = sum(each is not None and each is not Ellipsis for each in keys)
    rest = [slice(None)] * (call.get_rank() - taken)
    place = next((p for p, each in enumerate(keys) if each is Ellipsis), len(keys))
    keys[place : place + 1] = rest
    y, axis = call.get_input(), 0
    for each in keys:
        if each is None:
            y = call.builder.insert_axes(y, axis)
        elif isinstance(each, slice):
            y = _take_slice(call, y, axis, each)
        elif isinstance(each, (int, np.integer)):
            y = _take_one(call, y, axis, int(each))
            continue
        else:
            raise call.refuse(f"an index {each!r:.100}")
        axis += 1
    return y if y != call.values[0] else call.builder.add("Identity", y)


def _take_slice(call: Call, y: str, axis: int, part: slice) -> str:
    if part in (slice(None), slice(None, None, 1)):
        return y
    if not all(isinstance(each, (int, np.integer, type(None))) for each in _list_ends(part)):
        raise call.refuse(f"an index {part!r:.100}")
    step = part.step or 1
    start, end = (0, END) if step > 0 else (END, -END)
    start = start if part.start is None else int(part.start)
    return call.builder.slice(y, axis, start, end if part.stop is None else int(part.stop), step)


def _list_ends(part: slice) -> tuple[Any, Any, Any]:
    return part.start, part.stop, part.step


def _slice(call: Call) -> str:
    _, starts, shape = call.values
    y = call.get_input()
    sizes = getattr(call.operation, "shape", shape)
    for axis, (start, size) in enumerate(zip(starts, sizes, strict=True)):
        if axis or start:
            y = call.builder.slice(y, axis, int(start), int(start) + int(size))
    return y


def _flip(call: Call) -> str:
    y = call.get_input()
    for axis in call.list_axes(call.operation.axis):
        y = call.builder.reverse(y, axis)
    return y


def _roll(call: Call) -> str:
    y = call.get_input()
    if call.operation.axis is None:
        raise call.refuse("axis=None")
    axes = call.list_axes(call.operation.axis)
    for axis, shift in zip(axes, np.atleast_1d(call.operation.shift), strict=True):
        size = call.get_shape()[axis]
        if size is None:
            raise call.refuse("an axis of free length")
        cut = int(-shift) % size
        parts = call.builder.slice(y, axis, cut, END), call.builder.slice(y, axis, 0, cut)
        y = call.builder.add("Concat", *parts, axis=axis) if cut else y
    return y


def _tile(call: Call) -> str:
    repeats = np.atleast_1d(call.operation.repeats).tolist()
    missing = len(repeats) - call.get_rank()
    repeats = [1] * -missing + repeats
    y = call.builder.insert_axes(call.get_input(), *range(missing))
    return call.builder.add("Tile", y, call.builder.add_integers(*repeats))


def _repeat(call: Call) -> str:
    repeats, axis = call.operation.repeats, call.operation.axis
    if axis is None or not isinstance(repeats, int):
        raise call.refuse(f"axis={axis}, repeats={repeats!r:.100}")
    (axis,) = call.list_axes(axis)
    size = call.get_shape()[axis]
    if size is None:
        raise call.refuse("an axis of free length")
    places = np.repeat(np.arange(size), repeats)
    indices = call.builder.add_constant(places, np.int64)
    return call.builder.add("Gather", call.get_input(), indices, axis=axis)


def _pad(call: Call) -> str:
    value = call.values[1] if len(call.values) > 1 else None
    mode = call.operation.mode
    if mode not in ("constant", "reflect", "edge"):
        raise call.refuse(f"mode={mode!r}")
    width = np.broadcast_to(np.asarray(call.operation.pad_width), (call.get_rank(), 2))
    pads = call.builder.add_integers(*width.T.ravel().tolist())
    fill = [call.name(value, call.dtype)] if value is not None else []
    return call.builder.add("Pad", call.get_input(), pads, *fill, mode=mode)


def _broadcast_to(call: Call) -> str:
    shape = [1 if size is None else size for size in call.shape]  # 1 keeps the size
    return call.builder.add("Expand", call.get_input(), call.builder.add_integers(*shape))


def _take(call: Call) -> str:
    if call.operation.axis is None:
        raise call.refuse("axis=None")
    (axis,) = call.list_axes(call.operation.axis)
    indices = call.values[1]
    if not isinstance(indices, str):
        indices = call.builder.add_constant(np.asarray(indices), np.int64)
    else:
        indices = call.builder.cast(indices, "int64")
    return call.builder.add("Gather", call.get_input(), indices, axis=axis)


def _top_k(call: Call) -> list[str]:
    count = call.builder.add_integers(call.operation.k)
    values = call.builder.add("TopK", call.get_input(), count, outputs=2, axis=-1)
    places = call.builder.describe(f"{values}_", (), "int64")
    return [values, call.builder.cast(places, "int32")]


OPERATIONS: dict[str, EmitCall] = {
    "BroadcastTo": _broadcast_to,
    "Concatenate": _concatenate,
    "ExpandDims": _expand_dims,
    "Flip": _flip,
    "GetItem": _get_item,
    "Moveaxis": _move_axis,
    "Pad": _pad,
    "Repeat": _repeat,
    "Reshape": _reshape,
    "Roll": _roll,
    "Slice": _slice,
    "Split": _split,
    "Squeeze": _squeeze,
    "Stack": _stack,
    "Swapaxes": _swap_axes,
    "Take": _take,
    "Tile": _tile,
    "TopK": _top_k,
    "Transpose": _transpose,
    "Unstack": _unstack,
}
