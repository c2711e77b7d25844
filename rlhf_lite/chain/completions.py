"""Completions for people to rank: several to each prompt, sampled as in the paper (Fig. 2), or found by beam
search, as some retellings of it say."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import torch
from transformers import GPT2LMHeadModel, PreTrainedTokenizerFast

from ..config import RankingsConfig
from ..data.records import Row
from ..hardware.device import to_device
from ..models.sampling import sample_texts
from ..models.tokens import decode, encode_prompts


def sample_completions(
    policies: list[GPT2LMHeadModel],
    tokenizer: PreTrainedTokenizerFast,
    prompts: list[Row],
    cfg: RankingsConfig,
    seed: int,
    name: str,
) -> list[tuple[Row, list[str]]]:
    """K completions for each prompt, K drawn from 4 ... 9, dealt out over the policies; empty ones are
    dropped.

    Temperatures differ, so that the answers do: cold ones are nearly as good as those of reinforcement
    learning, hot ones say something else, which no demonstration does and a reward model has to see once to
    mind it.
    """
    rng = Random(f"completions-{seed}-{name}")
    counts = [rng.randint(cfg.k_min, cfg.k_max) for _ in prompts]
    wanted = [(i, rng.randrange(len(policies))) for i, k in enumerate(counts) for _ in range(k)]
    completions: list[list[str]] = [[] for _ in prompts]
    for p, policy in enumerate(policies):
        rows = [i for i, chosen in wanted if chosen == p]
        temperatures = [cfg.coldest * (cfg.hottest / cfg.coldest) ** rng.random() for _ in rows]
        generator = torch.Generator().manual_seed(rng.getrandbits(60))
        asked = [prompts[i]["text"] for i in rows]
        texts = sample_texts(policy, tokenizer, asked, cfg.max_new_tokens, temperatures, generator=generator)
        for i, text in zip(rows, texts, strict=True):
            if text.strip():
                completions[i].append(text)
    return [(row, texts) for row, texts in zip(prompts, completions, strict=True) if len(texts) >= 2]


def beam_completions(
    policies: list[GPT2LMHeadModel],
    tokenizer: PreTrainedTokenizerFast,
    prompts: list[Row],
    cfg: RankingsConfig,
    seed: int,
    name: str,
) -> list[tuple[Row, list[str]]]:
    """The K completions of each prompt that a beam search of one of the policies likes best: by the mean of
    their tokens' log-probabilities."""
    rng = Random(f"beams-{seed}-{name}")
    dealt = [rng.randrange(len(policies)) for _ in prompts]
    counts = [rng.randint(cfg.k_min, cfg.k_max) for _ in prompts]
    completions: list[list[str]] = [[] for _ in prompts]
    for p, policy in enumerate(policies):
        rows = [i for i, chosen in enumerate(dealt) if chosen == p]
        asked = [prompts[i]["text"] for i in rows]
        found = beam_texts(policy, tokenizer, asked, cfg.k_max, cfg.max_new_tokens)
        for i, texts in zip(rows, found, strict=True):
            completions[i] = [text for text in texts if text.strip()][: counts[i]]
    return [(row, texts) for row, texts in zip(prompts, completions, strict=True) if len(texts) >= 2]


@torch.no_grad()
def beam_texts(
    policy: GPT2LMHeadModel,
    tokenizer: PreTrainedTokenizerFast,
    prompts: Sequence[str],
    beams: int,
    max_new_tokens: int = 48,
    batch_size: int = 64,
) -> list[list[str]]:
    """The best responses to each prompt, `beams` of them, as transformers' beam search finds them."""
    longest = policy.config.n_positions - max_new_tokens
    ends = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    order, texts = sorted(range(len(prompts)), key=lambda i: len(prompts[i])), {}
    for start in range(0, len(order), batch_size):
        batch = order[start : start + batch_size]
        ids, mask = encode_prompts(tokenizer, [prompts[i] for i in batch], longest)  # (B, P) each
        found = policy.generate(
            to_device(ids, policy.device),
            attention_mask=to_device(mask, policy.device),
            num_beams=beams,
            num_return_sequences=beams,
            max_new_tokens=max_new_tokens,
            do_sample=False,
            **ends,
        )  # (B * beams, P + T), those of one prompt below one another
        answers = list(decode(tokenizer, found[:, ids.shape[1] :].cpu()))
        texts |= {i: answers[n * beams : (n + 1) * beams] for n, i in enumerate(batch)}
    return [texts[i] for i in range(len(prompts))]
