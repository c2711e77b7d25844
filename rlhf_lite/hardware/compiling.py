"""Two ways to a faster step on a GPU, tried where a training is long enough to pay for them: CUDA graphs,
which start many small kernels at once, and torch.compile, which makes few large ones of them."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable
from functools import cache, wraps
from statistics import median

import torch

from . import graphs, processes
from .environment import plain

ENV = "RLHF_LITE_COMPILE"
LONG = 120.0  # seconds that a training has to have left: compilers take half a minute of them
SHORT, SOME = 0.2, 20.0  # a step that waits for launches takes less; capturing graphs takes some seconds
STEPS = 5  # of which the times are compared
SETTLING = {"usual": 1, "graphs": 80, "compiled": 15}  # steps in which new kinds of input may be met
WORTH_IT = 0.97  # another way must take less than this share of the usual one's time

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
    """Whether a training is faster in another way, asked of its own steps: the first few as they are, then
    some by graphs if they are short, some compiled if there are many, and then whichever took least time.

    RLHF_LITE_COMPILE = auto | on | off | graphs decides without asking. Never on a CPU, in the plain way, or
    with models that are cut over processes.
    """

    def __init__(self, device: torch.device, wish: str | None = None):
        wish = wish or os.environ.get(ENV, "auto").lower()
        if wish not in ("auto", "on", "off", "graphs"):
            raise ValueError(f"{ENV}={wish!r} is not a choice; set it to auto, on, off or graphs")
        possible = device.type == "cuda" and not plain() and processes.world_size() == 1
        self.wish, self.device = wish if possible else "off", device
        self.found: dict[str, float] = {}  # way: seconds of a step
        self._use({"on": "compiled", "graphs": "graphs"}.get(self.wish, "usual"))
        self.start = time.perf_counter()

    def close(self) -> None:
        """The training is over: what comes next is computed as it is."""
        self._use("usual")

    def step_done(self, left: int) -> dict[str, float]:
        """To be told after each step, with how many are left; returns what there is to log."""
        now = time.perf_counter()
        self.seconds.append(now - self.start)
        self.start = now
        if self.wish != "auto" or len(self.seconds) < SETTLING[self.way] + STEPS:
            return {}
        self.found[self.way] = median(self.seconds[-STEPS:])
        if way := self._next(left):
            self._use(way)
            return {}
        usual, best = self.found["usual"], min(self.found, key=self.found.__getitem__)
        self._use(best if self.found[best] < WORTH_IT * usual else "usual")
        self.wish = "off"  # there is no more to ask
        return {f"seconds/{way}": s for way, s in self.found.items()} if len(self.found) > 1 else {}

    def _next(self, left: int) -> str | None:
        """Another way that is worth a try."""
        usual = self.found["usual"]
        if "graphs" not in self.found and usual < SHORT and left * usual > SOME:
            return "graphs"
        if "compiled" not in self.found and left * min(self.found.values()) > LONG and self._compiles():
            return "compiled"
        return None

    def _use(self, way: str) -> None:
        global _active
        self.way, self.seconds = way, []
        _active = way == "compiled"
        graphs.use(way == "graphs")

    def _compiles(self) -> bool:
        try:
            torch.compile(torch.square)(torch.ones(8, device=self.device))
        except Exception as error:  # whatever a machine lacks, a training goes on without
            first = str(error).strip().splitlines()[0]
            warnings.warn(f"torch.compile does not work here ({first}): training goes on without.")
            return False
        return True
