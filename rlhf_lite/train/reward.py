"""The reward model: learn from rankings which answer people prefer (§3.5, App. C.2).

`rankings` makes rows of rankings; `scoring` says what a model gives an answer, and how far people agree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import torch
from torch import Tensor
from transformers import GPT2ForSequenceClassification, PreTrainedTokenizerFast

from ..config import RewardConfig
from ..hardware import processes
from ..hardware.environment import trim_memory
from ..models.losses import best_loss, pair_accuracy, pair_count, ranking_loss
from .batches import local_parts, sorted_batches
from .loop import Loop
from .optim import Adam, cosine, dropout_seed, training_mode
from .rankings import RankingSet
from .scoring import agreement_with, score_set


def train_reward(
    reward_model: GPT2ForSequenceClassification,
    tokenizer: PreTrainedTokenizerFast,
    rankings: Sequence[Mapping],
    cfg: RewardConfig | None = None,
    *,
    valid: Sequence[Mapping] | None = None,
    accumulation: int = 1,
    loop: Loop | dict | None = None,
) -> dict[str, list[float]]:
    """Train in place on rankings, rows with prompt, completions (K) and ranks (K; 1 = best, ties equal).

    One prompt with all its C(K, 2) pairs is *one* batch element: K forward passes, not K(K-1), and an answer
    gets one gradient per epoch, not K-1 (§3.5). `valid` rankings are scored after each epoch. Returns the
    history. accumulation: parts in which a batch is computed; a matter of memory, which does not change its
    gradient.
    """
    cfg = cfg or RewardConfig()
    data = RankingSet(tokenizer, rankings, reward_model.config.n_positions)
    held_out = RankingSet(tokenizer, valid, reward_model.config.n_positions) if valid is not None else None
    trim_memory()  # what encoding left behind

    @lru_cache(1)
    def batches(epoch: int) -> list[list[int]]:
        return sorted_batches(data.lengths, cfg.prompts_per_step, cfg.seed, "reward", epoch)

    per_epoch = len(batches(0))
    total = cfg.epochs * per_epoch
    loss = ranking_loss if cfg.loss == "pairs" else best_loss
    optimizer = Adam(reward_model, cfg.lr)
    about = {**cfg.to_dict(), "rankings": len(data)}
    loop = Loop.open("reward", loop, about=about, live=("loss", "accuracy"))
    loop.track(reward_model=reward_model, optimizer=optimizer)
    with loop, training_mode(reward_model, cfg.dropout):
        for step in loop.steps(total):
            epoch, at = divmod(step, per_epoch)
            with dropout_seed(cfg.dropout, cfg.seed, "dropout", step):
                rows = batches(epoch)[at]
                loop.log(**backward_on_rankings(reward_model, optimizer, data, rows, accumulation, loss))
            shape = cosine(step, total, cfg.final_lr_fraction, warmup=cfg.warmup_share * total)
            lr = loop.current(cfg).lr * shape
            loop.log(lr=lr, grad_norm=optimizer.step(lr, cfg.max_grad_norm))
            if held_out is not None and at + 1 == per_epoch:
                found = agreement_with(score_set(reward_model, held_out), held_out.kept)
                loop.log(epoch=epoch + 1, **{f"{name}/valid": found[name] for name in ("loss", "accuracy")})
    if loop.step:  # saved with the model; PPO refuses a model without it
        reward_model.config.trained_rankings = len(data)
    return loop.history


def backward_on_rankings(
    model: GPT2ForSequenceClassification,
    optimizer: Adam,
    data: RankingSet,
    rows: Sequence[int],
    accumulation: int,
    loss: Callable[..., Tensor] = ranking_loss,
) -> dict[str, float | Tensor]:
    """Add the gradient of a batch's mean loss, of this process's prompts; what is returned is of all."""
    sums = torch.zeros(3, dtype=torch.float64, device=model.device)  # loss, pairs in the right order, pairs
    for part, counts in local_parts(rows, accumulation):
        scores, ranks, mask = data.scores(model, part)
        weighted = counts * len(part) / len(rows) * loss(scores, ranks, mask)
        pairs = counts * pair_count(ranks, mask).sum()
        optimizer.scaled(weighted).backward()
        right = pairs * pair_accuracy(scores.detach(), ranks, mask)
        sums += torch.stack([weighted.detach().double(), right, pairs.double()])
    mean, in_order, compared = processes.all_reduce(*sums)
    return {"loss": mean, "accuracy": in_order / compared}
