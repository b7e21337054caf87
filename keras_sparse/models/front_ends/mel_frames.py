"""Mel energies of the frames of a signal, as librosa computes them."""

from typing import Any

import keras
from keras import ops

from keras_sparse.models.front_ends.mel import (
    MELS,
    WINDOWS,
    compute_filters,
    compute_window,
    to_decibels,
)
from keras_sparse.models.front_ends.windows import require_positive
from keras_sparse.utils.types import Tensor


@keras.saving.register_keras_serializable(package="keras_sparse")
class MelFrames(keras.layers.Layer):
    """Mel energies of the frames of a signal, by `keras.ops.stft`; a frame of mels is a step.

    `keras.layers.MelSpectrogram` differs in three ways: its filters are those of HTK, it pads
    signals at both ends, and it cuts decibels relative to the largest value of the batch, so that a
    row depends on the others. Here all of it depends on the row alone.

    Features that librosa computed have its filters, `mel="slaney"`: `power_to_db(melspectrogram(
    y=x, sr=16000, n_fft=1024, hop_length=512, center=False))`, transposed, is
    `MelFrames(1024, 512, sampling_rate=16000)`.

    Args:
        fft_length: Samples of a frame that are transformed.
        sequence_stride: Samples from one frame to the next.
        sequence_length: Samples of the window, in the middle of a frame; by default all.
        window: `"hann"` or `"hamming"`, both periodic, or `None` for none.
        sampling_rate: In hertz.
        num_mel_bins: Mels of a frame.
        min_freq: Lower edge of the first filter, in hertz.
        max_freq: Upper edge of the last one; by default half the sampling rate.
        mel: Filters: `"slaney"` as librosa's, of area 1; `"htk"` as Keras', of height 1.
        center: Whether to reflect `fft_length // 2` samples at both ends, so that frame `i` is
            around sample `i · sequence_stride`, where it would otherwise begin.
        mag_exp: Exponent of the magnitudes that are added up: 2 for power.
        power_to_db: Whether to return decibels.
        min_power: What smaller powers count as, for decibels.
        ref_power: The power of 0 dB.
        top_db: How far below the largest value of its row a value may be, in decibels. Float32
            rounds what is fainter by more: of speech, values 94 dB below the largest of their
            window have differed by 0.02 dB between two libraries. `None` keeps all.
        **kwargs: Passed to `keras.layers.Layer`.

    Input shape: `(batch, samples)`. Output shape: `(batch, frames, num_mel_bins)` with
    `frames = (samples − fft_length) // sequence_stride + 1`, samples that are reflected among them.

    Raises:
        ValueError: If an argument is out of its range, or a signal is shorter than a frame.

    Example:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).normal(size=(2, 3072))
        >>> tuple(MelFrames(1024, 512, num_mel_bins=128)(x).shape)
        (2, 5, 128)
    """

    def __init__(
        self,
        fft_length: int = 1024,
        sequence_stride: int = 512,
        sequence_length: int | None = None,
        window: str | None = "hann",
        sampling_rate: float = 16000,
        num_mel_bins: int = 128,
        min_freq: float = 0.0,
        max_freq: float | None = None,
        mel: str = "slaney",
        center: bool = False,
        mag_exp: float = 2.0,
        power_to_db: bool = True,
        min_power: float = 1e-10,
        ref_power: float = 1.0,
        top_db: float | None = 80.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})
        self._options: dict[str, Any] = {
            "fft_length": fft_length,
            "sequence_stride": sequence_stride,
            "sequence_length": sequence_length,
            "window": window,
            "sampling_rate": sampling_rate,
            "num_mel_bins": num_mel_bins,
            "min_freq": min_freq,
            "max_freq": max_freq,
            "mel": mel,
            "center": center,
            "mag_exp": mag_exp,
            "power_to_db": power_to_db,
            "min_power": min_power,
            "ref_power": ref_power,
            "top_db": top_db,
        }
        self.fft_length = fft_length
        self.sequence_stride = sequence_stride
        self.sequence_length = fft_length if sequence_length is None else sequence_length
        self.max_freq = sampling_rate / 2 if max_freq is None else max_freq
        self.center = center
        self._require_options()
        self.samples_window = compute_window(window, self.sequence_length)
        """Factors of the samples, `(sequence_length,)`."""
        self.filters = compute_filters(
            mel,
            num_mel_bins=num_mel_bins,
            fft_length=fft_length,
            sampling_rate=sampling_rate,
            min_freq=min_freq,
            max_freq=self.max_freq,
        ).astype("float32")
        """`(bins, mels)`."""
        self.input_spec = keras.layers.InputSpec(ndim=2)

    def _require_options(self) -> None:
        options = self._options
        for name in ("fft_length", "sequence_stride", "num_mel_bins"):
            require_positive(name, options[name])
        require_positive("sequence_length", self.sequence_length)
        rate, top = options["sampling_rate"], options["top_db"]
        rules = {
            "sequence_length": (self.sequence_length <= self.fft_length, "at most `fft_length`"),
            "window": (options["window"] in WINDOWS, f"one of {tuple(WINDOWS)}"),
            "mel": (options["mel"] in MELS, f"one of {MELS}"),
            "sampling_rate": (rate > 0, "a positive number"),
            "min_freq": (0 <= options["min_freq"] < self.max_freq, "from 0 to below `max_freq`"),
            "max_freq": (self.max_freq <= rate / 2, "at most half the sampling rate"),
            "mag_exp": (options["mag_exp"] > 0, "a positive number"),
            "min_power": (options["min_power"] > 0, "a positive number"),
            "top_db": (top is None or top >= 0, "None, or a number of at least 0"),
        }
        for name, (holds, expected) in rules.items():
            if not holds:
                raise ValueError(
                    f"Invalid value for argument `{name}`. Expected {expected}. Received: "
                    f"{name}={options[name]!r}"
                )

    def build(self, input_shape: Any) -> None:
        """Raise if signals are shorter than a frame."""
        self.compute_output_shape(input_shape)
        self.built = True

    def call(self, x: Tensor) -> Tensor:
        """Compute the mel energies."""
        real, imaginary = ops.stft(
            x,
            sequence_length=self.sequence_length,
            sequence_stride=self.sequence_stride,
            fft_length=self.fft_length,
            window=ops.convert_to_tensor(self.samples_window),
            center=self.center,
        )
        magnitude = ops.square(real) + ops.square(imaginary)
        if self._options["mag_exp"] != 2:
            magnitude = ops.power(magnitude, self._options["mag_exp"] / 2)
        mels = ops.matmul(magnitude, ops.convert_to_tensor(self.filters))
        if not self._options["power_to_db"]:
            return mels
        limits = {name: self._options[name] for name in ("min_power", "ref_power", "top_db")}
        return to_decibels(mels, **limits)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the frames."""
        batch, samples = input_shape
        frames = None
        if samples is not None:
            padded = samples + (2 * (self.fft_length // 2) if self.center else 0)
            frames = (padded - self.fft_length) // self.sequence_stride + 1
            if frames < 1:
                raise ValueError(
                    f"Expected signals of at least {self.fft_length} samples, one frame. "
                    f"Received: {samples}. Remedy: longer windows, or a smaller `fft_length`"
                )
        return (batch, frames, self._options["num_mel_bins"])

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), **self._options}
