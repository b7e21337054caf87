from typing import Any

import numpy as np
import pytest

from keras_sparse.data.arrays import DataError
from keras_sparse.data.named_rows import order_by_name
from keras_sparse.utils.frames import describe_remedy

pytestmark = pytest.mark.one_backend


@pytest.mark.parametrize(
    ("cells", "remedy"),
    [
        (["2,5", None, "3"], "decimal points, as of pandas.read_csv(..., decimal=',')"),
        ([1.5, None], "columns of floats, NaN where they have gaps"),
        (["idle", "normal"], "leave these columns out, or encode categories"),
    ],
)
def test_what_helps_with_columns_of_a_mapping(cells: list[Any], remedy: str) -> None:
    assert remedy in describe_remedy({"a": cells}, {"a": cells})
    with pytest.raises(DataError, match=r"Received: columns? 'a' \(.*\). Remedy: "):
        order_by_name({"a": cells, "b": [1] * len(cells)}, ["a", "b"])


def test_remedies_for_a_frame_of_pandas_can_be_run() -> None:
    pandas = pytest.importorskip("pandas", reason="is about its frames")
    x = pandas.DataFrame({"flow": [1.0, 2.0], "state": ["on", "off"], "pump": ["A", "B"]})
    with pytest.raises(DataError, match=r"columns 'state'.*, 'pump'") as caught:
        order_by_name(x, ["flow", "state", "pump"])
    remedy = str(caught.value).partition("Remedy: ")[2]
    for expression in (remedy.split(" to leave")[0], remedy.split(", or ")[1].split(" for ")[0]):
        kept = eval(expression, {"x": x, "pandas": pandas})
        assert order_by_name(kept, list(kept.columns)).dtype.kind in "biuf"
    gappy = pandas.DataFrame({"flow": pandas.array([1, None], "Int64")})
    assert describe_remedy({"flow": gappy["flow"]}, gappy) == "x.astype('float32')"
    assert np.isnan(order_by_name(gappy.astype("float32"), ["flow"])[1, 0])
