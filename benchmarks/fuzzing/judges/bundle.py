"""Read a mutated bundle and compare its outputs with its golden rows."""

import contextlib
import io
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from fuzzing.bases import Base
from fuzzing.judges.outcomes import (
    UNNAMED,
    WRONG,
    CaseError,
    Steps,
    classify_failure,
    format_trace,
    is_named,
    require_near,
)
from keras_sparse_export import Encoder
from keras_sparse_export.bundle.format import ENCODERS
from keras_sparse_export.cli.main import main
from keras_sparse_export.onnx_file.operators import ALLOWED

Open = Callable[..., Encoder]
WAYS = ("checked", "checked", "checked", "checked", "int8", "unchecked", "bare", "command")
"""Ways to open a bundle; most often as users do."""


def judge(base: Base, folder: Path, way: str, opened: Open = Encoder) -> Steps:
    """Open, verify and use a bundle.

    Args:
        base: The bundle before the change.
        folder: The mutated bundle.
        way: One of `WAYS`.
        opened: Opens it; tests pass a different one to prove that faults are found.

    Raises:
        CaseError: If it ends in anything other than answers and named errors.
    """
    steps = Steps()
    if way == "command":
        for name in ("verify", "info"):
            _run_command(steps, name, folder)
    elif way in ("bare", "unchecked"):
        where = folder / "encoder.onnx" if way == "bare" else folder
        encoder = steps("open", lambda: opened(where, check=False))
        if encoder is not None:
            require_harmless(folder / "encoder.onnx")
            _use(steps, base, encoder)
    else:
        variant = "int8" if way == "int8" and "int8" in base.answers else "float32"
        encoder = steps("open", lambda: opened(folder, variant=variant))
        if encoder is not None:
            require_harmless(folder / ENCODERS[variant])
            _require_golden(steps, encoder, folder)
            _use(steps, base, encoder)
            _require_same(steps, base, encoder, folder)
    return steps


def require_harmless(file: Path) -> None:
    """Fail if an opened ONNX file has, as protobuf reads it, content that must raise an error."""
    model = onnx.ModelProto.FromString(file.read_bytes())
    graphs, operators = [model.graph], set[str]()
    external = bool(model.functions or model.training_info)
    while graphs:
        graph = graphs.pop()
        external |= bool(graph.sparse_initializer)
        external |= any(each.data_location or each.external_data for each in graph.initializer)
        for node in graph.node:
            operators.add(f"{node.domain}:{node.op_type}")
            for each in node.attribute:
                graphs += [*each.graphs, *([each.g] if each.HasField("g") else [])]
                external |= bool(each.t.data_location or each.t.external_data)
    allowed = {f"{domain}:{name}" for name in ALLOWED for domain in ("", "ai.onnx")}
    if external or operators - allowed:
        raise CaseError(WRONG, f"opened, with {sorted(operators - allowed) or 'data elsewhere'}")


def _use(steps: Steps, base: Base, encoder: Encoder) -> None:
    """Call every method and compare the answers with each other."""
    x = base.answers["x"]
    codes = steps("encode", lambda: encoder.encode(x))
    steps("encode one row", lambda: encoder.encode(x[0]))
    sparse = steps("encode_sparse", lambda: encoder.encode_sparse(x))
    if codes is not None:
        if codes.shape != (len(x), *encoder.code_shape) or codes.dtype != np.float32:
            raise CaseError(WRONG, f"encode: {codes.dtype} {codes.shape} for {len(x)} rows")
        if base.manifest["top_k"] is not None:
            steps("encode_top_k", lambda: encoder.encode_top_k(x))
        if encoder.has_decoder and steps("decode", lambda: encoder.decode(codes)) is not None:
            require_harmless(encoder.path / "decoder.onnx")
    if codes is not None and sparse is not None:
        flat = codes.reshape(len(codes), -1)
        dense = np.zeros_like(flat)
        rows = np.repeat(np.arange(len(flat)), np.diff(sparse.indptr))
        dense[rows, sparse.indices] = sparse.data
        active = np.where(np.abs(flat) > (encoder.threshold or 0.0), flat, np.float32(0))
        if not np.array_equal(dense, active, equal_nan=True):
            raise CaseError(WRONG, "encode_sparse: other units than are active in encode")
    if base.manifest["statistics"] is not None and encoder.manifest and encoder.variant != "int8":
        found = steps("drift", lambda: encoder.drift(x))
        if (
            found is not None
            and not np.isfinite([found.score, found.threshold, *found.units]).all()
        ):
            raise CaseError(WRONG, f"drift: a score of {found.score}, threshold {found.threshold}")
    if encoder.manifest is not None:
        steps("verify", encoder.verify)


# The golden rows -------------------------------------------------------------------------------


