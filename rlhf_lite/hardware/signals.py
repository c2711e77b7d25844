"""What Ctrl-C and SIGTERM do for a while. Needs no torch."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def handled(by: Callable, *numbers: int) -> Iterator[None]:
    """Signals call `by(number, frame)` while this lasts; outside of the main thread, which alone sees them,
    nothing changes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    old = {number: signal.signal(number, by) or signal.SIG_DFL for number in numbers}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


@contextmanager
def deferred() -> Iterator[None]:
    """Ctrl-C and SIGTERM wait until this is over."""
    came: list[int] = []
    try:
        with handled(lambda number, frame: came.append(number), signal.SIGINT, signal.SIGTERM):
            yield
    finally:
        for number in dict.fromkeys(came):
            signal.raise_signal(number)
