"""How much memory a training will take, before it begins. Bytes throughout.

    forecast = ppo(shape, cfg, prompt_lengths, settings)  # what is alive in its worst moment, part by part
    forecast.total > ROOM * free_memory(device)           # it will not fit (`chain.memory` says what would)

The sums count tensors as models, losses and optimizer make them: what a layer keeps for its backward pass,
logits in the three forms in which a cross-entropy holds them, weights with their gradient and Adam's two
moments. What a library takes for itself (a CUDA context: half a gigabyte) is not in them.
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

from ..config import SCORING_ROWS, PPOConfig
from . import processes
from .kernels import choose_kernels
from .precision import choose_dtype, round_up

FULL = 4  # bytes of a number in float32
ROOM = 0.85  # share of free memory to plan with: sums are good to a tenth, and the allocator leaves gaps


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

    # Numbers in the token embeddings (also the matrix of the logits), in a layer's matrices, in all weights.
    embedding = property(lambda self: self.vocabulary * self.width)
    layer = property(lambda self: 12 * self.width**2)

    @property
    def parameters(self) -> int:
        vectors = self.positions + 13 * self.layers + 2  # of `width` numbers each
        return self.embedding + self.layers * self.layer + vectors * self.width


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
    recompute: bool = False  # layers are computed once more in the backward pass, and keep nothing
    processes: int = 1  # trained models, their gradients and Adam's moments are cut over them
    sharded: bool = False  # so are models that are only read; weights come together layer by layer

    @classmethod
    def here(cls, device: torch.device | str, recompute=False, sharded=False) -> ComputeSettings:
        """What would be chosen on this device, on as many processes as there are."""
        kind, dtype, count = torch.device(device).type, choose_dtype(device), processes.world_size()
        fused = kind == "cuda" or choose_kernels(kind).has("sdpa", dtype)
        return cls(dtype != torch.float32, fused, recompute, count, sharded and count > 1)

    @property
    def product(self) -> int:
        """Bytes of a number that a matrix product gives."""
        return 2 if self.half else FULL


class BatchShape(NamedTuple):
    """Texts that are computed at once; attention works on a grid of rows x width cells."""

    tokens: int
    cells: int
    reads: int  # tokens whose hidden states are read at the end
    read_cells: int
    pairs: int  # of cells that attention compares
    read_pairs: int

    @classmethod
    def of(cls, lengths: Sequence[int], reads: Sequence[int]) -> BatchShape:
        """lengths of the texts, and how many tokens of each are read."""
        rows, width, reading = len(lengths), round_up(max(lengths)), round_up(max(reads))
        tokens, pairs = round_up(sum(lengths), step=64), (rows * width * width, rows * reading * width)
        return cls(tokens, rows * width, sum(reads), rows * reading, *pairs)


@dataclass(frozen=True)
class Forecast:
    """What is alive in the worst moment, by part."""

    stage: str
    moment: str
    parts: dict[str, int]

    @classmethod
    def worst(cls, stage: str, always: dict[str, int], moments: dict[str, dict[str, int]]) -> Forecast:
        """The moment with the largest sum, and what lies there all the time."""
        name, parts = max(moments.items(), key=lambda moment: sum(moment[1].values()))
        return cls(stage, name, {part: size for part, size in (always | parts).items() if size})

    @property
    def total(self) -> int:
        return sum(self.parts.values())

    def __str__(self) -> str:
        most = sorted(self.parts.items(), key=lambda part: -part[1])
        shown = ", ".join(f"{name} {amount(size)}" for name, size in most if size > 0.02 * self.total)
        return f"{self.stage} needs {amount(self.total)} while {self.moment} ({shown})"


def free_memory(device: torch.device | str) -> int | None:
    """Bytes that a training could have on this device; None where nobody says."""
    if torch.device(device).type == "cuda":  # what torch keeps for later it would use
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + kept
    with suppress(OSError, ValueError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None


def amount(size: float) -> str:
    """Bytes in words."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


# --- The moments of a step ----------------------------------------------------------------------------------


