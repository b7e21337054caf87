from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from bundles import manifest, replaced, rewritten, set_at
from keras_sparse import BatchTopK
from keras_sparse_export import Encoder, export_encoder
from keras_sparse_export.convert.jumps import golden
from keras_sparse_export.convert.jumps.golden import MARGIN, PROBES, Margins
from keras_sparse_export.errors import VerificationError
from keras_sparse_export.runtime import parity
from keras_sparse_export.runtime.jumps import Jump, Observation
from models import gated_model

THETA = 0.75
JUMPS = [Jump(np.asarray(THETA, np.float32)), Jump(np.array([0.5, 1, 2, 0.25], np.float32))]


def observe(rows: np.ndarray) -> Observation:
    """Two passes; the second depends on what the first lets through."""
    h = JUMPS[0].apply(rows)
    second = (rows + 0.5 * h[:, ::-1]).astype(np.float32)
    code = JUMPS[1].apply(second)
    return Observation(code, [(rows, h), (second, code)])


@pytest.fixture
def x(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(size=(500, 4)).astype(np.float32)


@pytest.mark.one_backend
def test_rows_near_a_threshold_of_any_pass_do_not_hold(x: np.ndarray) -> None:
    near = np.float32(3e-5)  # within the margin, beyond the rounding
    assert 1 < near / parity.tolerance(x).min() < MARGIN
    x[0, 1], x[1] = THETA + near, [-1, -1, 2 - near, -1]
    held = Margins(observe, JUMPS, x).hold(x)
    assert held[:2].tolist() == [False, False]
    assert held.mean() > 0.99


@pytest.mark.one_backend
def test_a_unit_that_is_at_its_threshold_in_all_rows_does_not_matter(x: np.ndarray) -> None:
    x[:, 2] = THETA
    one = [Jump(np.asarray(THETA, np.float32))]

    def single(rows: np.ndarray) -> Observation:
        return Observation(one[0].apply(rows), [(rows, one[0].apply(rows))])

    assert Margins(single, one, x).hold(x).mean() > 0.99


@pytest.mark.one_backend
def test_probes_have_one_unit_just_beyond_the_margin_on_each_side(x: np.ndarray) -> None:
    margins = Margins(observe, JUMPS, x)
    probes = golden.build_probes(observe, margins, x[margins.hold(x)])
    assert len(probes) == 4 * PROBES
    assert margins.hold(probes).all()
    found = margins.measure(observe(probes))
    for place, part in enumerate(found):
        own = part[2 * PROBES * place :][: 2 * PROBES]
        nearest = own[np.arange(2 * PROBES), np.abs(own).argmin(axis=1)]
        assert (np.sign(nearest) == np.repeat([1, -1], PROBES)).all()
        assert (np.abs(nearest) < 2 * MARGIN).all()
        assert len(set(np.abs(own).argmin(axis=1)[:PROBES])) == PROBES  # units differ


@pytest.mark.one_backend
def test_there_are_no_probes_of_a_threshold_that_no_row_crosses(x: np.ndarray) -> None:
    margins = Margins(observe, JUMPS, x)
    assert len(golden.build_probes(observe, margins, -np.abs(x))) == 0


# Mutations ---------------------------------------------------------------------------------------


@pytest.fixture
def bundle(rows: np.ndarray, tmp_path: Path) -> Path:
    return export_encoder(
        gated_model(BatchTopK(3), rows), tmp_path / "b", layer="code", sample=rows
    )


def move_threshold(path: Path, factor: float) -> onnx.ModelProto:
    """Another θ, in the manifest too, as somebody may have written it who knows the format."""
    model = onnx.load(str(path / "encoder.onnx"))
    (alpha,) = model.graph.node[-1].attribute
    alpha.f *= factor
    rewritten(path, set_at("thresholds", 0, "values", to=[alpha.f]))
    rewritten(path, set_at("calibration", to=None))
    return model


def change_unit(path: Path) -> onnx.ModelProto:
    """One unit's weights, of one that is active in a golden row."""
    codes = np.fromfile(path / "golden_code.f32", "<f4").reshape(-1, 24)
    unit = int(np.abs(codes).max(axis=0).argmax())
    model = onnx.load(str(path / "encoder.onnx"))
    (kernel,) = (tensor for tensor in model.graph.initializer if list(tensor.dims) == [12, 24])
    values = numpy_helper.to_array(kernel).copy()
    values[:, unit] *= 1.01
    kernel.CopyFrom(numpy_helper.from_array(values, kernel.name))
    return model


MUTATIONS: dict[str, Callable[[Path], onnx.ModelProto]] = {
    "a little above": lambda path: move_threshold(path, 1.001),
    "a little below": lambda path: move_threshold(path, 0.999),
    "one unit": change_unit,
}


@pytest.mark.slow
def test_golden_rows_hold_and_show_what_has_changed(bundle: Path, rows: np.ndarray) -> None:
    found = manifest(bundle)
    assert found["golden"] == {"kind": "real", "rows": 32}
    files = {name: (bundle / name).read_bytes() for name in ("encoder.onnx", "manifest.json")}
    for mutate in MUTATIONS.values():
        replaced(bundle, "encoder.onnx", mutate(bundle).SerializeToString())
        with pytest.raises(VerificationError, match=r"Expected `encoder.onnx`"):
            Encoder(bundle, check=False).verify()
        for name, data in files.items():
            (bundle / name).write_bytes(data)
    Encoder(bundle).verify()
