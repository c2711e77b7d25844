"""Draw responses from a policy, and keep the log-probability with which each token was drawn.

Plain sampling over the whole vocabulary, no top-k or top-p: PPO's ratio is against exactly this distribution.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import DynamicCache, GPT2LMHeadModel, PreTrainedTokenizerFast

from ..hardware.compiling import compilable
from ..hardware.device import to_device
from ..hardware.environment import plain, trim_memory
from ..hardware.precision import autocast
from ..hardware.threads import in_threads
from .heads import evaluating
from .losses import upcast
from .packed_rows import PackedRows, draw_in_two_levels
from .tokens import END_OF_PROMPT, Encoded, PromptError, decode, encode_prompts, position_ids

FEW = 128  # rows at a time where prompts are long: what they leave in the cache takes memory
DRAWN_AT_ONCE = 1 << 20  # numbers of a cumulated distribution


class Samples(NamedTuple):
    """Responses: tokens, logprobs and mask (B, T), T the longest; mask is 1 up to and including EOS.

    Where mask is 0, tokens are pad and logprobs 0. A row without EOS ran out of tokens.
    """

    tokens: Tensor
    logprobs: Tensor
    mask: Tensor


@torch.no_grad()  # not inference_mode: PPO's backward needs these tensors
def sample(
    policy: GPT2LMHeadModel,
    ids: Tensor,
    mask: Tensor,
    max_new_tokens: int,
    eos_id: int,
    pad_id: int,
    temperature: float | Tensor = 1.0,
    greedy: bool = False,
    generator: torch.Generator | None = None,
    among: tuple[int, Sequence[int]] | None = None,
) -> Samples:
    """Continue left-padded prompts, ids and mask (B, P), by at most max_new_tokens, never past n_positions.
    Prompts may be on the CPU wherever the policy is, and what is drawn comes back there.

    temperature is one for all or one for each row, (B,). greedy takes the likeliest token; log-probabilities
    are at `temperature` either way. Each row draws one uniform number a step, running or not, so what it
    draws does not depend on when the others end. among = (size, places): the rows are those of a larger
    batch, and draw what they would in it.
    """
    device, temperature = policy.device, torch.as_tensor(temperature).expand(len(ids))  # (B,)
    if not (temperature > 0).all():
        raise ValueError(
            f"temperature is {float(temperature.min())}; take one above 0, or greedy=True for the mode"
        )
    room = _room(policy, mask, max_new_tokens)  # (B,)
    size = B, T = len(ids), int(room.max())
    room, temperature = to_device(room, device), to_device(temperature, device)
    uniform = None if greedy else _uniform((T, B), device, generator, among)
    tokens = torch.full(size, pad_id, device=device)
    logprobs, written = torch.zeros(size, device=device), torch.zeros(size, dtype=mask.dtype, device=device)
    running = (PlainRows if plain() else PackedRows)(policy, ids, mask, T)

    def draw(logits: Tensor) -> None:
        rows, alive, t = running.rows, running.alive, running.t
        at_random = None if uniform is None else uniform[t, rows]
        token, logprob = choose(logits, temperature[rows, None], at_random)
        token = token.where(alive, pad_id)
        tokens[rows, t], written[rows, t] = token, alive.to(mask.dtype)
        logprobs[rows, t] = logprob.where(alive, 0.0)
        running.append(token, alive & (token != eos_id) & (t + 1 < room[rows]))

    with evaluating(policy):
        for _ in range(T):
            if not running.step(draw):
                break
    longest = int(written.any(dim=0).sum())
    return Samples(*(x[:, :longest].cpu() for x in (tokens, logprobs, written)))


@compilable
def choose(logits: Tensor, temperature: Tensor, uniform: Tensor | None) -> tuple[Tensor, Tensor]:
    """A token of each row and its log-probability: logits (rows, V), temperature (rows, 1), uniform (rows,),
    or None for the likeliest -> (rows,), (rows,)."""
    logp = F.log_softmax(upcast(logits).div_(temperature), dim=-1)  # (rows, V)
    token = logp.argmax(dim=-1) if uniform is None else draw_tokens(logp, uniform)
    return token, logp.gather(1, token[:, None])[:, 0]


def sample_texts(
    policy: GPT2LMHeadModel,
    tokenizer: PreTrainedTokenizerFast,
    prompts: Sequence[str],
    max_new_tokens: int = 48,
    temperature: float | Sequence[float] = 1.0,
    greedy: bool = False,
    generator: torch.Generator | None = None,
    batch_size: int = 512,
    end: str = END_OF_PROMPT,
) -> list[str]:
    """One response text for each prompt, in order; inside, prompts are sorted by length to save padding.

    temperature: one for all, or one for each prompt. end: what closes each prompt, see `encode_prompts`. On a
    CPU, each thread of torch samples batches of its own: one step of a small model is too little work to
    share.
    """
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    batches = _even_batches(order, batch_size)
    seeds = torch.randint(2**62, (len(batches),), generator=generator).tolist()
    ends = tokenizer.eos_token_id, tokenizer.pad_token_id
    limit = policy.config.n_positions - 1
    encoded = [encode_prompts(tokenizer, [prompts[i] for i in batch], limit, end) for batch in batches]
    each = torch.as_tensor(temperature).expand(len(prompts))

    def answer(prompt: Encoded, temperature: Tensor, seed: int) -> list[str]:
        draw = torch.Generator().manual_seed(seed)
        with autocast(policy.device):
            samples = sample(policy, *prompt, max_new_tokens, *ends, temperature, greedy, draw)
        trim_memory()
        return list(decode(tokenizer, samples.tokens))

    with evaluating(policy):
        answers = in_threads(answer, encoded, [each[batch] for batch in batches], seeds, device=policy.device)
    texts = dict(zip(order, chain.from_iterable(answers), strict=True))
    return [texts[i] for i in range(len(prompts))]


def _even_batches(order: list[int], batch_size: int) -> list[list[int]]:
    """Batches of nearly equal size, an even number of them unless they are few rows."""
    count = -(-len(order) // batch_size)
    count += count % 2 if len(order) >= 64 else 0
    size = -(-len(order) // max(1, count))
    return [order[i : i + size] for i in range(0, len(order), max(1, size))]


# --- The plain way ------------------------------------------------------------------------------------------


class PlainRows:
    """All rows, read by transformers' own forward pass with its cache, to the end of the longest."""

    def __init__(self, policy: GPT2LMHeadModel, ids: Tensor, mask: Tensor, max_new_tokens: int):
        self.policy, self.cache = policy, DynamicCache()
        self.new, self.mask = to_device(ids, policy.device), to_device(mask, policy.device)
        self.rows = torch.arange(len(ids), device=policy.device)
        self.alive = torch.ones_like(self.rows, dtype=torch.bool)
        self.t = torch.zeros(1, dtype=torch.long, device=policy.device)  # tokens that were drawn

    def step(self, draw: Callable[[Tensor], None]) -> bool:
        """Read the new tokens and hand to `draw` what predicts the next one, (B, V); it calls `append`. False
        when no row runs any more."""
        end = self.policy.config.n_positions - 1
        positions = position_ids(self.mask)[:, -self.new.shape[1] :].clamp(max=end)
        found = self.policy(
            input_ids=self.new,
            attention_mask=self.mask,
            position_ids=positions,
            past_key_values=self.cache,
            use_cache=True,
            logits_to_keep=1,
        )
        draw(found.logits[:, -1])
        return bool(self.alive.any())

    def append(self, token: Tensor, alive: Tensor) -> None:
        """Take the drawn tokens (B,) and who still runs after them (B,)."""
        self.new, self.alive, self.t = token[:, None], alive, self.t + 1
        self.mask = F.pad(self.mask, (0, 1), value=1)


