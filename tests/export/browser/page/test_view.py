"""The page in Chromium, and what its files must not hold."""

import shutil
import threading
from collections.abc import Callable
from importlib.resources import as_file, files
from pathlib import Path

import pytest

from keras_sparse_export.browser import runtime
from keras_sparse_export.browser import site as website
from keras_sparse_export.browser.server import Server
from keras_sparse_export.browser.site import read_page

pytestmark = pytest.mark.one_backend

PAGES = (
    *("page", "drawing", "access", "failure", "actions"),
    *("scores", "recordings", "microphone"),
)
RUNTIME = Path(__file__).parents[4] / "export" / "web" / runtime.PLACE


@pytest.mark.browser
def test_the_page_does_what_it_promises(
    node: Callable[..., None], chromium: str, bundles: Path, tmp_path: Path
) -> None:
    for bundle in filter(Path.is_dir, bundles.iterdir()):
        site(tmp_path / bundle.name, bundle)
    shutil.copy(bundles / "expected.json", tmp_path)
    pages = [f"pages/{name}" for name in PAGES]
    node(*pages, SITES=tmp_path, CHROMIUM=chromium)


@pytest.mark.browser
@pytest.mark.parametrize(
    ("name", "file", "tests"),
    [
        ("digits", "pages/page", "verifies|pasted|asked for nothing"),
        ("windows", "pages/microphone", "until it is stopped"),
    ],
)
def test_the_page_runs_a_bundle_as_serve_serves_it(
    name: str, file: str, tests: str, node: Callable[..., None], chromium: str, bundles: Path
) -> None:
    found = website.build_site(bundles / name, runtime.find(RUNTIME))
    with Server("127.0.0.1", 0, found.files) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            chosen = f"--test-name-pattern={tests}"
            node(chosen, file, SITES=bundles, PAGE_URL=server.url, CHROMIUM=chromium)
        finally:
            server.shutdown()
            thread.join()


def site(folder: Path, bundle: Path) -> None:
    """A folder that any server may serve."""
    with as_file(files("keras_sparse_export.browser") / "page") as page:
        shutil.copytree(page, folder)
    shutil.copytree(bundle, folder / "bundle")
    (folder / "runtime").mkdir()
    for name in runtime.FILES:
        (folder / "runtime" / name).symlink_to(RUNTIME / name)


def test_nothing_on_the_page_is_inline_or_from_elsewhere() -> None:
    """What the policy forbids is not there to be forbidden."""
    web = files("keras_sparse_export.browser") / "page"
    html = (web / "index.html").read_text("utf-8")
    policy = (
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; "
        "img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'"
    )
    assert f'<meta http-equiv="Content-Security-Policy" content="{policy}">' in html
    assert "style=" not in html
    assert "onclick" not in html
    assert html.count("<script") == html.count('<script type="module" src="app.js">') == 1
    texts = {path: data.decode() for path, data in read_page().items()}
    assert len(texts) > 20
    for path, text in texts.items():
        shown = text.replace("http://www.w3.org/2000/svg", "").replace("http://localhost", "")
        assert "http:" not in shown, path
        for sink in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
            assert sink not in text, path
