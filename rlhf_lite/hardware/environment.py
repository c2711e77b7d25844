"""What this process tells torch and the C library, and whether it computes the plain way, or only a little.

RLHF_LITE_PLAIN=1 is the plain way: transformers' own forward pass, in float32, in one thread of work. Nothing
of `kernels`, `graphs` and packing is used. Everything else gives the same numbers, rounding aside, in less
time.
"""

from __future__ import annotations

import ctypes
import os
import sys
import warnings
from functools import cache

# On a CPU torch keeps what it prepared for the last 1,024 shapes, in each of two stores: with batches of many
# widths that is a third of a training's memory. The first store saves no time. The second does: with 300
# instead of 1,000 a training takes a tenth longer.
SETTINGS = {"LRU_CACHE_CAPACITY": "20", "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "1000"}
# Threads that wait for one another do so by spinning (GNU OpenMP): 300,000 turns, and 100 as soon as two
# threads of Python have used torch. A thread that spins holds the core that the other needs: beside one busy
# program a training of 8 seconds takes 16 with a thousand turns and 40 with ten thousand. With 100, threads
# are put to sleep and woken 75,000 times, which takes half as long again. "active" makes that number 1,000,
# too; the last line undoes what it means to other OpenMPs.
WAITING = {"OMP_WAIT_POLICY": "active", "GOMP_SPINCOUNT": "1000", "KMP_BLOCKTIME": "200"}


def plain() -> bool:
    """Whether RLHF_LITE_PLAIN=1 asks for the plain way; read at every call."""
    return os.environ.get("RLHF_LITE_PLAIN", "0") not in ("", "0")


def configure() -> None:
    """Set what torch reads when it is loaded, unless the user has set it. `import rlhf_lite` does this."""
    wanted = dict(SETTINGS)
    if sys.platform == "linux" and "OMP_WAIT_POLICY" not in os.environ:
        wanted |= WAITING
    late = "torch" in sys.modules and not wanted.keys() <= os.environ.keys()
    for name, value in wanted.items():
        os.environ.setdefault(name, value)
    if late:
        warnings.warn(
            "torch was imported before rlhf_lite, so training takes more memory and, beside other programs, "
            "more time; import rlhf_lite first."
        )
    _reuse_freed_memory()


def _reuse_freed_memory() -> None:
    """Let glibc use freed memory again instead of asking for new pages, which come zeroed and one by one: a
    step in bfloat16 spends 3 to 8 % of its time on that."""
    if (set_option := _glibc("mallopt")) is not None:
        set_option(-3, 256 << 20)  # M_MMAP_THRESHOLD
        set_option(-1, 512 << 20)  # M_TRIM_THRESHOLD
        set_option(-2, 16 << 20)  # M_TOP_PAD


def trim_memory() -> None:
    """Hand freed memory back to the system, where the C library can (glibc). Each thread frees into a store
    of its own, which glibc keeps: after sampling in two threads that was 0.8 GB. Costs a few milliseconds."""
    if (trim := _glibc("malloc_trim")) is not None:
        trim(0)


@cache
def _glibc(name: str):
    try:
        return getattr(ctypes.CDLL(None), name)
    except (AttributeError, OSError, TypeError):  # no glibc
        return None


def fast_mode() -> bool:
    """Whether $RLHF_LITE_FAST asks notebooks for a few steps instead of real runs, as tests do."""
    return os.environ.get("RLHF_LITE_FAST") == "1"


def pick(full, fast):
    """`full`, or `fast` in fast mode."""
    return fast if fast_mode() else full
