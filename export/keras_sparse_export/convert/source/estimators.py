"""Find the Keras model in an estimator of scikit-learn, without loading scikit-learn."""

from typing import Any

import keras


def find_model(model: Any) -> Any:
    """Return the Keras model of a fitted transformer, as `model_`; anything else as it is.

    Raises:
        ValueError: If it is a pipeline with other steps, which would stay behind, or not fitted.
    """
    steps = [step for step in _list_steps(model) if step[1] not in (None, "passthrough")]
    if not steps:
        return _get_model(model) if hasattr(model, "get_params") else model
    holders = [index for index, (_, step) in enumerate(steps) if _is_ours(step)]
    if not holders:
        return model
    place = holders[0]
    name, transformer = steps[place]
    found = _get_model(transformer)
    if len(steps) == 1:
        return found
    before, after = (
        ", ".join(f"{name} ({type(step).__name__})" for name, step in part)
        for part in (steps[:place], steps[place + 1 :])
    )
    received = " and ".join(
        f"{listed} {where} it"
        for listed, where in ((before, "before"), (after, "behind"))
        if listed
    )
    remedy = f"pipeline[{name!r}].model_, for rows as they come to this step"
    if before:
        remedy += (
            '; or train without the steps before, with normalization="standard" in place of a '
            "scaler"
        )
    raise ValueError(
        "Invalid value for argument `model`. Expected a model without steps around it, which an "
        f"export leaves behind. Received: a pipeline with {received}. Remedy: {remedy}"
    )


def _list_steps(model: Any) -> list[tuple[str, Any]]:
    steps = getattr(model, "steps", None)
    return [*steps] if isinstance(steps, list) and hasattr(model, "named_steps") else []


def _is_ours(step: Any) -> bool:
    return isinstance(getattr(step, "model_", None), keras.Model) or hasattr(step, "code_dim")


def _get_model(estimator: Any) -> keras.Model:
    """Return the model of a fitted estimator.

    Raises:
        ValueError: If it has none.
    """
    model = getattr(estimator, "model_", None)
    if not isinstance(model, keras.Model):
        raise ValueError(
            "Invalid value for argument `model`. Expected a fitted estimator with a Keras model. "
            f"Received: {type(estimator).__name__} without `model_`. Remedy: call `fit` first"
        )
    return model
