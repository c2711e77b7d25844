"""GPT-2's forward pass without work on padding; a reader may skip it, for transformers' own gives the same.

Layers that look at one token at a time read the tokens of all texts side by side, (N, D). Attention alone
needs a table, one row a text: (B, W). Above the last attention no token looks at another, so what nobody
reads is not computed there. The weights are transformers' and so is the function; only the order of the work
is ours.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint
from transformers import PreTrainedModel

from ..hardware.kernels import attention, causal, linear
from ..hardware.precision import round_up, working_dtype


def packed_forward(model, ids, mask, where=None, position_ids=None, attention_bias=None) -> Tensor:
    """`gpt2.hidden_states` without work on padding."""
    batch = pack(ids, mask, position_ids, attention_bias)
    return read_packed(model, batch, None if where is None else where[mask.bool()].nonzero()[:, 0])


def run(model: PreTrainedModel, part, function: Callable, *arguments):
    """function(part, *arguments), part being the model or one of its layers; where the model was cut over
    processes (`hardware.processes`), by the method that first brings the part's weights together."""
    cut = hasattr(part, "run") and not model.transformer.held_whole
    return part.run(function, *arguments) if cut else function(part, *arguments)


# --- Tokens side by side ------------------------------------------------------------------------------------


class Layout(NamedTuple):
    """Tokens that lie side by side (N,), and where each stands in a table (B, W) that starts every text in
    column 0."""

    cells: Tensor  # (N,) the cell of each token; beyond `count` they are spare and hold nothing
    tokens: Tensor  # (B * W,) the token in each cell; in padding any
    padding: Tensor  # the cells without a token
    count: int  # type: ignore[assignment]  # hides tuple.count, which nobody asks of a layout
    shape: tuple[int, int]  # (B, W)

    def pad(self, x: Tensor) -> Tensor:
        """Side by side -> table: (N, ...) -> (B, W, ...). What stands in padding means nothing and gets no
        gradient."""
        return _Moved.apply(x, self, True).unflatten(0, self.shape)

    def unpad(self, x: Tensor) -> Tensor:
        """Table -> side by side: (B, W, ...) -> (N, ...)."""
        return _Moved.apply(x.flatten(0, 1), self, False)

    @property
    def full(self) -> bool:
        """No padding: both are the same numbers in the same order."""
        return len(self.cells) == self.count == len(self.tokens)


class _Moved(torch.autograd.Function):
    """Both ways are the same selection of rows, and each is the other's gradient: no sums, unlike indexing's
    own gradient."""

    @staticmethod
    def forward(ctx, x: Tensor, layout: Layout, to_table: bool) -> Tensor:
        ctx.layout, ctx.to_table = layout, to_table
        return x if layout.full else x.index_select(0, layout.tokens if to_table else layout.cells)

    @staticmethod
    def backward(ctx, gradient: Tensor):
        layout = ctx.layout
        if layout.full:
            return gradient, None, None
        if ctx.to_table:
            gradient = gradient.index_select(0, layout.cells)
            gradient[layout.count :] = 0
        else:
            gradient = gradient.index_select(0, layout.tokens).index_fill_(0, layout.padding, 0)
        return gradient, None, None


def make_layout(rows: Tensor, columns: Tensor, texts: int, spare: int = 0) -> Layout:
    """rows and columns (N,) of all tokens, text by text and in reading order, plus `spare` tokens that hold
    nothing."""
    N, device = len(rows), rows.device
    W = round_up(int(columns.max()) + 1) if N else 1
    cells = rows * W + columns  # (N,)
    tokens = torch.full((texts * W,), -1, device=device)
    tokens[cells] = torch.arange(N, device=device)
    padding = (tokens < 0).nonzero()[:, 0]
    return Layout(F.pad(cells, (0, spare)), tokens.clamp(min=0), padding, N, (texts, W))


class PackedBatch(NamedTuple):
    """Tokens of B texts side by side, their positions, and their layout. attention_bias (B, 1, W, W) as in
    `gpt2.hidden_states`."""

    ids: Tensor  # (N,)
    position_ids: Tensor  # (N,)
    layout: Layout
    attention_bias: Tensor | None = None


def pack(
    ids: Tensor, mask: Tensor, position_ids: Tensor | None = None, attention_bias: Tensor | None = None
) -> PackedBatch:
    """Rows with padding on either side, ids and mask (B, T) -> texts without it; the rest as in
    `gpt2.hidden_states`."""
    real = mask.bool()
    columns = real.long().cumsum(dim=1)[real] - 1  # (N,)
    ids, positions = ids[real], columns if position_ids is None else position_ids[real]
    spare = round_up(len(ids), 64) - len(ids)
    layout = make_layout(real.nonzero()[:, 0], columns, len(mask), spare)
    if attention_bias is not None and (gap := layout.shape[1] - mask.shape[1]):
        never = torch.finfo(attention_bias.dtype).min
        attention_bias = F.pad(attention_bias, (0, gap, 0, gap), value=never)  # (B, 1, W, W)
    return PackedBatch(F.pad(ids, (0, spare)), F.pad(positions, (0, spare)), layout, attention_bias)


