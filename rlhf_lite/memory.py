"""Memory that was freed, given back."""

import ctypes
from functools import cache


def give_back() -> None:
    """Hand freed memory back to the system, where the C library can (glibc).

    Each thread frees into a store of its own, which glibc keeps: after sampling in two threads that was 0.8 GB. Costs a
    few milliseconds.
    """
    if (trim := _trim()) is not None:
        trim(0)


@cache
def _trim():
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # no glibc
        return None
