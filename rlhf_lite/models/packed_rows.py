"""The rows of `sampling.sample` that still run, with a cache of keys and values; a reader may skip it, for
`sampling.PlainRows` gives the same logits."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import GPT2LMHeadModel

from ..hardware.graphs import Graphed
from ..hardware.precision import round_up, working_dtype
from .heads import head_logits
from .losses import upcast
from .packed import pack, pack_last, read_packed

DROP_BELOW = 0.7  # once less than this share of the rows still runs, the others leave the batch and the cache


class PackedRows:
    """The rows that still run: their indices in the full batch, and a KV cache of all they have read.

    Finished rows leave the batch and the cache; on a GPU they stay, and a step is replayed as one CUDA graph.
    """

    def __init__(self, policy: GPT2LMHeadModel, ids: Tensor, mask: Tensor, max_new_tokens: int):
        self.policy, self.prompts = policy, (ids, mask)
        self.rows = torch.arange(len(ids), device=ids.device)
        self.alive = torch.ones_like(self.rows, dtype=torch.bool)
        self.position_ids = mask.sum(dim=1) - 1  # of the last token of each row
        self.new: Tensor | None = None  # that token, once one was drawn
        width = round_up(int(self.position_ids.max()) + 1)  # of the cached prompts; new tokens come after
        capacity = round_up(width + max_new_tokens, 32)
        self.graphed = Graphed(self._read) if ids.device.type == "cuda" else None
        self.cache = Cache(capacity if self.graphed else None, ids.device)
        unseen = torch.arange(capacity, device=ids.device) > self.position_ids[:, None]  # (rows, capacity)
        dtype = working_dtype(policy.lm_head.weight)
        bias = torch.zeros(unseen.shape, dtype=dtype, device=ids.device)
        self.attention_bias = bias.masked_fill(unseen, torch.finfo(dtype).min)

    def next_logits(self) -> Tensor:
        """Read the new tokens, predict the next one: (rows, V)."""
        if self.new is None:
            return self._read_prompts(*self.prompts)
        self.attention_bias[:, self.cache.length] = 0
        bias = self.attention_bias[:, : self.cache.capacity]
        logits = (self.graphed or self._read)(self.new, self.position_ids, bias)
        self.cache.grow(1)
        return logits

    def _read(self, tokens: Tensor, position_ids: Tensor, attention_bias: Tensor) -> Tensor:
        """One more token of each row: tokens and position_ids (rows,), attention_bias (rows, capacity) ->
        (rows, V)."""
        batch = pack_last(tokens, position_ids, attention_bias)
        return upcast(head_logits(self.policy, read_packed(self.policy, batch, cache=self.cache)))

    def _read_prompts(self, ids: Tensor, mask: Tensor) -> Tensor:
        """ids, mask (rows, P) -> (rows, V). Several answers to one prompt: it is read once."""
        first, copy = _repeats(ids) or (self.rows, None)
        batch = pack(ids[first], mask[first])
        ends = mask[first].sum(dim=1).cumsum(dim=0) - 1
        logits = upcast(head_logits(self.policy, read_packed(self.policy, batch, ends, self.cache)))
        self.cache.grow(batch.layout.shape[1])
        if copy is None:
            return logits
        self.cache.select(copy)
        return logits[copy]

    def append(self, token: Tensor, alive: Tensor) -> bool:
        """Take the drawn tokens (rows,) and who still runs after them (rows,); False when nobody does."""
        end = self.policy.config.n_positions - 1  # where a row idles that filled the model
        self.new, self.position_ids, self.alive = token, (self.position_ids + 1).clamp(max=end), alive
        running = int(alive.sum())
        if 0 < running < DROP_BELOW * len(alive) and not self.graphed:
            size = round_up(running, 16, limit=len(alive))  # all who run, a few who do not
            self._keep((~alive).sort(stable=True).indices[:size])
        return running > 0

    def _keep(self, rows: Tensor) -> None:
        self.cache.select(rows)
        for name in ("rows", "alive", "new", "position_ids", "attention_bias"):
            setattr(self, name, getattr(self, name)[rows])


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
        self.at = torch.zeros(1, dtype=torch.long, device=device)  # `length`, where a graph can read it

    @property
    def capacity(self) -> int:
        """Once the next token is read."""
        return self.fixed or round_up(self.length + 1, 32)

    def grow(self, new: int) -> None:
        """So many tokens were read."""
        self.length += new
        self.at.fill_(self.length)

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
