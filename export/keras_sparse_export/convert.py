"""Keras to ONNX: cut out the encoder, convert it, hold it to its source, write the bundle."""

import os
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnxruntime as ort

from keras_sparse_export import (
    bundle,
    canonical,
    conversion,
    fidelity,
    operators,
    samples,
    source,
    statistics,
)
from keras_sparse_export import quantize as quantization
from keras_sparse_export import top_k as best
from keras_sparse_export.conversion import Converted
from keras_sparse_export.encoder import Encoder

MIN_ONNXRUNTIME = {13: "1.7", 14: "1.8", 15: "1.10", 16: "1.11", 17: "1.12", 18: "1.14"}
GATE_ROWS = 512
GOLDEN_ROWS = 32
DENSE_THRESHOLD = 0.1


def export_encoder(
    model: keras.Model,
    path: str | os.PathLike[str],
    *,
    sample: Any = None,
    layer: str | None = None,
    decoder: bool = False,
    top_k: int | None = None,
    converter: str = "auto",
    opset: int = 17,
    golden: str = "auto",
    threshold: float | None = None,
    quantize: str | None = None,
    labels: Any = None,
    allow: Sequence[str] = (),
    overwrite: bool = False,
) -> Path:
    """Write the encoder of a Keras model as a bundle that onnxruntime runs.

    The encoder is cut out, copied without regularizers in float32, converted, loaded in
    onnxruntime and compared with Keras. Only what agrees within `1e-5 · max(1, max|code|)` at
    batch 1, 2 and all rows is written, whole or not at all.

    Args:
        model: A `SparseAutoencoder`, or any Keras model together with `layer`.
        path: Folder of the bundle.
        sample: Raw rows of real data, `(rows, *input_shape)`. The comparison uses the first 512 of
            them. The bundle tells how often each unit is active on all of them, which is also
            what `Encoder.drift` compares with: for that, rows drawn at random that the model was
            not trained on, 1,000 or more. Synthetic rows stand in where there are none, and there
            are no statistics then.
        layer: Name of the layer whose output is the code. Needed for any other Keras model.
        decoder: Whether to add the decoder.
        top_k: How many units to give beside the code, as further outputs: `values` of the largest
            codes of a row, falling, and `indices` of their units, int32, of ties the lower one
            first. A device then sends `8 * top_k` bytes instead of `4 * units`.
        converter: `"tf2onnx"`, `"builder"`, or `"auto"`: tf2onnx on the TensorFlow backend, the
            direct builder elsewhere and for what tf2onnx cannot convert, or converts wrongly.
        opset: ONNX operator set, 13 to 18. 17 runs on onnxruntime 1.12 and newer.
        golden: Which rows lie in the bundle with their codes, for `verify`: `"real"` (the first
            of `sample`), `"synthetic"`, `"none"`, or `"auto"`, real where there is a sample.
        threshold: τ, above which a unit counts as active. By default the model's own; of a
            `layer` 0 where its codes hold exact zeros, else 0.1.
        quantize: `"int8"` adds the encoder in int8, `"auto"` does where it is worth it: for 1 MB of
            weights or more, in 0.3 of the bytes, with a support Jaccard of 0.98 on held-out rows.
            The manifest says why not otherwise. Both need 64 rows of `sample` or more.
        labels: A class of each row of `sample`, to tell what int8 costs a probe. Needs
            scikit-learn.
        allow: ONNX operators to let pass beside those of an encoder, `("Loop",)` for a GRU. A
            device that is to run the bundle must allow them too, `Encoder(..., allow=("Loop",))`.
        overwrite: Whether to replace a bundle at `path`.

    Returns:
        The bundle's folder.

    Raises:
        ValueError: If an argument is out of its range or does not fit the model.
        FileExistsError: If there is something at `path`, and it is no bundle or `overwrite` is
            false.
        ConversionError: If neither converter knows a layer or an operator; it is named.
        ParityError: If the converted model does not agree with Keras, or the int8 that was
            demanded not with float32.

    Example:
        >>> import keras_sparse, keras_sparse_export, tempfile
        >>> model = keras_sparse.SparseAutoencoder(20, 8, sparsity=keras_sparse.L1())
        >>> path = keras_sparse_export.export_encoder(model, tempfile.mkdtemp() + "/encoder")
        >>> sorted(file.name for file in path.iterdir())
        ['README.md', 'encoder.onnx', 'golden_code.f32', 'golden_x.f32', 'manifest.json']
    """
    path = Path(path)
    bundle.require_target(path, overwrite=overwrite)
    _require_choices(converter, opset, golden, sample)
    allow = operators.require_allow(allow)
    if quantize is not None:
        quantization.require_choices(quantize, sample, labels, "quantize", "sample")
    if not getattr(model, "adapted", True):
        raise ValueError(
            "Invalid value for argument `model`. Expected one that knows its columns' offset and "
            "scale. Received: one that does not. Remedy: model.adapt(x)"
        )
    encoder = source.encoder_of(model, layer)
    if top_k is not None:
        best.require_k(top_k, encoder.output_shape[-1])
    originals = {"encoder": encoder}
    if decoder:
        originals["decoder"] = source.decoder_of(model, layer)

    with conversion.on_cpu():
        encoder = source.inference_clone(encoder)
        real = None if sample is None else samples.checked(sample, encoder.input_shape[1:])
        synthetic = samples.synthetic(encoder, GATE_ROWS)
        rows = synthetic if real is None else real[:GATE_ROWS].astype(np.float32)
        halves = {
            "encoder": conversion.convert(
                "encoder.onnx", encoder, rows, converter, opset, top_k, allow
            )
        }
        codes = halves["encoder"].run(rows)
        if threshold is None:
            threshold = _threshold(model, layer, codes)
        if decoder:
            half = source.inference_clone(originals["decoder"])
            halves["decoder"] = conversion.convert(
                "decoder.onnx", half, codes, converter, opset, allow=allow
            )
    for name, given in {"encoder": rows, "decoder": codes}.items():
        if name in halves and conversion.is_at_hand(originals[name]):
            answers = conversion.answers(originals[name])
            fidelity.hold_to_model(f"{name}.onnx", answers, halves[name].run, given)

    kind = ("synthetic" if real is None else "real") if golden == "auto" else golden
    golden_rows = {"real": rows, "synthetic": synthetic, "none": rows[:0]}[kind][:GOLDEN_ROWS]
    int8 = None
    if quantize is not None:
        assert real is not None
        int8 = quantization.decide(
            halves["encoder"].onnx_bytes,
            real,
            labels=labels,
            mode=quantize,
            threshold=threshold,
            golden_rows=golden_rows,
            decoder=halves["decoder"].onnx_bytes if decoder else None,
            top_k=top_k,
        )
    with bundle.replaced_folder(path, marker=bundle.MANIFEST, overwrite=overwrite) as folder:
        if int8 is not None:
            quantization.write(folder, int8)
        _write(
            folder,
            halves,
            golden_rows=golden_rows,
            allow=allow,
            manifest={
                "input": {"name": "x", "shape": list(encoder.input_shape[1:]), "dtype": "float32"},
                "output": {
                    "name": "code",
                    "shape": list(encoder.output_shape[1:]),
                    "dtype": "float32",
                },
                "threshold": threshold,
                "opset": opset,
                "ir_version": canonical.ir_version(opset),
                "min_onnxruntime": MIN_ONNXRUNTIME[opset],
                "converter": halves["encoder"].converter,
                "versions": _versions(),
                "parity": {name: half.parity.as_dict() for name, half in halves.items()},
                "golden": {"kind": kind, "rows": len(golden_rows)},
                "top_k": None if top_k is None else best.entry(top_k, encoder.output_shape[1:]),
                "statistics": None
                if real is None
                else _statistics(halves["encoder"].onnx_bytes, real, threshold),
                "int8": None if int8 is None else int8.manifest,
            },
        )
    return path


