import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex

from figures import panels, texts
from keras_sparse.report.plots import style
from keras_sparse.report.plots.probes import probes


def test_probes_mark_the_codes() -> None:
    drawing = probes({"raw": 0.9, "pca": 0.95, "codes": 0.97, "broken": np.nan})
    assert [line.get_xdata()[0] for line in panels(drawing)[0].lines] == [0.97, 0.95, 0.9]
    assert [to_hex(line.get_color()) == style.BLUE for line in panels(drawing)[0].lines] == [
        True,
        False,
        False,
    ]
    assert {"raw", "pca", "codes", "0.970"} <= set(texts(drawing))
    assert "broken" not in texts(drawing)


def test_two_standard_errors_are_drawn_to_each_side() -> None:
    drawing = probes({"chance": 0.1, "codes": 0.97}, {"codes": 0.02, "chance": np.nan})
    axes = panels(drawing)[0]
    (span,) = axes.collections
    assert isinstance(span, LineCollection)
    assert np.array(span.get_segments()).ravel() == pytest.approx([0.93, 0, 1, 0])
    assert {"0.970 ± 0.020", "0.100"} <= set(texts(drawing))
