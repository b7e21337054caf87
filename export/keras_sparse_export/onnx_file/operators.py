"""The ONNX operators that an encoder may contain.

All belong to ONNX's own domain, are deterministic, and map numbers to numbers. Excluded are control
flow, randomness, strings, sequences, and operators whose output size depends on the row values.
"""

from collections.abc import Iterable
from pathlib import Path

from keras_sparse_export.errors import BundleError
from keras_sparse_export.onnx_file.model import Model

_NAMES = """
    Abs Acos Acosh Add And Asin Asinh Atan Atanh Cast CastLike Ceil Celu Clip Cos Cosh Div Elu Equal
    Erf Exp Floor Gelu Greater GreaterOrEqual HardSigmoid HardSwish Hardmax Identity IsInf IsNaN
    LeakyRelu Less LessOrEqual Log LogSoftmax Max Mean Min Mish Mod Mul Neg Not Or PRelu Pow
    Reciprocal Relu Round Selu Shrink Sigmoid Sign Sin Sinh Softmax Softplus Softsign Sqrt Sub Sum
    Tan Tanh ThresholdedRelu Where Xor

    Conv ConvTranspose Einsum GRU Gemm LSTM MatMul MatMulInteger QLinearMatMul RNN
    DequantizeLinear DynamicQuantizeLinear QuantizeLinear

    BatchNormalization GroupNormalization InstanceNormalization LRN LayerNormalization
    LpNormalization MeanVarianceNormalization
    AveragePool GlobalAveragePool GlobalLpPool GlobalMaxPool LpPool MaxPool
    ArgMax ArgMin CumSum ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean
    ReduceMin ReduceProd ReduceSum ReduceSumSquare TopK

    Concat Constant ConstantOfShape DepthToSpace Expand EyeLike Flatten Gather GatherElements
    GatherND OneHot Pad Range Reshape Resize ReverseSequence ScatterElements ScatterND Shape Size
    Slice SpaceToDepth Split Squeeze Tile Transpose Trilu Unsqueeze
"""
ALLOWED = frozenset(_NAMES.split())


def require_allow(allow: Iterable[str]) -> tuple[str, ...]:
    """Validate the argument `allow`, names of additional operators.

    Raises:
        ValueError: If it is not a sequence of non-empty strings.
    """
    names = () if isinstance(allow, str) else tuple(allow)
    if isinstance(allow, str) or not all(isinstance(name, str) and name for name in names):
        raise ValueError(
            "Invalid value for argument `allow`. Expected names of ONNX operators, such as "
            f"('Loop',). Received: allow={allow!r}"
        )
    return names


def require_allowed(model: Model, file: Path, allow: Iterable[str] = ()) -> None:
    """Raise if a model contains anything that an encoder does not need.

    Args:
        model: The parsed file.
        file: Path of the file, for error messages.
        allow: Additional ONNX operators to accept.

    Raises:
        BundleError: If it does; the message names the operator or feature.
    """
    forbidden = {
        "numbers in the file itself": next(
            (tensor.name for tensor in model.tensors() if tensor.external), None
        ),
        "only operators of ONNX": model.functions and f"{model.functions} functions of its own",
        "an encoder that does not train": model.training and f"{model.training} training graphs",
        "dense constants": sum(graph.sparse for graph in model.graphs()) and "sparse ones",
    }
    for expected, received in forbidden.items():
        if received:
            raise BundleError(f"Expected {expected} in {file}. Received: {received}")
    foreign = sorted({f"{node.domain}.{node.operator}" for node in model.nodes() if node.domain})
    if foreign:
        raise BundleError(
            f"Expected operators of ONNX' own domain in {file}. Received: {', '.join(foreign)}"
        )
    if unknown := list_unknown((node.operator for node in model.nodes()), allow):
        remedy = ""
        if all(name.isidentifier() for name in unknown):  # the remedy may be pasted into a shell
            allowed = f"allow={tuple(unknown)!r} (--allow {unknown[0]})"
            remedy = f". Remedy, if you trust the file: {allowed}"
        raise BundleError(
            f"Expected operators that an encoder needs in {file}. Received: {', '.join(unknown)}"
            + remedy
        )


def list_unknown(operators: Iterable[str], allow: Iterable[str] = ()) -> list[str]:
    """Return the operators that are not allowed, sorted."""
    return sorted(set(operators) - ALLOWED - set(allow))
