"""Rankings as the reward model reads them: a prompt and all its answers in one row (§3.5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from transformers import GPT2ForSequenceClassification, PreTrainedTokenizerFast

from ..hardware.device import to_device
from ..hardware.precision import autocast
from ..models.heads import group_rewards
from ..models.tokens import IGNORED, exchange_rows
from .batches import pad_right

NOTHING = (
    "None of the {} rankings prefers an answer to another: nothing to learn from, nothing to compare with."
)


class RankingSet:
    """Rankings, encoded once; those that prefer nothing are left out (ties are dropped, App. C.2).

    Each becomes one row: the prompt, then its answers. Equal answers to one prompt are in it, and scored,
    only once. After each answer stands its EOS.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerFast, rankings: Sequence[Mapping], n_positions: int):
        for i, row in enumerate(rankings):
            _check_ranking(i, row)
        self.pad_id = tokenizer.pad_token_id
        self.kept = [row for row in rankings if len(set(row["ranks"])) > 1]
        if not self.kept:
            raise ValueError(NOTHING.format(len(rankings)))
        distinct = [list(dict.fromkeys(row["completions"])) for row in self.kept]
        prompts, answers = [], []
        for row, texts in zip(self.kept, distinct, strict=True):
            prompts += [row["prompt"]] * len(texts)
            answers += texts
        exchanges, labels = exchange_rows(tokenizer, prompts, answers, n_positions)
        self.rows, start = [], 0
        for row, texts in zip(self.kept, distinct, strict=True):
            stop = start + len(texts)
            prompt_tokens = labels[start].count(IGNORED)
            order = [texts.index(text) for text in row["completions"]]
            self.rows.append(_RankingRow.joined(exchanges[start:stop], prompt_tokens, order))
            start = stop
        self.lengths = [len(row.ids) for row in self.rows]

    def __len__(self) -> int:
        return len(self.rows)

    def scores(
        self, model: GPT2ForSequenceClassification, rows: Sequence[int]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Score all answers of these rankings in one forward pass: scores, ranks and mask, (B, K) each; mask
        is 0 where a prompt has fewer than K answers."""
        chosen = [self.rows[i] for i in rows]
        ranks = [torch.tensor(list(self.kept[i]["ranks"])) for i in rows]
        ids = pad_right([row.ids for row in chosen], self.pad_id)  # (B, T)
        position_ids = pad_right([row.position_ids for row in chosen], 0)  # (B, T)
        parts = pad_right([row.parts for row in chosen], -1)  # (B, T)
        last = pad_right([row.last for row in chosen], 0)  # (B, K)
        with autocast(model.device):
            scores = group_rewards(model, ids, position_ids, parts, last)  # (B, K)
        mask = pad_right([torch.ones_like(x) for x in ranks], 0)  # (B, K)
        return scores, to_device(pad_right(ranks, 0), model.device), to_device(mask, model.device)


class _RankingRow(NamedTuple):
    """One ranking as `group_rewards` reads it: ids, position_ids, parts (T,) and last (K,)."""

    ids: Tensor
    position_ids: Tensor
    parts: Tensor
    last: Tensor

    @classmethod
    def joined(cls, exchanges: list[list[int]], prompt_tokens: int, order: list[int]) -> _RankingRow:
        """Exchanges of one prompt in one row; `order` says which of them each of the K answers is."""
        ids, position_ids = exchanges[0][:prompt_tokens], list(range(prompt_tokens))
        parts, ends = [0] * prompt_tokens, []
        for k, exchange in enumerate(exchanges, 1):
            ids += exchange[prompt_tokens:]
            position_ids += range(prompt_tokens, len(exchange))
            parts += [k] * (len(exchange) - prompt_tokens)
            ends.append(len(ids) - 1)
        return cls(*map(torch.tensor, (ids, position_ids, parts, [ends[i] for i in order])))


def _check_ranking(i: int, row: Mapping) -> None:
    ranks, texts = row["ranks"], row["completions"]
    if len(ranks) != len(texts) or len(texts) < 2:
        raise ValueError(
            f"Ranking {i} has {len(texts)} completions and {len(ranks)} ranks; "
            "it needs at least 2 completions, and one rank each."
        )
    if any(rank != int(rank) or rank < 1 for rank in ranks):
        raise ValueError(
            f"Ranking {i} has ranks {ranks}; a rank is a whole number, 1 for the best, equal for a tie."
        )
