"""Small parts every stage uses: Adam (at choice with Muon) and its step, learning-rate shapes, dropout."""

from __future__ import annotations

import contextlib
import math
import warnings
from typing import Any

import torch
from torch import Tensor, nn

from ..hardware import graphs, processes
from ..hardware.device import Later
from ..hardware.precision import choose_dtype
from .batches import seeded

PAPER_BETAS = (0.9, 0.95)  # App. C, all stages
MUON_MOMENTUM = 0.95
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # Jordan's coefficients: steep at 0, and never quite 1
FIRST_SCALE = 2.0**12  # of losses in float16; torch's 2^16 loses a short training's first steps to overflow


class Adam:
    """Adam as in App. C, and what belongs around its steps: in float16 a scaled loss, and the clip of the
    gradient's norm. Without weight decay, AdamW *is* Adam; `fused` does the whole update in one kernel. With
    `muon` the matrices of the layers take its steps (Jordan 2024), which the paper did not know: a base model
    needs fewer tokens so.

        optimizer.scaled(loss).backward()              # once, or for every part of a batch
        norm = optimizer.step(lr, max_grad_norm=1.0)
    """

    def __init__(self, model: nn.Module, lr: float, muon: bool = False):
        if processes.world_size() > 1 and not processes.is_distributed(model):
            raise ValueError("each process would train its own model: call processes.distribute(model)")
        model.zero_grad(set_to_none=True)  # an interrupted run may have left half a gradient
        self.model, self.weights = model, list(model.parameters())
        matrices: list[Tensor] = []
        others: list[Tensor] = []
        for name, weight in model.named_parameters():
            (matrices if muon and ".h." in name and weight.ndim == 2 else others).append(weight)
        self.adam: Any = torch.optim.AdamW(others, lr=lr, betas=PAPER_BETAS, weight_decay=0.0, fused=True)
        self.optimizers: list[Any] = [self.adam]
        if muon:  # the same rate serves both: steps are as long as Adam's
            self.optimizers.append(Muon(matrices, lr, choose_dtype(self.weights[0].device)))
        device = self.weights[0].device
        self.on_one_gpu = device.type == "cuda" and processes.world_size() == 1
        self.norm: Later | None = None  # of the latest step on a GPU
        self.dtype = choose_dtype(device)
        half = self.dtype == torch.float16
        self.scaler = torch.amp.GradScaler(device.type, init_scale=FIRST_SCALE, enabled=half)

    def scaled(self, loss: Tensor) -> Tensor:
        """The loss whose gradient to compute: in float16 so large that small gradients are no zeros."""
        return self.scaler.scale(loss)

    def step(self, lr: float, max_grad_norm: float) -> float | Tensor:
        """One step at rate `lr` with the gradient norm clipped; returns the norm before clipping.

        A gradient that is not finite is no step. In float16 the scale is halved then, else training has
        diverged: FloatingPointError. On a GPU the norm is a tensor, and the next step looks at it, or whoever
        saves: to wait for it here would leave the GPU idle.
        """
        for optimizer in self.optimizers:
            self.scaler.unscale_(optimizer)
            for group in optimizer.param_groups:
                group["lr"] = lr
        gradients = [p.grad for p in self.weights if p.grad is not None]
        total = nn.utils.get_total_norm(gradients)
        if self.on_one_gpu:
            self._look_at_norm()
            self.norm = Later(total)
            self.adam.grad_scale = (total / max_grad_norm).clamp(min=1.0)  # by which Adam divides
            self.adam.found_inf = 1.0 - total.isfinite().float()  # 1: Adam does nothing
        else:
            self._refuse(norm := float(processes.full(total)))
            # Clipping is seldom, and multiplying all gradients by 1 would take time.
            if max_grad_norm - 1e-6 < norm < math.inf:
                nn.utils.clip_grads_with_norm_(self.weights, max_grad_norm, total)
        for optimizer in self.optimizers:
            self.scaler.step(optimizer)
            optimizer.zero_grad(set_to_none=not graphs.few_shapes())  # to which a graph adds
        self.scaler.update()
        return total if self.on_one_gpu else norm

    def _look_at_norm(self) -> None:
        if self.norm is not None:
            self._refuse(float(self.norm))

    def _refuse(self, norm: float) -> None:
        if not math.isfinite(norm) and not self.scaler.get_scale() > 1.0:  # it is 1 where none is needed
            lr = self.adam.param_groups[0]["lr"]
            raise FloatingPointError(
                f"The gradient is {norm} at learning rate {lr:g}: training diverged. Try a lower rate."
            )

    def state_dict(self) -> dict:
        """For a checkpoint (`Loop` puts it together where the model is cut over processes)."""
        self._look_at_norm()
        own = [optimizer.state_dict() for optimizer in self.optimizers]
        return {"optimizers": own, "scaler": self.scaler.state_dict(), "dtype": str(self.dtype)}

    def load_state_dict(self, state: dict) -> None:
        """Go on from a checkpoint, on however many processes and in whatever precision it was written."""
        if state["dtype"] != str(self.dtype):
            warnings.warn(
                f"This run began in {state['dtype']} and goes on in {self.dtype}: close to, but not exactly, "
                "the uninterrupted run. Set RLHF_LITE_PRECISION to fp32, bf16 or fp16 to fix the precision."
            )
        for optimizer, own in zip(self.optimizers, state["optimizers"], strict=True):
            moments = {}
            for i, weight in enumerate(optimizer.param_groups[0]["params"]):
                if i in own["state"]:
                    moments[i] = {name: processes.like(x, weight) for name, x in own["state"][i].items()}
            optimizer.load_state_dict({"state": moments, "param_groups": own["param_groups"]})
        if state["scaler"] and self.scaler.is_enabled():
            self.scaler.load_state_dict(state["scaler"])


