"""Test `robustness.zoo`: some models of the list, the verdicts, and the table of results."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from scipy.stats import norm

from robustness.zoo import catalog, table
from robustness.zoo import judge as judging
from robustness.zoo.entry import ENTRIES, Entry
from robustness.zoo.judge import KERAS, OK, OURS, RAW, REFUSED, WRONG, Outcome, judge

BACKEND = keras.backend.backend()
PROMISED = ["activity_penalty_layer", "add", "autoencoder_l1", "autoencoder_refined", "concatenate",
            "conv1d_same", "layer_normalization", "leaky_relu_layer", "normalization_adapted",
            "relu", "several_outputs"]  # fmt: skip
"""Quick models of the kinds in the table of README.md."""
OTHERS = ["lambda_layer", "quantized_int8", "subclassed_model", "two_inputs_list"]
"""Quick models that are refused today."""


@pytest.fixture
def results() -> dict[str, table.Row]:
    return table.read(BACKEND)


@pytest.mark.slow
@pytest.mark.parametrize("name", PROMISED)
def test_what_is_promised_is_never_behind_the_export_of_keras(
    name: str, results: dict[str, table.Row], tmp_path: Path
) -> None:
    outcome = judge(catalog.find(name), OURS, tmp_path)
    assert outcome.status == OK or results[name]["keras_status"] != OK, outcome
    assert outcome.status in (OK, REFUSED), outcome


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Layer InputLayer does not have:UserWarning")  # Keras' quantize
@pytest.mark.parametrize("name", OTHERS)
def test_no_model_ends_in_a_raw_error(name: str, tmp_path: Path) -> None:
    outcome = judge(catalog.find(name), OURS, tmp_path)
    assert outcome.status in (OK, REFUSED), outcome


# The verdict -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("error", "status"), [(1e-3, WRONG), (np.nan, WRONG), (1e-6, OK)])
def test_codes_are_compared_with_those_of_keras(
    error: float, status: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def export(entry: Entry, model: Any, sample: Any, folder: Path) -> Any:
        codes = judging.cut(model, entry.layer)
        file = folder / "a.onnx"
        file.write_bytes(b"12345")
        return lambda rows: judging.run(codes, rows) + error * (len(rows) == 7), file

    monkeypatch.setattr(judging, "_export", export)
    outcome = judge(catalog.find("relu"), OURS, tmp_path)
    assert (outcome.status, outcome.size or 5) == (status, 5)


@pytest.mark.parametrize(
    ("error", "status"),
    [(ValueError("Expected a row. Received: none"), REFUSED), (ValueError("oh"), RAW),
     (KeyError("Expected a row. Received: none"), RAW)],
)  # fmt: skip
def test_only_errors_that_are_named_are_refusals(
    error: Exception, status: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise error

    monkeypatch.setattr("keras_sparse_export.export_encoder", fail)
    outcome = judge(catalog.find("relu"), OURS, tmp_path)
    assert outcome.status == status
    assert str(error.args[0]) in outcome.message


def test_a_model_in_another_precision_is_compared_in_float32() -> None:
    entry = catalog.find("mixed_float16_dense")
    model = judging.build(entry)
    reference = judging.build_reference(entry, model)
    assert {layer.compute_dtype for layer in reference.layers} == {"float32"}
    x = entry.draw(np.random.default_rng(0), 5)
    kernel, bias = (keras.ops.convert_to_numpy(w) for w in model.weights[:2])
    assert not np.array_equal(bias, np.zeros_like(bias))
    z = x.astype(np.float64) @ kernel + bias
    np.testing.assert_allclose(judging.run(reference.layers[0], x), z * norm.cdf(z), atol=1e-6)


def test_words_do_not_depend_on_the_run(tmp_path: Path) -> None:
    file = tmp_path / "keras.onnx"
    error = RuntimeError(
        f"\n\x1b[1mat 0x7f0123456789\x1b[0m in {file}, /a/site-packages/b.py\nmore"
    )
    words = judging.shorten(judging.describe(error), tmp_path)
    assert words == "RuntimeError: at 0x… in …/keras.onnx, …/b.py"


# The table ---------------------------------------------------------------------------------------


def test_every_model_has_results(results: dict[str, table.Row]) -> None:
    """Of a new model: `python -m robustness.zoo --backend BACKEND --models NAME`."""
    for entry in catalog.list_entries(BACKEND):
        row = results[entry.name]
        assert row["keras_status"], entry.name
        assert row["ours_status"], entry.name


def test_a_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    entries = [catalog.find("relu"), catalog.find("lstm")]
    rows = table.merge({}, entries)
    table.record(rows["lstm"], KERAS, Outcome(OK, "", 2e-7, 1.25, 300))
    table.record(rows["lstm"], OURS, Outcome(REFUSED, 'Expected "a", b. Received: c'))
    table.write("jax", rows, tmp_path)
    assert table.read("jax", tmp_path) == rows
    again = table.merge(table.read("jax", tmp_path), entries[::-1])
    assert list(again) == ["lstm", "relu"]
    assert again == rows
    assert list(tmp_path.iterdir()) == [tmp_path / "jax.csv"]


def test_the_summary_counts_and_names() -> None:
    rows = table.merge({}, list(ENTRIES.values())[:3])
    for row, ours, own in zip(rows.values(), (OK, REFUSED, RAW), (RAW, OK, OK), strict=True):
        table.record(row, OURS, Outcome(ours))
        table.record(row, KERAS, Outcome(own))
    _, second, third = rows
    summary = table.summarize("torch", rows, {"hub": "absent"})
    assert "| torch | 3 | 1 | 2 | 2 | 0 | 1 |" in summary
    assert f"Behind Keras: {second}, {third}." in summary
    assert f"Raw errors: {third}." in summary
    assert "Left out: hub (absent)." in summary
