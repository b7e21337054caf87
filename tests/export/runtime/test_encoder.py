import errno
import os
import pickle
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csc_matrix, csr_array

from bundles import FORMS, WINDOWS, as_table, export_windows, make_signal
from keras_sparse import L1, SparseAutoencoder
from keras_sparse_export import BundleError, Encoder, export_encoder
from keras_sparse_export.errors import RangeError
from keras_sparse_export.onnx_file.sessions import OrtSession
from keras_sparse_export.runtime import onnx_model
from onnx_files import encoder as onnx_encoder
from onnx_files import written

pytestmark = pytest.mark.one_backend

NAMES = tuple("abcdefghijkl")


@pytest.fixture
def x(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(size=(2500, 12)) * 3 + 5


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int8", "uint16", "bool"])
def test_any_numeric_dtype(
    dtype: str, exported: tuple[Path, SparseAutoencoder], x: np.ndarray
) -> None:
    path, model = exported
    rows = np.clip(x, 0, 100).astype(dtype)
    codes = Encoder(path).encode(rows)
    assert codes.dtype == np.float32
    np.testing.assert_allclose(codes, model.encode(rows), atol=1e-5)


def test_a_sparse_matrix_is_encoded_as_its_rows(
    exported: tuple[Path, SparseAutoencoder], rng: np.random.Generator
) -> None:
    encoder, x = Encoder(exported[0]), rng.poisson(0.3, (2500, 12))
    codes = encoder.encode(x)
    for matrix in (csr_array(x), csc_matrix(x), csr_array(x.astype(np.uint8))):
        np.testing.assert_allclose(encoder.encode(matrix), codes, atol=1e-6)
    np.testing.assert_allclose(encoder.encode(csr_array(x)[[3]]), codes[[3]], atol=1e-6)
    assert encoder.encode(csr_array(x)[:0]).shape == (0, 6)
    active = encoder.encode_sparse(csr_array(x), threshold=0.1)
    np.testing.assert_array_equal(active.indices, encoder.encode_sparse(x, threshold=0.1).indices)
    bad = csr_array(np.where(np.arange(2500)[:, None] == 2200, np.inf, x))
    with pytest.raises(ValueError, match="rows 2200"):
        encoder.encode(bad)


def test_one_row_in_one_row_out(exported: tuple[Path, SparseAutoencoder], x: np.ndarray) -> None:
    encoder = Encoder(exported[0])
    code = encoder.encode(x[0])
    assert code.shape == (6,)
    np.testing.assert_allclose(code, encoder.encode(x)[0], atol=1e-6)
    assert encoder.decode(code).shape == (12,)
    assert encoder.encode(x[:1]).shape == (1, 6)


def test_chunks_of_any_count_and_layout(
    exported: tuple[Path, SparseAutoencoder], x: np.ndarray
) -> None:
    encoder = Encoder(exported[0], threads=2)
    codes = encoder.encode(x)
    assert codes.shape == (2500, 6)
    assert encoder.encode(x[:0]).shape == (0, 6)
    np.testing.assert_allclose(encoder.encode(x.tolist()), codes, atol=1e-6)
    np.testing.assert_allclose(encoder.encode(np.asfortranarray(x)), codes, atol=1e-6)
    np.testing.assert_allclose(encoder.encode(x[::-1])[::-1], codes, atol=1e-6)


def test_more_rows_than_a_chunk_are_encoded_in_their_order(
    exported: tuple[Path, SparseAutoencoder], x: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = Encoder(exported[0]).encode(x)
    monkeypatch.setattr(onnx_model, "CHUNK_ROWS", 1000)
    monkeypatch.setattr(onnx_model, "CHUNK_VALUES", 1)
    encoder = Encoder(exported[0])
    assert encoder.chunk_rows == 1000
    for count in (999, 1000, 1001, 2000, 2500):
        found = encoder.encode(x[:count])
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, codes[:count], atol=1e-6)
    bad = x.copy()
    bad[[1700, 1702], 3] = np.nan
    with pytest.raises(ValueError, match=r"NaN or infinity in rows 1700, 1702"):
        encoder.encode(bad)


def test_few_features_and_many_units_make_no_large_chunk(tmp_path: Path) -> None:
    path = export_encoder(
        SparseAutoencoder(1, 1000, sparsity=L1(), normalization=None), tmp_path / "bundle"
    )
    assert Encoder(path).chunk_rows == 1024
    few = export_encoder(
        SparseAutoencoder(8, 4, sparsity=L1(), normalization=None), tmp_path / "few"
    )
    assert Encoder(few).chunk_rows == 2**18 // 8


@pytest.fixture(scope="module")
def named(
    exported: tuple[Path, SparseAutoencoder], tmp_path_factory: pytest.TempPathFactory
) -> Encoder:
    """The same encoder, with names."""
    path = tmp_path_factory.mktemp("named") / "bundle"
    return Encoder(export_encoder(exported[1], path, columns=NAMES, top_k=2))


@pytest.mark.parametrize("form", FORMS)
def test_columns_with_names_may_come_in_any_order(form: str, named: Encoder, x: np.ndarray) -> None:
    assert named.columns == NAMES
    x = x[:40]
    table = as_table(form, x[:, ::-1], NAMES[::-1])
    np.testing.assert_array_equal(named.encode(table), named.encode(x))
    for found, expected in zip(named.encode_sparse(table), named.encode_sparse(x), strict=True):
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(named.encode_top_k(table).values, named.encode_top_k(x).values)
    for codes in named.stream([table, x]):
        np.testing.assert_array_equal(codes, named.encode(x))
    row = dict(zip(NAMES[::-1], x[0, ::-1].tolist(), strict=True))
    np.testing.assert_array_equal(named.encode(row), named.encode(x[0]))


def test_other_names_are_refused(named: Encoder, x: np.ndarray) -> None:
    table = as_table("mapping", x, NAMES)
    calls: tuple[Any, ...] = (named.encode, named.encode_sparse, named.encode_top_k, named.drift)
    for call in (*calls, lambda x: next(named.stream([x]))):
        with pytest.raises(ValueError, match=r"also column 'label'. Remedy: \{name: x\[name\] for"):
            call({**table, "label": x[:, 0]})
        with pytest.raises(ValueError, match="no column 'a'"):
            call({name: table[name] for name in NAMES[1:]})


def test_without_names_tables_are_taken_by_position(
    exported: tuple[Path, SparseAutoencoder], x: np.ndarray
) -> None:
    for encoder in (Encoder(exported[0]), Encoder(exported[0] / "encoder.onnx")):
        assert encoder.columns is None
        found = encoder.encode(as_table("pandas", x, NAMES))
        np.testing.assert_allclose(found, encoder.encode(x), atol=1e-6)


def test_a_bare_file(exported: tuple[Path, SparseAutoencoder], x: np.ndarray) -> None:
    encoder = Encoder(exported[0] / "encoder.onnx")
    np.testing.assert_array_equal(encoder.encode(x), Encoder(exported[0]).encode(x))
    assert encoder.threshold is None
    assert not encoder.has_decoder
    with pytest.raises(BundleError, match="which has hashes to verify"):
        encoder.verify()
    with pytest.raises(BundleError, match="Expected a bundle with a decoder"):
        encoder.decode(np.ones(6))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.ones((3, 5)), r"Expected \(rows, 12\) or \(12,\). Received: \(3, 5\)"),
        (np.ones(5), r"Received: \(5,\)"),
        ([["a"] * 12], "Expected numbers. Received: <U1"),
        ([[1.0, 2.0], [1.0]], "ragged rows"),
        (reduce(lambda rows, _: [rows], range(10_000), list[Any]()), "ragged rows"),
        (np.ma.masked_less(np.arange(12.0), 3), "masked values. Remedy: x.filled"),
        ([np.ma.masked_less(np.arange(12.0), 3)], "masked values. Remedy: x.filled"),
        (np.full((3, 12), None), "Expected numbers. Received: object"),
        (np.ones((3, 12), complex), "Expected numbers. Received: complex128"),
        (csr_array(np.ones((3, 5))), r"Expected \(rows, 12\) or \(12,\). Received: \(3, 5\)"),
        (csr_array(np.ones((3, 12), complex)), "Expected numbers. Received: complex128"),
        (csr_array(np.full((3, 12), [[1], [np.nan], [0]])), "NaN or infinity in rows 1"),
        (None, "Expected numbers. Received: NoneType"),
        ({"x": 1}, "an encoder whose columns have no names. Received: columns with names"),
        (3.0, r"Received: \(\)"),
        (np.ones((0, 5)), r"Received: \(0, 5\)"),
        (np.full(12, np.inf), "NaN or infinity in rows 0"),
        (np.full((1, 12), np.nan, np.float32), "NaN or infinity in rows 0"),
        (np.array([np.inf, -np.inf] * 6, np.float32), "NaN or infinity in rows 0"),
        (np.full((3, 12), [[1], [np.nan], [np.inf]]), "NaN or infinity in rows 1, 2"),
        (np.full((9, 12), np.nan), "rows 0, 1, 2, 3, 4 and 4 more"),
        (np.full((1, 12), 1e300), "NaN or infinity in rows 0"),
    ],
)
def test_bad_rows_are_refused(
    rows: Any, message: str, exported: tuple[Path, SparseAutoencoder]
) -> None:
    with pytest.raises(ValueError, match=message):
        Encoder(exported[0]).encode(rows)


