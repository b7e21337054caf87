"""Import what exports need, once: processes forked afterwards have it."""

import contextlib
import importlib
import os

_MODULES = {"tensorflow": ("tf2onnx",), "jax": ("jax2onnx",), "torch": ("torch.onnx", "onnxscript")}
_BACKEND = os.environ.get("KERAS_BACKEND", "tensorflow")

for _name in (*_MODULES[_BACKEND], "robustness.zoo.catalog"):
    with contextlib.suppress(ImportError):
        importlib.import_module(_name)
if _BACKEND == "jax":  # it imports hundreds of modules at the first export, for half a minute
    with contextlib.suppress(ImportError):
        from jax2onnx.plugins.plugin_system import import_all_plugins

        import_all_plugins()
