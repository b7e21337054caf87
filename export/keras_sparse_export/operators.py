"""Which operators an encoder may be made of.

All are ONNX's own, deterministic, and give numbers for numbers: no control flow, no randomness, no
texts, no sequences, and none whose result's size depends on the values of the rows.
"""

from collections.abc import Iterable
from pathlib import Path

from keras_sparse_export.bundle import BundleError
from keras_sparse_export.onnx_reader import Model

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
    """Names of further operators, as an argument brings them.

    Raises:
        ValueError: If these are no names.
    """
    found = () if isinstance(allow, str) else tuple(allow)
    if isinstance(allow, str) or not all(isinstance(name, str) and name for name in found):
        raise ValueError(
            "Invalid value for argument `allow`. Expected names of ONNX operators, as "
            f"('Loop',). Received: allow={allow!r}"
        )
    return found


def require_allowed(model: Model, file: Path, allow: Iterable[str] = ()) -> None:
    """Refuse what an encoder does not need and a device should not run.

    Args:
        model: What the file holds.
        file: For errors.
        allow: Operators of ONNX to let pass beside those that are known to be harmless.

    Raises:
        BundleError: If there is any; it is named.
    """
    always = {
        "numbers in the file itself": next(
            (each.name for each in model.tensors() if each.external), None
        ),
        "operators of ONNX alone": model.functions and f"{model.functions} functions of its own",
        "an encoder that does not train": model.training and f"{model.training} training graphs",
        "dense constants": sum(graph.sparse for graph in model.graphs()) and "sparse ones",
    }
    for expected, found in always.items():
        if found:
            raise BundleError(f"Expected {expected} in {file}. Received: {found}")
    foreign = sorted({f"{node.domain}.{node.operator}" for node in model.nodes() if node.domain})
    if foreign:
        raise BundleError(
            f"Expected operators of ONNX' own domain in {file}. Received: {', '.join(foreign)}"
        )
    if unknown := refused((node.operator for node in model.nodes()), allow):
        remedy = ""
        if all(name.isidentifier() for name in unknown):  # it may be pasted into a shell
            allowed = f"allow={tuple(unknown)!r} (--allow {unknown[0]})"
            remedy = f". Remedy, if you trust the file: {allowed}"
        raise BundleError(
            f"Expected operators that an encoder needs in {file}. Received: {', '.join(unknown)}"
            + remedy
        )


def refused(operators: Iterable[str], allow: Iterable[str] = ()) -> list[str]:
    """Those of the operators that are not allowed, sorted."""
    return sorted(set(operators) - ALLOWED - set(allow))
