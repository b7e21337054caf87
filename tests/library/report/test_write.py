"""The report: what it says first, what it never shows, and what it makes of a damaged folder."""

import base64
import csv
import io
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
from matplotlib.image import imread

import browser
from keras_sparse import KL, L1, SparseAutoencoder
from keras_sparse.cli.main import main
from keras_sparse.evaluation.held_out import evaluate
from keras_sparse.experiments import run_folder
from keras_sparse.models.settings import Settings
from keras_sparse.report import write
from keras_sparse.report.run_data import RunData
from keras_sparse.report.write import write_report

VOID = {"meta", "link", "br", "img"}
NAMESPACES = {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
EVIL = "<script>alert('x')</script>&\"'"
needs_chromium = pytest.mark.skipif(browser.CHROMIUM is None, reason="needs Chromium")


def write_run(folder: Path, columns: list[str] | None = None, **more: Any) -> None:
    """A small run, file by file as the commands write it."""
    rng = np.random.default_rng(0)
    rows = (rng.random((160, 3)) @ rng.random((3, 16))).astype(np.float32)
    training, held_out = rows[:120], rows[120:]
    settings = Settings(code_dim=6, sparsity="kl", strength=0.01, epochs=3)
    keras.utils.set_random_seed(0)
    model = SparseAutoencoder(16, 6, sparsity=KL(0.05, 0.01), normalization="standard")
    model.adapt(training)
    model.compile(keras.optimizers.Adam(0.1))
    history = model.fit(
        training, validation_data=held_out, epochs=3, batch_size=16, verbose=0
    ).history
    codes = model.encode(held_out)
    folder.mkdir(parents=True)
    model.save(folder / "model.keras")
    with (folder / "history.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["epoch", *history])
        epochs = enumerate(zip(*history.values(), strict=True), start=1)
        writer.writerows([epoch, *values] for epoch, values in epochs)
    np.savez(
        folder / "units.npz",
        epoch=[1, 2, 3],
        mean_activation=np.stack([codes.mean(axis=0)] * 3),
        density=np.stack([(codes > 0.1).mean(axis=0)] * 3),
    )
    np.save(folder / "held_out.npy", held_out)
    record = {
        "data": "x.npy",
        "settings": asdict(settings),
        "versions": {"keras": keras.__version__},
        "rows": {"train": 120, "held_out": 40},
        "row_shape": [16] if columns else [4, 4],
        "columns": columns,
        "evaluation": asdict(evaluate(model, held_out)),
        "probes": {"raw": 0.91, "codes": 0.93},
        **more,
    }
    (folder / "run.json").write_text(json.dumps(record))


def test_codes_of_either_sign_are_shown_by_magnitude() -> None:
    keras.utils.set_random_seed(0)
    encoder = keras.Sequential([keras.Input((8, 2)), keras.layers.Conv1D(3, 3, activation="tanh")])
    decoder = keras.Sequential([keras.Input((6, 3)), keras.layers.Conv1DTranspose(2, 3)])
    model = SparseAutoencoder.from_models(encoder, decoder, sparsity=L1())
    x = np.random.default_rng(0).normal(size=(40, 8, 2)).astype(np.float32)
    run = SimpleNamespace(model=model, held_out=x.reshape(40, 16), record={}, units={}, missing={})
    encoded, codes = RunData(run, show_rows=True).encoded, model.encode(x)  # type: ignore[arg-type]
    assert encoded is not None
    expected = [[max(unit, key=abs) for unit in row.T.tolist()] for row in codes]
    np.testing.assert_array_equal(encoded.codes, expected)
    assert (encoded.codes < 0).any()
    active = np.abs(codes) > 0.1
    np.testing.assert_allclose(encoded.density, active.mean(axis=(0, 1)), rtol=1e-12)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained") / "run"
    write_run(folder)
    return folder


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "run"))


