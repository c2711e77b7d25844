"""One step of a loop on a GPU as a CUDA graph: its hundreds of small kernels are started by one call."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

LARGEST_ERROR = 1e-3  # relative: a graph runs the very kernels it was captured from


def has_graphs(device: torch.device) -> bool:
    """Whether a step can be a graph there."""
    return device.type == "cuda"


class Graphed:
    """graphed(step) is step(), captured when it is first called and replayed ever after.

    A step reads and changes tensors that stay where they are, and nothing else: no sizes, no numbers of
    Python's. `state` are those that have to be as they were for a step to be done once more; what a step
    returns shows whether a replay does the same. If it does not, or cannot be captured, the step is called as
    it is: slower, and a warning says so.
    """

    def __init__(self, state: Sequence[Tensor]):
        self.state, self.graph, self.failed = state, None, False

    def __call__(self, step: Callable[[], Tensor]) -> None:
        if self.graph is None and not self.failed:
            collects = gc.isenabled()
            gc.disable()  # an older graph that is freed meanwhile would end the capture
            try:
                self._capture(step)
            except RuntimeError as error:
                self.graph, self.failed = None, True
                why = str(error).splitlines()[0]
                warnings.warn(f"No CUDA graph ({why}): sampling goes on without, several times slower.")
            finally:
                if collects:
                    gc.enable()
        if self.failed:
            step()
        else:
            self.graph.replay()

    def _capture(self, step: Callable[[], Tensor]) -> None:
        before = [x.clone() for x in self.state]
        aside, here = torch.cuda.Stream(), torch.cuda.current_stream()
        aside.wait_stream(here)
        with torch.cuda.stream(aside):  # what is set up at first use must not be captured
            expected = step().clone()
            self._rewind(before)
        here.wait_stream(aside)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            result = step()
        self.graph.replay()
        off = (result.float() - expected.float()).norm()
        self._rewind(before)
        if not off <= LARGEST_ERROR * expected.float().norm():
            raise RuntimeError("its result differs from the plain step's")

    def _rewind(self, before: list[Tensor]) -> None:
        for x, old in zip(self.state, before, strict=True):
            x.copy_(old)
