"""The page: its modules in Node, and all of it in Chromium, held to what Python says."""

import copy
import json
import os
import re
import shutil
import subprocess
import threading
import warnings
from collections.abc import Callable, Iterator
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import jsonschema
import keras
import numpy as np
import onnx
import pytest
from sklearn.datasets import load_digits

import browser
import jumping_bundles
import onnx_files
from bundles import rewritten
from keras_sparse import L1, SparseAutoencoder
from keras_sparse_export import BundleError, Encoder, export_encoder
from keras_sparse_export.browser import runtime
from keras_sparse_export.browser import site as website
from keras_sparse_export.browser.server import Server
from keras_sparse_export.browser.site import read_page
from keras_sparse_export.bundle.manifest import list_golden_shapes, read_manifest
from keras_sparse_export.cli import inputs
from keras_sparse_export.errors import RangeError
from keras_sparse_export.io import readers
from keras_sparse_export.io.categories import Columns
from keras_sparse_export.runtime import parity

pytestmark = pytest.mark.one_backend

NODE = shutil.which("node")
PACKAGES = Path(__file__).parents[3] / "export" / "web"
FORMAT_1 = Path(__file__).parents[1] / "bundle" / "format_1"
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
    of_pumps = export_of_pumps(tmp_path_factory.mktemp("pumps") / "of_pumps")
    estimated = tmp_path_factory.mktemp("estimated")
    shutil.copy(folder / "table" / "manifest.json", estimated)
    rewritten(estimated, estimate_rate)
    expected["manifests"] = [
        found
        for bundle, depth, keys in (
            (folder / "digits", 9, None),
            (folder / "format_1", 1, None),
            (folder / "refined", 4, ("requires", "thresholds", "calibration")),
            (folder / "plain", 2, ("requires", "columns", "input", "format")),
            (folder / "gaps", 2, ("requires", "missing")),
            (folder / "two inputs", 5, ("requires", "inputs", "input")),
            (folder / "table", 4, ("offset", "scale", "statistics", "score", "parity")),
            (estimated, 5, ("score", "requires")),
            (of_pumps, 3, ("requires", "columns", "categories", "format")),
        )
        for found in judged(bundle / "manifest.json", scratch, depth, keys)
    ]
    expected["csv"] = [
        {
            "text": text,
            "size": size,
            "columns": columns,
            "gaps": gaps,
            "rows": read(text, size, columns, scratch, gaps),
        }
        for text, size, columns in [*((*each, None) for each in TEXTS), *NAMED_TEXTS]
        for gaps in (False, True)
    ]
    pumps = Columns(PUMPS, CATEGORIES)
    expected["csv"] += [
        {
            "text": text,
            "size": len(PUMPS),
            "columns": PUMPS,
            "categories": [*CATEGORIES.items()],
            "gaps": gaps,
            "rows": read(text, len(PUMPS), pumps, scratch, gaps),
        }
        for text in PUMP_TEXTS
        for gaps in (False, True)
    ]
    expected["overflow"] = {
        "rows": LARGE_ROWS.tolist(),
        "graphs": {name: find_overflows(name, folder) for name in GRAPHS},
    }
    for name, change in WRONG.items():
        model = onnx.load(folder / "refined" / "encoder.onnx")
        change(model)
        onnx.save(model, folder / f"{name}.onnx")
    (folder / "expected.json").write_text(json.dumps(expected))
    return folder


def estimate_rate(found: dict[str, Any]) -> None:
    """Make the threshold of a score one that its rows do not show the rate of."""
    estimate = {"needed": 999, "thresholds": [1, 2], "rates": [0, 0.5], "mean_rate": 0.1}
    found["score"]["alarm"].update(false_alarm_rate=0.001, estimate=estimate)


WRONG: dict[str, Callable[[onnx.ModelProto], None]] = {
    "higher": lambda model: jumping_bundles.scale_thresholds(model, 1.01),
    "followed": lambda model: jumping_bundles.follow_code(model, "Relu"),
    "weights": lambda model: jumping_bundles.scale_unit(model, 3),
}
"""Changes of the encoder of `refined`."""


