"""Supervised fine-tuning: imitate the labelers' demonstrations (§3.5, App. C.1, C.3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import GPT2LMHeadModel, PreTrainedTokenizerFast

from ..config import SFTConfig
from ..hardware import processes
from ..hardware.precision import autocast
from ..models.gpt2 import hidden_states
from ..models.heads import evaluating, next_token_loss
from ..models.tokens import IGNORED, Exchanges
from .batches import ExchangeSet, as_pairs, endless, lm_loss, local_parts, sorted_batches
from .loop import Loop
from .optim import Adam, cosine, dropout_seed, training_mode


def train_sft(
    policy: GPT2LMHeadModel,
    tokenizer: PreTrainedTokenizerFast,
    demonstrations: Sequence,
    cfg: SFTConfig | None = None,
    *,
    pretrain_rows: Tensor | None = None,
    valid: Sequence | None = None,
    select: Callable[[GPT2LMHeadModel], float] | None = None,
    on_epoch: Callable[[int, GPT2LMHeadModel], dict | None] | None = None,
    accumulation: int = 1,
    loop: Loop | dict | None = None,
) -> dict[str, list[float]]:
    """Train `policy` in place on demonstrations, (prompt, response) or rows with prompt and text.

        loss = mean over response tokens and EOS of -log pi(token) [+ coefficient * the same on text]

    The prompt is not in the loss (the paper does not say; we ask for answers). Returns the history.
    pretrain_rows: (N, n_positions), needed if cfg.pretrain_mix > 0, the SFT that PPO starts from (App. C.3).
    valid: demonstrations for loss/valid, which turns long before people stop preferring (§3.5).
    select: scores the model after each epoch (select/score); with cfg.select = "reward" the best epoch's
    weights are kept, as the paper chose by reward model score (App. C.1).
    on_epoch: called as on_epoch(epoch, policy) after each epoch, may return metrics.
    accumulation: parts in which a batch is computed; a matter of memory, which does not change its gradient.
    """
    cfg = cfg or SFTConfig()
    _check(cfg, pretrain_rows, select)
    examples = ExchangeSet(tokenizer, as_pairs(demonstrations), policy.config.n_positions)
    held_out = None
    if valid is not None:
        held_out = ExchangeSet(tokenizer, as_pairs(valid), policy.config.n_positions)

    @lru_cache(1)
    def batches(epoch: int) -> list[list[int]]:
        return sorted_batches(examples.lengths, cfg.batch_size, cfg.seed, "sft", epoch)

    per_epoch = len(batches(0))
    total = cfg.epochs * per_epoch
    optimizer, best = Adam(policy, cfg.lr), Best()
    about = {**cfg.to_dict(), "examples": len(examples)}
    loop = Loop.open("sft", loop, about=about, live=("loss", "loss/valid"))
    with loop.track(policy=policy, optimizer=optimizer, best=best), training_mode(policy, cfg.dropout):
        for step in loop.steps(total):
            epoch, at = divmod(step, per_epoch)
            with dropout_seed(cfg.dropout, cfg.seed, "dropout", step):
                rows = batches(epoch)[at]
                loss = backward_on_demonstrations(policy, optimizer, examples, rows, accumulation)
                loop.log(loss=loss, **backward_on_text(policy, optimizer, pretrain_rows, cfg, step))
            lr = loop.current(cfg).lr * cosine(step, total, cfg.final_lr_fraction)
            loop.log(lr=lr, grad_norm=optimizer.step(lr, cfg.max_grad_norm))
            if at + 1 == per_epoch:
                loop.log(epoch=epoch + 1)
                with evaluating(policy):
                    if held_out is not None:
                        loop.log(**{"loss/valid": validation_loss(policy, held_out)})
                    if select is not None:
                        loop.log(**{"select/score": best.offer(float(select(policy)), policy)})
                    if on_epoch is not None:
                        loop.log(**(on_epoch(epoch + 1, policy) or {}))
    if cfg.select == "reward" and loop.finished:
        policy.load_state_dict(best.weights)
    return loop.history


def exchange_loss(policy: GPT2LMHeadModel, batch: Exchanges) -> Tensor:
    """Mean -log pi over response tokens and EOS of a padded batch of exchanges."""
    labels = F.pad(batch.labels[:, 1:], (0, 1), value=IGNORED)  # (B, T): what comes after each token
    with autocast(policy.device):
        hidden = hidden_states(policy, batch.ids, batch.mask, labels != IGNORED)  # (N, D)
        return next_token_loss(policy, hidden, labels[labels != IGNORED])


def backward_on_demonstrations(
    policy: GPT2LMHeadModel, optimizer: Adam, examples: ExchangeSet, rows: Sequence[int], accumulation: int
) -> float | Tensor:
    """Add the gradient of a batch's mean loss, of this process's rows; returns the batch's loss."""
    sum_of_losses = torch.zeros((), device=policy.device)
    for part, counts in local_parts(rows, accumulation):
        share = float(counts)
        if len(part) < len(rows):
            share *= examples.answer_tokens(part) / examples.answer_tokens(rows)
        weighted = share * exchange_loss(policy, examples.batch(part))
        optimizer.scaled(weighted).backward()
        sum_of_losses += weighted.detach()
    return processes.all_reduce(sum_of_losses)[0]


