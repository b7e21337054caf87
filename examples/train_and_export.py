"""Train a sparse autoencoder on digits and export it with its decoder.

python examples/train_and_export.py [--epochs 60]
"""

import argparse
from pathlib import Path

import keras
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import keras_sparse
from keras_sparse.evaluation.held_out import evaluate
from keras_sparse_export import export_encoder

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--epochs", type=int, default=60)
parser.add_argument("-o", "--output", type=Path, default=Path("runs/digits"))
options = parser.parse_args()

keras.utils.set_random_seed(0)
train, test = train_test_split(load_digits().data, test_size=0.25, random_state=0)

model = keras_sparse.SparseAutoencoder(64, 128, target_l0=8)
model.compile()
model.fit(train, validation_data=test, epochs=options.epochs, batch_size=64, verbose=2)

result = evaluate(model, test)
print(
    f"Explained variance {result.explained_variance:.3f} with {result.l0:.1f} of 128 units active"
)

bundle = export_encoder(model, options.output, sample=test, decoder=True, overwrite=True)
print(f"Wrote {bundle}; next: python examples/run_on_device.py {bundle}")