def pack_last(ids: Tensor, position_ids: Tensor, attention_bias: Tensor) -> PackedBatch:
    """One token of each text, the latest, in front of a cache: ids and position_ids (B,), attention_bias (B,
    W)."""
    each = torch.arange(len(ids), device=ids.device)
    layout = Layout(each, each, each[:0], len(ids), (len(ids), 1))
    return PackedBatch(ids, position_ids, layout, attention_bias[:, None, None])


# --- The forward pass ---------------------------------------------------------------------------------------


def read_packed(model: PreTrainedModel, batch: PackedBatch, read: Tensor | None = None, cache=None) -> Tensor:
    """Hidden states of all tokens (N, D), or of those in `read`, ascending: (M, D).

    With a cache (see `packed_rows.Cache`) each layer puts its keys and values there and attends to all that
    it holds.
    """
    t: Any = model.transformer
    act = model.config.activation_function
    x = t.wte(batch.ids) + t.wpe(batch.position_ids)  # (N, D)
    again = getattr(t, "recompute", False) and torch.is_grad_enabled()
    for i, block in enumerate(t.h):
        where = read if i + 1 == len(t.h) else None
        x = run(model, block, layer, x, batch, act, where, cache, again)
    return t.ln_f(x)[: batch.layout.count if read is None else len(read)]


def layer(
    block, x: Tensor, batch: PackedBatch, act: str, read: Tensor | None, cache=None, recompute: bool = False
) -> Tensor:
    """One layer: x (N, D) -> (N, D), or of the tokens in `read` only."""
    if recompute:
        return checkpoint(layer, block, x, batch, act, read, use_reentrant=False)
    x, seen = _attend(block, x, batch, read, cache)
    x = x + block.attn.resid_dropout(linear(seen, block.attn.c_proj.weight, block.attn.c_proj.bias))
    up, down = block.mlp.c_fc, block.mlp.c_proj
    inner = linear(block.ln_2(x), up.weight, up.bias, act)  # (N, 4D)
    return x + block.mlp.dropout(linear(inner, down.weight, down.bias))


def _attend(block, x: Tensor, batch: PackedBatch, read: Tensor | None, cache=None) -> tuple[Tensor, Tensor]:
    """x (N, D) and what each token sees, (N, D); or both of the tokens in `read`, (M or a few more, D)."""
    attn, D = block.attn, x.shape[1]
    weight, bias, heads = attn.c_attn.weight, attn.c_attn.bias, attn.num_heads
    normed, queries, attention_bias = block.ln_1(x), batch.layout, batch.attention_bias
    if read is None:
        q, k, v = _split(queries.pad(linear(normed, weight, bias)), 3, heads)  # (B, H, W, D / H) each
    else:
        queries, attention_bias = _queries(batch, read, working_dtype(x))
        read = F.pad(read, (0, len(queries.cells) - len(read)))
        x, chosen = x.index_select(0, read), normed.index_select(0, read)
        k, v = _split(batch.layout.pad(linear(normed, weight[:, D:], bias[D:])), 2, heads)
        (q,) = _split(queries.pad(linear(chosen, weight[:, :D], bias[:D])), 1, heads)  # (B, H, Q, D / H)
    if cache is not None:
        k, v = cache.extend(attn.layer_idx, k, v)
    return x, queries.unpad(attention(q, k, v, attention_bias))


def _queries(batch: PackedBatch, read: Tensor, dtype: torch.dtype) -> tuple[Layout, Tensor]:
    """The tokens in `read` (M,) in a table of their own (B, Q), and their attention bias, (B, 1, Q, W)."""
    B, W = batch.layout.shape
    cells = batch.layout.cells[read]  # (M,)
    rows = cells // W
    counts = rows.bincount(minlength=B)  # (B,)
    first = counts.cumsum(0) - counts
    columns = torch.arange(len(read), device=read.device) - first[rows]
    queries = make_layout(rows, columns, B, spare=round_up(len(read), 64) - len(read))
    if batch.attention_bias is None:
        bias = causal(W, dtype, read.device)[cells % W]  # (M, W)
    else:
        bias = batch.attention_bias.flatten(0, 2)[cells]
    return queries, queries.pad(bias)[:, None]


def _split(x: Tensor, parts: int, heads: int) -> tuple[Tensor, ...]:
    """Queries, keys and values (or some of them), head by head: (B, W, parts * D) -> parts of (B, H, W, D /
    H)."""
    return x.unflatten(-1, (parts, heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)