def exported(folder: Path) -> Iterator[tuple[str, Path, np.ndarray]]:
    x = load_digits().data.astype(np.float32)
    model = SparseAutoencoder(64, 32, sparsity=L1(), normalization="standard")
    model.adapt(x)
    model.compile(keras.optimizers.Adam(0.01))
    model.fit(x, epochs=2, verbose=0)
    arguments: dict[str, Any] = {"sample": x[:500], "decoder": True, "top_k": 5}
    yield "digits", export_encoder(model, folder / "digits", **arguments), x[-7:]
    rows = np.random.default_rng(0).normal(size=(500, 12)).astype(np.float32)
    model = SparseAutoencoder(12, 40, sparsity=L1(), normalization=None)
    names = [f"column {number}" for number in range(12)]
    path = export_encoder(model, folder / "plain", quantize="int8", sample=rows, columns=names)
    yield "plain", path, rows[:5]
    steps = keras.Sequential([keras.Input((8, 8)), keras.layers.Dense(6, "relu", name="code")])
    path = export_encoder(steps, folder / "positions", layer="code")  # golden rows are synthetic
    yield "positions", path, x[:4].reshape(-1, 8, 8)
    signed = keras.Sequential([keras.Input((12,)), keras.layers.Dense(20, "tanh", name="code")])
    path = export_encoder(signed, folder / "signed", layer="code", sample=rows / 4, top_k=3)
    yield "signed", path, rows[:5] / 4
    for kind in ("one", "refined"):
        yield kind, jumping_bundles.write(folder / kind, kind, k=3), jumping_bundles.rows(20)
    gappy = x.copy()
    gappy[np.random.default_rng(0).random(x.shape) < 0.3] = np.nan
    model = SparseAutoencoder(64, 40, target_l0=8, missing="mask")
    model.compile(run_eagerly=True)
    model.fit(gappy[:500], batch_size=100, epochs=2, verbose=0)
    path = export_encoder(model, folder / "gaps", sample=gappy[:500], decoder=True, top_k=3)
    yield "gaps", path, gappy[-7:]
    table = rows * np.geomspace(1e-3, 1e5, 12, dtype=np.float32)
    model = SparseAutoencoder(12, 20, sparsity=L1(), normalization="standard")
    model.adapt(table)
    options: dict[str, Any] = {"score": True, "calibration": table[:200] + 1, "columns": names}
    path = export_encoder(model, folder / "table", decoder=True, sample=table, **options)
    yield "table", path, table[:5]
    kind = keras.Input((2,), dtype="int32", name="kind")
    words = keras.layers.Flatten()(keras.layers.Embedding(7, 3)(kind))
    numbers = keras.Input((12,), name="numbers")
    h = keras.layers.Concatenate()([words, numbers])
    model = keras.Model([kind, numbers], keras.layers.Dense(6, "relu", name="code")(h))
    kinds = np.random.default_rng(0).integers(0, 7, (500, 2))
    sample = {"kind": kinds, "numbers": rows}
    path = export_encoder(model, folder / "two inputs", layer="code", sample=sample)
    yield "two inputs", path, np.hstack([kinds, rows])[:5].astype(np.float32)
    path = Path(shutil.copytree(FORMAT_1, folder / "format_1"))
    yield "format_1", path, np.fromfile(path / "golden_x.f32", "<f4").reshape(-1, 5)[:7]


def answers(bundle: Path, rows: np.ndarray) -> dict[str, Any]:
    """Rows as they are pasted, and what Python makes of them."""
    with Encoder(bundle) as encoder:
        codes, decodes = encoder.encode(rows), encoder.has_decoder
        known = encoder.manifest or {}
        return {
            "rows": flat(rows),
            "codes": flat(codes),
            "back": flat(encoder.decode(codes)) if decodes else None,
            "errors": flat(encoder.errors(rows)) if "scale" in known and decodes else None,
            "threshold": encoder.threshold,
            "active": encoder.is_active(codes).reshape(len(codes), -1).tolist(),
            "format": json.loads((bundle / "manifest.json").read_text("utf-8"))["format"],
            "tolerances": tolerances(bundle),
            "lowered": lowered(bundle, rows),
        }


def lowered(bundle: Path, rows: np.ndarray) -> list[dict[str, Any]]:
    """The codes at lower L0s, from the bundle's own to the lowest."""
    if (curve := read_manifest(bundle).get("calibration")) is None:
        return []
    levels = np.linspace(curve["l0"][0], curve["l0"][-1], 7).tolist()
    return [
        {"l0": l0, "codes": flat(encoder.encode(rows)), "threshold": encoder.threshold}
        for l0 in levels
        for encoder in [Encoder(bundle, l0=l0)]
    ]


def tolerances(bundle: Path) -> dict[str, list[float]]:
    """The tolerance of each unit and column, from the golden files."""
    manifest = read_manifest(bundle)
    golden = {
        name: np.frombuffer((bundle / name).read_bytes(), "<f4").reshape(shape)
        for name, shape in list_golden_shapes(manifest).items()
        if name.endswith("f32")
    }
    found = {"encoder": parity.tolerance(golden["golden_code.f32"]).tolist()}
    if "decoder.onnx" in manifest["files"]:
        x_hat = golden["golden_x_hat.f32"]
        found["decoder"] = parity.tolerance(x_hat, golden["golden_x.f32"]).tolist()
    return found


