"""The alternative to rankings that failed in the paper (§3.5): pairs, each an element of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

from ..config import RewardConfig
from .reward import train_reward


def split_pairs(rankings: Sequence[Mapping]) -> list[dict]:
    """Each untied pair of each ranking as a ranking of K = 2."""
    pairs = []
    for row in rankings:
        answers = zip(row["ranks"], row["completions"], strict=True)
        for (rank_a, a), (rank_b, b) in combinations(answers, 2):
            if rank_a != rank_b:
                pairs.append({"prompt": row["prompt"], "completions": [a, b], "ranks": [rank_a, rank_b]})
    return pairs


def train_reward_shuffled(
    reward_model, tokenizer, rankings, cfg=None, *, pairs_per_step=None, valid=None, loop=None
):
    """`train_reward` on every pair of all rankings, shuffled.

    The same loss and the same number of pairs per step, but each answer is read K-1 times and gets K-1
    updates per epoch: several times slower; in the paper it overfitted within one epoch.
    """
    cfg, pairs = cfg or RewardConfig(), split_pairs(rankings)
    pairs_per_step = pairs_per_step or max(1, round(cfg.prompts_per_step * len(pairs) / len(rankings)))
    cfg = cfg.replace(prompts_per_step=pairs_per_step)
    return train_reward(reward_model, tokenizer, pairs, cfg, valid=valid, loop=loop)
