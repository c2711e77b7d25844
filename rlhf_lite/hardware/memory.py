"""Memory that was freed: kept for the next step, and given back now and then."""

import ctypes
from functools import cache


def give_back() -> None:
    """Hand freed memory back to the system, where the C library can (glibc).

    Each thread frees into a store of its own, which glibc keeps: after sampling in two threads that was 0.8 GB. Costs a
    few milliseconds.
    """
    if (trim := _glibc("malloc_trim")) is not None:
        trim(0)


def keep_freed() -> None:
    """Let the C library, where it can (glibc), use freed memory again instead of asking the system for new pages, which come
    zeroed and one by one: a step in bfloat16 spends 3 to 8 % of its time on that."""
    if (set_option := _glibc("mallopt")) is not None:
        for option, size in (
            (-3, 256 << 20),
            (-1, 512 << 20),
            (-2, 16 << 20),
        ):  # M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, M_TOP_PAD
            set_option(option, size)


@cache
def _glibc(name: str):
    try:
        return getattr(ctypes.CDLL(None), name)
    except (AttributeError, OSError, TypeError):  # no glibc
        return None
