"""The two operations that take nearly all the time, matrix product and attention, by the fastest way that is
exact here.

torch has several kernels for each, and which one is fastest differs between processors. A self-test at first
use times them and compares their results; a kernel that is inexact, or is missing, or gains nothing is never
used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache, partial

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers.activations import ACT2FN

from .environment import plain
from .precision import best_times, cached_measurement, choose_dtype, form_of, keep_forms, working_dtype

GELU = {
    "gelu": "none",
    "gelu_pytorch_tanh": "tanh",
}  # GPT-2's activations that oneDNN computes with the product
LARGEST_ERROR = {
    torch.float32: 1e-5,
    torch.bfloat16: 0.01,
}  # relative; another kernel rounds differently, no worse
FEW_ROWS = 512  # up to so many, packing a weight pays: sampling reads it again and again
WORTH_IT = 0.97  # another kernel must take less than this share of the usual one's time


@dataclass(frozen=True)
class Kernels:
    """What the self-test chose: oneDNN's float32 product instead of torch's; the dtypes in which product and
    GELU are done in one (forward only); those in which torch's fused attention is used instead of plain
    products."""

    onednn: bool = False
    fused: tuple[str, ...] = ()
    sdpa: tuple[str, ...] = ()

    def has(self, way: str, dtype: torch.dtype) -> bool:
        """Whether `way` (fused or sdpa) pays in this dtype."""
        return str(dtype) in getattr(self, way)


# --- Products -----------------------------------------------------------------------------------------------


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None, act: str = "") -> Tensor:
    """x (N, D) @ weight (D, M) + bias (M,), through activation `act` if one is named: (N, M), in autocast's
    dtype if it is on."""
    if x.device.type == "cpu":
        dtype, chosen = working_dtype(x), choose_kernels("cpu")
        worth_it = act in GELU or (not act and (dtype == torch.bfloat16 or chosen.onednn))
        if not torch.is_grad_enabled() and worth_it and chosen.has("fused", dtype):
            return _fused_linear(x.to(dtype), weight, bias, act)
        if chosen.onednn and dtype == weight.dtype == torch.float32:
            y = _OneDNN.apply(x, weight, bias)
            return activate(y, act) if act else y
    y = x @ weight if bias is None else torch.addmm(bias, x, weight)
    return activate(y, act) if act else y


def activate(x: Tensor, act: str) -> Tensor:
    """An activation by the name that transformers gives it."""
    return F.gelu(x, approximate=GELU[act]) if act in GELU else ACT2FN[act](x)


def _fused_linear(x: Tensor, weight: Tensor, bias: Tensor | None, act: str) -> Tensor:
    """Product, bias and activation in one call, in the dtype of x; weights are cast, and for few rows packed,
    once."""
    if x.dtype == torch.bfloat16:
        weight = form_of(weight, _packed if len(x) <= FEW_ROWS else Tensor.bfloat16)
        bias = None if bias is None else form_of(bias, Tensor.bfloat16)
    return _onednn(x, weight, bias, act)


def _packed(weight: Tensor) -> Tensor:
    """A weight (D, M) in bfloat16, in the order in which oneDNN reads it: a tenth faster where x has few
    rows. Processors without AVX-512 or its like refuse."""
    return torch.ops.mkldnn._reorder_linear_weight(weight.bfloat16().t().contiguous(), 64)


def _onednn(x: Tensor, weight: Tensor, bias: Tensor | None, act: str = "") -> Tensor:
    """One call of oneDNN for all of it. weight (D, M), or as `_packed` gives it."""
    names = ("gelu", [], GELU[act]) if act else ("none", [], "")
    if not weight.is_mkldnn:
        if not (weight.is_contiguous() or weight.t().is_contiguous()):
            weight = (
                weight.contiguous()
            )  # for a slice it falls back to a kernel that is a thousand times slower
        weight = weight.t()
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, *names)


class _OneDNN(torch.autograd.Function):
    """x @ weight + bias by oneDNN, which on some processors has a float32 kernel twice as fast as torch's
    usual one."""

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _onednn(x, weight, bias)

    @staticmethod
    def backward(ctx, gradient: Tensor):
        (x, weight), (need_x, need_weight, need_bias) = ctx.saved_tensors, ctx.needs_input_grad
        return (
            _onednn(gradient, weight.t(), None) if need_x else None,
            _onednn(x.t(), gradient, None) if need_weight else None,
            gradient.sum(dim=0) if need_bias else None,
        )


# --- Attention ----------------------------------------------------------------------------------------------


def attention(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None = None) -> Tensor:
    """softmax(q k' / sqrt(d) + bias) v for every head: q (B, H, Q, d), k and v (B, H, W, d) -> (B, Q, H * d).

    bias (B, 1, Q, W) is 0 where a query may look, else very negative; None: at itself and what is before it
    (Q = W).
    """
    device = q.device.type
    fused = device == "cuda" or choose_kernels(device).has("sdpa", working_dtype(q))
    return (_fused_attention if fused else _plain_attention)(q, k, v, bias).transpose(1, 2).flatten(2)


def _plain_attention(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None) -> Tensor:
    (B, H, Q, d), W = q.shape, k.shape[2]
    q, k, v = (x.reshape(B * H, -1, d) for x in (q, k, v))
    if bias is None:
        mask = causal(W, working_dtype(q), q.device)
        scores = torch.baddbmm(mask, q, k.transpose(1, 2), alpha=d**-0.5)  # (B * H, Q, W)
    else:
        scores = torch.bmm(q, k.transpose(1, 2)).view(B, H, Q, W)
        scores = torch.add(bias, scores, alpha=d**-0.5).view(B * H, Q, W)
    return torch.bmm(scores.softmax(dim=-1), v).view(B, H, Q, d)


def _fused_attention(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None) -> Tensor:
    return F.scaled_dot_product_attention(q, k, v, attn_mask=bias, is_causal=bias is None)


@lru_cache(maxsize=64)
def causal(W: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """What is added to attention scores so that each token sees itself and what is before it: (W, W)."""
    return torch.full((W, W), torch.finfo(dtype).min, dtype=dtype, device=device).triu(1)


# --- The self-test ------------------------------------------------------------------------------------------


@cache
def choose_kernels(device_type: str) -> Kernels:
    """The kernels to use on this kind of device, from memory or measured now, in under a second."""
    if device_type != "cpu" or not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        return Kernels()
    return cached_measurement("products", Kernels, _measure)


def describe_kernels(device_type: str) -> str:
    """The kernels in use on this kind of device, in words."""
    if plain():
        return "transformers' own forward pass, as RLHF_LITE_PLAIN asks"
    if device_type == "cuda":
        return "products by cuBLAS; fused attention; sampling replays a CUDA graph"
    chosen, dtype = choose_kernels(device_type), choose_dtype(device_type)
    products = "oneDNN" if dtype == torch.bfloat16 or chosen.onednn else "torch"
    fused = (
        "with the activation where no gradient is needed"
        if chosen.has("fused", dtype)
        else "the activation apart"
    )
    attends = "fused attention" if chosen.has("sdpa", dtype) else "attention by plain products"
    return f"products by {products}; {fused}; {attends}"


@torch.enable_grad()  # whoever asks first may be sampling under no_grad
def _measure() -> Kernels:
    rng, gelu = torch.Generator().manual_seed(0), "gelu_pytorch_tanh"
    shapes = {(256, 256): 1.0, (256, 1024): 0.06, (1024,): 1.0}
    x, weight, bias = product = [torch.randn(shape, generator=rng) * scale for shape, scale in shapes.items()]
    heads = torch.randn(3, 8, 4, 64, 32, generator=rng).unbind(0)
    fused, sdpa = [], []
    for dtype in (torch.float32, torch.bfloat16):
        x, *weights = (t.to(dtype) for t in product)
        with keep_forms():
            new, usual = partial(_fused_linear, x, weight, bias, gelu), partial(_in_two, x, *weights)
            if better(new, usual, dtype):
                fused.append(str(dtype))
        q, k, v = (t.to(dtype) for t in heads)
        new, usual = (
            _with_gradients(partial(f, bias=None), q, k, v) for f in (_fused_attention, _plain_attention)
        )
        if better(new, usual, dtype):
            sdpa.append(str(dtype))
    new, usual = (_with_gradients(f, *product) for f in (_OneDNN.apply, _usual))
    return Kernels(better(new, usual, torch.float32), tuple(fused), tuple(sdpa))


def _usual(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return torch.addmm(bias, x, weight)


def _in_two(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return activate(_usual(x, weight, bias), "gelu_pytorch_tanh")


def _with_gradients(function: Callable, *inputs: Tensor) -> Callable[[], Tensor]:
    """A call of the function forward and backward that returns all it computed in one tensor."""
    leaves = [x.detach().requires_grad_() for x in inputs]

    def call() -> Tensor:
        y = function(*leaves)
        gradients = torch.autograd.grad(y.float().square().mean(), leaves)
        return torch.cat([y.flatten(), *(g.flatten() for g in gradients)])

    return call


def better(new: Callable[[], Tensor], usual: Callable[[], Tensor], dtype: torch.dtype) -> bool:
    """Whether `new` gives what `usual` gives, up to the dtype's rounding, in clearly less time. A processor
    that lacks the operation refuses it, with a RuntimeError."""
    try:
        found, expected = new().float(), usual().float()
    except RuntimeError:
        return False
    if not (found - expected).norm() < LARGEST_ERROR[dtype] * expected.norm():
        return False
    new_seconds, usual_seconds = best_times((new, usual), rounds=15)
    return new_seconds < WORTH_IT * usual_seconds
