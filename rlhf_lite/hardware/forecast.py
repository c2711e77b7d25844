"""ComputeSettings much memory a training will take, before it begins.

    forecast = ppo(shape, cfg, prompt_lengths, settings)     # what is alive in its worst moment, part by part
    forecast.total > ROOM * free_memory(device)         # it will not fit (`room` says what would)

The sums count tensors as `gpt2`, `losses` and `optim` make them: what a layer keeps for its backward pass, logits in the
three forms in which a cross-entropy holds them, weights with their gradient and Adam's two moments. What a library takes
for itself (a CUDA context: half a gigabyte) is not in them. Bytes throughout.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from transformers import GPT2Config

from ..config import PPOConfig
from ..train.ppo import CHUNK
from . import processes
from .kernels import choose_kernels
from .precision import choose_dtype, round_up

FULL = 4  # bytes of a number in float32
ROOM = 0.85  # share of the free memory that may be planned with: sums are good to a tenth, and the allocator leaves gaps


class TooLittleMemory(ValueError):
    """More memory is needed than there is; the message says what would need less."""


class Shape(NamedTuple):
    """A GPT-2, as far as memory is concerned."""

    width: int
    layers: int
    heads: int
    vocabulary: int
    positions: int

    @classmethod
    def of(cls, config: GPT2Config) -> Shape:
        return cls(config.n_embd, config.n_layer, config.n_head, config.vocab_size, config.n_positions)

    @property
    def embedding(self) -> int:
        return self.vocabulary * self.width

    @property
    def parameters(self) -> int:
        D = self.width
        return self.embedding + self.positions * D + self.layers * (12 * D * D + 13 * D) + 2 * D


SHAPES = {
    "distilgpt2": Shape(768, 6, 12, 50257, 1024),
    "gpt2": Shape(768, 12, 12, 50257, 1024),
    "gpt2-medium": Shape(1024, 24, 16, 50257, 1024),
    "gpt2-large": Shape(1280, 36, 20, 50257, 1024),
}


class ComputeSettings(NamedTuple):
    """In what way it is computed."""

    half: bool = False  # matrix products in bfloat16 or float16
    fused: bool = True  # attention that keeps no scores
    recompute: bool = False  # activation checkpointing
    processes: int = 1
    sharded: bool = False

    @classmethod
    def here(
        cls, device: torch.device | str, recompute: bool = False, sharded: bool = False
    ) -> ComputeSettings:
        """What would be chosen on this device, on as many processes as there are."""
        kind, dtype = torch.device(device).type, choose_dtype(device)
        fused = kind == "cuda" or choose_kernels(kind).has("sdpa", dtype)
        return cls(
            dtype != torch.float32,
            fused,
            recompute,
            processes.world_size(),
            sharded and processes.world_size() > 1,
        )

    @property
    def number(self) -> int:
        """Bytes of what a matrix product gives."""
        return 2 if self.half else FULL

    @property
    def parts(self) -> int:
        """Over so many processes weights, gradients and moments are cut."""
        return self.processes if self.sharded else 1


class BatchShape(NamedTuple):
    """Texts that are computed at once: real tokens, cells of their grid (rows x width), those of the tokens that are read at the
    end, and settings many of them; scores are the pairs of cells that attention compares, of all tokens and of those."""

    tokens: int
    cells: int
    reads: int
    read_cells: int
    scores: int
    read_scores: int

    @classmethod
    def of(cls, lengths: Sequence[int], reads: Sequence[int]) -> BatchShape:
        """lengths of the texts, and settings many tokens of each are read."""
        rows, width, wide = len(lengths), round_up(max(lengths)), round_up(max(reads))
        pairs = rows * width * width, rows * wide * width
        return cls(round_up(sum(lengths), 64), rows * width, sum(reads), rows * wide, *pairs)

    @classmethod
    def full(cls, rows: int, length: int) -> BatchShape:
        """Rows of running text, every token of which is read."""
        return cls.of([length] * rows, [length] * rows)


@dataclass(frozen=True)
class Forecast:
    """What is alive in the worst moment, by part."""

    stage: str
    moment: str
    parts: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.parts.values())

    def __str__(self) -> str:
        most = sorted(self.parts.items(), key=lambda part: -part[1])
        shown = ", ".join(f"{name} {amount(size)}" for name, size in most if size > 0.02 * self.total)
        return f"{self.stage} needs {amount(self.total)} while {self.moment} ({shown})"


def free_memory(device: torch.device | str) -> int | None:
    """Bytes that a training could have on this device; None where nobody says."""
    if torch.device(device).type == "cuda":
        idle = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(
            device
        )  # torch keeps it, and would use it
        return torch.cuda.mem_get_info(device)[0] + idle
    with suppress(OSError, ValueError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None


def amount(size: float) -> str:
    """Bytes in words."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


