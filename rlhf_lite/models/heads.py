"""What a model is asked, on the hidden states of `gpt2`: next-token logits of a policy, one number of a
scalar model.

A scalar model is a policy whose unembedding was replaced by a projection to one number (App. C). As a reward
model it is read at the last real token, as a value model at every token.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import GPT2ForSequenceClassification, GPT2LMHeadModel

from ..hardware.compiling import compilable
from ..hardware.device import to_device
from ..hardware.environment import plain
from ..hardware.kernels import linear
from ..hardware.precision import form_of, round_up, working_dtype
from .gpt2 import hidden_states
from .losses import last_index, masked_lm_loss, token_logprobs, upcast
from .tokens import Encoded

# --- Next-token logits --------------------------------------------------------------------------------------


def policy_logits(policy: GPT2LMHeadModel, ids: Tensor, mask: Tensor) -> Tensor:
    """Next-token logits: ids, mask (B, T) -> (B, T, V).

    logits[:, t] predict ids[:, t + 1]. Padding may be on either side; its logits are 0.
    """
    return spread(logits_where(policy, ids, mask, mask.bool()), mask.bool())


def logits_where(policy: GPT2LMHeadModel, ids: Tensor, mask: Tensor, where: Tensor | None = None) -> Tensor:
    """Next-token logits at chosen real tokens (None: at all): ids, mask, where (B, T) -> (N, V), row by row.

    The vocabulary is the widest layer of a small model; skipping it on prompts saves a third of a step.
    """
    return head_logits(policy, hidden_states(policy, ids, mask, where))


def head_logits(policy: GPT2LMHeadModel, hidden: Tensor) -> Tensor:
    """The vocabulary's logits of hidden states: (N, D) -> (N, V)."""
    return _logits(hidden, unembedding(policy), policy.config.vocab_size)


def unembedding(policy: GPT2LMHeadModel) -> Tensor:
    """The matrix that makes logits of hidden states, (V, D) and on a GPU a few rows of zeros more: it has
    kernels for products with round numbers only, and GPT-2 has 50,257 tokens. Nobody reads their logits."""
    weight = policy.lm_head.weight
    if plain() or weight.device.type == "cpu":
        return weight
    return _aligned(weight) if torch.is_grad_enabled() else form_of(weight, _aligned)


def _aligned(weight: Tensor) -> Tensor:
    return F.pad(weight.to(working_dtype(weight)), (0, 0, 0, -len(weight) % 64))


def _logits(hidden: Tensor, weight: Tensor, vocabulary: int) -> Tensor:
    if plain():
        return F.linear(hidden, weight)
    N = len(hidden)
    hidden = F.pad(hidden, (0, 0, 0, round_up(N, 64) - N))
    return linear(hidden, weight.t())[:N, :vocabulary]


def next_token_loss(policy: GPT2LMHeadModel, hidden: Tensor, tokens: Tensor) -> Tensor:
    """Mean -log pi of tokens (N,), each after its hidden state: (N, D) -> scalar."""
    return _loss(hidden, unembedding(policy), policy.config.vocab_size, to_device(tokens, hidden.device))


@compilable
def _loss(hidden: Tensor, weight: Tensor, vocabulary: int, tokens: Tensor) -> Tensor:
    return masked_lm_loss(_logits(hidden, weight, vocabulary), tokens)


@compilable
def _logprobs(
    hidden: Tensor, weight: Tensor, vocabulary: int, tokens: Tensor, temperature: float | Tensor
) -> Tensor:
    return token_logprobs(_logits(hidden, weight, vocabulary), tokens, temperature)


