"""Training in half precision, compiled, in several steps at a time: all of it exports."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from keras_sparse import KL, L1, SparseAutoencoder
from keras_sparse_export import Encoder, export_encoder
from models import model_of

TORCH = keras.backend.backend() == "torch"


def trained(
    rows: np.ndarray, dtype: str = "float32", **options: Any
) -> tuple[SparseAutoencoder, float]:
    """A model, and the loss of its last epoch."""
    keras.utils.set_random_seed(0)
    model = SparseAutoencoder(
        12,
        6,
        sparsity=KL(0.2, 0.01),
        normalization="standard",
        rho_horizon=1000,
        dtype=dtype,
    )
    model.adapt(rows)
    accumulated = options.pop("gradient_accumulation_steps", None)
    optimizer = keras.optimizers.Adam(1e-2, gradient_accumulation_steps=accumulated)
    model.compile(optimizer, **options)
    losses = model.fit(rows, batch_size=64, epochs=4, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    return model, losses[-1]


@pytest.fixture(scope="module")
def plain_loss(shared_rows: np.ndarray) -> float:
    """The loss of a training in float32, compiled as Keras does by itself."""
    return trained(shared_rows.copy())[1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "tolerance"),
    [
        pytest.param({"dtype": "mixed_bfloat16"}, 0.02, id="mixed_bfloat16"),
        pytest.param({"dtype": "mixed_float16"}, 0.01, id="mixed_float16"),
        pytest.param(
            {"jit_compile": True},
            1e-5,
            id="jit_compile",
            marks=pytest.mark.skipif(TORCH, reason="torch.compile takes minutes, and a compiler"),
        ),
        pytest.param({"jit_compile": False}, 1e-5, id="not compiled"),
        pytest.param({"run_eagerly": True}, 1e-5, id="eagerly"),
        pytest.param(
            {"steps_per_execution": 3},
            1e-5,
            id="steps_per_execution",
            marks=pytest.mark.skipif(TORCH, reason="Keras has no steps_per_execution on torch"),
        ),
        pytest.param({"gradient_accumulation_steps": 2}, 0.5, id="gradient accumulation"),
    ],
)
def test_it_trains_and_exports_in_every_way(
    arguments: dict[str, Any],
    tolerance: float,
    plain_loss: float,
    rows: np.ndarray,
    tmp_path: Path,
) -> None:
    model, loss = trained(rows, **arguments)
    assert loss == pytest.approx(plain_loss, rel=tolerance)
    bundle = export_encoder(model, tmp_path / "bundle", sample=rows, decoder=True)
    codes = Encoder(bundle).encode(rows)
    assert codes.dtype == np.float32
    np.testing.assert_allclose(
        codes, model.encode(rows), atol=0.02 if "dtype" in arguments else 1e-5
    )


@pytest.mark.skipif(not TORCH, reason="the other backends have it")
def test_keras_has_no_steps_per_execution_on_torch(rows: np.ndarray) -> None:
    model = model_of()
    model.compile(steps_per_execution=3)
    with pytest.raises(ValueError, match="steps_per_execution"):
        model.fit(rows, verbose=0)


def test_weights_keep_full_precision_beside_half(rows: np.ndarray) -> None:
    model = SparseAutoencoder(12, 6, sparsity=L1(1.0), dtype="mixed_float16", normalization=None)
    model.compile()
    whole = model.evaluate(rows[:293], return_dict=True, verbose=0)
    filled = model.evaluate(rows[:293], batch_size=256, return_dict=True, verbose=0)
    assert filled["sparsity_loss"] == pytest.approx(whole["sparsity_loss"], rel=1e-4)


@pytest.mark.slow
def test_raw_rows_may_be_too_large_for_half_precision(rows: np.ndarray) -> None:
    model = SparseAutoencoder(12, 6, sparsity=None, normalization="standard", dtype="mixed_float16")
    model.adapt(rows * 1e6)
    model.compile()
    assert np.isfinite(model.fit(rows * 1e6, verbose=0).history["loss"][0])
    assert np.isfinite(model.predict(rows * 1e6, verbose=0)).all()
