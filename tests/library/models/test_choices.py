from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from keras_sparse import KL, L1, L2, BatchTopK, JumpReLU, SparseAutoencoder, TopK
from keras_sparse.sparsity.by_count.refined_code import RefinedCode


@pytest.mark.parametrize(
    ("arguments", "k", "penalty"),
    [
        ({}, 2, None),  # one unit in 16
        ({"target_l0": 5}, 5, None),
        ({"sparsity": BatchTopK(3)}, 3, None),
        ({"sparsity": TopK(3), "target_l0": 3}, 3, None),
        ({"activation": BatchTopK(3)}, 3, None),
        ({"activation": BatchTopK(3), "sparsity": L1()}, 3, L1),
        ({"sparsity": L1()}, None, L1),
        ({"sparsity": None}, None, None),
        ({"sparsity": None, "activation": "tanh"}, None, None),
        ({"sparsity": "none"}, None, None),
        ({"sparsity": "batch_topk"}, 2, None),
        ({"sparsity": "topk", "target_l0": 3}, 3, None),
        ({"sparsity": "jump_relu", "target_l0": 3}, 3, None),
        ({"sparsity": "l1", "target_l0": 3}, None, L1),
        ({"sparsity": "l2", "strength": 0.3}, None, L2),
        ({"sparsity": "kl"}, None, KL),
        ({"strength": 0.3}, None, L1),
        ({"activation": BatchTopK(3), "strength": 0.3}, 3, L1),
    ],
)
def test_what_makes_codes_sparse(arguments: dict[str, Any], k: int | None, penalty: Any) -> None:
    model = SparseAutoencoder(12, 32, **arguments)
    assert getattr(model.count_activation, "k", None) == k
    found = None if model.penalty is None else type(model.penalty.regularizer)
    assert found is penalty
    assert model.target_l0 == arguments.get("target_l0")
    if k is not None:
        assert model.threshold == 0
        layers = [layer.name for layer in model.encoder.layers[2:]]
        refined = not {"sparsity", "activation"} & set(arguments)
        assert layers == (["code"] if refined else ["pre_activation", "code"])


def test_one_unit_of_few_is_active_by_default() -> None:
    assert SparseAutoencoder(12, 6).count_activation.k == 1


@pytest.mark.parametrize(
    ("arguments", "refined"),
    [
        ({}, True),
        ({"refine": 0}, False),
        ({"sparsity": BatchTopK(2), "refine": 1}, True),
        ({"hidden_units": (8,)}, False),
        ({"output_activation": "sigmoid"}, False),
        ({"activation": BatchTopK(2)}, False),
        ({"sparsity": "refined"}, True),
        ({"sparsity": "batch_topk"}, False),
    ],
)
def test_codes_are_corrected_by_default(arguments: dict[str, Any], refined: bool) -> None:
    assert (
        isinstance(SparseAutoencoder(12, 6, **arguments).count_activation, RefinedCode) == refined
    )


@pytest.mark.parametrize(
    ("arguments", "strength"),
    [
        ({"sparsity": "l1"}, 1e-4),
        ({"sparsity": "kl"}, 0.16),  # 5 / units
        ({"sparsity": "kl", "strength": 0.3}, 0.3),
        ({"sparsity": L1(0.3), "strength": 0.3}, 0.3),
        ({"sparsity": "l1", "target_l0": 3}, 0.1 / 12),  # between 0.01 and 1, over 12 features
    ],
)
def test_a_name_has_the_strength_of_its_family(arguments: dict[str, Any], strength: float) -> None:
    penalty = SparseAutoencoder(12, 32, **arguments).penalty
    assert penalty is not None
    assert penalty.regularizer.strength == pytest.approx(strength, rel=0.02)


def test_names_also_stand_for_penalties_on_models_of_your_own() -> None:
    halves = [
        keras.Sequential([keras.Input((12,)), keras.layers.Dense(32, "relu")]),
        keras.Sequential([keras.Input((32,)), keras.layers.Dense(12)]),
    ]
    model = SparseAutoencoder.from_models(*halves, sparsity="l1", strength=0.3)
    assert model.penalty is not None
    assert model.penalty.regularizer.get_config() == {"l1": 0.3}
    with pytest.raises(ValueError, match=r"`strength`. Expected None without a penalty"):
        SparseAutoencoder.from_models(*halves, strength=0.3)


def test_by_count_the_encoder_starts_as_the_decoder_at_unit_norm() -> None:
    model = SparseAutoencoder(12, 32, target_l0=4, refine=0)
    decoder = model.decoder.layers[1]
    kernel = ops.convert_to_numpy(decoder.kernel)
    np.testing.assert_array_equal(
        ops.convert_to_numpy(model.encoder.get_layer("pre_activation").kernel), kernel.T
    )
    np.testing.assert_allclose(np.linalg.norm(kernel, axis=1), 1, rtol=1e-6)
    assert isinstance(decoder.kernel_constraint, keras.constraints.UnitNorm)