@pytest.fixture
def sweep(trained: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "sweep"
    shutil.copytree(trained, folder / "points" / "kl-a")
    (folder / "points" / "kl-a" / "held_out.npy").rename(folder / "held_out.npy")
    header = "name,status,sparsity,strength,rho,explained_by_active,reconstruction_mse,l0,density,"
    lines = [
        header + "dead_units,mean_activation,probe,seconds,error",
        "kl-a,done,kl,0.01,0.05,0.812,0.2,3.5,0.1,0,0.06,0.93,1.5,",
        "l1-a,done,l1,0.001,,0.7,0.3,2,0.1,0,0.06,,1.5,",
        f'l1-b,failed,l1,9,,,,,,,,,,"{EVIL.replace(chr(34), chr(34) * 2)}"',
    ]
    (folder / "frontier.csv").write_text("\n".join(lines) + "\n")
    edit(
        folder / "sweep.json",
        data="x.npy",
        settings={"epochs": 3},
        grid={"kl": [0.01]},
        recommendation={"point": "kl-a", "reason": "the knee"},
        row_shape=[4, 4],
        columns=None,
    )
    return folder


def edit(file: Path, **changes: Any) -> None:
    record = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(json.dumps(record | changes))


class Page(HTMLParser):
    """A page, its tags checked to close in order."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.source = file.read_text(encoding="utf-8")
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(self.source)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def figures(self) -> list[str | None]:
        return [figure["id"] for figure in self.all("figure")]

    @property
    def pictures(self) -> Iterator[np.ndarray]:
        """Every image in the page."""
        for image in self.all("image"):
            data = str(image["xlink:href"]).removeprefix("data:image/png;base64,")
            yield imread(io.BytesIO(base64.b64decode(data)))


def report(source: Path, **options: Any) -> Page:
    return Page(write_report(source, **options))


# What it says ----------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_page_says_first_what_a_person_asks(run: Path) -> None:
    page = report(run)
    record = json.loads((run / "run.json").read_text())
    measures = record["evaluation"]
    assert (run / "report.html").is_file()
    first = page.text[: page.text.index("Reconstruction")]
    assert (
        f"{100 * measures['explained_variance']:.0f} % of the variance of 40 held-out rows" in first
    )
    assert f"{measures['explained_variance']:.3f}" in first
    assert "target ρ = 0.05" in first
    assert "raw rows: 0.910" in first
    assert "This report shows rows of the data" in first
    assert page.figures == [
        "pairs", "losses", "units", "top-activating", "density", "activation", "probes",
    ]  # fmt: skip
    assert page.text.count("These are rows of the data.") == 2
    assert keras.__version__ in page.text[page.text.index("Settings and versions") :]


def test_the_page_is_one_that_everybody_can_read(run: Path) -> None:
    page = report(run)
    assert page.all("html") == [{"lang": "en"}]
    assert [tag for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)][:3] == ["h1", "h2", "h3"]
    assert len(page.all("h1")) == 1
    svgs = page.all("svg")
    assert len(svgs) == len(page.all("figcaption")) == len(page.figures)
    assert all(svg["role"] == "img" and svg["aria-label"] for svg in svgs)
    assert all(cell.get("scope") in ("col", "row") for cell in page.all("th"))
    assert len(page.all("caption")) == len(page.all("table")) > 0
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert "prefers-color-scheme: dark" in page.source


@pytest.mark.parametrize("folder", ["run", "sweep"])
def test_the_page_needs_nothing_but_itself(folder: str, request: pytest.FixtureRequest) -> None:
    page = report(request.getfixturevalue(folder))
    assert page.all("script") == []
    assert set(re.findall(r"https?://[^\s\"'<]+", page.source)) == NAMESPACES
    for _, attributes in page.tags:
        for name in ("src", "href", "xlink:href"):
            assert str(attributes.get(name, "#")).startswith(("#", "data:"))
    assert "@import" not in page.source
    assert set(re.findall(r"url\(([^)])", page.source)) == {"#"}


def test_the_same_run_gives_the_same_bytes(run: Path, tmp_path: Path) -> None:
    first = write_report(run, tmp_path / "a.html").read_bytes()
    assert first == write_report(run, tmp_path / "b.html").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("columns", [None, [f"column {i}" for i in range(16)]])
def test_a_table_is_shown_by_its_columns_and_a_flat_row_as_a_series(
    run: Path, columns: list[str] | None
) -> None:
    edit(run / "run.json", row_shape=[16], columns=columns)
    page = report(run)
    assert list(page.pictures) == []
    assert ("column 7" in page.text) == (columns is not None)
    assert ("The series that each unit adds" in page.text) == (columns is None)
    assert ("(in standard deviations)" in page.text) == (columns is not None)
    if columns is None:
        assert len(list(report(run, row_shape=(2, 8)).pictures)) > 0
        with pytest.raises(ValueError, match=r"product is 16.*Received: row_shape=\(3, 5\)"):
            report(run, row_shape=(3, 5))


def shown(page: Page, rows: np.ndarray) -> int:
    """How many pictures of a page are rows of the data, whatever their contrast."""
    grays = [picture[..., 0].ravel() for picture in page.pictures if picture.shape[:2] == (4, 4)]
    return sum(
        any(abs(np.corrcoef(gray, row)[0, 1]) > 0.999 for row in rows)
        for gray in grays
        if gray.std() > 0
    )


def test_no_row_is_shown_where_none_is_wanted(run: Path) -> None:
    rows = np.load(run / "held_out.npy")
    assert shown(report(run), rows) >= 32
    page = report(run, rows=False)
    assert page.figures == ["losses", "units", "density", "activation", "probes"]
    assert shown(page, rows) == 0
    assert "This report contains no data rows" in page.text
    assert "These are rows of the data." not in page.text
    assert "40 held-out rows" in page.text


@pytest.mark.slow
def test_nothing_that_a_user_named_becomes_html(tmp_path: Path) -> None:
    columns = [EVIL, "$\\frac{$", *(f"{EVIL}{i}" for i in range(14))]
    settings = {"sparsity": "kl", "rho": 0.05, EVIL: EVIL}
    more = {"data": EVIL, "settings": settings, "versions": {EVIL: EVIL}, "probes": {EVIL: 0.5}}
    write_run(tmp_path / "run", columns, **more)
    page = report(tmp_path / "run")
    assert page.all("script") == []
    assert page.text.startswith(f"{EVIL} · keras-sparse")
    assert page.text.count(EVIL) >= 4
    assert "$\\frac{$" in page.text


def test_numbers_that_are_none_are_dashes(run: Path) -> None:
    record = json.loads((run / "run.json").read_text())
    edit(run / "run.json", evaluation=record["evaluation"] | {"explained_variance": None})
    names, *lines = (run / "history.csv").read_text().splitlines()
    values = dict(zip(names.split(","), lines[1].split(","), strict=True))
    lines[1] = ",".join((values | {"loss": "nan", "val_loss": "inf"}).values())
    (run / "history.csv").write_text("\n".join([names, *lines]))
    units = dict(np.load(run / "units.npz"))
    units["mean_activation"][1] = np.nan
    units["density"][2, 0] = np.nan
    np.savez(run / "units.npz", **units)
    page = report(run)
    assert "has no explained variance" in page.text
    assert "stopped being finite in epoch 2" in page.text
    assert "nan" not in page.text.lower().replace("nan or inf", "")


# Runs cut short --------------------------------------------------------------------------------

FILES = ("run.json", "history.csv", "units.npz", "model.keras", "held_out.npy")


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", ["gone", "cut", "other"])
def test_a_damaged_run_still_gives_a_report(name: str, damage: str, run: Path) -> None:
    content = (run / name).read_bytes()
    if damage == "gone":
        (run / name).unlink()
    else:
        cut = content[:-30] if name == "history.csv" else content[: len(content) * 2 // 3]
        (run / name).write_bytes(cut if damage == "cut" else b"[1, 2]\n")
    page = report(run)
    whole_but_for_a_line = name == "history.csv" and damage == "cut"
    kept_none = name == "held_out.npy" and damage == "gone"
    if whole_but_for_a_line:
        assert "2 of 3 epochs" in page.text
    elif kept_none:
        assert "No rows of the data were kept" in page.text
    else:
        assert re.search(f"{name} (is missing|cannot be read)", page.text)
    gone = {
        "history.csv": set() if whole_but_for_a_line else {"losses"},
        "units.npz": {"activation"},
        "model.keras": {"pairs", "units", "top-activating"},
        "held_out.npy": {"pairs", "top-activating"},
        "run.json": {"probes"},
    }[name]
    everything = {"pairs", "losses", "units", "top-activating", "density", "activation", "probes"}
    assert set(page.figures) == everything - gone


def test_a_run_without_its_record_is_measured_on_the_rows_that_were_kept(run: Path) -> None:
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text("{}")
    explained = record["evaluation"]["explained_variance"]
    assert f"{explained:.3f}" in report(run).text


@pytest.mark.parametrize(
    "kept", [("run.json",), ("history.csv",), ("units.npz",), ("model.keras",)]
)
def test_one_file_is_enough(kept: tuple[str], run: Path) -> None:
    for name in set(FILES) - set(kept):
        (run / name).unlink()
    assert "keras-sparse" in report(run).text


@pytest.mark.parametrize(
    "record",
    [
        {"settings": 3, "evaluation": [], "probes": "x"},
        {"rows": {"train": "many"}, "row_shape": ["a", -1], "columns": 7},
    ],
)
def test_a_record_of_other_kinds_is_read_as_far_as_it_goes(record: Any, run: Path) -> None:
    edit(run / "run.json", **record)
    assert len(report(run).figures) >= 5


@pytest.mark.parametrize("rows", [np.full((9, 16), np.nan), np.zeros((9, 5)), np.zeros(9)])
def test_rows_that_do_not_suit_the_model(rows: np.ndarray, run: Path) -> None:
    np.save(run / "held_out.npy", rows.astype(np.float32))
    page = report(run)
    assert "held_out.npy" in page.text
    assert "pairs" not in page.figures
    assert "units" in page.figures


def test_a_model_of_another_kind_is_named(run: Path) -> None:
    keras.Sequential([keras.Input((16,)), keras.layers.Dense(3)]).save(run / "model.keras")
    assert "a Sequential, not a SparseAutoencoder" in report(run).text


def test_no_more_than_512_rows_are_read(run: Path) -> None:
    np.save(run / "held_out.npy", np.zeros((600, 4, 4), np.float32))
    held_out = run_folder.read_run(run).held_out
    assert held_out is not None
    assert held_out.shape == (512, 16)


# Sweeps ----------------------------------------------------------------------------------------


def test_a_sweep_shows_its_frontier_and_the_chosen_point(sweep: Path) -> None:
    page = report(sweep)
    assert "2 points trained, 1 failed" in page.text
    assert "Recommended: kl-a. The knee." in page.text
    assert page.figures[:3] == ["frontier", "frontier-error", "pairs"]
    assert "Units of kl-a" in page.text
    assert [row.get("class") for row in page.all("tr")[1:4]] == ["chosen", None, "failed"]
    assert EVIL in page.text
    assert page.all("script") == []
    assert "The chosen point, kl-a, explains 0.812 with L0 3.5." in str(
        page.all("svg")[0]["aria-label"]
    )
    assert report(sweep, rows=False).figures[2] == "losses"


def test_a_sweep_shows_its_notes_and_what_was_added_or_left_out(sweep: Path) -> None:
    table = (sweep / "frontier.csv").read_text().splitlines()
    header, *lines = (f"{line}," for line in table)
    lines = [lines[0], lines[1] + "2", *lines[2:], "kl-b,pending,kl,0.01,0.2" + "," * 10]
    (sweep / "frontier.csv").write_text("\n".join([f"{header}goal_l0", *lines]) + "\n")
    edit(sweep / "sweep.json", notes=["Not trained: point kl-b", EVIL])
    page = report(sweep)
    assert "2 points trained, 1 failed, 1 not trained" in page.text
    assert "Not trained: point kl-b." in page.text
    assert EVIL in page.text
    assert page.all("script") == []
    assert "added for L0" in page.text
    edit(sweep / "sweep.json", notes={"not": "a list"})
    assert report(sweep).text.startswith("Sweep of ")


def test_a_sweep_without_a_recommendation(sweep: Path) -> None:
    edit(sweep / "sweep.json", recommendation=None)
    page = report(sweep)
    assert "No point is recommended." in page.text
    assert page.figures == ["frontier", "frontier-error"]


@pytest.mark.parametrize("point", ["../points/kl-a", "..", "gone"])
def test_a_chosen_point_that_is_not_there(point: str, sweep: Path) -> None:
    edit(sweep / "sweep.json", recommendation={"point": point})
    page = report(sweep)
    assert f"The folder of {point} is missing" in page.text
    assert page.figures == ["frontier", "frontier-error"]


@pytest.mark.parametrize("name", ["sweep.json", "frontier.csv"])
@pytest.mark.parametrize("cut", [0, 0.6, None])
def test_a_sweep_cut_short_still_gives_a_report(name: str, cut: float | None, sweep: Path) -> None:
    content = (sweep / name).read_bytes()
    (sweep / name).unlink()
    if cut is not None:
        (sweep / name).write_bytes(content[: int(cut * len(content))])
    page = report(sweep)
    assert page.text.startswith("Sweep of ")
    if cut is None or name == "sweep.json":
        assert re.search(f"{name} (is missing|cannot be read)", page.text)


# Where it goes ---------------------------------------------------------------------------------


def test_a_folder_that_is_neither_is_refused(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").touch()
    with pytest.raises(ValueError, match=r"run\.json.*which has none"):
        write_report(tmp_path)
    with pytest.raises(FileNotFoundError, match="which is a file"):
        write_report(tmp_path / "photo.jpg")
    with pytest.raises(FileNotFoundError, match="which does not exist"):
        write_report(tmp_path / "no")
    assert [path.name for path in tmp_path.iterdir()] == ["photo.jpg"]


@pytest.mark.slow
@pytest.mark.usefixtures("no_staging")
def test_a_report_is_replaced_and_another_file_only_when_asked(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "page.html"
    assert write_report(run, out) == out
    write_report(run, out, rows=False)
    assert "contains no data rows" in out.read_text()
    out.write_text("<html>my thesis</html>")
    with pytest.raises(FileExistsError, match="Remedy: overwrite=True"):
        write_report(run, out)
    assert out.read_text() == "<html>my thesis</html>"
    write_report(run, out, overwrite=True)
    assert "held-out rows" in out.read_text()
    with pytest.raises(FileExistsError, match="which is a folder"):
        write_report(run, tmp_path / "new", overwrite=True)


@pytest.mark.slow
@pytest.mark.usefixtures("no_staging")
def test_a_report_is_written_whole_or_not_at_all(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise OSError("disk full")

    before = write_report(run).read_bytes()
    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_report(run, rows=False)
    assert (run / "report.html").read_bytes() == before


def test_a_missing_package_is_named_with_its_extra(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert write.missing_package() is None
    monkeypatch.setitem(sys.modules, "jinja2", None)
    assert write.missing_package() == "jinja2"
    with pytest.raises(ModuleNotFoundError, match=r'`jinja2`.*"keras-sparse\[insight\]"'):
        write_report(run)
    assert not (run / "report.html").exists()


def test_the_command(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "page.html"
    arguments = ["report", str(run), "-o", str(out), "--no-rows", "--row-shape", "2,8"]
    assert main(arguments) == 0
    assert capsys.readouterr().out == f"Wrote {out}\n"
    assert Page(out).figures[0] == "losses"
    assert main(["report", str(run)]) == 0
    assert (run / "report.html").is_file()
    for source, message in ((tmp_path / "no", "does not exist"), (tmp_path, "has none of these")):
        capsys.readouterr()
        assert main(["report", str(source)]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert message in line


# In a browser ----------------------------------------------------------------------------------


@pytest.mark.browser
@needs_chromium
@pytest.mark.parametrize("folder", ["run", "sweep"])
def test_a_browser_renders_it_without_an_error_or_a_request(
    folder: str, request: pytest.FixtureRequest
) -> None:
    visit = browser.visit(write_report(request.getfixturevalue(folder)))
    assert visit.dom.count("<figcaption>") >= 7
    assert visit.console == []
    assert visit.requests == []


@pytest.mark.browser
@needs_chromium
def test_the_browser_would_see_an_error_and_a_request(tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text("<script>missing()</script><img src='http://example.org/pixel.png'>")
    visit = browser.visit(page)
    assert "missing is not defined" in visit.console[0]
    assert visit.requests == ["http://example.org/pixel.png"]


@pytest.mark.browser
@needs_chromium
@pytest.mark.parametrize("width", [390, 1280])
def test_it_fits_a_telephone_and_a_desk(width: int, sweep: Path, tmp_path: Path) -> None:
    page = write_report(sweep).read_text().replace("Content-Security-Policy", "nothing")
    tell = "<script>parent.postMessage(document.documentElement.scrollWidth, '*')</script>"
    (tmp_path / "inner.html").write_text(page.replace("</body>", f"{tell}</body>"))
    listen = "<script>onmessage = event => { document.title = event.data }</script>"
    frame = f'<iframe src="inner.html" width="{width}" style="border: 0"></iframe>'
    (tmp_path / "outer.html").write_text(f"<!doctype html><title></title>{listen}{frame}")
    assert f"<title>{width}</title>" in browser.visit(tmp_path / "outer.html").dom


@pytest.mark.browser
@needs_chromium
@pytest.mark.parametrize("dark", [False, True])
def test_it_is_light_or_dark_as_the_reader_prefers(dark: bool, run: Path, tmp_path: Path) -> None:
    browser.screenshot(write_report(run), tmp_path / "page.png", width=390, dark=dark)
    picture = (255 * imread(tmp_path / "page.png")[..., :3]).astype(int)
    assert (picture[0, 0].mean() < 50) == dark
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 50
