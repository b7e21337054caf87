import inspect
import subprocess
import sys
from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from keras_sparse import KL, L1, L2, SparseAutoencoder, SparseAutoencoderTransformer
from keras_sparse.cli.arguments import (
    build_parser,
    flag,
    grid_settings,
    option_fields,
    settings_of,
)
from keras_sparse.data.tables import Table
from keras_sparse.data.window_rows import WindowRows
from keras_sparse.models.settings import Settings
from keras_sparse_export import Windows

ARGUMENTS = {"train": ["train", "x.npy", "-o", "run"], "sweep": ["sweep", "x.npy", "-o", "sweep"]}
OTHERS: dict[str, tuple[str, Any]] = {
    "code_dim": ("5", 5),
    "hidden_units": ("7,6", (7, 6)),
    "sparsity": ("kl", "kl"),
    "l0": ("3", 3),
    "strength": ("0.5", 0.5),
    "rho": ("0.25", 0.25),
    "rho_horizon": ("100", 100.0),
    "normalization": ("none", "none"),
    "front_end": ("mel", "mel"),
    "epochs": ("3", 3),
    "steps": ("500", 500),
    "batch_size": ("8", 8),
    "learning_rate": ("0.5", 0.5),
    "missing": ("mask", "mask"),
    "hold_out": ("0.5", 0.5),
    "false_alarm_rate": ("0.05", 0.05),
    "seed": ("9", 9),
    "precision": ("mixed_bfloat16", "mixed_bfloat16"),
    "devices": ("2", 2),
    "warm_up": ("4", 4),
    "revive": ("2", 2),
}
"""The text of an option, and the setting that it stands for."""


def parse(*arguments: str) -> Any:
    actions = dict.fromkeys(("demo", "train", "sweep", "export", "report"), print)
    return build_parser(actions, "").parse_args(arguments)


def test_every_setting_has_an_option() -> None:
    names = {field.name for field in fields(Settings)}
    assert OTHERS.keys() == names - {"parameters"} == {field.name for field in option_fields()}


@pytest.mark.parametrize("command", ["train", "sweep"])
def test_without_options_the_defaults_are_those_of_the_settings(command: str) -> None:
    assert settings_of(parse(*ARGUMENTS[command]), but=grid_settings()) == Settings()


@pytest.mark.parametrize("name", OTHERS)
def test_an_option_sets_its_setting(name: str) -> None:
    text, value = OTHERS[name]
    expected = Settings(**{name: value})
    assert settings_of(parse(*ARGUMENTS["train"], flag(name), text)) == expected
    if name not in grid_settings():
        options = parse(*ARGUMENTS["sweep"], flag(name), text)
        assert settings_of(options, but=grid_settings()) == expected


def test_a_penalty_has_a_strength_or_an_l0() -> None:
    method = Settings(strength=0.5).method()
    assert (type(method), method.strength) == (L1, 0.5)
    asked = Settings(sparsity="l1", l0=7).builder_arguments(100)
    assert (type(asked["sparsity"]), asked["target_l0"]) == (L1, 7)
    assert asked["sparsity"].strength == pytest.approx(1e-3)  # between 1e-4 and 1e-2
    assert Settings(strength=0.5).builder_arguments(100)["sparsity"].strength == 0.5
    assert Settings(sparsity="l1", l0=7).effective_strength() is None


def test_a_table_decides_what_is_not_set() -> None:
    rows = np.zeros((500, 30))
    chosen = Settings().for_rows(rows)
    assert (chosen.code_dim, chosen.l0, chosen.strength) == (60, 8, None)
    assert (chosen.family.name, chosen.batch_size) == ("refined", 32)
    assert Settings(code_dim=9).for_rows(rows).l0 == 2
    given = Settings(code_dim=9, l0=3, epochs=7, batch_size=5)
    assert given.for_rows(rows) == given
    assert Settings(sparsity="l1").for_rows(rows).l0 == 8
    weighed = Settings(strength=0.5).for_rows(rows)
    assert (weighed.family.name, weighed.l0, weighed.strength) == ("l1", None, 0.5)
    kl = Settings(sparsity="kl").for_rows(rows)
    assert (kl.l0, kl.rho) == (None, 0.05)
    assert kl.strength == pytest.approx(5 / 60, rel=0.01)
    assert Settings(sparsity="l2").for_rows(rows).l0 is None


def test_only_a_planned_training_mixes_rows_and_ends_early() -> None:
    rows = np.zeros((500, 30))
    planned, given = Settings().plan(rows), Settings(epochs=30).plan(rows)
    assert planned.mixed == 7_500
    assert planned.patience is not None
    assert given == (30, 32, None, 0)
    assert planned.epochs == Settings().for_rows(rows).epochs == 16


@pytest.mark.parametrize("hidden_units", [(), (5,)])
def test_for_an_l0_the_family_is_that_of_the_builder(hidden_units: tuple[int, ...]) -> None:
    settings = Settings(code_dim=8, l0=3, hidden_units=hidden_units)
    shared: Any = {"hidden_units": hidden_units}
    ours = SparseAutoencoder(6, 8, **shared, **settings.builder_arguments(6))
    theirs = SparseAutoencoder(6, 8, **shared, target_l0=3)
    assert ours.target_l0 == theirs.target_l0 == 3
    assert ours.count_activation is not None
    assert type(ours.count_activation) is type(theirs.count_activation)
    names = ("refine", "normalization", "decoder_constraint", "hidden_units")
    configs = [model.get_config() for model in (ours, theirs)]
    assert [configs[0][name] for name in names] == [configs[1][name] for name in names]


