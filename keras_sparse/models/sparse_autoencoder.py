"""The sparse autoencoder: encoder, decoder, and a penalty on the codes between them."""

import math
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import keras
import numpy as np

from keras_sparse.callbacks.calibrate import Calibrate
from keras_sparse.callbacks.sparsity_monitor import SparsityMonitor
from keras_sparse.callbacks.target_l0 import TargetL0
from keras_sparse.data.missing import admits_gaps, require_choice
from keras_sparse.distribution import devices
from keras_sparse.metrics.diagnosis import diagnose_codes
from keras_sparse.models import choices, encoder_decoder
from keras_sparse.models.code_model import CodeModel
from keras_sparse.models.data_start import DataStart, draw
from keras_sparse.models.front_ends.attach import build_front_end
from keras_sparse.models.scaling import NORMALIZATIONS
from keras_sparse.sparsity.by_count.activation import CountActivation
from keras_sparse.sparsity.by_count.matryoshka import Matryoshka
from keras_sparse.sparsity.by_count.silent_units import SilentUnits
from keras_sparse.sparsity.by_count.tied_decoder import require_tied, tie_to
from keras_sparse.sparsity.regularizers import ActivityRegularizer
from keras_sparse.training import compiled_steps
from keras_sparse.training.model import learning_rate
from keras_sparse.utils.types import Tensor

RATE_ROWS = 1024
"""Rows by which the learning rate is chosen."""
ENOUGH_ROWS = 300
"""Rows of which the mean L0 says something: its standard error is then about 2 % of it."""
CALIBRATE = "rows like these as validation_data, or in keras_sparse.Calibrate(x), in fit"


