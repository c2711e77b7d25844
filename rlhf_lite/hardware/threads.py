"""Independent work side by side on a CPU: one step of a small model is too little to share among cores."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import torch

from .environment import plain, trim_memory


def in_threads(function: Callable, *arguments: Iterable, device: torch.device | str = "cpu") -> list:
    """[function(...) for ... in zip(*arguments)], in threads of one core each, as many as torch may use.

    Inside such a thread, on a GPU, for a single item and in the plain way it is a plain loop. An error of one
    call ends all. Threads are not kept: each would hold on to what torch prepared for the shapes it has met.
    """
    items = list(zip(*arguments, strict=True))
    workers = torch.get_num_threads() if torch.device(device).type == "cpu" and not plain() else 1
    if workers < 2 or len(items) < 2:
        return [function(*item) for item in items]
    pool = ThreadPoolExecutor(
        workers, initializer=torch.set_num_threads, initargs=(1,)
    )  # in that thread only
    calls = [pool.submit(function, *item) for item in items]
    try:
        return [call.result() for call in calls]
    finally:  # nothing goes on behind the caller's back
        pool.shutdown(cancel_futures=True)
        trim_memory()
