"""Have the C library keep memory that a program frees, instead of returning it to the system."""

import ctypes
import sys

# Of mallopt(3): M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, M_TOP_PAD.
OPTIONS = {-3: 1 << 25, -1: 1 << 26, -2: 1 << 24}


def keep_freed_memory() -> bool:
    """Have glibc keep 16 to 64 MB of freed memory, and serve blocks up to 32 MB from it.

    By default glibc returns most freed memory to the system and requests it again at the next step:
    on TensorFlow the fresh pages then take up to half of a step with small matrices. The setting
    holds for the whole process, and helps only if it is made before TensorFlow computes anything.

    The command `keras-sparse` makes it by itself. Call it in a program of your own, or set the
    environment variable `KERAS_SPARSE_KEEP_MEMORY=1`, which is read when `keras_sparse` is
    imported.

    Returns:
        Whether the setting was made; elsewhere than on Linux with glibc it has no effect.

    Source: mallopt(3).
    """
    if sys.platform != "linux":
        return False
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries have none
    return set_option is not None and all(map(set_option, OPTIONS, OPTIONS.values()))
