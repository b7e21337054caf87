"""Import what exports need, once: processes forked afterwards have it."""

import contextlib
import importlib
import os

_MODULES = {"tensorflow": ("tf2onnx",), "jax": ("jax2onnx",), "torch": ("torch.onnx", "onnxscript")}
_BACKEND = os.environ.get("KERAS_BACKEND", "tensorflow")

for _name in (*_MODULES[_BACKEND], "robustness.zoo.catalog"):
    with contextlib.suppress(ImportError):
        importlib.import_module(_name)