# --- Room and chance ----------------------------------------------------------------------------------------


def _room(policy: GPT2LMHeadModel, mask: Tensor, max_new_tokens: int) -> Tensor:
    """How many tokens each row may get: max_new_tokens, or what its prompt leaves of n_positions. -> (B,)"""
    limit = policy.config.n_positions
    room = (limit - mask.sum(dim=1)).clamp(max=max_new_tokens)
    if len(room) == 0 or max_new_tokens < 1:
        raise ValueError(f"{len(room)} prompts, {max_new_tokens} new tokens: ask for at least 1")
    if room.min() < 1:
        longest = int(mask.sum(dim=1).max())
        raise PromptError(f"a prompt of {longest} tokens fills the model, which reads {limit}; shorten it")
    return room


def _uniform(size: tuple[int, int], device: torch.device, generator: torch.Generator | None, among) -> Tensor:
    """One number for each row and token, (T, B), drawn token by token; rows of a larger batch get what they
    would get in it (see `sample`)."""
    T, B = size
    source = device if generator is None else generator.device
    rows = B if among is None else among[0]
    drawn = torch.rand(T, rows, dtype=torch.float64, generator=generator, device=source)
    if among is not None:
        drawn = drawn[:, list(among[1])]
    return to_device(drawn, device)


def draw_tokens(logp: Tensor, uniform: Tensor) -> Tensor:
    """Inverse CDF, the first token whose cumulated probability exceeds u: (rows, V), (rows,) -> (rows,).

    Several times faster than torch.multinomial; in float64, or rare tokens of a large vocabulary are lost. A
    few rows at a time, or with such a vocabulary that takes more memory than all the rest of a step.
    """
    if logp.device.type != "cpu" and not plain():
        return draw_in_two_levels(logp, uniform)
    few, tokens = max(1, DRAWN_AT_ONCE // logp.shape[1]), []
    for some, u in zip(logp.split(few), uniform.split(few), strict=True):
        cdf = some.exp().cumsum(dim=-1, dtype=torch.float64)
        tokens.append(torch.searchsorted(cdf, u[:, None] * cdf[:, -1:], right=True)[:, 0])
    return torch.cat(tokens).clamp(max=logp.shape[1] - 1)
