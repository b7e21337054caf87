"""Self-taught learning: classify digits 0 to 4 with features of unlabelled digits 5 to 9.

python examples/self_taught_learning.py [--epochs 300]

The setting of UFLDL (CS294A) on a small scale. The 896 unlabelled digits here are too few for codes
to be better than pixels. With the 29,404 of MNIST and the published recipe they are: see
benchmarks/quality.
"""

import argparse

import keras
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from keras_sparse import KL, SparseAutoencoder

# UFLDL's loss at 784 pixels is ½ Σ e² + 3 Σ KL + ½ 3e-3 ‖W‖². Ours is a mean over pixels, so it is
# multiplied by 2 / 784; the same strengths then suit images of any size.
RHO, BETA, DECAY = 0.1, 2 * 3.0 / 784, 3e-3 / 784


def build_autoencoder(pixels: int, units: int) -> SparseAutoencoder:
    """Build UFLDL's autoencoder."""
    return SparseAutoencoder(
        pixels,
        units,
        sparsity=KL(RHO, BETA),
        output_activation="sigmoid",
        kernel_regularizer=keras.regularizers.L2(DECAY),
        normalization=None,
    )


def fit_softmax(
    features: np.ndarray, labels: np.ndarray, decay: float = 1e-4
) -> LogisticRegression:
    """Fit a softmax regression with UFLDL's loss: mean log loss + ½ decay ‖W‖²."""
    return LogisticRegression(C=1 / (decay * len(features)), max_iter=1000).fit(features, labels)


def main() -> None:
    """Compare codes with pixels."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=300)
    parser.add_argument(
        "--labelled", type=int, default=100, help="number of labelled digits 0 to 4"
    )
    options = parser.parse_args()

    digits = load_digits()
    x, y = (digits.data / 16).astype(np.float32), digits.target
    unlabelled, few, labels = x[y >= 5], x[y < 5], y[y < 5]

    keras.utils.set_random_seed(0)
    model = build_autoencoder(64, 100)
    model.compile(keras.optimizers.Adam(1e-2))
    model.fit(unlabelled, batch_size=256, epochs=options.epochs, verbose=0)

    for name, features in (("pixels", few), ("codes", model.encode(few))):
        train, test = features[: options.labelled], features[options.labelled :]
        score = fit_softmax(train, labels[: options.labelled]).score(
            test, labels[options.labelled :]
        )
        print(f"{name:6} of {options.labelled} digits 0 to 4: {score:.1%} of {len(test)} others")


if __name__ == "__main__":
    main()