class _Step(NamedTuple):
    """One pass of a model over a batch; `logits`: whether the reads become logits, or a number each."""

    shape: Shape
    batch: BatchShape
    settings: ComputeSettings
    logits: bool = True

    def scores(self, pairs: int) -> int:
        """Attention scores of all heads, where attention is not fused."""
        return 0 if self.settings.fused else self.settings.product * self.shape.heads * pairs

    def kept(self) -> int:
        """What a layer keeps for its backward pass: two float32 states of the residual stream, and what its
        four products, its attention and its activation read."""
        N, G, n = self.batch.tokens, self.batch.cells, self.settings.product
        moved = 0 if N == G else N  # without padding there is nothing to move between line and grid
        numbers = 2 * FULL * N + n * (10 * N + moved + 4 * G)
        return self.shape.width * numbers + self.scores(self.batch.pairs)

    def kept_by_last(self) -> int:
        """The same of the last layer, which computes most of it for the reads only; and of what follows."""
        N, G, M, Q = self.batch.tokens, self.batch.cells, self.batch.reads, self.batch.read_cells
        n, pairs = self.settings.product, self.batch.read_pairs
        numbers = (FULL + n) * N + 2 * n * (G + Q) + (4 * FULL + 12 * n) * M
        return self.shape.width * numbers + n * pairs + self.scores(pairs)

    def forward(self) -> dict[str, int]:
        """A pass without gradient: the layers, and when they are done the logits."""
        (shape, batch, settings, _), n = self, self.settings.product
        layers = shape.width * (batch.tokens * (2 * FULL + 8 * n) + 4 * n * batch.cells)
        layers += 2 * self.scores(batch.pairs)
        forms = 2 * FULL + 2 * settings.half  # of logits: as they come, in float32, and normed
        logits = forms * batch.reads * shape.vocabulary
        return {
            "activations" if layers > logits else "logits": max(layers, logits),
            "half-precision copies": 2 * shape.parameters if settings.half else 0,
            "gathered weights": FULL * shape.parameters if settings.processes > 1 else 0,
        }

    def moments(self, accumulated: bool, name: str = "") -> dict[str, dict[str, int]]:
        """Where memory peaks in a forward and backward pass. accumulated: whether an earlier part of the
        batch has left its gradient. name: of the model or text, if there are several."""
        (shape, batch, settings, _), n = self, self.settings.product
        N, D, several = batch.tokens, shape.width, settings.processes > 1
        matrices = shape.embedding * self.logits + shape.layer * (1 if settings.recompute else shape.layers)
        layer, last = self.kept(), self.kept_by_last()
        kept = layer * (shape.layers - 1) + last
        if settings.recompute:
            kept = FULL * D * (N * shape.layers + batch.reads)
        # inside the MLP; or inside attention, later
        inside = 2 * FULL * N * D + max(8 * n * N * D, 2 * self.scores(batch.pairs) - (FULL + 9 * n) * N * D)
        own, embedding = FULL * shape.parameters // settings.processes, FULL * shape.embedding
        before = own if accumulated else 0
        at_work = embedding + FULL * shape.layer if several else 0  # of weights that are cut
        gathered = FULL * shape.parameters if several and not settings.sharded else at_work
        copies = {"half-precision copies": 2 * matrices if settings.half else 0}
        moments = {
            "computing the loss": {
                "activations": kept,
                "logits": (3 * FULL * batch.reads * shape.vocabulary + embedding) * self.logits,
                "gradients": before,
                "gathered weights": gathered,
            },
            "going back through the layers": {
                "activations": kept + inside + (layer if settings.recompute else -last),
                "gradients": max(before, embedding * self.logits + FULL * shape.layer),
                "gathered weights": gathered,
            },
            "adding up gradients": {
                "gradients": own + embedding * (2 if several else 1),
                "gathered weights": at_work,
            },
        }
        return {f"{moment}{name and ', '}{name}": sizes | copies for moment, sizes in moments.items()}


def _always(shape: Shape, settings: ComputeSettings, trained=1, frozen=0, averaged=0) -> dict[str, int]:
    """What lies there all the time: weights of all models, Adam's moments of trained ones, the average."""
    own = FULL * shape.parameters // settings.processes
    read = own if settings.sharded else FULL * shape.parameters
    return {"weights": own * trained + read * frozen, "Adam": 2 * own * trained, "average": own * averaged}


# --- The stages ---------------------------------------------------------------------------------------------


def sft(shape: Shape, batch: BatchShape, settings: ComputeSettings, accumulation=1, text=None) -> Forecast:
    """Supervised fine-tuning; `batch` is the largest part of one, `text` the pretraining rows mixed in."""
    moments = _Step(shape, batch, settings).moments(accumulation > 1)
    if text is not None:
        moments |= _Step(shape, text, settings).moments(True, "pretraining text")
    return Forecast.worst("sft", _always(shape, settings), moments)


def reward(shape: Shape, batch: BatchShape, settings: ComputeSettings, accumulation=1) -> Forecast:
    """A reward model; `batch` is the largest part of one."""
    moments = _Step(shape, batch, settings, logits=False).moments(accumulation > 1)
    return Forecast.worst("reward", _always(shape, settings), moments)


def ppo(
    shape: Shape, cfg: PPOConfig, prompts: Sequence[int], settings: ComputeSettings, ptx_tokens: int = 0
) -> Forecast:
    """PPO on prompts of these lengths, where answers take all tokens they may; ptx_tokens: of a text row."""
    T, parts = cfg.max_new_tokens, cfg.accumulation * settings.processes
    longest = sorted(prompts, reverse=True)

    def answered(rows: int) -> BatchShape:
        return BatchShape.of([length + T for length in longest[:rows]], [T] * min(rows, len(longest)))

    prompts = longest[: math.ceil(cfg.batch_size / parts)]
    capacity = round_up(round_up(max(prompts)) + T, step=32)  # tokens that the cache has room for
    cache = 2 * settings.product * shape.layers * len(prompts) * capacity * shape.width
    reading = _Step(shape, BatchShape.of(prompts, [1] * len(prompts)), settings).forward()
    rows = min(max(1, SCORING_ROWS // cfg.accumulation), math.ceil(cfg.batch_size / settings.processes))
    scoring = _Step(shape, answered(rows), settings).forward()
    moments = {"sampling": reading | {"keys and values": cache}, "scoring": scoring}
    batch = answered(math.ceil(cfg.minibatch_size / parts))
    moments |= _Step(shape, batch, settings).moments(cfg.accumulation > 1, "policy")
    moments |= _Step(shape, batch, settings, logits=False).moments(cfg.accumulation > 1, "value model")
    if cfg.ptx_gamma:
        rows = math.ceil(cfg.ptx_rows / parts)
        text = BatchShape.of([ptx_tokens] * rows, [ptx_tokens] * rows)
        moments |= _Step(shape, text, settings).moments(True, "pretraining text")
    return Forecast.worst("ppo", _always(shape, settings, trained=2, frozen=2, averaged=1), moments)
