"""Export a list of Keras models, by `export_encoder` and by Keras' own export to ONNX.

    python -m robustness.zoo --backend tensorflow
    python -m robustness.zoo --backend jax --models lstm,gru
    python -m robustness.zoo --backend torch --keras-only

Models are small and have random weights. Each is exported in a process of its own, with the
defaults of both exports; a refusal counts as a failure. Codes are compared with those of Keras in
float32 on the CPU, on fresh rows at batch 1, 7 and 64: right are those that differ by at most 1e-4
of max(1, max|code|). Results go into `results/BACKEND.csv`, those of other models stay as they are;
the script prints a summary. Keras' own export needs jax2onnx on JAX, and uses onnxscript on torch.
"""

import argparse
import os
import sys

BACKENDS = ("tensorflow", "jax", "torch")


def main() -> None:
    options = _parse_options()
    os.environ["KERAS_BACKEND"] = options.backend
    from robustness.zoo import catalog, processes, table

    entries = catalog.list_entries(options.backend)
    names = options.models or [entry.name for entry in entries]
    if unknown := sorted(set(names) - {entry.name for entry in entries}):
        raise SystemExit(f"Expected models of the list. Received: --models {','.join(unknown)}")
    left_out = catalog.list_left_out(options.backend)
    jobs = [(name, exporter) for name in names for exporter in options.exporters]
    for number, ((name, exporter), outcome) in enumerate(processes.run(jobs), 1):
        # Read again, because another run may have written results of other models.
        rows = table.merge(table.read(options.backend), entries, left_out)
        table.record(rows[name], exporter, outcome)
        table.write(options.backend, rows)
        progress = f"{number}/{len(jobs)} {name}, {exporter}: {outcome.status}"
        print(progress, outcome.message[:150], file=sys.stderr, flush=True)
    print(table.summarize(options.backend, rows, left_out))


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--backend", choices=BACKENDS, required=True)
    parser.add_argument(
        "--models", type=lambda text: text.split(","), help="names with commas, by default all"
    )
    only = parser.add_mutually_exclusive_group()
    for option, exporter in (("--keras-only", "keras"), ("--ours-only", "ours")):
        only.add_argument(option, dest="exporters", action="store_const", const=[exporter])
    parser.set_defaults(exporters=["ours", "keras"])
    return parser.parse_args()


if __name__ == "__main__":
    main()
