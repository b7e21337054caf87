"""Mutations of numbers: weights in ONNX files, and golden rows and answers."""

import os
from pathlib import Path
from random import Random

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from fuzzing.cases import manifests
from fuzzing.cases.files import Mutation
from fuzzing.cases.graphs import edit_graph

ODD = (float("nan"), float("inf"), float("-inf"), 0.0, -0.0, 1e-42, 3e38, -3e38, 1e-5, 1.0)


def seed_numpy(rng: Random) -> np.random.Generator:
    return np.random.default_rng(rng.getrandbits(64))


def change_values(rng: Random, values: np.ndarray) -> tuple[np.ndarray, str]:
    """Other numbers of the same type and count."""
    values = values.copy()
    flat = values.reshape(-1)
    at = rng.randrange(flat.size)
    how = rng.choice(("one", "one", "all", "scaled", "noise", "mixed", "swapped", "bytes"))
    if values.dtype.kind != "f":
        flat[at] = rng.choice((0, 1, -1, int(flat[at]) ^ 1)) % 128
        how = "one integer"
    elif how == "one":
        flat[at] = rng.choice((*ODD, -flat[at], flat[at] * np.float32(1.001)))
    elif how == "all":
        flat[:] = rng.choice(ODD)
    elif how == "scaled":
        flat *= np.float32(rng.choice((-1, 0.5, 1.001, 1 + 1e-7, 1e20)))
    elif how == "noise":
        flat += np.float32(rng.choice((1e-9, 1e-3, 1.0))) * seed_numpy(rng).normal(size=flat.size)
    elif how == "mixed":
        seed_numpy(rng).shuffle(flat)
    elif how == "swapped":
        flat.byteswap(inplace=True)
    else:
        flat.view(np.uint8)[:] = np.frombuffer(rng.randbytes(flat.nbytes), np.uint8)
    return values, how


# Weights ---------------------------------------------------------------------------------------


def _choose_tensor(rng: Random, model: onnx.ModelProto) -> TensorProto:
    return rng.choice(model.graph.initializer)


def change_weights(rng: Random, model: onnx.ModelProto) -> str:
    tensor = _choose_tensor(rng, model)
    values, how = change_values(rng, numpy_helper.to_array(tensor))
    tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    return f"{tensor.name}: {how}"


def swap_weights(rng: Random, model: onnx.ModelProto) -> str:
    a, b = _choose_tensor(rng, model), _choose_tensor(rng, model)
    a.name, b.name = b.name, a.name
    return f"{a.name} and {b.name} swapped"


def change_dims(rng: Random, model: onnx.ModelProto) -> str:
    tensor = _choose_tensor(rng, model)
    dims = list(tensor.dims)
    odd = rng.choice((0, -1, 1, 2**31, 2**40, 2**62, -(2**63)))
    wanted = rng.choice(([], [odd], [*dims, odd], dims[::-1], [2**62, 4], [1] * 1000, dims[:-1]))
    del tensor.dims[:]
    tensor.dims.extend(wanted)
    return f"{tensor.name} of shape {wanted!r:.60}"


def change_dtype(rng: Random, model: onnx.ModelProto) -> str:
    tensor = _choose_tensor(rng, model)
    if rng.random() < 0.5:
        tensor.data_type = rng.choice((0, 2, 6, 7, 8, 9, 10, 11, 14, 16, 17, 99, -1))
        return f"{tensor.name} stated as type {tensor.data_type}"
    dtype = rng.choice((np.float64, np.float16, np.int64, np.int8, np.bool_))
    with np.errstate(all="ignore"):
        values = numpy_helper.to_array(tensor).astype(dtype)
    tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    return f"{tensor.name} as {values.dtype}"


