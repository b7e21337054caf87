"""Print what `train` has made: what it chose, what it measured, and what is wrong with it."""

import math
from pathlib import Path
from typing import Any

from keras_sparse.evaluation.baselines import TITLES
from keras_sparse.evaluation.detection.result import Detection
from keras_sparse.evaluation.faults import describe_faults
from keras_sparse.evaluation.held_out import comparison_table
from keras_sparse.evaluation.probe_result import Probe
from keras_sparse.experiments import run_folder
from keras_sparse.metrics.run_diagnosis import diagnose_record
from keras_sparse.sparsity import families


def show_run(folder: Path) -> None:
    """Print what a complete run holds, and what is wrong with it."""
    run = run_folder.read_numbers(folder)
    record = run.record
    last = {name: curve[-1] for name, curve in run.units.items()}
    evaluation = run_folder.read_evaluation(record)
    print(f"\n{_describe_rows(record)} in {record['data']}")
    if chosen := _describe_chosen(record):
        print(f"Chosen: {chosen}")
    if (kept := record["best_epoch"]) is not None:
        print(f"The weights are those of epoch {kept}, the best on held-out rows")
    if evaluation_rows := _describe_validation(record):
        print(evaluation_rows)
    print(f"On {evaluation.rows} held-out rows (dead: active for none of them, nor in training):\n")
    baselines = {
        f"{TITLES[entry['kind']]} {entry['l0']}": run_folder.read_evaluation(entry)
        for entry in record["baselines"]
    }
    print(comparison_table({"codes": evaluation, **baselines}))
    for entry in record["baselines"]:
        if entry["kind"] == "learned":
            print(f"\nThe dictionary learning of scikit-learn took {entry['seconds']:.1f} s")
    if faults := record.get("faults"):
        print(f"\n{describe_faults(faults)}")
    if record["probes"]:
        probe = Probe.from_dict(record["probes"])
        on = "all rows, also those that the encoder saw without labels" if probe.folds else "them"
        print(f"\nA linear probe, measured on {on}:\n\n{probe.table()}")
    if record.get("detection"):
        _show_detection(Detection.from_dict(record["detection"]))
    problems = diagnose_record(
        record,
        run.history,
        density=last.get("density"),
        mean_activation=last.get("mean_activation"),
    )
    for problem in problems:
        print(f"\nNote: {problem}")
    print(f"\nWrote {folder}: the model, its history, and {folder / run_folder.BUNDLE}")


def _show_detection(detection: Detection) -> None:
    """Print how well the score detects faults, beside other scores."""
    for level in detection.levels:
        print(f"\nFaults, on {detection.describe(level)}:\n")
        print(level.table())
    for text in detection.compare():
        print(f"\n{text}")


def _describe_rows(record: dict[str, Any]) -> str:
    """How many rows there are, and of what."""
    rows, numbers = sum(record["rows"].values()), math.prod(record["row_shape"])
    if (windows := record.get("windows")) is None:
        return f"{rows} rows of {numbers} columns"
    channels = "" if windows["channels"] == 1 else f" of {windows['channels']} channels"
    rate = windows["sampling_rate"]
    hertz = "" if rate is None else f" at {rate:g} Hz"
    return (
        f"{rows} windows of {windows['window']} samples{channels}{hertz}, of "
        f"{record['recordings']} recordings"
    )


def _describe_chosen(record: dict[str, Any]) -> str:
    """What was chosen where the call left a setting open."""
    settings, unused = record["settings"], record["unused_units"]
    without = f" without {unused} that no row used" if unused else ""
    texts = {
        "sparsity": families.get(settings["sparsity"]).title,
        "code_dim": f"{settings['code_dim']} units{without}",
        "l0": f"L0 {settings['l0']}",
        "strength": f"strength {settings['strength']}",
        "normalization": f"{settings['normalization']} normalization",
        "false_alarm_rate": f"false alarms at a rate of {settings.get('false_alarm_rate')}",
        "learning_rate": f"learning rate {settings['learning_rate']}",
        "batch_size": f"batches of {settings['batch_size']}",
        "steps": f"{settings['epochs']} epochs for {settings['steps']} steps",
    }
    return ", ".join(text for name, text in texts.items() if name in record["chosen"])


def _describe_validation(record: dict[str, Any]) -> str:
    """Which rows ended the training early, and set thresholds or a strength; empty if none did."""
    settings, plan = record["settings"], record["plan"]
    decided = ["when to end the training"] if plan["patience"] is not None else []
    if settings["l0"] is not None:
        decided.append(f"what leads to an L0 of {settings['l0']}")
    if not decided:
        return ""
    if others := record["rows"]["validation"]:
        return f"{others} other held-out rows decided {' and '.join(decided)}"
    which = "of one recording" if record.get("windows") else "too few to divide"
    return (
        f"The {record['rows']['held_out']} held-out rows are {which}: they also decided "
        f"{' and '.join(decided)}"
    )
