"""The decoder of a refined code, whose weights are those of the code's layer."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras

from keras_sparse.sparsity.by_count.refined_code import RefinedCode
from keras_sparse.utils.types import Tensor


class _Sources(threading.local):
    by_name: dict[str, RefinedCode] | None = None


_sources = _Sources()


@keras.saving.register_keras_serializable(package="keras_sparse")
class TiedDecoder(keras.layers.Layer):
    """Reconstruct rows from refined codes: `x̂ = c + h D`, with the weights of a `RefinedCode`.

    It has no weights of its own: `D` and `c` are the variables of `source`, also after a model that
    holds both is saved and loaded. A decoder that is saved alone takes its source along.
    `keras.models.clone_model` clones layers one by one: of a `SparseAutoencoder` it makes one that
    is tied again, of another model one in which the decoder has a source of its own.

    Args:
        source: The layer that computes the codes.
        **kwargs: Passed to `keras.layers.Layer`.

    Input shape: `(batch, ..., units)`. Output shape: `(batch, ..., features)`.

    Raises:
        TypeError: If `source` is no `RefinedCode`.
        ValueError: If it is not built, or of another number of units than the codes.
    """

    def __init__(self, source: RefinedCode, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(source, RefinedCode):
            raise TypeError(
                "Invalid type for argument `source`. Expected the RefinedCode that computes the "
                f"codes. Received: source={source!r}"
            )
        self.source = source

    def build(self, input_shape: Any) -> None:
        """Check that the codes can be those of the source."""
        if not self.source.built or input_shape[-1] != self.source.units:
            state = f"{self.source.units} units" if self.source.built else "no weights yet"
            raise ValueError(
                f"Invalid value for argument `source`. Expected a built RefinedCode of "
                f"{input_shape[-1]} units. Received: `{self.source.name}` with {state}. Remedy: "
                "compute the codes first, `TiedDecoder(code)(code(x))`"
            )
        self.built = True

    @property
    def kernel(self) -> Any:
        """`D`, `(units, features)`: a variable of the source."""
        return self.source.decoder_kernel

    @property
    def bias(self) -> Any:
        """`c`, `(features,)`: a variable of the source."""
        return self.source.decoder_bias

    def call(self, h: Tensor) -> Tensor:
        """Reconstruct rows."""
        return self.source.decode(h)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Replace the units by the features."""
        return (*input_shape[:-1], self.kernel.shape[1])

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        source = keras.saving.serialize_keras_object(self.source)
        return {**super().get_config(), "source": source}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "TiedDecoder":
        """Make a layer from its config; inside of `tie_to` its source is a layer of that model."""
        tied = (_sources.by_name or {}).get(config["source"]["config"]["name"])
        source = tied or keras.saving.deserialize_keras_object(config["source"])
        return cls(**{**config, "source": source})


@contextmanager
def tie_to(encoder: keras.Model) -> Iterator[None]:
    """Tie decoders that are made from a config in the block to the refined codes of an encoder."""
    before = _sources.by_name
    layers = [layer for layer in encoder.layers if isinstance(layer, RefinedCode)]
    _sources.by_name = {layer.name: layer for layer in layers}
    try:
        yield
    finally:
        _sources.by_name = before


def require_tied(encoder: keras.Model, decoder: keras.Model) -> None:
    """Raise unless the tied layers of a decoder take the weights of this encoder.

    Raises:
        ValueError: If one takes those of a layer that is not in the encoder, as after loading the
            two from a file each.
    """
    for layer in decoder.layers:
        if isinstance(layer, TiedDecoder) and not any(
            layer.source is other for other in encoder.layers
        ):
            raise ValueError(
                "Invalid value for argument `decoder`. Expected a TiedDecoder of a layer of the "
                f"encoder. Received: `{layer.name}`, tied to `{layer.source.name}` of another "
                "model. Remedy: TiedDecoder(encoder.get_layer(...)), and save both in one model"
            )
