"""Hide a fifth of the entries of real tables, and compare how well each method predicts them.

python -m quality.hidden_entries [--share 0.2]
"""

import argparse

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.impute import KNNImputer, SimpleImputer

from keras_sparse import SparseAutoencoderTransformer


def hide(x: np.ndarray, share: float) -> np.ndarray:
    """Hide entries at random; each row keeps one."""
    hidden = np.random.default_rng(0).random(x.shape) < share
    hidden[:, 0] &= ~hidden.all(axis=1)
    return np.where(hidden, np.nan, x)


def predict(method: str, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Predict all entries of the test rows."""
    if method in ("mean", "mask"):
        transformer = SparseAutoencoderTransformer(missing=method, random_state=0).fit(train)
        return transformer.inverse_transform(transformer.transform(test))
    imputer = SimpleImputer() if method == "column means" else KNNImputer()
    return np.asarray(imputer.fit(train).transform(test))


def main() -> None:
    """Print the table: MSE of hidden entries of test rows, in variances of their columns."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--share", type=float, default=0.2, help="of the entries to hide")
    options = parser.parse_args()
    methods = ("column means", "5 nearest neighbours", "mean", "mask")
    print("| table | " + " | ".join(methods) + " |\n| --- |" + " --- |" * len(methods))
    for name, load in (("digits", load_digits), ("breast cancer", load_breast_cancer)):
        x = np.random.default_rng(1).permutation(load().data)
        x = x[:, x.std(axis=0) > 0]
        first, gappy = len(x) * 4 // 5, hide(x, options.share)
        hidden = np.isnan(gappy[first:])
        errors = []
        for method in methods:
            x_hat = predict(method, gappy[:first], gappy[first:])
            squares = np.square((x[first:] - x_hat) / x.std(axis=0))
            errors.append(f"{squares[hidden].mean():.3f}")
        print(f"| {name} | " + " | ".join(errors) + " |", flush=True)


if __name__ == "__main__":
    main()