LARGE_ROWS = np.array(
    [[1, 1, 1, 1], [3e38] * 4, [3e38, -3e38, 0, 1], [1e30, -1e30, 2e30, 1e33]], np.float32
)
WEIGHTS = {"w": np.array([[2, -2, 2, -2]] * 4, np.float32)}
GRAPHS: dict[str, tuple[list[tuple[Any, ...]], dict[str, Any]]] = {
    "visible": ([("MatMul", "x w", "code")], WEIGHTS),
    "relu": ([("MatMul", "x w", "z"), ("Relu", "z", "code")], {"w": -np.abs(WEIGHTS["w"])}),
    "thresholded": (
        [("MatMul", "x w", "z"), ("ThresholdedRelu", "z", "code", {"alpha": 0.1})],
        WEIGHTS,
    ),
    "refined": (
        [
            ("MatMul", "x w", "z"),
            ("ThresholdedRelu", "z", "h", {"alpha": 0.1}),
            ("MatMul", "h w", "back"),
            ("Sub", "x back", "rest"),
            ("MatMul", "rest w", "change"),
            ("Add", "h change", "z2"),
            ("ThresholdedRelu", "z2", "code", {"alpha": 0.1}),
        ],
        WEIGHTS,
    ),
    "normalized": (
        [("ReduceL2", "x", "n", {"axes": [1], "keepdims": 1}), ("Div", "x n", "code")],
        {},
    ),
    "exponential": (
        [("Neg", "x", "n"), ("Exp", "n", "e"), ("Add", "e one", "d"), ("Div", "one d", "code")],
        {"one": np.float32(1)},
    ),
    "masked": (
        [
            ("Greater", "x zero", "positive"),
            ("Where", "positive x low", "z"),
            ("Softmax", "z", "code"),
        ],
        {"zero": np.float32(0), "low": np.float32(-np.inf)},
    ),
}


def find_overflows(name: str, folder: Path) -> list[bool]:
    """Whether each of the large rows overflows in a graph, which is left in the folder."""
    file = onnx_files.written(onnx_files.encoder(*GRAPHS[name]), folder)
    encoder = Encoder(file.rename(folder / f"{name}.onnx"))
    try:
        encoder.encode(LARGE_ROWS)
    except RangeError as error:
        return [row in error.rows for row in range(len(LARGE_ROWS))]
    return [False] * len(LARGE_ROWS)


def flat(rows: np.ndarray) -> list[list[float | None]]:
    """Rows in JSON, which has no NaN: null for a gap."""
    found = rows.reshape(len(rows), -1).astype(float)
    return [[None if np.isnan(number) else number for number in row] for row in found.tolist()]


# What Python says ------------------------------------------------------------------------------

