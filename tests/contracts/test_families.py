"""A sparsity family is one class and one row: everything knows it, and nothing else names it."""

import ast
import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import keras_sparse
from keras_sparse import ActivityPenalty, SparseAutoencoder, SparseAutoencoderTransformer
from keras_sparse.cli.arguments import build_parser, settings_of
from keras_sparse.cli.commands import ACTIONS
from keras_sparse.experiments import Settings, search, sweep, train
from keras_sparse.report.write import write_report
from keras_sparse.sparsity import Family, Parameter, register
from keras_sparse.sparsity.by_count.activation import CountActivation
from keras_sparse_export import Encoder


@keras.saving.register_keras_serializable(package="a_new_family")
class SmoothedRoot(keras_sparse.ActivityRegularizer):
    """`λ Σ_j √(|h_j| + ε)`, a smoothed L1/2 penalty, averaged over samples."""

    def __init__(self, root: float = 1e-3, smoothing: float = 0.01) -> None:
        super().__init__()
        self.root = root
        self.smoothing = smoothing

    @property
    def strength(self) -> float:
        return self.root

    def at_unit_strength(self, h: Any, weights: Any = None) -> Any:
        return keras_sparse.penalties.l1(ops.sqrt(ops.abs(h) + self.smoothing), weights)

    def get_config(self) -> dict[str, Any]:
        return {"root": self.root, "smoothing": self.smoothing}


FAMILY = Family(
    "half",
    SmoothedRoot,
    axis="root",
    strength=2e-3,
    title="L1/2",
    symbol="μ",
    parameters=(Parameter("smoothing", 0.02, symbol="ε", grid=(0.02, 0.1)),),
    strengths=lambda features: [0.01 / features, 0.1 / features],
    warm_path=True,
    in_default_sweep=True,
    unit_norm_decoder=True,
    color="#a03070",
)
FEW = Settings(code_dim=6, sparsity="half", epochs=2, batch_size=64)


def penalty_of(model: SparseAutoencoder) -> ActivityPenalty:
    assert model.penalty is not None
    return model.penalty


@pytest.fixture(autouse=True)
def _registered(_same_families: None) -> None:
    register(FAMILY)


@pytest.mark.slow
def test_it_is_trained_exported_and_reported(tmp_path: Path, rows: np.ndarray) -> None:
    np.save(tmp_path / "rows.npy", rows)
    run = train(tmp_path / "rows.npy", tmp_path / "run", FEW)
    assert isinstance(penalty_of(run.model).regularizer, SmoothedRoot)
    assert penalty_of(run.model).strength == pytest.approx(2e-3)
    constraint = run.model.get_config()["decoder_constraint"]
    assert constraint["class_name"] == "UnitNorm"
    settings = json.loads((tmp_path / "run" / "run.json").read_text())["settings"]
    names = ("sparsity", "strength", "smoothing", "rho")
    assert [settings[name] for name in names] == ["half", 2e-3, 0.02, None]
    loaded = keras.saving.load_model(tmp_path / "run" / "model.keras")
    assert loaded.penalty.regularizer.get_config() == {"root": 2e-3, "smoothing": 0.02}
    encoder = Encoder(tmp_path / "run" / "encoder")
    encoder.verify()
    np.testing.assert_allclose(encoder.encode(rows), run.model.encode(rows), atol=1e-5)
    page = write_report(tmp_path / "run").read_text("utf-8")
    assert "L1/2, μ = 0.002, ε = 0.02" in page


@pytest.mark.slow
def test_it_is_swept_over_its_own_axes_and_reported(tmp_path: Path, rows: np.ndarray) -> None:
    grid = {"root": [1e-3, 1e-2], "smoothing": [0.05], "l1": [1e-3]}
    frontier = sweep(rows, grid, settings=FEW, out=tmp_path / "sweep", processes=1, warm=True)
    names = [point.name for point in frontier.points]
    assert names == ["l1-0.001", "half-0.05-0.001", "half-0.05-0.01"]
    assert all(point.status == "done" for point in frontier.points)
    assert penalty_of(frontier.points[1].load()).regularizer.get_config()["smoothing"] == 0.05
    assert (
        json.loads((frontier.points[2].path or tmp_path).joinpath("run.json").read_text())["start"]
        == names[1]
    )
    header, *lines = (tmp_path / "sweep" / "frontier.csv").read_text().splitlines()
    assert header.startswith(
        "name,status,sparsity,strength,target_l0,goal_l0,rho,smoothing,explained_var"
    )
    assert lines[1].startswith("half-0.05-0.001,done,half,0.001,,,,0.05,")
    page = write_report(tmp_path / "sweep").read_text("utf-8")
    assert "L1/2" in page
    assert "#a03070" in page


