"""What this machine is called, and the fastest matrix product it can do: the floor under every job's time."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor

from rlhf_lite.hardware.cores import cores

SHAPES = ((1024, 1024, 1024), (2048, 1024, 4096), (2048, 2048, 2048))  # (M, K, N) of (M, K) @ (K, N)
TIMES = 3


def device_name(device: str) -> str:
    """The GPU's name, or the processor's with its number of cores."""
    if device == "cuda":
        return torch.cuda.get_device_name()
    return f"{_processor()}, {cores()} cores"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


class Peak:
    """The fastest matrix product of a precision: the best of
    all kernels that torch has here, over several large shapes.

    Other programs on the machine slow it down as they slow down
    the jobs, so `now` is asked again and again between them.
    """

    def __init__(self, precision: str, threads: int, device: str = "cpu"):
        self.threads, self.cuda = threads, device == "cuda"
        self.clock = time.process_time if threads == 1 and not self.cuda else time.perf_counter
        self.products = list(_products(precision, device))
        rates = [self._rate(*product) for product in self.products]
        self.products = [self.products[rates.index(max(rates))]]
        self.best = max(rates)

    def now(self) -> float:
        """10^9 operations a second at this moment, on so many threads."""
        rate = self._rate(*self.products[0])
        self.best = max(self.best, rate)
        return rate

    @torch.no_grad()
    def _rate(self, kernel: Callable, x: Tensor, w: Tensor) -> float:
        """The best of a few times; the first is a warm-up."""
        before, seconds = torch.get_num_threads(), []
        torch.set_num_threads(self.threads)
        for _ in range(1 + TIMES):
            start = self.clock()
            out = kernel(x, w)
            if self.cuda:
                torch.cuda.synchronize()
            seconds.append(self.clock() - start)
        torch.set_num_threads(before)
        return 2 * x.numel() * out.shape[1] / min(seconds[1:]) / 1e9


def _products(precision: str, device: str) -> Iterator[tuple[Callable, Tensor, Tensor]]:
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    for M, K, N in SHAPES:
        x, w = torch.randn(M, K, device=device, dtype=dtype), torch.randn(K, N, device=device, dtype=dtype)
        yield torch.mm, x, w
        if device == "cpu" and hasattr(torch.ops.mkldnn, "_linear_pointwise"):
            yield _onednn, x, w.T.contiguous()


def _onednn(x: Tensor, w: Tensor) -> Tensor:
    """x (M, K) @ w (N, K).T by oneDNN, which is faster than torch.mm's float32 on some processors."""
    return torch.ops.mkldnn._linear_pointwise(x, w, None, "none", [], "")
