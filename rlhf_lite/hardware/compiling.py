"""Where a step's work lies, in a model's layers and in its loss, torch.compile makes few large kernels of
many small ones; on a GPU, where a training is long enough to pay for it."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable
from functools import cache, wraps
from statistics import median

import torch

from . import processes
from .environment import plain

ENV = "RLHF_LITE_COMPILE"
LONG = 120.0  # seconds that a training has to have left: compilers take half a minute of them
STEPS = 5  # of which the times are compared
SETTLING = 15  # steps in which compilers may meet new kinds of input
WORTH_IT = 0.97  # compiled steps must take less than this share of the usual ones' time

_active = False


def compilable(function: Callable) -> Callable:
    """The function; while a `Trial` says so, as torch.compile makes it."""

    @cache  # torch's compiler takes two seconds to import
    def made() -> Callable:
        torch._dynamo.config.recompile_limit = 64  # kinds of input: with gradient, padding, chosen tokens ...
        return torch.compile(function)

    @wraps(function)
    def call(*arguments):
        return (made() if _active else function)(*arguments)

    return call


class Trial:
    """Whether a training is faster compiled, asked of its own steps: the first few as they are, then some
    compiled, and then whichever took less time.

    RLHF_LITE_COMPILE = auto | on | off decides without asking. Never on a CPU, in the plain way, or with
    models that are cut over processes.
    """

    def __init__(self, device: torch.device, wish: str | None = None):
        wish = wish or os.environ.get(ENV, "auto").lower()
        if wish not in ("auto", "on", "off"):
            raise ValueError(f"{ENV}={wish!r} is not a choice; set it to auto, on or off")
        possible = device.type == "cuda" and not plain() and processes.world_size() == 1
        self.wish, self.device = wish if possible else "off", device
        self._use(self.wish == "on")
        self.seconds: list[float] = []  # of each step
        self.start = time.perf_counter()

    def close(self) -> None:
        """The training is over: what comes next is computed as it is."""
        self._use(False)

    def step_done(self, left: int) -> dict[str, float]:
        """To be told after each step, with how many are left; returns what there is to log."""
        now = time.perf_counter()
        self.seconds.append(now - self.start)
        self.start, done = now, len(self.seconds)
        if self.wish != "auto" or done not in (1 + STEPS, 1 + STEPS + SETTLING + STEPS):
            return {}
        usual = median(self.seconds[1 : 1 + STEPS])  # the first one sets up a lot
        if done == 1 + STEPS:
            if left * usual > LONG and self._compiles():
                self._use(True)
            else:
                self.wish = "off"
            return {}
        found = median(self.seconds[-STEPS:])
        self._use(found < WORTH_IT * usual)
        return {"seconds/usual": usual, "seconds/compiled": found}

    def _use(self, compiled: bool) -> None:
        global _active
        _active = compiled

    def _compiles(self) -> bool:
        try:
            torch.compile(torch.square)(torch.ones(8, device=self.device))
        except Exception as error:  # whatever a machine lacks, a training goes on without
            first = str(error).strip().splitlines()[0]
            warnings.warn(f"torch.compile does not work here ({first}): training goes on without.")
            return False
        return True