class Muon(torch.optim.Optimizer):
    """Momentum whose step is made orthogonal: a matrix moves alike far in all directions (Jordan 2024).

    As torch.optim.Muon with adjust_lr_fn="match_rms_adamw", but in `dtype`: that one computes in bfloat16,
    which takes some CPUs fourteen times as long as float32.
    """

    def __init__(self, matrices: list[Tensor], lr: float, dtype: torch.dtype = torch.float32):
        super().__init__(matrices, {"lr": lr})
        self.dtype = torch.float32 if dtype == torch.float16 else dtype  # whose range is too small

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                if "momentum" not in self.state[weight]:
                    self.state[weight]["momentum"] = torch.zeros_like(weight)
                momentum = self.state[weight]["momentum"].lerp_(weight.grad, 1 - MUON_MOMENTUM)
                update = orthogonal(weight.grad.lerp(momentum, MUON_MOMENTUM).to(self.dtype))
                length = 0.2 * max(weight.shape) ** 0.5  # a step of Adam's has about this size
                weight.add_(update, alpha=-group["lr"] * length)


def orthogonal(matrix: Tensor) -> Tensor:
    """A matrix (M, N) with all its singular values near 1 (0.5 to 1.5), by Newton and Schulz's iteration."""
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    wide = wide / wide.norm().clamp(min=1e-7)
    a, b, c = NEWTON_SCHULZ
    for _ in range(5):
        square = wide @ wide.T
        wide = a * wide + (b * square + c * square @ square) @ wide
    return wide if matrix.shape[0] <= matrix.shape[1] else wide.T


# -- learning-rate shapes: factors of the peak rate for step 0 ... total-1 -----------------------------------


def cosine(step: int, total: int, final: float, warmup: float = 0.0) -> float:
    """From 1 down to `final` along half a cosine (App. C.1, C.2); up from 0 in the first `warmup` steps."""
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


# -- dropout: off everywhere but, if wished, in SFT and reward training --------------------------------------


@contextlib.contextmanager
def training_mode(model: nn.Module, dropout: float):
    """Train mode with this residual dropout (after attention and MLP); eval mode and 0 afterwards."""
    layers = [m for name, m in model.named_modules() if name.endswith(("resid_dropout", "mlp.dropout"))]
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
    """Dropout draws from torch's global generators: seed them for this block, then leave them as they were.
    Each process drops other units; the first one those that a single process would."""
    if dropout == 0:
        yield
        return
    own = () if processes.is_main_process() else (processes.rank(),)
    with torch.random.fork_rng():
        torch.manual_seed(seeded(seed, *path, *own).initial_seed())
        yield