# --- The moments of a step --------------------------------------------------------------------------------------------


def held(
    shape: Shape, settings: ComputeSettings, trained: int = 1, frozen: int = 0, averaged: bool = False
) -> dict[str, int]:
    """What lies there all the time: weights of all models, Adam's moments of the trained ones, the average of one."""
    P = FULL * shape.parameters // settings.parts
    return {"weights": P * (trained + frozen), "Adam": 2 * P * trained, "average": P * averaged}


def step_moments(
    shape: Shape, batch: BatchShape, settings: ComputeSettings, logits: bool, gradients_before: bool
) -> dict[str, dict[str, int]]:
    """The moments of one forward and backward in which memory peaks, with what is alive besides `held`.

    logits: whether the reads become logits, or a number each. gradients_before: whether an earlier piece of the batch has
    left its gradient.
    """
    D, n = shape.width, settings.number
    matrices = shape.embedding * logits + 12 * D * D * (1 if settings.recompute else shape.layers)
    copies = 2 * matrices if settings.half else 0  # weights as products need them
    layer, last, between = (
        _kept(shape, batch, settings),
        _kept_by_last(shape, batch, settings),
        FULL * batch.tokens * D,
    )
    kept = (
        between * shape.layers + FULL * batch.reads * D
        if settings.recompute
        else layer * (shape.layers - 1) + last
    )
    there = FULL * shape.parameters // settings.parts
    gathered = (
        FULL * (shape.embedding + 12 * D * D) if settings.sharded else 0
    )  # of weights that are cut, the layer at work
    head = (3 * FULL * batch.reads * shape.vocabulary + FULL * shape.embedding) if logits else 0
    N, compared = batch.tokens, _scores(shape, batch.scores, settings)
    inside = 2 * FULL * N * D + max(
        8 * n * N * D, 2 * compared - (FULL + 9 * n) * N * D
    )  # of the MLP; or of attention, later
    left = kept - last + inside if not settings.recompute else kept + layer + inside
    before = there if gradients_before else 0
    grown = max(before, FULL * (shape.embedding * logits + 12 * D * D))
    both = {"half-precision copies": copies, "gathered weights": gathered}
    return {
        "computing the loss": {"activations": kept, "logits": head, "gradients": before, **both},
        "going back through the layers": {"activations": left, "gradients": grown, **both},
        "adding up gradients": {
            "gradients": there + FULL * shape.embedding * (2 if settings.sharded else 1),
            **both,
        },
    }


def _scores(shape: Shape, pairs: int, settings: ComputeSettings) -> int:
    """Attention scores of all heads, where attention is not fused."""
    return 0 if settings.fused else settings.number * shape.heads * pairs


def _kept(shape: Shape, batch: BatchShape, settings: ComputeSettings) -> int:
    """What a layer keeps of its forward for its backward pass: two states of the residual stream in float32, and what its four
    products, its attention and its activation read."""
    D, n, N, G = shape.width, settings.number, batch.tokens, batch.cells
    packed = N == G  # nothing to move between line and grid
    return D * (2 * FULL * N + n * ((10 if packed else 11) * N + 4 * G)) + _scores(
        shape, batch.scores, settings
    )


def _kept_by_last(shape: Shape, batch: BatchShape, settings: ComputeSettings) -> int:
    """The same of the last layer, which computes most of it for the tokens that are read only; and of what follows."""
    D, n, N, G, M, Q = shape.width, settings.number, batch.tokens, batch.cells, batch.reads, batch.read_cells
    numbers = (FULL + n) * N + 2 * n * G + 2 * n * Q + (4 * FULL + 12 * n) * M
    return D * numbers + n * batch.read_scores + _scores(shape, batch.read_scores, settings)


