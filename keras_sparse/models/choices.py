"""Resolve what the arguments of `SparseAutoencoder` leave open, and refuse what does not fit."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_sparse.models import refined_pair
from keras_sparse.sparsity import families
from keras_sparse.sparsity.by_count.activation import CountActivation
from keras_sparse.sparsity.by_count.batch_topk import BatchTopK
from keras_sparse.sparsity.by_count.matryoshka import Matryoshka
from keras_sparse.sparsity.by_count.topk import TopK
from keras_sparse.sparsity.family import Family
from keras_sparse.sparsity.regularizers import ActivityRegularizer
from keras_sparse.sparsity.strengths import require_non_negative
from keras_sparse.utils.types import Tensor


class Choices(NamedTuple):
    """What the arguments about sparsity come to."""

    activation: Callable[[Tensor], Tensor]
    """Activation of the code."""
    penalty: ActivityRegularizer | None
    """Penalty on the codes."""
    decoder_constraint: Any
    """Constraint on the kernel that takes the code."""
    refine: int
    """Passes that correct a code."""
    widths: tuple[int, ...]
    """Units of the prefixes that are trained, the whole code among them; none by default."""
    starts_from_rows: bool
    """Whether units start as whitened rows, and learn from the residual while they are silent.

    So it is for `BatchTopK` and `TopK` behind one dense layer, with a linear output and without
    nested prefixes.
    """


def resolve(
    *,
    input_dim: int,
    code_dim: int,
    sparsity: Any,
    strength: Any,
    target_l0: Any,
    activation: Any,
    decoder_constraint: Any,
    refine: Any,
    hidden_units: Sequence[int] = (),
    output_activation: Any = "linear",
) -> Choices:
    """Resolve the arguments of `SparseAutoencoder` of these names.

    Raises:
        TypeError: If `sparsity` is of another type.
        ValueError: If arguments do not fit together.
    """
    require_l0(target_l0, code_dim)
    is_default = _is_auto(sparsity) and strength is None
    if family := find_family(sparsity, strength):
        given = {
            "activation": activation,
            "decoder_constraint": decoder_constraint,
            "refine": refine,
        }
        activation, decoder_constraint, refine = _with_arguments_of(family, given).values()
    sparsity = make_sparsity(sparsity, strength, target_l0, features=input_dim, units=code_dim)
    widths: tuple[int, ...] = ()
    if isinstance(sparsity, Matryoshka):
        sparsity, widths = sparsity.sparsity, sparsity.choose_widths(code_dim)
    is_default = is_default and not isinstance(activation, CountActivation)
    if _is_auto(sparsity):
        sparsity = _choose_count(code_dim, target_l0) if is_default else None
    if isinstance(sparsity, CountActivation):
        if not _is_auto(activation):
            raise ValueError(
                "Invalid value for argument `activation`. Expected 'auto' with a sparsity by "
                f"count, which is itself an activation. Received: activation={activation!r} with "
                f"sparsity={type(sparsity).__name__}(k={sparsity.k}). Remedy: sparsity=L1(), or "
                "sparsity=None for codes that are not sparse"
            )
        activation, sparsity = sparsity, None
    require_penalty(sparsity)
    if _is_auto(activation):
        activation = families.default_activation(sparsity)
    activation = keras.activations.get(activation)
    require_reachable(target_l0, code_dim, activation, sparsity)
    by_count = isinstance(activation, CountActivation)
    if _is_auto(decoder_constraint):
        unit_norm = by_count or families.needs_unit_norm(sparsity)
        decoder_constraint = keras.constraints.UnitNorm(axis=1) if unit_norm else None
    refine = refined_pair.choose_passes(
        refine,
        by_default=is_default,
        activation=activation,
        hidden_units=hidden_units,
        output_activation=keras.activations.get(output_activation),
        widths=widths,
    )
    is_linear = keras.activations.get(output_activation) is keras.activations.linear
    is_dictionary = is_linear and not (widths or len(hidden_units))
    return Choices(
        activation,
        sparsity,
        keras.constraints.get(decoder_constraint),
        refine,
        widths,
        is_dictionary and isinstance(activation, (BatchTopK, TopK)),
    )


def find_family(sparsity: Any, strength: Any) -> Family | None:
    """Find the family that a name or a strength selects; `None` for `"auto"` and an object.

    Raises:
        ValueError: If no family has this name; the message lists all.
    """
    if not isinstance(sparsity, str) or (_is_auto(sparsity) and strength is None):
        return None
    return families.choose(sparsity, has_strength=strength is not None, hidden_units=False)


def make_sparsity(
    sparsity: Any, strength: Any, target_l0: Any, *, features: int, units: int
) -> Any:
    """Return what the name of a family stands for; anything else as it is.

    Args:
        sparsity: The argument of `SparseAutoencoder`.
        strength: The strength that is asked for; `None` for the family's default.
        target_l0: The L0 that is asked for; `None` for none.
        features: Features of a row.
        units: Units of the code.

    Raises:
        ValueError: If no family has this name, or the sparsity has no such strength.
    """
    family = find_family(sparsity, strength)
    if strength is not None:
        _require_strength(strength, sparsity, target_l0, family)
    if family is None:
        return sparsity
    if family.by_count:
        return family.make(families.default_l0(units) if target_l0 is None else target_l0)
    if target_l0 is not None and family.takes_l0:
        return family.make(family.first_strength(features))
    return family.make(family.default_strength(units) if strength is None else strength)


def _require_strength(strength: Any, sparsity: Any, target_l0: Any, family: Family | None) -> None:
    """Raise unless a penalty takes a strength, or has the same."""
    strength = require_non_negative("strength", strength)
    if target_l0 is not None:
        expected, remedy = f"with target_l0={target_l0}, which decides it", "one of them"
    elif family is not None and not family.by_count and family.method is not None:
        return
    elif isinstance(sparsity, ActivityRegularizer):
        if sparsity.strength == strength:
            return
        expected = f"with {type(sparsity).__name__}, whose strength is {sparsity.strength}"
        remedy = "one of them"
    else:
        expected, remedy = "without a penalty", "sparsity='l1'"
    raise ValueError(
        f"Invalid value for argument `strength`. Expected None {expected}. Received: "
        f"strength={strength}. Remedy: {remedy}"
    )


def _with_arguments_of(family: Family, given: dict[str, Any]) -> dict[str, Any]:
    """Return arguments with those that a family sets in place of `"auto"`."""
    for name, value in family.builder.items():
        if not _is_auto(given[name]) and given[name] != value:
            raise ValueError(
                f"Invalid value for argument `{name}`. Expected {value!r} or 'auto' for "
                f"sparsity={family.name!r}. Received: {name}={given[name]!r}"
            )
    return {**given, **family.builder}


def _is_auto(argument: Any) -> bool:
    return isinstance(argument, str) and argument == "auto"


def _choose_count(code_dim: int, target_l0: Any) -> CountActivation:
    return BatchTopK(families.default_l0(code_dim) if target_l0 is None else target_l0)


def require_penalty(sparsity: Any) -> None:
    """Raise unless an argument is a penalty on codes, or `None`.

    Raises:
        TypeError: If it is something else.
    """
    if sparsity is not None and not isinstance(sparsity, ActivityRegularizer):
        raise TypeError(
            "Invalid type for argument `sparsity`. Expected a keras_sparse ActivityRegularizer "
            "such as L1, L2 or KL, an activation by count such as BatchTopK, the name of a family "
            f"such as 'l1', 'auto' or None. Received: sparsity={sparsity!r}"
        )


def require_l0(target_l0: Any, code_dim: int) -> None:
    """Raise unless an L0 is `None` or a number above 0 and up to the number of units.

    Raises:
        ValueError: If it is something else.
    """
    is_number = isinstance(target_l0, (int, float, np.integer, np.floating))
    if target_l0 is not None and not (
        is_number and not isinstance(target_l0, bool) and 0 < target_l0 <= code_dim
    ):
        raise ValueError(
            f"Invalid value for argument `target_l0`. Expected None, or a number above 0 and up "
            f"to the {code_dim} units of the code. Received: target_l0={target_l0!r}"
        )


def require_reachable(
    target_l0: float | None, code_dim: int, activation: Any, penalty: ActivityRegularizer | None
) -> None:
    """Raise if nothing brings codes to the L0 that is asked for, or something to another one.

    Args:
        target_l0: The L0 that is asked for; `None` for none.
        code_dim: Units of the code.
        activation: What computes the code; an activation by count has an L0 of its own.
        penalty: The penalty on the codes.

    Raises:
        ValueError: The message names the argument that does not fit.
    """
    k = getattr(activation, "k", None)
    if k is not None and k > code_dim:
        raise ValueError(
            f"Invalid value for argument `k`. Expected at most the {code_dim} units of the code. "
            f"Received: k={k}. Remedy: a smaller k, or a larger code_dim"
        )
    if k is not None and penalty is not None and penalty.unit_range:
        raise ValueError(
            f"Invalid value for argument `activation`. Expected one that gives codes in [0, 1], "
            f"such as 'sigmoid', for {type(penalty).__name__}. Received: an activation by count. "
            "Remedy: no penalty beside it, or L1"
        )
    if target_l0 is None or (k is not None and target_l0 == k):
        return
    if k is not None:
        received, remedy = f"an activation with k={k}", f"target_l0={k}, or None"
    elif penalty is None:
        received, remedy = "no sparsity", "sparsity='auto', or L1()"
    elif getattr(penalty, "target_activation", None) is not None:
        received = f"{type(penalty).__name__}, which has a target of its own"
        remedy = "choose its `rho`, or another sparsity"
    else:
        return
    raise ValueError(
        "Invalid value for argument `target_l0`. Expected one that the sparsity can reach. "
        f"Received: target_l0={target_l0} with {received}. Remedy: {remedy}"
    )
