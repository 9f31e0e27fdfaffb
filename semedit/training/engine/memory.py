"""Memory that a training step frees is kept for the next one.

The C library of Linux gives large freed blocks back to the system, which hands them out again page by page and zeroed:
for networks of many large, short-lived tensors on a CPU that is a third of a step's time.
"""

import ctypes
import sys

#: Options of glibc's mallopt(3): above which size the top of the heap is trimmed, how many blocks may be mapped apart.
TRIM_THRESHOLD, MMAP_MAX = -1, -4


def keep_freed_memory() -> bool:
    """Let this process keep what it frees; whether the C library could be told."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(MMAP_MAX, 0)) and bool(mallopt(TRIM_THRESHOLD, 2**31 - 1))