SCHEMA_FILE = files("keras_sparse_export.bundle") / "manifest.schema.json"
SCHEMA = json.loads(SCHEMA_FILE.read_text("utf-8"))
ODD: list[Any] = [None, True, -1, 0.5, 1 << 40, "x", [], {}]
NAMES = ["__proto__", "constructor", "hasOwnProperty", "a/b", "a~0b", "a\tb", "é", "", "a b"]
"""Keys that JavaScript, a path or a pattern could misread."""
FEATURES: list[list[Any]] = [["sealed-box"], ["Sealed"], ["a", 1], [[]]]
TEXTS = [
    ("1,2\n3,4\n", 2), ("\ufeff1,2\r\n3,4", 2), ("a,b\n1,2", 2), ('"a, b",c\n"1",2', 2),
    (" 1 , 2 ", 2), ("1e3,-.5", 2), ("+1,2.", 2), ("", 2), ("\n\n", 2), ("a,b", 2), ("1,2,3", 2),
    ("1,2\n3", 2), ("a,1", 2), ("1,", 2), ("1;2", 2), ("x", 1), ("x\n1\n2", 1), ("1\n\n2", 1),
    ("a\n1,2", 2), ("a,b,c\n1,2", 2), ("0x10,1", 2), ('"1","2"', 2),
    ('"a ""b""",c\n3,4', 2), ("1,2\n \n3,4", 2), ("- 1,2", 2), ("nan,inf\n1,2", 2),
    ("-NaN\n1", 1), ("+Infinity\n1", 1), ("infinit\n1", 1), ("1_000,2", 2), ("1_0.2_5,.5_0", 2),
    ("1_0e1_0,-2_2.e-0_1", 2), ("1__0,2", 2), ("_1,2", 2), ("a,1_", 2), ("x_1,1_\n1,2", 2),
    ("1e400\n1", 1), ("1\r\n\r\n\n2", 1), ("1;2\n3;4", 2), ("a;b\n1,5;2,25", 2), ("1\t2", 2),
    ("1,234;2", 2), ("1,5;1.5", 2), ("0,234;2", 2), ("1,5;1.234\n1,5;2", 2), ("a;b,1\n2;3,5", 2),
    ('"a;b",c\n1,2', 2), ('"a";"b;c"\n"1";2', 2), ("1,2e3;4", 2), ("true,False\n1,TRUE", 2),
    ("yes,1", 2), ("tRUE,1", 2), ("a,a\n1,2", 2), ("1;2\n3", 2), ("a b\tc\n1\t2", 2),
    ("1,2,3,4,5,6,7,8\n1,2,3,4,5,6,7,7", 8), ("1,2,3,4,5,6,7,8\n1,2,3,4,5,6,7,9", 8),
    ("8;7;6;5,5;4;3;2;1\n1,5;2;3;4;5;6;7;7", 8), (",\n1,2", 2), ("a,\n1,2", 2), ("?,-\n1,2", 2),
    ("1,500;2,250\n1,5;2", 2), ("1,,2", 2), ("1;2,3,4", 2),
    ("true,x\n1,2", 2), ("a,NA\n1,2", 2), ("1,2,3,4,5,6,7,8\n1,1,1,1,1,1,1,2\n", 8),
    ("8,7,6,5,4,3,2,1\n\n1,1,1,1,1,1,1,2\n", 8), ("1,2,3,4,5,6,7,8\n2,3,4,5,6,7,8,9\n", 8),
    ("1,2,3,4,5,6,7,8", 8), ("1,2,3\n1,1,1", 3), ("1,2,3,4,5,6,6,8\n1,1,1,1,1,1,1,2\n", 8),
    ("1,2,3,4,5,6,7,8\n1,x", 8),
    ("1,\r\n ,2\r\n", 2), ("1,2\n,\n", 2), ("nan,1\n-NaN,2", 2), ("1,inf", 2),
    ('"",1', 2), ("1,NA", 2),
    (",a\n1,2", 2), ("1;\n;2,5", 2), ("1\t\n\t2", 2),
]  # fmt: skip
NAMED_TEXTS = [
    ("b,a\n1,2\n3,4", 2, ["a", "b"]), ("1,2", 2, ["a", "b"]), ("b,c\n1,2", 2, ["a", "b"]),
    ("b,a,c\n1,2,3", 2, ["a", "b"]), ("b\n1", 2, ["a", "b"]), ("b,a,b\n1,2,3", 2, ["a", "b"]),
    ("2,1\n5,6", 2, ["1", "2"]), ("2,3\n5,6", 2, ["1", "2"]), ("b;a\n1,5;2", 2, ["a", "b"]),
    ('"b, c",a\n1,2', 2, ["a", "b, c"]), (" a,b\n1,2", 2, ["a", "b"]), ("b,a\n1,x", 2, ["a", "b"]),
    ("b,a\n1,2,3", 2, ["a", "b"]), ("b,a\ntrue,2", 2, ["a", "b"]), ("b,a", 2, ["a", "b"]),
]  # fmt: skip


PUMPS = ["flow", "pump=A", "pump=1", "pump=true", "pump=-"]
CATEGORIES = {"pump": ["A", "1", "true", "-"]}
PUMP_TEXTS = [
    "flow,pump\n1,A\n2, 1 \n3,true\n4,-", "pump,flow\nA,1\n", "pump;flow\nA;1,5\n1;2,25",
    "flow,pump\n1,B", "flow,pump\n1,", "flow,pump\n1,nan", "flow,pump\n1,None", "flow,pump\n1,1.0",
    "flow,pump\n1,01", "flow,pump\n1,True", "flow,pump\n1,TRUE", "flow,pump\n1,tRUE",
    "flow,pump\n1,1e0", 'flow,pump\n1,"A"', "flow,pump\nA,1", "flow\n1", "flow,pump,pump=A\n1,A,1",
    "flow,pump,x\n1,A,2", "flow,pump=A,pump=1,pump=true,pump=-\n1,0,1,0,0", "1,0,1,0,0",
    "flow,pump=A\n1,1", "flow,pump\n1,A,2", "flow,pump,pump\n1,A,A", "flow,pump\n1,a",
]  # fmt: skip
"""Rows of which the column of pumps holds categories as text, or as columns of 0 and 1."""