@pytest.mark.one_backend
@pytest.mark.process
def test_processes_of_a_sweep_know_it(
    tmp_path: Path, rows: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = tmp_path / "outside_families.py"
    module.write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    __import__("outside_families")
    frontier = sweep(rows, {"hinge": [1e-3]}, settings=FEW, processes=2)
    assert [point.error for point in frontier.points] == [None]


MODULE = """
import keras, keras_sparse
from keras_sparse.sparsity import Family, register


@keras.saving.register_keras_serializable(package="outside_families")
class Hinge(keras_sparse.ActivityRegularizer):
    def __init__(self, hinge):
        super().__init__()
        self.hinge = hinge

    @property
    def strength(self):
        return self.hinge

    def at_unit_strength(self, h, weights=None):
        return keras_sparse.penalties.l1(keras.ops.relu(h - 1.0), weights)

    def get_config(self):
        return {"hinge": self.hinge}


register(Family("hinge", Hinge, axis="hinge", strength=1e-3))
"""


@pytest.mark.slow
def test_it_is_searched(rows: np.ndarray) -> None:
    pytest.importorskip("optuna")
    space = {"root": (1e-4, 1e-2), "smoothing": (0.01, 0.1)}
    (point,) = search(rows, space, trials=1, settings=FEW).points
    assert (point.sparsity, point.status) == ("half", "done")
    assert 0.01 <= point.parameters["smoothing"] <= 0.1


@keras.saving.register_keras_serializable(package="a_new_family")
class PositiveTop(CountActivation):
    """Keeps the k largest positive values of each row."""

    def _activate(self, z: Any, weights: Any, training: bool) -> Any:
        least = ops.top_k(z, self.k)[0][..., -1:]
        return ops.where((z >= least) & (z > 0), z, ops.zeros_like(z))


TOP = Family("positive_top", PositiveTop, by_count=True, title="Positive top", color="#205090")


@pytest.mark.slow
def test_an_activation_by_count_is_swept_at_an_l0_beside_others_and_reported(
    tmp_path: Path, rows: np.ndarray
) -> None:
    register(TOP)
    grid: Any = {"l0": [2, 3], "sparsity": ["positive_top", "l1"]}
    frontier = sweep(rows, grid, settings=FEW, out=tmp_path / "sweep", processes=1)
    names = [point.name for point in frontier.points]
    assert names == ["positive_top-l0-2", "positive_top-l0-3", "l1-l0-2", "l1-l0-3"]
    top = frontier.points[0]
    assert (top.target_l0, top.strength, top.status) == (2, None, "done")
    assert top.evaluation is not None
    assert top.evaluation.l0 <= 2
    activation = top.load().count_activation
    assert (type(activation), activation.k) == (PositiveTop, 2)
    settings = json.loads(((top.path or tmp_path) / "run.json").read_text())["settings"]
    assert [settings[name] for name in ("sparsity", "l0", "strength")] == ["positive_top", 2, None]
    page = write_report(tmp_path / "sweep").read_text("utf-8")
    assert "Positive top" in page
    assert "#205090" in page
    assert "asked L0" in page


def test_the_transformer_and_the_settings_know_an_activation_by_count(rows: np.ndarray) -> None:
    register(TOP)
    transformer = SparseAutoencoderTransformer(4, sparsity="positive_top", l0=2, epochs=1)
    codes = transformer.fit_transform(rows)
    assert (codes > 0).sum(axis=1).max() <= 2
    assert Settings(sparsity="positive_top", l0=3).method().k == 3


def test_its_range_joins_the_default_grid() -> None:
    from keras_sparse.experiments.sweeps.grid import make_default_grid

    grid = make_default_grid(100, 64)
    assert "half" in grid["sparsity"]
    assert (grid["root"], grid["smoothing"]) == ([1e-4, 1e-3], [0.02, 0.1])


def test_the_transformer_and_the_builder_know_it(rows: np.ndarray) -> None:
    transformer = SparseAutoencoderTransformer(4, sparsity="half", strength=0.5, epochs=1)
    regularizer = penalty_of(transformer.fit(rows).model_).regularizer
    assert regularizer.get_config() == {"root": 0.5, "smoothing": 0.02}
    assert SparseAutoencoder(12, 6, sparsity=SmoothedRoot(), normalization=None).threshold == 0


def test_a_parameter_is_not_taken_for_a_setting_of_the_same_name() -> None:
    row = Family("own", SmoothedRoot, "own", 1.0, parameters=(Parameter("epochs", 5.0),))
    register(row)
    assert Settings(sparsity="own", epochs=7).family_parameters() == {"epochs": 5.0}


def test_the_command_has_an_option_for_its_parameter() -> None:
    parser = build_parser(dict.fromkeys(ACTIONS, print), "Train.")
    options = parser.parse_args(["train", "x.csv", "-o", "run", "--smoothing", "0.3"])
    assert settings_of(options).parameters == {"smoothing": 0.3}
    assert settings_of(parser.parse_args(["train", "x.csv", "-o", "run"])).parameters == {}


def test_a_parameter_may_be_given_in_the_settings() -> None:
    regularizer = Settings(sparsity="half", parameters={"smoothing": 0.3}).method()
    assert regularizer is not None
    assert regularizer.get_config() == {"root": 2e-3, "smoothing": 0.3}


# Names ------------------------------------------------------------------------------------------


PACKAGE = Path(__file__).parents[2] / "keras_sparse"
ALLOWED = {
    "__init__.py",  # exports the classes
    "cli/demo.py",  # compares two families that it chose
}
NAMES = {"l1", "l2", "kl"}


def named(source: str) -> list[str]:
    """Families that a module names: as a string by itself, by import, or as an attribute."""
    found = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Constant(value=str(text)) if text.lower() in NAMES:
                found.append(text)
            case ast.ImportFrom(names=aliases):
                found += [alias.name for alias in aliases if alias.name in {"L1", "L2", "KL"}]
            case ast.Attribute(attr=name) if name in {"L1", "L2", "KL"}:
                found.append(name)
    return found


def modules_outside_sparsity() -> list[str]:
    paths = [path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py")]
    return sorted(path for path in paths if not path.startswith("sparsity/"))


@pytest.mark.parametrize("module", modules_outside_sparsity())
def test_no_module_outside_sparsity_names_a_family(module: str) -> None:
    names = named((PACKAGE / module).read_text("utf-8"))
    assert bool(names) == (module in ALLOWED), names


@pytest.mark.parametrize(
    "source",
    ["x == 'kl'", "from keras_sparse import L1", "{'L2': 1}", "isinstance(x, regularizers.KL)"],
)
def test_the_check_of_names_can_fail(source: str) -> None:
    assert named(source)
