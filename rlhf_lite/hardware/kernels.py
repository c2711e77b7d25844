"""The two operations that take nearly all the time, matrix product and attention, by the fastest way that is exact here.

torch has several kernels for each, and which one is fastest differs between processors. A self-test at first use times
them and compares their results; a kernel that is inexact, or is missing, or gains nothing is never used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache, partial

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers.activations import ACT2FN

from .precision import choose_dtype, in_turns, made_once, remembered, working_dtype

GELU = {
    "gelu": "none",
    "gelu_pytorch_tanh": "tanh",
}  # GPT-2's activations that oneDNN computes with the product
LARGEST_ERROR = {
    torch.float32: 1e-5,
    torch.bfloat16: 0.01,
}  # relative; another kernel rounds differently, and no worse
FEW_ROWS = 512  # up to so many, packing a weight pays: sampling reads it again and again
WORTH_IT = 0.97  # another kernel must take less than this share of the usual one's time


@dataclass(frozen=True)
class Kernels:
    """What the self-test chose: oneDNN's float32 product instead of torch's; the dtypes in which product and GELU are done in one
    (forward only); those in which torch's fused attention is used instead of plain products."""

    onednn: bool = False
    fused: tuple[str, ...] = ()
    sdpa: tuple[str, ...] = ()

    def has(self, way: str, dtype: torch.dtype) -> bool:
        """Whether `way` (fused or sdpa) pays in this dtype."""
        return str(dtype) in getattr(self, way)


# --- Products -------------------------------------------------------------------------------------------------------


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None, act: str = "") -> Tensor:
    """x (N, D) @ weight (D, M) + bias (M,), through activation `act` if one is named: (N, M), in autocast's dtype if it is on."""
    if not torch.is_grad_enabled() and x.device.type == "cpu":
        dtype = working_dtype(x)
        chosen = choose_kernels("cpu")
        if chosen.has("fused", dtype) and (
            act in GELU or (not act and (dtype == torch.bfloat16 or chosen.onednn))
        ):
            if dtype == torch.bfloat16:
                form = _packed if len(x) <= FEW_ROWS else Tensor.bfloat16
                weight, bias = (
                    made_once(weight, form),
                    None if bias is None else made_once(bias, Tensor.bfloat16),
                )
            return _onednn(x.to(dtype), weight, bias, act)
    y = _product(x, weight, bias)
    return activate(y, act) if act else y


