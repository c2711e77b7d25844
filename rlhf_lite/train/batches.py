"""Which data comes when: orders that depend only on (seed, epoch), little padding, packed rows."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from transformers import GPT2LMHeadModel, PreTrainedTokenizerFast

from ..hardware import processes
from ..hardware.precision import autocast
from ..models.gpt2 import hidden_states
from ..models.heads import next_token_loss
from ..models.tokens import IGNORED, Exchanges, exchange_rows

# -- chance and order ----------------------------------------------------------------------------------------


def seeded(seed: int, *path) -> torch.Generator:
    """A generator that depends only on (seed, path), e.g. seeded(0, "order", epoch): nothing to save."""
    digest = hashlib.sha256(repr((seed, *path)).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)


@functools.lru_cache(maxsize=16)
def permutation(n: int, seed: int, *path) -> tuple[int, ...]:
    """A permutation of 0 ... n-1 that depends only on (seed, path)."""
    return tuple(torch.randperm(n, generator=seeded(seed, *path)).tolist())


def endless(n: int, start: int, count: int, seed: int, *path) -> list[int]:
    """Items start ... start+count-1 of endless passes through 0 ... n-1, each in a fresh order."""
    return [permutation(n, seed, *path, i // n)[i % n] for i in range(start, start + count)]


def sorted_batches(
    lengths: Sequence[int], batch_size: int, seed: int, *path, chunk: int = 64
) -> list[list[int]]:
    """Indices in batches of similar length, in random order.

    Shuffle, cut into chunks of `chunk` batches, sort within each chunk, cut into batches, shuffle the
    batches: little padding, and yet each epoch has other batches.
    """
    order, batches = permutation(len(lengths), seed, *path), []
    for start in range(0, len(order), chunk * batch_size):
        part = sorted(order[start : start + chunk * batch_size], key=lambda i: lengths[i])
        batches += [part[i : i + batch_size] for i in range(0, len(part), batch_size)]
    return [batches[i] for i in permutation(len(batches), seed, *path, "batches")]


def local_parts(rows: Sequence[int], accumulation: int) -> list[tuple[Sequence[int], int]]:
    """This process's rows of a batch in so many parts of nearly equal size (fewer, where there are fewer
    rows), and what each counts: 1, or 0 for a row that is only there because the first process, which has the
    most rows, computes once more: processes that share a model run it equally often, or each would wait for
    the others."""
    own, most = processes.local_rows(rows), len(rows[:: processes.world_size()])
    parts = [(own[k::accumulation], 1) for k in range(min(accumulation, len(own)))]
    return parts + [(rows[:1], 0)] * (min(accumulation, most) - len(parts))


# -- exchanges -----------------------------------------------------------------------------------------------


def pad_right(rows: Sequence[Tensor], fill: int) -> Tensor:
    """Rows of unequal length below one another: (B, longest)."""
    return pad_sequence(list(rows), batch_first=True, padding_value=fill)


class ExchangeSet:
    """Prompts with responses, encoded once and kept unpadded; `batch` pads the rows that are asked for."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, pairs: Sequence[tuple[str, str]], max_length: int):
        self.pad_id = tokenizer.pad_token_id
        prompts, responses = zip(*pairs, strict=True)
        rows, labels = exchange_rows(tokenizer, prompts, responses, max_length)
        self.ids, self.labels = [torch.tensor(row) for row in rows], [torch.tensor(row) for row in labels]
        self.lengths = [len(ids) for ids in self.ids]

    def __len__(self) -> int:
        return len(self.ids)

    def answer_tokens(self, rows: Sequence[int]) -> int:
        """Tokens of these rows that have a loss: the response and its EOS."""
        return sum(int((self.labels[i][1:] != IGNORED).sum()) for i in rows)

    def batch(self, rows: Sequence[int]) -> Exchanges:
        """The rows, padded on the right to the longest: ids, mask, labels (B, T) and last (B,)."""
        ids = pad_right([self.ids[i] for i in rows], self.pad_id)  # (B, T)
        labels = pad_right([self.labels[i] for i in rows], IGNORED)  # (B, T)
        length = torch.tensor([self.lengths[i] for i in rows])
        mask = (torch.arange(ids.shape[1]) < length[:, None]).long()  # (B, T)
        return Exchanges(ids, mask, labels, length - 1)


def as_pairs(demonstrations: Sequence) -> list[tuple[str, str]]:
    """Demonstration rows (dicts with prompt and text) or (prompt, response) tuples -> list of tuples."""
    pairs = [(d["prompt"], d["text"]) if isinstance(d, Mapping) else tuple(d) for d in demonstrations]
    if not pairs:
        raise ValueError("There are no demonstrations; give at least one (prompt, response).")
    return pairs


# -- packed rows of running text -----------------------------------------------------------------------------


def pack_rows(stream: Tensor, n_positions: int) -> Tensor:
    """Cut a token stream (N,) into rows of the model's full length: (N // n_positions, n_positions)."""
    rows = len(stream) // n_positions
    if stream.ndim != 1 or rows == 0:
        raise ValueError(
            f"The token stream has shape {tuple(stream.shape)}; "
            f"it needs at least {n_positions} tokens in one row."
        )
    return stream[: rows * n_positions].reshape(rows, n_positions).long()


def lm_loss(policy: GPT2LMHeadModel, rows: Tensor) -> Tensor:
    """Plain next-token loss on packed rows (B, T): the pretraining term of App. C.3 and of Eq. 2."""
    with autocast(policy.device):
        hidden = hidden_states(policy, rows, torch.ones_like(rows))  # (B * T, D)
        hidden = hidden.unflatten(0, rows.shape)[:, :-1].flatten(0, 1)  # (B * (T - 1), D)
        return next_token_loss(policy, hidden, rows[:, 1:].flatten())