def test_the_learning_rate_is_that_of_the_recipe_unless_it_is_set() -> None:
    assert Settings().optimizer() == Settings(strength=0.1).optimizer() == "auto"
    assert float(Settings(learning_rate=0.5).optimizer().learning_rate) == 0.5


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"l0": 0}, "`l0`. Expected an integer from 1. Received: l0=0"),
        ({"l0": 65, "code_dim": 64}, "from 1 to 64, the units of the code. Received: l0=65"),
        ({"sparsity": "topk"}, "`l0`. Expected an integer for topk.*Remedy: `for_rows`"),
        ({"l0": 2.0}, "Received: l0=2.0"),
        ({"l0": True}, "Received: l0=True"),
        ({"l0": 8, "sparsity": "kl"}, "`l0`. Expected None for kl, .* target rho.*Remedy: `rho`"),
        ({"l0": 8, "sparsity": "none"}, "Expected None for none, no penalty"),
        ({"l0": 8, "strength": 0.1}, "`strength`. Expected it only with .*not with an L0"),
        ({"l0": 8, "warm_up": 3}, "`warm_up`. Expected it only with .*Received: warm_up=3"),
        ({"sparsity": "topk", "strength": 0.1}, "not with topk, an activation by count"),
        ({"sparsity": "none", "strength": 0.1}, "`strength`.* not with sparsity='none'"),
        ({"sparsity": "refined", "l0": 3, "hidden_units": (8,)}, "`sparsity`. .*hidden_units=.8"),
        ({"sparsity": "none", "warm_up": 3}, "`warm_up`.* not with sparsity='none'"),
    ],
)
def test_settings_that_exclude_each_other_are_refused(
    settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Settings(**settings).method()


def test_the_help_tells_the_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse("train", "--help")
    words = " ".join(capsys.readouterr().out.split())
    for field in option_fields():
        assert field.metadata["help"] in words


def test_the_transformer_has_the_defaults_of_the_settings() -> None:
    parameters = inspect.signature(SparseAutoencoderTransformer).parameters
    defaults = {name: parameter.default for name, parameter in parameters.items()}
    shared = defaults.keys() & vars(Settings()).keys()
    assert shared >= {"code_dim", "sparsity", "epochs", "batch_size", "learning_rate", "rho"}
    assert {name: defaults[name] for name in shared} == {
        name: value for name, value in vars(Settings()).items() if name in shared
    }


@pytest.mark.process
def test_settings_and_options_load_no_keras() -> None:
    code = (
        "import sys\n"
        "from importlib.util import find_spec, module_from_spec\n"
        "sys.modules['keras_sparse'] = module_from_spec(find_spec('keras_sparse'))\n"
        "import keras_sparse.cli.main, keras_sparse.models.settings\n"
        "print('keras' in sys.modules, 'numpy' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == ["False", "False"]


@pytest.mark.parametrize(
    ("settings", "config"),
    [
        ({"sparsity": "l1"}, (L1, {"l1": 1e-4})),
        ({"sparsity": "l2", "strength": 0.5}, (L2, {"l2": 0.5})),
        ({"sparsity": "kl", "rho": 0.2}, (KL, {"rho": 0.2, "beta": 1e-3})),
        ({"sparsity": "kl", "strength": 0.0}, (KL, {"rho": 0.05, "beta": 0.0})),
    ],
)
def test_the_settings_name_the_penalty(
    settings: dict[str, Any], config: tuple[type, dict[str, float]]
) -> None:
    regularizer = Settings(**settings).method()
    assert regularizer is not None
    assert (type(regularizer), regularizer.get_config()) == config
    assert Settings(sparsity="none").method() is None


@pytest.mark.one_backend
def test_a_table_with_faults_asks_for_a_threshold_by_itself() -> None:
    rows = np.zeros((4, 2))
    plain, faulty = Table(rows, None), Table(rows, None, anomalous=np.arange(4) < 1)
    assert Settings().choose_rate(plain) is None
    assert Settings().choose_rate(faulty) == 0.01
    asked = Settings(false_alarm_rate=0.1)
    assert (asked.choose_rate(plain), asked.choose_rate(faulty)) == (0.1, 0.1)


def test_rows_that_choose_a_threshold_are_not_planned_for() -> None:
    rows = np.zeros((1000, 4), np.float32)
    table = Table(rows, None)
    assert Settings().outline(table) is rows
    assert Settings(steps=100, hold_out=0.2).outline(table).shape == (800, 4)
    assert Settings(false_alarm_rate=0.01, hold_out=0.2).outline(table).shape == (800, 4)
    faulty = table._replace(anomalous=np.arange(1000) < 400)
    assert Settings(hold_out=0.1).outline(faulty).shape == (501, 4)  # of 600 rows, 99 for 0.01
    windows = WindowRows(np.zeros((2000, 1)), np.arange(0, 1900, 2), 100)
    groups = np.arange(950) // 50
    recorded = Table(
        windows, None, groups=groups, windows=Windows(100, 2), recordings=19, row_shape=(100,)
    )
    outline = Settings().outline(recorded)  # 6 of 19 recordings for a rate of 0.05
    assert isinstance(outline, WindowRows)
    assert outline.shape == (650, 100)
    assert Settings().choose_rate(recorded) == 0.05
    assert Settings().choose_rate(recorded._replace(recordings=11)) is None
