"""Write the card and the manifest of a bundle."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from keras_sparse_export.bundle.entries import counts_signed_codes, get_columns, get_windows
from keras_sparse_export.bundle.format import (
    FORMAT,
    FRONT_END,
    LITERT,
    MANIFEST,
    MAX_MANIFEST_BYTES,
    NAME,
    TFLITE,
)
from keras_sparse_export.bundle.reading import hash_stream
from keras_sparse_export.drift.alarms.verdicts import describe_alarm
from keras_sparse_export.errors import BundleError
from keras_sparse_export.io.inputs import Inputs, read_inputs

MAX_LISTED = 50
"""Names of columns on the card."""


MISSING_VALUES = {
    "mean": "Rows may have gaps, which are NaN: each counts as the mean of its column.",
    "mask": "Rows may have gaps, which are NaN: the encoder reads which entries there are.",
}
"""What the card says of gaps, by the manifest's `missing`."""


def finish(folder: Path, manifest: dict[str, Any]) -> None:
    """Write the card, then the manifest with the hash and size of every other file."""
    manifest = {"format": FORMAT, **manifest}
    (folder / "README.md").write_text(format_card(manifest), encoding="utf-8")
    files = {
        file.name: {"sha256": hash_file(file), "size": file.stat().st_size}
        for file in sorted(folder.iterdir())
        if not file.name.startswith(".")  # hidden files of systems and tools
    }
    odd = [name for name in files if not re.fullmatch(NAME, name)]
    if odd:
        raise BundleError(
            "Expected file names of ASCII letters, digits, spaces, `.`, `_` and `-` in a bundle. "
            f"Received: {odd[0]!r}. Remedy: keep it outside the folder"
        )
    text = json.dumps({**manifest, "files": files}, indent=2, allow_nan=False)
    data = f"{text}\n".encode()
    if len(data) > MAX_MANIFEST_BYTES:
        raise BundleError(
            f"Expected a manifest of at most {MAX_MANIFEST_BYTES} bytes. Received: {len(data)} "
            f"bytes, for {manifest['output']['shape'][-1]} units. Remedy: export without a sample; "
            "the statistics take the most space"
        )
    (folder / MANIFEST).write_bytes(data)


