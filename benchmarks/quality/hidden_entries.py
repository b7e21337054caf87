"""Hide a fifth of the entries of real tables, and compare how well each method predicts them.

python -m quality.hidden_entries [--share 0.2]
"""

import argparse
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.impute import KNNImputer, SimpleImputer

from keras_sparse import SparseAutoencoderTransformer


def hide(x: np.ndarray, share: float) -> np.ndarray:
    """Hide entries at random; each row keeps one."""
    hidden = np.random.default_rng(0).random(x.shape) < share
    hidden[:, 0] &= ~hidden.all(axis=1)
    return np.where(hidden, np.nan, x)


def predict(train: np.ndarray, test: np.ndarray) -> tuple[dict[str, np.ndarray], Any]:
    """Predict all entries of the test rows by each method; return a model, too."""
    found = {
        name: np.asarray(imputer.fit(train).transform(test))
        for name, imputer in (("column means", SimpleImputer()), ("5 neighbours", KNNImputer()))
    }
    for missing in ("mean", "mask"):
        transformer = SparseAutoencoderTransformer(missing=missing, random_state=0).fit(train)
        found[missing] = transformer.inverse_transform(transformer.transform(test))
    return found, transformer.model_


def main() -> None:
    """Print the table: MSE of hidden entries of test rows, in the space of the loss."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--share", type=float, default=0.2, help="of the entries to hide")
    options = parser.parse_args()
    print("| table | column means | 5 neighbours | mean | mask |\n| --- |" + " --- |" * 4)
    for name, load in (("digits", load_digits), ("breast cancer", load_breast_cancer)):
        x = np.random.default_rng(1).permutation(load().data)
        x = x[:, x.std(axis=0) > 0]
        first, gappy = len(x) * 4 // 5, hide(x, options.share)
        hidden = np.isnan(gappy[first:])
        found, model = predict(gappy[:first], gappy[first:])
        scaled = model.scale(x[first:])
        errors = [
            f"{np.square(scaled - model.scale(x_hat))[hidden].mean():.3f}"
            for x_hat in found.values()
        ]
        print(f"| {name} | " + " | ".join(errors) + " |", flush=True)


if __name__ == "__main__":
    main()
