"""Search with sparse vectors: an inverted index of the k largest codes of each row.

A device sends k pairs of a unit and its code, here 16 x 8 bytes per row. The search compares only
rows that share a unit with the query.

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
rows, queried, y_rows, y_queried = train_test_split(x, y, test_size=0.25, random_state=0)

model = keras_sparse.SparseAutoencoder(
    64, UNITS, sparsity=keras_sparse.L1(3e-3), normalization="minmax"
)
model.adapt(rows)
model.compile(keras.optimizers.Adam(3e-3))
warm_up = keras_sparse.PenaltySchedule(keras_sparse.PenaltySchedule.warm_up(3e-3, 10))
model.fit(rows, epochs=options.epochs, batch_size=64, verbose=0, callbacks=[warm_up])

with tempfile.TemporaryDirectory() as folder:
    bundle = export_encoder(model, f"{folder}/digits", sample=rows, top_k=K)
    encoder = Encoder(bundle)
    encoder.verify()


def encode_vectors(rows: np.ndarray) -> csr_array:
    """Turn the pairs of a device into one sparse vector of length 1 per row."""
    values, indices = encoder.encode_top_k(rows)
    values[~encoder.is_active(values)] = 0  # inactive units may be among the k largest
    values /= np.linalg.norm(values, axis=1, keepdims=True).clip(1e-12)
    starts = np.arange(len(rows) + 1) * K
    matrix = csr_array((values.ravel(), indices.ravel(), starts), shape=(len(rows), UNITS))
    matrix.eliminate_zeros()
    return matrix


def measure_precision(similarity: np.ndarray) -> float:
    """Measure the fraction of the nearest ten rows that show the digit of the query."""
    nearest = np.argsort(-similarity, axis=1, kind="stable")[:, :NEIGHBOURS]
    return float((y_rows[nearest] == y_queried[:, np.newaxis]).mean())


def normalize(rows: np.ndarray) -> np.ndarray:
    """Scale rows to length 1."""
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


stored, queries = encode_vectors(rows), encode_vectors(queried)
index = stored.tocsc()  # for each unit, the rows in which it is active, and its codes

query = queries[[0]]
products = sum(index.indptr[unit + 1] - index.indptr[unit] for unit in query.indices)
similarity = (query @ index.T).toarray()[0]
nearest = np.argsort(-similarity, kind="stable")[:NEIGHBOURS]
print(f"Query {y_queried[0]}: the nearest are {', '.join(map(str, y_rows[nearest]))}")
print(f"{products} products were computed, {rows.size} with pixels")
print(f"{'':18}precision at {NEIGHBOURS}   bytes per row")
sizes = {"sparse, as sent": 8 * K, "sparse, as stored": 8 * stored.nnz / len(rows)}
for name, size in sizes.items():
    print(f"{name:18}{measure_precision((queries @ stored.T).toarray()):15.3f}{size:14.0f}")
dense = normalize(model.encode(queried) + 1e-12) @ normalize(model.encode(rows) + 1e-12).T
print(f"{'codes, dense':18}{measure_precision(dense):15.3f}{4 * UNITS:14.0f}")
pixels = normalize(queried) @ normalize(rows).T
print(f"{'pixels':18}{measure_precision(pixels):15.3f}{4 * x.shape[1]:14.0f}")
