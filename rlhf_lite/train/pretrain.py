"""The base model: next-token prediction on running text. Not in the paper, which starts from GPT-3."""

from __future__ import annotations

import time
from collections.abc import Iterable
from itertools import islice

import torch
from torch import Tensor
from transformers import GPT2LMHeadModel, PreTrainedTokenizerFast

from ..config import PretrainConfig
from ..models.tokens import encode_all
from .batches import endless, lm_loss, pack_rows
from .loop import Loop
from .optim import Adam, constant_then_linear


def train_base(
    policy: GPT2LMHeadModel,
    stream: Tensor,
    cfg: PretrainConfig | None = None,
    *,
    valid: Tensor | None = None,
    valid_every: int = 500,
    loop: Loop | dict | None = None,
) -> dict[str, list[float]]:
    """Train on a token stream (N,), documents separated by EOS, for cfg.tokens tokens; returns the history.

    Rows cross document borders and see what was before: at this size it costs nothing and keeps every token
    useful. `valid` is another stream, scored every `valid_every` steps and at the end (loss/valid).
    """
    cfg = cfg or PretrainConfig()
    rows = pack_rows(stream, policy.config.n_positions)
    total = max(1, cfg.tokens // (cfg.batch_size * rows.shape[1]))
    optimizer = Adam(policy, cfg.lr, muon=cfg.optimizer == "muon")
    policy.eval()  # no dropout
    about = {**cfg.to_dict(), "rows": len(rows)}
    loop = Loop.open("pretrain", loop, about=about, live=("loss", "tokens_per_second"))
    with loop.track(policy=policy, optimizer=optimizer):
        for step in loop.steps(total):
            start = time.perf_counter()
            batch = rows[endless(len(rows), step * cfg.batch_size, cfg.batch_size, cfg.seed, "pretrain")]
            loss = lm_loss(policy, batch)
            optimizer.scaled(loss).backward()
            shape = constant_then_linear(
                step, total, cfg.warmup_steps, cfg.constant_share, cfg.final_lr_fraction
            )
            norm = optimizer.step(cfg.lr * shape, cfg.max_grad_norm)
            speed = batch.numel() / (time.perf_counter() - start)
            loop.log(loss=loss, lr=cfg.lr * shape, grad_norm=norm, tokens_per_second=speed)
            if valid is not None and ((step + 1) % valid_every == 0 or step + 1 == total):
                loop.log(**{"loss/valid": stream_loss(policy, valid)})
    return loop.history


@torch.no_grad()
def stream_loss(policy: GPT2LMHeadModel, stream: Tensor, batch_size: int = 32) -> float:
    """Mean next-token loss on a token stream, in rows of the model's length."""
    rows = pack_rows(stream, policy.config.n_positions)
    losses = [float(lm_loss(policy, part)) * len(part) for part in rows.split(batch_size)]
    return sum(losses) / len(rows)


def token_stream(documents: Iterable[str], tokenizer: PreTrainedTokenizerFast) -> Tensor:
    """Documents as one stream of tokens, each ended by EOS: (N,); int16 if the vocabulary allows."""
    dtype = torch.int16 if len(tokenizer) < 2**15 else torch.int32
    documents, parts = iter(documents), []
    while batch := list(islice(documents, 5_000)):
        ids = [i for row in encode_all(tokenizer, batch) for i in (*row, tokenizer.eos_token_id)]
        parts.append(torch.tensor(ids, dtype=dtype))
    return torch.cat(parts)
