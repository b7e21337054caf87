"""The rows that an export is checked on: from the user's data, or synthetic."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import onnxruntime as ort

from keras_sparse_export.bundle.format import MAX_COLUMNS
from keras_sparse_export.convert.converter import Converted
from keras_sparse_export.convert.jumps.golden import PROBES, Margins, build_probes
from keras_sparse_export.convert.source import cut
from keras_sparse_export.convert.source.inputs import draw_numbers, is_plain, list_takers
from keras_sparse_export.errors import ConversionError, summarize
from keras_sparse_export.io.categories import Columns, name_columns
from keras_sparse_export.io.columns import find_names, order_by_name, require_names
from keras_sparse_export.io.inputs import Inputs
from keras_sparse_export.runtime.jumps import observe_file
from keras_sparse_export.runtime.parity import Run
from keras_sparse_export.runtime.rows import require_finite, require_unmasked

CHUNK_ROWS = 1024
SPREADS = (1, 10, 100)
"""Factors of the standard deviation of synthetic rows, tried in order."""


def choose_columns(
    model: keras.Model, sample: Any, columns: Sequence[str] | None, inputs: Inputs
) -> Columns | None:
    """Choose the names of the columns, and the model's categories; `None` if none are known.

    Raises:
        ValueError: If they are not different texts, one for each number of a row.
    """
    shape = inputs.row_shape
    if columns is None:
        columns = getattr(model, "columns", None)
    if columns is None:
        if inputs.pack(sample, "sample")[0] is not sample:  # its names are those of inputs
            return None
        columns = find_names(sample, "sample")
        if columns is None or (len(columns),) != shape:  # which its rows show
            return None
    names = require_names(tuple(columns), "columns")
    if len(names) > MAX_COLUMNS:
        raise ValueError(
            f"Invalid value for argument `columns`. Expected at most {MAX_COLUMNS} names. "
            f"Received: {len(names)}. Remedy: model.columns = None, and a sample without names"
        )
    if (len(names),) != shape:
        raise ValueError(
            "Invalid value for argument `columns`. Expected one name for each number of a row of "
            f"shape {shape}. Received: {len(names)} names"
        )
    known = getattr(model, "categories", None) or {}
    wide = {
        name: words for name, words in known.items() if set(name_columns(name, words)) <= set(names)
    }
    return Columns(names, wide)


class SparseSample:
    """Rows of a SciPy matrix; `x[part]` is a dense array of those of a slice.

    Args:
        matrix: The matrix, `(rows, features)`.
    """

    def __init__(self, matrix: Any) -> None:
        self._csr = matrix.tocsr()
        self.shape: tuple[int, int] = self._csr.shape
        self.dtype: np.dtype = self._csr.dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, part: slice) -> np.ndarray:
        dense: np.ndarray = self._csr[part].toarray()
        return dense


def check_sample(
    sample: Any,
    inputs: Inputs,
    columns: Sequence[str] | None = None,
    *,
    gaps: bool = False,
    argument: str = "sample",
) -> Any:
    """Return the sample as an array, without a copy unless its columns or inputs have names.

    A matrix of SciPy stays sparse, as `SparseSample`.

    Args:
        sample: Raw rows.
        inputs: The inputs of the model.
        columns: Names of the columns of the model.
        gaps: Whether rows may have gaps, which are NaN.
        argument: Name of the argument, for error messages.

    Raises:
        TypeError: If it is not an array.
        ValueError: If its rows have another shape, or are masked, or are not finite numbers, or not
            the whole numbers that an input takes.
    """
    require_unmasked(sample, argument)
    packed, _ = inputs.pack(sample, argument)
    if packed is sample:
        packed = order_by_name(sample, columns, argument, owner="model")
    sample, shape = packed, inputs.row_shape
    try:
        is_sparse = hasattr(sample, "tocsr") and len(sample.shape) == 2
        rows: Any = SparseSample(sample) if is_sparse else np.asarray(sample)
    except TypeError as error:
        raise TypeError(
            f"Invalid type of argument `{argument}`. Expected an array of rows. Received: "
            f"{type(sample).__name__}. Remedy: a slice of it"
        ) from error
    if rows.dtype.kind not in "biuf" or rows.shape[1:] != shape or not len(rows):
        raise ValueError(
            f"Invalid value for argument `{argument}`. Expected rows of numbers, (rows, "
            f"{', '.join(map(str, shape))}). Received: {rows.dtype} of shape {rows.shape}"
        )
    for start in range(0, len(rows), CHUNK_ROWS):  # the sample may be a memory map
        with np.errstate(over="ignore"):
            part = rows[start : start + CHUNK_ROWS].astype(np.float32)
        require_finite(part, argument, start, gaps=gaps)
        inputs.require_whole(part, argument, start)
    return rows


def list_candidates(
    encoder: keras.Model,
    inputs: Inputs,
    real: Any,
    golden: str,
    count: int,
    *,
    gaps: bool = False,
) -> dict[str, np.ndarray]:
    """Return up to `count` rows of each kind to compare and to choose golden rows from.

    There are synthetic rows without a sample, if they are to be golden, and if all codes of the
    sample are zero: a file without weights would agree with those. With `gaps` every second row has
    some.
    """
    candidates = {} if real is None else {"real": real[:count].astype(np.float32)}
    if real is None or golden == "synthetic" or not _encode(encoder, candidates["real"]).any():
        draw = _draw_synthetic if is_plain(inputs) else _draw_by_input
        candidates["synthetic"] = draw(encoder, inputs, count)
    if gaps:
        candidates = {kind: add_gaps(rows) for kind, rows in candidates.items()}
    return candidates


def add_gaps(rows: np.ndarray) -> np.ndarray:
    """Remove a quarter of the entries, at random, of every second row that has no gap.

    The first row stays as it is, and so does one of a single entry.
    """
    complete = ~np.isnan(rows).any(axis=1)
    places = np.random.default_rng(0).permuted(
        np.broadcast_to(np.arange(rows.shape[1]), rows.shape), axis=1
    )
    removed = places < -(-rows.shape[1] // 4) if rows.shape[1] > 1 else np.zeros_like(rows, bool)
    chosen = (complete & (np.arange(len(rows)) % 2 == 1))[:, np.newaxis]
    return np.where(removed & chosen, np.float32(np.nan), rows)


def choose_golden(
    golden: str,
    candidates: dict[str, np.ndarray],
    encode: Run,
    count: int,
    *,
    target: Run | None = None,
) -> tuple[str, np.ndarray]:
    """Choose the rows to keep: first of all those that activate a unit no earlier row does.

    `verify` cannot see a unit that no golden row activates, and is tolerant of a column of the
    reconstruction that is zero in all of them.

    Args:
        golden: A kind of rows, `"none"`, or `"auto"`: the first kind with a code that is not zero.
        candidates: Rows of each kind.
        encode: The encoder.
        count: Number of rows.
        target: Computes of rows what a decoder reconstructs, whose columns count as units do.

    Returns:
        The kind and the rows, in the order of the candidates.

    Raises:
        ValueError: If all codes are zero, which any encoder without weights would give.
    """
    for kind, rows in candidates.items():
        if golden not in ("auto", kind) or not len(rows):
            continue
        active = encode(rows).reshape(len(rows), -1) != 0
        if active.any():
            if target is not None:
                columns = target(rows).reshape(len(rows), -1)
                active = np.hstack([active, np.nan_to_num(columns) != 0])
            firsts = np.unique(active.argmax(axis=0)[active.any(axis=0)])
            others = np.setdiff1d(np.arange(len(rows)), firsts)
            return kind, rows[np.sort(np.concatenate([firsts, others])[:count])]
    if golden in candidates:
        raise ValueError(
            "Invalid value for argument `golden`. Expected rows with a code that is not zero. "
            f"Received: golden={golden!r}, where all codes are zero. Remedy: golden='none', or a "
            "`sample` that activates units"
        )
    return "none", next(iter(candidates.values()))[:0]


def choose_golden_of(
    encoder: Converted,
    golden: str,
    candidates: dict[str, np.ndarray],
    count: int,
    *,
    target: Run | None = None,
) -> tuple[str, np.ndarray]:
    """Choose golden rows of an encoder; if it jumps with a margin, and probes at the end.

    Arguments and returns are those of `choose_golden`.

    Raises:
        ValueError: If all codes are zero, or no row keeps the margin.
    """
    if not encoder.jumps:
        return choose_golden(golden, candidates, encoder.run, count, target=target)
    every = np.concatenate(list(candidates.values()))
    margins = Margins(encoder.observe, encoder.jumps, every, encoder.rounding)
    steady = {kind: rows[margins.hold(rows)] for kind, rows in candidates.items()}
    if golden in steady and not len(steady[golden]):
        raise ValueError(
            "Invalid value for argument `golden`. Expected rows at which no unit is near its "
            f"threshold. Received: golden={golden!r}, where each of {len(candidates[golden])} rows "
            "has one. Remedy: golden='none', or more rows in `sample`"
        )
    others = max(count // 2, count - 2 * PROBES * len(encoder.jumps))
    kind, rows = choose_golden(golden, steady, encoder.run, others, target=target)
    if not len(rows):
        return kind, rows
    level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    fast = observe_file(encoder.onnx_bytes, encoder.taps, level)
    return kind, np.concatenate([rows, build_probes(fast, margins, steady[kind])])


def _encode(encoder: keras.Model, rows: np.ndarray) -> np.ndarray:
    try:
        codes: np.ndarray = keras.ops.convert_to_numpy(cut.call_model(encoder, rows))
    except Exception as error:  # a layer may raise anything
        raise ConversionError(
            "Expected a model that encodes the rows of the comparison. Received: "
            f"{summarize(error)}. Remedy: a `sample` of rows that it encodes"
        ) from error
    return codes


def _draw_by_input(encoder: keras.Model, inputs: Inputs, count: int) -> np.ndarray:
    """Draw numbers for each input with a fixed seed, as packed rows."""
    rng = np.random.default_rng(0)
    parts = [draw_numbers(rng, each, count).reshape(count, -1) for each in inputs]
    return np.hstack(parts).astype(np.float32).reshape(count, *inputs.row_shape)


def _draw_synthetic(encoder: keras.Model, inputs: Inputs, count: int) -> np.ndarray:
    """Draw normal rows with a fixed seed, in the range of the layer that scales the input.

    If they leave every code at zero, they are drawn farther from the offset.

    Raises:
        ValueError: If offset and scale of the layer give rows that are not finite in float32.
    """
    offset, scale = _read_scaling(encoder)
    normal = np.random.default_rng(0).standard_normal((count, *inputs.row_shape))
    draws: list[np.ndarray] = []
    for spread in SPREADS:
        with np.errstate(over="ignore", invalid="ignore"):
            rows = (spread * normal * scale + offset).astype(np.float32)
        if not np.isfinite(rows).all():
            break
        if _encode(encoder, rows).any():
            return rows
        draws.append(rows)
    if not draws:
        raise ValueError(
            "Invalid value for argument `model`. Expected an offset and a scale of columns that "
            "give finite rows in float32. Received: NaN or infinity. Remedy: a `sample`"
        )
    return draws[0]


def _read_scaling(model: keras.Model) -> tuple[np.ndarray, np.ndarray]:
    """Return offset and scale of the layer that takes the input, in float64; else 0 and 1."""
    for layer, _ in list_takers(model, 0):
        if isinstance(layer, keras.Model):
            return _read_scaling(layer)
        name = keras.saving.get_registered_name(type(layer))
        if name == "keras_sparse>MeanImputer":  # in front of the scaling, if there is one
            centre = layer.get_weights()[0].astype(np.float64)
            kinds = {keras.saving.get_registered_name(type(each)): each for each in model.layers}
            layer = kinds.get("keras_sparse>Scaling")
            if layer is None:
                return centre, np.ones(())
            name = "keras_sparse>Scaling"
        if name == "keras_sparse>Scaling" and not layer.invert:
            offset, scale = (values.astype(np.float64) for values in layer.get_weights())
        elif name == "Normalization" and not layer.invert:
            offset, variance = (
                keras.ops.convert_to_numpy(values).astype(np.float64)
                for values in (layer.mean, layer.variance)
            )
            scale = np.maximum(np.sqrt(variance), keras.config.epsilon())
        elif name == "Rescaling":
            scale = 1 / np.asarray(layer.scale, np.float64)
            offset = -np.asarray(layer.offset, np.float64) * scale
        else:
            continue
        return offset, scale
    return np.zeros(()), np.ones(())
