import math

import pytest

from keras_sparse.models import budget


@pytest.mark.parametrize(
    ("rows", "features", "units", "l0"),
    [
        (178, 13, 22, 3),
        (150, 4, 8, 1),
        (60_000, 784, 256, 16),
        (38, 5_000, 8, 2),
        (6, 9, 3, 1),
        (2, 1, 2, 1),
    ],
)
def test_units_and_l0_follow_rows_and_columns(
    rows: int, features: int, units: int, l0: int
) -> None:
    assert budget.choose_units(rows, features) == units
    assert budget.choose_l0(units, features) == l0


@pytest.mark.parametrize("rows", [2, 60, 150, 569, 1_797, 5_000, 20_000, 1_000_000])
def test_a_plan_has_as_many_steps_as_are_planned(rows: int) -> None:
    plan = budget.plan(rows, 30, epochs=None, batch_size=None)
    steps = plan.epochs * -(-(rows + plan.mixed) // plan.batch_size)
    assert steps >= budget.STEPS or plan.epochs == budget.MOST_EPOCHS
    assert (
        steps <= 1.25 * budget.STEPS
        or plan.epochs in (1, 2, budget.MOST_EPOCHS)
        or rows + plan.mixed < 60 * 32
    )
    assert 32 <= plan.batch_size <= 256
    assert rows + plan.mixed <= max(rows, budget.MOST_MIXED)


def test_l0s_of_a_sweep_span_2_to_50_percent() -> None:
    assert budget.choose_l0s(256, 784) == [5, 11, 26, 57, 128]
    assert budget.choose_l0s(8, 4) == [1, 2]
    assert budget.choose_l0s(2, 1) == [1]


def test_numbers_that_are_given_are_kept() -> None:
    assert budget.plan(500, 30, epochs=7, batch_size=None) == (7, 32, None, 0)
    longer = budget.plan(500, 30, epochs=None, batch_size=None, steps=12_000)
    assert longer.epochs == math.ceil(12_000 / math.ceil((500 + longer.mixed) / 32))
    assert longer.mixed == budget.plan(500, 30, epochs=None, batch_size=None).mixed
    with pytest.raises(ValueError, match=r"`steps`. Expected it only without `epochs`"):
        budget.plan(500, 30, epochs=7, batch_size=None, steps=100)
    planned = budget.plan(500, 30, epochs=None, batch_size=100, can_mix=False)
    assert (planned.batch_size, planned.mixed) == (100, 0)
    wide = budget.plan(60, 1 << 20, epochs=None, batch_size=None)
    assert wide.mixed == 0  # 2²⁴ numbers at most
