"""The page: its modules in Node, and all of it in Chromium, held to what Python says."""

import copy
import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import jsonschema
import keras
import numpy as np
import pytest
from sklearn.datasets import load_digits

import browser
from keras_sparse import L1, SparseAutoencoder
from keras_sparse_export import (
    BundleError,
    Encoder,
    export_encoder,
    readers,
    sources,
    web_runtime,
    website,
)
from keras_sparse_export.manifest import read_manifest
from keras_sparse_export.server import Server

NODE = shutil.which("node")
PACKAGES = Path(__file__).parents[2] / "export" / "web"
RUNTIME = PACKAGES / "node_modules" / "onnxruntime-web" / "dist"
RUNTIME_FILES = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")


def node_version() -> tuple[int, ...]:
    if NODE is None:
        return ()
    found = subprocess.run([NODE, "--version"], capture_output=True, text=True, check=True)
    return tuple(map(int, re.findall(r"\d+", found.stdout)[:3]))


needs_node = pytest.mark.skipif(node_version() < (20, 19), reason="needs Node 20.19 or newer")
needs_packages = pytest.mark.skipif(
    not (PACKAGES / "node_modules").is_dir(), reason="needs `npm ci` in export/web/"
)
needs_chromium = pytest.mark.skipif(browser.CHROMIUM is None, reason="needs Chromium")


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bundles of three kinds, and what Python says of their codes, of manifests and of CSV."""
    folder = tmp_path_factory.mktemp("bundles")
    keras.utils.set_random_seed(0)
    expected: dict[str, Any] = {
        name: answers(bundle, rows) for name, bundle, rows in exported(folder)
    }
    scratch = tmp_path_factory.mktemp("scratch")
    expected["manifests"] = list(judged(folder / "digits" / "manifest.json", scratch))
    expected["csv"] = [
        {"text": text, "size": size, "rows": read(text, size, scratch)} for text, size in TEXTS
    ]
    (folder / "expected.json").write_text(json.dumps(expected))
    return folder


def exported(folder: Path) -> Iterator[tuple[str, Path, np.ndarray]]:
    x = load_digits().data.astype(np.float32)
    model = SparseAutoencoder(64, 32, sparsity=L1(), normalization="standard")
    model.adapt(x)
    model.compile(keras.optimizers.Adam(0.01))
    model.fit(x, epochs=2, verbose=0)
    arguments: dict[str, Any] = {"sample": x[:500], "decoder": True, "top_k": 5}
    yield "digits", export_encoder(model, folder / "digits", **arguments), x[-7:]
    rows = np.random.default_rng(0).normal(size=(500, 12)).astype(np.float32)
    model = SparseAutoencoder(12, 40, sparsity=L1())
    path = export_encoder(model, folder / "plain", quantize="int8", sample=rows)
    yield "plain", path, rows[:5]
    steps = keras.Sequential([keras.Input((8, 8)), keras.layers.Dense(6, "relu", name="code")])
    path = export_encoder(steps, folder / "positions", layer="code")  # golden rows are synthetic
    yield "positions", path, x[:4].reshape(-1, 8, 8)


def answers(bundle: Path, rows: np.ndarray) -> dict[str, Any]:
    """Rows as they are pasted, and what Python makes of them."""
    with Encoder(bundle) as encoder:
        codes = encoder.encode(rows)
        return {
            "rows": flat(rows),
            "codes": flat(codes),
            "back": flat(encoder.decode(codes)) if encoder.has_decoder else None,
            "threshold": encoder.threshold,
        }


def flat(rows: np.ndarray) -> list[list[float]]:
    found: list[list[float]] = rows.reshape(len(rows), -1).astype(float).tolist()
    return found


# What Python says ------------------------------------------------------------------------------

SCHEMA = json.loads((files("keras_sparse_export") / "manifest.schema.json").read_text("utf-8"))
ODD: list[Any] = [None, True, -1, 0.5, 1 << 40, "x", [], {}]
TEXTS = [
    ("1,2\n3,4\n", 2), ("\ufeff1,2\r\n3,4", 2), ("a,b\n1,2", 2), ('"a, b",c\n"1",2', 2),
    (" 1 , 2 ", 2), ("1e3,-.5", 2), ("+1,2.", 2), ("", 2), ("\n\n", 2), ("a,b", 2), ("1,2,3", 2),
    ("1,2\n3", 2), ("a,1", 2), ("1,", 2), ("1;2", 2), ("x", 1), ("x\n1\n2", 1), ("1\n\n2", 1),
    ("a\n1,2", 2), ("a,b,c\n1,2", 2), ("0x10,1", 2), ('"1","2"', 2),
    ('"a ""b""",c\n3,4', 2), ("1,2\n \n3,4", 2), ("- 1,2", 2), ("nan,inf\n1,2", 2),
    ("-NaN\n1", 1), ("+Infinity\n1", 1), ("infinit\n1", 1), ("1_000,2", 2), ("1_0.2_5,.5_0", 2),
    ("1_0e1_0,-2_2.e-0_1", 2), ("1__0,2", 2), ("_1,2", 2), ("a,1_", 2), ("x_1,1_\n1,2", 2),
    ("1e400\n1", 1), ("1\r\n\r\n\n2", 1),
]  # fmt: skip


