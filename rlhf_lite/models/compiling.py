"""torch.compile for what follows attention in each layer, where a self-test says that it pays.

That part sees each token alone, so it compiles into one graph for batches of any shape; attention is one fused kernel as
it is. Compiling takes seconds to a minute at first use, so only long trainings ask for it (`RealChainConfig.compile`).
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

import torch
from torch import Tensor
from transformers import GPT2Config, PreTrainedModel
from transformers.models.gpt2.modeling_gpt2 import GPT2Block

from .precision import autocast, choose_dtype, in_turns, remembered
from .trunk import dense

WAYS = ("auto", "on", "off")
ROWS, WIDTH = 4096, 768  # what is timed: so many tokens of GPT-2
LARGEST_ERROR = 0.02  # of the gradient, relative: half precision rounds in another order
WORTH_IT = 0.9  # the compiled form must take less than this share of the time
ROUNDS = 10


@dataclass(frozen=True)
class SelfTest:
    """What was measured: milliseconds forward and backward, plain and compiled, the relative error of the gradient, and the
    seconds that compiling took. `problem` says why it did not compile."""

    pays: bool
    plain_ms: float = 0.0
    compiled_ms: float = 0.0
    error: float = 0.0
    seconds: float = 0.0
    problem: str = ""


def compile_layers(model: PreTrainedModel, wish: str = "auto") -> PreTrainedModel:
    """Have the layers of a model run compiled, in place. auto: on a GPU, if the self-test says that it pays."""
    if wish not in WAYS:
        raise ValueError(f"compile = {wish!r} is not one of {', '.join(WAYS)}")
    if wish == "auto" and model.device.type != "cuda":
        return model
    if wish == "on" and (problem := self_test(model.device.type).problem):
        raise RuntimeError(f"compile = 'on', but torch.compile fails here: {problem}; take 'auto' or 'off'")
    if wish == "on" or (wish == "auto" and self_test(model.device.type).pays):
        for block in model.transformer.h:
            block.dense = _compiled()
    return model


@cache
def self_test(device_type: str) -> SelfTest:
    """Time one layer's dense part both ways, and compare; remembered on this machine, for each precision."""
    name = f"compile-{device_type}-{str(choose_dtype(device_type)).removeprefix('torch.')}"
    return remembered(name, SelfTest, lambda: _measure(device_type))


def describe(device_type: str) -> str:
    """What was found, in words."""
    test = self_test(device_type)
    if test.problem:
        return f"torch.compile does not work here: {test.problem}"
    share = f"compiled, a layer's dense part takes {test.compiled_ms / test.plain_ms:.2f} of the time"
    return f"{share} and its gradient is off by {test.error:.1%}: {'used' if test.pays else 'not used'}"


@cache
def _compiled() -> Callable:
    """One for all layers: batches differ in their number of tokens, and that is the only thing that may be any number."""
    return torch.compile(dense)


@torch.enable_grad()
def _measure(device_type: str) -> SelfTest:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = GPT2Config(n_embd=WIDTH, n_head=12, resid_pdrop=0.0, activation_function="gelu_pytorch_tanh")
        block = GPT2Block(config, layer_idx=0).to(device_type)
        x, seen = torch.randn(2, ROWS, WIDTH).to(device_type)

    def gradient(function: Callable, rows: int = ROWS) -> Tensor:
        with autocast(device_type):
            y = function(block, x[:rows], seen[:rows], config.activation_function)
        found = torch.autograd.grad(y.float().square().mean(), list(block.mlp.parameters()))
        flat = torch.cat([g.flatten() for g in found])
        flat.sum().item()  # waits for a GPU
        return flat

    try:
        start = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for rows in (ROWS // 2, ROWS // 2 + 64):  # the second shape makes it compile for any
                gradient(_compiled(), rows)
        seconds = time.perf_counter() - start
        found, expected = gradient(_compiled()), gradient(dense)
    except Exception as error:  # whatever a compiler may not like
        return SelfTest(False, problem=(str(error).strip().splitlines() or [type(error).__name__])[0][:200])
    error = float((found - expected).norm() / expected.norm())
    calls = [partial(gradient, function) for function in (dense, _compiled())]
    plain, compiled = (1e3 * seconds for seconds in in_turns(calls, ROUNDS))
    return SelfTest(error < LARGEST_ERROR and compiled < WORTH_IT * plain, plain, compiled, error, seconds)
