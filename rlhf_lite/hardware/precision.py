"""Half precision or float32? Measured once on the machine at hand and remembered, never guessed from its
name.

Half is bfloat16; on cards that have none (T4, V100) it is float16, whose small range asks for scaled losses
(`train.optim`).
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from ..data.files import atomic_write
from .environment import plain

ENV = "RLHF_LITE_PRECISION"
NAMES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
LARGEST_ERROR = 0.02  # of the gradient, relative; bfloat16 has 8 bits, a sound kernel stays near 0.005
SMALLEST_GAIN = 0.9  # half precision must take less than this share of float32's time, or it is only noise


# --- The choice ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SelfTest:
    """What was measured: milliseconds of a pass through an MLP block in float32 and in `half` (bf16 or fp16),
    and the relative error of half's gradient. `pays` is the choice."""

    pays: bool
    half: str
    fp32_ms: float
    half_ms: float
    error: float

    @property
    def dtype(self) -> torch.dtype:
        return NAMES[self.half] if self.pays else torch.float32


def choose_dtype(device: torch.device | str) -> torch.dtype:
    """The dtype of matrix products here: RLHF_LITE_PRECISION = fp32 | bf16 | fp16, or auto: the self-test, in
    the plain way float32."""
    wish = _wish()
    if wish == "auto":
        return torch.float32 if plain() else self_test(torch.device(device).type).dtype
    return NAMES[wish]


def describe_dtype(device: torch.device | str) -> str:
    """The dtype of matrix products here and why it was chosen, in words."""
    name = _name(choose_dtype(device))
    if _wish() != "auto":
        return f"{name}, as {ENV} asks"
    if plain():
        return f"{name}, as RLHF_LITE_PLAIN asks"
    test = self_test(torch.device(device).type)
    time = f"{_name(NAMES[test.half])} takes {test.half_ms / test.fp32_ms:.2f} of float32's time"
    return f"{name}: as measured, {time} and its gradient is off by {test.error:.1%}"


def _wish() -> str:
    wish = os.environ.get(ENV, "auto").lower()
    if wish not in (*NAMES, "auto"):
        raise ValueError(f"{ENV}={wish!r} is not a precision; set it to fp32, bf16, fp16 or auto")
    return wish


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


@cache
def self_test(device_type: str) -> SelfTest:
    """Time both precisions and compare their gradients. Under a second, then remembered."""
    return cached_measurement(f"precision-{device_type}", SelfTest, lambda: _measure(device_type == "cuda"))


def half_of(device_type: str) -> str:
    """The half precision that this kind of device may have kernels for."""
    cuda = device_type == "cuda"
    return "fp16" if cuda and not torch.cuda.is_bf16_supported(including_emulation=False) else "bf16"


def _measure(cuda: bool) -> SelfTest:
    device_type = "cuda" if cuda else "cpu"
    half = half_of(device_type)
    rows, width = (4096, 768) if cuda else (1024, 128)
    rng = torch.Generator().manual_seed(0)
    shapes = (rows, width), (4 * width, width), (width, 4 * width)
    block = [torch.randn(s, generator=rng).to(device_type) / s[1] ** 0.5 for s in shapes]
    passes = [partial(_mlp_gradient, *block, dtype) for dtype in (torch.float32, NAMES[half])]
    exact, rounded = (call() for call in passes)  # which also warms up
    error = ((exact - rounded).norm() / exact.norm()).item()
    full_ms, half_ms = (seconds * 1e3 for seconds in best_times(passes, rounds=5))
    pays = error < LARGEST_ERROR and half_ms < SMALLEST_GAIN * full_ms
    return SelfTest(pays, half, full_ms, half_ms, error)