def export_of_pumps(folder: Path) -> Path:
    model = SparseAutoencoder(len(PUMPS), 4, sparsity=L1(), normalization=None)
    model.columns, model.categories = PUMPS, CATEGORIES
    return export_encoder(model, folder)


def judged(
    file: Path, folder: Path, depth: int, keys: tuple[str, ...] | None = None
) -> Iterator[dict[str, Any]]:
    """Manifests with one change, whether they are valid under the schema, and trusted.

    Changes lie at most `depth` keys deep, and perhaps within some keys only.
    """
    validator = jsonschema.Draft202012Validator(SCHEMA)
    manifest = json.loads(file.read_text("utf-8"))
    changes = [(path, odd) for path in places(manifest, depth) for odd in [KeyError, *ODD]]
    for name in NAMES:
        changes += [((name,), manifest), (("versions", name), "1.0")]
        changes.append((("files", name), manifest["files"]["README.md"]))
    changes += [((key,), {"__proto__": value}) for key, value in manifest.items()]
    changes += [(("requires",), features) for features in FEATURES]
    changes += [(("format",), version) for version in (1, 2, 3)]
    for path, odd in changes:
        if keys is not None and path[0] not in keys:
            continue
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
            "what": f"{odd!r:.80} at {path}",
        }


def trusted(manifest: dict[str, Any], folder: Path) -> bool:
    """Whether Python's reader takes a manifest."""
    (folder / "manifest.json").write_text(json.dumps(manifest))
    try:
        read_manifest(folder)
    except BundleError:
        return False
    return True


def places(value: Any, depth: int, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths into a manifest, one for each list of numbers."""
    if path:
        yield path
    if len(path) == depth:
        return
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], depth, (*path, key))
    elif isinstance(value, list) and value:
        yield (*path, 0)


def read(text: str, size: int, columns: Any, folder: Path, gaps: bool) -> list[Any] | None:
    """The rows that Python reads of a CSV, `None` if it refuses one; null for a gap."""
    file = folder / "rows.csv"
    file.write_bytes(text.encode())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of decimal commas and scales
            chunks = list(readers.read(str(file), (size,), columns=columns, gaps=gaps))
    except ValueError:
        return None
    if any(inputs.find_faults(chunk, gaps=gaps) for chunk in chunks):
        return None
    found = [number for chunk in chunks for number in chunk.rows.ravel().tolist()]
    return flat(np.array([found]))[0] if found else None


# Node and Chromium -----------------------------------------------------------------------------


IN_NODE = ("verification", "csv", "codes", "encoder", "latest")
IN_A_BROWSER = ("page", "drawing", "access", "failure", "actions")


def node(*arguments: str, **variables: Path | str) -> None:
    """Run tests in Node: options, then files of tests by what they are about."""
    assert NODE is not None
    named = [each if each.startswith("-") else f"tests/{each}.test.mjs" for each in arguments]
    result = subprocess.run(
        [NODE, "--test", "--test-concurrency=2", *named],
        cwd=PACKAGES,
        env=os.environ | {name: str(value) for name, value in variables.items()},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.browser
@needs_node
@needs_packages
def test_the_modules_agree_with_python(bundles: Path) -> None:
    node(*IN_NODE, BUNDLES=bundles)


@pytest.mark.browser
@needs_node
@needs_packages
@needs_chromium
def test_the_page_does_what_it_promises(bundles: Path, tmp_path: Path) -> None:
    for bundle in filter(Path.is_dir, bundles.iterdir()):
        site(tmp_path / bundle.name, bundle)
    shutil.copy(bundles / "expected.json", tmp_path)
    node(*IN_A_BROWSER, SITES=tmp_path, CHROMIUM=str(browser.CHROMIUM))


@pytest.mark.browser
@needs_node
@needs_packages
@needs_chromium
def test_the_page_runs_a_bundle_as_serve_serves_it(bundles: Path) -> None:
    found = website.build_site(bundles / "digits", runtime.find(RUNTIME))
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
    with as_file(files("keras_sparse_export.browser") / "page") as page:
        shutil.copytree(page, folder)
    shutil.copytree(bundle, folder / "bundle")
    (folder / "runtime").mkdir()
    for name in RUNTIME_FILES:
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


def test_the_lock_file_names_no_address() -> None:
    lock = (PACKAGES / "package-lock.json").read_text("utf-8")
    assert "resolved" not in lock
    assert "://" not in lock
    package = json.loads((PACKAGES / "package.json").read_text("utf-8"))
    for pinned in (*package["dependencies"].values(), *package["devDependencies"].values()):
        assert pinned.replace(".", "").isdigit(), "pinned at one version"
