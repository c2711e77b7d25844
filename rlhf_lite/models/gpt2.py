"""GPT-2's trunk, from token ids to hidden states, with no work on padding.

Layers that look at one token at a time read the tokens of all texts side by side, (N, D). Attention alone needs a grid,
one row a text: (B, W). Above the last attention no token looks at another, so what nobody reads is not computed there.
The weights are those of transformers' GPT-2 and so is the function; only the order of the work is ours.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint
from transformers import PreTrainedModel

from ..hardware.kernels import attention, causal, linear
from ..hardware.precision import few_shapes, working_dtype


class Grid(NamedTuple):
    """Tokens that lie side by side (N,), and where each stands in a grid (B, W) that starts every text in column 0."""

    cells: Tensor  # (N,) the cell of each token; beyond `count` they are spare and hold nothing
    tokens: Tensor  # (B * W,) the token in each cell; in padding any
    padding: Tensor  # the cells without a token
    count: int
    shape: tuple[int, int]  # (B, W)

    def spread(self, x: Tensor) -> Tensor:
        """Side by side -> grid: (N, ...) -> (B, W, ...). What stands in padding means nothing and gets no gradient."""
        return _Moved.apply(x, self, True).unflatten(0, self.shape)

    def gather(self, x: Tensor) -> Tensor:
        """Grid -> side by side: (B, W, ...) -> (N, ...)."""
        return _Moved.apply(x.flatten(0, 1), self, False)

    @property
    def full(self) -> bool:
        """No padding: the grid and the line are the same numbers in the same order."""
        return len(self.cells) == self.count == len(self.tokens)


class _Moved(torch.autograd.Function):
    """Both ways are the same selection of rows, and each is the other's gradient: no sums, unlike indexing's own gradient."""

    @staticmethod
    def forward(ctx, x: Tensor, grid: Grid, to_grid: bool) -> Tensor:
        ctx.grid, ctx.to_grid = grid, to_grid
        return x if grid.full else x.index_select(0, grid.tokens if to_grid else grid.cells)

    @staticmethod
    def backward(ctx, gradient: Tensor):
        grid = ctx.grid
        if grid.full:
            return gradient, None, None
        if ctx.to_grid:
            gradient = gradient.index_select(0, grid.cells)
            gradient[grid.count :] = 0
        else:
            gradient = gradient.index_select(0, grid.tokens).index_fill_(0, grid.padding, 0)
        return gradient, None, None


def make_grid(rows: Tensor, columns: Tensor, texts: int, spare: int = 0) -> Grid:
    """rows and columns (N,) of all tokens, text by text and in reading order, plus `spare` tokens that hold nothing."""
    N, device = len(rows), rows.device
    W = few_shapes(int(columns.max()) + 1) if N else 1
    cells = rows * W + columns  # (N,)
    tokens = torch.full((texts * W,), -1, device=device)
    tokens[cells] = torch.arange(N, device=device)
    padding = (tokens < 0).nonzero()[:, 0]
    return Grid(F.pad(cells, (0, spare)), tokens.clamp(min=0), padding, N, (texts, W))


def single_tokens(rows: Tensor) -> Grid:
    """One token of each text: (B,) -> a grid of one column."""
    each = torch.arange(len(rows), device=rows.device)
    return Grid(each, each, each[:0], len(rows), (len(rows), 1))


class Texts(NamedTuple):
    """What the trunk reads: tokens of B texts side by side, their positions, and their grid.

    blocked: None where each token sees the ones before it in its row, else what is added to attention scores, (B, 1, W, W).
    """

    ids: Tensor  # (N,)
    places: Tensor  # (N,)
    grid: Grid
    blocked: Tensor | None = None


def pack(ids: Tensor, mask: Tensor, places: Tensor | None = None) -> Texts:
    """Rows with padding on either side, ids and mask (B, W) -> texts without it. Positions count real tokens, or are given."""
    real = mask.bool()
    columns = real.long().cumsum(dim=1)[real] - 1  # (N,)
    ids, places = ids[real], columns if places is None else places[real]
    spare = few_shapes(len(ids), step=64) - len(ids)
    grid = make_grid(real.nonzero()[:, 0], columns, len(mask), spare)
    return Texts(F.pad(ids, (0, spare)), F.pad(places, (0, spare)), grid)


def trunk(model: PreTrainedModel, texts: Texts, read: Tensor | None = None, cache=None) -> Tensor:
    """Hidden states after the last layer norm: of all tokens (N, D), or of those in `read`, ascending: (M, D).

    With a cache (see `sampling`) each layer puts its keys and values there and attends to all that it holds. After
    `compute_again(model)` only what lies between layers is kept for the backward pass, which computes the rest
    again: a third more time, a fraction of the memory.
    """
    x = _run(model, model, read_texts)(texts, read, cache)
    return x[: texts.grid.count if read is None else len(read)]


def compute_again(model: PreTrainedModel) -> PreTrainedModel:
    """Activation checkpointing in `trunk` for this model, from now on; returns it."""
    model.transformer.computed_again = True
    return model


def read_texts(model: PreTrainedModel, texts: Texts, read: Tensor | None, cache) -> Tensor:
    """`trunk`, as a method of the model where that is cut over processes; with spare rows at the end."""
    t, act = model.transformer, model.config.activation_function
    x = t.wte(texts.ids) + t.wpe(texts.places)  # (N, D)
    again = getattr(t, "computed_again", False) and torch.is_grad_enabled()
    for i, block in enumerate(t.h):
        where = read if i + 1 == len(t.h) else None
        x = _run(model, block, layer)(x, texts, act, where, cache, again)
    return t.ln_f(x)


def _run(model: PreTrainedModel, part, function: Callable) -> Callable:
    """The function on a part of the model; where the model was cut (`sharding`), by the method that first brings it together."""
    cut = hasattr(part, "run") and not model.transformer.held_whole
    return part.run if cut else partial(function, part)


def layer(
    block, x: Tensor, texts: Texts, act: str, read: Tensor | None, cache=None, again: bool = False
) -> Tensor:
    """One layer: x (N, D) -> (N, D), or of the tokens in `read` only. again: compute it once more in the backward pass."""
    if again:
        return checkpoint(layer, block, x, texts, act, read, use_reentrant=False)
    if read is not None:
        seen, x = _attend_where(block, x, texts, read, cache)
    else:
        seen = _attend(block, x, texts, cache)
    return dense(block, x, seen, act)


def dense(block, x: Tensor, seen: Tensor, act: str) -> Tensor:
    """What follows attention, token by token: x and what was seen (N, D) -> (N, D)."""
    x = x + block.attn.resid_dropout(linear(seen, block.attn.c_proj.weight, block.attn.c_proj.bias))
    up, down = block.mlp.c_fc, block.mlp.c_proj
    return x + block.mlp.dropout(
        linear(linear(block.ln_2(x), up.weight, up.bias, act), down.weight, down.bias)
    )


def _attend(block, x: Tensor, texts: Texts, cache=None) -> Tensor:
    """What each token sees: x (N, D) -> (N, D)."""
    layer, heads = block.attn.c_attn, block.attn.num_heads
    q, k, v = _split(
        texts.grid.spread(linear(block.ln_1(x), layer.weight, layer.bias)), 3, heads
    )  # (B, H, W, D / H) each
    if cache is not None:
        k, v = cache.extend(block.attn.layer_idx, k, v)
    return texts.grid.gather(attention(q, k, v, texts.blocked))


def _attend_where(block, x: Tensor, texts: Texts, read: Tensor, cache) -> tuple[Tensor, Tensor]:
    """What the tokens in `read` see, and those tokens: x (N, D), read (M,) -> two of (M or a few more, D)."""
    layer, heads, D = block.attn.c_attn, block.attn.num_heads, x.shape[1]
    queries, blocked = _queries(texts, read, working_dtype(x))
    read = F.pad(read, (0, len(queries.cells) - len(read)))
    x, normed = x.index_select(0, read), block.ln_1(x)
    k, v = _split(texts.grid.spread(linear(normed, layer.weight[:, D:], layer.bias[D:])), 2, heads)
    q = linear(normed.index_select(0, read), layer.weight[:, :D], layer.bias[:D])
    (q,) = _split(queries.spread(q), 1, heads)
    if cache is not None:
        k, v = cache.extend(block.attn.layer_idx, k, v)
    return queries.gather(attention(q, k, v, blocked)), x


def _queries(texts: Texts, read: Tensor, dtype: torch.dtype) -> tuple[Grid, Tensor]:
    """The tokens in `read` (M,) in a grid of their own (B, Q), and what is blocked for them, (B, 1, Q, W)."""
    B, W = texts.grid.shape
    cells = texts.grid.cells[read]  # (M,)
    rows = cells // W
    first = rows.bincount(minlength=B).cumsum(0) - rows.bincount(minlength=B)  # (B,)
    columns = torch.arange(len(read), device=read.device) - first[rows]
    queries = make_grid(rows, columns, B, spare=few_shapes(len(read), step=64) - len(read))
    if texts.blocked is None:
        blocked = causal(W, dtype, read.device)[cells % W]  # (M, W)
    else:
        blocked = texts.blocked.flatten(0, 2)[cells]
    return queries, queries.spread(blocked)[:, None]


def _split(x: Tensor, parts: int, heads: int) -> tuple[Tensor, ...]:
    """Queries, keys and values (or some of them), head by head: (B, W, parts * D) -> parts of (B, H, W, D / H)."""
    return x.unflatten(-1, (parts, heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)
