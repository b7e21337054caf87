"""Run the `keras-sparse` command as `python -m keras_sparse`, which loads Keras first."""

import sys

from keras_sparse.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