def hash_file(file: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with file.open("rb") as stream:
        return hash_stream(stream)


def format_card(manifest: dict[str, Any]) -> str:
    """Return the README.md of a bundle: its contents, and how to run it."""
    inputs, units = read_inputs(manifest), manifest["output"]["shape"]
    parity = manifest["parity"]["encoder"]
    size = "the magnitude of its code" if counts_signed_codes(manifest) else "its code"
    lines = [
        "# A sparse encoder",
        "",
        f"`encoder.onnx` maps raw rows {_list_inputs(inputs)} (float32; scaling is "
        f"part of the graph) to `code` `[batch, {_format_dims(units)}]`. A unit is active when "
        f"{size} exceeds {manifest['threshold']:g}.",
        "",
        *_list_columns(manifest),
        *_describe_windows(manifest),
        f"It runs on onnxruntime {manifest['min_onnxruntime']} and newer, in any language:",
        "",
        "```python",
        "import onnxruntime",
        "",
        'session = onnxruntime.InferenceSession("encoder.onnx")',
        f'(code,) = session.run(["code"], {_format_feeds(inputs)})',
        "```",
        "",
        "or, with verification, `keras_sparse_export.Encoder(folder).encode(rows)`.",
        "",
        f"Parity with Keras: max |Δ| {parity['max_abs_error']:.2g} on {parity['rows']} rows "
        f"(allowed {parity['tolerance']:.2g}).",
    ]
    if (missing := manifest.get("missing")) is not None:
        lines += ["", f"{MISSING_VALUES[missing]} A row needs one entry or more."]
    if manifest.get("thresholds"):
        lines += ["", _describe_thresholds(manifest)]
    if (statistics := manifest["statistics"]) is not None:
        lines += [
            "",
            f"On {statistics['rows']} rows of real data, {statistics['l0']:.1f} of {units[-1]} "
            f"units are active per row, and {statistics['dead_units']} are never active.",
        ]
    if "decoder" in manifest["parity"]:
        of = "the raw rows" if FRONT_END not in manifest else "the features of the front end"
        lines += ["", f"`decoder.onnx` maps `code` to reconstructions of {of}, `x_hat`."]
        if "scale" in manifest and (FRONT_END not in manifest or "score" in manifest):
            lines[-1] += (
                f" `keras_sparse_export.Encoder(folder).errors(rows)` compares them with {of}, "
                "in the space of the model's loss: `((x − x_hat) / scale)²` per column."
            )
    if "score" in manifest:
        lines += ["", _describe_score(manifest)]
    if manifest["int8"] is not None and manifest["int8"]["kept"]:
        report = manifest["int8"]["report"][manifest["int8"]["method"]]
        lines += [
            "",
            "`encoder.int8.onnx` is the encoder quantized to int8, with "
            f"{report['file_bytes_int8'] / report['file_bytes_float32']:.0%} of the file size. On "
            f"held-out rows, {report['jaccard']:.1%} of the units that are active in one of the "
            "two encoders are active in both.",
        ]
        if "score" in manifest["int8"]:
            change = manifest["int8"]["score"]["report"][manifest["int8"]["method"]]
            lines[-1] += (
                " `score.int8.onnx` is `score.onnx` in int8: the score of a held-out row changes "
                f"by {change['median_change']:.2%} in the median."
            )
    if "float16" in manifest.get("variants", {}):
        report = manifest["variants"]["float16"]["report"]
        lines += [
            "",
            "`encoder.float16.onnx` is the encoder with its weights in float16, with "
            f"{report['file_bytes_variant'] / report['file_bytes_float32']:.0%} of the file size; "
            "it computes in float32. On held-out rows, "
            f"{report['jaccard']:.2%} of the units that are active in one of the two encoders are "
            "active in both.",
        ]
    if LITERT in manifest.get("variants", {}):
        parity = manifest["variants"][LITERT]["parity"]
        lines += [
            "",
            f"`{TFLITE}` is the encoder for LiteRT, in float32. Parity with Keras: max |Δ| "
            f"{parity['max_abs_error']:.2g} on {parity['rows']} rows (allowed "
            f"{parity['tolerance']:.2g}).",
        ]
    lines += [
        "",
        {
            "real": "The golden rows are real rows, from the sample that was passed to the export.",
            "synthetic": "The golden rows are synthetic: random numbers, not data.",
            "none": "There are no golden rows.",
        }[manifest["golden"]["kind"]]
        + " `manifest.json` has all details. Its hashes prove that the files are intact, but not"
        " who made them.",
    ]
    return "\n".join(lines) + "\n"


def _list_inputs(inputs: Inputs) -> str:
    """Describe the inputs: `x` `[batch, 8]`."""
    texts = [f"`{each.name}` `[batch, {_format_dims(each.dims)}]`" for each in inputs]
    for place, each in enumerate(inputs):
        if each.whole is not None:
            texts[place] += f" of whole numbers from {each.whole[0]} to {each.whole[1]}"
        if each.least is not None:
            texts[place] += f", of a shape from {[*each.least]} to {[*each.sizes]}"
    return " and ".join(texts)


def _format_feeds(inputs: Inputs) -> str:
    """Return the argument of onnxruntime, as Python code."""
    if len(inputs) == 1:
        return f'{{"{inputs[0].name}": rows}}'
    parts = [f'"{name}": rows["{name}"]' for name in inputs.names]
    return f"{{{', '.join(parts)}}}"


def _list_columns(manifest: dict[str, Any]) -> list[str]:
    """Return lines on the names of the columns; none if they have none."""
    names = get_columns(manifest)
    if names is None:
        return []
    lines = [f"The columns of a row are, in this order: {_list_names(names)}."]
    if names.categories:
        text = _list_names([*names.categories])
        lines.append(f"Rows with names may hold these columns of categories as text: {text}.")
    return [*lines, ""]


def _describe_windows(manifest: dict[str, Any]) -> list[str]:
    """Return lines on how a signal is cut into rows; none if they are no windows."""
    windows = get_windows(manifest)
    if windows is None:
        return []
    return [f"Rows are {windows.describe()}: `keras_sparse_export.Encoder(folder).stream`.", ""]


def _list_names(names: Sequence[str]) -> str:
    """List the first names, without Markdown, whatever they hold."""
    shown = ["".join(c if c.isalnum() or c in " _-" else f"&#{ord(c)};" for c in name)
             for name in names[:MAX_LISTED]]  # fmt: skip
    more = f" and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else ""
    return f"{', '.join(shown)}{more}"


def _describe_thresholds(manifest: dict[str, Any]) -> str:
    """Describe the gates, and the L0 that a device may ask for."""
    values = [gate["values"] for gate in manifest["thresholds"]]
    ranges = [
        f"{min(each):.4g}" + (f" to {max(each):.4g}, by unit" if len(each) > 1 else "")
        for each in values
    ]
    text = (
        f"A code is 0 unless it exceeds its threshold, {ranges[-1]}"
        + (f" (in the first of two passes {ranges[0]})" if len(ranges) > 1 else "")
        + "."
    )
    if (curve := manifest["calibration"]) is not None:
        text += (
            f" `Encoder(folder, l0=k)` lowers the mean number of active units, from "
            f"{curve['l0'][0]:.1f} to {curve['l0'][-1]:.1f} at the least."
        )
    return text


def _describe_score(manifest: dict[str, Any]) -> str:
    """Describe the score of a row, and what its threshold rests on."""
    text = (
        "`score.onnx` maps raw rows to `code` and `score` `[batch]`, the mean over a row of "
        "`((x − x̂) / scale)²`, as `keras_sparse_export.Encoder(folder).score(rows)` does."
    )
    if FRONT_END in manifest:
        features = _format_dims(manifest[FRONT_END]["shape"])
        text += f" x are the features of a row by the front end, `features` `[batch, {features}]`."
    if (alarm := manifest["score"]["alarm"]) is not None:
        text += f" `.verdict(rows)`: {describe_alarm(alarm)}. {alarm['assumes']}"
    return text


def _format_dims(shape: Sequence[int | str]) -> str:
    return ", ".join(str(size) for size in shape)
