"""Figures as part of a page."""

import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest

from figures import panels
from keras_sparse.report.plots import curves, style, units
from keras_sparse.report.plots.row_view import View

HISTORY = {"epoch": [1, 2, 3], "loss": [2.0, 1.0, 0.7], "val_loss": [2.1, 1.1, 0.8]}


def test_names_of_columns_are_text_whatever_they_hold() -> None:
    names = ["$\\frac{$", "<b>&amp;", "a\x00b\nc" + "d" * 99]
    view = View.of(3, None, names)
    drawing = units.units(np.array([[3.0, 2, 1]]), [0], [1.0], view)
    drawn = style.svg(drawing, "x", "")
    root = ElementTree.fromstring(drawn)
    written = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert written[2:] == ["$\\frac{$", "<b>&amp;", "a b c" + "d" * 14 + "…"]


def test_an_svg_takes_its_colours_and_type_from_the_page_and_its_ids_are_its_own() -> None:
    drawn = style.svg(curves.losses(HISTORY), "first", "Losses & more")
    assert drawn.startswith('<svg role="img" aria-label="Losses &amp; more"')
    assert "var(--blue)" in drawn
    assert style.BLUE not in drawn
    assert "font-family" not in drawn
    assert "DejaVu" not in drawn
    ids = re.findall(r'\bid="([^"]+)"', drawn)
    assert ids
    assert len(ids) == len(set(ids))
    assert all(name.startswith("first-") for name in ids)
    assert set(re.findall(r'(?:url\(|href=")#([^)"]+)', drawn)) == set(ids)
    assert drawn == style.svg(curves.losses(HISTORY), "first", "Losses & more")
    assert ElementTree.fromstring(drawn).get("viewBox")


def test_drawing_leaves_the_style_of_the_user_alone() -> None:
    with mpl.rc_context({"lines.linewidth": 7, "svg.fonttype": "path"}):
        drawing = curves.losses(HISTORY)
        style.svg(drawing, "x", "")
        assert mpl.rcParams["lines.linewidth"] == 7
        assert mpl.rcParams["svg.fonttype"] == "path"
    assert panels(drawing)[0].lines[0].get_linewidth() == 1.8


def test_a_missing_matplotlib_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ModuleNotFoundError, match=r'Remedy: pip install "keras-sparse\[insight\]"'):
        curves.losses(HISTORY)


def test_matplotlib_is_loaded_by_drawing_alone_and_no_window_opened() -> None:
    for file in Path(style.__file__).parent.glob("*.py"):
        text = file.read_text(encoding="utf-8")
        assert re.findall(r"^(?:import|from) matplotlib", text, flags=re.MULTILINE) == []
        assert "pyplot" not in text
