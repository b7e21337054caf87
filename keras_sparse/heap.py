"""Memory that a training frees and asks for again at every step."""

import ctypes
import sys

OPTIONS = {-3: 1 << 25, -1: 1 << 26, -2: 1 << 24}
"""Of mallopt(3): M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, M_TOP_PAD."""


def keep_end() -> bool:
    """Have glibc keep 16 to 64 MB of free memory, and take blocks up to 32 MB from it.

    Usually it gives most back to the system, and asks for it again at the next step: fresh pages
    then take TensorFlow up to half of a step with small matrices. It is for the whole process, and
    helps only before TensorFlow computes anything. Elsewhere than on glibc nothing happens.

    Returns:
        Whether it does.

    Source: mallopt(3).
    """
    set_option = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    return set_option is not None and all(map(set_option, OPTIONS, OPTIONS.values()))
