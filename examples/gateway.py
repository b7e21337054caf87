"""Features of a sensor on a gateway: windows of a series in, JSON lines of active units out.

python examples/gateway.py BUNDLE [SERIES.csv]

One number a line, from a file, from standard input (`-`), or, without either, a machine that
vibrates and begins to knock. Every window is as long as a row of the encoder, and half of it is
new. A reading that is no number is left out of the series, and counted at the end.
"""

import argparse
import json
import math
import signal
import sys
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from keras_sparse_export import Encoder


def vibration(samples: int = 400) -> Iterator[float]:
    """Two harmonics and a little noise; in the second half a knock every 37 samples."""
    noise = np.random.default_rng(0).normal(scale=0.05, size=samples)
    for t in range(samples):
        knock = 2 * math.exp(-(t % 37) / 3) if t >= samples // 2 else 0
        yield math.sin(0.4 * t) + 0.3 * math.sin(1.2 * t) + noise[t] + knock


def readings(source: str | None) -> Iterator[float]:
    """Numbers as they come, NaN for what is none."""
    if source is None:
        yield from vibration()
        return
    with open(sys.stdin.fileno() if source == "-" else source) as lines:
        for line in lines:
            try:
                yield float(line)
            except ValueError:
                yield math.nan


if hasattr(signal, "SIGPIPE"):  # who reads the lines may have enough of them
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("bundle", type=Path)
parser.add_argument("series", nargs="?", help="a file, or - for standard input")
options = parser.parse_args()

encoder = Encoder(options.bundle)
(width,) = encoder.input_shape
window: deque[float] = deque(maxlen=width)
step, fresh, left_out = max(width // 2, 1), 0, 0

for sample, value in enumerate(readings(options.series)):
    if not math.isfinite(value):
        left_out += 1
        continue
    window.append(value)
    fresh += 1
    if len(window) < width or fresh < step:
        continue
    fresh = 0
    code = encoder.encode(np.array(window))
    active = np.flatnonzero(code > encoder.threshold)
    features = {
        "sample": sample,
        "indices": active.tolist(),
        "values": [round(value, 4) for value in code[active].tolist()],
    }
    print(json.dumps(features), flush=True)

if left_out:
    print(f"{left_out} readings left out", file=sys.stderr)
