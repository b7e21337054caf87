"""Run an exported encoder on a device, with onnxruntime and numpy alone.

python examples/run_on_device.py BUNDLE
"""

import argparse
from pathlib import Path

import numpy as np
import onnxruntime

from keras_sparse_export import Encoder

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("bundle", type=Path)
options = parser.parse_args()

# With `keras_sparse_export`: checks the input, verifies hashes and golden rows.
encoder = Encoder(options.bundle)
verified = encoder.verify()
print(f"{verified.files} files as in the manifest; golden rows: {verified.golden}")

rows = np.fromfile(options.bundle / "golden_x.f32", "<f4").reshape(-1, *encoder.input_shape)
codes = encoder.encode(rows)
active = encoder.is_active(codes)
print(f"{len(rows)} rows, {active.sum(1).mean():.1f} of {codes.shape[1]} units active per row")
print(f"Units active in the first row: {np.flatnonzero(active[0]).tolist()}")

# Without it: the file is ordinary ONNX.
session = onnxruntime.InferenceSession(options.bundle / "encoder.onnx")
(same,) = session.run(["code"], {"x": rows})
np.testing.assert_allclose(same, codes, atol=1e-6)
