"""A run made of a model and rows, for a page about a model that lies in no folder."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from keras_sparse.data import arrays
from keras_sparse.data.named_rows import order_by_name
from keras_sparse.evaluation.held_out import evaluate
from keras_sparse.experiments.run_folder import MAX_HELD_OUT, RunFolder
from keras_sparse.models.sparse_autoencoder import SparseAutoencoder
from keras_sparse.sparsity import families


def make_run(model: SparseAutoencoder, x: Any) -> RunFolder:
    """Measure a model on rows, and add what it knows of its training.

    Args:
        model: The model.
        x: Rows that it was not trained on.

    Raises:
        DataError: If `x` does not fit the model.
        ValueError: If the model is not adapted.
    """
    x = arrays.as_rows(order_by_name(x, model.columns), model.row_shape)
    history = getattr(getattr(model, "history", None), "history", None) or {}
    epochs = len(history.get("loss", ()))
    record = {
        "settings": _describe_sparsity(model),
        "row_shape": list(model.feature_shape),
        "columns": None if model.columns is None else list(model.columns),
        "evaluation": asdict(evaluate(model, x)),
    }
    curves = {name: np.asarray(values, np.float64) for name, values in history.items()}
    return RunFolder(
        Path(),
        record=record,
        history={"epoch": np.arange(1.0, epochs + 1), **curves} if epochs else {},
        held_out=np.asarray(x[:MAX_HELD_OUT], np.float32).reshape(min(len(x), MAX_HELD_OUT), -1),
        model=model,
    )


def _describe_sparsity(model: SparseAutoencoder) -> dict[str, Any]:
    """Return settings as of a run, as far as the model knows them."""
    count, penalty = model.count_activation, model.penalty
    settings = {"code_dim": model.encoder.output_shape[-1], "l0": getattr(count, "k", None)}
    if penalty is None:
        family = families.find("refined") if hasattr(count, "second") else families.family_of(count)
        return {**settings, "sparsity": None if family is None else family.name}
    family = families.family_of(penalty.regularizer)
    strength = None if model.target_l0 is not None else penalty.strength
    parameters = {} if family is None else {parameter.name for parameter in family.parameters}
    config = penalty.regularizer.get_config()
    return {
        **settings,
        "l0": model.target_l0 if count is None else settings["l0"],
        "sparsity": None if family is None else family.name,
        "strength": strength,
        **{name: config[name] for name in parameters if name in config},
    }
