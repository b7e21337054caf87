"""Start the `keras-sparse` command before Keras is loaded.

Importing `keras_sparse` loads Keras, which takes seconds and fixes the backend. Python runs a
package's `__init__.py` before any of its modules, so the command cannot start inside the package.
This file is therefore installed at the top level, as `_keras_sparse_command`. It makes the modules
of the package importable without running `keras_sparse/__init__.py`, and hands the command a
function that runs it, to be called once the arguments are parsed and the backend is selected.
"""

import sys
from importlib.util import find_spec, module_from_spec


def main() -> int:
    """Run the command; return its exit status."""
    spec = find_spec("keras_sparse")
    assert spec is not None
    assert spec.loader is not None
    package = module_from_spec(spec)
    sys.modules[spec.name] = package
    loader = spec.loader

    from keras_sparse.cli.main import main

    return main(load=lambda: loader.exec_module(package))


if __name__ == "__main__":
    sys.exit(main())
