import inspect
from typing import Any

import pytest

from keras_sparse import KL, L1, L2

NAMES = [(L1, "l1", 1e-4), (L2, "l2", 1e-4), (KL, "beta", 1e-3)]


@pytest.mark.parametrize(("penalty", "name", "default"), NAMES)
def test_a_strength_is_another_name_of_the_number(penalty: Any, name: str, default: float) -> None:
    assert penalty().strength == default == inspect.signature(penalty).parameters[name].default
    ours = penalty(strength=0.3)
    assert type(ours.get_config()[name]) is float
    assert ours.get_config() == penalty(**{name: 0.3}).get_config()
    assert penalty(**{name: 0.3}, strength=0.3).strength == 0.3
    assert penalty.from_config(ours.get_config()).strength == 0.3
    assert penalty(strength=0).strength == 0


@pytest.mark.parametrize(("penalty", "name", "default"), NAMES)
def test_two_numbers_that_contradict_are_refused(penalty: Any, name: str, default: float) -> None:
    for value in (0.3, default):  # the default counts where it is given
        with pytest.raises(
            ValueError, match=rf"`strength`. Expected that of `{name}`.*one of them"
        ):
            penalty(**{name: value}, strength=0.2)
    with pytest.raises(ValueError, match=r"`strength`. Expected a finite float of at least 0"):
        penalty(strength=-1)
    with pytest.raises(TypeError, match=r"`strength`. Expected a finite float"):
        penalty(strength="much")