def passing(shape: Shape, batch: BatchShape, settings: ComputeSettings, logits: bool) -> dict[str, int]:
    """One forward pass without gradient: the layers, and when they are done the logits."""
    D, n = shape.width, settings.number
    layers = (
        batch.tokens * D * (2 * FULL + 8 * n)
        + n * 4 * batch.cells * D
        + 2 * _scores(shape, batch.scores, settings)
    )
    forms = 2 * FULL + 2 * settings.half  # as they come, in float32, and normed
    vocabulary = forms * batch.reads * shape.vocabulary * logits
    return {
        "activations" if layers > vocabulary else "logits": max(layers, vocabulary),
        "half-precision copies": 2 * shape.parameters if settings.half else 0,
        "gathered weights": FULL * shape.parameters if settings.sharded else 0,
    }


def _called(name: str, moments: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    """Moments that say whose they are."""
    return {f"{moment}, {name}": sizes for moment, sizes in moments.items()}


def worst(stage: str, lying: dict[str, int], moments: dict[str, dict[str, int]]) -> Forecast:
    """The moment with the largest sum."""
    name, parts = max(moments.items(), key=lambda moment: sum(moment[1].values()))
    return Forecast(stage, name, {part: size for part, size in {**lying, **parts}.items() if size})


# --- The stages -------------------------------------------------------------------------------------------------------


def sft(
    shape: Shape,
    batch: BatchShape,
    settings: ComputeSettings,
    accumulation: int = 1,
    text: BatchShape | None = None,
) -> Forecast:
    """Supervised fine-tuning; the batch is that of the largest piece, `text` that of the pretraining rows mixed in."""
    moments = step_moments(shape, batch, settings, True, gradients_before=accumulation > 1)
    if text is not None:
        moments |= _called(
            "pretraining text", step_moments(shape, text, settings, True, gradients_before=True)
        )
    return worst("sft", held(shape, settings), moments)


def reward(shape: Shape, batch: BatchShape, settings: ComputeSettings, accumulation: int = 1) -> Forecast:
    """A reward model; the batch is that of the largest piece."""
    return worst(
        "reward",
        held(shape, settings),
        step_moments(shape, batch, settings, False, gradients_before=accumulation > 1),
    )


def ppo(
    shape: Shape,
    cfg: PPOConfig,
    prompt_lengths: Sequence[int],
    settings: ComputeSettings,
    ptx_tokens: int = 0,
) -> Forecast:
    """PPO with its four models, where every answer takes all the tokens it may. ptx_tokens: length of a pretraining row."""
    n, T = settings.number, cfg.max_new_tokens
    longest = sorted(prompt_lengths, reverse=True)
    rows = longest[: math.ceil(cfg.batch_size / settings.processes / cfg.accumulation)]
    lying = held(shape, settings, trained=2, frozen=2, averaged=True)
    capacity = round_up(round_up(max(rows)) + T, 32)
    reading = passing(shape, BatchShape.of(rows, [1] * len(rows)), settings, logits=True)
    cache = {"keys and values": 2 * n * shape.layers * len(rows) * capacity * shape.width}
    part = [p + T for p in longest[: math.ceil(cfg.minibatch_size / cfg.accumulation / settings.processes)]]
    few = [
        p + T
        for p in longest[
            : min(max(1, CHUNK // cfg.accumulation), math.ceil(cfg.batch_size / settings.processes))
        ]
    ]
    moments = {
        "sampling": reading | cache,
        "scoring": passing(shape, BatchShape.of(few, [T] * len(few)), settings, logits=True),
    }
    several = cfg.accumulation > 1
    batch = BatchShape.of(part, [T] * len(part))
    for name, logits in (("policy", True), ("value model", False)):
        moments |= _called(name, step_moments(shape, batch, settings, logits, several))
    if cfg.ptx_gamma:
        text = BatchShape.full(math.ceil(cfg.ptx_rows / cfg.accumulation / settings.processes), ptx_tokens)
        moments |= _called(
            "pretraining text", step_moments(shape, text, settings, True, gradients_before=True)
        )
    return worst("ppo", lying, moments)
