"""Compute features of a sensor on a gateway: a series in, JSON lines of active units out.

python examples/gateway.py BUNDLE [SERIES.csv]

The input has one number per line, from a file or standard input (`-`); without either, the example
simulates a machine that vibrates and begins to knock. Every window is as long as a row of the
encoder and overlaps the previous one by half. Readings that are not numbers are skipped, and their
count is reported at the end.
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


def simulate_vibration(samples: int = 400) -> Iterator[float]:
    """Simulate two harmonics and a little noise; in the second half a knock every 37 samples."""
    noise = np.random.default_rng(0).normal(scale=0.05, size=samples)
    for t in range(samples):
        knock = 2 * math.exp(-(t % 37) / 3) if t >= samples // 2 else 0
        yield math.sin(0.4 * t) + 0.3 * math.sin(1.2 * t) + noise[t] + knock


def parse_readings(source: str | None) -> Iterator[float]:
    """Yield numbers as they arrive, and NaN for other lines."""
    if source is None:
        yield from simulate_vibration()
        return
    with open(sys.stdin.fileno() if source == "-" else source) as lines:
        for line in lines:
            try:
                yield float(line)
            except ValueError:
                yield math.nan


if hasattr(signal, "SIGPIPE"):  # the reader of the lines may stop early
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("bundle", type=Path)
parser.add_argument("series", nargs="?", help="file, or - for standard input")
options = parser.parse_args()

encoder = Encoder(options.bundle)
(width,) = encoder.input_shape
window: deque[float] = deque(maxlen=width)
step, fresh, left_out = max(width // 2, 1), 0, 0

for sample, value in enumerate(parse_readings(options.series)):
    if not math.isfinite(value):
        left_out += 1
        continue
    window.append(value)
    fresh += 1
    if len(window) < width or fresh < step:
        continue
    fresh = 0
    code = encoder.encode(np.array(window))
    active = np.flatnonzero(encoder.is_active(code))
    features = {
        "sample": sample,
        "indices": active.tolist(),
        "values": [round(value, 4) for value in code[active].tolist()],
    }
    print(json.dumps(features), flush=True)

if left_out:
    print(f"{left_out} readings left out", file=sys.stderr)