# The bundle ------------------------------------------------------------------------------------


def _write(
    folder: Path,
    halves: dict[str, Converted],
    golden_rows: np.ndarray,
    allow: Sequence[str],
    manifest: dict[str, Any],
) -> None:
    for name, half in halves.items():
        (folder / f"{name}.onnx").write_bytes(half.onnx_bytes)
    if len(golden_rows):
        golden = {"x": golden_rows, "code": halves["encoder"].run(golden_rows)}
        if "decoder" in halves:
            golden["x_hat"] = halves["decoder"].run(golden["code"])
        if (entry := manifest["top_k"]) is not None:
            golden["values"], indices = best.largest(golden["code"], entry["k"])
            (folder / "golden_indices.i32").write_bytes(indices.astype("<i4").tobytes())
        for name, array in golden.items():
            (folder / f"golden_{name}.f32").write_bytes(array.astype("<f4").tobytes())
    bundle.finish(folder, manifest)
    Encoder(folder, allow=allow).verify()  # what a device would refuse is not written


def _statistics(onnx_bytes: bytes, rows: np.ndarray, threshold: float) -> dict[str, Any]:
    run = fidelity.session_run(onnx_bytes, ort.GraphOptimizationLevel.ORT_ENABLE_ALL)
    return statistics.of_sample(run, rows, threshold)


def _versions() -> dict[str, str]:
    backend = keras.backend.backend()
    found = {name: version(name) for name in ("keras", "numpy", "onnx", "onnxruntime")}
    found["keras-sparse-export"] = version("keras-sparse-export")
    if backend == "tensorflow":
        found["tf2onnx"] = version("tf2onnx")
    return {"backend": backend, **dict(sorted(found.items()))}


def _require_choices(converter: str, opset: int, golden: str, sample: Any) -> None:
    for name, value, choices in (
        ("converter", converter, ("auto", "tf2onnx", "builder")),
        ("opset", opset, tuple(MIN_ONNXRUNTIME)),
        ("golden", golden, ("auto", "real", "synthetic", "none")),
    ):
        if value not in choices:
            raise ValueError(
                f"Invalid value for argument `{name}`. Expected one of {choices}. "
                f"Received: {name}={value!r}"
            )
    if golden == "real" and sample is None:
        raise ValueError(
            "Invalid value for argument `golden`. Expected a `sample` to take real rows from. "
            "Received: golden='real', sample=None"
        )


def _threshold(model: keras.Model, layer: str | None, codes: np.ndarray) -> float:
    own: float | None = getattr(model, "threshold", None) if layer is None else None
    if own is not None:
        return own
    return 0.0 if (codes == 0).any() else DENSE_THRESHOLD
