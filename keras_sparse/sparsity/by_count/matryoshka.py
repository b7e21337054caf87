"""Nested codes: the first units of a code are a code of their own."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sparse.sparsity.by_count.activation import CountActivation
from keras_sparse.utils.types import Tensor


@keras.saving.register_keras_serializable(package="keras_sparse")
class Matryoshka:
    """Train nested codes, so that one training gives encoders for several devices.

    The reconstruction loss becomes the mean of the losses of several prefixes of the code:
    `1/M Σ_m MSE(x, x̂_m)`, where `x̂_m` is decoded from the first `w_m` units alone. One activation
    acts on the whole code; a prefix holds a part of its active units. `reconstruction_loss` is that
    mean; `explained_variance`, `l0` and the other measures are those of the whole code.

    A cut of the encoder to its first units, `export_encoder(..., units=8)`, computes exactly the
    first codes, because outside training a unit of `BatchTopK` or `JumpReLU` does not depend on
    others. With `TopK` it does, and such a cut is refused.

    Args:
        sparsity: The activation: `BatchTopK`, `TopK` or `JumpReLU`.
        widths: Numbers of units of the prefixes, increasing. The whole code is one of them; it is
            added if the last width is smaller.

    Raises:
        TypeError: If `sparsity` is no activation by count.
        ValueError: If the widths are not positive, or do not increase.

    Source: B. Bussmann et al., "Learning Multi-Level Features with Matryoshka Sparse Autoencoders",
    2025, https://arxiv.org/abs/2503.17547; they take the sum of the losses.

    Example:
        >>> import numpy as np, keras_sparse
        >>> x = np.random.default_rng(0).random((256, 20))
        >>> nested = keras_sparse.Matryoshka(keras_sparse.BatchTopK(4), widths=(8, 16))
        >>> model = keras_sparse.SparseAutoencoder(20, 32, sparsity=nested)
        >>> model.compile()
        >>> history = model.fit(x, epochs=2, verbose=0)
        >>> model.encode(x)[:, :8].shape
        (256, 8)
    """

    def __init__(self, sparsity: CountActivation, widths: Sequence[int] | np.ndarray) -> None:
        if not isinstance(sparsity, CountActivation):
            raise TypeError(
                "Invalid type for argument `sparsity`. Expected a keras_sparse activation by count "
                f"such as BatchTopK(16). Received: sparsity={sparsity!r}"
            )
        self.sparsity = sparsity
        self.widths = _require_widths(widths)

    def choose_widths(self, code_dim: int) -> tuple[int, ...]:
        """The widths of all prefixes of a code, the whole code among them.

        Args:
            code_dim: Units of the code.

        Raises:
            ValueError: If a prefix is wider than the code.
        """
        if self.widths[-1] > code_dim:
            raise ValueError(
                f"Invalid value for argument `widths`. Expected at most {code_dim}, the units of "
                f"the code. Received: widths={self.widths}"
            )
        return self.widths if self.widths[-1] == code_dim else (*self.widths, code_dim)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        sparsity = keras.saving.serialize_keras_object(self.sparsity)
        return {"sparsity": sparsity, "widths": list(self.widths)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Matryoshka":
        """Make one from its config."""
        sparsity = keras.saving.deserialize_keras_object(config["sparsity"])
        return cls(**{**config, "sparsity": sparsity})


def decode_prefixes(decoder: keras.Model, h: Tensor, widths: Sequence[int]) -> Tensor:
    """Decode several prefixes of codes, as if all other units were zero.

    Args:
        decoder: A chain of layers that begins with a `Dense` layer.
        h: Codes, `(batch, units)`.
        widths: Units of the prefixes, increasing.

    Returns:
        `(batch, len(widths), features)`.
    """
    first, *others = decoder.layers[1:]
    h = ops.cast(h, first.compute_dtype)
    y = first.activation(sum_prefixes(h, first.kernel, first.bias, widths))
    for layer in others:
        y = layer(y)
    return y


def sum_prefixes(h: Tensor, kernel: Tensor, bias: Tensor, widths: Sequence[int]) -> Tensor:
    """Compute `bias + h[:, :w] @ kernel[:w]` for each width `w`.

    A prefix is that before it and a block of further units, so all of them take as many products as
    the longest one.

    Args:
        h: Codes, `(batch, units)`.
        kernel: The decoder's kernel, `(units, features)`.
        bias: Its bias, `(features,)`.
        widths: Units of the prefixes, increasing.

    Returns:
        `(batch, len(widths), features)`.
    """
    kernel, bias = (ops.cast(weight, h.dtype) for weight in (kernel, bias))
    decoded, prefixes = bias, []
    for start, stop in zip((0, *widths), widths, strict=False):
        decoded = decoded + ops.matmul(h[:, start:stop], kernel[start:stop])
        prefixes.append(decoded)
    return ops.stack(prefixes, axis=1)


def _require_widths(widths: Any) -> tuple[int, ...]:
    given = tuple(widths) if isinstance(widths, (list, tuple, np.ndarray)) else ()
    whole = all(
        isinstance(width, (int, np.integer)) and not isinstance(width, bool) for width in given
    )
    if not (given and whole and given[0] > 0 and all(np.diff(given) > 0)):
        raise ValueError(
            "Invalid value for argument `widths`. Expected positive integers, each larger than the "
            f"one before. Received: widths={widths!r}"
        )
    return tuple(map(int, given))
