"""Convert Keras models to ONNX with torch.onnx, on the torch backend.

The model is traced, by the exporter that torch calls legacy; that of `torch.export` needs another
package, onnxscript.
"""

import io
import warnings
from typing import Any

import keras
import onnx
import torch
from torch.overrides import TorchFunctionMode

from keras_sparse_export.convert.backends.output import find_reason, silence
from keras_sparse_export.errors import ConversionError

_BATCHES = 3, 2
"""Of the run that is recorded, and of the trace; neither is 1, which broadcasts."""
_SIZES = frozenset({torch.Tensor.size, torch.Tensor.shape.__get__})


def convert(model: keras.Model, opset: int) -> onnx.ModelProto:
    """Convert a built Keras model with one output.

    Raises:
        ConversionError: If torch cannot trace the model, or its exporter lacks an operator.
    """
    file, recorded = io.BytesIO(), list[tuple[int, ...]]()
    names = [x.name for x in model.inputs]
    more, few = (
        [keras.ops.zeros((batch, *x.shape[1:]), x.dtype) for x in model.inputs]
        for batch in _BATCHES
    )
    with warnings.catch_warnings(), silence("torch.onnx"):
        warnings.simplefilter("ignore")  # of the exporter's age, and of sizes that become constants
        try:
            with torch.no_grad(), _RecordSizes(recorded):
                model(_unwrap(more), training=False)
            torch.onnx.export(
                _Traced(model, recorded),
                tuple(few),
                file,
                opset_version=opset,
                input_names=names,
                output_names=["y"],
                dynamic_axes={name: {0: "batch"} for name in (*names, "y")},
                training=torch.onnx.TrainingMode.PRESERVE,  # Keras keeps the mode itself
                dynamo=False,
            )
        except Exception as error:  # torch raises errors of many classes
            raise ConversionError(
                f"Expected a model that torch.onnx can trace. Received: {find_reason(error)}"
            ) from error
    return _order_constants(onnx.load_from_string(file.getvalue()))


def _order_constants(proto: onnx.ModelProto) -> onnx.ModelProto:
    """Order constants by first use; torch orders them by names, which hold Keras' counters."""
    used = dict.fromkeys(name for node in proto.graph.node for name in node.input)
    order = {name: place for place, name in enumerate(used)}
    constants = sorted(proto.graph.initializer, key=lambda each: order.get(each.name, len(order)))
    del proto.graph.initializer[:]
    proto.graph.initializer.extend(constants)
    return proto


class _Traced(torch.nn.Module):
    """A model as the exporter calls it."""

    def __init__(self, model: Any, recorded: list[tuple[int, ...]]) -> None:
        super().__init__()
        self.model, self.recorded = model, recorded

    def forward(self, *x: Any) -> Any:
        with _Simplify(self.recorded):
            (y,) = keras.tree.flatten(self.model(_unwrap([*x]), training=False))
        return y


def _unwrap(x: list[Any]) -> Any:
    """Return tensors as a model takes them: of one input without a list."""
    return x if len(x) > 1 else x[0]


class _RecordSizes(TorchFunctionMode):
    """Record the sizes that a model asks of its tensors, in order."""

    def __init__(self, recorded: list[tuple[int, ...]]) -> None:
        super().__init__()
        self.recorded = recorded

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in _SIZES:
            self.recorded.append(tuple(args[0].size()))
        return func(*args, **(kwargs or {}))


class _Simplify(TorchFunctionMode):
    """Trace a model without sizes, casts and operators that the exporter makes too much of.

    In a trace every size is a tensor, where operators such as `layer_norm` need numbers. Sizes that
    are the same at another batch size become numbers.
    """

    def __init__(self, recorded: list[tuple[int, ...]]) -> None:
        super().__init__()
        self.recorded = iter(recorded)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.Tensor.to and len(args) == 2 and _changes_nothing(*args):
            return args[0]  # else a node
        result = _REWRITES.get(func, func)(*args, **(kwargs or {}))
        if func in _SIZES:
            recorded = next(self.recorded)
            if isinstance(result, torch.Size):
                return torch.Size([_fix(*pair) for pair in zip(result, recorded, strict=True)])
            return _fix(result, recorded[args[1] if len(args) > 1 else (kwargs or {})["dim"]])
        return result


def _changes_nothing(x: torch.Tensor, target: Any) -> bool:
    return target == x.dtype if isinstance(target, torch.dtype) else str(target) == str(x.device)


def _fix(size: Any, at_other_batch: int) -> Any:
    return at_other_batch if int(size) == at_other_batch else size


def _rms_norm(
    x: Any, normalized_shape: Any, weight: Any = None, eps: float | None = None
) -> torch.Tensor:
    axes = tuple(range(-len(normalized_shape), 0))
    eps = torch.finfo(x.dtype).eps if eps is None else eps
    y = x * torch.rsqrt(torch.mean(x * x, dim=axes, keepdim=True) + eps)
    return y if weight is None else y * weight


def _tile(x: Any, dims: Any) -> torch.Tensor:
    return x.repeat(*(1,) * (x.ndim - len(dims)), *dims)


_REWRITES = {torch.nn.functional.rms_norm: _rms_norm, torch.tile: _tile}
"""By operators that the exporter lacks, or converts with control flow."""
