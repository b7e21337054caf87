"""Search by sparse vectors: k pairs of a unit and its code for each row, an inverted index of them.

A device sends the pairs, here 16 x 8 bytes a row; whoever searches looks only at rows that share a
unit with the query.

python examples/search_vectors.py [--epochs 60]
"""

import argparse
import tempfile

import keras
import numpy as np
from scipy.sparse import csr_array
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import keras_sparse
from keras_sparse_export import Encoder, export_encoder

K, NEIGHBOURS, UNITS = 16, 10, 128

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--epochs", type=int, default=60)
options = parser.parse_args()

keras.utils.set_random_seed(0)
x, y = load_digits(return_X_y=True)
x = x.astype(np.float32)
kept, asked, y_kept, y_asked = train_test_split(x, y, test_size=0.25, random_state=0)

model = keras_sparse.SparseAutoencoder(
    64, UNITS, sparsity=keras_sparse.L1(3e-3), normalization="minmax"
)
model.adapt(kept)
model.compile(keras.optimizers.Adam(3e-3))
warm_up = keras_sparse.PenaltySchedule(keras_sparse.PenaltySchedule.warm_up(3e-3, 10))
model.fit(kept, epochs=options.epochs, batch_size=64, verbose=0, callbacks=[warm_up])

with tempfile.TemporaryDirectory() as folder:
    bundle = export_encoder(model, f"{folder}/digits", sample=kept, top_k=K)
    encoder = Encoder(bundle)
    encoder.verify()


def vectors(rows: np.ndarray) -> csr_array:
    """What the pairs of a device amount to: one sparse vector a row, of length 1."""
    values, indices = encoder.encode_top_k(rows)
    values[values <= encoder.threshold] = 0  # the largest of a row may be units that are not active
    values /= np.linalg.norm(values, axis=1, keepdims=True).clip(1e-12)
    starts = np.arange(len(rows) + 1) * K
    found = csr_array((values.ravel(), indices.ravel(), starts), shape=(len(rows), UNITS))
    found.eliminate_zeros()
    return found


def precision(similarity: np.ndarray) -> float:
    """Of the nearest ten, the share that shows the digit asked for."""
    nearest = np.argsort(-similarity, axis=1, kind="stable")[:, :NEIGHBOURS]
    return float((y_kept[nearest] == y_asked[:, np.newaxis]).mean())


def unit(rows: np.ndarray) -> np.ndarray:
    """Rows of length 1."""
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


stored, queries = vectors(kept), vectors(asked)
index = stored.tocsc()  # by unit, the rows in which it is active and how strongly

query = queries[[0]]
touched = sum(index.indptr[unit + 1] - index.indptr[unit] for unit in query.indices)
similarity = (query @ index.T).toarray()[0]
nearest = np.argsort(-similarity, kind="stable")[:NEIGHBOURS]
print(f"A {y_asked[0]} is asked for: nearest are {', '.join(map(str, y_kept[nearest]))}")
print(f"{touched} products were formed, {kept.size} by pixels")
print(f"{'':18}precision at {NEIGHBOURS}   bytes a row")
sizes = {"sparse, as sent": 8 * K, "sparse, as stored": 8 * stored.nnz / len(kept)}
for name, size in sizes.items():
    print(f"{name:18}{precision((queries @ stored.T).toarray()):15.3f}{size:14.0f}")
dense = unit(model.encode(asked) + 1e-12) @ unit(model.encode(kept) + 1e-12).T
print(f"{'codes, dense':18}{precision(dense):15.3f}{4 * UNITS:14.0f}")
print(f"{'pixels':18}{precision(unit(asked) @ unit(kept).T):15.3f}{4 * x.shape[1]:14.0f}")
