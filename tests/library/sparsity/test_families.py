import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from keras_sparse import KL, L1, L2, ActivityRegularizer
from keras_sparse.sparsity import Family, Parameter, families, register
from keras_sparse.sparsity.by_count.batch_topk import BatchTopK
from keras_sparse.sparsity.by_count.topk import TopK


class Own(ActivityRegularizer):
    def __init__(self, own: float = 0.5, width: float = 1.0) -> None:
        super().__init__()
        self.own = own
        self.width = width


OWN = Family("own", Own, axis="own", strength=0.5, parameters=(Parameter("width", 1.0),))


@pytest.mark.parametrize("method", [L1, L2, KL])
def test_rows_agree_with_their_classes(method: Any) -> None:
    penalty: ActivityRegularizer = method()
    family = families.family_of(penalty)
    assert family is not None
    assert family.load() is method
    assert family.make().get_config() == penalty.get_config()
    assert set(family.axes) == set(penalty.get_config())
    assert (family.target is None) == (penalty.target_activation is None)
    assert family.make(0.25).strength == 0.25


def test_names_of_families_and_axes() -> None:
    assert families.names() == ("l1", "l2", "kl", "batch_topk", "topk", "jump_relu", "refined")
    assert families.axes() == ("l1", "l2", "beta", "rho")
    assert families.get("kl").title == "KL"
    assert families.get("none") is families.NONE is families.family_of(None)
    assert families.NONE.make() is None
    unknown: list[Any] = ["l3", None, [], {}]
    assert [families.find(name) for name in unknown] == [None] * 4
    with pytest.raises(ValueError, match=r"Expected one of l1, .*refined, none. Received: .*'l3'"):
        families.get("l3")


@pytest.mark.parametrize(("name", "method"), [("batch_topk", BatchTopK), ("topk", TopK)])
def test_rows_by_count_have_an_l0_and_no_strength(name: str, method: Any) -> None:
    family = families.get(name)
    assert families.family_of(method(3)) is family
    assert family.make(5).get_config()["k"] == 5
    assert (family.axes, family.strengths, family.warm_path) == ((), None, False)
    assert family.takes_l0


def test_penalties_without_a_target_of_their_own_can_be_asked_for_an_l0() -> None:
    takes = {name: families.get(name).takes_l0 for name in ("l1", "l2", "kl", "none")}
    assert takes == {"l1": True, "l2": True, "kl": False, "none": False}


@pytest.mark.parametrize(
    ("has_strength", "hidden_units", "name"),
    [
        (True, False, "l1"),
        (True, True, "l1"),
        (False, False, "refined"),
        (False, True, "batch_topk"),
    ],
)
def test_auto_depends_on_what_is_asked_for(
    has_strength: bool, hidden_units: bool, name: str
) -> None:
    asked = {"has_strength": has_strength, "hidden_units": hidden_units}
    assert families.choose("auto", **asked).name == name
    assert families.choose("kl", **asked).name == "kl"


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"sparsity": "kl", "strength": 0.5, "rho": 0.1, "l0": None}, "KL, β = 0.5, ρ = 0.1"),
        ({"sparsity": "l1", "strength": None, "l0": 16}, "L1, L0 16"),
        ({"sparsity": "l1", "strength": 1e-3}, "L1, λ = 0.001"),
        ({"sparsity": "batch_topk", "strength": None, "l0": 4}, "BatchTopK, L0 4"),
        ({"sparsity": "none", "strength": None}, "no penalty"),
        ({"sparsity": "gone"}, ""),
    ],
)
def test_a_record_is_described_by_its_numbers(settings: dict[str, Any], text: str) -> None:
    assert families.describe(settings) == text


def test_a_training_for_an_l0_is_not_told_to_change_its_strength() -> None:
    for family in (families.get("l1"), families.get("topk"), None):
        remedies = families.remedies(family, by_l0=True)
        assert remedies.keys() >= {"reconstruction", "dead", "dense", "probe"}
        assert not any("strength" in word for words in remedies.values() for word in words)
    assert families.remedies(families.get("l2"), by_l0=False) == {}


def test_a_subclass_is_of_the_family_of_its_base() -> None:
    class Mine(KL):
        pass

    assert families.family_of(Mine()) is families.get("kl")
    assert families.family_of(Own()) is None
    register(OWN)
    assert families.family_of(Own()) is OWN


@pytest.mark.parametrize(
    ("axes", "names"),
    [
        (["l1", "beta"], ["l1", "kl"]),
        (["rho"], ["kl", "js"]),
        (["gamma", "rho"], ["js"]),
        (["beta", "gamma", "rho"], ["kl", "js"]),
        ([], []),
    ],
)
def test_a_parameter_is_of_the_families_whose_strength_is_named(
    axes: list[str], names: list[str]
) -> None:
    register(Family("js", Own, axis="gamma", strength=1.0, parameters=(Parameter("rho", 0.1),)))
    assert [family.name for family in families.select(axes)] == names


def test_a_row_of_the_same_class_is_replaced() -> None:
    register(OWN)
    again = register(replace(OWN, strength=2.0))
    assert families.get("own") is again
    assert families.get("own").make().own == 2.0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "kl"}, "Expected a new name of letters.*Received: name='kl'"),
        ({"name": "none"}, "Received: name='none'"),
        ({"name": "a/b"}, "Received: name='a/b'"),
        ({"axis": "l1"}, "no other family uses for its strength. Received: axis 'l1'"),
        ({"axis": "rho"}, "Received: axis 'rho'"),
        ({"axis": "width"}, "Received: axis 'width'"),
        ({"parameters": (Parameter("beta", 1.0),)}, "Received: axis 'beta'"),
        ({"parameters": (Parameter("strength", 1.0),)}, "other than name, sparsity, strength"),
        ({"axis": "l0"}, "other than name, .*Received: 'l0'"),
        ({"axis": ""}, "an axis for the strength of a penalty.*axis='', by_count=False"),
        ({"by_count": True}, "none with by_count=True. Received: axis='own', by_count=True"),
        ({"name": "auto"}, "Received: name='auto'"),
    ],
)
def test_rows_that_clash_with_others_raise(changes: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"Invalid value for argument `family`.*{message}"):
        register(replace(OWN, **changes))
    assert "own" not in families.names()


def test_a_row_may_be_no_penalty_and_name_its_class() -> None:
    family = register(Family("threshold", "keras.layers:ReLU", axis="threshold", strength=0.5))
    layer = family.make(0.25)
    assert layer.get_config()["threshold"] == 0.25
    assert not family.has_batch_statistic()
    assert family.module == "keras.layers"


@pytest.mark.process
def test_the_table_loads_without_keras() -> None:
    # As our command does it, which finds modules without running `keras_sparse/__init__.py`.
    code = (
        "import sys\n"
        "from importlib.util import find_spec, module_from_spec\n"
        "sys.modules['keras_sparse'] = module_from_spec(find_spec('keras_sparse'))\n"
        "from keras_sparse.sparsity import families\n"
        "assert families.axes() == ('l1', 'l2', 'beta', 'rho')\n"
        "assert {'keras', 'numpy'}.isdisjoint(sys.modules), 'heavy'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
