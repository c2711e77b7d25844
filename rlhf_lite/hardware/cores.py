"""How many cores there are for this process. Needs no torch, as `threads` does."""

import os


def cores() -> int:
    """The cores this process may use: a container, or `taskset`, may allow fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