def change_data(rng: Random, model: onnx.ModelProto) -> str:
    """Change data so that they do not fit the shape, or are in two fields at once."""
    tensor = _choose_tensor(rng, model)
    how = rng.choice(("shorter", "longer", "none", "both", "text"))
    if how == "shorter":
        tensor.raw_data = tensor.raw_data[: len(tensor.raw_data) // 2]
    elif how == "longer":
        tensor.raw_data += b"\0" * rng.choice((1, 4, 1000))
    elif how == "none":
        tensor.ClearField("raw_data")
    elif how == "both":
        tensor.float_data.extend([1.0] * rng.choice((1, 1000)))
    else:
        tensor.string_data.extend([b"x"] * 10)
    return f"{tensor.name}: {how} data"


def move_to_file(rng: Random, model: onnx.ModelProto) -> str:
    """Move data to another file, inside or outside the bundle."""
    tensor = _choose_tensor(rng, model)
    tensor.data_location = TensorProto.EXTERNAL
    if rng.random() < 0.5:
        tensor.ClearField("raw_data")
    location = rng.choice(
        ("golden_x.f32", "../outside.bin", "/etc/passwd", "/dev/zero", "", "x\0", "encoder.onnx",
         "*/_ORT_MEM_ADDR_/*", "manifest.json")
    )  # fmt: skip
    tensor.external_data.add(key="location", value=location)
    for key in ("offset", "length", "checksum", "__class__"):
        if rng.random() < 0.4:
            value = rng.choice(("0", "-1", "4", "99999999999999999999", "x"))
            tensor.external_data.add(key=key, value=value)
    return f"{tensor.name} in {location!r}"


def make_sparse(rng: Random, model: onnx.ModelProto) -> str:
    tensor = _choose_tensor(rng, model)
    values = numpy_helper.to_array(tensor).astype(np.float32)
    places = np.arange(values.size, dtype=np.int64)
    if rng.random() < 0.5:
        places[-1] = rng.choice((-1, values.size, 2**62))
    name, dims = tensor.name, list(values.shape)
    if rng.random() < 0.3:
        dims = [2**20, 2**20]
    model.graph.initializer.remove(tensor)
    model.graph.sparse_initializer.append(
        helper.make_sparse_tensor(
            numpy_helper.from_array(values.reshape(-1), name),
            numpy_helper.from_array(places, "places"),
            dims,
        )
    )
    return f"{name} sparse, of shape {dims}"


def repeat_tensor(rng: Random, model: onnx.ModelProto) -> str:
    tensor = _choose_tensor(rng, model)
    model.graph.initializer.append(tensor)
    copy, how = change_values(rng, numpy_helper.to_array(tensor))
    model.graph.initializer[-1].CopyFrom(numpy_helper.from_array(copy, tensor.name))
    return f"{tensor.name} twice, {how}"


def move_to_constant(rng: Random, model: onnx.ModelProto) -> str:
    """Move a weight to a Constant, with numbers that may not be finite."""
    tensor = _choose_tensor(rng, model)
    model.graph.initializer.remove(tensor)
    values, how = change_values(rng, numpy_helper.to_array(tensor))
    value = numpy_helper.from_array(values, "value")
    model.graph.node.insert(0, helper.make_node("Constant", [], [tensor.name], value=value))
    return f"{tensor.name} is a Constant, {how}"


# Golden rows -----------------------------------------------------------------------------------


def _choose_golden(rng: Random, folder: Path) -> tuple[Path, np.ndarray]:
    """Choose a golden file, or the encoder if there is none."""
    file = rng.choice(sorted(folder.glob("golden_*")) or [folder / "encoder.onnx"])
    if file.suffix == ".onnx":
        return file, np.frombuffer(file.read_bytes(), np.uint8)
    return file, np.fromfile(file, "<i4" if file.suffix == ".i32" else "<f4")


def change_golden_values(rng: Random, folder: Path) -> str:
    file, values = _choose_golden(rng, folder)
    values, how = change_values(rng, values)
    file.write_bytes(values.tobytes())
    return f"{file.name}: {how}"


def change_golden_indices(rng: Random, folder: Path) -> str:
    file = folder / "golden_indices.i32"
    if not file.exists():
        return change_golden_values(rng, folder)
    values = np.fromfile(file, "<i4")
    values[rng.randrange(values.size)] = rng.choice((-1, 0, 3, 1000, 2**31 - 1, -(2**31)))
    file.write_bytes(values.tobytes())
    return "another golden index"


def reorder_golden_rows(rng: Random, folder: Path) -> str:
    """Reorder the rows of one file."""
    file, values = _choose_golden(rng, folder)
    size = len(values) // max(1, manifests.read(folder)["golden"]["rows"]) or 1
    rows = values[: len(values) // size * size].reshape(-1, size)
    file.write_bytes(np.roll(rows, 1, axis=0).tobytes())
    return f"{file.name}: rows in another order"


def change_golden_count(rng: Random, folder: Path) -> str:
    """Change the number of golden rows, consistently in all files."""
    manifest = manifests.read(folder)
    rows, wanted = manifest["golden"]["rows"], rng.choice((0, 1, 2, 3, 1000, 20_000))
    if not rows:
        return change_golden_values(rng, folder)
    for file in sorted(folder.glob("golden_*")):
        data = file.read_bytes()
        size = len(data) // rows
        file.write_bytes((data * (wanted // rows + 1))[: wanted * size])
    manifest["golden"]["rows"] = wanted
    manifests.write(folder, manifest)
    return f"{wanted} golden rows"


def scale_golden(rng: Random, folder: Path) -> str:
    """Scale golden rows and outputs together, as if they came from another encoder."""
    for file in sorted(folder.glob("golden_*.f32")):
        os.truncate(file, file.stat().st_size // 4 * 4)
        values = np.fromfile(file, "<f4")
        file.write_bytes((values * np.float32(1.5)).tobytes())
    return "golden rows of another encoder"


WEIGHTS: tuple[Mutation, ...] = tuple(
    map(
        edit_graph,
        (
            *(
                change_weights,
                change_weights,
                change_weights,
                swap_weights,
                change_dims,
                change_dims,
            ),
            *(
                change_dtype,
                change_dtype,
                change_data,
                move_to_file,
                move_to_file,
                make_sparse,
                repeat_tensor,
            ),
            move_to_constant,
        ),
    )
)
GOLDEN: tuple[Mutation, ...] = (
    *(
        change_golden_values,
        change_golden_values,
        change_golden_indices,
        reorder_golden_rows,
        change_golden_count,
        scale_golden,
    ),
)