@keras.saving.register_keras_serializable(package="keras_sparse")
class SparseAutoencoder(CodeModel):
    """An autoencoder with sparse codes, by count or by a penalty: `loss = MSE(x, x̂) + penalty(h)`.

    By default rows are scaled, and `target_l0` units of a code are active in the mean, those of
    the largest pre-activations (`BatchTopK`), which a second pass corrects. A penalty on the codes,
    such as `L1` or `KL`, may take the place of the count or stand beside it:
    `activation=BatchTopK(16), sparsity=L1()`.

    `encoder` (raw rows to codes) and `decoder` (codes to raw rows) are ordinary Keras models;
    `penalty` is the `ActivityPenalty` between them, or `None`. With a normalization the encoder
    scales its rows and the decoder inverts the scaling; the loss is then
    `mean(((x − x̂) / scale)²)`, the mean over features and over the batch.

    `fit(x)` needs no target. `fit(x, y)` is denoising: `y` is the clean version of `x`. Every
    epoch logs `loss = reconstruction_loss + sparsity_loss + weight_loss`, the measures `l0`,
    `dead_fraction`, `mean_activation` and `explained_variance`, and the `val_` form of each. The
    loss from which silent units learn is part of `sparsity_loss`.
    Rows may be a table or a mapping, whose columns `fit` orders by name: `columns` has the names.
    A short last batch is filled up with rows of weight 0, which affect neither losses nor metrics.
    Nor do steps that are masked by the encoder's first layer, such as `Masking`, or whose mask
    reaches the codes or the reconstruction. In rows with masks, weights of steps or an unknown
    number of steps, each step is a row of `explained_variance`.

    Args:
        input_dim: Features of a row; with a `front_end` the samples of a window, or the shape of
            one, as `(1024, 3)`.
        code_dim: Units of the code.
        hidden_units: Widths of ReLU layers between input and code, mirrored in the decoder.
        sparsity: An activation by count, such as `BatchTopK(16)`, or nested ones by `Matryoshka`; a
            penalty: `L1`, `L2`, `KL` or another `ActivityRegularizer`; the name of a family, such
            as `"l1"` or `"topk"`, for its defaults; or `None` for neither. `"auto"` is `BatchTopK`
            with the L0 that `target_l0` asks for, by default one unit in 16. With `BatchTopK` or
            `TopK`, a linear output and no hidden layers, units that fall silent learn what the
            others leave over, as in `RefinedCode`, and `fit` starts all units as rows of its array
            or file, unless their weights were set or loaded.
        target_l0: Units of a code to be active in the mean. With a penalty that has a strength, a
            controller finds the strength during training.
        strength: Strength of the penalty that `sparsity` names, λ or β; with `"auto"` it is that of
            L1. A penalty that is given as an object has its own.
        activation: Activation of the code. `"auto"` is that of the sparsity: sigmoid for KL, ReLU
            for other penalties and for `None`.
        output_activation: Activation of the reconstruction, before the scaling is inverted.
        normalization: How rows are scaled inside the model: `"center"` subtracts the means of the
            columns and divides by one number, so that `mean(x²)` is 1; `"standard"` gives each
            column mean 0 and deviation 1, `"minmax"` the range [0, 1]; `None` scales nothing.
            `"auto"` is `"standard"` where columns differ much in their variances, as in a
            table of several units, and else `"center"`; with an output activation it is `None`.
            `fit` learns the scaling from its rows, or `adapt` before.
        kernel_regularizer: Penalty on the weights of every layer, as in Keras.
        decoder_constraint: Constraint on the kernel that takes the code. `"auto"` is unit-norm
            rows by count and for L1, where a free decoder would let the codes shrink and cost less
            without becoming sparser, and none otherwise.
        rho_horizon: For KL in small batches: how many samples ρ̂ is averaged over, as in
            `ActivityPenalty`. `None` takes each batch's own.
        refine: Passes that correct a code by count, 0 or 1, as in `RefinedCode`: more is explained
            at the same L0, and a step of training takes two to three times as long, a code three
            times. 1 is refused with hidden layers, an activation of the output, or `Matryoshka`.
            `"auto"` is 1 for sparsity="auto" where it is not refused, else 0.
        missing: What is done with missing values, which are NaN. `"error"` refuses them; `"skip"`
            leaves rows with a gap out of `fit`, `adapt` and `evaluate`, and `encode` refuses them;
            with `"mean"` the encoder puts the mean of its column in each gap, and with `"mask"` it
            also reads which entries there are. Losses and measures then count entries alone: the
            loss of a row is the mean over its entries. A row without any is refused.
        front_end: A layer, or a `keras.Sequential`, that turns raw windows of a signal into
            features, `keras_sparse.front_ends` or Keras' own, as `MelSpectrogram`. The encoder then
            takes windows, and the decoder returns features: `features(x)` is what is reconstructed,
            scaled, and compared in losses and errors. Outputs of several axes are flattened. The
            front end is frozen; adapt its layers, such as `Normalization`, before `fit`. Windows
            have no gaps (`missing` is `"error"` or `"skip"`), no columns with names, and weights of
            rows alone.
        **kwargs: Passed to `keras.Model`.

    Raises:
        ValueError: If an argument is out of its range, or KL is asked of an activation that
            leaves [0, 1], or an L0 of KL, which has its ρ, or of an activation with another `k`, or
            a strength of what has another or none, or a front end does not fit.
        TypeError: If `sparsity` or `front_end` is of another type.

    Example:
        >>> import numpy as np, keras_sparse
        >>> x = np.random.default_rng(0).random((256, 20))
        >>> model = keras_sparse.SparseAutoencoder(20, 32, target_l0=4)
        >>> model.compile()
        >>> history = model.fit(x, epochs=2, verbose=0)
        >>> model.encode(x).shape
        (256, 32)
        >>> model = keras_sparse.SparseAutoencoder(20, 32, sparsity="l1", strength=1e-3)
        >>> model.penalty.regularizer.l1
        0.001
    """

    _start: DataStart | None = None

    def __init__(
        self,
        input_dim: int | Sequence[int],
        code_dim: int,
        *,
        hidden_units: Sequence[int] = (),
        sparsity: ActivityRegularizer | CountActivation | Matryoshka | str | None = "auto",
        target_l0: float | None = None,
        strength: float | None = None,
        activation: str | Callable[[Tensor], Tensor] = "auto",
        output_activation: str | Callable[[Tensor], Tensor] = "linear",
        normalization: str | None = "auto",
        kernel_regularizer: Any = None,
        decoder_constraint: Any = "auto",
        rho_horizon: float | None = None,
        refine: int | str = "auto",
        missing: str = "error",
        front_end: keras.layers.Layer | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs, autocast=False)
        self._missing = require_choice(missing)
        window = _as_window(input_dim, front_end)
        _require_size("code_dim", code_dim)
        for size in hidden_units:
            _require_size("hidden_units", size)
        devices.require_policy(self.dtype_policy)
        if normalization not in NORMALIZATIONS:
            raise ValueError(
                "Invalid value for argument `normalization`. Expected one of "
                f"{', '.join(map(repr, NORMALIZATIONS))}. Received: "
                f"normalization={normalization!r}"
            )
        output_activation = keras.activations.get(output_activation)
        if normalization == "auto" and output_activation is not keras.activations.linear:
            normalization = None  # it was chosen for the range of raw rows
        features, front = window[0], None
        if front_end is not None:
            _require_no_gaps(missing)
            front = build_front_end(front_end, window)
            features = front.output_shape[-1]
        chosen = choices.resolve(
            input_dim=features,
            code_dim=code_dim,
            sparsity=sparsity,
            strength=strength,
            target_l0=target_l0,
            activation=activation,
            decoder_constraint=decoder_constraint,
            refine=refine,
            hidden_units=hidden_units,
            output_activation=output_activation,
        )
        arguments = {
            "input_dim": window if len(window) > 1 else window[0],
            "code_dim": int(code_dim),
            "hidden_units": [int(units) for units in hidden_units],
            "activation": chosen.activation,
            "output_activation": output_activation,
            "normalization": normalization,
            "kernel_regularizer": keras.regularizers.get(kernel_regularizer),
            "decoder_constraint": chosen.decoder_constraint,
            "refine": chosen.refine,
            "missing": missing,
            "front_end": front_end,
        }
        # In a dictionary, Keras would track an activation that is a layer.
        self._arguments = MappingProxyType(arguments)
        encoder, decoder = encoder_decoder.build(
            **{**arguments, "input_dim": features, "front_end": front},
            dtype=self.dtype_policy,
            name=self.name,
            rho=getattr(chosen.penalty, "target_activation", None),
        )
        self._prefix_widths = chosen.widths[:-1]  # and the whole code
        silent_units = None
        if chosen.starts_from_rows and chosen.refine:
            code = encoder.get_layer("code")
            self._start = DataStart(code.kernel, code.decoder_kernel, code.k)
        elif chosen.starts_from_rows:
            silent_units = self._teach_units(encoder, decoder)
        self._assemble(encoder, decoder, chosen.penalty, rho_horizon, target_l0, silent_units)

    @classmethod
    def from_models(
        cls,
        encoder: keras.Model,
        decoder: keras.Model,
        *,
        sparsity: ActivityRegularizer | str | None = None,
        target_l0: float | None = None,
        strength: float | None = None,
        rho_horizon: float | None = None,
        missing: str = "error",
        front_end: None = None,
        **kwargs: Any,
    ) -> "SparseAutoencoder":
        """A sparse autoencoder of your own encoder and decoder: convolutional, tied, of any rank.

        Their layers may have penalties of their own. `sample_weight` counts in those of this
        package and in Keras' `L1`, `L2` and `L1L2`; any other activity regularizer causes a
        warning, since it would count the rows that fill up a short batch.

        Args:
            encoder: Maps rows to codes; a built Keras model with one input and one output.
            decoder: Maps codes to rows of the encoder's input shape; a model of the same kind.
            sparsity: A penalty or the name of one as in the constructor, or `None`. An activation
                by count belongs into the encoder, as its last layer. The decoder gets no
                constraint: for L1 and by count, set `keras.constraints.UnitNorm(axis=1)` on the
                kernel that takes the code.
            target_l0: As in the constructor.
            strength: As in the constructor.
            rho_horizon: As in the constructor.
            missing: `"error"` or `"skip"`, as in the constructor: an encoder of your own fills no
                gaps.
            front_end: Must be `None`: the decoder returns what the encoder takes. Features are the
                rows of such a model, or the constructor builds it behind a front end.
            **kwargs: Passed to `keras.Model`.

        Raises:
            ValueError: If there is a front end, or encoder and decoder do not fit together, or KL
                is used with an encoder whose codes leave [0, 1], or `missing` admits gaps.
            TypeError: If one of them is no Keras model.
        """
        _require_no_front_end(front_end, encoder)
        encoder_decoder.require_pair(encoder, decoder)
        require_tied(encoder, decoder)
        choices.require_l0(target_l0, encoder.output_shape[-1])
        penalty: ActivityRegularizer | None = choices.make_sparsity(
            sparsity,
            strength,
            target_l0,
            features=math.prod(size or 1 for size in encoder.input_shape[1:]),
            units=encoder.output_shape[-1],
        )
        choices.require_penalty(penalty)
        count = encoder_decoder.find_count(encoder)
        choices.require_reachable(target_l0, encoder.output_shape[-1], count, penalty)
        model = cls.__new__(cls)
        keras.Model.__init__(model, **kwargs, autocast=False)
        model._arguments = None
        model._missing = require_choice(missing)
        if admits_gaps(missing):
            raise ValueError(
                "Invalid value for argument `missing`. Expected 'error' or 'skip' with an encoder "
                f"of your own, which fills no gaps. Received: missing={missing!r}. Remedy: "
                f"SparseAutoencoder(..., missing={missing!r}), or weights of 0 for gaps that you "
                "fill (sample_weight)"
            )
        model._assemble(encoder, decoder, penalty, rho_horizon, target_l0)
        return model

    def _teach_units(self, encoder: keras.Model, decoder: keras.Model) -> SilentUnits:
        """Start units from rows; return what teaches those that fall silent."""
        writer = encoder.get_layer("pre_activation")
        k = encoder_decoder.find_count(encoder).k
        self._start = DataStart(writer.kernel, decoder.layers[1].kernel, k)
        self._compute_code = keras.Function(encoder.inputs[0], [writer.output, encoder.outputs[0]])
        silent_units = SilentUnits(name="silent_units")
        silent_units.build(encoder.output_shape)
        return silent_units

    def _prepare(self, rows: Any) -> None:
        super()._prepare(rows)
        if not hasattr(rows, "__len__") or not len(rows):
            return
        if self._start is not None:
            self._start.apply(rows, self._scale_features)
        if self._rate is not None and self._is_linear() and not self._rate.has_begun:
            some = self._scale_features(draw(rows, RATE_ROWS, np.random.default_rng(0)))
            self._rate.factor = learning_rate.factor_for(some)

    def _scale_features(self, rows: Any) -> np.ndarray:
        """Map raw rows to the space of the loss."""
        return self.scale(self.features(rows))

    def _check_evaluated(self) -> None:
        """Warn if evaluated rows have another L0 than those that a threshold was calibrated on."""
        count = self.count_activation
        if not self.monitored or not getattr(count, "is_calibrated", False):
            return
        if count.thresholds is None or self.measured_rows < ENOUGH_ROWS:
            return
        density, _ = self.unit_curves()
        measures = {"l0": float(density.sum())}
        for problem in diagnose_codes(measures, None, {"l0": (CALIBRATE,)}, count.k):
            warnings.warn(str(problem), stacklevel=3)

    def _default_callbacks(self) -> list[keras.callbacks.Callback]:
        """What watches codes while `fit` measures them, and what brings them to their L0."""
        callbacks: list[keras.callbacks.Callback] = [SparsityMonitor()] if self.monitored else []
        if self.count_activation is not None:
            callbacks.append(Calibrate())
        elif self.monitored and self.penalty is not None and self.penalty.target_l0 is not None:
            callbacks.append(TargetL0())
        return callbacks

    def _choose_rate(self) -> learning_rate.Trapezoid:
        """The rate for linear codes, of which alone it is known; otherwise that of Keras' Adam."""
        if not self._is_linear():
            return super()._choose_rate()
        assert self._arguments is not None
        features, units = self.decoder.output_shape[-1], self._arguments["code_dim"]
        if self.count_activation is None:
            return learning_rate.Trapezoid(learning_rate.peak_rate(features))
        peak = learning_rate.peak_rate_by_count(
            features, units, is_refined=bool(self._arguments["refine"])
        )
        return learning_rate.Trapezoid(peak, decay=learning_rate.DECAY_BY_COUNT)

    def _is_linear(self) -> bool:
        """Whether one dense layer computes what is activated."""
        return self._arguments is not None and not self._arguments["hidden_units"]

    def _can_compile(self) -> bool:
        if self._arguments is None or self.compute_dtype != "float32":
            return False  # convolutions, say, are slower under XLA
        names = ("activation", "output_activation", "kernel_regularizer", "decoder_constraint")
        if self.front_end is not None:
            return False  # its operations may be unknown to XLA, or slower
        penalty = None if self.penalty is None else self.penalty.regularizer
        return compiled_steps.are_all_of_keras(
            [*(self._arguments[name] for name in names), penalty]
        )

    # Saving --------------------------------------------------------------------------------

    def save(self, filepath: Any, *args: Any, **kwargs: Any) -> None:
        """Save as in Keras; a single process of many may do so.

        Raises:
            ValueError: If the file ends in `.h5` or `.hdf5`: Keras would write it, and not load it.
        """
        if Path(filepath).suffix in (".h5", ".hdf5"):
            raise ValueError(
                "Invalid value for argument `filepath`. Expected a file ending in .keras, because "
                f"Keras loads no such model from HDF5. Received: {filepath}. Remedy: "
                "save('model.keras'), or save_weights('model.weights.h5') for the weights alone"
            )
        with devices.alone():
            super().save(filepath, *args, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """The configuration from which the model can be built again."""
        serialize = keras.saving.serialize_keras_object
        config = super(keras.Model, self).get_config()
        config["sparsity"] = serialize(self.penalty.regularizer) if self.penalty else None
        config["rho_horizon"] = self.penalty.rho_horizon if self.penalty else None
        config["target_l0"] = self.target_l0
        config["adapted"] = self._adapted
        config["columns"] = None if self.columns is None else list(self.columns)
        config["categories"] = None if self.categories is None else dict(self.categories)
        config["windows"] = None if self.windows is None else dict(self.windows)
        config["missing"] = self.missing
        if self._arguments is None:
            # Keras marks an object as shared from the second time it serializes it. This keeps
            # layers that encoder and decoder share.
            serialize(self.encoder)
            return {
                **config,
                "encoder": serialize(self.encoder),
                "decoder": serialize(self.decoder),
            }
        arguments = dict(self._arguments)
        if self._prefix_widths:
            nested = Matryoshka(arguments["activation"], self._prefix_widths)
            arguments |= {"sparsity": nested, "activation": "auto"}
        return {**config, **{name: serialize(value) for name, value in arguments.items()}}

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> "SparseAutoencoder":
        """Build a model from its configuration."""

        def build(value: Any) -> Any:
            if not isinstance(value, dict):
                return value
            return keras.saving.deserialize_keras_object(value, custom_objects=custom_objects)

        config = dict(config)
        decoder, adapted = config.pop("decoder", None), config.pop("adapted", False)
        columns, categories = config.pop("columns", None), config.pop("categories", None)
        windows = config.pop("windows", None)
        config = {name: build(value) for name, value in config.items()}
        if decoder is not None:
            encoder = config.pop("encoder")
            with tie_to(encoder):
                decoder = build(decoder)
            model = cls.from_models(encoder, decoder, **config)
        else:
            model = cls(**config)
        model._adapted = adapted
        model.columns, model.categories = columns, categories
        model.windows = windows
        return model


def _require_size(name: str, size: Any) -> None:
    if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 1:
        raise ValueError(
            f"Invalid value for argument `{name}`. Expected a positive integer. "
            f"Received: {name}={size!r}"
        )


def _as_window(input_dim: Any, front_end: Any) -> tuple[int, ...]:
    """Return the shape of a row, of several axes only with a front end.

    Raises:
        ValueError: If it is something else.
    """
    if front_end is None or not isinstance(input_dim, (tuple, list)):
        _require_size("input_dim", input_dim)
        return (int(input_dim),)
    if not input_dim:
        _require_size("input_dim", input_dim)
    for size in input_dim:
        _require_size("input_dim", size)
    return tuple(map(int, input_dim))


def _require_no_front_end(front_end: Any, encoder: keras.Model) -> None:
    if front_end is None:
        return
    first = next(
        (each for each in encoder.layers if not isinstance(each, keras.layers.InputLayer)), encoder
    )
    raise ValueError(
        "Invalid value for argument `front_end`. Expected None with an encoder of your own, "
        f"{encoder.name!r}, which begins with {first.name!r}: the decoder returns what the encoder "
        f"takes. Received: front_end={front_end!r}. Remedy: SparseAutoencoder(window, units, "
        "front_end=...), or features as rows"
    )


def _require_no_gaps(missing: str) -> None:
    if admits_gaps(missing):
        raise ValueError(
            "Invalid value for argument `missing`. Expected 'error' or 'skip' with a front end: "
            "no mean of a column can fill a gap in a signal. Received: "
            f"missing={missing!r}. Remedy: missing='skip', which leaves windows with gaps out"
        )
