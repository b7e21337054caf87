"""Export a Keras model: cut out the encoder, convert it, compare it, write the bundle."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_sparse_export.bundle import transaction, writing
from keras_sparse_export.bundle.format import FRONT_END, LITERT, MANIFEST, SCORES, TFLITE
from keras_sparse_export.convert import code_values, description, reading, samples
from keras_sparse_export.convert import converter as conversion
from keras_sparse_export.convert.backends import choice
from keras_sparse_export.convert.converter import Converted
from keras_sparse_export.convert.forms import litert as litert_form
from keras_sparse_export.convert.forms.score.calibrate import calibrate_score, require_calibration
from keras_sparse_export.convert.forms.score.scorer import make_scorer
from keras_sparse_export.convert.graph import indices
from keras_sparse_export.convert.jumps import gates, thresholds
from keras_sparse_export.convert.reading import Source
from keras_sparse_export.convert.source import copying, lengths
from keras_sparse_export.convert.source.estimators import find_model
from keras_sparse_export.errors import ConversionError, summarize
from keras_sparse_export.io import activity
from keras_sparse_export.onnx_file import operators
from keras_sparse_export.runtime import top_k as top_k_outputs
from keras_sparse_export.runtime.encoder import Encoder
from keras_sparse_export.runtime.opening import RUNTIMES
from keras_sparse_export.runtime.parity import Run
from keras_sparse_export.runtime.thresholds import choose_error
from keras_sparse_export.signals.windows import Windows
from keras_sparse_export.variants import decision as quantization
from keras_sparse_export.variants.rows import require_count

GATE_ROWS = 512
JUMP_ROWS = 1024
"""Of an encoder that jumps: one in 1,000 may flip."""
GOLDEN_ROWS = 32


def export_encoder(
    model: keras.Model,
    path: str | os.PathLike[str],
    *,
    sample: Any = None,
    columns: Sequence[str] | None = None,
    layer: str | None = None,
    decoder: bool = False,
    units: int | None = None,
    top_k: int | None = None,
    converter: str = "auto",
    opset: int = 17,
    golden: str = "auto",
    threshold: float | None = None,
    quantize: str | Sequence[str] | None = None,
    labels: Any = None,
    score: bool = False,
    calibration: Any = None,
    false_alarm_rate: float | None = None,
    groups: Any = None,
    free_length: bool = False,
    litert: bool = False,
    windows: Windows | None = None,
    allow: Sequence[str] = (),
    overwrite: bool = False,
) -> Path:
    """Write the encoder of a Keras model as a bundle that onnxruntime runs.

    The encoder is cut out, copied in float32 without regularizers, converted, loaded in onnxruntime
    and compared with Keras. What Keras quantized stays quantized, and is compared with that form.
    It is written, whole or not at all, only if the codes of each unit agree within
    `parity.tolerance`, 1e-5 of half its range or the rounding of float32, at batch 1, 2 and all
    rows.

    Args:
        model: A `SparseAutoencoder`, a fitted `SparseAutoencoderTransformer`, or any Keras model. A
            subclassed one is traced, in the shape that it was called with, else that of `sample`,
            and with several arguments in that of `sample`: a mapping of their names to arrays. The
            other steps of a pipeline cannot be exported with it.
        path: Folder of the bundle.
        sample: Raw rows of real data, `(rows, *input_shape)`; of several inputs a dictionary or
            list of arrays, as the model takes. The first 512 are used for the comparison. The
            bundle records statistics of the codes of all rows, with which `Encoder.drift` compares:
            for drift, pass 1,000 or more rows, drawn at random, that the model was not trained on.
            Without a sample, synthetic rows are used for the comparison and the bundle has no
            statistics. Of a model that takes rows with gaps, every second row of the comparison has
            some: a complete one loses a quarter of its entries. If the model takes rows of any
            length, the bundle takes those of the length that they have here; see `free_length`.
        columns: Names of the columns of a row, in the order of the model. By default the model's
            own `columns`, or those of `sample` if it is a table or a mapping. The bundle keeps
            them, and readers order by name what has names. It also keeps the model's `categories`,
            with which readers take columns of categories as text.
        layer: Name of the layer whose output is the code. By default the model's `encoder`
            computes it, or the model itself, if it has one output in another shape than its input.
        decoder: Whether to add the decoder. Of a model with a `front_end` it gives the features
            that the front end makes of rows; with `layer`, of a model whose output has the shape of
            its input, it is all that follows the layer, which must read nothing but the code. A
            refined code, of two passes, needs the decoder's matrix itself: `encoder.onnx` holds it
            too, and is twice as large.
        units: Number of units of the code, by default all. The first ones are kept, as of a model
            that was trained with `Matryoshka`, and the weights of the others are left out. Their
            codes must not depend on others: a rank in the row (TopK) and a second pass do.
        top_k: Number of units to return as two additional outputs: `values`, the codes of largest
            magnitude of a row, the largest first, and `indices`, their units (int32, ties to the
            lower index). A device then sends `8 * top_k` bytes instead of `4 * units`.
        converter: `"builder"` for the direct builder, which knows common layers, or the converter
            of the backend: `"tf2onnx"` (TensorFlow), `"jax2onnx"` (JAX) or `"torch.onnx"` (torch).
            `"auto"` tries the builder, then that of the backend if the builder does not know a
            layer or converts wrongly.
        opset: ONNX operator set, 13 to 18. 17 runs on onnxruntime 1.12 and newer.
        golden: Rows to store in the bundle with their codes, for `verify`: `"real"` (of the first
            512 of `sample`, first of all those that activate a unit no earlier row does),
            `"synthetic"`, `"none"`, or `"auto"`: real rows; synthetic ones if there is no sample or
            all its codes are zero; none if the codes of the synthetic rows are zero, too.
        threshold: τ; a unit is active when `|code| > τ`. By default the model's own; of other
            models, 0 if codes can be exactly zero, else 0.1.
        quantize: `"int8"` adds an int8 encoder; `"auto"` adds one if it is worth it: at least 1 MB
            of weights, at most 0.3 of the file size, and a support Jaccard of 0.98 or more on
            held-out rows. Otherwise the manifest gives the reasons. With `score` it also adds
            the scores in int8, with a threshold of their own. `"float16"` adds the encoder
            with its weights in float16, half the bytes; an error if the Jaccard is below 0.995.
            `("auto", "float16")` adds both forms. All need 64 rows of `sample` or more.
        labels: Class of each row of `sample`, to measure the accuracy of a probe on int8 codes.
            Needs scikit-learn.
        score: Whether to add `score.onnx`, which gives the code and the score of rows in one run:
            the mean over a row of `((x − x̂) / scale)²`, its part of the loss. It holds encoder and
            decoder; `decoder.onnx` is not needed for it. Of a model with a `front_end`, x are the
            features of the row, which are computed once, and a third output.
        calibration: Raw rows without a fault, in the form of `sample`, for a threshold of the
            score. They must have served nothing else: neither training nor `sample`.
        false_alarm_rate: Rate of false alarms of that threshold, by default 0.01. What it says, and
            what it rests on, is in the manifest: see "Scores and alarms" in the package's README.
            A warning says if there are too few rows or recordings to show it.
        groups: Id of the recording of each row of `calibration`. Rows of one recording, such as
            windows that overlap, are not independent: with ids each recording counts once, and the
            rate is that of a row of a new recording.
        free_length: Whether the bundle takes shorter rows than those of `sample`, too, down to the
            shortest that the model takes. The model has one input with axes of any length, as
            `keras.Input((None, 8))` or images of `keras.Input((None, None, 3))`. It is compared
            with Keras at the length of `sample`, at the shortest, and at one between, and so is
            another form with float32. Statistics and golden rows are of the length of `sample`.
            The bundle has neither a decoder nor scores.
        litert: Whether to add `encoder.tflite`, the encoder in float32 for LiteRT, with the
            outputs of `encoder.onnx`. It is converted by TensorFlow, of which it needs the backend,
            from layers that LiteRT's built-in operators compute, and compared with Keras in LiteRT
            as `encoder.onnx` is in onnxruntime. Needs `pip install "keras-sparse-export[litert]"`;
            not with `units` or `free_length`.
        windows: How a signal is cut into the rows: window, hop, sampling rate and channels. By
            default the model's own `windows`, if it has some. The bundle keeps them, so that a
            device cuts streams and recordings as the training did, and refuses other windows.
        allow: Additional ONNX operators to accept, for example `("Loop",)` for a GRU of more than
            512 steps, up to which it is unrolled. A device must allow them, too:
            `Encoder(..., allow=("Loop",))`.
        overwrite: Whether to replace a bundle at `path`.

    Returns:
        The bundle's folder.

    Raises:
        ModuleNotFoundError: If `litert` is given, and LiteRT is not installed.
        ValueError: If an argument is out of range or does not fit the model.
        FileExistsError: If `path` exists, and is not a bundle or `overwrite` is false.
        ConversionError: If no converter knows a layer or an operator, the first `units` depend
            on others, or a layer with a threshold was never trained; the message names it.
        ParityError: If the converted model disagrees with Keras, or a form that `quantize` requires
            with float32.
        RangeError: If rows of `sample` overflow float32 in the encoder; the message names them.

    Example:
        >>> import keras_sparse, keras_sparse_export, numpy, tempfile
        >>> model = keras_sparse.SparseAutoencoder(20, 8, target_l0=2)
        >>> model.compile()
        >>> history = model.fit(numpy.random.default_rng(0).random((256, 20)), verbose=0)
        >>> path = keras_sparse_export.export_encoder(model, tempfile.mkdtemp() + "/encoder")
        >>> sorted(file.name for file in path.iterdir())
        ['README.md', 'encoder.onnx', 'golden_code.f32', 'golden_x.f32', 'manifest.json']
    """
    path, model = Path(path), find_model(model)
    transaction.require_target(path, overwrite=overwrite)
    _require_choices(converter, opset, golden, sample)
    if litert:
        litert_form.require_possible(units=units, free_length=free_length)
    rows_of_alarm = require_calibration(score, calibration, false_alarm_rate, groups)
    allow = operators.require_allow(allow)
    _require_adapted(model)
    if threshold is not None:
        threshold = activity.require_threshold(threshold)
    source = reading.read(
        model,
        sample,
        layer=layer,
        columns=columns,
        units=units,
        top_k=top_k,
        decoder=decoder,
        score=score,
        free_length=free_length,
        windows=windows,
    )
    if quantize is not None:
        modes = quantization.require_modes(quantize, "quantize")
        require_count(source.inputs.pack(sample, "sample")[0], labels, "sample")

    parts = _convert(
        source,
        sample,
        golden,
        converter=converter,
        opset=opset,
        top_k=top_k,
        units=units,
        allow=allow,
        litert=litert,
    )
    encoder, decodes = parts.encoder, parts.decoder
    source = source._replace(inputs=indices.narrow_ranges(source.inputs, encoder.onnx_bytes))
    if threshold is None:
        threshold = _choose_threshold(model, layer, source.fixed)
    kind, golden_rows = samples.choose_golden_of(
        encoder,
        golden,
        parts.candidates,
        GOLDEN_ROWS,
        target=None if decodes is None else parts.target,
    )
    encoder = conversion.allow_rounding(encoder, golden_rows, parts.rows)
    if decodes is not None:
        h, every = encoder.run(golden_rows), encoder.run(parts.rows)
        decodes = conversion.allow_rounding(decodes, h, every, parts.target(golden_rows))
    jumps = thresholds.describe(encoder.onnx_bytes, encoder.jumps, parts.real, gaps=source.gaps)
    scorer = None
    if score:
        assert decodes is not None
        assert source.scale is not None
        scorer = make_scorer(
            encoder,
            decodes,
            parts.rows,
            source.scale,
            parts.target,
            golden_rows,
            of_features=source.front_end is not None,
            calibration=rows_of_alarm,
            inputs=source.inputs,
            columns=source.columns,
            sample=parts.real,
            allow=allow,
            gaps=source.gaps,
        )
    forms = quantization.Decision({}, None, {})
    if quantize is not None:
        assert parts.real is not None
        forms = quantization.decide(
            encoder.onnx_bytes,
            parts.real,
            labels=labels,
            modes=modes,
            threshold=threshold,
            golden_rows=golden_rows,
            decoder=decodes.onnx_bytes if decodes and decoder else None,
            target=parts.target,
            top_k=top_k,
            argument="sample",
            allow=allow,
            measure=choose_error(jumps),
            jumps=bool(encoder.jumps),
            gaps=source.gaps,
            scale=source.scale,
            inputs=source.inputs,
            scorer=None if scorer is None else scorer.onnx_bytes,
        )
        if rows_of_alarm is not None and SCORES["int8"] in forms.files:
            alarm = calibrate_score(
                forms.files[SCORES["int8"]],
                rows_of_alarm,
                source.inputs,
                source.columns,
                sample=None,
                allow=allow,
                gaps=source.gaps,
                warn=False,
            )
            assert forms.int8 is not None
            forms.int8["score"]["alarm"] = alarm.as_dict()
    if parts.lite is not None:
        forms.files[TFLITE], forms.variants[LITERT] = parts.lite
    statistics = None
    if parts.real is not None:
        statistics = description.compute_statistics(
            encoder.onnx_bytes, source, parts.real, threshold, allow
        )

    converted = {"encoder": encoder}
    if decodes is not None and decoder:
        converted["decoder"] = decodes
    manifest = description.describe(
        source,
        converted,
        threshold=threshold,
        jumps=jumps,
        opset=opset,
        golden=(kind, len(golden_rows)),
        top_k=top_k,
        statistics=statistics,
        litert=litert_form.list_versions() if litert else None,
    )
    if scorer is not None:
        manifest = scorer.describe(manifest)
    manifest = forms.describe(manifest)
    with transaction.replace_folder(path, marker=MANIFEST, overwrite=overwrite) as folder:
        quantization.write(folder, forms)
        if scorer is not None:
            scorer.write(folder, golden_rows)
        _write(folder, converted, golden_rows, parts.target, allow, manifest)
    return path


# Files -----------------------------------------------------------------------------------------


class _Parts(NamedTuple):
    """Files that agree with Keras, and the rows that this was seen on."""

    encoder: Converted
    decoder: Converted | None
    lite: Any
    """The file for LiteRT, and what the manifest says of it."""
    rows: np.ndarray
    candidates: dict[str, np.ndarray]
    """The same rows by what they are, among which the golden ones are chosen."""
    real: Any
    """The rows of the sample, if there is one."""
    target: Run
    """Computes of rows what the decoder reconstructs, the rows or their features."""


def _convert(
    source: Source,
    sample: Any,
    golden: str,
    *,
    converter: str,
    opset: int,
    top_k: int | None,
    units: int | None,
    allow: Sequence[str],
    litert: bool,
) -> _Parts:
    """Convert encoder and decoder, and compare them with Keras."""
    inputs, gaps = source.inputs, source.gaps
    decoder = lite = None
    target = conversion.make_target(source.front_end)
    with conversion.on_cpu():
        clone = copying.clone_for_inference(source.encoder)
        real = None
        if sample is not None:
            real = samples.check_sample(sample, inputs, source.columns, gaps=gaps)
        count = JUMP_ROWS if gates.list_gates(clone) else GATE_ROWS
        candidates = samples.list_candidates(clone, inputs, real, golden, count, gaps=gaps)
        rows = np.concatenate(list(candidates.values()))
        shorter = lengths.shorten(clone, rows, inputs)
        encoder = conversion.convert(
            "encoder.onnx",
            clone,
            rows,
            converter,
            opset,
            top_k,
            allow,
            units=units,
            inputs=inputs,
            shorter=shorter,
        )
        if litert:
            lite = litert_form.make(clone, encoder, rows, inputs, top_k)
        if source.decoder is not None:
            codes = encoder.run(rows)
            decoder = conversion.convert(
                "decoder.onnx",
                copying.clone_for_inference(source.decoder),
                codes,
                converter,
                opset,
                allow=allow,
                targets=target(rows),
                units=units,
            )
    for batch in (rows, *shorter):
        _compare_with_original("encoder.onnx", source.encoder, encoder, batch)
    if source.decoder is not None and decoder is not None:
        _compare_with_original("decoder.onnx", source.decoder, decoder, codes)
    return _Parts(encoder, decoder, lite, rows, candidates, real, target)


def _compare_with_original(
    name: str, original: keras.Model, converted: Converted, rows: np.ndarray
) -> None:
    """Compare a file with the model itself, where that computes as the copy does."""
    if conversion.is_local_float32(original):
        conversion.require_parity_with_original(name, original, converted, rows)


def _write(
    folder: Path,
    converted: dict[str, Converted],
    golden_rows: np.ndarray,
    target: Run,
    allow: Sequence[str],
    manifest: dict[str, Any],
) -> None:
    for name, model in converted.items():
        (folder / f"{name}.onnx").write_bytes(model.onnx_bytes)
    if len(golden_rows):
        golden = {"x": golden_rows, "code": converted["encoder"].run(golden_rows)}
        if FRONT_END in manifest:
            golden[FRONT_END] = target(golden_rows)
        if "decoder" in converted:
            golden["x_hat"] = converted["decoder"].run(golden["code"])
        if (entry := manifest["top_k"]) is not None:
            golden["values"], indices = top_k_outputs.select_largest(golden["code"], entry["k"])
            (folder / "golden_indices.i32").write_bytes(indices.astype("<i4").tobytes())
        for name, array in golden.items():
            (folder / f"golden_{name}.f32").write_bytes(array.astype("<f4").tobytes())
    writing.finish(folder, manifest)
    for runtime in RUNTIMES[: 1 + (folder / TFLITE).exists()]:
        # Never write a bundle that a device would reject.
        Encoder(folder, runtime=runtime, allow=allow).verify()


# Arguments -------------------------------------------------------------------------------------


def _require_choices(converter: str, opset: int, golden: str, sample: Any) -> None:
    for name, value, choices in (
        ("converter", converter, ("auto", *choice.NAMES)),
        ("opset", opset, tuple(description.MIN_ONNXRUNTIME)),
        ("golden", golden, ("auto", "real", "synthetic", "none")),
    ):
        if value not in choices:
            raise ValueError(
                f"Invalid value for argument `{name}`. Expected one of {choices}. "
                f"Received: {name}={value!r}"
            )
    if golden == "real" and sample is None:
        raise ValueError(
            "Invalid value for argument `golden`. Expected a `sample` for real golden rows. "
            "Received: golden='real', sample=None"
        )


def _require_adapted(model: keras.Model) -> None:
    if not getattr(model, "adapted", True):
        raise ValueError(
            "Invalid value for argument `model`. Expected a trained model, with the offset and "
            "scale of its columns. Received: a model without. Remedy: model.fit(x), which learns "
            "both, or model.adapt(x) where the weights are trained already"
        )


def _choose_threshold(model: keras.Model, layer: str | None, encoder: keras.Model) -> float:
    own: float | None = getattr(model, "threshold", None) if layer is None else None
    if own is not None:
        return own
    try:
        with conversion.on_cpu():
            return code_values.choose_threshold(encoder)
    except Exception as error:  # a user's layer may raise anything on random numbers
        raise ConversionError(
            "Expected an encoder that encodes random numbers, which show whether codes can be "
            f"zero. Received: {summarize(error)}. Remedy: threshold=0 if they can, else 0.1"
        ) from error
