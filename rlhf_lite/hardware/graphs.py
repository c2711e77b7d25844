"""One step of a loop on a GPU as a CUDA graph: its hundreds of small kernels are started by one call."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch
from torch import Tensor

LARGEST_ERROR = 1e-3  # relative: a graph runs the very kernels it was captured from


class Graphed:
    """step(*inputs) -> output, captured when it is first called and replayed ever after, on inputs of the
    same shapes.

    The step has to read everything else (weights, caches, positions) from tensors that stay where they are.
    If it cannot be captured, or a replay gives something else, it is called as it is: slower, and a warning
    says so.
    """

    def __init__(self, step: Callable[..., Tensor]):
        self.step, self.graph, self.inputs, self.output, self.failed = step, None, (), None, False

    def __call__(self, *inputs: Tensor) -> Tensor:
        if self.graph is None and not self.failed:
            try:
                self._capture(inputs)
            except RuntimeError as error:
                self.graph, self.failed = None, True
                why = str(error).splitlines()[0]
                warnings.warn(f"No CUDA graph ({why}): sampling goes on without, several times slower.")
        if self.failed:
            return self.step(*inputs)
        for held, x in zip(self.inputs, inputs, strict=True):
            held.copy_(x)
        self.graph.replay()
        return self.output

    def _capture(self, inputs: tuple[Tensor, ...]) -> None:
        self.inputs = tuple(x.clone() for x in inputs)
        aside, here = torch.cuda.Stream(), torch.cuda.current_stream()
        aside.wait_stream(here)
        with torch.cuda.stream(aside):  # what is set up at first use must not be captured
            for _ in range(2):
                expected = self.step(*self.inputs).clone()
        here.wait_stream(aside)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.output = self.step(*self.inputs)
        self.graph.replay()
        if not (self.output - expected).norm() <= LARGEST_ERROR * expected.norm():
            raise RuntimeError("its result differs from the plain step's")