@torch.enable_grad()  # whoever asks first may be sampling under no_grad
def _mlp_gradient(x: Tensor, up: Tensor, down: Tensor, dtype: torch.dtype) -> Tensor:
    """Forward and backward of a transformer's MLP: (N, D) -> gradient of `up` (4D, D)."""
    up = up.clone().requires_grad_()
    with torch.autocast(x.device.type, dtype=dtype, enabled=dtype != torch.float32):
        y = F.linear(F.gelu(F.linear(x, up), approximate="tanh"), down)
    scale = 1024.0 if dtype == torch.float16 else 1.0
    (gradient,) = torch.autograd.grad(scale * y.float().square().mean(), up)
    gradient.sum().item()  # waits for a GPU
    return gradient / scale


# --- Its use ------------------------------------------------------------------------------------------------

_thread = threading.local()  # what was made of weights in this thread's autocast


@contextmanager
def autocast(device: torch.device | str) -> Iterator[None]:
    """Forwards inside compute in the chosen precision, weights stay float32. Do not change weights inside.

    Open a new one for every forward that needs gradients: a cast made under no_grad is remembered until the
    context ends, and no gradient would flow through it.
    """
    dtype = choose_dtype(device)
    with keep_forms(), torch.autocast(torch.device(device).type, dtype=dtype, enabled=dtype != torch.float32):
        yield


@contextmanager
def keep_forms() -> Iterator[None]:
    """Inside, `form_of` makes each form of each weight once."""
    outermost = getattr(_thread, "forms", None) is None
    if outermost:
        _thread.forms = {}
    try:
        yield
    finally:
        if outermost:
            _thread.forms = None


def form_of(weight: Tensor, make: Callable[[Tensor], Tensor]) -> Tensor:
    """make(weight), a form of it without gradient that some kernel needs."""
    forms = getattr(_thread, "forms", None)
    if forms is None:
        return make(weight.detach())
    key = (weight.data_ptr(), weight.shape, weight.stride(), make)  # a slice is a new object every time
    if key not in forms:
        kept = weight.detach()  # beside its form, so that its memory is not used for another
        forms[key] = kept, make(kept)
    return forms[key][1]


def working_dtype(x: Tensor) -> torch.dtype:
    """What matrix products with x are computed in here: autocast's dtype where it is on, else that of x."""
    kind = x.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else x.dtype


def round_up(n: int, step: int = 8, limit: int | None = None) -> int:
    """n rounded up to a multiple of `step` (at most `limit`). CPU kernels for bfloat16 are compiled and kept
    for every new shape: with batches of any width that took half the time and a gigabyte."""
    up = -(-n // step) * step
    return up if limit is None else min(up, limit)


# --- Measuring ----------------------------------------------------------------------------------------------


def best_times(calls: Sequence[Callable[[], object]], rounds: int) -> list[float]:
    """The least seconds of each call, of so many rounds in which all take turns: what else the machine does
    meets all."""
    seconds: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for call, spent in zip(calls, seconds, strict=True):
            start = time.perf_counter()
            call()
            spent.append(time.perf_counter() - start)
    return [min(spent) for spent in seconds]


def cached_measurement(name: str, kind: type, measure: Callable):
    """What `measure` found on this machine with this torch, as a `kind` (a dataclass): from a file, else
    measured and kept.

    The file is in $RLHF_LITE_CACHE, else ~/.cache/rlhf_lite. Delete it to measure again; without a place to
    write, each process measures for itself.
    """
    folder = Path(os.environ.get("RLHF_LITE_CACHE") or Path.home() / ".cache" / "rlhf_lite")
    cards = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    machine = (torch.__version__, _processor(), *cards)
    path = folder / f"{name}-{hashlib.sha256(repr(machine).encode()).hexdigest()[:10]}.json"
    with suppress(OSError, ValueError, TypeError):
        return kind(**json.loads(path.read_text()))
    found = measure()
    with suppress(OSError), atomic_write(path) as file:
        file.write(json.dumps(asdict(found)).encode())
    return found


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("flags"):  # the kernels that it can run; the model's name may be hidden
                return line
    return platform.processor() or platform.machine()