def _require_golden(steps: Steps, encoder: Encoder, folder: Path) -> None:
    """Fail unless the encoder gives the golden outputs of the bundle."""
    manifest = json.loads((folder / "manifest.json").read_bytes())
    if manifest["golden"]["kind"] == "none":
        return

    def golden(name: str, shape: list[int]) -> np.ndarray:
        try:
            if not (folder / name).is_file():
                raise OSError("no file")
            values = np.fromfile(folder / name, "<i4" if name.endswith("i32") else "<f4")
            return values.reshape(manifest["golden"]["rows"], *shape)
        except (OSError, ValueError, TypeError) as error:
            raise CaseError(
                WRONG, f"opened, but {name} cannot be compared with ({error})"
            ) from None

    inputs, outputs = manifest["input"]["shape"], manifest["output"]["shape"]
    x = golden("golden_x.f32", inputs)
    if encoder.variant == "int8":
        wanted = golden("golden_code.int8.f32", outputs)
        rows = steps("encode golden rows", lambda: np.stack([encoder.encode(row) for row in x]))
        tolerance = manifest["int8"]["golden_tolerance"]
        if rows is not None and not np.abs(rows - wanted).max() <= tolerance:
            raise CaseError(WRONG, "golden codes in int8: others")
        return
    code = golden("golden_code.f32", outputs)
    for what, rows, wanted in (("golden rows", x, code), ("a golden row", x[0], code[0])):
        given = steps(f"encode {what}", partial(encoder.encode, rows))
        if given is not None:
            require_near(f"codes of {what}", wanted, given)
    if manifest["top_k"] is not None:
        shape = [*outputs[:-1], manifest["top_k"]["k"]]
        values = golden("golden_values.f32", shape)
        golden("golden_indices.i32", shape)
        found = steps("encode_top_k", lambda: encoder.encode_top_k(x))
        if found is not None:
            _require_largest(code, values, found)
    if "decoder.onnx" in manifest["files"]:
        x_hat = steps("decode golden codes", lambda: encoder.decode(code))
        if x_hat is not None:
            require_near("golden rows decoded", golden("golden_x_hat.f32", inputs), x_hat)


def _require_largest(code: np.ndarray, values: np.ndarray, found: Any) -> None:
    """Ties aside: the values, and places of codes that are as large."""
    require_near("golden values", values, found.values)
    indices = np.sort(found.indices, axis=-1)
    if indices.min() < 0 or indices.max() >= code.shape[-1] or (np.diff(indices) == 0).any():
        raise CaseError(WRONG, "golden indices: no units, or one unit twice")
    there = np.take_along_axis(code, found.indices, axis=-1)
    require_near("codes at golden indices", values, there, slack=2)


def _require_same(steps: Steps, base: Base, encoder: Encoder, folder: Path) -> None:
    """Where the files are as they were, so must all answers be."""
    x, known = base.answers["x"], base.answers

    def same(name: str) -> bool:
        file = folder / name  # a device or a pipe would not end
        return file.is_file() and file.read_bytes() == (base.bundle / name).read_bytes()

    if encoder.variant == "int8":
        if same("encoder.int8.onnx"):
            codes = steps("encode", lambda: np.stack([encoder.encode(row) for row in x]))
            _require_near("codes in int8", known["int8"], codes)
    elif same("encoder.onnx"):
        _require_near("codes", known["code"], steps("encode", lambda: encoder.encode(x)))
        if "values" in known and (found := steps("top_k", lambda: encoder.encode_top_k(x))):
            _require_near("values", known["values"], found.values)
        if encoder.manifest == base.manifest and "drift" in known:
            found = steps("drift", lambda: np.array(encoder.drift(x).score))
            _require_near("score of drift", known["drift"], found)
    if "x_hat" in known and encoder.has_decoder and same("decoder.onnx"):
        _require_near(
            "rows decoded", known["x_hat"], steps("decode", lambda: encoder.decode(known["code"]))
        )


def _require_near(what: str, wanted: np.ndarray, found: np.ndarray | None) -> None:
    if found is not None:  # it was refused
        require_near(what, wanted, found, slack=2)


# The command -----------------------------------------------------------------------------------


def _run_command(steps: Steps, name: str, folder: Path) -> None:
    status, _, messages = steps(name, lambda: run(name, str(folder)))
    require_message(status, messages, [name, str(folder)])
    if status:
        steps.named.append(f"{name}: {messages}")


def run(*arguments: str) -> tuple[int, str, str]:
    """Run the command and return its exit status, output and messages."""
    output, messages = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(messages):
        try:
            status = main(arguments)
        except SystemExit as ended:
            status = int(ended.code or 0)
    return status, output.getvalue(), messages.getvalue()


def require_message(status: int, messages: str, arguments: list[str]) -> None:
    """Fail unless the command succeeded, or ended with a line that says why."""
    last = messages.strip().rpartition("\n")[2]
    if status in (1, 2) and not is_named(last):
        try:
            main([*arguments, "--debug"])
        except Exception as error:
            raise CaseError(
                classify_failure(error) or UNNAMED, f"{last}\n{format_trace(error)}"
            ) from None
    if status not in (0, 1, 2) or (status and not is_named(last)):
        raise CaseError(UNNAMED, f"exit status {status}: {messages}")