def judged(file: Path, folder: Path) -> Iterator[dict[str, Any]]:
    """Manifests with one thing changed, whether they are as the schema says, and trusted."""
    validator = jsonschema.Draft202012Validator(SCHEMA)
    manifest = json.loads(file.read_text("utf-8"))
    for path in places(manifest):
        for odd in [KeyError, *ODD]:
            changed = copy.deepcopy(manifest)
            parent = changed
            for step in path[:-1]:
                parent = parent[step]
            if odd is KeyError:
                del parent[path[-1]]
            else:
                parent[path[-1]] = odd
            yield {
                "manifest": changed,
                "valid": validator.is_valid(changed),
                "trusted": trusted(changed, folder),
                "what": f"{odd!r} at {path}",
            }


def trusted(manifest: dict[str, Any], folder: Path) -> bool:
    """Whether Python's reader takes a manifest."""
    (folder / "manifest.json").write_text(json.dumps(manifest))
    try:
        read_manifest(folder)
    except BundleError:
        return False
    return True


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths into a manifest, one for each list of numbers."""
    if path:
        yield path
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], (*path, key))
    elif isinstance(value, list) and value:
        yield (*path, 0)


def read(text: str, size: int, folder: Path) -> list[float] | None:
    """The rows that Python reads of a CSV, `None` if it refuses one."""
    file = folder / "rows.csv"
    file.write_bytes(text.encode())
    found: list[float] = []
    try:
        for chunk in readers.read(str(file), (size,)):
            if sources.faults_of(chunk):
                return None
            found += chunk.rows.ravel().tolist()
    except ValueError:
        return None
    return found or None


# Node and Chromium -----------------------------------------------------------------------------


IN_NODE = ("golden", "csv", "codes", "encoder", "turns")
IN_A_BROWSER = ("page", "drawing", "access", "refusal", "actions")


def node(*arguments: str, **variables: Path | str) -> None:
    """Run tests in Node: options, then files of tests by what they are about."""
    assert NODE is not None
    named = [each if each.startswith("-") else f"{each}.test.mjs" for each in arguments]
    result = subprocess.run(
        [NODE, "--test", "--test-concurrency=2", *named],
        cwd=PACKAGES,
        env=os.environ | {name: str(value) for name, value in variables.items()},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stdout + result.stderr


@needs_node
@needs_packages
def test_the_modules_agree_with_python(bundles: Path) -> None:
    node(*IN_NODE, BUNDLES=bundles)


@needs_node
@needs_packages
@needs_chromium
def test_the_page_does_what_it_promises(bundles: Path, tmp_path: Path) -> None:
    for bundle in filter(Path.is_dir, bundles.iterdir()):
        site(tmp_path / bundle.name, bundle)
    shutil.copy(bundles / "expected.json", tmp_path)
    node(*IN_A_BROWSER, SITES=tmp_path, CHROMIUM=str(browser.CHROMIUM))


@needs_node
@needs_packages
@needs_chromium
def test_the_page_runs_a_bundle_as_serve_serves_it(bundles: Path) -> None:
    found = website.site(bundles / "digits", web_runtime.find(RUNTIME))
    with Server("127.0.0.1", 0, found.files) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            chosen = "--test-name-pattern=verifies|pasted|asked for nothing"
            chromium = str(browser.CHROMIUM)
            node(chosen, "page", SITES=bundles, PAGE_URL=server.url, CHROMIUM=chromium)
        finally:
            server.shutdown()
            thread.join()


def site(folder: Path, bundle: Path) -> None:
    """A folder that any server may serve."""
    package = files("keras_sparse_export")
    with as_file(package / "web") as page, as_file(package / "manifest.schema.json") as schema:
        shutil.copytree(page, folder)
        shutil.copy(schema, folder)
    shutil.copytree(bundle, folder / "bundle")
    (folder / "runtime").mkdir()
    for name in RUNTIME_FILES:
        (folder / "runtime" / name).symlink_to(RUNTIME / name)


def test_nothing_on_the_page_is_inline_or_from_elsewhere() -> None:
    """What the policy forbids is not there to be forbidden."""
    web = files("keras_sparse_export") / "web"
    html = (web / "index.html").read_text("utf-8")
    policy = (
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; "
        "img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'"
    )
    assert f'<meta http-equiv="Content-Security-Policy" content="{policy}">' in html
    assert "style=" not in html
    assert "onclick" not in html
    assert html.count("<script") == html.count('<script type="module" src="app.js">') == 1
    for file in web.iterdir():
        text = file.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "http:" not in text.replace("http://localhost", ""), file.name
        for sink in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
            assert sink not in text, file.name


def test_the_lock_file_names_no_address() -> None:
    lock = (PACKAGES / "package-lock.json").read_text("utf-8")
    assert "resolved" not in lock
    assert "://" not in lock
    package = json.loads((PACKAGES / "package.json").read_text("utf-8"))
    for pinned in (*package["dependencies"].values(), *package["devDependencies"].values()):
        assert pinned.replace(".", "").isdigit(), "pinned at one version"
