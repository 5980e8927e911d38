"""Memory for large tensors: what a pass over a network frees is kept for the next one.

glibc returns freed memory to the system above a threshold, and the system clears every page of it before it gives it
back. An attack frees and takes the same hundreds of MiB at every step.
"""

import ctypes
import os
import sys
from collections.abc import Mapping

# mallopt(3)'s parameters, as <malloc.h> numbers them, and what they are set to, in bytes.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
_LARGEST = (2**30, 2**25)  # of a block that is kept; older versions of glibc refuse the first
_OTHERS = {_TRIM_THRESHOLD: 2**31 - 1, _TOP_PAD: 2**26}
_OWN = ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_TOP_PAD_", "GLIBC_TUNABLES")


def keep_freed_memory(environment: Mapping[str, str] = os.environ) -> bool:
    """Has this process keep the memory that it frees, of tensors below 1 GiB (in older glibc 32 MiB); whether it does.

    It does not where the environment sets the allocator already, and on systems without glibc's `mallopt`. The price:
    a process holds its peak.
    """
    if not sys.platform.startswith("linux") or any(name in environment for name in _OWN):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None or not any(mallopt(_MMAP_THRESHOLD, size) for size in _LARGEST):
        return False
    for option, value in _OTHERS.items():
        mallopt(option, value)
    return True