def test_two_models_of_one_activation_have_a_threshold_each() -> None:
    activation = BatchTopK(2)
    first, second = (SparseAutoencoder(12, 6, sparsity=activation) for _ in range(2))
    first.count_activation.moving_threshold.assign(2.0)
    assert second.count_activation.thresholds == 0
    assert first.count_activation in first.encoder.layers
    assert not activation.built


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sparsity": BatchTopK(7)}, "`k`. Expected at most the 6 units of the code. Received: k="),
        ({"target_l0": 7}, "`target_l0`. Expected None, or a number above 0 and up to the 6 units"),
        ({"target_l0": 0}, "`target_l0`. Expected None, or a number above 0"),
        ({"target_l0": "3"}, "`target_l0`. Expected None, or a number above 0"),
        ({"activation": "relu"}, "`activation`. Expected 'auto' with a sparsity by count"),
        (
            {"activation": BatchTopK(2), "target_l0": 3},
            "an activation with k=2. Remedy: target",
        ),
        ({"sparsity": KL(), "target_l0": 3}, "KL, which has a target of its own. Remedy: choose"),
        ({"sparsity": None, "target_l0": 3}, "target_l0=3 with no sparsity. Remedy: sparsity="),
        ({"sparsity": KL(), "activation": BatchTopK(2)}, "`activation`. Expected one that gives"),
        ({"refine": 2}, "`refine`. Expected 0, 1 or 'auto'"),
        ({"sparsity": "l3"}, "`sparsity`. Expected one of l1, l2, kl, batch_topk, topk, jump_relu"),
        ({"sparsity": "kl", "target_l0": 3}, "KL, which has a target of its own. Remedy: choose"),
        ({"sparsity": "refined", "refine": 0}, "`refine`. Expected 1 or 'auto' for sparsity='ref"),
        ({"sparsity": "refined", "hidden_units": (8,)}, "`refine`. Expected 0 with hidden layers"),
        ({"sparsity": "topk", "strength": 0.1}, "`strength`. Expected None without a penalty."),
        ({"sparsity": "none", "strength": 0.1}, "`strength`. Expected None without a penalty."),
        ({"sparsity": L1(), "strength": 0.1}, "None with L1, whose strength is 0.0001. Received"),
        ({"sparsity": "l1", "strength": -1}, "`strength`. Expected a finite float of at least 0"),
        ({"strength": 0.1, "target_l0": 2}, "None with target_l0=2, which decides it. Received"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match="Invalid value for argument") as caught:
        SparseAutoencoder(12, 6, **arguments)
    assert message in str(caught.value)


def test_a_sparsity_of_another_type_is_refused() -> None:
    others: list[Any] = [keras.regularizers.L1(0.1), 0.1]
    for sparsity in others:
        with pytest.raises(TypeError, match=r"`sparsity`. Expected .* 'auto' or None"):
            SparseAutoencoder(12, 6, sparsity=sparsity)


def test_an_encoder_of_your_own_may_be_sparse_by_count() -> None:
    def encoder(*layers: keras.layers.Layer) -> keras.Model:
        return keras.Sequential([keras.Input((12,)), *layers])

    dense, decoder = (
        keras.layers.Dense,
        keras.Sequential([keras.Input((6,)), keras.layers.Dense(12)]),
    )
    from_models = SparseAutoencoder.from_models
    for half in (
        encoder(dense(6), BatchTopK(2), keras.layers.Dropout(0.1)),
        encoder(dense(6, activation=BatchTopK(2))),
        encoder(encoder(dense(6), BatchTopK(2))),
    ):
        model = from_models(half, decoder, target_l0=2)
        assert model.count_activation.k == 2
        assert model.threshold == 0
        with pytest.raises(ValueError, match=r"`target_l0`.*an activation with k=2"):
            from_models(half, decoder, target_l0=3)
    behind = from_models(encoder(dense(9), BatchTopK(2), dense(6, "sigmoid")), decoder)
    assert behind.count_activation is None
    assert behind.threshold == 0.1
    with pytest.raises(TypeError, match="`sparsity`"):
        from_models(behind.encoder, decoder, sparsity=BatchTopK(2))


def test_losses_by_count_are_refused_where_replicas_would_mix_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("keras_sparse.distribution.devices.mirrored_replicas", lambda: 2)
    with pytest.raises(
        ValueError, match=r"several devices of TensorFlow\. Received: BatchTopK bes"
    ):
        SparseAutoencoder(6, 8, activation=BatchTopK(2), sparsity=L1())
    with pytest.raises(ValueError, match=r"Received: JumpReLU\. Remedy: BatchTopK or TopK alone"):
        SparseAutoencoder(6, 8, sparsity=JumpReLU(2))
