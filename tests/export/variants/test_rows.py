import numpy as np
import pytest

from keras_sparse_export.variants import rows

pytestmark = pytest.mark.one_backend


def test_many_rows_are_thinned_evenly() -> None:
    assert len(rows.subsample(np.arange(100))) == 100
    thinned = rows.subsample(np.arange(10_000))
    assert rows.MAX_ROWS / 2 < len(thinned) <= rows.MAX_ROWS
    assert thinned[-1] > 9990


def test_too_few_rows_are_refused_by_the_name_of_the_argument() -> None:
    message = "argument `sample`. Expected 64 rows of real data .* Received: 63 rows"
    with pytest.raises(ValueError, match=message):
        rows.require_count(np.zeros((63, 2)), None, "sample")
