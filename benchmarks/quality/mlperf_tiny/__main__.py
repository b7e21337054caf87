"""Measure the export of MLPerf Tiny's reference autoencoder: scores, int8, and time of a row.

python -m quality.mlperf_tiny FOLDER [--features ROWS.npy]

FOLDER has the reference's `ad01.h5`, `ad01_int8.tflite`, `scores_float_id_*.csv`,
`scores_int8_id_*.csv` of the repository mlcommons/tiny, and the clip `normal_id_01_00000000.f32`:
200 frames of 128 mels in dB, float32. Needs TensorFlow.
"""

import argparse
import tempfile
from pathlib import Path

import keras
import numpy as np
import onnxruntime as ort

from keras_sparse_export import Encoder, export_encoder
from quality.mlperf_tiny import latency, lite, reference

VARIATIONS = 512


def export(folder: Path, path: Path) -> tuple[keras.Model, np.ndarray]:
    """Export the reference model; int8 sees variations of the first half of the clip alone."""
    rows = reference.read_clip(folder)
    model, layer = reference.load_model(folder)
    sample = reference.vary(rows[: len(rows) // 2], VARIATIONS)
    export_encoder(
        model, path, layer=layer, sample=sample, decoder=True, score=True, quantize="int8"
    )
    return model, rows


def compare_scores(folder: Path, path: Path, model: keras.Model, rows: np.ndarray) -> None:
    """Print scores of the clip, and how much each form changes them on its second half."""
    scores = {
        "score.onnx": Encoder(path).score(rows),
        "score.int8.onnx": Encoder(path, variant="int8").score(rows),
    }
    files = {"LiteRT, same weights": lite.convert(model)}
    files["LiteRT int8, reference"] = (folder / "ad01_int8.tflite").read_bytes()
    for name, content in files.items():
        run = lite.LiteModel(content)
        scores[name] = np.array([run.score(row[None]) for row in rows])
    sizes = {name: (path / name).stat().st_size for name in list(scores)[:2]}
    sizes |= {name: len(content) for name, content in files.items()}
    wanted, rounded = (
        reference.read_scores(folder / f"scores_{form}_id_01.csv")[reference.CLIP]
        for form in ("float", "int8")
    )
    float32 = scores["score.onnx"].astype(np.float64)
    print(f"Score of the clip by the reference: {wanted:.6f}; by score.onnx: {float32.mean():.6f},")
    print(f"a relative difference of {float32.mean() / wanted - 1:.1e}.")
    print(f"By the reference's int8: {rounded:.4f}\n")
    print("| | mean of the clip | median change | largest change | bytes |")
    print("| --- | --- | --- | --- | --- |")
    last = slice(len(rows) // 2, None)
    for name, found in scores.items():
        change = np.abs(found[last] - float32[last]) / float32[last]
        print(
            f"| {name} | {found.mean():.4f} | {np.median(change):.5f} | {change.max():.5f} | "
            f"{sizes[name]} |"
        )


def compare_latency(
    folder: Path, path: Path, model: keras.Model, row: np.ndarray, turns: int
) -> None:
    """Print the time of code and score of one row, by one thread."""
    encoder, int8 = Encoder(path), Encoder(path, variant="int8")
    sessions = [_open(path / name) for name in ("score.onnx", "score.int8.onnx")]
    lites = (
        lite.LiteModel(lite.convert(model)),
        lite.LiteModel((folder / "ad01_int8.tflite").read_bytes()),
    )

    def call_twice() -> object:
        x_hat = encoder.decode(encoder.encode(row))
        return np.square(row - x_hat).mean(axis=1)

    calls = {
        "score.onnx, Encoder.score": lambda: encoder.score(row),
        "score.onnx, session.run": lambda: sessions[0].run(["code", "score"], {"x": row}),
        "encoder, decoder, numpy": call_twice,
        "score.int8.onnx, Encoder.score": lambda: int8.score(row),
        "score.int8.onnx, session.run": lambda: sessions[1].run(["code", "score"], {"x": row}),
        "LiteRT float32, same weights, numpy": lambda: lites[0].score(row),
        "LiteRT int8, reference, numpy": lambda: lites[1].score(row),
    }
    print("\n| one row, one thread | median µs | quartiles |\n| --- | --- | --- |")
    for name, times in latency.time_in_turns(calls, turns=turns).items():
        low, middle, high = np.percentile(times, [25, 50, 75])
        print(f"| {name} | {middle:.1f} | {low:.1f} to {high:.1f} |")


def compare_sparse(model: keras.Model, features: Path | None, epochs: int) -> None:
    """Print the score of held-out rows by a sparse autoencoder of the same budget."""
    if features is None:
        print(
            "\nA sparse encoder of the same budget is not judged by one clip. It needs "
            "--features ROWS.npy, rows of five consecutive frames (rows, 640), or the audio: "
            "python -m quality.mlperf_tiny.toycar FOLDER_OF_WAVS"
        )
        return
    rows = np.load(features).astype(np.float32)
    rows = rows[np.random.default_rng(0).permutation(len(rows))]
    train, held_out = np.split(rows, [len(rows) * 9 // 10])
    keras.utils.set_random_seed(0)
    sparse = reference.make_sparse(rows.shape[1])
    sparse.compile()
    sparse.fit(train, epochs=epochs, verbose=0)
    print("\n| | parameters | active units | mean((x − x̂)²) of held-out rows |")
    print("| --- | --- | --- | --- |")
    active = float((np.abs(sparse.encode(held_out)) > sparse.threshold).sum(axis=1).mean())
    for name, net, units in (("sparse", sparse, f"{active:.1f}"), ("reference", model, "8")):
        x_hat = np.asarray(net.predict(held_out, verbose=0))
        error = np.square(held_out - x_hat).mean()
        print(f"| {name} | {net.count_params()} | {units} | {error:.4f} |")


def compare_rankings(folder: Path) -> None:
    """Print AUC and pAUC of the reference, of the scores of all its test clips."""
    print("\n| reference | AUC, mean of machines | pAUC |\n| --- | --- | --- |")
    for form in ("float", "int8"):
        found = np.mean(list(reference.list_rankings(folder, form).values()), axis=0)
        print(f"| {form} | {found[0]:.4f} | {found[1]:.4f} |")


def _open(file: Path) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--features", type=Path, metavar="ROWS.npy")
    parser.add_argument("--epochs", type=int, default=50, help="of the sparse encoder")
    parser.add_argument("--turns", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "bundle")
        model, rows = export(options.folder, path)
        compare_scores(options.folder, path, model, rows)
        compare_sparse(model, options.features, options.epochs)
        compare_latency(options.folder, path, model, rows[:1], options.turns)
    compare_rankings(options.folder)


if __name__ == "__main__":
    main()