@pytest.mark.parametrize("path", [b"bundle", None, 3, Path])
def test_what_is_no_path_is_refused(path: Any) -> None:
    with pytest.raises(TypeError, match=r"`path`. Expected a str or a pathlib.Path. Received: "):
        Encoder(path)


@pytest.mark.skipif(sys.platform == "win32", reason="other limits and permissions")
def test_paths_that_cannot_be_reached_are_refused_with_the_reason(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a" * 300, "a/" * 3000):
        with pytest.raises(BundleError, match=r"`path`.*cannot be opened \(File name too long\)$"):
            Encoder(tmp_path / name)
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(BundleError, match="loop, which"):
        Encoder(tmp_path / "loop")

    def deny(path: Any, *_: Any, **__: Any) -> Any:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    with monkeypatch.context() as patch:  # for root, permissions forbid nothing
        patch.setattr(os, "open", deny)
        for path, expected in ((bundle, "manifest"), (bundle / "encoder.onnx", "an .onnx file")):
            with pytest.raises(BundleError, match=rf"Expected .*{expected}.*Permission denied"):
                Encoder(path)
    monkeypatch.setattr(Path, "exists", deny)  # as in a folder that may not be entered
    with pytest.raises(BundleError, match=r"`path`.*cannot be opened \(Permission denied\)$"):
        Encoder(bundle)


def test_paths_that_hold_no_encoder_are_refused(bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="which does not exist"):
        Encoder(tmp_path / "none")
    with pytest.raises(BundleError, match=r"a folder with a manifest.json"):
        Encoder(tmp_path)
    (bundle / "manifest.json").write_text("{")
    with pytest.raises(BundleError, match="Expected a JSON manifest"):
        Encoder(bundle)
    content = (bundle / "encoder.onnx").read_bytes()
    for cut in (0, 10, len(content) // 2):
        (tmp_path / "cut.onnx").write_bytes(content[:cut])
        with pytest.raises(BundleError, match=r"Expected .* Received: "):
            Encoder(tmp_path / "cut.onnx")


# Many at once, elsewhere, and no longer --------------------------------------------------------


def test_threads_may_share_an_encoder(
    exported: tuple[Path, SparseAutoencoder], x: np.ndarray
) -> None:
    encoder = Encoder(exported[0])
    expected = encoder.encode(x)
    with ThreadPoolExecutor(8) as pool:  # each row through buffers that calls must not share
        found = list(pool.map(encoder.encode, np.tile(x, (4, 1))))
    np.testing.assert_allclose(found, np.tile(expected, (4, 1)), atol=1e-6)


def test_a_call_that_interrupts_another_changes_nothing(
    exported: tuple[Path, SparseAutoencoder], x: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a signal handler or a finalizer that encodes, at the two moments when it would matter."""
    encoder = Encoder(exported[0])
    assert encoder._encoder is not None
    assert isinstance(encoder._encoder.session, OrtSession)
    session, expected = encoder._encoder.session.session, encoder.encode(x[:2])
    run, inner = session.run_with_iobinding, list[np.ndarray]()

    def interrupted(binding: Any) -> None:
        monkeypatch.setattr(session, "run_with_iobinding", run)
        inner.append(encoder.encode(x[1]))  # between the row's copy and its run
        run(binding)
        inner.append(encoder.encode(x[1]))  # between the run and the copy of its result

    for _ in range(2):
        monkeypatch.setattr(session, "run_with_iobinding", interrupted)
        np.testing.assert_allclose(encoder.encode(x[0]), expected[0], atol=1e-6)
    np.testing.assert_allclose(inner, expected[[1, 1, 1, 1]], atol=1e-6)


def test_an_answer_is_the_callers_to_keep(
    exported: tuple[Path, SparseAutoencoder], x: np.ndarray
) -> None:
    encoder = Encoder(exported[0])
    row = x[:1].astype(np.float32)
    first = encoder.encode(row)
    kept = first.copy()
    encoder.encode(x[1])
    np.testing.assert_array_equal(first, kept)
    first[:] = -1
    np.testing.assert_array_equal(encoder.encode(row), kept)


def test_the_largest_floats_are_finite(exported: tuple[Path, SparseAutoencoder]) -> None:
    encoder = Encoder(exported[0])
    row = np.zeros(12, np.float32)  # more such columns may overflow, depending on the weights
    row[:2] = np.finfo(np.float32).max, np.finfo(np.float32).min
    np.testing.assert_array_equal(
        encoder.encode(row), encoder.encode(row[np.newaxis].repeat(2, 0))[0]
    )


def test_rows_are_left_as_they_are(
    exported: tuple[Path, SparseAutoencoder], x: np.ndarray, tmp_path: Path
) -> None:
    encoder = Encoder(exported[0])
    expected = encoder.encode(x)
    x.setflags(write=False)
    np.testing.assert_array_equal(encoder.encode(x), expected)
    np.testing.assert_allclose(encoder.encode(x[0]), expected[0], atol=1e-6)
    np.save(tmp_path / "x.npy", x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    np.testing.assert_array_equal(encoder.encode(mapped), expected)
    np.testing.assert_allclose(encoder.encode(mapped[0]), expected[0], atol=1e-6)


def test_a_pickled_encoder_opens_again(
    exported: tuple[Path, SparseAutoencoder], x: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(exported[0].parent)
    encoder = Encoder(exported[0].name, threads=2, spin=True, check=False, allow=["Loop"])
    content = pickle.dumps(encoder)
    monkeypatch.chdir("/")  # as a worker that was started elsewhere
    again = pickle.loads(content)
    assert (again.path, again.threads, again.spin) == (exported[0], 2, True)
    assert (again._options.check, again._options.allow) == (False, ("Loop",))
    np.testing.assert_array_equal(again.encode(x), encoder.encode(x))


def test_a_closed_encoder_is_no_longer_used(
    exported: tuple[Path, SparseAutoencoder], x: np.ndarray
) -> None:
    with Encoder(exported[0]) as encoder:
        encoder.decode(encoder.encode(x))
    for call in (encoder.encode, encoder.decode, encoder.encode_top_k, encoder.encode_sparse):
        with pytest.raises(ValueError, match=r"Expected an open encoder. Received: a closed"):
            call(x)


# The active units alone, and a stream ----------------------------------------------------------


@pytest.mark.parametrize("threshold", [None, 0.3])
def test_sparse_codes_are_the_active_units(
    threshold: float | None, exported: tuple[Path, SparseAutoencoder], x: np.ndarray
) -> None:
    encoder = Encoder(exported[0])
    codes = encoder.encode(x)
    codes[codes <= (threshold or 0)] = 0
    sparse = encoder.encode_sparse(x, threshold=threshold)
    expected = csr_array(codes)
    for found, wanted in zip(
        sparse, (expected.data, expected.indices, expected.indptr), strict=True
    ):
        np.testing.assert_array_equal(found, wanted)
        assert found.dtype == wanted.dtype
    np.testing.assert_array_equal(sparse.to_scipy().toarray(), codes)
    again = pickle.loads(pickle.dumps(sparse))
    assert again.to_scipy().shape == codes.shape
    with pytest.raises(ValueError, match=r"`threshold`. Expected a finite number of 0 or more"):
        encoder.encode_sparse(x, threshold=-0.1)


def test_sparse_codes_of_one_row_and_of_none(
    exported: tuple[Path, SparseAutoencoder], x: np.ndarray
) -> None:
    encoder = Encoder(exported[0])
    np.testing.assert_allclose(
        encoder.encode_sparse(x[0]).to_scipy().toarray(), encoder.encode(x[:1]), atol=1e-6
    )
    data, indices, indptr = encoder.encode_sparse(x[:0])
    assert (data.size, indices.size, indptr.tolist()) == (0, 0, [0])


def test_a_stream_takes_chunks_and_rows_as_they_come(
    exported: tuple[Path, SparseAutoencoder], x: np.ndarray
) -> None:
    encoder = Encoder(exported[0])
    given: list[int] = []

    def chunks() -> Iterator[np.ndarray]:
        for number, chunk in enumerate((x[:7], x[7], x[8:8], x[8:3000])):
            given.append(number)
            yield chunk

    stream = encoder.stream(chunks())
    first = next(stream)
    assert given == [0]  # a chunk is taken when its codes are asked for
    codes = [first, *stream]
    assert [each.shape for each in codes] == [(7, 6), (6,), (0, 6), (2492, 6)]
    np.testing.assert_allclose(
        np.concatenate([np.atleast_2d(each) for each in codes]), encoder.encode(x), atol=1e-6
    )
    x[1234, 5] = np.nan
    with pytest.raises(ValueError, match="NaN or infinity in rows 1234"):
        list(encoder.stream(chunks()))


@pytest.fixture(scope="module")
def windowed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_windows(tmp_path_factory.mktemp("windowed") / "bundle")


@pytest.mark.parametrize("size", [1, 5, 100, 1000])
def test_a_stream_of_samples_gives_the_codes_of_its_windows(size: int, windowed: Path) -> None:
    encoder, samples = Encoder(windowed), make_signal(500)
    assert encoder.windows == WINDOWS
    chunks = [samples[start : start + size] for start in range(0, 500, size)]
    rows = WINDOWS.cut(samples)
    codes = [*encoder.stream(chunks)]
    assert all(map(len, codes))
    np.testing.assert_allclose(np.concatenate(codes), encoder.encode(rows), atol=1e-6)
    given = encoder.stream(chunks, window=16, hop=8, of="score")
    np.testing.assert_allclose(np.concatenate([*given]), encoder.score(rows), rtol=1e-5)
    verdicts = [*encoder.stream(chunks, of="verdict")]
    alarms = np.concatenate([verdict.alarm for verdict in verdicts])
    np.testing.assert_array_equal(alarms, encoder.verdict(rows).alarm)
    assert 0 < alarms.sum() < len(rows)


def test_a_stream_of_rows_gives_scores(windowed: Path, tmp_path: Path) -> None:
    encoder = Encoder(export_windows(tmp_path / "bundle", windows=None))
    rows = WINDOWS.cut(make_signal(500))
    assert encoder.windows is None
    scores = np.concatenate([*encoder.stream([rows[:7], rows[7:]], of="score")])
    np.testing.assert_allclose(scores, encoder.score(rows), rtol=1e-6)
    parts = [*encoder.stream([make_signal(500)], hop=8)]  # samples, of a bundle without windows
    np.testing.assert_allclose(np.concatenate(parts), encoder.encode(rows), atol=1e-6)


@pytest.mark.parametrize("name", ["encode", "encode_sparse", "score", "verdict", "drift"])
def test_samples_in_place_of_windows_are_told_what_cuts_them(
    name: str, windowed: Path, tmp_path: Path
) -> None:
    samples, message = make_signal(500)[:, None], r"Expected \(rows, 16\) or \(16,\). Received: "
    remedy = r"\(500, 1\)\. Remedy: encoder\.windows\.cut\(samples\), or encoder\.stream "
    remedy += "for chunks of them$"
    with pytest.raises(ValueError, match=message + remedy):
        getattr(Encoder(windowed), name)(samples)
    with pytest.raises(ValueError, match=message + r"\(500, 1\)$"):
        getattr(Encoder(export_windows(tmp_path / "rows", windows=None)), name)(samples)


def test_a_stream_takes_no_windows_by_mistake(
    windowed: Path, exported: tuple[Path, SparseAutoencoder]
) -> None:
    encoder, samples = Encoder(windowed), make_signal(100)
    message = r"`hop`\. Expected 8, as in the manifest.* Received: hop=4\. Remedy: leave it out"
    with pytest.raises(ValueError, match=message):
        encoder.stream([samples], hop=4)
    with pytest.raises(ValueError, match=r"`window`\. Expected 16, as in the manifest"):
        encoder.stream([samples], window=32, hop=8)
    with pytest.raises(ValueError, match=r"`of`\. Expected one of .* Received: of='alarm'"):
        encoder.stream([samples], of="alarm")
    with pytest.raises(ValueError, match=r"Expected \(frames,\) or \(frames, 1\).* \(3, 16\)"):
        next(encoder.stream([samples[:48].reshape(3, 16)]))
    plain = Encoder(exported[0])
    with pytest.raises(ValueError, match=r"`hop`\. Expected the samples from a window to the next"):
        plain.stream([samples], window=12)
    with pytest.raises(ValueError, match=r"`window`\. Expected 12, for an encoder of rows"):
        plain.stream([samples], window=16, hop=8)
    with pytest.raises(BundleError, match="Expected a bundle with a threshold of the score"):
        plain.stream([samples], hop=6, of="verdict")
    samples[77] = np.nan
    with pytest.raises(ValueError, match="NaN or infinity in rows 8, 9"):
        [*encoder.stream([samples[:40], samples[40:]])]
    with pytest.raises(ValueError, match="NaN or infinity in rows 8, 9"):
        [*encoder.stream([samples[:40], samples[40:]], of="score")]


def test_top_k_that_a_bundle_lacks(exported: tuple[Path, SparseAutoencoder], x: np.ndarray) -> None:
    with pytest.raises(BundleError, match=r"outputs `values` and `indices`.*top_k=k"):
        Encoder(exported[0]).encode_top_k(x)


# In LiteRT ---------------------------------------------------------------------------------------


def test_litert_computes_as_onnxruntime(litert_bundle: Path, shared_rows: np.ndarray) -> None:
    lite, onnx = Encoder(litert_bundle, runtime="litert", threads=2), Encoder(litert_bundle)
    codes = onnx.encode(shared_rows)
    assert (codes != 0).any(axis=0).all()
    for part in (slice(None), slice(1), 7):
        found = lite.encode(shared_rows[part].astype(np.float64))
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, codes[part], atol=1e-5)
    np.testing.assert_array_equal(
        lite.encode_sparse(shared_rows).indices, onnx.encode_sparse(shared_rows).indices
    )
    np.testing.assert_array_equal(
        lite.encode_top_k(shared_rows).indices, onnx.encode_top_k(shared_rows).indices
    )
    np.testing.assert_allclose(lite.errors(shared_rows), onnx.errors(shared_rows), atol=1e-4)
    assert lite.drift(shared_rows).score == pytest.approx(onnx.drift(shared_rows).score, abs=1e-2)
    again = pickle.loads(pickle.dumps(lite))
    assert (again.runtime, again.threads) == ("litert", 2)
    np.testing.assert_array_equal(again.encode(shared_rows[7]), lite.encode(shared_rows[7]))


def test_a_lower_l0_in_litert(litert_bundle: Path, shared_rows: np.ndarray) -> None:
    curve = Encoder(litert_bundle).manifest["calibration"]["l0"]  # type: ignore[index]
    lite = Encoder(litert_bundle, runtime="litert", l0=curve[len(curve) // 2])
    found = (lite.encode(shared_rows) != 0).sum(axis=1).mean()
    assert found == pytest.approx(lite.l0, rel=0.05)


def test_bad_rows_are_refused_in_litert(litert_bundle: Path, shared_rows: np.ndarray) -> None:
    lite, x = Encoder(litert_bundle, runtime="litert"), shared_rows.copy()
    x[3, 0] = np.nan
    with pytest.raises(ValueError, match="NaN or infinity in rows 3"):
        lite.encode(x)
    x[3, 0] = 3e38  # examined with encoder.onnx
    with pytest.raises(RangeError, match="NaN or infinity in the results of rows 3"):
        lite.encode(x)
    with pytest.raises(ValueError, match=r"Expected \(rows, 12\)"):
        lite.encode(x[:, :11])


def test_rows_that_are_no_indices_of_a_table_are_named(tmp_path: Path) -> None:
    nodes = [
        ("Cast", "x", "i", {"to": 7}),
        ("Gather", "table i", "found"),
        ("ReduceMean", "found", "code", {"axes": [1], "keepdims": 0}),
    ]
    table = {"table": np.eye(9, 3, dtype=np.float32)}
    encoder = Encoder(written(onnx_encoder(nodes, table, units=3), tmp_path))
    rows = np.zeros((5, 4))
    rows[[1, 3], 2] = 9
    message = r"`x`. Expected rows of whose numbers .*encoder.onnx makes indices.* in rows 1, 3"
    with pytest.raises(RangeError, match=message) as caught:
        encoder.encode(rows)
    assert caught.value.fault == "an index out of range"
    with pytest.raises(RangeError, match="in rows 0"):
        encoder.encode(rows[1])
    assert encoder.encode(rows[[0, 2]]).shape == (2, 3)
