"""Emit operations of `keras.ops` that multiply matrices and tensors."""

from string import ascii_lowercase
from typing import Any

import numpy as np

from keras_sparse_export.convert.builder.operations.calls import Call, EmitCall


def _matmul(call: Call) -> str:
    return call.builder.add("MatMul", call.get_input(0), call.get_input(1))


def _dot(call: Call) -> str:
    if not 1 <= call.get_rank(1) <= 2 or not call.get_rank(0):
        raise call.refuse(f"an input of {call.get_rank(1)} axes")
    return _matmul(call)


def _einsum(call: Call) -> str:
    operands = call.values[0] if isinstance(call.values[0], (tuple, list)) else call.values
    if len(operands) > 2:  # intermediate products of a size that a device cannot know
        raise call.refuse(f"{len(operands)} operands")
    names = [call.name(operand, call.dtype) for operand in operands]
    equation = call.operation.subscripts.replace(" ", "")
    return call.builder.add("Einsum", *names, equation=equation)


def _tensordot(call: Call) -> str:
    ranks, axes = (call.get_rank(0), call.get_rank(1)), call.operation.axes
    if isinstance(axes, int):
        axes = range(ranks[0] - axes, ranks[0]), range(axes)
    left, right = (np.atleast_1d(each).tolist() for each in axes)
    letters = list(ascii_lowercase[: ranks[0]])
    others = list(ascii_lowercase[ranks[0] : sum(ranks)])
    for a, b in zip(left, right, strict=True):
        others[b] = letters[a]
    kept = [x for x in letters if x not in others] + [x for x in others if x not in letters]
    equation = f"{''.join(letters)},{''.join(others)}->{''.join(kept)}"
    return call.builder.add("Einsum", *_get_both(call), equation=equation)


def _get_both(call: Call) -> tuple[Any, Any]:
    return call.get_input(0), call.get_input(1)


OPERATIONS: dict[str, EmitCall] = {
    "Dot": _dot,
    "Einsum": _einsum,
    "Matmul": _matmul,
    "Tensordot": _tensordot,
}
