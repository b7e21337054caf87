"""Add sparsity to any Keras model with one argument, and export the codes as ONNX.

python examples/add_sparsity_to_any_model.py [--epochs 30]
"""

import argparse
from pathlib import Path

import keras
from sklearn.datasets import load_digits

import keras_sparse
from keras_sparse_export import Encoder, export_encoder

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--epochs", type=int, default=30)
parser.add_argument("-o", "--output", type=Path, default=Path("runs/any-model"))
options = parser.parse_args()

digits = load_digits()
x = digits.data / 16

# A classifier whose hidden units should have a mean activation of 0.05.
model = keras.Sequential([keras.Input((64,))])
model.add(
    keras.layers.Dense(
        64,
        activation="sigmoid",
        activity_regularizer=keras_sparse.KL(rho=0.05, beta=1e-2),
        name="code",
    )
)
model.add(keras.layers.Dense(10, activation="softmax"))
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x, digits.target, epochs=options.epochs, validation_split=0.2, verbose=2)

bundle = export_encoder(model, options.output, layer="code", sample=x, overwrite=True)
codes = Encoder(bundle).encode(x)
active = keras_sparse.measures.l0(codes, 0.1)
print(f"Mean activation {codes.mean():.3f}, {active:.1f} of 64 units active")
