"""What the command makes of hostile files of rows; where they are sound, beside onnxruntime."""

import csv
import json
import math
from collections.abc import Sequence
from pathlib import Path
from random import Random

import numpy as np

from fuzzing.bases import Base, run, split_rows
from fuzzing.judges.bundle import require_message
from fuzzing.judges.bundle import run as command
from fuzzing.judges.outcomes import LEFTOVER, UNNAMED, WRONG, CaseError, Steps, require_near

OLD = b"what was there before"


def choose_options(rng: Random, kind: str) -> list[str]:
    """How the command is called, beside bundle, data and codes."""
    if kind == "bomb":  # whose first row is bad; all others would take their time
        return rng.choice(([], ["--key", "flat"], ["--key", "x"]))
    options = []
    if rng.random() < 0.5:
        options += ["--on-bad", rng.choice(("skip", "nan"))]
    if rng.random() < 0.3:
        options += ["--batch-rows", rng.choice(("1", "7", "1000"))]
    if kind == "wav":
        options += ["--hop", rng.choice(("1", "5", "1000"))]
    if kind in ("csv", "jsonl") and rng.random() < 0.2:
        options += ["--format", rng.choice(("csv", "jsonl"))]
    if kind in ("npz", "jsonl") and rng.random() < 0.3:
        options += ["--key", rng.choice(("x", "flat", "y", ""))]
    if kind == "csv" and rng.random() < 0.4:
        options += rng.choice((["--header", "yes"], ["--header", "no"], ["--drop", "c0"]))
    return options


def judge(base: Base, data: Path, to: str, options: Sequence[str], overwrite: bool) -> Steps:
    """Encode a file.

    Raises:
        CaseError: If it ends in anything but codes or a named error, or leaves half a file.
    """
    steps = Steps()
    folder = data.parent / "codes"
    folder.mkdir()
    codes = folder / f"codes.{to}"
    if overwrite:
        codes.write_bytes(OLD)
    more = ["-o", str(codes), *options, *(["--overwrite"] if overwrite else [])]
    arguments = ["encode", str(base.bundle), str(data), *more]
    status, _, told = steps("encode", lambda: command(*arguments))
    left = sorted(file.name for file in folder.iterdir())
    require_message(status, told, arguments)
    if status:
        if left != ([codes.name] if overwrite else []) or (overwrite and codes.read_bytes() != OLD):
            raise CaseError(LEFTOVER, f"exit status {status}, and {left} is left: {told}")
        steps.named.append(told)
        return steps
    if left != [codes.name]:
        raise CaseError(LEFTOVER, f"{left} beside {codes.name}")
    _require_right(base, data, codes, options)
    return steps


def _require_right(base: Base, data: Path, codes: Path, options: Sequence[str]) -> None:
    found = _read_codes(codes, base)
    units = math.prod(base.manifest["output"]["shape"])
    if found.ndim != 2 or found.shape[1] != units:
        raise CaseError(WRONG, f"codes of {found.shape}, where there are {units} units")
    if "--on-bad" not in options and not np.isfinite(found).all():
        raise CaseError(WRONG, "codes that are not finite, of rows that are")
    if "--format" in options or "--drop" in options or "--key" in options:
        return
    rows = _read_sound_rows(base, data, "yes" in options)
    if rows is not None:
        wanted = run(base.bundle / "encoder.onnx", rows.astype(np.float32))["code"]
        wanted = wanted.reshape(-1, units)
        if codes.suffix in (".npz", ".jsonl"):
            active = np.abs(wanted) > base.manifest["threshold"]
            wanted = np.where(active, wanted, np.float32(0))
        require_near("codes", wanted, found, slack=2)


def _read_codes(codes: Path, base: Base) -> np.ndarray:
    """Read written codes of any format as dense codes."""
    units = math.prod(base.manifest["output"]["shape"])
    try:
        if codes.suffix == ".npy":
            array = np.load(codes)
            return array.reshape(len(array), units)
        if codes.suffix == ".csv":
            text = codes.read_text()
            return np.array([list(map(float, line.split(","))) for line in text.splitlines()],
                            np.float32).reshape(-1, units)  # fmt: skip
        if codes.suffix == ".npz":
            with np.load(codes) as parts:
                dense = np.zeros(parts["shape"], np.float32)
                rows = np.repeat(np.arange(len(dense)), np.diff(parts["indptr"]))
                dense[rows, parts["indices"]] = parts["data"]
                return dense
        entries = [json.loads(line) for line in codes.read_text().splitlines()]
        dense = np.zeros((len(entries), units), np.float32)
        for row, entry in zip(dense, entries, strict=True):
            if "error" in entry:
                row[:] = np.nan
            else:
                row[entry["indices"]] = entry["values"]
        return dense
    except (ValueError, KeyError, OSError) as error:
        raise CaseError(UNNAMED, f"{codes.name} cannot be read again: {error!r}") from error


def _read_sound_rows(base: Base, data: Path, header: bool) -> np.ndarray | None:
    """Read the rows of a sound file in a different way; `None` for any other file."""
    shape = base.manifest["input"]["shape"]
    try:
        if data.suffix in (".npy", ".npz"):
            array = np.load(data)
            if data.suffix == ".npz":
                if len(array.files) != 1:
                    return None
                array = array[array.files[0]]
            rows = split_rows(base, array) if array.ndim > 1 else None
        else:
            lines = data.read_bytes().decode("ascii").split("\n")
            lines = [line for line in lines if line.strip()][1 if header else 0 :]
            if data.suffix == ".csv":
                rows = np.array([list(map(float, row)) for row in csv.reader(lines)])
            else:
                parsed = map(json.loads, lines)
                rows = np.array([each["x"] if isinstance(each, dict) else each for each in parsed])
            rows = rows.reshape(len(rows), *shape)
    except Exception:  # it is the command that must say what is wrong with it
        return None
    if rows is None or not _is_finite(rows):
        return None
    return rows


def _is_finite(rows: np.ndarray) -> bool:
    with np.errstate(all="ignore"):
        return rows.dtype.kind in "biuf" and bool(np.isfinite(rows.astype(np.float32)).all())
