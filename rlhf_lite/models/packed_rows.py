"""The rows of `sampling.sample` that still run, with a cache of keys and values; a reader may skip it, for
`sampling.PlainRows` gives the same logits."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import GPT2LMHeadModel

from ..hardware.device import to_device
from ..hardware.graphs import Graphed, has_graphs
from ..hardware.precision import round_up, working_dtype
from .heads import head_logits
from .losses import last_index
from .packed import pack, pack_last, read_packed

DROP_BELOW = 0.7  # once less than this share of the rows still runs, the others leave the batch and the cache
DROP_GRAPH_BELOW = 0.5  # the same where a step is a graph, which has to be captured again
BLOCK = 256  # tokens
ASK_EVERY = 8  # steps after which a GPU is asked who still runs: while it answers, it does nothing


class PackedRows:
    """The rows that still run: their indices in the full batch, and a KV cache of all they have read.

    Finished rows leave the batch and the cache. On a GPU a step is replayed as one CUDA graph, so there
    everything that changes from step to step is a tensor, and is changed in place.
    """

    def __init__(self, policy: GPT2LMHeadModel, ids: Tensor, mask: Tensor, max_new_tokens: int):
        self.policy, self.prompts, device = policy, (ids, mask), policy.device
        self.rows = torch.arange(len(ids), device=device)
        self.alive = torch.ones_like(self.rows, dtype=torch.bool)
        lengths = mask.sum(dim=1)
        self.position_ids = to_device(lengths - 1, device)  # of the last token of each row
        self.new = torch.zeros_like(self.rows)  # that token, once one was drawn
        self.t = torch.zeros(1, dtype=torch.long, device=device)  # tokens that were drawn
        width = round_up(int(lengths.max()))  # of the prompts in the cache; new tokens come after
        capacity = round_up(width + max_new_tokens, 32)
        self.steps, self.as_graph = 0, has_graphs(device)
        self.graphed: Graphed | None = None
        self.cache = Cache(capacity if self.as_graph else None, device)
        unseen = torch.arange(capacity, device=device) > self.position_ids[:, None]  # (rows, capacity)
        dtype = working_dtype(policy.lm_head.weight)
        bias = torch.zeros(unseen.shape, dtype=dtype, device=device)
        self.attention_bias = bias.masked_fill(unseen, torch.finfo(dtype).min)

    def step(self, draw: Callable[[Tensor], None]) -> bool:
        """One more token of each row: draw(logits) is called with what predicts it, (rows, V), and calls
        `append`. False once it is known that no row runs any more."""

        def read_and_draw() -> Tensor:
            logits = self._read()
            draw(logits)
            return logits

        if not self.steps:
            draw(self._read_prompts(*self.prompts))
        else:
            if self.as_graph:
                state = self.new, self.position_ids, self.alive, self.t, self.cache.at
                self.graphed = self.graphed or Graphed(state)
                self.graphed(read_and_draw)
            else:
                read_and_draw()
            self.cache.length += 1
        self.steps += 1
        if self.as_graph and self.steps % ASK_EVERY:
            return True
        running = int(self.alive.sum())
        if 0 < running < (DROP_GRAPH_BELOW if self.as_graph else DROP_BELOW) * len(self.alive):
            size = round_up(running, 16, limit=len(self.alive))  # all who run, a few who do not
            self._keep((~self.alive).sort(stable=True).indices[:size])
        return running > 0

    def append(self, token: Tensor, alive: Tensor) -> None:
        """Take the drawn tokens (rows,) and who still runs after them (rows,)."""
        end = self.policy.config.n_positions - 1  # where a row idles that filled the model
        self.new.copy_(token)
        self.position_ids.add_(1).clamp_(max=end)
        self.alive.copy_(alive)
        self.t.add_(1)

    def _read(self) -> Tensor:
        """What the tokens drawn last predict: (rows, V)."""
        bias = self.attention_bias[:, : self.cache.capacity]
        if self.as_graph:
            bias.index_fill_(1, self.cache.at, 0)
        else:
            bias[:, self.cache.length] = 0
        batch = pack_last(self.new, self.position_ids, bias)
        logits = head_logits(self.policy, read_packed(self.policy.transformer, batch, self.cache))
        self.cache.at.add_(1)
        return logits

    def _read_prompts(self, ids: Tensor, mask: Tensor) -> Tensor:
        """ids, mask (rows, P) -> (rows, V). Several answers to one prompt: it is read once."""
        first, copy = _repeats(ids) or (torch.arange(len(ids)), None)
        ids, mask = ids[first], mask[first]  # (prompts, P)
        ends = F.one_hot(last_index(mask), mask.shape[1]).bool()
        batch = pack(ids, mask, ends, device=self.rows.device, dtype=self.attention_bias.dtype)
        logits = head_logits(self.policy, read_packed(self.policy.transformer, batch, self.cache))
        self.cache.length = batch.layout.shape[1]
        self.cache.at.fill_(self.cache.length)
        if copy is None:
            return logits
        copy = to_device(copy, self.rows.device)
        self.cache.select(copy)
        return logits[copy]

    def _keep(self, rows: Tensor) -> None:
        self.cache.select(rows)
        for name in ("rows", "alive", "new", "position_ids", "attention_bias"):
            setattr(self, name, getattr(self, name)[rows])
        self.graphed = None  # to be captured again


class Cache:
    """Keys and values of all that was read, by layer, (rows, heads, capacity, D / heads) each, of which
    `length` are written.

    They are written in place, and all of the capacity is attended to: what is not written is zeros, and
    masked. It is fixed on a GPU, where a graph needs everything to stay where it is, and grows by 32 tokens
    at a time on a CPU.
    """

    def __init__(self, fixed: int | None, device: torch.device):
        self.layers: dict[int, list[Tensor]] = {}
        self.length, self.fixed = 0, fixed
        self.at = torch.zeros(
            1, dtype=torch.long, device=device
        )  # `length` once more, where a graph can read it

    @property
    def capacity(self) -> int:
        """Once the next token is read."""
        return self.fixed or round_up(self.length + 1, 32)

    def extend(self, layer: int, keys: Tensor, values: Tensor) -> list[Tensor]:
        """Called by each layer's attention with what is new; returns all there is."""
        if not self.length:
            gap = self.fixed - keys.shape[2] if self.fixed else 0
            self.layers[layer] = [F.pad(x, (0, 0, 0, gap)) if gap else x for x in (keys, values)]
            return [keys, values]
        held = self.layers[layer]
        if room := self.capacity - held[0].shape[2]:
            held[:] = [F.pad(x, (0, 0, 0, room)) for x in held]
        for stored, x in zip(held, (keys, values), strict=True):
            if self.fixed:
                stored.index_copy_(2, self.at, x)
            else:  # the same, and faster on a CPU
                stored[:, :, self.length] = x[:, :, 0]
        return held

    def select(self, rows: Tensor) -> None:
        """Keep these rows, or copy them."""
        for held in self.layers.values():
            held[:] = [x.index_select(0, rows) for x in held]