def join_responses(prompts: Encoded, tokens: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Left-padded prompts (B, P) with their responses, tokens and mask (B, T): ids and mask (B, P + T), and
    where the *next* token is one of the response: what y_t was drawn from is read one place *before* y_t."""
    ids, real = torch.cat([prompts[0], tokens], dim=1), torch.cat([prompts[1], mask], dim=1)
    P, T = prompts[0].shape[1], tokens.shape[1]
    return ids, real, F.pad(mask.bool(), (P - 1, 1))[:, : P + T]


def response_logprobs(
    policy: GPT2LMHeadModel, prompts: Encoded, tokens: Tensor, mask: Tensor, temperature: float | Tensor = 1.0
) -> Tensor:
    """log pi of sampled tokens: prompts (B, P) ids and mask, tokens and mask (B, T) -> (B, T), 0 on padding.

    temperature: one for all, or (B, 1).
    """
    where = mask.bool()
    hidden = hidden_states(policy, *join_responses(prompts, tokens, mask))  # (N, D)
    if isinstance(temperature, Tensor):
        temperature = to_device(temperature.expand(mask.shape)[where][:, None], hidden.device)  # (N, 1)
    drawn = to_device(tokens[where], hidden.device)
    weight, size = unembedding(policy), policy.config.vocab_size
    return spread(_logprobs(hidden, weight, size, drawn, temperature), where)


def spread(x: Tensor, where: Tensor) -> Tensor:
    """What belongs to the chosen tokens, (N, ...), row by row, back in their places, 0 elsewhere: where (B,
    T) -> (B, T, ...)."""
    places = to_device(where.flatten().nonzero()[:, 0], x.device)
    return x.new_zeros(where.numel(), *x.shape[1:]).index_copy(0, places, x).unflatten(0, where.shape)


# --- One number ---------------------------------------------------------------------------------------------


def values_where(
    model: GPT2ForSequenceClassification, ids: Tensor, mask: Tensor, where: Tensor, **options: Tensor
) -> Tensor:
    """The scalar head at chosen real tokens: ids, mask, where (B, T) -> (N,), row by row; options as in
    `hidden_states`. One number a text is worth float32: in bfloat16 a score of 8 is good to 0.03."""
    hidden = hidden_states(model, ids, mask, where, **options)  # (N, D)
    return (upcast(hidden) * model.score.weight).sum(dim=-1)


def token_values(model: GPT2ForSequenceClassification, ids: Tensor, mask: Tensor) -> Tensor:
    """The scalar head at every token, 0 on padding: (B, T) -> (B, T)."""
    return spread(values_where(model, ids, mask, mask.bool()), mask.bool())


def response_values(
    model: GPT2ForSequenceClassification, prompts: Encoded, tokens: Tensor, mask: Tensor
) -> Tensor:
    """V of the state *before* each response token: as in `response_logprobs`, (B, T), 0 on padding."""
    return spread(values_where(model, *join_responses(prompts, tokens, mask)), mask.bool())


def reward(model: GPT2ForSequenceClassification, ids: Tensor, mask: Tensor) -> Tensor:
    """The scalar head at each row's last real token, its EOS unless it was cut off: (B, T) -> (B,)."""
    return values_where(model, ids, mask, F.one_hot(last_index(mask), mask.shape[1]).bool())


def group_rewards(
    model: GPT2ForSequenceClassification, ids: Tensor, position_ids: Tensor, parts: Tensor, last: Tensor
) -> Tensor:
    """Rewards of all answers to a prompt from one row that holds the prompt once: (B, K), as `reward` gives
    them.

    ids (B, T): a prompt and after it its answers, each with its EOS; position_ids (B, T):
    each token's position in its own exchange; parts (B, T): 0 on the prompt, k on its k-th answer, -1 on
    padding, which is on the right; last (B, K): where answers end. This is what makes K answers "a single
    batch element" (§3.5): an answer sees the prompt and itself, nothing else.
    """
    mask, weight = parts >= 0, model.score.weight
    ends = torch.zeros_like(mask).scatter(1, last, True)
    bias = shared_prompt_bias(to_device(parts, weight.device), working_dtype(weight))
    scores = values_where(model, ids, mask, ends, position_ids=position_ids, attention_bias=bias)  # (N,)
    return spread(scores, ends).gather(1, to_device(last, weight.device))


def shared_prompt_bias(parts: Tensor, dtype: torch.dtype) -> Tensor:
    """What is added to attention scores: 0 where token i may see token j, else very negative. (B, T) -> (B,
    1, T, T)"""
    earlier = torch.ones(parts.shape[1], parts.shape[1], dtype=torch.bool, device=parts.device).tril()
    seen = earlier & ((parts[:, :, None] == parts[:, None, :]) | (parts[:, None, :] == 0))  # (B, T, T)
    bias = torch.zeros(seen.shape, dtype=dtype, device=parts.device)
    return bias.masked_fill(~seen, torch.finfo(dtype).min)[:, None]


@torch.no_grad()
def shift_scores(model: GPT2ForSequenceClassification, delta: float) -> None:
    """Add delta to every score, in place: the bias that puts demonstrations at mean 0 before RL (§3.5).

    score = w . (g * x_normed + b), so b <- b + delta w / |w|^2 adds exactly delta for every input. There is
    no extra weight, so whoever loads the model gets the shift too.
    """
    head = model.score.weight[0].double()  # (D,)
    if not head.any():
        raise ValueError("the score head is all zeros, no shift can reach the score; train the model first")
    bias = model.transformer.ln_f.bias
    bias.copy_(bias.double() + delta * head / head.dot(head))


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Dropout off inside, the former mode afterwards."""
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)
