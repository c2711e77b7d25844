"""GPT-2's forward pass without work on padding; a reader may skip it, for transformers' own gives the same.

Layers that look at one token at a time read the tokens of all texts side by side, (N, D). Attention alone
needs a table, one row a text: (B, W). Above the last attention no token looks at another, so what nobody
reads is not computed there. The weights are transformers' and so is the function; only the order of the work
is ours.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint
from transformers import GPT2Model

from ..hardware.compiling import compilable
from ..hardware.device import to_device
from ..hardware.graphs import bucket, few_shapes, repeated, replayed
from ..hardware.kernels import attention, causal, linear
from ..hardware.precision import round_up, working_dtype


def packed_forward(model, ids, mask, where=None, position_ids=None, attention_bias=None) -> Tensor:
    """`gpt2.hidden_states` without work on padding."""
    weight = model.transformer.wte.weight
    where_to = {"device": weight.device, "dtype": working_dtype(weight)}
    return read_packed(model.transformer, pack(ids, mask, where, position_ids, attention_bias, **where_to))


def run(trunk: GPT2Model, part, function: Callable, *arguments):
    """function(part, *arguments), part being the model or one of its layers; where the model was cut over
    processes (`hardware.processes`), by the method that first brings the part's weights together."""
    cut = hasattr(part, "run") and not trunk.held_whole
    return part.run(function, *arguments) if cut else function(part, *arguments)


# --- Tokens side by side ------------------------------------------------------------------------------------


class Layout(NamedTuple):
    """Tokens that lie side by side (N,), and where each stands in a table (B, W) that starts every text in
    column 0. All indices are on the device of the model."""

    cells: Tensor  # (N,) the cell of each token; those of spare ones mean nothing
    tokens: Tensor  # (B * W,) the token in each cell; in padding any
    padding: Tensor  # the cells without a token, each once or more often
    spare: Tensor  # the last few of the N, which hold nothing and make N a round number; or more often
    shape: tuple[int, int]  # (B, W)
    full: bool  # no padding and nothing spare: both are the same numbers in the same order, without indices

    def pad(self, x: Tensor) -> Tensor:
        """Side by side -> table: (N, ...) -> (B, W, ...). What stands in padding means nothing and gets no
        gradient."""
        table = x if self.full else _Select.apply(x, self.tokens, self.cells, self.spare)
        return table.unflatten(0, self.shape)

    def unpad(self, x: Tensor) -> Tensor:
        """Table -> side by side: (B, W, ...) -> (N, ...)."""
        x = x.flatten(0, 1)
        return x if self.full else _Select.apply(x, self.cells, self.tokens, self.padding)


class _Select(torch.autograd.Function):
    """x.index_select(0, chosen) whose gradient is a selection too, and no sum, unlike indexing's own: row i
    of x was read by row back[i] of the result, those in `unread` by none."""

    @staticmethod
    def forward(ctx, x: Tensor, chosen: Tensor, back: Tensor, unread: Tensor) -> Tensor:
        ctx.save_for_backward(back, unread)
        return x.index_select(0, chosen)

    @staticmethod
    def backward(ctx, gradient: Tensor):
        back, unread = ctx.saved_tensors
        return gradient.index_select(0, back).index_fill_(0, unread, 0), None, None, None


def make_layout(rows: Tensor, columns: Tensor, texts: int, device: torch.device, spare: int = 0) -> Layout:
    """rows and columns (N,) of all tokens, text by text and in reading order, plus `spare` tokens that hold
    nothing. Computed where `rows` are, moved to the device."""
    N, W = len(rows), int(columns.max()) + 1 if len(rows) else 1
    W = bucket(W, 8)[0] if few_shapes() and spare else round_up(W) if N else 1
    if N == texts * W and not spare:
        nothing = torch.empty(0, dtype=torch.long, device=device)
        return Layout(nothing, nothing, nothing, nothing, (texts, W), full=True)
    cells = rows * W + columns  # (N,)
    tokens = torch.full((texts * W,), -1, device=rows.device)
    tokens[cells] = torch.arange(N, device=rows.device)
    padding = (tokens < 0).nonzero()[:, 0]
    unread = torch.arange(N, N + spare, device=rows.device)
    if few_shapes():  # there is at least one of each, and at most so many
        size, most = bucket(N)
        padding, unread = repeated(padding, texts * W - size + most), repeated(unread, most)
    indices = F.pad(cells, (0, spare)), tokens.clamp(min=0), padding, unread
    cells, tokens, padding, unread = (to_device(x, device) for x in indices)
    return Layout(cells, tokens, padding, unread, (texts, W), full=False)