def backward_on_text(
    policy: GPT2LMHeadModel, optimizer: Adam, rows: Tensor | None, cfg: SFTConfig, step: int
) -> dict[str, float | Tensor]:
    """Add the gradient of the pretraining rows of this step, so that they are a share `pretrain_mix` of all
    rows.

    Beside batch_size demonstrations belong r = batch_size m / (1 - m) rows, e.g. 3.6: some steps get 3, some
    4, and each row weighs coefficient / r whatever its step.
    """
    per_step = cfg.batch_size * cfg.pretrain_mix / (1 - cfg.pretrain_mix)
    start, stop = int(step * per_step), int((step + 1) * per_step)
    if start == stop or rows is None:
        return {}  # no mix, or not one row's turn yet
    chosen = endless(len(rows), start, stop - start, cfg.seed, "mix")
    own, counts = local_parts(chosen, 1)[0]
    loss = counts * len(own) * lm_loss(policy, rows[own])
    optimizer.scaled(cfg.pretrain_coefficient / per_step * loss).backward()
    return {"loss/pretrain": processes.all_reduce(loss / len(chosen))[0]}


@torch.no_grad()
def validation_loss(policy: GPT2LMHeadModel, examples: ExchangeSet, batch_size: int = 64) -> float:
    """Mean -log pi per response token over a whole set (each token counts once, whatever its batch)."""
    order, total, count = sorted(range(len(examples)), key=lambda i: examples.lengths[i]), 0.0, 0
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        tokens = examples.answer_tokens(rows)
        total += float(exchange_loss(policy, examples.batch(rows))) * tokens
        count += tokens
    return total / count


class Best:
    """The best weights so far by a score; part of the checkpoint."""

    def __init__(self):
        self.score, self.weights = float("-inf"), {}

    def offer(self, score: float, model: torch.nn.Module) -> float:
        """Keep a copy of the weights if their score is better; returns the score."""
        if score > self.score:
            self.score, self.weights = score, {k: v.detach().clone() for k, v in model.state_dict().items()}
        return score

    def state_dict(self) -> dict:
        return {"score": self.score, "weights": self.weights}

    def load_state_dict(self, state: dict) -> None:
        self.score, self.weights = state["score"], state["weights"]


def _check(cfg: SFTConfig, pretrain_rows: Tensor | None, select: Callable | None) -> None:
    if cfg.pretrain_mix and pretrain_rows is None:
        raise ValueError(
            f"pretrain_mix = {cfg.pretrain_mix} needs pretrain_rows, packed rows of tokens (see pack_rows)."
        )
    if cfg.select == "reward" and select is None:
        raise ValueError(
            "select = 'reward' needs `select`, a function that scores the model, e.g. its mean reward."
        )
