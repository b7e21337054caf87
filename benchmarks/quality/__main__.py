"""Reproduce published results at their full setting; each prints its table.

python -m quality ufldl.self-taught --data mnist.npz
"""

import argparse
import importlib
import sys
from pathlib import Path

EXPERIMENTS = {
    "ufldl.self-taught": "self-taught learning on MNIST (UFLDL, CS294A)",
    "ufldl.edges": "edges from natural images (UFLDL)",
    "keras-blog": "the sparse autoencoder of the Keras blog",
    "l1-kl": "L1 against KL on one frontier",
    "frontier": "all families beside torch references at the same L0",
    "defaults": "the command without options on real tables",
    "gallery": "what units of each family learn",
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    experiments = parser.add_subparsers(dest="experiment", required=True)
    for name, purpose in EXPERIMENTS.items():
        # Each has its own arguments; only the one that runs is imported.
        experiments.add_parser(name, help=purpose, add_help=False)
    options, arguments = parser.parse_known_args()
    sys.path.append(str(Path(__file__).parents[2]))  # the models are in the examples
    importlib.import_module(f"quality.{options.experiment.replace('-', '_')}").main(arguments)


if __name__ == "__main__":
    main()
