"""Compare front ends in onnxruntime with Keras, and mels with librosa and SciPy.

    pip download obspy --no-deps  # a wheel with recordings of seismometers; librosa to compare with
    python -c "import numpy, obspy; numpy.save('vibration.npy', [t.data for t in obspy.read()])"
    KERAS_BACKEND=jax python -m signals.front_ends FOLDER_OF_WAVS vibration.npy

Each front end is converted alone, before the gate, which compares codes. A difference is the
largest |Δ| over all windows, divided by the largest |feature|: of one window at a time, and of all
at once.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnxruntime
from keras import layers
from scipy import signal
from scipy.io import wavfile

from keras_sparse import front_ends
from keras_sparse_export.convert.builder import build

WINDOW, SAMPLE_WINDOWS, ONE_AT_A_TIME = 3072, 256, 16
LARGEST = 32768.0  # of 16 bits
RATE, OPSET = 16000, 17


def read_sound(folder: Path) -> np.ndarray:
    """Return random windows of the recordings of a folder, which have 16 bits, in [−1, 1]."""
    windows = []
    for path in sorted(folder.rglob("*.wav")):
        samples = np.asarray(wavfile.read(path)[1], np.float32) / LARGEST
        mono = samples if samples.ndim == 1 else samples[:, 0]
        windows += list(mono[: len(mono) // WINDOW * WINDOW].reshape(-1, WINDOW))
    order = np.random.default_rng(0).permutation(len(windows))[:SAMPLE_WINDOWS]
    return np.stack([windows[each] for each in order])


def read_vibration(path: Path) -> np.ndarray:
    """Return windows of the rows of a `.npy`, each centred, divided by the largest sample."""
    rows = np.load(path).astype(np.float64)
    rows = (rows - rows.mean(axis=1, keepdims=True)) / np.abs(rows).max()
    windows = np.lib.stride_tricks.sliding_window_view(rows, 1024, axis=1)[:, ::64]
    return windows.reshape(-1, 1024).astype(np.float32)


def make_average(x: np.ndarray) -> keras.Model:
    """Return a moving average over 8 samples of every fourth, which `Conv1D` computes."""
    average = layers.Conv1D(1, 8, strides=4, use_bias=False)
    model = keras.Sequential([layers.Reshape((-1, 1)), average, layers.Flatten()])
    model.build((None, x.shape[1]))
    average.set_weights([np.full((8, 1, 1), 1 / 8)])
    return model


def make_normalization(x: np.ndarray) -> keras.Model:
    scaling = layers.Normalization()
    scaling.adapt(x)
    return keras.Sequential([scaling])


def make_spectrogram(mode: str, length: int = 512, step: int = 256) -> keras.Model:
    options: dict[str, Any] = {
        "frame_length": length,
        "frame_step": step,
        "fft_length": length,
    }
    layer = layers.STFTSpectrogram(mode, scaling=None, **options)
    return keras.Sequential([layers.Reshape((-1, 1)), layer])


FRONT_ENDS: dict[str, Callable[[np.ndarray], keras.layers.Layer]] = {
    "Rescaling": lambda x: layers.Rescaling(2.0, 0.1),
    "Normalization": make_normalization,
    "Conv1D, mean of 8 of every 4th": make_average,
    "AveragePooling1D(4)": lambda x: keras.Sequential(
        [layers.Reshape((-1, 1)), layers.AveragePooling1D(4)]
    ),
    "STFTSpectrogram, magnitude": lambda x: make_spectrogram("magnitude"),
    "STFTSpectrogram, psd": lambda x: make_spectrogram("psd"),
    "STFTSpectrogram, log": lambda x: make_spectrogram("log"),
    "MelSpectrogram, power": lambda x: layers.MelSpectrogram(
        512, 256, num_mel_bins=64, sampling_rate=RATE, power_to_db=False
    ),
    "MelSpectrogram, dB, top_db=1e3": lambda x: layers.MelSpectrogram(
        512, 256, num_mel_bins=64, sampling_rate=RATE, top_db=1e3
    ),
    "MelFrames, power": lambda x: front_ends.MelFrames(
        512, 256, num_mel_bins=64, power_to_db=False
    ),
    "MelFrames, dB": lambda x: front_ends.MelFrames(512, 256, num_mel_bins=64),
    "MelFrames, dB, top_db=60": lambda x: front_ends.MelFrames(
        512, 256, num_mel_bins=64, top_db=60
    ),
    "MelFrames and ConsecutiveFrames(3)": lambda x: keras.Sequential(
        [front_ends.MelFrames(512, 256, num_mel_bins=64), front_ends.ConsecutiveFrames(3)]
    ),
    "WindowStatistics": lambda x: front_ends.WindowStatistics(),
}


def measure_parity(layer: keras.layers.Layer, x: np.ndarray) -> tuple[float, float]:
    """Return the difference of single windows, and of all at once."""
    inputs = keras.Input(x.shape[1:])
    features = layers.Flatten(name="features")(layer(inputs))
    model = keras.Model(inputs, features)
    expected = model.predict(x, verbose=0)
    session = onnxruntime.InferenceSession(
        build.convert(model, OPSET).SerializeToString(), providers=["CPUExecutionProvider"]
    )

    def run(rows: np.ndarray) -> np.ndarray:
        found: np.ndarray = session.run(None, {session.get_inputs()[0].name: rows})[0]
        return found

    single = np.concatenate([run(x[row : row + 1]) for row in range(ONE_AT_A_TIME)])
    batch = run(x)
    largest = np.abs(expected).max()
    return (
        float(np.abs(single - expected[:ONE_AT_A_TIME]).max() / largest),
        float(np.abs(batch - expected).max() / largest),
    )


def print_parity(sets: dict[str, np.ndarray]) -> None:
    backend = keras.backend.backend()
    print(f"| {backend}: front end | " + " | ".join(f"{name}, 1 | {name}" for name in sets) + " |")
    print("| --- |" + " --- | --- |" * len(sets))
    for name, make in FRONT_ENDS.items():
        cells = []
        for x in sets.values():
            cells += [f"{each:.1e}" for each in measure_parity(make(x), x)]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


# Beside librosa and SciPy ----------------------------------------------------------------------

SETTINGS = ((1024, 512, 128), (512, 256, 64), (2048, 1024, 128), (400, 160, 40))
"""Samples of a frame, from frame to frame, and mels."""


def print_references(x: np.ndarray) -> None:
    """Print how far mels and spectra are from those of librosa and SciPy, in float64."""
    import librosa

    print("\n| n_fft, hop, mels | mel power, slaney | dB, slaney | Keras' MelSpectrogram, power |")
    print("| --- | --- | --- | --- |")
    for length, hop, mels in SETTINGS:
        shared: dict[str, Any] = {"sr": RATE, "n_fft": length, "hop_length": hop, "n_mels": mels}
        power = librosa.feature.melspectrogram(y=x.astype(np.float64), center=False, **shared)
        decibels = np.stack([librosa.power_to_db(each) for each in power])
        centred = librosa.feature.melspectrogram(
            y=x.astype(np.float64), center=True, pad_mode="reflect", htk=True, norm=None, **shared
        )
        options: dict[str, Any] = {"num_mel_bins": mels, "sampling_rate": RATE}
        ours = front_ends.MelFrames(length, hop, power_to_db=False, **options)
        in_decibels = front_ends.MelFrames(length, hop, **options)
        of_keras = layers.MelSpectrogram(
            length, hop, min_freq=0, max_freq=RATE / 2, power_to_db=False, **options
        )
        cells = [
            compare(ours(x), np.swapaxes(power, 1, 2)),
            compare(in_decibels(x), np.swapaxes(decibels, 1, 2)),
            compare(of_keras(x), centred),
        ]
        print(f"| {length}, {hop}, {mels} | {' | '.join(cells)} |")
    print("\n| frame, step | STFTSpectrogram, magnitude, beside scipy.signal.ShortTimeFFT |")
    print("| --- | --- |")
    for length, step, _ in SETTINGS[:3]:
        layer = make_spectrogram("magnitude", length, step)
        window = signal.get_window("hann", length, fftbins=False)  # symmetric, as Keras' default
        transform = signal.ShortTimeFFT(window, step, RATE)
        frames = (x.shape[1] - length) // step + 1
        first = length // 2 // step  # of which all samples are in the signal
        spectra = transform.stft(x.astype(np.float64), p0=first, p1=first + frames)
        print(f"| {length}, {step} | {compare(layer(x), np.abs(spectra).swapaxes(1, 2))} |")


def compare(found: keras.KerasTensor, expected: np.ndarray) -> str:
    """Return the largest difference, divided by the largest number."""
    values = keras.ops.convert_to_numpy(found)
    if values.shape != expected.shape:
        return f"{values.shape[1:]} for {expected.shape[1:]}"
    return f"{np.abs(values - expected).max() / np.abs(expected).max():.1e}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sound", type=Path, help="folder of .wav files of 16 bits")
    parser.add_argument("vibration", type=Path, help=".npy, a row for each recording")
    parser.add_argument("--references", action="store_true", help="also beside librosa and SciPy")
    options = parser.parse_args()
    sound = read_sound(options.sound)
    print_parity({"sound": sound, "vibration": read_vibration(options.vibration)})
    if options.references:
        print_references(sound)


if __name__ == "__main__":
    main()
