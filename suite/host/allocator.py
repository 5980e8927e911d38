"""Memory for large tensors: what a pass over a network frees is kept for the next one.

glibc returns freed memory to the system above a threshold, and the system clears every page of it before it gives it
back. An attack frees and takes the same hundreds of MiB at every step: a fifth of its time on a CPU.
"""

import ctypes
import os
import sys
from collections.abc import Mapping

# mallopt(3)'s parameters, as <malloc.h> numbers them, and what they are set to, in bytes.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
_NEVER = 2**31 - 1  # the largest value that it takes
_OPTIONS = {_MMAP_THRESHOLD: 2**30, _TRIM_THRESHOLD: _NEVER, _TOP_PAD: 2**26}
_OWN = ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_TOP_PAD_", "GLIBC_TUNABLES")


def keep_freed_memory(environment: Mapping[str, str] = os.environ) -> bool:
    """Has this process keep freed memory below 1 GiB a tensor; whether it does.

    It does not where the environment sets the allocator already, and on systems without glibc's `mallopt`.
    """
    if not sys.platform.startswith("linux") or any(name in environment for name in _OWN):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    taken = [mallopt(option, value) for option, value in _OPTIONS.items()]
    return all(taken)
