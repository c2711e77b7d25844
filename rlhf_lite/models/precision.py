"""bfloat16 or float32? Measured once per process on the machine at hand, never guessed from its name."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

ENV = "RLHF_LITE_PRECISION"
LARGEST_ERROR = 0.02  # of the gradient, relative; bfloat16 has 8 bits, a sound kernel stays near 0.005
SMALLEST_GAIN = 0.9  # bfloat16 must take less than this share of float32's time, or it is only noise


@dataclass(frozen=True)
class SelfTest:
    """What was measured. `dtype` is the choice, times are milliseconds of a pass through an MLP block."""

    dtype: torch.dtype
    fp32_ms: float
    bf16_ms: float
    error: float


@torch.enable_grad()  # whoever asks first may be sampling under no_grad
def _mlp_gradient(x: Tensor, up: Tensor, down: Tensor, dtype: torch.dtype) -> tuple[Tensor, float]:
    """Forward and backward of a transformer's MLP: (N, D) -> gradient of `up` (4D, D), seconds."""
    up = up.clone().requires_grad_()
    start = time.perf_counter()
    with torch.autocast(x.device.type, dtype=torch.bfloat16, enabled=dtype == torch.bfloat16):
        y = F.linear(F.gelu(F.linear(x, up), approximate="tanh"), down)
    (gradient,) = torch.autograd.grad(y.float().square().mean(), up)
    gradient.sum().item()  # waits for a GPU
    return gradient, time.perf_counter() - start


@cache
def self_test(device_type: str) -> SelfTest:
    """Time both precisions (in turns, best of 5) and compare their gradients. Under a second, then cached."""
    cuda = device_type == "cuda"
    if cuda and not torch.cuda.is_bf16_supported(including_emulation=False):
        return SelfTest(torch.float32, float("nan"), float("nan"), float("nan"))
    rows, width = (4096, 768) if cuda else (1024, 128)
    rng = torch.Generator().manual_seed(0)
    shapes = (rows, width), (4 * width, width), (width, 4 * width)
    x, up, down = (torch.randn(s, generator=rng).to(device_type) / s[1] ** 0.5 for s in shapes)
    seconds, gradients = {torch.float32: [], torch.bfloat16: []}, {}
    for _ in range(6):  # the first pass only warms up
        for dtype, times in seconds.items():
            gradients[dtype], spent = _mlp_gradient(x, up, down, dtype)
            times.append(spent)
    exact, rounded = gradients[torch.float32], gradients[torch.bfloat16]
    error = ((exact - rounded).norm() / exact.norm()).item()
    fp32, bf16 = (min(times[1:]) * 1e3 for times in seconds.values())
    good = error < LARGEST_ERROR and bf16 < SMALLEST_GAIN * fp32
    return SelfTest(torch.bfloat16 if good else torch.float32, fp32, bf16, error)


def choose_dtype(device: torch.device | str) -> torch.dtype:
    """The dtype of matrix products here: RLHF_LITE_PRECISION = fp32 | bf16, or auto (the self-test)."""
    wish = os.environ.get(ENV, "auto").lower()
    choices = {"fp32": torch.float32, "bf16": torch.bfloat16}
    if wish not in (*choices, "auto"):
        raise ValueError(f"{ENV}={wish!r} is not a precision; set it to fp32, bf16 or auto")
    return choices.get(wish) or self_test(torch.device(device).type).dtype


def autocast(device: torch.device | str) -> torch.autocast:
    """Context manager: forwards inside compute in the chosen precision, weights stay float32.

    Open a new one for every forward that needs gradients: a cast made under no_grad is remembered until the
    context ends, and no gradient would flow through it.
    """
    on = choose_dtype(device) == torch.bfloat16
    return torch.autocast(torch.device(device).type, dtype=torch.bfloat16, enabled=on)


def working_dtype(x: Tensor) -> torch.dtype:
    """What matrix products with x are computed in here: autocast's dtype where it is on, else that of x."""
    kind = x.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else x.dtype


def few_shapes(n: int, limit: int | None = None, step: int = 8) -> int:
    """n rounded up to a multiple of `step` (at most `limit`). CPU kernels for bfloat16 are compiled and kept for every
    new shape: with batches of any width that took half the time and a gigabyte."""
    up = -(-n // step) * step
    return up if limit is None else min(up, limit)
