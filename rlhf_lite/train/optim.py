"""Small parts every stage uses: Adam, one optimizer step, learning-rate shapes, dropout, a note of the precision."""

from __future__ import annotations

import contextlib
import math
import warnings

import torch
from torch import nn

from .. import processes
from ..models.precision import choose_dtype
from .batches import seeded

PAPER_BETAS = (0.9, 0.95)  # App. C, all stages


def adam(model: nn.Module, lr: float) -> torch.optim.AdamW:
    """Adam as in App. C. Without weight decay, AdamW *is* Adam; `fused` does the whole update in one kernel."""
    model.zero_grad(set_to_none=True)  # an interrupted run may have left half a gradient
    return torch.optim.AdamW(model.parameters(), lr=lr, betas=PAPER_BETAS, weight_decay=0.0, fused=True)


def update(model: nn.Module, optimizer: torch.optim.Optimizer, lr: float, max_grad_norm: float) -> float:
    """One optimizer step at rate `lr` with the gradient norm clipped; returns the norm before clipping.

    Gradients of several processes are added first, so each must hold its share of the batch's gradient.
    """
    processes.add_gradients(model)
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    total = nn.utils.get_total_norm(gradients)
    norm = float(total)
    if not math.isfinite(norm):
        raise FloatingPointError(f"The gradient is {norm} at learning rate {lr:g}: training diverged. Try a lower rate.")
    if norm > max_grad_norm - 1e-6:  # most steps: not, and multiplying every gradient by 1 would take longer than the norm
        nn.utils.clip_grads_with_norm_(model.parameters(), max_grad_norm, total)
    for group in optimizer.param_groups:
        group["lr"] = lr
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return norm


# -- learning-rate shapes: factors of the peak rate for step 0 ... total-1 -------------------------------------------


def cosine(step: int, total: int, final: float, warmup: float = 0.0) -> float:
    """From 1 down to `final` along half a cosine (App. C.1, C.2), in the first steps less: up from 0 (theirs: no warm-up)."""
    curve = final + (1 - final) * 0.5 * (1 + math.cos(math.pi * step / max(1, total - 1)))
    return curve * min(1.0, (step + 1) / max(1.0, warmup))


def constant_then_linear(step: int, total: int, warmup: int, constant_share: float, final: float) -> float:
    """Linear warm-up, then 1 until `constant_share` of all steps, then linear down to `final`."""
    turn = constant_share * total
    falling = 1 - (1 - final) * max(0.0, step - turn) / max(1.0, total - 1 - turn)
    return min((step + 1) / (warmup + 1), falling)


def warmup_from_tenth(iteration: int, warmup: int) -> float:
    """From 1/10 to 1 within `warmup` iterations, then constant (App. C.4)."""
    return min(1.0, 0.1 + 0.9 * iteration / max(1, warmup)) if warmup else 1.0


# -- dropout: off everywhere but, if wished, in SFT and reward training ----------------------------------------------


@contextlib.contextmanager
def training_mode(model: nn.Module, dropout: float):
    """Train mode with this residual dropout (after attention and after the MLP); eval mode and 0 afterwards."""
    layers = [
        m for name, m in model.named_modules() if isinstance(m, nn.Dropout) and name.endswith(("resid_dropout", "mlp.dropout"))
    ]
    try:
        for layer in layers:
            layer.p = dropout
        yield model.train(dropout > 0)
    finally:
        for layer in layers:
            layer.p = 0.0
        model.eval()


@contextlib.contextmanager
def dropout_seed(dropout: float, seed: int, *path):
    """Dropout draws from torch's global generators: seed them for this block, then leave them as they were. Processes drop
    other units each; the first one those that a single process would."""
    if dropout == 0:
        yield
        return
    with torch.random.fork_rng():
        torch.manual_seed(seeded(seed, *path, *filter(None, [processes.rank()])).initial_seed())
        yield


class PrecisionNote:
    """Goes into the checkpoint: a run resumed in another precision is a slightly different run, so say so."""

    def __init__(self, device: torch.device):
        self.dtype = str(choose_dtype(device))

    def state_dict(self) -> dict:
        return {"dtype": self.dtype}

    def load_state_dict(self, state: dict) -> None:
        if state["dtype"] != self.dtype:
            warnings.warn(
                f"This run began in {state['dtype']} and goes on in {self.dtype}: close to, but not exactly, the "
                "uninterrupted run. Set RLHF_LITE_PRECISION to fp32 or bf16 to fix the precision."
            )