def _repeats(ids: Tensor) -> tuple[Tensor, Tensor] | None:
    """Where each run of equal rows of ids (B, P) starts, with a few more for `round_up`, and the run of each
    row (B,); None where hardly any row repeats the one before."""
    new = torch.ones(len(ids), dtype=torch.bool, device=ids.device)
    new[1:] = (ids[1:] != ids[:-1]).any(dim=1)
    first = new.nonzero()[:, 0]
    if len(first) > 0.9 * len(ids):
        return None
    spare = first[-1:].expand(round_up(len(first), 16, limit=len(ids)) - len(first))
    return torch.cat([first, spare]), new.cumsum(dim=0) - 1


def draw_in_two_levels(logp: Tensor, uniform: Tensor) -> Tensor:
    """`sampling.draw_tokens` for a GPU, where to cumulate a large vocabulary takes a third of a step: first
    which block of BLOCK tokens, then which token of it. (rows, V), (rows,) -> (rows,)"""
    blocks = F.pad(logp.exp(), (0, -logp.shape[1] % BLOCK)).unflatten(1, (-1, BLOCK))  # (rows, n, BLOCK)
    outer = blocks.sum(dim=-1, dtype=torch.float64).cumsum(dim=-1)  # (rows, n)
    wanted = uniform[:, None] * outer[:, -1:]  # (rows, 1)
    block = _first_above(outer, wanted)  # (rows, 1)
    inner = blocks.gather(1, block[..., None].expand(-1, 1, BLOCK))[:, 0].cumsum(dim=-1, dtype=torch.float64)
    place = _first_above(inner, wanted - F.pad(outer, (1, 0)).gather(1, block))  # (rows, 1)
    return (block * BLOCK + place)[:, 0]


def _first_above(cdf: Tensor, wanted: Tensor) -> Tensor:
    """The first entry of cdf (rows, n) above wanted (rows, 1): (rows, 1). It is one with a probability, even
    where rounding brought `wanted` to the end."""
    return torch.searchsorted(cdf, torch.minimum(wanted, cdf[:, -1:] * (1 - 2**-52)), right=True)
