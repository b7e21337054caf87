"""Change rows to odd types, shapes, layouts and values."""

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any

import numpy as np

from fuzzing.cases.tensors import seed_numpy

Change = Callable[[Random, np.ndarray], Any]
NUMERIC = ("?", "b", "B", "h", "H", "i", "I", "q", "Q", "e", "f", "d", "g")
ODD = (
    *("F", "D", "G", "O", "S8", "U8", "V4", "M8[s]", "m8[s]", "datetime64", "T"),
    *([("a", "f4")], [("a", "f4"), ("b", "i8")], [("x", "f4", (2,))]),
)
NUMBERS: tuple[Any, ...] = (
    *(float("nan"), float("inf"), float("-inf"), 1e39, -1e300, 3.4e38, 1e-45, 5e-324, -0.0),
    *(2**63, 10**400, True, None, "1", "x", b"1", 1j, Decimal("1"), Fraction(1, 3), [], {}),
)


def change_numeric_dtype(rng: Random, x: np.ndarray) -> Any:
    dtype = np.dtype(rng.choice(NUMERIC)).newbyteorder(rng.choice(("<", ">")))
    with np.errstate(all="ignore"):
        return np.abs(x).astype(dtype)


def change_to_odd_dtype(rng: Random, x: np.ndarray) -> Any:
    dtype = np.dtype(rng.choice(ODD))
    if dtype.kind in "Oc":
        return x.astype(dtype)
    return np.zeros(x.shape, dtype)


def change_shape(rng: Random, x: np.ndarray) -> Any:
    shape = x.shape[1:]
    return rng.choice(
        (
            lambda: x[:0],
            lambda: x[0],
            lambda: x[..., :0],
            lambda: x[..., :-1],
            lambda: x[:, :-1],
            lambda: x[np.newaxis],
            lambda: x.reshape(-1),
            lambda: x[..., np.newaxis],
            lambda: x.T,
            lambda: np.float32(1),
            lambda: np.zeros((0, *shape, 0)),
            lambda: np.zeros((1,) * 32),
            lambda: np.zeros((*shape, len(x))),
            lambda: np.zeros((0,)),
            lambda: np.concatenate([x, x[:1] * 2]),
        )
    )()


def change_strides(rng: Random, x: np.ndarray) -> Any:
    """Return views: reordered, one number repeated, or more rows than fit into memory."""
    shape = x.shape[1:]
    return rng.choice(
        (
            lambda: x[::-1],
            lambda: x[..., ::-1],
            lambda: np.asfortranarray(x),
            lambda: np.repeat(x, 2, axis=0)[::2],
            lambda: np.broadcast_to(x[:1], x.shape),
            lambda: np.broadcast_to(x[0], (50_000, *shape)),
            lambda: np.broadcast_to(np.float32(1), (2**40, *shape, 3)),
            lambda: np.broadcast_to(np.float32(1), (2**58,)),
            lambda: np.broadcast_to(np.float64(np.nan), (50_000, *shape)),
            lambda: np.lib.stride_tricks.as_strided(x, (20, *shape), (0, *x.strides[1:])),
            lambda: np.frombuffer(b"\0" + x.tobytes(), np.uint8)[1:].view(np.float32)
            .reshape(x.shape),
        )
    )()  # fmt: skip


def change_values(rng: Random, x: np.ndarray) -> Any:
    x = x.astype(rng.choice((np.float32, np.float64, np.float16)))
    for _ in range(rng.choice((1, 1, 5, 100))):
        with np.errstate(all="ignore"):
            x.reshape(-1)[rng.randrange(x.size)] = rng.choice(NUMBERS[:9])
    return x


def build_list(rng: Random, x: np.ndarray) -> Any:
    """Return nested lists, ragged or with an invalid number."""
    rows = x.tolist()
    holder = rows
    while isinstance(holder[-1], list):
        holder = holder[-1]
    how = rng.choice(("number", "ragged", "deep", "tuple", "same"))
    if how == "number":
        holder[-1] = rng.choice(NUMBERS)
    elif how == "ragged":
        holder.append(1.0)
    elif how == "deep":
        for _ in range(rng.choice((5, 40, 70, 10_000))):
            rows = [rows]
    elif how == "tuple":
        rows = tuple(rows)
    return rows


def build_subclass(rng: Random, x: np.ndarray) -> Any:
    mask = seed_numpy(rng).random(x.shape) < rng.choice((0, 0.1, 1))
    if rng.random() < 0.7:
        hidden = np.where(mask, np.float32(rng.choice((0, 1e20, float("nan")))), x)
        return np.ma.MaskedArray(hidden, mask)
    return rng.choice((np.matrix(x.reshape(len(x), -1)), x.view(np.recarray)))


def replace_array(rng: Random, x: np.ndarray) -> Any:
    return rng.choice(
        (
            lambda: None,
            lambda: "x" * 1000,
            lambda: b"x" * 1000,
            lambda: {"x": x},
            lambda: {1.0, 2.0},
            lambda: iter(x),
            lambda: (row for row in x),
            lambda: x.copy().data,
            lambda: bytearray(x.tobytes()),
            lambda: range(x[0].size),
            lambda: object(),
            lambda: np,
            lambda: 10**400,
            lambda: Ellipsis,
            lambda: [[]],
            lambda: [],
        )
    )()


CHANGES: tuple[Change, ...] = (
    *(
        change_numeric_dtype,
        change_to_odd_dtype,
        change_shape,
        change_strides,
        change_values,
        build_list,
        build_subclass,
        replace_array,
    ),
)