class PackedBatch(NamedTuple):
    """Tokens of B texts side by side, their positions, and their layout; and the tokens whose hidden states
    are asked for, `read`, in a layout of their own with their attention bias, or None for all."""

    ids: Tensor  # (N,)
    position_ids: Tensor  # (N,)
    layout: Layout
    wanted: int  # so many hidden states are asked for
    attention_bias: Tensor | None = None  # (B, 1, W, W), as in `gpt2.hidden_states`
    read: Tensor | None = None  # (M,) ascending, of the N
    queries: Layout | None = None  # a table (B, Q)
    query_bias: Tensor | None = None  # (B, 1, Q, W)


def pack(
    ids: Tensor,
    mask: Tensor,
    where: Tensor | None = None,
    position_ids: Tensor | None = None,
    attention_bias: Tensor | None = None,
    *,
    device: torch.device,
    dtype: torch.dtype,
) -> PackedBatch:
    """Rows with padding on either side, ids and mask (B, T) -> texts without it; the rest as in
    `gpt2.hidden_states`.

    Everything is counted where ids, mask and position_ids are, on the CPU as a rule: a GPU that is asked for
    a size keeps everyone waiting. dtype: of an attention bias.
    """
    (B, T), real = mask.shape, mask.bool()
    cells = real.flatten().nonzero()[:, 0]  # (N,) of the rows as they are
    columns = real.long().cumsum(dim=1).flatten()[cells] - 1  # (N,) of the rows without padding
    ids, positions = ids.flatten()[cells], columns if position_ids is None else position_ids.flatten()[cells]
    spare = _spare(len(cells), full=bool(real.all()) and T % 8 == 0)
    layout = make_layout(cells // T, columns, B, device, spare)
    if attention_bias is not None and (gap := layout.shape[1] - T):
        never = torch.finfo(attention_bias.dtype).min
        attention_bias = F.pad(attention_bias, (0, gap, 0, gap), value=never)  # (B, 1, W, W)
    ids, positions = (to_device(F.pad(x, (0, spare)), device) for x in (ids, positions))
    batch = PackedBatch(ids, positions, layout, len(cells), attention_bias)
    if where is None:
        return batch
    read = where.flatten()[cells].nonzero()[:, 0]  # (M,)
    return _ask(batch, read, (cells // T)[read], columns[read], dtype)


def _spare(n: int, full: bool = False) -> int:
    """How many tokens that hold nothing make n a round number; where graphs are replayed one at least, unless
    no cell of the table is free."""
    if few_shapes():
        return 0 if full else bucket(n)[0] - n
    return round_up(n, 64) - n


def _ask(batch: PackedBatch, read: Tensor, rows: Tensor, columns: Tensor, dtype: torch.dtype) -> PackedBatch:
    """The batch with the tokens that are asked for, in `read` of the N, and their cells: (M,) each."""
    (B, W), device = batch.layout.shape, batch.ids.device
    counts = rows.bincount(minlength=B)  # (B,)
    first = counts.cumsum(0) - counts
    spare = _spare(len(read))
    queries = make_layout(rows, torch.arange(len(read), device=rows.device) - first[rows], B, device, spare)
    if batch.attention_bias is None:
        bias = causal(W, dtype, device).index_select(0, to_device(columns, device))  # (M, W)
    else:
        cells = to_device(rows * W + columns, device)
        bias = batch.attention_bias.flatten(0, 2).index_select(0, cells)
    read = to_device(F.pad(read, (0, spare)), device)
    query_bias = queries.pad(bias)[:, None]
    return batch._replace(wanted=len(rows), read=read, queries=queries, query_bias=query_bias)


def pack_last(ids: Tensor, position_ids: Tensor, attention_bias: Tensor) -> PackedBatch:
    """One token of each text, the latest, in front of a cache: ids and position_ids (B,), attention_bias (B,
    W)."""
    nothing = ids[:0]
    layout = Layout(nothing, nothing, nothing, nothing, (len(ids), 1), full=True)
    return PackedBatch(ids, position_ids, layout, len(ids), attention_bias[:, None, None])


# --- The forward pass ---------------------------------------------------------------------------------------


def read_packed(trunk: GPT2Model, batch: PackedBatch, cache=None) -> Tensor:
    """Hidden states of all tokens (N, D), or of those that are asked for: (M, D).

    With a cache (see `packed_rows.Cache`) each layer puts its keys and values there and attends to all that
    it holds.
    """
    if few_shapes() and cache is None:
        states = replayed(_read, trunk, batch._replace(wanted=0))
    else:
        states = _read(trunk, batch, cache)
    return states[: batch.wanted]


@compilable
def _read(trunk: GPT2Model, batch: PackedBatch, cache=None) -> Tensor:
    """The same, and behind it what spare tokens were read as."""
    x = trunk.wte(batch.ids) + trunk.wpe(batch.position_ids)  # (N, D)
    act = trunk.config.activation_function
    again = getattr(trunk, "recompute", False) and torch.is_grad_enabled()
    everything = batch._replace(read=None)
    for i, block in enumerate(trunk.h):
        asked = batch if i + 1 == len(trunk.h) else everything
        x = run(trunk, block, layer, x, asked, act, cache, again)
    return trunk.ln_f(x)


def layer(block, x: Tensor, batch: PackedBatch, act: str, cache=None, recompute: bool = False) -> Tensor:
    """One layer: x (N, D) -> (N, D), or of the tokens in `batch.read` only."""
    if recompute:
        return checkpoint(layer, block, x, batch, act, use_reentrant=False)
    x, seen = _attend(block, x, batch, cache)
    x = x + block.attn.resid_dropout(linear(seen, block.attn.c_proj.weight, block.attn.c_proj.bias))
    up, down = block.mlp.c_fc, block.mlp.c_proj
    inner = linear(block.ln_2(x), up.weight, up.bias, act)  # (N, 4D)
    return x + block.mlp.dropout(linear(inner, down.weight, down.bias))


def _attend(block, x: Tensor, batch: PackedBatch, cache=None) -> tuple[Tensor, Tensor]:
    """x (N, D) and what each token sees, (N, D); or both of the tokens in `read`, (M or a few more, D)."""
    attn, D = block.attn, x.shape[1]
    weight, bias, heads = attn.c_attn.weight, attn.c_attn.bias, attn.num_heads
    normed, queries, attention_bias = block.ln_1(x), batch.layout, batch.attention_bias
    if batch.read is None or batch.queries is None:
        q, k, v = _split(queries.pad(linear(normed, weight, bias)), 3, heads)  # (B, H, W, D / H) each
    else:
        queries, attention_bias = batch.queries, batch.query_bias
        x, chosen = x.index_select(0, batch.read), normed.index_select(0, batch.read)
        k, v = _split(batch.layout.pad(linear(normed, weight[:, D:], bias[D:])), 2, heads)
        (q,) = _split(queries.pad(linear(chosen, weight[:, :D], bias[:D])), 1, heads)  # (B, H, Q, D / H)
    if cache is not None:
        k, v = cache.extend(attn.layer_idx, k, v)
    return x, queries.unpad(attention(q, k, v, attention_bias))


def _split(x: Tensor, parts: int, heads: int) -> tuple[Tensor, ...]:
    """Queries, keys and values (or some of them), head by head: (B, W, parts * D) -> parts of (B, H, W, D /
    H)."""
    return x.unflatten(-1, (parts, heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)
