"""Classic results, reproduced at their full setting: each prints its table.

python benchmarks/quality.py self-taught --data mnist.npz
"""

import argparse
import importlib
import sys
from pathlib import Path

EXPERIMENTS = {
    "self-taught": "self-taught learning on MNIST (UFLDL, CS294A)",
    "edges": "edges from natural images (UFLDL)",
    "keras-blog": "the sparse autoencoder of the Keras blog",
    "frontier": "L1 against KL on one frontier",
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    experiments = parser.add_subparsers(dest="experiment", required=True)
    for name, purpose in EXPERIMENTS.items():
        # Each has arguments of its own, and only the one that runs is imported.
        experiments.add_parser(name, help=purpose, add_help=False)
    chosen, arguments = parser.parse_known_args()
    sys.path.append(str(Path(__file__).parents[1]))  # the examples hold the models
    importlib.import_module(chosen.experiment.replace("-", "_")).main(arguments)


if __name__ == "__main__":
    main()