def _product(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    if (
        x.device.type == "cpu"
        and working_dtype(x) == weight.dtype == torch.float32
        and choose_kernels("cpu").onednn
    ):
        return _OneDNN.apply(x, weight, bias)
    return x @ weight if bias is None else torch.addmm(bias, x, weight)


def activate(x: Tensor, act: str) -> Tensor:
    """An activation by the name that transformers gives it."""
    return F.gelu(x, approximate=GELU[act]) if act in GELU else ACT2FN[act](x)


def _onednn(x: Tensor, weight: Tensor, bias: Tensor | None, act: str = "") -> Tensor:
    """One call of oneDNN for all of it. weight (D, M), or as `_packed` gives it."""
    names = ("gelu", [], GELU[act]) if act else ("none", [], "")
    if weight.is_mkldnn:
        return torch.ops.mkldnn._linear_pointwise(x, weight, bias, *names)
    if not (weight.is_contiguous() or weight.t().is_contiguous()):
        weight = (
            weight.contiguous()
        )  # for a slice oneDNN falls back to a kernel that is a thousand times slower
    return torch.ops.mkldnn._linear_pointwise(x, weight.t(), bias, *names)


def _packed(weight: Tensor) -> Tensor:
    """A weight (D, M) in bfloat16, in the order in which oneDNN reads it: a tenth faster where x has few rows."""
    return torch.ops.mkldnn._reorder_linear_weight(weight.bfloat16().t().contiguous(), 64)


class _OneDNN(torch.autograd.Function):
    """x @ weight + bias by oneDNN, which on some processors has a float32 kernel twice as fast as torch's usual one."""

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.has_bias = bias is not None
        return _onednn(x, weight, bias)

    @staticmethod
    def backward(ctx, gradient: Tensor):
        x, weight = ctx.saved_tensors
        need_x, need_weight, need_bias = ctx.needs_input_grad
        return (
            _onednn(gradient, weight.t(), None) if need_x else None,
            _onednn(x.t(), gradient, None) if need_weight else None,
            gradient.sum(dim=0) if need_bias and ctx.has_bias else None,
        )


# --- Attention ------------------------------------------------------------------------------------------------------


def attention(q: Tensor, k: Tensor, v: Tensor, blocked: Tensor | None = None) -> Tensor:
    """softmax(q k' / sqrt(d) + blocked) v for every head: q (B, H, Q, d), k and v (B, H, W, d) -> (B, Q, H * d).

    blocked (B, 1, Q, W) is 0 where a query may look, else very negative; None: at itself and what is before it (Q = W).
    """
    device = q.device.type
    fused = device == "cuda" or choose_kernels(device).has("sdpa", working_dtype(q))
    return (_fused_attention if fused else _plain_attention)(q, k, v, blocked).transpose(1, 2).flatten(2)


def _plain_attention(q: Tensor, k: Tensor, v: Tensor, blocked: Tensor | None) -> Tensor:
    (B, H, Q, d), W = q.shape, k.shape[2]
    q, k, v = (x.reshape(B * H, -1, d) for x in (q, k, v))
    if blocked is None:
        scores = torch.baddbmm(
            causal(W, working_dtype(q), q.device), q, k.transpose(1, 2), alpha=d**-0.5
        )  # (B * H, Q, W)
    else:
        scores = torch.bmm(q, k.transpose(1, 2)).view(B, H, Q, W)
        scores = torch.add(blocked, scores, alpha=d**-0.5).view(B * H, Q, W)
    return torch.bmm(scores.softmax(dim=-1), v).view(B, H, Q, d)


def _fused_attention(q: Tensor, k: Tensor, v: Tensor, blocked: Tensor | None) -> Tensor:
    return F.scaled_dot_product_attention(q, k, v, attn_mask=blocked, is_causal=blocked is None)


@lru_cache(maxsize=64)
def causal(W: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """What is added to attention scores so that each token sees itself and what is before it: (W, W)."""
    return torch.full((W, W), torch.finfo(dtype).min, dtype=dtype, device=device).triu(1)


# --- The self-test --------------------------------------------------------------------------------------------------


@cache
def choose_kernels(device_type: str) -> Kernels:
    """The kernels to use on this kind of device, from memory or measured now, in under a second."""
    if device_type != "cpu" or not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        return Kernels()
    return remembered("kernels", Kernels, _measure)


def describe_kernels(device_type: str) -> str:
    """The kernels in use on this kind of device, in words."""
    if device_type == "cuda":
        return "products by cuBLAS; fused attention; sampling replays a CUDA graph"
    chosen, dtype = choose_kernels(device_type), choose_dtype(device_type)
    fast = dtype == torch.bfloat16 or chosen.onednn
    return "; ".join(
        (
            f"products by {'oneDNN' if fast else 'torch'}",
            "with the activation where no gradient is needed"
            if chosen.has("fused", dtype)
            else "the activation apart",
            "fused attention" if chosen.has("sdpa", dtype) else "attention by plain products",
        )
    )


@torch.enable_grad()  # whoever asks first may be sampling under no_grad
def _measure() -> Kernels:
    rng = torch.Generator().manual_seed(0)
    shapes = {(256, 256): 1.0, (256, 1024): 0.06, (1024,): 1.0}
    product = [torch.randn(shape, generator=rng) * scale for shape, scale in shapes.items()]
    heads = torch.randn(3, 8, 4, 64, 32, generator=rng).unbind(0)
    fused, sdpa = [], []
    for dtype in (torch.float32, torch.bfloat16):
        x, weight, bias = (t.to(dtype) for t in product)
        one, two = partial(_onednn, x, weight, bias, "gelu_pytorch_tanh"), partial(_in_two, x, weight, bias)
        fused += [str(dtype)] * _better(one, two, dtype)
        q, k, v = (t.to(dtype) for t in heads)
        one, two = (
            _with_gradients(partial(way, blocked=None), q, k, v)
            for way in (_fused_attention, _plain_attention)
        )
        sdpa += [str(dtype)] * _better(one, two, dtype)
    one, two = (_with_gradients(way, *product) for way in (_OneDNN.apply, _usual))
    return Kernels(_better(one, two, torch.float32), tuple(fused), tuple(sdpa))


def _usual(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return torch.addmm(bias, x, weight)


def _in_two(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return activate(_usual(x, weight, bias), "gelu_pytorch_tanh")


def _with_gradients(function: Callable, *inputs: Tensor) -> Callable[[], Tensor]:
    """A call of the function forward and backward that returns all it computed in one tensor."""
    leaves = [x.detach().requires_grad_() for x in inputs]

    def call() -> Tensor:
        y = function(*leaves)
        return torch.cat(
            [y.flatten(), *(g.flatten() for g in torch.autograd.grad(y.float().square().mean(), leaves))]
        )

    return call


def _better(new: Callable[[], Tensor], usual: Callable[[], Tensor], dtype: torch.dtype) -> bool:
    """Whether `new` gives what `usual` gives, up to the dtype's rounding, in clearly less time (in turns, best of 15)."""
    try:
        found, expected = new().float(), usual().float()
    except (RuntimeError, NotImplementedError):
        return False
    if not (found - expected).norm() < LARGEST_ERROR[dtype] * expected.norm():
        return False
    new_seconds, usual_seconds = in_turns((new, usual), rounds=15)
    return new_seconds < WORTH_IT * usual_seconds
